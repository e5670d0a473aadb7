"""Packs built from real domain records: an ordinary one, an empty one, a hostile one, a long one."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from desktop_app.domain import audit, canonical
from desktop_app.domain.approval import (
    Condition,
    PriorDecision,
    PromotionRequest,
    SignOff,
    StatementMatter,
    StatementParty,
    statement,
    statement_text,
)
from desktop_app.domain.audit import CheckReport, Entry, EntryBody, Problem
from desktop_app.domain.canonical import Digest, Id, number, sha256
from desktop_app.domain.card import CardRevision
from desktop_app.domain.dataset import TableInput
from desktop_app.domain.dossier import Check, CheckState, Dossier, Member, MemberRole
from desktop_app.domain.evidence import (
    ArtefactScan,
    Contribution,
    Criterion,
    CriterionResult,
    DocumentInfo,
    Environment,
    Evidence,
    EvidenceKind,
    EvidencePlanned,
    ExplanationResult,
    ExplanationSpec,
    FairnessResult,
    FairnessSpec,
    GroupRow,
    Importance,
    LocalExplanation,
    Measure,
    NamedMeasure,
    PerformanceResult,
    PerformanceSpec,
    Standing,
    Verdict,
)
from desktop_app.domain.exception import ExceptionKind, Overlay, PolicyException
from desktop_app.domain.figure import Box, Curve, Dot, Figure, Line, Text
from desktop_app.domain.finding import Finding, FindingEvent, FindingState, Severity
from desktop_app.domain.lineage import Edge, Graph, Node, NodeKind
from desktop_app.domain.model import Artefact, DigestOf, ModelVersion, Pair, RegisteredModel, SourceIdentity
from desktop_app.domain.pack import Pack, PackCardField, PackPrior, PackRecord, PackSignature
from desktop_app.domain.person import Erasable, Role
from desktop_app.domain.policy import DecisionRule, Meaning, Policy, Stage, Transition
from desktop_app.domain.use import Use

START = datetime(2027, 2, 1, 8, 30, tzinfo=UTC)


def id_(name: str) -> Id:
    """An id that is the same in every run."""
    digits = hashlib.sha256(name.encode()).digest()
    return Id("01" + "".join("0123456789abcdefghjkmnpqrstvwxyz"[b & 31] for b in digits[:24]))


def digest(name: str) -> Digest:
    return sha256(name.encode())


MODEL, VERSION, USE, POLICY, DOSSIER, REQUEST = (id_(n) for n in ("model", "version", "use", "policy", "dossier", "request"))
OWNER, DEVELOPER, VALIDATOR, RISK, COMPLIANCE = (id_(n) for n in ("Haddad", "Marin", "Vieira", "Achterberg", "Okafor"))
NAMES = ((OWNER, "Samira Haddad"), (DEVELOPER, "Jelena Marin"), (VALIDATOR, "Tomás Vieira"),
         (RISK, "Ruth Achterberg"), (COMPLIANCE, "Maya Okafor"))
ARTEFACT = digest("artefact")
REGISTRY = "registry-2f6c"


def m(value: float | None, half: float | None = None, reason: str = "", method: str = "Wilson") -> Measure:
    """A measure with a symmetric interval."""
    if value is None:
        return Measure(value=None, reason=reason)
    low, high = (None, None) if half is None else (number(round(value - half, 6)), number(round(value + half, 6)))
    return Measure(value=number(value), low=low, high=high, method=method)


def stored(fact: Any, seq: int, by: Id = DEVELOPER) -> PackRecord:
    body = canonical.encode(fact)
    return PackRecord(id=fact.id, kind=canonical.kind_of(fact), digest=sha256(body), seq=seq,
                      at=START + timedelta(hours=seq), by=by, body=body.decode())


# ---- evidence


def group(attribute: str, name: str, n: int, rate: float, ratio: Measure, state: str = "ok", to: str = "") -> GroupRow:
    selected = round(n * rate)
    positives = round(n * 0.78)
    half = 1.96 * (rate * (1 - rate) / max(n, 1)) ** 0.5
    return GroupRow(
        attribute=attribute, group=name, n=n, selected=selected, positives=positives, true_positives=round(positives * 0.9),
        rates=(NamedMeasure(name="selection_rate", measure=m(rate, half)),
               NamedMeasure(name="tpr", measure=m(0.9 if n > 30 else None, half, "no positive label")),
               NamedMeasure(name="fpr", measure=m(0.31, half)), NamedMeasure(name="accuracy", measure=m(0.84, half))),
        ratio=ratio, relative_to=to, state=state)


CRITERION = Criterion(metric="selection_rate_ratio", attribute="sex", threshold=number(0.8), direction="at_least",
                      reference="men")
AGE = Criterion(metric="selection_rate_ratio", attribute="age", threshold=number(0.8), direction="at_least",
                reference="25–39")


def fairness() -> tuple[EvidencePlanned, Evidence]:
    spec = FairnessSpec(label="defaulted", decision="approved", positive="yes", favourable=True, sensitive=("sex", "age"),
                        intersections=(("sex", "age"),), reference=(Pair(key="sex", value="men"), Pair(key="age", value="25–39")),
                        criteria=(CRITERION, AGE))
    plan = EvidencePlanned(id=id_("plan"), model=MODEL, version=VERSION, evidence_kind=EvidenceKind.FAIRNESS, fairness=spec)
    groups = (
        group("sex", "women", 9402, 0.62, m(0.93, 0.03), to="men"),
        group("sex", "men", 10560, 0.667, m(1.0), "reference"),
        group("sex", "not known", 22, 0.64, m(None, reason="too few to judge"), "too few", "men"),
        group("age", "under 25", 1206, 0.55, m(0.81, 0.07), to="25–39"),
        group("age", "25–39", 7914, 0.68, m(1.0), "reference"),
        group("age", "40–61", 8420, 0.66, m(0.97, 0.02), to="25–39"),
        group("age", "62 and over", 2460, 0.61, m(0.90, 0.04), to="25–39"),
        group("sex × age", "women × under 25", 571, 0.517, m(0.76, 0.10), to="men × 25–39"),
        group("sex × age", "men × 25–39", 4211, 0.69, m(1.0), "reference"),
    )
    result = FairnessResult(
        rows=19984, overall=(NamedMeasure(name="selection_rate", measure=m(0.645, 0.007)),
                             NamedMeasure(name="accuracy", measure=m(0.841, 0.005))),
        groups=groups,
        differences=(NamedMeasure(name="demographic_parity_difference sex", measure=m(0.047, 0.013)),
                     NamedMeasure(name="equalized_odds_difference age", measure=m(0.081, 0.021))),
        notes=("22 rows have no value for sex: shown as “not known”.", "16 rows without a label were left out of the error rates."),
        not_tested=("Nationality: not in the table.",))
    evidence = Evidence(
        id=id_("fairness"), model=MODEL, version=VERSION, evidence_kind=EvidenceKind.FAIRNESS, standing=Standing.COMPUTED,
        title="Bias report on applicants of the third quarter", period_from=date(2026, 7, 1), period_to=date(2026, 9, 30),
        plan=plan.id, inputs=(TableInput(name="applicants_2026q3.parquet", digest=digest("table"), rows=19984, columns=31,
                                         location="risk data store", retained_until="31 Dec 2033"),),
        artefact=ARTEFACT, environment=Environment(
            python="3.11.9", platform="Linux x86_64", seed=7, application="Assaydesk 0.1.0",
            libraries=(Pair(key="fairlearn", value="0.12.0"), Pair(key="numpy", value="2.3.1"), Pair(key="pandas", value="2.3.0"))),
        verdicts=(
            CriterionResult(criterion=CRITERION, measure=m(0.93, 0.03), verdict=Verdict.MET, worst_group="women",
                            sentence="Women are approved at 0.93 of the rate of men; the whole interval lies above 0.80."),
            CriterionResult(criterion=AGE, measure=m(0.81, 0.07), verdict=Verdict.UNDETERMINED, worst_group="under 25",
                            sentence="Under 25: 0.81 [0.74, 0.88]. A gap against parity is clear; whether it is larger than the "
                                     "criterion is not: about 59,000 applicants under 25 would be needed to tell.")),
        fairness_spec=spec, fairness=result)
    return plan, evidence


def explanation() -> Evidence:
    names = ("income to instalment", "months since last arrear", "loan to value", "time at address", "age of oldest account",
             "number of open accounts", "utilisation", "region")
    contributions = tuple(Contribution(feature=n, value=f"{i * 1.7:.1f}", contribution=number((-1) ** i * 0.9 / (i + 1)))
                          for i, n in enumerate(names))
    return Evidence(
        id=id_("explanation"), model=MODEL, version=VERSION, evidence_kind=EvidenceKind.EXPLANATION, standing=Standing.COMPUTED,
        title="Explanation of the gradient-boosted trees", artefact=ARTEFACT,
        inputs=(TableInput(name="applicants_2026q3.parquet", digest=digest("table"), rows=19984, columns=31),),
        environment=Environment(python="3.11.9", platform="Linux x86_64", seed=7, application="Assaydesk 0.1.0",
                                libraries=(Pair(key="shap", value="0.48.0"),)),
        explanation_spec=ExplanationSpec(features=names, rows=2000, background=100, row=17, seed=7),
        explanation=ExplanationResult(
            explainer="tree", output="log-odds of class 1", additivity_residual=number(2.1e-7),
            importances=tuple(Importance(feature=n, mean_abs=number(0.9 / (i + 1)), direction=number(0.8 - 0.2 * i))
                              for i, n in enumerate(names)),
            local=LocalExplanation(row=17, base=number(-0.41), output=number(0.184), contributions=contributions),
            isolation="In a separate process without network, with a copy of the file that cannot be written.",
            notes=("The explanation is of the score before the cut-off.",)))


def performance() -> Evidence:
    return Evidence(
        id=id_("performance"), model=MODEL, version=VERSION, evidence_kind=EvidenceKind.PERFORMANCE, standing=Standing.REPERFORMED,
        title="Performance on the hold-out of the third quarter", artefact=ARTEFACT,
        inputs=(TableInput(name="holdout.parquet", digest=digest("holdout"), rows=8000, columns=31),),
        performance_spec=PerformanceSpec(label="defaulted", positive="1", score="score"),
        performance=PerformanceResult(rows=8000, measures=(
            NamedMeasure(name="auc", measure=m(0.874, 0.008, method="DeLong")),
            NamedMeasure(name="brier", measure=m(0.101, 0.004)),
            NamedMeasure(name="precision", measure=m(None, reason="no decision column")))),
        verdicts=(CriterionResult(
            criterion=Criterion(metric="auc", attribute="", threshold=number(0.85), direction="at_least"),
            measure=m(0.874, 0.008), verdict=Verdict.MET, sentence="0.874 [0.866, 0.882] is at least 0.85."),))


def scan() -> Evidence:
    return Evidence(
        id=id_("scan"), model=MODEL, version=VERSION, evidence_kind=EvidenceKind.ARTEFACT_SCAN, standing=Standing.COMPUTED,
        title="Scan of model.onnx", artefact=ARTEFACT,
        scan=ArtefactScan(format="onnx", size=4_812_331, loadable=True, reason="A graph of standard operators; no external data.",
                          details=(Pair(key="operator set", value="ai.onnx 17, ai.onnx.ml 3"), Pair(key="inputs", value="31 floats"))))


def document() -> Evidence:
    return Evidence(
        id=id_("document"), model=MODEL, version=VERSION, evidence_kind=EvidenceKind.DOCUMENT, standing=Standing.ASSERTED,
        title="Validation report V-41", period_from=date(2026, 7, 1), period_to=date(2026, 9, 30),
        document=DocumentInfo(file_name="V-41 validation report.pdf", blob=digest("V-41"), size=1_903_221,
                              media_type="application/pdf", checklist="validation_report", title="Validation report V-41",
                              author="T. Vieira", received=date(2027, 2, 9)))


# ---- the rest of the basis


def graph() -> Graph:
    nodes = (
        Node(key="d1", kind=NodeKind.DATASET, name="applicants_2026q2", detail="310,221 rows"),
        Node(key="d2", kind=NodeKind.UNKNOWN, name="not known", detail="source of bureau_scores"),
        Node(key="d3", kind=NodeKind.DATASET, name="bureau_scores", detail="as delivered"),
        Node(key="f1", kind=NodeKind.FEATURES, name="affordability features", detail="31 columns"),
        Node(key="c1", kind=NodeKind.CODE, name="train.py", detail="commit 4f1c2e9"),
        Node(key="r1", kind=NodeKind.RUN, name="train 2026-10-02", detail="finished"),
        Node(key=VERSION, kind=NodeKind.VERSION, name="Mortgage affordability v3", detail="ONNX"),
    )
    edges = (
        Edge(effect="d3", relation="derived_from", cause="d2", basis="inferred"),
        Edge(effect="f1", relation="derived_from", cause="d1"), Edge(effect="f1", relation="derived_from", cause="d3", basis="asserted"),
        Edge(effect="r1", relation="used", cause="f1", role="train"), Edge(effect="r1", relation="used", cause="c1"),
        Edge(effect=VERSION, relation="generated_by", cause="r1"),
    )
    return Graph(nodes=nodes, edges=edges)


def lineage_figure() -> Figure:
    at = {"d1": (0, 20), "d2": (0, 80), "c1": (160, 150), "d3": (160, 80), "f1": (320, 40), "r1": (480, 80), VERSION: (640, 80)}
    marks: list[Any] = []
    for edge in graph().edges:
        (x1, y1), (x2, y2) = at[edge.cause], at[edge.effect]
        marks.append(Curve(x1=x1 + 130, y1=y1 + 20, x2=x2, y2=y2 + 20, dashed=edge.basis != "observed", colour="muted"))
    for node in graph().nodes:
        x, y = at[node.key]
        unknown = node.kind is NodeKind.UNKNOWN
        marks += [Box(x=x, y=y, width=130, height=40, fill="" if unknown else "accent_ground", stroke="muted" if unknown else "",
                      radius=4, dashed=unknown),
                  Text(x=x + 8, y=y + 17, text=node.name[:20], bold=True), Text(x=x + 8, y=y + 31, text=node.detail[:22], size=9, colour="muted")]
    return Figure(width=770, height=200, marks=tuple(marks), alt="Seven nodes: two tables and one source not known lead to version 3.")


def bar_figure() -> Figure:
    marks: list[Any] = [Line(x1=150, y1=0, x2=150, y2=170, colour="hairline")]
    for i, feature in enumerate(explanation().explanation_spec.features):
        marks += [Text(x=142, y=15 + 20 * i, text=feature, anchor="end", size=10),
                  Box(x=150, y=6 + 20 * i, width=280 / (i + 1), height=11, fill="accent"),
                  Dot(x=150 + 280 / (i + 1), y=11.5 + 20 * i, radius=2, colour="breached")]
    return Figure(width=460, height=172, marks=tuple(marks), alt="Income to instalment matters most, region least.")


def card() -> tuple[PackCardField, ...]:
    said = "The score estimates the probability that a mortgage is in arrears for three months within two years. "
    return tuple(PackCardField(section=s, label=label, text=text) for s, label, text in (
        ("Purpose", "Intended use", said + "It supports, and does not replace, the judgement of an underwriter."),
        ("Purpose", "Out of scope", "Buy-to-let; applications by companies; loans above € 750,000."),
        ("Data", "Training data", said * 3 + "\n\nRefusals are not in the data: reject inference was not done."),
        ("Data", "Known gaps", ""),
        ("Method", "Algorithm", "Gradient-boosted trees, monotone in income and in loan to value. Σ of 300 trees; λ = 0.1; Δ ≤ 10⁻⁶."),
        ("Limits", "When it fails", "Self-employed applicants with less than two years of accounts.")))


def policy() -> Policy:
    return Policy(
        id=POLICY, policy=id_("policy line"), name="Tier 1 credit", version="2026-09", effective_from=date(2026, 9, 1),
        stages=(Stage(key="validation", title="Validation"), Stage(key="production", title="Production")),
        transitions=(Transition(to_stage="production", tiers=(1,), decisions=(
            DecisionRule(role=Role.VALIDATOR, meaning=Meaning.CONCLUDE), DecisionRule(role=Role.MODEL_RISK, meaning=Meaning.APPROVE),
            DecisionRule(role=Role.COMPLIANCE, meaning=Meaning.CONCUR, scope="consumer protection"))),),
        conflict_text="I did not develop, own or validate this version and know of no conflict under policy § 7.")


CHECKS = (
    Check(key="validation", title="Validation opinion", state=CheckState.SATISFIED, sentence="Fit with conditions, T. Vieira, 9 Feb 2027."),
    Check(key="performance", title="Performance on hold-out", state=CheckState.SATISFIED, sentence="AUC 0.874 [0.866, 0.882], at least 0.85; 4 days old."),
    Check(key="fairness", title="Adverse impact ratio", state=CheckState.ATTENTION, sentence="Under 25: 0.81 [0.74, 0.88], undetermined."),
    Check(key="stability", title="Explanation stability", state=CheckState.BLOCKING, sentence="No evidence of this kind is filed."),
    Check(key="stress", title="Robustness to rate shocks", state=CheckState.NOT_TESTED, sentence="Nobody tested it."),
)


def finding(n: int, severity: Severity = Severity.HIGH, title: str = "Reject inference is missing") -> Finding:
    return Finding(id=id_(f"finding {n}"), model=MODEL, version=VERSION, title=title, number=f"F-{117 + n}", severity=severity,
                   description="Refused applicants are not in the training data; the effect on thin files is not known.",
                   owner=DEVELOPER, due=date(2027, 5, 31), remediation="Sample refusals at random for a quarter.")


def dossier(evidence: tuple[Evidence, ...]) -> Dossier:
    members = [Member(role=MemberRole.VERSION, id=VERSION, subject=VERSION, digest=digest("version"), title="version 3"),
               Member(role=MemberRole.ARTEFACT, id=VERSION, subject="artefact", digest=ARTEFACT, title="model.onnx")]
    members += [Member(role=MemberRole.EVIDENCE, id=e.id, subject=e.id, digest=canonical.digest(e), title=e.title, state="met")
                for e in evidence]
    members.append(Member(role=MemberRole.POLICY, id=POLICY, subject="policy", digest=canonical.digest(policy()), title="Tier 1 credit, 2026-09"))
    return Dossier(id=DOSSIER, model=MODEL, version=VERSION, use=USE, to_stage="production", tier=1, policy=POLICY, artefact=ARTEFACT,
                   members=tuple(members), lineage=graph(), lineage_digest=canonical.digest(graph()), checks=CHECKS,
                   not_tested=("Robustness to rate shocks.",), frozen_on=date(2027, 2, 14))


MATTER = StatementMatter(
    model_name="Mortgage affordability", version_label="3", use_text="mortgage applications in the Netherlands up to € 750,000",
    from_stage="Validation", to_stage="Production", opinion="fit with conditions (V-41)",
    open_findings=("F-118, high, accepted until 31 Jan 2028",), undetermined=("adverse impact ratio, under 25",),
    not_tested=("robustness to rate shocks",), policy_name="Tier 1 credit, 2026-09")
CONDITION = Condition(text="Approvals of applicants under 25 are reported monthly", owner="Samira Haddad", due=date(2027, 4, 15))


def signature(person: Id, role: Role, meaning: Meaning, frozen: Dossier, seq: int) -> tuple[SignOff, PackSignature]:
    printed = dict(NAMES)[person]
    party = StatementParty(person=person, printed_name=printed, role=role, name=Erasable(ref=f"name:{person}", digest=digest(printed)),
                           scope="consumer protection" if role is Role.COMPLIANCE else "")
    conditions = (CONDITION,) if meaning is Meaning.APPROVE_WITH_CONDITIONS else ()
    text = statement_text(party, MATTER, meaning, conditions, date(2028, 2, 20), policy().conflict_text)
    signed_at = START + timedelta(hours=seq)
    payload = canonical.jcs(statement(
        party=party, text=text, meaning=meaning, request=request(frozen), dossier=frozen, dossier_digest=canonical.digest(frozen),
        policy_digest=canonical.digest(policy()), registry=REGISTRY, command=id_(f"command {seq}"), checkpoint="48210",
        signed_at=signed_at, conflicts="none", comment=None))
    envelope = json.dumps({"payloadType": "application/vnd.in-toto+json", "payload": base64.b64encode(payload).decode(),
                           "signatures": [{"keyid": digest(printed)[:16], "sig": base64.b64encode(bytes(64)).decode()}]})
    fact = SignOff(id=id_(f"sign-off {seq}"), model=MODEL, version=VERSION, request=REQUEST, person=person, role=role, meaning=meaning,
                   key_id=digest(printed)[:16], statement_digest=sha256(payload), envelope=envelope, conditions=conditions)
    return fact, PackSignature(
        sign_off=fact.id, text=text, printed_name=printed, role=role.value.replace("_", " ").capitalize(), meaning=meaning.value,
        signed_at=signed_at, key_id=fact.key_id, public_key=base64.b64encode(bytes.fromhex(digest(printed))).decode(),
        statement_digest=fact.statement_digest, envelope=envelope, comment="Read with the validation report." if seq == 30 else "",
        seq=seq, check="valid")


def request(frozen: Dossier) -> PromotionRequest:
    from desktop_app.domain.approval import ChangeClass

    return PromotionRequest(id=REQUEST, model=MODEL, version=VERSION, use=USE, from_stage="validation", to_stage="production",
                            change_class=ChangeClass.MATERIAL, rationale="Replaces version 2, whose approval ends.", dossier=frozen.id,
                            dossier_digest=canonical.digest(frozen), policy=POLICY)


def log(count: int) -> tuple[Entry, ...]:
    """A chain of entries as the registry would make it."""
    actions = ("model.registered", "version.added", "card.saved", "evidence.planned", "evidence.computed", "promotion.requested",
               "promotion.signed_off", "stage.changed")
    prev, out = audit.GENESIS, []
    for i in range(count):
        at = START + timedelta(hours=i)
        body = EntryBody(v=1, registry=REGISTRY, actor=NAMES[i % 5][0], action=actions[i % len(actions)], subject=VERSION,
                         client_time=at, application="Assaydesk 0.1.0", note="", facts=1, facts_root=digest(f"root {i}"), kinds=("card",))
        text = canonical.encode(body).decode()
        framed = audit.message(i + 1, at, "assaydesk", id_(f"command {i}"), text)
        now = audit.chain_hash(prev, framed)
        out.append(Entry(seq=i + 1, at=at, user="assaydesk", command=id_(f"command {i}"), body=text, prev=Digest(prev.hex()), hash=Digest(now.hex())))
        prev = now
    return tuple(out)


def ordinary(entries: int = 40, findings: int = 3) -> Pack:
    """A version in production with everything a pack can hold."""
    plan, fair = fairness()
    evidence = (fair, explanation(), performance(), scan(), document())
    frozen = dossier(evidence)
    severities = (Severity.HIGH, Severity.MEDIUM, Severity.LOW)
    found = [finding(i + 1, severities[i % 3]) for i in range(findings)]
    signed = [signature(VALIDATOR, Role.VALIDATOR, Meaning.CONCLUDE, frozen, 28),
              signature(RISK, Role.MODEL_RISK, Meaning.APPROVE_WITH_CONDITIONS, frozen, 29),
              signature(COMPLIANCE, Role.COMPLIANCE, Meaning.CONCUR, frozen, 30)]
    facts: list[Any] = [
        RegisteredModel(id=id_("model revision"), model=MODEL, revision=1, name="Mortgage affordability", owner=OWNER),
        ModelVersion(id=VERSION, model=MODEL, label="3", artefact=Artefact(digest=ARTEFACT, of=DigestOf.ARTEFACT, format="onnx"),
                     source=SourceIdentity(source="mlflow:1f2e", name="mortgage_affordability", version="3", created="1790000000000")),
        Use(id=USE, model=MODEL, purpose=MATTER.use_text, limits="Up to € 750,000"), policy(),
        CardRevision(id=id_("card"), model=MODEL, version=VERSION, revision=4, fields=()),
        plan, *evidence, *found,
        FindingEvent(id=id_("event"), model=MODEL, finding=id_("finding 1"), state=FindingState.ACCEPTED, until=date(2028, 1, 31),
                     comment="Accepted by the Credit Risk Committee, resolution 2026-44."),
        PolicyException(id=id_("exception"), model=MODEL, version=VERSION, use=USE, exception_kind=ExceptionKind.USE_BEFORE_VALIDATION,
                        reason="Pilot with 200 applications.", controls="Every decision was read by two underwriters.",
                        valid_from=date(2026, 11, 1), valid_to=date(2027, 1, 31), authority="Credit Risk Committee, minutes 2026-39"),
        Overlay(id=id_("overlay"), model=MODEL, version=VERSION, use=USE, amount="+15 points of probability for interest-only loans",
                reason="Few defaults of interest-only loans in the data.", owner=OWNER, review_by=date(2027, 6, 30), exit="Version 4"),
        PriorDecision(id=id_("prior"), model=MODEL, version=VERSION, use=USE, to_stage="production", decided_on=date(2024, 3, 2),
                      decided_by="Credit Risk Committee", outcome="approved", review_by=None, source_document=digest("minutes"),
                      source="minutes 2024-07", recorded_by=OWNER, key_id="", envelope="{}"),
        request(frozen), *[fact for fact, _ in signed],
    ]
    chain = log(entries)
    return Pack(
        registry=REGISTRY, registry_name="Retail credit registry", made_at=datetime(2027, 3, 12, 9, 40, 12, 123456, tzinfo=UTC),
        made_by="Ines Auditor", application="Assaydesk 0.1.0", model_name="Mortgage affordability", version_label="3",
        use_text=MATTER.use_text, use_limits="Not for buy-to-let; not above € 750,000.", stage="Production", request_label="R-2027-014",
        outcome="Approved with one condition on 20 Feb 2027, by three persons as the policy asks.", outcome_state="met",
        authority="Policy Tier 1 credit, version 2026-09: validation concludes, model risk approves, compliance concurs; three distinct persons.",
        effective_from=date(2027, 2, 20), review_by=date(2028, 2, 20),
        conditions=("Approvals of applicants under 25 are reported monthly (owner Samira Haddad, first due 15 Apr 2027)",),
        opinion="Fit with conditions: T. Vieira, 9 Feb 2027, report V-41.",
        open_findings=tuple(f"{f.number} {f.severity.value}: {f.title}, due 31 May 2027" for f in found),
        not_tested=("Robustness to rate shocks.",), news=("Bias report: superseded by Bias report on applicants of the fourth quarter",),
        dossier=stored(frozen, 27), records=tuple(stored(f, i + 2, OWNER if i % 2 else VALIDATOR) for i, f in enumerate(facts)),
        blobs=(Pair(key="V-41 validation report.pdf", value=digest("V-41")), Pair(key="minutes 2024-07.docx", value=digest("minutes"))),
        card=card(), names=tuple(Pair(key=k, value=v) for k, v in NAMES), signatures=tuple(s for _, s in signed),
        prior_decisions=(PackPrior(text="Credit Risk Committee, 2 Mar 2024: approved version 1 for mortgages in the Netherlands.",
                                   recorded_by="Samira Haddad", seq=9),),
        entries=chain, head_seq=len(chain), head_hash=chain[-1].hash,
        integrity=CheckReport(checks=(("1 Facts match their digests", "31 of 31"), ("2 Entries match their hashes", f"{entries} of {entries}"),
                                      ("3 Signatures verify", "3 of 3")),
                              problems=(), entries=entries, head=chain[-1].hash,
                              not_checked=("Whether input tables still exist at the places named.",)))


def figures() -> dict[str, tuple[Figure, ...]]:
    return {"lineage": (lineage_figure(),), id_("explanation"): (bar_figure(),)}


def empty() -> Pack:
    """Nothing but what a pack must have."""
    frozen = Dossier(id=DOSSIER, model=MODEL, version=VERSION, use=USE, to_stage="production", tier=3, policy=POLICY, artefact=ARTEFACT,
                     members=(), lineage=Graph(nodes=(), edges=()), lineage_digest=digest("none"), checks=(), not_tested=(),
                     frozen_on=date(2027, 2, 14))
    full = ordinary()
    return dataclasses.replace(
        full, use_limits="", outcome="Nobody has decided.", outcome_state="none", authority="", effective_from=None, review_by=None,
        conditions=(), opinion="", open_findings=(), not_tested=(), news=(), dossier=stored(frozen, 1), records=(), blobs=(), card=(),
        names=(), signatures=(), prior_decisions=(), entries=(),
        integrity=CheckReport(checks=(), problems=(), entries=0, head=digest("none"), not_checked=()))


HOSTILE = (
    "<b>bold</b> & <img src='/etc/passwd'/> <para><font size=90>x", "&lt;&#x41;&nbsp;]]>", "W" * 5000, "\u202eevil\u202c\u2066x",
    "نموذج מודל", "模型风险 モデル", "a\x00b\x07c\x1b[31m", "line\n" * 300, "{{7*7}} %s %n ${x}", "🦊 e\u0301 \ufdd0", "",
)


def hostile() -> Pack:
    """Every text a person can type is an attack or cannot be printed."""
    full, every = ordinary(), "\n\n".join(HOSTILE)
    texts = tuple(t.replace("\x00", "\x00") for t in HOSTILE)
    signed = tuple(dataclasses.replace(s, text=every, printed_name=texts[i], role=texts[5], comment=every, check=texts[0], key_id=texts[2])
                   for i, s in enumerate(full.signatures))
    problems = tuple(Problem(check=t, seq=i, sentence=every) for i, t in enumerate(texts))
    bad = finding(9, title=texts[2])
    records = (*full.records, stored(dataclasses.replace(bad, description=every, remediation=every, number=texts[3]), 60),
               dataclasses.replace(full.records[0], body="{broken", kind=texts[0]))
    return dataclasses.replace(
        full, registry_name=every, made_by=every, application="Assaydesk", model_name=every, version_label=texts[0], use_text=every,
        use_limits=every, stage=texts[4], request_label=every, outcome=every, outcome_state="undetermined", authority=every,
        conditions=texts, opinion=every, open_findings=texts, not_tested=texts, news=texts, records=records,
        blobs=tuple(Pair(key=t or "empty", value=digest(t)) for t in texts),
        card=tuple(PackCardField(section=t, label=t, text=every) for t in texts),
        names=tuple(Pair(key=k, value=texts[i]) for i, (k, _) in enumerate(NAMES)), signatures=signed,
        prior_decisions=(PackPrior(text=every, recorded_by=texts[0], seq=1),),
        integrity=dataclasses.replace(full.integrity, problems=problems, checks=tuple((t, t) for t in texts), not_checked=texts))
