"""How an approval is shown on each side of its dates, what is counted, and how rows come out of facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.domain import basis, inventory
from desktop_app.domain.approval import (
    ChangeClass,
    Condition,
    ConditionEvent,
    PriorDecision,
    PromotionRequest,
)
from desktop_app.domain.canonical import Digest, Id
from desktop_app.domain.card import CardRevision
from desktop_app.domain.dossier import Dossier
from desktop_app.domain.exception import ExceptionKind, Overlay, PolicyException
from desktop_app.domain.finding import FindingState, Severity
from desktop_app.domain.inventory import InventoryRow, approval
from desktop_app.domain.inventory_rows import rows_of
from desktop_app.domain.listing import counters, sounding
from desktop_app.domain.model import (
    Artefact,
    DigestOf,
    InUse,
    ModelVersion,
    Nature,
    Origin,
    UseState,
)
from desktop_app.domain.policy import DecisionRule, Meaning, Policy, Stage, Transition
from desktop_app.domain.use import Tiering, Use
from desktop_app.domain.validation import Opinion, Validation
from tests.unit.domain.facts import (
    IDENTITY,
    SAME,
    TODAY,
    M,
    U,
    V,
    concluded,
    evidence,
    finding,
    moved,
    stage,
    started,
)
from tests.unit.domain.records import sample

# ---- the inventory

EMPTY = InventoryRow(
    model=M, version=V, use=U, name="n", label="1", number="", purpose="", entity="", business_line="", limits="",
    nature=Nature.MODEL, origin=Origin.INTERNAL, vendor="", family="", technique="", owner=None, tier=2,
    stage="production",
    use_state=None, use_since=None, opinion=None, opinion_on=None, opinion_basis="", approved_on=None,
    approved_until=None,
    approval_basis="", conditions_open=0, request=None, request_decided=0, request_asked=0, request_outcome="",
    reconsider=(), exception_until=None, exception_kind="", overlay="", finding=None, finding_label="",
    finding_severity=None, finding_since=None, finding_due=None, findings_open=0, due=())
BEFORE, AFTER = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
HELD = {"approved_on": BEFORE, "approved_until": AFTER}
STATES = [
    ({}, "none", "none"), ({"use_state": UseState.RETIRED} | HELD, "none", "retired"),
    ({"nature": Nature.NOT_A_MODEL}, "none", "not a model"),
    ({"request": Id("r"), "request_outcome": "open", "request_asked": 2}, "waiting", "requested"),
    ({"request": Id("r"), "request_outcome": "open", "request_asked": 2, "request_decided": 1}, "waiting",
        "1 of 2 decided"),
    (HELD | {"reconsider": ("x",)}, "undetermined", "to reconsider"), ({"reconsider": ("x",)}, "none", "none"),
    ({"approved_on": BEFORE, "approved_until": BEFORE}, "breached", "expired 1 day"),
    ({"approved_on": BEFORE, "approved_until": TODAY}, "met", "to 20 Nov 2026"),
    (HELD | {"conditions_open": 1}, "met", "1 condition"), (HELD | {"conditions_open": 2}, "met", "2 conditions"),
    (HELD, "met", "to 21 Nov 2026"), ({"approved_on": BEFORE}, "met", "approved"),
    ({"exception_until": TODAY}, "undetermined", "exception to 20 Nov 2026"),
    ({"exception_until": BEFORE}, "breached", "exception ended"),
    ({"request": Id("r"), "request_outcome": "rejected"}, "breached", "rejected"),
    ({"request": Id("r"), "request_outcome": "returned"}, "none", "none"),
]


@pytest.mark.parametrize(("values", "state", "text"), STATES, ids=[f"{s}: {t}" for _, s, t in STATES])
def test_an_approval_on_each_side_of_its_dates(values, state, text):
    found = approval(replace(EMPTY, **values), TODAY)
    assert (found.state, found.text) == (state, text)


@pytest.mark.parametrize(("values", "wanted"), [
    ({"use_state": UseState.IN_USE}, True), ({"use_state": UseState.PILOT}, True), ({}, False),
    ({"use_state": UseState.PARALLEL_RUN}, False), ({"use_state": UseState.IN_USE} | HELD, False),
    ({"use_state": UseState.IN_USE, "approved_on": BEFORE}, False),
    ({"use_state": UseState.IN_USE, "approved_on": BEFORE, "approved_until": BEFORE}, True),
    ({"use_state": UseState.IN_USE, "exception_until": TODAY}, False),
    ({"use_state": UseState.IN_USE, "exception_until": BEFORE}, True),
    ({"use_state": UseState.IN_USE, "nature": Nature.NOT_A_MODEL}, False)])
def test_what_is_used_without_approval(values, wanted):
    assert ("used_without_approval" in sounding(replace(EMPTY, **values), TODAY)) is wanted


def due(what, on):
    return {"due": (inventory.DueDate(on=on, what=what),)}


COUNTED = [
    ("used_without_approval", {"use_state": UseState.IN_USE}, {}), ("review_overdue", due("review", BEFORE),
        due("review", TODAY)),
    ("condition_overdue", due("condition", BEFORE), due("condition", TODAY)),
    ("validation_overdue", due("validation", BEFORE), due("validation", AFTER)),
    ("finding_overdue", {"finding_due": BEFORE, "finding_severity": Severity.HIGH},
     {"finding_due": BEFORE, "finding_severity": Severity.MEDIUM}),
    ("finding_overdue", {"finding_due": BEFORE, "finding_severity": Severity.CRITICAL},
     {"finding_due": TODAY, "finding_severity": Severity.CRITICAL}),
    ("reconsider", HELD | {"reconsider": ("x",)}, {"reconsider": ("x",)}),
    ("exception_ending", {"exception_until": TODAY + timedelta(days=90)},
        {"exception_until": TODAY + timedelta(days=91)}),
    ("exception_ending", {"exception_until": TODAY}, {"exception_until": BEFORE}),
]


@pytest.mark.parametrize(("key", "wrong", "right"), COUNTED)
def test_counters_count_what_is_wrong_and_nothing_else(key, wrong, right):
    assert sounding(replace(EMPTY, **wrong), TODAY) == {key}
    assert sounding(replace(EMPTY, **right), TODAY) == frozenset()
    assert sounding(replace(EMPTY, **(wrong | {"use_state": UseState.RETIRED})), TODAY) == frozenset()


def test_counters_are_said_worst_first_and_of_nothing_nothing():
    said = counters({"reconsider": 1, "review_overdue": 1_200, "condition_overdue": 0})
    assert [(c.key, c.sentence, c.severity) for c in said] == [
        ("review_overdue", "1,200 reviews overdue", "breached"),
        ("reconsider", "1 approval to reconsider", "undetermined")]


DAYS = st.none() | st.dates(date(2026, 1, 1), date(2026, 12, 31)) | st.sampled_from([date.min, date.max])


@given(st.data(), st.dates(date(2025, 12, 1), date(2027, 2, 1)))
def test_the_days_kept_beside_a_row_say_the_same_as_the_rules_read_on_that_day(data, today):
    draw = data.draw
    row = replace(
        EMPTY, use_state=draw(st.none() | st.sampled_from(UseState)), nature=draw(st.sampled_from(Nature)),
        approved_on=draw(st.none() | st.just(date(2025, 1, 1))), approved_until=draw(DAYS), exception_until=draw(DAYS),
        finding_due=draw(DAYS), finding_severity=draw(st.none() | st.sampled_from(Severity)),
        reconsider=draw(st.sampled_from([(), ("x",)])),
        due=tuple(inventory.DueDate(on=on, what=what) for what in ("review", "condition", "validation", "decision")
                  for on in draw(st.lists(DAYS, max_size=2)) if on))
    held = row.approved_on and (row.approved_until is None or row.approved_until >= today)
    excepted = row.exception_until and row.exception_until >= today
    wanted = {f"{d.what}_overdue" for d in row.due if d.on < today and d.what != "decision"}
    if row.use_state in (UseState.IN_USE, UseState.PILOT) and row.nature is not Nature.NOT_A_MODEL \
            and not held and not excepted:
        wanted.add("used_without_approval")
    if row.finding_due and row.finding_due < today and row.finding_severity in (Severity.HIGH, Severity.CRITICAL):
        wanted.add("finding_overdue")
    if row.reconsider and row.approved_on:
        wanted.add("reconsider")
    if row.exception_until and 0 <= (row.exception_until - today).days <= 90:
        wanted.add("exception_ending")
    assert sounding(row, today) == (set() if row.use_state is UseState.RETIRED else wanted)


def policies(*meanings):
    rules = tuple(DecisionRule(role="model_risk", meaning=m) for m in meanings)
    return {Id("p"): Policy(
        id=Id("p"), policy=Id("pp"), name="n", version="1", effective_from=TODAY, conflict_text="",
        stages=(Stage(key="production", title=""),),
        transitions=(Transition(to_stage="production", tiers=(2,), decisions=rules),))}


def test_no_model_no_rows():
    assert rows_of([], {}) == ()


def test_a_model_without_anything_decided_is_listed_by_its_newest_version_and_uses():
    facts = started()
    facts.add(ModelVersion, id=Id("v2"), model=M, label="2", source=IDENTITY,
              artefact=Artefact(digest=Digest(""), of=DigestOf.SOURCE))
    (row,) = rows_of(facts.items, {})
    assert (row.version, row.use, row.label, row.purpose, row.tier, row.stage) == ("v2", U, "2", "Card lending", 2,
                                                                                    "development")
    without_use = [f for f in facts.items if not isinstance(f.record, (Use, Tiering))]
    (row,) = rows_of(without_use, {})
    assert (row.use, row.purpose, row.tier) == ("", "", None)


def test_a_row_says_everything_that_was_recorded():
    facts = started()
    facts.add(InUse, **SAME, state=UseState.IN_USE, since=date(2025, 1, 1))
    facts.add(Validation, **SAME, validator=Id("val"), scope="", due=date(2026, 1, 31))
    concluded(facts, Opinion.FIT_WITH_CONDITIONS, concluded_on=date(2026, 2, 1))
    facts.add(Validation, **SAME, validator=Id("val"), scope="", due=date(2027, 1, 31))
    facts.add(PolicyException, **SAME, exception_kind=ExceptionKind.OVERDUE_REVIEW, reason="", controls="",
              valid_from=TODAY, valid_to=date(2026, 12, 24), authority="")
    facts.add(Overlay, **SAME, amount="+5 %", reason="", owner=None, review_by=date(2026, 12, 1), exit="")
    finding(facts, severity=Severity.LOW, due=date(2026, 12, 5))
    worst_one = finding(facts, severity=Severity.HIGH, due=date(2026, 12, 6), opened_on=date(2026, 1, 1))
    answered = finding(facts, severity=Severity.MEDIUM, due=date(2026, 12, 7))
    moved(facts, answered, FindingState.ANSWERED)
    frozen = replace(sample(Dossier), id=Id("d"), model=M, version=V, use=U, tier=2,
                     members=basis.members(facts.history, V, U, None))
    facts.add(Dossier, **vars(frozen))
    facts.add(PromotionRequest, id=Id("req"), **SAME, from_stage="a", to_stage="production",
        change_class=ChangeClass.NEW,
              rationale="", dossier=Id("d"), dossier_digest=Digest(""), policy=Id("p"), decide_by=date(2026, 12, 2))
    (row,) = rows_of(facts.items, policies(Meaning.APPROVE, Meaning.APPROVE))
    assert (row.use_state, row.use_since) == (UseState.IN_USE, date(2025, 1, 1))
    assert (row.opinion, row.opinion_on, row.opinion_basis) == (Opinion.FIT_WITH_CONDITIONS, date(2026, 2, 1),
        "concluded_here")
    assert (row.request, row.request_outcome, row.request_decided, row.request_asked) == ("req", "open", 0, 2)
    assert (row.exception_kind, row.overlay) == ("overdue_review", "+5 %")
    assert (row.finding, row.finding_label, row.findings_open) == (worst_one.id, "F-2", 3)
    assert [(d.what, d.on.day, d.on.month) for d in row.due] == [
        ("overlay", 1, 12), ("decision", 2, 12), ("finding", 5, 12), ("finding", 6, 12), ("exception", 24, 12),
        ("validation", 31, 1)]

    change = stage(facts, date(2026, 12, 31), date(2027, 1, 1))
    facts.add(ConditionEvent, model=M, decision=change.id, condition=0, state="met", comment="")
    (row,) = rows_of(facts.items, policies(Meaning.APPROVE))
    assert (row.stage, row.approval_basis, row.conditions_open, row.request_outcome) == ("production", "signed", 1, "")
    assert row.reconsider == ()
    assert ("condition", date(2027, 1, 1)) in [(d.what, d.on) for d in row.due]
    assert ("review", TODAY + timedelta(days=365)) in [(d.what, d.on) for d in row.due]

    facts.add(CardRevision, model=M, version=V, revision=1, fields=())
    evidence(facts)
    moved(facts, answered, FindingState.OPEN)
    (row,) = rows_of(facts.items, {})
    assert row.reconsider == ("Finding F-3 Leakage: was answered, is open",)
    assert row.request_asked == 0  # without its policy nobody can say


@pytest.mark.parametrize(("outcome", "basis_of", "dues"), [
    ("approved", "prior_decision", ["condition", "review"]), ("rejected", "", [])])
def test_a_prior_decision_is_a_basis_of_its_own(outcome, basis_of, dues):
    facts = started()
    facts.add(PriorDecision, **SAME, to_stage="production", decided_on=BEFORE, decided_by=Id("board"), outcome=outcome,
              review_by=AFTER, source_document=None, source="m", recorded_by=Id("r"), key_id="k", envelope="",
              conditions=(Condition(text="c", owner=Id("o"), due=TODAY),))
    (row,) = rows_of(facts.items, {})
    assert (row.approval_basis, [d.what for d in row.due]) == (basis_of, dues)
    assert (row.approved_on, row.conditions_open) == ((BEFORE, 1) if basis_of else (None, 0))


def test_a_prior_decision_may_have_no_end():
    facts = started()
    facts.add(PriorDecision, **SAME, to_stage="production", decided_on=BEFORE, decided_by=Id("board"),
              outcome="approved", review_by=None, source_document=None, source="m", recorded_by=Id("r"), key_id="k",
              envelope="")
    (row,) = rows_of(facts.items, {})
    assert (row.due, approval(row, TODAY).text) == ((), "approved")


def test_a_version_that_is_not_there_has_no_row():
    facts = started()
    facts.add(InUse, model=M, version=Id("nothing"), use=U, state=UseState.IN_USE)
    assert [(row.version, row.use_state) for row in rows_of(facts.items, {})] == [("v", None)]  # the version that is


def test_a_new_version_and_another_use_are_listed_beside_what_was_decided():
    facts = started()
    stage(facts)
    facts.add(ModelVersion, id=Id("v2"), model=M, label="2", source=IDENTITY,
              artefact=Artefact(digest=Digest(""), of=DigestOf.SOURCE))
    assert [(row.version, row.use) for row in rows_of(facts.items, {})] == [("v", U), ("v2", U)]
    facts.add(Use, id=Id("other"), model=M, purpose="Mortgages")
    facts.add(InUse, model=M, version=Id("v2"), use=U, state=UseState.IN_USE)
    assert [(row.version, row.use) for row in rows_of(facts.items, {})] == [("v", U), ("v2", "other"), ("v2", U)]


def test_a_stage_without_its_request_is_not_to_reconsider():
    facts = started()
    stage(facts)
    (row,) = rows_of(facts.items, {})
    assert (row.reconsider, row.request) == ((), None)
