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
from desktop_app.operations import audit, checkpoints, registries, restoring
from desktop_app.registry._sqlite import guards
from tests.desk import PASSPHRASE


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
    found = checkpoints.HeadCheck(state="first", entries=9, root=Digest(""))
    ((state, said), _) = standing._sentences(known, 9, found)
    assert (state, said) == ("undetermined", "The log could not be judged wholly: entry 7, x.")


def cut(registry, entries=1):
    """Remove entries from the end, as whoever owns the file can, and put the guards back."""
    with sqlite3.connect(registry) as raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        for table in ("fact", "blob", "entry"):
            raw.execute(f"DELETE FROM {table} WHERE seq > (SELECT max(seq) - ? FROM entry)", [entries])
        for name, statement in guards().items():
            if name != "signed_once":
                raw.execute(statement)
    raw.close()


def test_a_log_that_was_cut_is_an_alarm_across_every_page_and_never_has_a_tick(window, office, desk, tmp_path):
    window.refresh_standing()
    office.settle()
    assert window._alarm.isHidden()
    head = audit.head_seq(desk.workspace)
    cut(tmp_path / "registry.assay", 2)
    standing._verified.clear()
    for _ in range(2):  # it is not learnt anew by looking again
        window.reload()
        office.settle()
        assert window._alarm.isVisible()
        said = window._alarm.text()
        assert said.startswith("This log is shorter than it was.")
        assert f"This computer saw {head:,} entries" in said
        assert "2 are gone from its end" in said
        assert "whoever audits the registry" in said
        assert window._log.count() == 1
        assert footer(window) == "! This log is shorter than it was."
        assert window.page._subline.text().startswith("! This log is shorter than it was.")


def test_the_footer_and_the_page_say_since_when_the_log_agrees(window, office, desk):
    window.reload()
    office.settle()
    window.reload()
    office.settle()
    assert window._log.itemAt(1).widget().text().startswith("It agrees with all that this computer saw since ")
    assert "It agrees with all that this computer saw since 20" in window.page._subline.text()
    assert window._alarm.isHidden()


def test_a_log_seen_for_the_first_time_says_so(desk):
    found = checkpoints.check_head(desk.workspace)
    assert standing.agreement(found) == (
        "note", "Seen for the first time on this computer: nothing to compare it with yet.")


def test_a_restored_registry_says_so_across_every_page(window, office, desk, tmp_path):
    ann = desk.as_("Ann Admin")
    made = registries.backup(ann, tmp_path / "saved.assay")
    restoring.restore(made.path, tmp_path / "registry.assay", "Ann Admin", PASSPHRASE, reason="The disk failed.",
                      anyway=True)
    window.reload()
    office.settle()
    assert window._alarm.isVisible()
    assert window._alarm.text() == (
        f"This registry was restored at entry {made.entries + 1:,} by Ann Admin, from a backup of {made.entries:,} "
        f"entries; the log it replaced had {made.entries + 1:,} entries. Reason: The disk failed. What was recorded "
        "after the backup is not here.")
