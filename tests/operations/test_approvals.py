"""Promotion end to end on a real registry: request, read, sign, refuse, go stale."""

from __future__ import annotations

import pytest

from desktop_app.domain.approval import ChangeClass, TypedCondition
from desktop_app.domain.finding import Severity
from desktop_app.domain.policy import Meaning
from desktop_app.errors import Refused, StaleError, UserError
from desktop_app.operations import approvals, audit, cards, findings, inventory, signing
from tests.desk import PASSPHRASE, START, make_desk

YES = dict(declared=True, conflicts="none")


@pytest.fixture
def desk(tmp_path):
    made = make_desk(tmp_path)
    yield made
    made.workspace.close()


def ask(desk, name="Dev Patel", stage="production"):
    return approvals.request(desk.as_(name), desk.version, desk.use, rationale="Better than before",
                             change_class=ChangeClass.NEW, to_stage=stage)


def sign(desk, name, request, meaning=Meaning.APPROVE, passphrase=PASSPHRASE, **decision):
    ws = desk.as_(name)
    seen = approvals.review(ws, request)
    prepared = signing.prepare(ws, seen, signing.Decision(meaning=meaning, **(YES | decision)))
    return seen, prepared, signing.sign_off(ws, seen, prepared, passphrase)


def test_stage_changes_only_when_the_quorum_is_met(desk):
    request = ask(desk)
    assert approvals.review(desk.as_("Rita Risk"), request).outcome == "open"
    seen, prepared, change = sign(desk, "Rita Risk", request)
    assert "stage.changed" in change.kinds
    assert prepared.text.startswith("Approval of the use of a model\n\nI, Rita Risk, Model risk manager, approve")
    after = approvals.review(desk.as_("Cora Compliance"), request)
    assert (after.outcome, after.effective.to_stage) == ("effective", "production")
    row = inventory.overview(desk.workspace).rows[0]
    assert (row.stage, row.approval_basis) == ("production", "signed")
    assert audit.verify(desk.workspace).problems == ()


def test_a_retry_finds_its_own_result(desk):
    request = ask(desk)
    ws = desk.as_("Rita Risk")
    seen = approvals.review(ws, request)
    prepared = signing.prepare(ws, seen, signing.Decision(meaning=Meaning.APPROVE, **YES))
    first = signing.sign_off(ws, seen, prepared, PASSPHRASE)
    again = signing.sign_off(ws, seen, prepared, PASSPHRASE)
    assert (first.seq, first.kinds) == (again.seq, again.kinds)
    assert len(approvals.review(ws, request).sign_offs) == 1


@pytest.mark.parametrize(("name", "words"), [
    ("Dev Patel", "not asked to decide"), ("Ann Admin", "not asked to decide"), ("Val Idris", "not asked to decide"),
])
def test_who_has_no_role_is_refused_with_the_reason(desk, name, words):
    request = ask(desk)
    assert words in approvals.review(desk.as_(name), request).refusal.title
    with pytest.raises(Refused, match=words):
        sign(desk, name, request)


def test_the_requester_does_not_decide(desk):
    request = ask(desk, "Rita Risk")
    with pytest.raises(Refused, match="You requested this promotion"):
        sign(desk, "Rita Risk", request)


def test_a_recorded_part_blocks(desk):
    cards.save(desk.as_("Rita Risk"), desk.version, {"summary": "I wrote this"}, seen=0)
    request = ask(desk)
    with pytest.raises(Refused, match="recorded part") as refused:
        sign(desk, "Rita Risk", request)
    assert "wrote the card" in refused.value.detail


def test_wrong_passphrase_signs_nothing(desk):
    request = ask(desk)
    before = audit.head_seq(desk.workspace)
    with pytest.raises(Refused, match="passphrase is not right"):
        sign(desk, "Rita Risk", request, passphrase="not the passphrase")
    assert audit.head_seq(desk.workspace) == before


def test_a_basis_that_changed_since_it_was_read_is_refused_with_the_change(desk):
    request = ask(desk)
    ws = desk.as_("Rita Risk")
    seen = approvals.review(ws, request)
    prepared = signing.prepare(ws, seen, signing.Decision(meaning=Meaning.APPROVE, **YES))
    findings.raise_finding(desk.as_("Val Idris"), desk.version, title="Leakage", description="Target in features",
                           severity=Severity.HIGH)
    with pytest.raises(StaleError) as stale:
        signing.sign_off(ws, seen, prepared, PASSPHRASE)
    assert stale.value.differences == ("Finding F-1 Leakage: new, open",)
    assert approvals.review(ws, request).sign_offs == ()


