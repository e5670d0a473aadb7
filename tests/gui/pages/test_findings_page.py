"""Findings: raise, answer, accept, close, with the rules that hold."""

from __future__ import annotations

from datetime import date

import pytest
from PySide6.QtCore import Qt

from desktop_app.domain.finding import FindingState, Severity
from desktop_app.gui.pages.findings import FindingsPage
from desktop_app.gui.pages.version import VersionPage
from desktop_app.operations import findings, models
from tests.gui.pages.seen import dialog_of, words


@pytest.fixture
def finding(desk):
    return findings.raise_finding(
        desk.as_("Val Idris"), desk.version, title="Thin <i>files</i>", description="Scored like full ones",
        severity=Severity.HIGH, owner=desk.people["Olga Owner"], due=date(2026, 11, 1))


def test_what_is_past_due_is_said_first(office, finding):
    page = office.open(FindingsPage, "Rita Risk")
    assert page._subline.text().startswith("1 past due · 1 open")
    assert "Thin <i>files</i>" in words(page.detail)


def test_one_can_be_asked_for_and_opens_its_version(office, finding, desk, qtbot):
    page = office.open(FindingsPage, "Rita Risk", finding=finding)
    with qtbot.waitSignal(page.open_requested) as opened:
        qtbot.keyClick(page.table, Qt.Key.Key_Return)
    assert opened.args == ["version", {"version": desk.version}]


def test_raise_by_keyboard(office, desk, qtbot):
    page = office.open(FindingsPage, "Val Idris")
    page.raise_finding()
    dialog = dialog_of()
    qtbot.waitUntil(lambda: dialog.version.count() == 1 and dialog.owner.count() > 1)
    qtbot.keyClicks(dialog.heading, "Drift is not watched")
    qtbot.keyClicks(dialog.description, "No threshold is set")
    qtbot.keyClick(dialog.heading, Qt.Key.Key_Return)
    office.settle()
    assert [line.now.finding.title for line in findings.listing(desk.workspace)] == ["Drift is not watched"]
    assert [line.now.finding.title for line in page.table.shown] == ["Drift is not watched"]


def another(desk):
    """A version that comes first in the inventory."""
    return models.add_version(desk.as_("Dev Patel"), models.register(desk.as_("Dev Patel"), "Aardvark"), "1")


def test_the_version_chosen_to_begin_with_is_the_one_in_front(office, finding, desk, qtbot):
    another(desk)
    page = office.open(FindingsPage, "Val Idris")
    page.raise_finding()
    dialog = dialog_of()
    qtbot.waitUntil(lambda: dialog.version.count() == 3)
    assert dialog.version.value == desk.version
    dialog.reject()


def test_the_version_that_was_opened_is_chosen_where_no_finding_is(office, desk, qtbot):
    another(desk)
    version = office.open(VersionPage, "Val Idris", version=desk.version, use=desk.use)
    page = office.open(FindingsPage, "Val Idris")
    page.state.select("version", version.state.selection("version"))  # one state a window
    page.raise_finding()
    dialog = dialog_of()
    qtbot.waitUntil(lambda: dialog.version.count() == 3)
    assert dialog.version.value == desk.version
    dialog.reject()


def test_without_a_version_in_front_none_is_chosen(office, desk, qtbot):
    another(desk)
    page = office.open(FindingsPage, "Val Idris")
    page.raise_finding()
    dialog = dialog_of()
    qtbot.waitUntil(lambda: dialog.version.count() == 3)
    qtbot.keyClicks(dialog.heading, "Drift is not watched")
    qtbot.keyClicks(dialog.description, "No threshold is set")
    dialog.attempt()
    assert "The version is missing." in dialog.error.text()
    dialog.reject()


def test_what_is_missing_is_said_in_the_dialog(office, desk, qtbot):
    page = office.open(FindingsPage, "Val Idris")
    page.raise_finding()
    dialog = dialog_of()
    qtbot.waitUntil(lambda: dialog.version.count() == 1)
    dialog.attempt()
    assert "What is wrong is missing." in dialog.error.text()
    dialog.reject()


def test_answer_accept_close_reopen(office, finding, desk, qtbot):
    def step(name, state, comment, until=None):
        page = office.open(FindingsPage, name)
        page.take_step(page.table.current, state)
        dialog = dialog_of()
        qtbot.keyClicks(dialog.comment, comment)
        if until:
            dialog.until.setText(until)
        dialog.attempt()
        office.settle()
        return dialog

    step("Olga Owner", FindingState.ANSWERED, "Being built")
    step("Rita Risk", FindingState.ACCEPTED, "By committee", "2027-01-31")
    step("Val Idris", FindingState.CLOSED, "Seen working")
    step("Val Idris", FindingState.OPEN, "Back again")
    line = findings.listing(desk.workspace)[0]
    assert [event[2] for event in line.events] == [
        FindingState.ANSWERED, FindingState.ACCEPTED, FindingState.CLOSED, FindingState.OPEN]


def test_the_owner_cannot_close_and_reads_why(office, desk, qtbot):
    findings.raise_finding(desk.as_("Val Idris"), desk.version, title="x", description="y", severity=Severity.LOW,
                           owner=desk.people["Rita Risk"])
    page = office.open(FindingsPage, "Rita Risk")
    page.take_step(page.table.current, FindingState.CLOSED)
    dialog = dialog_of()
    qtbot.keyClicks(dialog.comment, "It is fine")
    dialog.attempt()
    office.settle()
    assert "You own or answered this finding." in dialog.error.text()
    assert dialog.comment.toPlainText() == "It is fine"
    dialog.reject()
