"""The footer of the window says what the last verification of the log came to."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

import pytest

from desktop_app.domain.audit import CheckReport, Problem
from desktop_app.domain.canonical import Digest
from desktop_app.gui.main_window import MainWindow, PageSpec
from desktop_app.gui.pages import standing
from desktop_app.gui.pages.audit import AuditPage
from desktop_app.gui.screens import _Forgetful
from desktop_app.gui.state import AppState
from desktop_app.operations import audit


@pytest.fixture
def window(office, qtbot, monkeypatch):
    monkeypatch.setattr(standing, "_verified", {})
    made = MainWindow(office.jobs("Ann Admin"), AppState(), pages=[PageSpec("audit", "Audit log", AuditPage)],
                      settings=_Forgetful(), standing=standing.standing)
    qtbot.addWidget(made)
    made.open_page("audit")
    with qtbot.waitExposed(made):
        made.show()
    office.settle()
    return made


def footer(window):
    return window._log.itemAt(0).widget().text()


def test_a_verification_on_the_page_of_the_log_is_said_in_the_footer(window, office, qtbot, desk, tmp_path):
    window.refresh_standing()
    office.settle()
    head = audit.head_seq(desk.workspace)
    assert footer(window).startswith(f"✓ Log verified to entry {head:,} at ")
    with sqlite3.connect(tmp_path / "registry.assay") as raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute("UPDATE entry SET note = 'x' WHERE seq = 2")
    raw.close()
    with qtbot.waitSignal(window.page.verified, timeout=10_000):
        window.page.verify()
    office.settle()
    assert footer(window).startswith("! The log does not verify: entry ")


def test_what_could_not_be_judged_has_no_tick():
    doubt = Problem(check="2 canonical form", seq=7, sentence="it was written by a newer program")
    known = standing.Verified(entries=9, ok=False, unclear=True, first_problem="entry 7, x", at=datetime.now(UTC))
    report = CheckReport(checks=(), problems=(), entries=9, head=Digest("0" * 64), not_checked=(), unclear=(doubt,))
    assert not report.ok
    ((state, said), _) = standing._sentences(known, 9)
    assert (state, said) == ("undetermined", "The log could not be judged wholly: entry 7, x.")