def test_a_listed_member_that_was_superseded_stops_an_approval(desk):
    cards.save(desk.as_("Dev Patel"), desk.version, {"summary": "first"}, seen=0)
    request = ask(desk)
    cards.save(desk.as_("Dev Patel"), desk.version, {"summary": "second"}, seen=1)
    with pytest.raises(Refused, match="no longer what was frozen"):
        sign(desk, "Rita Risk", request)


def test_an_editorial_edit_is_later_information(desk):
    cards.save(desk.as_("Dev Patel"), desk.version, {"summary": "frist"}, seen=0)
    request = ask(desk)
    cards.save(desk.as_("Dev Patel"), desk.version, {"summary": "first"}, seen=1, editorial=True)
    news = approvals.review(desk.as_("Rita Risk"), request).news
    assert (news.reconsider, len(news.later)) == ((), 1)
    assert "stage.changed" in sign(desk, "Rita Risk", request)[2].kinds


def test_the_declaration_is_never_assumed(desk):
    with pytest.raises(UserError, match="declaration"):
        sign(desk, "Rita Risk", ask(desk), declared=False)


def test_a_rejection_needs_a_reason_and_ends_the_request(desk):
    request = ask(desk)
    with pytest.raises(UserError, match="Say why"):
        sign(desk, "Rita Risk", request, Meaning.REJECT)
    sign(desk, "Rita Risk", request, Meaning.REJECT, comment="Not good enough")
    seen = approvals.review(desk.as_("Rita Risk"), request)
    assert (seen.outcome, seen.sign_offs[0].comment) == ("rejected", "Not good enough")
    with pytest.raises(Refused):
        sign(desk, "Rita Risk", request)


def test_conditions_travel_to_the_stage(desk):
    condition = TypedCondition(text="Report monthly", owner="S. Haddad", due=START.date())
    request = ask(desk)
    sign(desk, "Rita Risk", request, Meaning.APPROVE_WITH_CONDITIONS, conditions=(condition,))
    row = inventory.overview(desk.workspace).rows[0]
    assert row.conditions_open == 1
    assert [c.key for c in inventory.overview(desk.workspace).counters] == []


def test_two_requests_do_not_wait_at_once(desk):
    ask(desk)
    with pytest.raises(Refused, match="already waits"):
        ask(desk)


def test_withdrawn_evidence_makes_an_approval_to_reconsider(desk, tmp_path):
    from desktop_app.operations import evidence

    paper = tmp_path / "paper.txt"
    paper.write_text("development document")
    filed = evidence.file_document(desk.as_("Dev Patel"), desk.version, paper, checklist="development")
    sign(desk, "Rita Risk", ask(desk))
    evidence.withdraw(desk.as_("Dev Patel"), filed, "wrong document")
    row = inventory.overview(desk.workspace).rows[0]
    assert row.reconsider == ("E-1 paper: withdrawn or no longer there",)
    assert audit.verify(desk.workspace).problems == ()


def test_tier_one_needs_three_people(tmp_path):
    desk = make_desk(tmp_path, tier=1)
    request = ask(desk)
    seen = approvals.review(desk.as_("Rita Risk"), request)
    assert seen.quorum.asked == 3
    assert {c.key for c in seen.dossier.record.blocking} >= {"evidence:fairness", "validation", "card"}
    with pytest.raises(Refused, match="requirements are not met"):
        sign(desk, "Rita Risk", request)
    desk.workspace.close()


def test_what_is_refused_is_refused_before_anything_is_read_or_declared(desk):
    request = ask(desk)
    seen = approvals.review(desk.as_("Rita Risk"), request)
    with pytest.raises(Refused, match="not asked to decide"):
        signing.prepare(desk.as_("Dev Patel"), seen, signing.Decision(meaning=Meaning.APPROVE))
    undeclared = signing.prepare(desk.as_("Rita Risk"), seen, signing.Decision(meaning=Meaning.APPROVE))
    assert "Stated: none" in undeclared.text
    with pytest.raises(UserError, match="declaration"):
        signing.sign_off(desk.as_("Rita Risk"), seen, undeclared, PASSPHRASE)
    key = desk.workspace.signer.key_of(desk.people["Rita Risk"]).path
    away = key.rename(key.with_suffix(".elsewhere"))
    with pytest.raises(Refused, match="Nobody acts for somebody else"):
        signing.prepare(desk.as_("Rita Risk"), seen, signing.Decision(meaning=Meaning.APPROVE))
    away.rename(key)
    approvals.withdraw(desk.as_("Dev Patel"), request, "too early")
    with pytest.raises(StaleError, match="no longer waits"):
        signing.prepare(desk.as_("Rita Risk"), seen, signing.Decision(meaning=Meaning.APPROVE))
