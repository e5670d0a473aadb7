"""Cards, stages, conditions, findings, evidence and involvement, out of the facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from desktop_app.domain.approval import (
    ChangeClass,
    ConditionEvent,
    PriorDecision,
    PromotionClosed,
    PromotionRequest,
    StageChanged,
)
from desktop_app.domain.canonical import Digest, Id
from desktop_app.domain.card import CardRevision, changes, completeness
from desktop_app.domain.evidence import (
    Evidence,
    EvidenceKind,
    EvidenceWithdrawn,
    Standing,
)
from desktop_app.domain.finding import FindingState, may_close
from desktop_app.domain.history import History
from desktop_app.domain.model import (
    Pair,
    SourceRun,
)
from tests.unit.domain.facts import (
    FIELDS,
    IDENTITY,
    SAME,
    TODAY,
    M,
    U,
    V,
    concluded,
    finding,
    moved,
    stage,
    started,
)

# ---- cards

def card(**texts):
    return CardRevision(id=Id("c"), model=M, version=V, revision=1,
                        fields=tuple(Pair(key=k, value=v) for k, v in texts.items()))


@pytest.mark.parametrize(("revision", "tier", "filled", "required", "missing"), [
    (None, 1, 0, 2, ("A", "B")), (None, 3, 0, 0, ()), (card(a="x"), 1, 1, 2, ("B",)), (card(a="x"), 2, 1, 1, ()),
    (card(a=" \n"), 2, 0, 1, ("A",)), (card(a="x", b="y", c="z"), 1, 2, 2, ()),
])
def test_a_card_is_complete_for_a_tier(revision, tier, filled, required, missing):
    found = completeness(revision, FIELDS, tier)
    assert (found.filled, found.required, found.missing) == (filled, required, missing)


def test_cards_are_compared_field_by_field():
    assert changes(None, card(a="x", b="")) == (("a", "", "x"),)
    assert changes(card(a="x", b="y"), card(b="z", c="n")) == (("a", "x", ""), ("b", "y", "z"), ("c", "", "n"))
    assert changes(card(a="x"), card(a="x")) == ()


# ---- history


def test_a_stage_comes_from_the_last_effective_decision():
    facts = started()
    assert facts.history.stage(V, U, "development") == "development"
    prior = {**SAME, "decided_on": TODAY, "decided_by": Id("board"), "review_by": None, "source_document": None,
        "source": "m",
             "recorded_by": Id("r"), "key_id": "k", "envelope": ""}
    facts.add(PriorDecision, to_stage="production", outcome="rejected", **prior)
    assert facts.history.stage(V, U, "development") == "development"
    facts.add(PriorDecision, to_stage="production", outcome="approved", **prior)
    assert facts.history.stage(V, U, "development") == "production"
    facts.add(StageChanged, **SAME, request=Id("r"), from_stage="production", to_stage="retired", sign_offs=(),
              effective_from=TODAY, review_by=TODAY)
    assert facts.history.stage(V, U, "development") == "retired"
    assert facts.history.stage(V, Id("another use"), "development") == "development"


def test_conditions_are_met_or_moved():
    facts = started()
    change = stage(facts, TODAY, TODAY)
    later = TODAY + timedelta(days=30)
    facts.add(ConditionEvent, model=M, decision=change.id, condition=0, state="extended", comment="", due=later)
    facts.add(ConditionEvent, model=M, decision=change.id, condition=1, state="met", comment="")
    assert [(c.index, c.due, c.met) for c in facts.history.conditions(change)] == [(0, later, False), (1, TODAY, True)]
    assert facts.history.conditions(stage(facts)) == []


def test_a_finding_is_where_its_last_event_put_it():
    facts = started()
    found = finding(facts, due=TODAY)
    now = facts.history.findings(V)[0]
    assert (now.state, now.due, now.is_open, now.label, now.opened_on) == (FindingState.OPEN, TODAY, True, "F-1", TODAY)
    until = TODAY + timedelta(days=90)
    moved(facts, found, FindingState.ACCEPTED, until=until)
    now = facts.history.findings(V)[0]
    assert (now.state, now.due, now.is_open) == (FindingState.ACCEPTED, until, True)
    moved(facts, found, FindingState.CLOSED)
    assert not facts.history.findings(V)[0].is_open


def test_findings_of_a_use_are_its_own_and_those_of_the_version():
    facts = started()
    for use in (None, U, Id("other")):
        finding(facts, use=use, opened_on=date(2025, 1, 1))
    assert [f.finding.use for f in facts.history.findings(V, U)] == [None, U]
    assert len(facts.history.findings(V)) == 3
    assert facts.history.findings(V)[0].opened_on == date(2025, 1, 1)


@pytest.mark.parametrize(("owner", "answered", "who", "may"), [
    (None, (), "x", True), ("x", (), "x", False), (None, ("x",), "x", False), ("y", ("z",), "x", True)])
def test_nobody_closes_their_own_finding(owner, answered, who, may):
    assert may_close(owner, frozenset(answered), Id(who)) is may


def test_evidence_stands_until_withdrawn_or_superseded():
    facts = started()
    common = {"model": M, "version": V, "evidence_kind": EvidenceKind.PERFORMANCE, "standing": Standing.COMPUTED}
    first = facts.add(Evidence, title="first", **common)
    second = facts.add(Evidence, title="second", supersedes=first.id, **common)
    third = facts.add(Evidence, title="third", supersedes=second.id, **common)
    assert [e.record.title for e in facts.history.evidence(V)] == ["third"]
    assert facts.history.evidence_root(third) == first.id
    assert facts.history.evidence_root(replace(third, supersedes=Id("unknown"))) == third.id
    facts.add(EvidenceWithdrawn, model=M, version=V, evidence=third.id, reason="wrong")
    assert facts.history.evidence(V) == []


def test_a_request_waits_until_it_is_closed_or_effective():
    facts = started()
    common = {**SAME, "from_stage": "a", "to_stage": "b", "change_class": ChangeClass.NEW, "rationale": "",
              "dossier": Id("d"), "dossier_digest": Digest(""), "policy": Id("p")}
    assert facts.history.open_request(V, U) is None
    facts.add(PromotionRequest, id=Id("r1"), **common)
    assert facts.history.open_request(V, U).record.id == "r1"
    facts.add(PromotionClosed, model=M, version=V, request=Id("r1"), outcome="rejected", reason="")
    assert facts.history.closed(Id("r1")).outcome == "rejected"
    assert facts.history.open_request(V, U) is None
    facts.add(PromotionRequest, id=Id("req"), **common)
    stage(facts)
    assert facts.history.open_request(V, U) is None
    assert facts.history.effective(Id("req")).record.to_stage == "production"
    assert facts.history.closed(Id("req")) is None


def test_every_recorded_part_is_an_involvement():
    facts = started(developers=(Id("ben"),), run=Id("run1"))
    facts.add(SourceRun, id=Id("run1"), model=M, source=IDENTITY, name="train", status="done", user=Id("cleo"))
    facts.add(CardRevision, model=M, version=V, revision=1, fields=(), by="dora")
    facts.add(Evidence, model=M, version=V, evidence_kind=EvidenceKind.DOCUMENT, standing=Standing.ASSERTED, title="",
              by="emil")
    concluded(facts, by="fay")
    parts = {who: [i.part for i in facts.history.involvement(V, Id(who))]
             for who in ("ben", "cleo", "dora", "emil", "fay", "olga", "dev", "nobody")}
    assert parts == {"ben": ["building"], "cleo": ["building"], "dora": ["documenting"], "emil": ["testing"],
                     "fay": ["validating"], "olga": ["building"], "dev": ["building"], "nobody": []}
    assert History([]).involvement(V, Id("dev")) == ()
