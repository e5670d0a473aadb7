"""What facts amount to: news of a basis, cards, findings, stages, conditions, requirements, inventory rows, lineage."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.domain import basis, dossier, inventory, lineage, requirements
from desktop_app.domain.approval import (
    ChangeClass,
    Condition,
    ConditionEvent,
    PriorDecision,
    PromotionClosed,
    PromotionRequest,
    StageChanged,
)
from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Digest, Id, digest, kind_of
from desktop_app.domain.card import CardField, CardRevision, changes, completeness
from desktop_app.domain.dossier import CheckState, Dossier, Member, MemberRole, News
from desktop_app.domain.evidence import (
    ArtefactScan,
    Criterion,
    CriterionResult,
    DocumentInfo,
    Evidence,
    EvidenceKind,
    EvidenceWithdrawn,
    Measure,
    Standing,
    Verdict,
    worst,
)
from desktop_app.domain.exception import ExceptionKind, Overlay, PolicyException
from desktop_app.domain.finding import Finding, FindingEvent, FindingState, Severity, may_close
from desktop_app.domain.history import History
from desktop_app.domain.inventory import InventoryRow, approval, counters, used_without_approval
from desktop_app.domain.inventory_rows import rows_of
from desktop_app.domain.lineage import Edge, Graph, LineageRecord, Node, NodeKind
from desktop_app.domain.model import (
    Artefact,
    ArtefactResolved,
    DigestOf,
    InUse,
    ModelVersion,
    Nature,
    Origin,
    Pair,
    RegisteredModel,
    SourceIdentity,
    SourceRun,
    UseState,
)
from desktop_app.domain.policy import DecisionRule, DocumentLine, EvidenceRule, Meaning, Policy, Stage, Transition
from desktop_app.domain.use import Tiering, Use
from desktop_app.domain.validation import Opinion, Validation, ValidationConcluded
from tests.unit.domain.records import sample

TODAY = date(2026, 11, 20)
M, V, U = Id("m"), Id("v"), Id("u")
SAME = {"model": M, "version": V, "use": U}


class Facts:
    """A history in the making: each fact gets an id, an entry, an author and its number."""

    def __init__(self) -> None:
        self.items: list[Recorded] = []

    def add(self, cls, *, by="ann", at=TODAY, **values):
        values = {"id": Id(f"{kind_of(cls)}{len(self.items)}")} | values
        record = cls(**values)
        ordinal = sum(1 for i in self.items if type(i.record) is cls) + 1
        moment = datetime(at.year, at.month, at.day, 12, tzinfo=UTC)
        self.items.append(Recorded(record=record, digest=digest(record), seq=len(self.items) + 1, at=moment, by=Id(by),
                                   ordinal=ordinal))
        return record

    @property
    def history(self) -> History:
        return History(self.items)


IDENTITY = SourceIdentity(source="s", name="n", version="1", created="")


def started(**version) -> Facts:
    facts = Facts()
    facts.add(RegisteredModel, model=M, revision=1, name="Scorecard", owner=Id("olga"), developer=Id("dev"))
    facts.add(ModelVersion, id=V, model=M, label="1", source=IDENTITY,
              artefact=Artefact(digest=Digest("a" * 64), of=DigestOf.SOURCE), **version)
    facts.add(Use, id=U, model=M, purpose="Card lending")
    facts.add(Tiering, model=M, use=U, tier=2, basis="judgement")
    return facts


def finding(facts, **values):
    return facts.add(Finding, **({"model": M, "version": V, "title": "Leakage", "description": "d",
                                  "severity": Severity.HIGH} | values))


def moved(facts, found, state, **values):
    return facts.add(FindingEvent, model=M, finding=found.id, state=state, comment="", **values)


def concluded(facts, opinion=Opinion.FIT, **values):
    return facts.add(ValidationConcluded, **SAME, validation=None, opinion=opinion, summary="", **values)


# ---- news


def member(role=MemberRole.CARD, ident="1", subject="s", state="", title="Card, revision 1"):
    return Member(role=role, id=Id(ident), subject=subject, digest=Digest(ident), title=title, state=state)


NEW_CARD = member(ident="2", title="Card, revision 2")
CLASSES = [
    ("nothing", (member(),), (member(),), frozenset(), News()),
    ("gone", (member(),), (), frozenset(), News(reconsider=("Card, revision 1: withdrawn or no longer there",))),
    ("superseded", (member(),), (NEW_CARD,), frozenset(),
     News(reconsider=("Card, revision 1: superseded by Card, revision 2",))),
    ("editorial", (member(),), (NEW_CARD,), frozenset({Id("2")}),
     News(later=("Card, revision 1: superseded by Card, revision 2",))),
    ("added", (), (NEW_CARD,), frozenset(), News(later=("Card, revision 2: new",))),
    ("finding worse", (member(MemberRole.FINDING, state="closed", title="F-1"),),
     (member(MemberRole.FINDING, state="open", title="F-1"),), frozenset(),
     News(reconsider=("F-1: was closed, is open",))),
    ("finding closed", (member(MemberRole.FINDING, state="open", title="F-1"),),
     (member(MemberRole.FINDING, state="closed", title="F-1"),), frozenset(), News(later=("F-1: was open, is closed",))),
    ("evidence closed is no finding", (member(MemberRole.EVIDENCE, title="E-1"),),
     (member(MemberRole.EVIDENCE, state="closed", title="E-1"),), frozenset(),
     News(reconsider=("E-1: was unset, is closed",))),
    *((f"new {role.value}", (member(role, title="a"),), (member(role, "2", title="b"),), frozenset(),
       News(later=("a: superseded by b",))) for role in (MemberRole.POLICY, MemberRole.MODEL, MemberRole.LINEAGE)),
]


@pytest.mark.parametrize(("then", "now", "editorial", "wanted"), [c[1:] for c in CLASSES], ids=[c[0] for c in CLASSES])
def test_news_is_of_two_classes(then, now, editorial, wanted):
    assert dossier.news(then, now, editorial) == wanted


MEMBERS = st.lists(st.builds(member, st.sampled_from(MemberRole), st.sampled_from("123"), st.sampled_from("ab"),
                             st.sampled_from(["", "open", "closed"])), max_size=6, unique_by=lambda m: (m.role, m.subject)
                   ).map(tuple)


@given(MEMBERS)
def test_what_did_not_change_is_no_news(members):
    assert dossier.news(members, members) == News()


@given(MEMBERS, MEMBERS)
def test_every_listed_member_that_differs_is_told_once(then, now):
    found = dossier.news(then, now)
    changed = [m for m in then if m not in now]
    added = [m for m in now if (m.role, m.subject) not in {(t.role, t.subject) for t in then}]
    assert len(found.reconsider) + len(found.later) == len(changed) + len(added)


@given(MEMBERS, MEMBERS)
def test_an_addition_never_asks_to_reconsider(then, now):
    more = tuple(m for m in now if (m.role, m.subject) not in {(t.role, t.subject) for t in then})
    assert dossier.news(then, (*then, *more)).reconsider == ()


def test_a_dossier_knows_what_blocks():
    check = sample(Dossier).checks[0]
    frozen = replace(sample(Dossier), checks=tuple(replace(check, state=s) for s in CheckState))
    assert [c.state for c in frozen.blocking] == [CheckState.BLOCKING]


def test_the_basis_lists_everything_that_was_assessed():
    facts = started()
    facts.add(CardRevision, model=M, version=V, revision=1, fields=())
    facts.add(Evidence, model=M, version=V, evidence_kind=EvidenceKind.PERFORMANCE, standing=Standing.COMPUTED, title="Fit")
    concluded(facts)
    found = finding(facts)
    finding(facts, use=Id("another use"), title="not ours")
    moved(facts, found, FindingState.ANSWERED)
    facts.add(PolicyException, **SAME, exception_kind=ExceptionKind.OTHER, reason="", controls="", valid_from=TODAY,
              valid_to=TODAY, authority="")
    facts.add(Overlay, **SAME, amount="1 %", reason="", owner=None, review_by=TODAY, exit="")
    facts.add(ArtefactResolved, model=M, version=V, artefact=Artefact(digest=Digest("b" * 64), of=DigestOf.ARTEFACT))
    policy = sample(Policy)
    facts.add(Policy, **vars(policy))
    members = basis.members(facts.history, V, U, facts.items[-1], Graph(nodes=(), edges=()))
    assert [(m.role.value, m.title, m.state) for m in members] == [
        ("model", "Model Scorecard", ""), ("version", "Version 1", ""), ("artefact", "Digest of the artefact", ""),
        ("use", "Use: Card lending", ""), ("tier", "Tier 2", ""), ("card", "Card, revision 1", ""),
        ("evidence", "E-1 Fit", "reported"), ("validation", "Validation V-1", "fit"),
        ("finding", "Finding F-1 Leakage", "answered"), ("exception", "Exception X-1", ""),
        ("overlay", "Overlay O-1", ""), ("policy", f"Policy {policy.name}, {policy.version}", ""),
        ("lineage", "Lineage, 0 nodes", "")]
    assert members[2].digest == "b" * 64


def test_the_basis_of_nothing_is_empty():
    assert basis.members(Facts().history, V, U, None) == ()


def test_what_is_not_compared_is_no_news():
    facts = started()
    frozen = replace(sample(Dossier), version=V, members=(
        *basis.members(facts.history, V, U, None), member(MemberRole.POLICY), member(MemberRole.LINEAGE)))
    request = replace(sample(PromotionRequest), version=V, use=U)
    assert basis.news_of_request(facts.history, request, frozen) == News()
    assert len(basis.news_since(facts.history, frozen, frozen.members).later) == 0


@given(st.dates(max_value=date(9000, 1, 1)), st.integers(0, 5000))
def test_an_approval_holds_so_many_days(day, days):
    assert basis.review_by(day, days) == day + timedelta(days=days)


# ---- cards

FIELDS = (CardField(key="a", section="s", label="A", tiers=(1, 2)), CardField(key="b", section="s", label="B", tiers=(1,)),
          CardField(key="c", section="s", label="C"))


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
    prior = {**SAME, "decided_on": TODAY, "decided_by": "Board", "review_by": None, "source_document": None, "source": "m",
             "recorded_by": Id("r"), "key_id": "k", "envelope": ""}
    facts.add(PriorDecision, to_stage="production", outcome="rejected", **prior)
    assert facts.history.stage(V, U, "development") == "development"
    facts.add(PriorDecision, to_stage="production", outcome="approved", **prior)
    assert facts.history.stage(V, U, "development") == "production"
    facts.add(StageChanged, **SAME, request=Id("r"), from_stage="production", to_stage="retired", sign_offs=(),
              effective_from=TODAY, review_by=TODAY)
    assert facts.history.stage(V, U, "development") == "retired"
    assert facts.history.stage(V, Id("another use"), "development") == "development"


def stage(facts, *dues):
    return facts.add(StageChanged, **SAME, request=Id("req"), from_stage="a", to_stage="production", sign_offs=(),
                     effective_from=TODAY, review_by=TODAY + timedelta(days=365),
                     conditions=tuple(Condition(text=f"c{n}", owner="o", due=d) for n, d in enumerate(dues)))


def test_conditions_are_met_or_moved():
    facts = started()
    change = stage(facts, TODAY, TODAY)
    later = TODAY + timedelta(days=30)
    facts.add(ConditionEvent, model=M, stage_change=change.id, condition=0, state="extended", comment="", due=later)
    facts.add(ConditionEvent, model=M, stage_change=change.id, condition=1, state="met", comment="")
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


# ---- requirements

ASKED = requirements.Question(version=V, use=U, tier=1, today=TODAY, card=FIELDS)


def checks(facts, **transition):
    found = requirements.checks(Transition(to_stage="production", tiers=(1,), **transition), facts.history, ASKED)
    return {c.key: (c.state.value, c.sentence) for c in found}


def evidence(facts, kind=EvidenceKind.PERFORMANCE, standing=Standing.COMPUTED, verdict=None, at=TODAY, **values):
    results = () if verdict is None else (CriterionResult(
        criterion=Criterion(metric="auc", attribute="", threshold=None, direction="at_least"), verdict=verdict,
        measure=Measure(value=None), sentence=""),)
    return facts.add(Evidence, model=M, version=V, evidence_kind=kind, standing=standing, title="t", verdicts=results,
                     at=at, **values)


RULE = EvidenceRule(kind=EvidenceKind.PERFORMANCE, title="Performance", max_age_days=180)


@pytest.mark.parametrize(("standing", "verdict", "age", "blocking", "state"), [
    (Standing.COMPUTED, Verdict.MET, 0, True, "satisfied"), (Standing.COMPUTED, None, 0, True, "satisfied"),
    (Standing.REPERFORMED, Verdict.REPORTED, 180, True, "satisfied"), (Standing.COMPUTED, Verdict.MET, 181, True, "blocking"),
    (Standing.COMPUTED, Verdict.MET, 181, False, "attention"), (Standing.ASSERTED, Verdict.MET, 0, True, "attention"),
    (Standing.COMPUTED, Verdict.BREACHED, 0, True, "blocking"), (Standing.COMPUTED, Verdict.BREACHED, 0, False, "attention"),
    (Standing.COMPUTED, Verdict.UNDETERMINED, 0, True, "blocking"),
    (Standing.COMPUTED, Verdict.NOT_COMPUTABLE, 0, True, "blocking"),
])
def test_evidence_must_be_young_and_accepted(standing, verdict, age, blocking, state):
    facts = started()
    evidence(facts, standing=standing, verdict=verdict, at=TODAY - timedelta(days=age))
    found = checks(facts, evidence=(replace(RULE, blocking=blocking),))["evidence:performance"]
    assert found[0] == state
    assert f"{age} d old" in found[1]


def test_an_accepted_doubt_asks_for_attention():
    facts = started()
    evidence(facts, verdict=Verdict.UNDETERMINED)
    rule = replace(RULE, accept=(Verdict.MET, Verdict.UNDETERMINED))
    assert checks(facts, evidence=(rule,))["evidence:performance"] == ("attention", "E-1: auc undetermined, 0 d old.")


@pytest.mark.parametrize(("blocking", "state"), [(True, "blocking"), (False, "not_tested")])
def test_what_is_missing_blocks_or_was_not_tested(blocking, state):
    line = DocumentLine(key="monitoring", title="Monitoring plan", blocking=blocking)
    found = checks(started(), evidence=(replace(RULE, blocking=blocking),), documents=(line,))
    assert found["evidence:performance"] == (state, "No such evidence is filed.")
    assert found["document:monitoring"] == (state, "Not filed.")


def test_a_filed_document_is_asserted():
    facts = started()
    info = DocumentInfo(file_name="plan.pdf", blob=Digest("b"), size=1, media_type="", checklist="monitoring", title="",
                        author="", received=TODAY)
    evidence(facts, EvidenceKind.DOCUMENT, Standing.ASSERTED, document=info)
    found = checks(facts, documents=(DocumentLine(key="monitoring", title="Plan"), DocumentLine(key="x", title="X")))
    assert found["document:monitoring"] == ("satisfied", "plan.pdf, filed; asserted, not recomputed.")
    assert found["document:x"][0] == "blocking"


@pytest.mark.parametrize(("scan", "standing", "words"), [
    (ArtefactScan(format="onnx", size=1, loadable=True, reason=""), Standing.COMPUTED, "onnx, data only"),
    (ArtefactScan(format="pickle", size=1, loadable=False, reason="runs code"), Standing.COMPUTED, "pickle: runs code"),
    (None, Standing.ASSERTED, "asserted, not recomputed"), (None, Standing.COMPUTED, "no threshold")])
def test_evidence_without_a_criterion_says_what_it_is(scan, standing, words):
    facts = started()
    evidence(facts, standing=standing, scan=scan)
    assert f"E-1: {words}, 0 d old." in checks(facts, evidence=(RULE,))["evidence:performance"][1]


@pytest.mark.parametrize(("of", "state"), [(DigestOf.ARTEFACT, "satisfied"), (DigestOf.DOCUMENTS, "satisfied"),
                                           (DigestOf.RECORD, "attention"), (DigestOf.SOURCE, "attention")])
def test_a_version_should_be_exact(of, state):
    facts = started()
    facts.add(ArtefactResolved, model=M, version=V, artefact=Artefact(digest=Digest("b"), of=of))
    assert checks(facts)["artefact"][0] == state
    assert "artefact" not in checks(Facts())


def test_an_empty_card_blocks_where_the_policy_says_so():
    facts = started()
    assert checks(facts, card_complete=True)["card"] == ("blocking", "0 of 2 fields. Empty: A, B.")
    assert checks(facts)["card"][0] == "attention"
    facts.add(CardRevision, model=M, version=V, revision=1, fields=(Pair(key="a", value="x"), Pair(key="b", value="y")))
    assert checks(facts, card_complete=True)["card"] == ("satisfied", "2 of 2 fields.")


def test_many_empty_fields_are_shortened():
    many = tuple(CardField(key=f"k{n}", section="", label=f"L{n}", tiers=(1,)) for n in range(6))
    found = requirements.checks(Transition(to_stage="p", tiers=(1,)), started().history, replace(ASKED, card=many))
    assert "Empty: L0, L1, L2, L3 …." in {c.key: c.sentence for c in found}["card"]


@pytest.mark.parametrize(("opinion", "asked", "state"), [
    (Opinion.FIT, True, "satisfied"), (Opinion.FIT_WITH_CONDITIONS, True, "attention"), (Opinion.NOT_FIT, True, "blocking"),
    (Opinion.NOT_FIT, False, "blocking"), (None, True, "blocking"), (None, False, None)])
def test_validation_must_have_concluded(opinion, asked, state):
    facts = started()
    if opinion:
        concluded(facts, opinion, concluded_on=date(2026, 3, 12))
    found = checks(facts, validation=asked).get("validation")
    assert (found[0] if found else None) == state
    assert opinion is None or "12 Mar 2026" in found[1]


@pytest.mark.parametrize(("severity", "limit", "state", "until", "wanted"), [
    (Severity.HIGH, Severity.HIGH, None, None, "blocking"), (Severity.MEDIUM, Severity.HIGH, None, None, "attention"),
    (Severity.CRITICAL, None, None, None, "attention"), (Severity.CRITICAL, Severity.LOW, FindingState.CLOSED, None, None),
    (Severity.HIGH, Severity.HIGH, FindingState.ACCEPTED, TODAY, "attention"),
    (Severity.HIGH, Severity.HIGH, FindingState.ACCEPTED, TODAY - timedelta(days=1), "blocking"),
    (Severity.HIGH, Severity.HIGH, FindingState.ACCEPTED, None, "attention"),
    (Severity.HIGH, Severity.HIGH, FindingState.ANSWERED, None, "blocking")])
def test_open_findings_block_from_a_severity_on(severity, limit, state, until, wanted):
    facts = started()
    found = finding(facts, severity=severity)
    if state:
        moved(facts, found, state, until=until)
    check = checks(facts, blocking_findings=limit).get(f"finding:{found.id}")
    assert (check[0] if check else None) == wanted


def test_what_nobody_tested_is_collected_once():
    facts = started()
    concluded(facts, not_tested=("drift", "Performance"))
    result = replace(sample(Evidence).fairness, not_tested=("intersections", "drift"))
    evidence(facts, EvidenceKind.FAIRNESS, fairness=result)
    evidence(facts, EvidenceKind.EXPLANATION)
    found = requirements.checks(Transition(to_stage="p", tiers=(1,), evidence=(replace(RULE, blocking=False),)),
                                facts.history, ASKED)
    assert requirements.not_tested(found, facts.history, ASKED) == ("Performance", "drift", "intersections")
    assert requirements.not_tested((), started().history, ASKED) == ()


def test_the_worst_verdict_stands_for_a_report():
    verdicts = [replace(sample(CriterionResult), verdict=v) for v in Verdict]
    assert worst(tuple(verdicts)) is Verdict.BREACHED
    assert worst(tuple(verdicts[2:])) is Verdict.UNDETERMINED
    assert worst(()) is Verdict.REPORTED


# ---- the inventory

EMPTY = InventoryRow(
    model=M, version=V, use=U, name="n", label="1", number="", purpose="", entity="", business_line="", limits="",
    nature=Nature.MODEL, origin=Origin.INTERNAL, vendor="", family="", technique="", owner=None, tier=2, stage="production",
    use_state=None, use_since=None, opinion=None, opinion_on=None, opinion_basis="", approved_on=None, approved_until=None,
    approval_basis="", conditions_open=0, request=None, request_decided=0, request_asked=0, request_outcome="",
    reconsider=(), exception_until=None, exception_kind="", overlay="", finding=None, finding_label="",
    finding_severity=None, finding_since=None, finding_due=None, findings_open=0, due=())
BEFORE, AFTER = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
HELD = {"approved_on": BEFORE, "approved_until": AFTER}
STATES = [
    ({}, "none", "none"), ({"use_state": UseState.RETIRED} | HELD, "none", "retired"),
    ({"nature": Nature.NOT_A_MODEL}, "none", "not a model"),
    ({"request": Id("r"), "request_outcome": "open", "request_asked": 2}, "waiting", "requested"),
    ({"request": Id("r"), "request_outcome": "open", "request_asked": 2, "request_decided": 1}, "waiting", "1 of 2 decided"),
    (HELD | {"reconsider": ("x",)}, "undetermined", "to reconsider"), ({"reconsider": ("x",)}, "none", "none"),
    ({"approved_on": BEFORE, "approved_until": BEFORE}, "breached", "expired 1 days"),
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
    assert used_without_approval(replace(EMPTY, **values), TODAY) is wanted


def due(what, on):
    return {"due": (inventory.DueDate(on=on, what=what),)}


COUNTED = [
    ("used_without_approval", {"use_state": UseState.IN_USE}, {}), ("review_overdue", due("review", BEFORE), due("review", TODAY)),
    ("condition_overdue", due("condition", BEFORE), due("condition", TODAY)),
    ("validation_overdue", due("validation", BEFORE), due("validation", AFTER)),
    ("finding_overdue", {"finding_due": BEFORE, "finding_severity": Severity.HIGH},
     {"finding_due": BEFORE, "finding_severity": Severity.MEDIUM}),
    ("finding_overdue", {"finding_due": BEFORE, "finding_severity": Severity.CRITICAL},
     {"finding_due": TODAY, "finding_severity": Severity.CRITICAL}),
    ("reconsider", HELD | {"reconsider": ("x",)}, {"reconsider": ("x",)}),
    ("exception_ending", {"exception_until": TODAY + timedelta(days=90)}, {"exception_until": TODAY + timedelta(days=91)}),
    ("exception_ending", {"exception_until": TODAY}, {"exception_until": BEFORE}),
]


@pytest.mark.parametrize(("key", "wrong", "right"), COUNTED)
def test_counters_count_what_is_wrong_and_nothing_else(key, wrong, right):
    rows = (replace(EMPTY, **wrong), replace(EMPTY, version=Id("other"), **right),
            replace(EMPTY, version=Id("gone"), **(wrong | {"use_state": UseState.RETIRED})))
    (found,) = counters(rows, TODAY)
    assert (found.key, found.rows) == (key, ((V, U),))
    assert found.sentence.startswith("1 ")
    assert counters(rows[1:], TODAY) == ()


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
    facts.add(PromotionRequest, id=Id("req"), **SAME, from_stage="a", to_stage="production", change_class=ChangeClass.NEW,
              rationale="", dossier=Id("d"), dossier_digest=Digest(""), policy=Id("p"), decide_by=date(2026, 12, 2))
    (row,) = rows_of(facts.items, policies(Meaning.APPROVE, Meaning.APPROVE))
    assert (row.use_state, row.use_since) == (UseState.IN_USE, date(2025, 1, 1))
    assert (row.opinion, row.opinion_on, row.opinion_basis) == (Opinion.FIT_WITH_CONDITIONS, date(2026, 2, 1), "concluded_here")
    assert (row.request, row.request_outcome, row.request_decided, row.request_asked) == ("req", "open", 0, 2)
    assert (row.exception_kind, row.overlay) == ("overdue_review", "+5 %")
    assert (row.finding, row.finding_label, row.findings_open) == (worst_one.id, "F-2", 3)
    assert [(d.what, d.on.day, d.on.month) for d in row.due] == [
        ("overlay", 1, 12), ("decision", 2, 12), ("finding", 5, 12), ("finding", 6, 12), ("exception", 24, 12),
        ("validation", 31, 1)]

    change = stage(facts, date(2026, 12, 31), date(2027, 1, 1))
    facts.add(ConditionEvent, model=M, stage_change=change.id, condition=0, state="met", comment="")
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
    facts.add(PriorDecision, **SAME, to_stage="production", decided_on=BEFORE, decided_by="Board", outcome=outcome,
              review_by=AFTER, source_document=None, source="m", recorded_by=Id("r"), key_id="k", envelope="",
              conditions=(Condition(text="c", owner="o", due=TODAY),))
    (row,) = rows_of(facts.items, {})
    assert (row.approval_basis, [d.what for d in row.due]) == (basis_of, dues)
    assert (row.approved_on, row.conditions_open) == ((BEFORE, 1) if basis_of else (None, 0))


def test_a_prior_decision_may_have_no_end():
    facts = started()
    facts.add(PriorDecision, **SAME, to_stage="production", decided_on=BEFORE, decided_by="Board", outcome="approved",
              review_by=None, source_document=None, source="m", recorded_by=Id("r"), key_id="k", envelope="")
    (row,) = rows_of(facts.items, {})
    assert (row.due, approval(row, TODAY).text) == ((), "approved")


def test_a_version_that_is_not_there_has_no_row():
    facts = started()
    facts.add(InUse, model=M, version=Id("nothing"), use=U, state=UseState.IN_USE)
    assert rows_of(facts.items, {}) == ()


def test_a_stage_without_its_request_is_not_to_reconsider():
    facts = started()
    stage(facts)
    (row,) = rows_of(facts.items, {})
    assert (row.reconsider, row.request) == ((), None)


# ---- lineage

KEYS = st.sampled_from("abcdefg")
NODES = st.builds(Node, key=KEYS, kind=st.sampled_from(NodeKind), name=KEYS)
EDGES = st.builds(Edge, effect=KEYS, cause=KEYS, relation=st.sampled_from(["used", "derived_from"]))
SAID = st.lists(st.builds(LineageRecord, id=KEYS, model=st.none(), source=KEYS, event=KEYS,
                          nodes=st.lists(NODES, max_size=4).map(tuple), edges=st.lists(EDGES, max_size=6).map(tuple)),
                max_size=3)


@given(SAID)
def test_a_merged_graph_has_everything_once_and_names_what_it_does_not_know(said):
    graph = lineage.merge(said)
    keys = [n.key for n in graph.nodes]
    assert keys == sorted(set(keys))
    assert {e.effect for e in graph.edges} | {e.cause for e in graph.edges} <= set(keys)
    described = {n.key for r in said for n in r.nodes}
    assert all(n.kind is NodeKind.UNKNOWN for n in graph.nodes if n.key not in described)
    assert lineage.merge([graph]) == graph
    assert lineage.merge([graph, *said]) == graph


def test_a_later_description_wins():
    first, second = (LineageRecord(id=Id(n), model=None, source="s", event="e", edges=(),
                                   nodes=(Node(key="a", kind=NodeKind.RUN, name=n),)) for n in ("old", "new"))
    assert [n.name for n in lineage.merge([first, second]).nodes] == ["new"]


@given(SAID, KEYS)
def test_a_closure_is_closed_and_reaches_only_what_it_must(said, start):
    graph = lineage.merge([*said, Graph(nodes=(Node(key=start, kind=NodeKind.VERSION, name="x"),), edges=())])
    for walk, near, far in ((lineage.upstream, "effect", "cause"), (lineage.downstream, "cause", "effect")):
        found = walk(graph, start)
        keys = {n.key for n in found.nodes}
        assert start in keys
        assert set(found.edges) == {e for e in graph.edges if getattr(e, near) in keys}
        assert {getattr(e, far) for e in found.edges} | {start} == keys
        assert len(found.edges) == len(set(found.edges))
        assert walk(found, start) == found


@given(SAID, KEYS, KEYS)
def test_upstream_and_downstream_are_each_others_mirror(said, a, b):
    graph = lineage.merge(said)
    up, down = lineage.upstream(graph, a).nodes, lineage.downstream(graph, b).nodes
    assert (b in [n.key for n in up]) == (a in [n.key for n in down]) or {a, b} - {n.key for n in graph.nodes}
