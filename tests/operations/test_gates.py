"""The gate: what it allows, and that it believes neither the inventory's table nor a decision that does not hold."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta

import pytest

from desktop_app.domain import basis, requirements
from desktop_app.domain.approval import PriorDecision, PromotionRequest, StageChanged
from desktop_app.domain.dossier import CheckState, MemberRole
from desktop_app.domain.exception import ExceptionKind, PolicyException
from desktop_app.domain.finding import Severity
from desktop_app.domain.policy import Meaning
from desktop_app.operations import approvals, dossiers, findings, gates, models, prior_decisions
from tests.desk import PASSPHRASE
from tests.operations.decided import ask, make_decided, sign


def answer(desk):
    found = gates.gate(desk.workspace, desk.version, desk.use)
    return found.allowed, " ".join(found.reasons)


def stage_changed(desk, **changes):
    """What an approval would record, with nobody's signature."""
    rita, request = desk.as_("Rita Risk"), ask(desk)
    with rita.store.write(rita.me, "x", request) as write:
        asked = write.reader.get(PromotionRequest, request).record
        write.add(StageChanged(**{
            "id": rita.store.new_id(), "model": asked.model, "version": asked.version, "use": asked.use,
            "request": request, "from_stage": asked.from_stage, "to_stage": asked.to_stage, "sign_offs": (),
            "effective_from": rita.today(), "review_by": date(2099, 1, 1)} | changes))


def excepted(desk, days=30, *, since=0):
    ws = desk.as_("Rita Risk")
    with ws.store.write(ws.me, "x", desk.version) as write:
        write.add(PolicyException(
            id=ws.store.new_id(), model=desk.model, version=desk.version, use=desk.use, reason="Needed",
            exception_kind=ExceptionKind.USE_BEFORE_VALIDATION, controls="Watched", authority="the risk committee",
            valid_from=ws.today() + timedelta(since), valid_to=ws.today() + timedelta(days)))


def test_a_decision_that_holds_is_allowed_and_another_stage_is_not(tmp_path):
    desk = make_decided(tmp_path).desk
    allowed, reasons = answer(desk)
    assert allowed, reasons
    assert reasons.startswith("In production until")
    assert "by signed decisions" in reasons
    assert not gates.gate(desk.workspace, desk.version, desk.use, "pilot").allowed
    desk.workspace.close()


def without_findings(workspace, now, freeze=dossiers.freeze):
    made = freeze(workspace, now)
    return replace(made, members=tuple(m for m in made.members if m.role is not MemberRole.FINDING))


def nothing_asked(workspace, now, freeze=dossiers.freeze):
    return replace(freeze(workspace, now), checks=())


def all_is_well(transition, history, asked, checks=requirements.checks):
    return tuple(replace(c, state=CheckState.SATISFIED) for c in checks(transition, history, asked))


@pytest.mark.parametrize(("module", "name", "changed", "severity", "said"), [
    (approvals, "freeze", nothing_asked, Severity.LOW, "leaves out what the policy asks for: Card complete for tier 3"),
    (requirements, "checks", all_is_well, Severity.LOW, "says satisfied of what was attention then: Exact artefact"),
    (requirements, "checks", all_is_well, Severity.CRITICAL,
     "says satisfied of what was blocking then: Critical finding F-1"),
    (requirements, "checks", all_is_well, Severity.CRITICAL,
     "it was given though the policy did not allow it: Critical finding F-1"),
], ids=["requirements left out", "said to be met", "a blocking one said to be met", "signed over it"])
def test_requirements_are_replayed_from_the_facts(desk, monkeypatch, module, name, changed, severity, said):
    findings.raise_finding(desk.as_("Val Idris"), desk.version, title="Leaks", description="x", severity=severity)
    with monkeypatch.context() as patch:
        patch.setattr(module, name, changed)
        sign(desk, "Rita Risk", ask(desk), Meaning.APPROVE)
    allowed, reasons = answer(desk)
    assert not allowed
    assert said in reasons


@pytest.mark.parametrize(("module", "name", "changed", "said"), [
    (basis, "review_by", lambda *_: date(2076, 1, 1), "until 1 Jan 2076, longer than the policy allows"),
    (approvals, "freeze", without_findings, "leaves out what was recorded then: Finding F-1 Small sample"),
], ids=["held for fifty years", "a finding left out"])
def test_what_a_changed_program_had_decided_opens_nothing(tmp_path, monkeypatch, module, name, changed, said):
    with monkeypatch.context() as patch:
        patch.setattr(module, name, changed)
        desk = make_decided(tmp_path).desk
    allowed, reasons = answer(desk)
    assert not allowed
    assert said in reasons
    desk.workspace.close()


def test_a_stage_change_with_no_sign_offs_opens_nothing(desk):
    stage_changed(desk)
    assert answer(desk) == (
        False, "The decision does not hold: the policy's quorum was not met when the stage changed.")


def test_a_stage_change_with_sign_offs_that_are_not_there_opens_nothing(desk):
    stage_changed(desk, sign_offs=("no",))
    allowed, reasons = answer(desk)
    assert not allowed
    assert "a sign-off behind a change of stage is missing" in reasons


