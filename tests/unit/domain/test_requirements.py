"""What a policy asks for, held against the facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from desktop_app.domain import requirements
from desktop_app.domain.canonical import Digest
from desktop_app.domain.card import CardField, CardRevision
from desktop_app.domain.evidence import (
    ArtefactScan,
    CriterionResult,
    DocumentInfo,
    Evidence,
    EvidenceKind,
    Standing,
    Verdict,
    worst,
)
from desktop_app.domain.finding import FindingState, Severity
from desktop_app.domain.model import (
    Artefact,
    ArtefactResolved,
    DigestOf,
    Pair,
)
from desktop_app.domain.policy import DocumentLine, EvidenceRule, Transition
from desktop_app.domain.validation import Opinion
from tests.unit.domain.facts import (
    FIELDS,
    TODAY,
    Facts,
    M,
    U,
    V,
    concluded,
    evidence,
    finding,
    moved,
    started,
)
from tests.unit.domain.records import sample

# ---- requirements

ASKED = requirements.Question(version=V, use=U, tier=1, today=TODAY, card=FIELDS)


def checks(facts, **transition):
    found = requirements.checks(Transition(to_stage="production", tiers=(1,), **transition), facts.history, ASKED)
    return {c.key: (c.state.value, c.sentence) for c in found}


RULE = EvidenceRule(kind=EvidenceKind.PERFORMANCE, title="Performance", max_age_days=180)


@pytest.mark.parametrize(("standing", "verdict", "age", "blocking", "state"), [
    (Standing.COMPUTED, Verdict.MET, 0, True, "satisfied"), (Standing.COMPUTED, None, 0, True, "satisfied"),
    (Standing.REPERFORMED, Verdict.REPORTED, 180, True, "satisfied"), (Standing.COMPUTED, Verdict.MET, 181, True,
        "blocking"),
    (Standing.COMPUTED, Verdict.MET, 181, False, "attention"), (Standing.ASSERTED, Verdict.MET, 0, True, "attention"),
    (Standing.COMPUTED, Verdict.BREACHED, 0, True, "blocking"), (Standing.COMPUTED, Verdict.BREACHED, 0, False,
        "attention"),
    (Standing.COMPUTED, Verdict.UNDETERMINED, 0, True, "blocking"),
    (Standing.COMPUTED, Verdict.NOT_COMPUTABLE, 0, True, "blocking"),
])
def test_evidence_must_be_young_and_accepted(standing, verdict, age, blocking, state):
    facts = started()
    evidence(facts, standing=standing, verdict=verdict, at=TODAY - timedelta(days=age))
    found = checks(facts, evidence=(replace(RULE, blocking=blocking),))["evidence:performance"]
    assert found[0] == state
    assert {0: "made today", 180: "180 days old", 181: "181 days old"}[age] in found[1]


def test_an_accepted_doubt_asks_for_attention():
    facts = started()
    evidence(facts, verdict=Verdict.UNDETERMINED)
    rule = replace(RULE, accept=(Verdict.MET, Verdict.UNDETERMINED))
    found = checks(facts, evidence=(rule,))["evidence:performance"]
    assert found == ("attention", "E-1: AUC undetermined, made today.")


@pytest.mark.parametrize(("blocking", "state"), [(True, "blocking"), (False, "not_tested")])
def test_what_is_missing_blocks_or_was_not_tested(blocking, state):
    line = DocumentLine(key="monitoring", title="Monitoring plan", blocking=blocking)
    found = checks(started(), evidence=(replace(RULE, blocking=blocking),), documents=(line,))
    assert found["evidence:performance"] == (state, "No such evidence is filed.")
    assert found["document:monitoring"] == (state, "Not filed.")


def test_a_filed_document_is_asserted():
    facts = started()
    info = DocumentInfo(file_name="plan.pdf", blob=Digest("b"), size=1, media_type="", checklist="monitoring", title="",
                        author=None, received=TODAY)
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
    assert f"E-1: {words}, made today." in checks(facts, evidence=(RULE,))["evidence:performance"][1]


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
    (Opinion.FIT, True, "satisfied"), (Opinion.FIT_WITH_CONDITIONS, True, "attention"), (Opinion.NOT_FIT, True,
        "blocking"),
    (Opinion.NOT_FIT, False, "blocking"), (None, True, "blocking"), (None, False, None)])
def test_validation_must_have_concluded(opinion, asked, state):
    facts = started()
    if opinion:
        concluded(facts, opinion, concluded_on=date(2026, 3, 12))
    found = checks(facts, validation=asked).get("validation")
    assert (found[0] if found else None) == state
    assert opinion is None or "12 Mar 2026" in found[1]


def test_an_opinion_older_than_what_it_is_about_asks_for_attention():
    facts = started()
    evidence(facts)
    concluded(facts, concluded_on=date(2026, 3, 12))
    assert checks(facts, validation=True)["validation"] == ("satisfied", "fit, 12 Mar 2026.")
    evidence(facts)
    assert checks(facts, validation=True)["validation"] == (
        "attention", "fit, 12 Mar 2026. Given before E-2.")


@pytest.mark.parametrize(("severity", "limit", "state", "until", "wanted"), [
    (Severity.HIGH, Severity.HIGH, None, None, "blocking"), (Severity.MEDIUM, Severity.HIGH, None, None, "attention"),
    (Severity.CRITICAL, None, None, None, "attention"), (Severity.CRITICAL, Severity.LOW, FindingState.CLOSED, None,
        None),
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
