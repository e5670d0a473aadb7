"""The list of requests and the review of one, on a real registry."""

from __future__ import annotations

from datetime import date

import pytest
from PySide6.QtCore import Qt

from desktop_app.domain.approval import ChangeClass
from desktop_app.domain.finding import Severity
from desktop_app.domain.policy import Meaning
from desktop_app.gui.pages.approvals import ApprovalsPage
from desktop_app.gui.pages.review import NOT_TESTED, ReviewPage
from desktop_app.operations import approvals, cards, findings, models, signing
from tests.desk import PASSPHRASE
from tests.gui.pages.seen import dialog_of, words


def ask(desk, stage="production"):
    return approvals.request(desk.as_("Dev Patel"), desk.version, desk.use, rationale="Better than before",
                             change_class=ChangeClass.MATERIAL, to_stage=stage, decide_by=date(2026, 11, 24))


def test_requests_that_wait_for_me_come_first_and_enter_opens_one(office, desk, qtbot):
    request = ask(desk)
    page = office.open(ApprovalsPage, "Rita Risk")
    assert [line.request.record.id for line in page.table.shown] == [request]
    assert page.table.shown[0].waits_for_me
    with qtbot.waitSignal(page.open_requested) as opened:
        qtbot.keyClick(page.table, Qt.Key.Key_Return)
    assert opened.args == ["review", {"request": request}]


def test_an_empty_registry_says_how_requests_come_to_be(office):
    page = office.open(ApprovalsPage)
    assert "No promotion was requested yet" in words(page)


def test_review_says_who_must_still_decide_and_what_blocks(office, desk):
    desk_tier_one(desk)
    request = ask(desk)
    page = office.open(ReviewPage, "Rita Risk", request=request)
    assert page.checklist.current.startswith("evidence")
    assert "waiting for you to approve" in words(page.right)
    assert "waiting to concur, within consumer protection" in words(page.right)
    assert "No recorded act of yours" in words(page.right)
    assert page.decide.isEnabled()
    assert "requirements block an approval" in words(page)


def desk_tier_one(desk):
    models.set_tier(desk.as_("Rita Risk"), desk.use, 1)


def test_every_line_of_the_policy_shows_what_it_rests_on(office, desk):
    cards.save(desk.as_("Dev Patel"), desk.version, {"summary": "Scores <b>applicants</b>"}, seen=0)
    findings.raise_finding(desk.as_("Val Idris"), desk.version, title="Thin files", description="Scored like full ones",
                           severity=Severity.MEDIUM)
    request = ask(desk)
    page = office.open(ReviewPage, "Rita Risk", request=request)
    for check in page.shown.review.dossier.record.checks:
        page.checklist.choose(check.key)
        said = words(page.middle)
        assert check.title in said
        if check.key == "card":
            assert "Scores <b>applicants</b>" in said
        if check.key.startswith("finding"):
            assert "Scored like full ones" in said
    page.checklist.choose(NOT_TESTED)
    assert "Model development document" in words(page.middle)


@pytest.mark.parametrize(("name", "reason"), [
    ("Dev Patel", "Your role is not asked"), ("Cora Compliance", "Your role is not asked")])
def test_who_may_not_decide_reads_the_reason_beside_the_button(office, desk, name, reason):
    page = office.open(ReviewPage, name, request=ask(desk))
    assert not page.decide.isEnabled()
    assert reason in words(page.right)
    assert reason in page.decide.accessibleDescription()


def test_only_the_requester_is_offered_to_withdraw(office, desk, qtbot):
    request = ask(desk)
    page = office.open(ReviewPage, "Rita Risk", request=request)
    assert not page.withdraw.isVisible()
    page = office.open(ReviewPage, "Dev Patel", request=request)
    assert page.withdraw.isVisible()
    page.withdraw.click()
    dialog = dialog_of()
    qtbot.keyClicks(dialog.reason, "made in error")
    dialog.attempt()
    office.settle()
    assert approvals.review(desk.as_("Rita Risk"), request).outcome == "withdrawn"


def test_news_since_frozen_is_shown_in_its_class(office, desk, qtbot):
    cards.save(desk.as_("Dev Patel"), desk.version, {"summary": "Scores applicants"}, seen=0)
    request = ask(desk)
    cards.save(desk.as_("Dev Patel"), desk.version, {"summary": "Scores all applicants"}, seen=1)
    findings.raise_finding(desk.as_("Val Idris"), desk.version, title="Late", description="Found later",
                           severity=Severity.LOW)
    page = office.open(ReviewPage, "Rita Risk", request=request)
    said = words(page.right)
    assert "To reconsider 1" in said
    assert "Card, revision 1: superseded by Card, revision 2" in said
    assert "Later information 1" in said


def test_export_writes_the_pdf_and_says_where(office, desk, qtbot, tmp_path):
    page = office.open(ReviewPage, "Rita Risk", request=ask(desk))
    page.export_to(tmp_path / "out.pdf")
    qtbot.waitUntil((tmp_path / "out.pdf").exists, timeout=30_000)
    office.settle()
    assert (tmp_path / "out.pdf").read_bytes()[:5] == b"%PDF-"
    dialog = dialog_of()
    assert "The audit PDF is written." in words(dialog)
    dialog.accept()


def test_a_rejection_is_not_called_a_missing_decision(office, desk):
    request, rita = ask(desk), desk.as_("Rita Risk")
    seen = approvals.review(rita, request)
    decision = signing.Decision(meaning=Meaning.REJECT, declared=True, comment="Not tested enough")
    signing.sign_off(rita, seen, signing.prepare(rita, seen, decision), PASSPHRASE)
    said = words(office.open(ReviewPage, "Rita Risk", request=request).right)
    assert "Rita Risk, Model risk manager\nreject" in said
    assert "did not decide" not in said
    assert "Not tested enough" in said
