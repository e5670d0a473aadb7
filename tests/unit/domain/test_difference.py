"""What a fact changed, in words: held against the earlier facts about the same thing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from desktop_app.domain.approval import (
    ChangeClass,
    Condition,
    ConditionEvent,
    PriorDecision,
    PromotionClosed,
    PromotionRequest,
    SignOff,
    StageChanged,
)
from desktop_app.domain.canonical import Digest, Id
from desktop_app.domain.card import CardRevision
from desktop_app.domain.difference import _RULES, concerns, differences, family, thing
from desktop_app.domain.evidence import Evidence, EvidenceKind, EvidenceWithdrawn, Standing
from desktop_app.domain.finding import Finding, FindingEvent, FindingState, Severity
from desktop_app.domain.model import AliasMoved, ArtefactResolved, ModelVersion, Pair, RegisteredModel, VersionRevised
from desktop_app.domain.person import KeyEnrolled, KeyRevoked, Role, RoleGranted, RoleRevoked
from desktop_app.domain.policy import DecisionRule, DocumentLine, EvidenceRule, Meaning, Policy, Stage, Transition
from desktop_app.domain.use import Tiering
from tests.unit.domain.facts import IDENTITY, M, U, V
from tests.unit.domain.records import sample

NAMES = {Id("ann"): "Ann Admin", Id("bo"): "Bo Risk"}
MV = {"model": M, "version": V}


def told(fact, *earlier):
    for old in earlier:
        assert concerns(old, thing(fact))
    return [d.told for d in differences(fact, earlier, NAMES)]


def test_a_tier():
    one, two = (Tiering(id=Id(f"t{n}"), model=M, use=U, tier=n, basis="judgement") for n in (1, 2))
    assert told(one, two) == ["Tier: 2 → 1"]


def test_a_card_is_compared_field_by_field_with_the_whole_text():
    old = CardRevision(id=Id("c1"), **MV, revision=1, fields=(
        Pair(key="limits", value="Up to € 5,000"), Pair(key="purpose", value="Cards"), Pair(key="data", value="x")))
    new = CardRevision(id=Id("c2"), **MV, revision=2, fields=(
        Pair(key="limits", value="Up to € 7,500, " + "and so on " * 20), Pair(key="purpose", value="Cards")))
    first, gone = differences(new, [old], NAMES)
    assert (first.what, first.before) == ("Card field “limits”", "Up to € 5,000")
    assert first.after == new.text("limits")
    assert first.told.startswith("Card field “limits”: Up to € 5,000 → “Up to € 7,500, and so on")
    assert first.told.endswith("…”")
    assert gone.told == "Card field “data”: x → nothing"


def test_what_a_model_is_said_to_be_names_people_and_tells_what_was_taken_away():
    old = RegisteredModel(id=Id("1"), model=M, revision=1, name="Scorecard", owner=Id("ann"), technique="GLM",
                          tags=(Pair(key="a", value="1"),))
    new = replace(old, id=Id("2"), revision=2, owner=Id("bo"), technique="", tags=(Pair(key="a", value="2"),))
    assert told(new, old) == ["Technique: GLM → nothing", "Owner: Ann Admin → Bo Risk", "Tags: a = 1 → a = 2"]


def finding(**more):
    return Finding(id=Id("f"), **MV, title="Too old", description="Data of 2019", severity=Severity.HIGH, **more)


def event(state, n, **more):
    return FindingEvent(id=Id(f"e{n}"), model=M, finding=Id("f"), state=state, comment=f"said {n}", **more)


def test_a_finding_is_answered_and_what_is_said_once_is_not_replaced():
    opened, answered = finding(due=date(2026, 12, 1)), event(FindingState.ANSWERED, 1, due=date(2026, 12, 24))
    assert told(answered, opened) == ["State: open → answered", "Due: 1 Dec 2026 → 24 Dec 2026", "Comment: said 1"]
    closed = event(FindingState.CLOSED, 2)
    assert told(closed, opened, answered) == ["State: answered → closed", "Comment: said 2"]


def test_a_role_is_granted_and_revoked():
    grant = RoleGranted(id=Id("g"), person=Id("ann"), role=Role.MODEL_RISK,
                        valid_from=datetime(2026, 11, 1, tzinfo=UTC), valid_to=datetime(2027, 11, 1, tzinfo=UTC))
    assert told(grant) == ["Role of Ann Admin: Model risk manager, from 1 Nov 2026 to 1 Nov 2027"]
    end = RoleRevoked(id=Id("r"), grant=Id("g"), person=Id("ann"), role=Role.MODEL_RISK, reason="Left")
    assert told(end, grant) == ["Role of Ann Admin: Model risk manager → nothing", "Reason: Left"]


def test_a_key_is_revoked():
    key = KeyEnrolled(id=Id("k"), person=Id("ann"), key_id="abc", algorithm="ed25519", public_key="", proof="",
                      factors="passphrase only")
    end = KeyRevoked(id=Id("r"), person=Id("ann"), key_id="abc", reason="Lost",
                     compromised_since=datetime(2026, 11, 1, 9, 30, tzinfo=UTC))
    assert told(end, key) == ["Key abc of Ann Admin: in force, passphrase only → revoked; not trusted since 1 Nov 2026 "
                              "09:30 UTC", "Reason: Lost"]
    assert not concerns(replace(key, key_id="other"), thing(end))


def stage(n, before, after, **more):
    return StageChanged(id=Id(f"s{n}"), **MV, use=U, request=Id("r"), from_stage=before, to_stage=after, sign_offs=(),
                        effective_from=date(2026, 11, n), review_by=date(2027, 11, 1), **more)


def test_a_stage_with_and_without_an_earlier_decision():
    first = stage(1, "development", "validation")
    assert told(first)[0] == "Stage: development → validation"
    assert told(stage(2, "validation", "production"), first) == [
        "Stage: validation → production", "In force from: 1 Nov 2026 → 2 Nov 2026"]


def test_a_condition_is_met_and_a_prior_decision_had_conditions():
    due = Condition(text="Monitor", owner=Id("bo"), due=date(2027, 1, 1))
    met = ConditionEvent(id=Id("c"), model=M, decision=Id("s"), condition=0, state="met", comment="Done")
    assert told(met) == ["Condition 1: met", "Condition 1: Comment: Done"]
    prior = replace(sample(PriorDecision), version=V, use=U, outcome="approved", to_stage="production",
                    conditions=(due,))
    assert [d.what for d in differences(prior, [], {})] == ["Stage", "In force from", "Review by", "Conditions"]
    assert told(replace(prior, outcome="rejected")) == ["Decided elsewhere: rejected"]


def test_a_request_is_decided_and_closed():
    asked = PromotionRequest(id=Id("r"), **MV, use=U, from_stage="validation", to_stage="production",
                             change_class=ChangeClass.NEW, rationale="Ready", dossier=Id("d"),
                             dossier_digest=Digest("0" * 64), policy=Id("p"))
    signed = replace(sample(SignOff), request=Id("r"), person=Id("bo"), role=Role.MODEL_RISK, meaning=Meaning.APPROVE,
                     conditions=())
    assert told(signed, asked) == ["Decision of Bo Risk: approve, as model risk manager"]
    closed = PromotionClosed(id=Id("x"), **MV, request=Id("r"), outcome="rejected", reason="No data")
    assert told(closed, asked, signed) == ["Request: waits for decisions → rejected", "Reason: No data"]


def test_evidence_takes_the_place_of_older_evidence_and_is_withdrawn():
    old = Evidence(id=Id("e1"), **MV, evidence_kind=EvidenceKind.DOCUMENT, standing=Standing.ASSERTED, title="Report 1")
    new = replace(old, id=Id("e2"), title="Report 2", supersedes=Id("e1"))
    assert told(new, old) == ["Evidence: Report 1 → Report 2"]
    gone = EvidenceWithdrawn(id=Id("w"), **MV, evidence=Id("e1"), reason="Wrong period")
    assert told(gone, old) == ["Evidence: Report 1 → withdrawn", "Reason: Wrong period"]


def test_a_version_whose_bytes_were_read_and_whose_source_says_something_else():
    made = replace(sample(ModelVersion), id=V, model=M, source=IDENTITY, description="old", tags=())
    read = ArtefactResolved(id=Id("a"), **MV, artefact=replace(made.artefact, digest=Digest("f" * 64)))
    assert [d.what for d in differences(read, [made], {})] == ["What it exactly is"]
    revised = VersionRevised(id=Id("x"), **MV, description="new", tags=())
    assert told(revised, made, read) == ["Description: old → new"]
    moved = AliasMoved(id=Id("m"), model=M, alias="champion", before="1", after=None)
    assert told(moved) == ["Alias “champion”: 1 → nothing"]


def test_a_policy_that_differs_in_one_number_differs_in_one_line():
    rule = Transition(
        to_stage="production", tiers=(1, 2), holds_days=365, documents=(DocumentLine(key="d", title="Plan"),),
        evidence=(EvidenceRule(kind=EvidenceKind.FAIRNESS, title="Bias report", max_age_days=365),),
        decisions=(DecisionRule(role=Role.MODEL_RISK, meaning=Meaning.APPROVE),))
    old = Policy(id=Id("p1"), policy=Id("p"), name="Models", version="1", effective_from=date(2026, 1, 1),
                 stages=(Stage(key="production", title="Production"),), transitions=(rule,), conflict_text="None.")
    new = replace(old, id=Id("p2"), version="2", transitions=(replace(
        rule, holds_days=180, decisions=(replace(rule.decisions[0], count=2),)),))
    assert told(new, old) == [
        "Version: 1 → 2", "To production, tier 1, 2: holds days: 365 → 180",
        "To production, tier 1, 2: model risk manager to approve: 1 → 2"]


@pytest.mark.parametrize("kind", _RULES)
def test_every_kind_with_a_rule_tells_its_first_fact_and_nothing_of_the_same_again(kind):
    fact = sample(kind)
    assert isinstance(fact, family(thing(fact)))
    assert differences(fact, [], {})
    again = {d.what.rpartition(": ")[2] for d in differences(fact, [fact], {})}
    assert again <= {"Comment", "Reason", "Stage", "Alias “" + str(getattr(fact, "alias", "")) + "”",
                     "Role of a person"}


def test_a_fact_that_changes_nothing_said_before_has_no_thing():
    from desktop_app.domain.audit import Exported

    assert thing(sample(Exported)) is None
