"""The log is recomputed while nothing else runs: said in the footer and on the page, an alarm where it does not match,
stopped by the settings and with the window.
"""

from __future__ import annotations

import sqlite3

import pytest

from desktop_app.gui.background import Background
from desktop_app.gui.main_window import MainWindow, PageSpec
from desktop_app.gui.pages import standing
from desktop_app.gui.pages.audit import AuditPage
from desktop_app.gui.pages.settings import SettingsPage
from desktop_app.gui.screens import _Forgetful
from desktop_app.gui.state import AppState
from desktop_app.operations import audit


@pytest.fixture
def window(office, qtbot, monkeypatch):
    monkeypatch.setattr(standing, "_verified", {})
    monkeypatch.setattr(standing, "_recomputed", {})
    pages = [PageSpec("audit", "Audit log", AuditPage), PageSpec("settings", "Settings", SettingsPage)]
    made = MainWindow(office.jobs("Ann Admin"), AppState(), pages=pages, settings=_Forgetful(),
                      standing=standing.standing)
    qtbot.addWidget(made)
    made.open_page("audit")
    with qtbot.waitExposed(made):
        made.show()
    office.settle()
    made.background = Background(made, pause=100_000)
    return made


def step(window, qtbot, office):
    with qtbot.waitSignal(window.background.stepped, timeout=10_000) as stepped:
        window.background.look()
    office.settle()
    return stepped.args[0]


def test_how_far_it_came_is_said_in_the_footer_and_on_the_page(window, qtbot, office, desk):
    head = audit.head_seq(desk.workspace)
    found = step(window, qtbot, office)
    assert (found.entries, found.problems) == (head, ())
    assert window._recomputed.text() == found.told
    assert f"Recomputed up to entry {head} of {head} at" in window.page._subline.text()


def test_a_mismatch_raises_the_alarm_of_the_window(window, qtbot, office, tmp_path):
    with sqlite3.connect(tmp_path / "registry.assay") as raw:
        kept = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in kept:
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute("UPDATE fact SET body = replace(body, 'Scores applicants', 'Scores people') WHERE kind = 'model'")
        for _, made in kept:
            raw.execute(made)
    raw.close()
    step(window, qtbot, office)
    assert window._alarm.isVisible()
    assert "The log does not verify. Entry " in window._alarm.text()
    assert window._log.itemAt(0).widget().text().startswith("! The log does not verify.")


def test_it_waits_while_something_else_runs(window, office):
    window.page.reload()
    window.background.look()
    assert window.background._step is None
    office.settle()


def test_the_settings_stop_it(window, qtbot, office):
    step(window, qtbot, office)
    page = window.open_page("settings")
    office.settle()
    assert page.recompute.value is True
    page.recompute.choose(False)
    assert not window.background.on
    assert not window.background._timer.isActive()
    assert not window._recomputed.isVisible()
    page.recompute.choose(True)
    assert window.background._timer.isActive()
