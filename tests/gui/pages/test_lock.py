"""The idle lock over the real window on a real registry: what it hides, what goes on, who may unlock."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog

from desktop_app.domain.person import Role
from desktop_app.errors import UserError
from desktop_app.gui import app as gui_app
from desktop_app.gui import show_error
from desktop_app.gui.dialogs.form import GrowingText
from desktop_app.gui.lock import MINUTES, TITLE
from desktop_app.gui.pages import catalogue
from desktop_app.operations import people
from tests.desk import PASSPHRASE
from tests.gui.conftest import Memory


class Clock:
    now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def window(qtbot, qapp, desk):
    desk_of = catalogue.DESK._replace(open=lambda url, person: desk.as_("Ann Admin"), start="people", head=None)
    made = gui_app.build(qapp, None, None, desk_of, Memory())
    made.jobs._close_workspace = lambda: None  # the desk closes its own
    qtbot.addWidget(made)
    made.resize(1200, 800)
    made.show()
    qtbot.waitUntil(lambda: made.idle_lock is not None and bool(made.state.people) and made.jobs.idle, timeout=10_000)
    made.idle_lock._clock = Clock()
    made.idle_lock._last = Clock.now
    yield made
    made.jobs.shut_down()


def settle(window, qtbot):
    qtbot.waitUntil(lambda: window.jobs.idle, timeout=10_000)
    QApplication.processEvents()


def unlock(window, qtbot, passphrase=PASSPHRASE):
    page = window.idle_lock.page
    page.passphrase.clear()
    qtbot.keyClicks(page.passphrase, passphrase)
    qtbot.keyClick(page.passphrase, Qt.Key.Key_Return)
    settle(window, qtbot)


def actor(window):
    """Who the jobs that are started now act for."""
    said = []
    window.jobs.run(window, lambda ws, progress: ws.actor, then=said.append)
    QApplication.processEvents()
    while not said:
        QApplication.processEvents()
    return said[0]


def test_it_hides_everything_and_forgets_who_acts_until_the_passphrase(window, qtbot, desk):
    lock = window.idle_lock
    assert actor(window) == desk.people["Ann Admin"]
    lock.lock()
    assert lock.page.isVisible()
    assert not window.page.isVisible()
    assert not window.person.isVisible()
    assert window.windowTitle() == TITLE
    assert lock.page.heading.text() == "Locked. Ann Admin"
    assert lock.page.passphrase.hasFocus()
    for field in (lock.page.passphrase, lock.page.who):
        assert field.parentWidget().height() >= field.parentWidget().minimumSizeHint().height()  # nothing is cut
    assert (lock.page.passphrase.accessibleName(), lock.page.passphrase.accessibleDescription()) == (
        "Passphrase", "Locked. Ann Admin")
    assert (window.state.acting, actor(window)) == (None, None)
    unlock(window, qtbot)
    assert window.page.isVisible()
    assert window.windowTitle() == "People – Assaydesk"
    assert window.state.acting.name == "Ann Admin"
    assert actor(window) == desk.people["Ann Admin"]
    assert lock.page.passphrase.text() == ""


def test_a_wrong_passphrase_opens_nothing_and_the_delay_is_said(window, qtbot):
    window.idle_lock.lock()
    for _ in range(3):
        unlock(window, qtbot, "not the passphrase")
    page = window.idle_lock.page
    assert window.idle_lock.locked
    assert "The passphrase is not right." in page.error.text()
    assert "seconds" in page.error.text()
    assert "signed" not in page.error.text()
    assert page.passphrase.hasFocus()
    unlock(window, qtbot, "")
    assert window.idle_lock.locked


def test_shortcuts_and_the_search_do_nothing_while_locked(window, qtbot):
    window.idle_lock.lock()
    for key in (Qt.Key.Key_K, Qt.Key.Key_Q, Qt.Key.Key_L, Qt.Key.Key_J):
        qtbot.keyClick(window, key, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(window, Qt.Key.Key_1, Qt.KeyboardModifier.AltModifier)
    assert window.page_key == "people"
    assert not window.actions_table.offered()
    window.open_page("settings")  # as a job does that was waiting
    assert not window.actions_table.offered()
    assert window.windowTitle() == TITLE
    unlock(window, qtbot)
    assert window.page_key == "settings"
    assert window.windowTitle() == "Settings – Assaydesk"
    assert "find" in {action.id for action in window.actions_table.offered()}


def test_what_was_typed_in_a_dialog_survives_hidden(window, qtbot, desk):
    window.page._revoke(next(p for p in window.page.table.shown if p.name == "Dev Patel"), Role.DEVELOPER)
    (dialog,) = [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]
    qtbot.keyClicks(dialog.reason, "moved on")
    dialog.reason.setFocus()
    modality = dialog.windowModality()
    window.idle_lock.lock()
    assert not dialog.isVisible()
    unlock(window, qtbot)
    assert dialog.isVisible()
    assert dialog.windowModality() == modality != Qt.WindowModality.NonModal
    assert dialog.findChild(GrowingText).toPlainText() == "moved on"
    assert dialog.focusWidget() is dialog.reason
    qtbot.keyClicks(dialog.passphrase, PASSPHRASE)
    qtbot.keyClick(dialog.passphrase, Qt.Key.Key_Return)
    settle(window, qtbot)
    assert next(p for p in people.listing(desk.workspace) if p.name == "Dev Patel").roles == ()


def test_somebody_else_unlocks_as_themselves_and_sees_no_dialog_of_the_other(window, qtbot, desk):
    window.page.enrol("Nina")
    (dialog,) = [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]
    lock = window.idle_lock
    lock.lock()
    rita = next(p for p in window.state.people if p.name == "Rita Risk")
    lock.page.who.choose(rita)
    unlock(window, qtbot)
    assert (window.state.acting, actor(window)) == (rita, desk.people["Rita Risk"])
    assert not dialog.isVisible()
    window._act_as(next(p for p in window.state.people if p.name == "Ann Admin"))
    assert dialog.isVisible()
    assert dialog.name.text() == "Nina"
    dialog.reject()


def test_running_jobs_go_on_and_what_they_say_waits(window, qtbot, desk):
    started, go_on, seen = threading.Event(), threading.Event(), []

    def work(ws, progress):
        started.set()
        go_on.wait(10)
        return ws.me

    window.jobs.run(window, work, then=seen.append, title="a long job")
    started.wait(10)
    window.idle_lock.lock()
    go_on.set()
    qtbot.waitUntil(lambda: bool(seen), timeout=10_000)
    assert seen == [desk.people["Ann Admin"]]
    show_error.show_error(window, UserError("Something of before."))
    QApplication.processEvents()
    QApplication.processEvents()
    assert not [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]
    unlock(window, qtbot)
    (dialog,) = [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]
    assert dialog.accessibleName() == "Something of before."
    assert not dialog.testAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    dialog.accept()


def test_a_dialog_whose_work_ends_while_locked_does_not_come_back(window, qtbot, desk):
    window.page._grant(next(p for p in window.page.table.shown if p.name == "Dev Patel"), Role.AUDITOR)
    (dialog,) = [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]
    qtbot.keyClicks(dialog.passphrase, PASSPHRASE)
    dialog.attempt()
    window.idle_lock.lock()
    settle(window, qtbot)
    assert Role.AUDITOR in next(p for p in people.listing(desk.workspace) if p.name == "Dev Patel").roles
    unlock(window, qtbot)
    assert not [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]
    assert Role.AUDITOR in next(p for p in window.page.table.shown if p.name == "Dev Patel").roles


def test_it_locks_after_the_minutes_set_and_not_before(window, qtbot):
    lock = window.idle_lock
    assert (lock.minutes, set(MINUTES)) == (15, {0, 5, 15, 30, 60})
    lock._clock.now += 15 * 60 - 1
    lock.look()
    assert not lock.locked
    assert lock._timer.isActive()
    lock._clock.now += 1
    lock.look()
    assert lock.locked
    unlock(window, qtbot)
    lock._clock.now += 15 * 60 - 1
    qtbot.mouseMove(window, window.rect().center())
    qtbot.keyClick(window.windowHandle(), Qt.Key.Key_Shift)
    lock._clock.now += 15 * 60 - 1
    lock.look()
    assert not lock.locked  # a key was pressed meanwhile
    lock.set_minutes(0)
    lock._clock.now += 10**6
    lock.look()
    qtbot.keyClick(window.windowHandle(), Qt.Key.Key_Shift)
    assert not lock.locked
    assert not lock._timer.isActive()


def test_after_a_sleep_of_the_machine_the_first_key_locks_and_does_nothing_else(window, qtbot):
    lock = window.idle_lock
    lock._clock.now += 8 * 3_600  # no timer ran meanwhile
    qtbot.keyClick(window.windowHandle(), Qt.Key.Key_3, Qt.KeyboardModifier.AltModifier)
    assert lock.locked
    assert window.page_key == "people"


def test_it_is_set_on_the_settings_page_and_kept(window, qtbot):
    page = window.open_page("settings")
    settle(window, qtbot)
    assert page.lock_after.value == 15
    page.lock_after.choose(60)
    assert window.settings["lock_after"] == 60
    window.settings["lock_after"] = "nonsense"
    assert window.idle_lock.minutes == 15


def test_lock_now_is_a_command_and_says_when_nobody_could_unlock(window, qtbot):
    qtbot.keyClick(window, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert window.idle_lock.locked
    unlock(window, qtbot)
    window.state.offer_people(())
    window.actions_table.qaction("lock").trigger()
    assert not window.idle_lock.locked
    (dialog,) = [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]
    assert dialog.accessibleName() == "The window cannot be locked."
    dialog.accept()
    window.idle_lock._clock.now += 10**6
    window.idle_lock.look()
    assert not window.idle_lock.locked