def test_a_stage_change_after_a_rejection_opens_nothing(desk):
    request = ask(desk)
    sign(desk, "Rita Risk", request, Meaning.REJECT, comment="no")
    rita = desk.as_("Rita Risk")
    with rita.store.write(rita.me, "x", request) as write:
        asked = write.reader.get(PromotionRequest, request).record
        write.add(StageChanged(
            id=rita.store.new_id(), model=asked.model, version=asked.version, use=asked.use, request=request,
            from_stage=asked.from_stage, to_stage=asked.to_stage, sign_offs=(), effective_from=rita.today(),
            review_by=date(2099, 1, 1)))
    allowed, reasons = answer(desk)
    assert not allowed
    assert "the request was closed" in reasons


def test_a_prior_decision_nobody_signed_opens_nothing(desk):
    rita = desk.as_("Rita Risk")
    with rita.store.write(rita.me, "x", desk.version) as write:
        write.add(PriorDecision(
            id=rita.store.new_id(), model=desk.model, version=desk.version, use=desk.use, to_stage="production",
            decided_on=date(2020, 1, 1), decided_by="The board", outcome="approved", review_by=None,
            source_document=None, source="minutes", recorded_by=rita.me, key_id="nokey", envelope="garbage"))
    assert answer(desk) == (False, "A signature does not verify: the key is not that person's.")


def test_a_prior_decision_that_was_signed_is_allowed(desk):
    prior_decisions.record_prior(desk.as_("Rita Risk"), prior_decisions.Taken(
        version=desk.version, use=desk.use, to_stage="production", decided_on=date(2026, 1, 1), outcome="approved",
        decided_by="Credit board", review_by=date(2027, 1, 1), source="minutes"), PASSPHRASE)
    assert answer(desk) == (True, "In production until 1 Jan 2027, by a recorded prior decision.")


def test_an_edited_inventory_opens_nothing(tmp_path):
    decided = make_decided(tmp_path)
    desk = decided.desk
    models.set_tier(desk.as_("Rita Risk"), desk.use, 1)
    before = answer(desk)
    assert not before[0]
    with closing(sqlite3.connect(decided.path, isolation_level=None)) as raw:
        for version, use, body in raw.execute("SELECT version, use, body FROM inventory").fetchall():
            edited = json.loads(body) | {"reconsider": [], "approved_until": "2099-01-01"}
            raw.execute("UPDATE inventory SET body = ? WHERE version = ? AND use = ?",
                        [json.dumps(edited, sort_keys=True, separators=(",", ":")), version, use])
    assert answer(desk) == before
    desk.workspace.close()


def test_an_exception_in_force_allows_where_nothing_approves(desk):
    assert not answer(desk)[0]
    excepted(desk)
    assert answer(desk) == (True, "By exception until 20 Dec 2026, permitted by the risk committee.")


@pytest.mark.parametrize(("since", "days"), [(-30, -1), (1, 30)])
def test_an_exception_that_ended_or_has_not_begun_allows_nothing(desk, since, days):
    excepted(desk, days, since=since)
    assert not answer(desk)[0]


def test_an_exception_does_not_cover_a_decision_that_does_not_hold(desk):
    stage_changed(desk)
    excepted(desk)
    assert not answer(desk)[0]


def test_an_exception_does_not_set_aside_an_approval_to_be_reconsidered(tmp_path):
    desk = make_decided(tmp_path).desk
    models.set_tier(desk.as_("Rita Risk"), desk.use, 1)
    excepted(desk)
    allowed, reasons = answer(desk)
    assert not allowed
    assert "To reconsider" in reasons
    desk.workspace.close()


CHANGES = {
    "a fact": "UPDATE fact SET body = replace(body, 'Scores applicants', 'Scores everybody') WHERE kind = 'card'",
    "an entry": "UPDATE entry SET db_user = 'somebody' WHERE action = 'promotion.signed_off'",
}


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_allowed_on_what_was_changed_past_the_program(tmp_path, change):
    desk = make_decided(tmp_path).desk
    path = desk.workspace.store.folder / "registry.assay"
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        kept = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in kept:
            raw.execute(f"DROP TRIGGER {name}")
        assert raw.execute(CHANGES[change]).rowcount
        for _, statement in kept:
            raw.execute(statement)
    allowed, reasons = answer(desk)
    assert not allowed
    assert "changed past the program" in reasons
    desk.workspace.close()


def test_nothing_is_allowed_while_the_guards_are_off(tmp_path):
    desk = make_decided(tmp_path).desk
    with closing(sqlite3.connect(desk.workspace.store.folder / "registry.assay", isolation_level=None)) as raw:
        raw.execute("DROP TRIGGER fact_no_update")
    assert answer(desk) == (False, "What guards the registry is not as it was made: fact_no_update.")
    desk.workspace.close()


def test_a_stage_that_should_have_changed_is_named(desk, monkeypatch):
    """A program of one's own that records the last signature and leaves its consequence out."""
    from desktop_app.operations import audit, policies, signing
    from tests.operations.decided import two_decide

    policies.publish(desk.as_("Rita Risk"), two_decide(), PASSPHRASE)
    request = ask(desk)
    sign(desk, "Rita Risk", request, Meaning.APPROVE)
    monkeypatch.setattr(signing, "_consequence", lambda *_: None)
    sign(desk, "Cora Compliance", request, Meaning.CONCUR)
    assert [p.sentence for p in audit.verify(desk.workspace).problems] == [
        "the policy's quorum was met and the stage did not change"]
    assert not answer(desk)[0]
