"""Several decisions under one passphrase, in the window: each statement opened and declared before all are signed."""

from __future__ import annotations

from PySide6.QtCore import Qt

from desktop_app.domain.policy import Meaning
from desktop_app.gui.dialogs.sign_schedule import SignSchedule
from desktop_app.gui.pages.approvals import ApprovalsPage
from desktop_app.operations import approvals, audit
from tests.desk import PASSPHRASE
from tests.gui.pages.seen import dialog_of
from tests.operations.test_schedule import allow, ask, sign_offs


def opened(office, qtbot):
    page = office.open(ApprovalsPage, "Rita Risk")
    page.table.selectAll()
    page.sign_several()
    office.settle()
    dialog = dialog_of(SignSchedule)
    dialog.decision.choose(Meaning.RETURN)
    office.settle()
    dialog.comment.setPlainText("Not complete")
    qtbot.waitUntil(lambda: not dialog._pause.isActive())
    office.settle()
    return dialog


def test_each_statement_is_declared_by_itself_then_one_passphrase_signs_all(office, desk, qtbot):
    allow(desk)
    asked = [ask(desk, n) for n in "AB"]
    dialog = opened(office, qtbot)
    first = dialog.sheet.text
    assert not dialog.primary.isEnabled()
    dialog.tick.click()
    second = dialog.sheet.text
    assert first != second  # the next one is opened, not declared
    assert not dialog.tick.isChecked()
    assert not dialog.primary.isEnabled()
    qtbot.keyClicks(dialog.passphrase, PASSPHRASE)
    dialog.attempt()
    assert "Not every statement is declared." in dialog.error.text()
    dialog.tick.click()
    assert dialog.primary.isEnabled()
    dialog.attempt()
    office.settle()
    assert {s.record.request for s in sign_offs(desk)} == set(asked)
    assert audit.verify(desk.workspace).ok


def test_another_comment_has_everything_declared_anew(office, desk, qtbot):
    allow(desk)
    for n in "AB":
        ask(desk, n)
    dialog = opened(office, qtbot)
    dialog.tick.click()
    dialog.tick.click()
    assert dialog.primary.isEnabled()
    dialog.comment.setPlainText("Something else")
    assert not dialog.primary.isEnabled()  # at once, not only when the statements are built again
    assert dialog.prepared == ()
    qtbot.waitUntil(lambda: not dialog._pause.isActive())
    office.settle()
    dialog.tick.click()
    dialog.tick.click()
    dialog.decision.choose(Meaning.REJECT)
    assert not dialog.primary.isEnabled()
    office.settle()
    assert not dialog.tick.isChecked()
    dialog.reject()


def test_one_that_changed_is_said_and_the_others_are_recorded(office, desk, qtbot):
    allow(desk)
    asked = [ask(desk, n) for n in "AB"]
    dialog = opened(office, qtbot)
    dialog.tick.click()
    dialog.tick.click()
    approvals.withdraw(desk.as_("Dev Patel"), asked[0], "not now")
    qtbot.keyClicks(dialog.passphrase, PASSPHRASE)
    qtbot.keyClick(dialog.passphrase, Qt.Key.Key_Return)
    office.settle()
    assert "1 of 2 were not signed off." in dialog.error.text()
    assert "R-1:" in dialog.error.text()
    assert "Recorded: R-2." in dialog.error.text()
    assert len(sign_offs(desk)) == 1
    dialog.reject()


def test_where_the_policy_does_not_allow_it_that_is_said(office, desk, qtbot):
    for n in "AB":
        ask(desk, n)
    page = office.open(ApprovalsPage, "Rita Risk")
    page.table.clearSelection()
    page.sign_several()
    assert dialog_of().accessibleName() == "Fewer than two requests that wait for you are chosen."
    dialog_of().accept()
    page.table.selectAll()
    page.sign_several()
    office.settle()
    (error,) = office.errors
    assert "passphrase at every decision" in error.title
    office.errors.clear()
