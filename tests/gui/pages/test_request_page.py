"""Requesting a promotion from the window."""

from __future__ import annotations

from desktop_app.gui.pages.request import RequestPage
from desktop_app.operations import approvals, models
from tests.gui.pages.seen import words


def test_the_outlook_is_shown_then_frozen_and_the_review_opens(office, desk, qtbot):
    page = office.open(RequestPage, "Dev Patel", version=desk.version, use=desk.use)
    assert page.stage.value == "validation"
    page.stage.choose("production")
    office.settle()
    assert "Model development document" in words(page.checks)
    assert "Model risk manager to approve" in words(page.checks)
    assert "Version 1" in words(page.members)
    qtbot.keyClicks(page.rationale, "Better than before")
    page.decide_by.setText("2026-12-01")
    with qtbot.waitSignal(page.open_requested, timeout=10_000) as opened:
        page.freeze.click()
    assert opened.args[0] == "review"
    seen = approvals.review(desk.as_("Rita Risk"), opened.args[1]["request"])
    assert (seen.request.record.to_stage, seen.request.record.rationale) == ("production", "Better than before")


def test_what_is_missing_is_said_and_what_was_typed_stays(office, desk, qtbot):
    page = office.open(RequestPage, "Dev Patel", version=desk.version, use=desk.use)
    page.submit()
    assert "The rationale is missing." in page.trouble.text()
    page.rationale.setPlainText("Better")
    page.decide_by.setText("soon")
    page.submit()
    assert "“soon” is not a day." in page.trouble.text()
    page.decide_by.clear()
    page.submit()
    office.settle()
    assert approvals.listing(desk.workspace)[0].outcome == "open"


def test_a_stage_the_policy_gives_no_way_to_is_refused_in_words(office, desk):
    from desktop_app.operations import models

    bare = models.add_version(desk.as_("Dev Patel"), models.register(desk.as_("Dev Patel"), "Bare"), "1")
    use = models.describe_use(desk.as_("Dev Patel"), models.version(desk.workspace, bare).model.model, "Nothing yet")
    page = office.open(RequestPage, "Dev Patel", version=bare, use=use)
    assert "The tier of this use is not set." in page.trouble.text()
    assert not page.freeze.isEnabled()


def test_who_may_not_request_reads_why(office, desk, qtbot):
    page = office.open(RequestPage, "Cora Compliance", version=desk.version, use=desk.use)
    page.rationale.setPlainText("Please")
    page.submit()
    office.settle()
    assert "Your role does not allow this." in page.trouble.text()
    assert page.rationale.toPlainText() == "Please"
    assert page.freeze.isEnabled()


def test_a_request_that_nobody_could_approve_says_so_on_its_button(office, desk, qtbot):
    models.set_tier(desk.as_("Rita Risk"), desk.use, 1)
    page = office.open(RequestPage, "Dev Patel", version=desk.version, use=desk.use)
    page.stage.choose("production")
    office.settle()
    assert page.freeze.text() == "Request anyway"
    assert "not met: nobody could approve it" in words(page)
    page.stage.choose("validation")
    office.settle()
    assert page.freeze.text() == "Freeze and request"
