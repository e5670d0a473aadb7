"""A window whose server is away offers the copy, reads it with its age, records nothing in it, and connects again."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest
from PySide6.QtWidgets import QApplication, QPushButton

from desktop_app.errors import Lost
from desktop_app.gui import app as gui_app
from desktop_app.gui import watch
from desktop_app.gui.dialogs.register_model import RegisterModel
from desktop_app.gui.main_window import MainWindow
from desktop_app.gui.offline import Renewal
from desktop_app.gui.pages.catalogue import DESK
from desktop_app.operations import copies, models
from desktop_app.registry.store import system_clock
from tests.desk import make_desk
from tests.gui.conftest import Memory
from tests.gui.pages.seen import words


@pytest.fixture
def address(postgres):
    return postgres.database()


@pytest.fixture
def team(tmp_path, address, monkeypatch):
    """A registry on a server; everybody's keys are on this computer, and it can be taken away."""
    keys = tmp_path / "keys"
    monkeypatch.setattr("desktop_app.workspace.keys_folder", lambda folder: keys)
    monkeypatch.setattr(watch.Watch.__init__, "__kwdefaults__", watch.Watch.__init__.__kwdefaults__ | {"every": 20})
    made = make_desk(tmp_path, now=system_clock, address=address)
    (keys / "no-keyring").touch()
    with closing(made.workspace):
        yield made


@pytest.fixture
def shown(qapp, qtbot):
    """The window that is shown now; all of them are closed in the end."""
    def now():
        (found,) = [w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow) and w.isVisible()]
        return found

    yield now
    for window in [w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow)]:
        window.close()
        window.deleteLater()
    qtbot.wait(50)


def press(window, text):
    (button,) = [b for b in window.findChildren(QPushButton) if b.isVisible() and b.text().startswith(text)]
    button.click()


def names(window):
    return [row.name for row in window.page.table.records_model.shown] if window.page_key else []


def test_the_copy_is_offered_read_and_left_again(team, shown, qtbot, address, settings, monkeypatch):
    copies.take(team.as_("Ann Admin"))
    with monkeypatch.context() as away:
        away.setattr("desktop_app.workspace.open_store", _away)
        gui_app.show_window(QApplication.instance(), address, "Ann Admin", DESK, settings)
        first = shown()
        qtbot.waitUntil(lambda: "Not connected" in first.away.text, timeout=10_000)
        press(first, "Read the copy of ")
        copy = shown()
        assert copy is not first
        qtbot.waitUntil(lambda: names(copy) == ["Scorecard"], timeout=10_000)
        qtbot.waitUntil(lambda: "(less than a minute old)" in copy.notice.text)
        qtbot.waitUntil(lambda: copy.state.registry == "Test registry (a copy)")
        assert copy.state.acting.name == "Ann Admin"
        assert (copy.away.text, copy.renewal) == ("", None)
        dialog = RegisterModel(copy.jobs, copy.page)
        dialog.open()
        assert not dialog.primary.isEnabled()
        assert "nothing can be recorded in it" in dialog.error.text()
        dialog.reject()
    press(copy, "Connect again")
    again = shown()
    qtbot.waitUntil(lambda: names(again) == ["Scorecard"], timeout=10_000)
    qtbot.waitUntil(lambda: again.state.registry == "Test registry")
    assert (again.away.text, again.notice.text) == ("", "")
    assert not again.jobs.reads_only


def test_a_copy_that_is_not_there_is_said_with_the_way_back(team, shown, qtbot, address, settings):
    gui_app.show_window(QApplication.instance(), address, "Ann Admin", DESK, settings, offline=True)
    window = shown()
    qtbot.waitUntil(lambda: bool(window.page_key) and window.page._panel is not None and "no copy of this registry" in
                    window.page._panel.accessibleName(), timeout=10_000)
    press(window, "Connect again")
    qtbot.waitUntil(lambda: names(shown()) == ["Scorecard"], timeout=10_000)


def test_the_settings_take_and_delete_a_copy(team, shown, qtbot, address, settings):
    gui_app.show_window(QApplication.instance(), address, "Ann Admin", DESK, settings)
    window = shown()
    qtbot.waitUntil(lambda: bool(window.page_key) and window.state.acting is not None, timeout=10_000)
    page = window.open_page("settings")
    qtbot.waitUntil(lambda: page.own_copy._address != "", timeout=10_000)
    part = page.own_copy
    assert not part.delete_button.isEnabled()
    part.take_button.click()
    qtbot.waitUntil(lambda: copies.kept(address) is not None and part.delete_button.isEnabled(), timeout=10_000)
    assert "taken on " in words(part)
    part.delete_button.click()
    qtbot.waitUntil(lambda: not part.delete_button.isEnabled())
    assert copies.kept(address) is None
    part.renew.choose(True)
    assert window.renewal.on


def test_a_copy_is_renewed_when_it_is_a_day_old_and_never_begun_by_itself(team, shown, qtbot, address):
    ann = team.as_("Ann Admin")
    gui_app.show_window(QApplication.instance(), address, "Ann Admin", DESK, Memory(recompute="no"))
    window = shown()
    qtbot.waitUntil(lambda: window.state.acting is not None and window.jobs.idle, timeout=10_000)
    renewal = Renewal(window, DESK, lambda: DESK.kept(address), every=1_000_000)
    renewal.set_on(True)
    renewal.look()
    assert renewal._job is None
    first = copies.take(ann)
    models.register(ann, "Later")
    for after, wanted in ((timedelta(hours=23), False), (timedelta(hours=25), True)):
        qtbot.waitUntil(lambda: window.jobs.idle, timeout=10_000)
        renewal.look(first.taken + after)
        assert (renewal._job is not None) is wanted
    qtbot.waitUntil(lambda: copies.kept(address).entries == first.entries + 2, timeout=10_000)


def _away(address, clock):
    raise Lost("The registry's server cannot be reached.", address, "Try again.")
