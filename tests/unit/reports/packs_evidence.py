"""Evidence as the analysis room records it, for packs in tests."""
from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

from desktop_app.domain import canonical
from desktop_app.domain.canonical import Digest, Id, number, sha256
from desktop_app.domain.dataset import TableInput
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
from desktop_app.domain.model import Pair
from desktop_app.domain.pack import PackRecord

START = datetime(2027, 2, 1, 8, 30, tzinfo=UTC)


def id_(name: str) -> Id:
    """An id that is the same in every run."""
    digits = hashlib.sha256(name.encode()).digest()
    return Id("01" + "".join("0123456789abcdefghjkmnpqrstvwxyz"[b & 31] for b in digits[:24]))


def digest(name: str) -> Digest:
    return sha256(name.encode())


MODEL, VERSION, USE, POLICY, DOSSIER, REQUEST = (id_(n) for n in ("model", "version", "use", "policy", "dossier",
                                                                  "request"))
OWNER, DEVELOPER, VALIDATOR, RISK, COMPLIANCE, COMMITTEE = (
    id_(n) for n in ("Haddad", "Marin", "Vieira", "Achterberg", "Okafor", "Credit Risk Committee"))
NAMES = ((OWNER, "Samira Haddad"), (DEVELOPER, "Jelena Marin"), (VALIDATOR, "Tomás Vieira"),
         (RISK, "Ruth Achterberg"), (COMPLIANCE, "Maya Okafor"), (COMMITTEE, "Credit Risk Committee"))
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



def group(attribute: str, name: str, n: int, rate: float, ratio: Measure, state: str = "ok", to: str = "") -> GroupRow:
    selected = round(n * rate)
    positives = round(n * 0.78)
    half = 1.96 * (rate * (1 - rate) / max(n, 1)) ** 0.5
    return GroupRow(
        attribute=attribute, group=name, n=n, selected=selected, positives=positives,
        true_positives=round(positives * 0.9),
        rates=(NamedMeasure(name="selection_rate", measure=m(rate, half)),
               NamedMeasure(name="tpr", measure=m(0.9 if n > 30 else None, half, "no positive label")),
               NamedMeasure(name="fpr", measure=m(0.31, half)), NamedMeasure(name="accuracy", measure=m(0.84, half))),
        ratio=ratio, relative_to=to, state=state)


CRITERION = Criterion(metric="impact_ratio", attribute="sex", threshold=number(0.8), direction="at_least",
                      reference="men")
AGE = Criterion(metric="impact_ratio", attribute="age", threshold=number(0.8), direction="at_least",
                reference="25–39")


UNDER_25 = (
    "Under 25: 0.81 [0.74, 0.88]. A gap against parity is clear; whether it is larger than the criterion is not: "
    "about 59,000 applicants under 25 would be needed to tell.")


def fairness() -> tuple[EvidencePlanned, Evidence]:
    spec = FairnessSpec(label="defaulted", decision="approved", positive="yes", favourable=True,
                        sensitive=("sex", "age"),
                        intersections=(("sex", "age"),),
                        reference=(Pair(key="sex", value="men"), Pair(key="age", value="25–39")),
                        criteria=(CRITERION, AGE))
    plan = EvidencePlanned(id=id_("plan"), model=MODEL, version=VERSION, evidence_kind=EvidenceKind.FAIRNESS,
                           fairness=spec)
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
        notes=("22 rows have no value for sex: shown as “not known”.",
               "16 rows without a label were left out of the error rates."),
        not_tested=("Nationality: not in the table.",))
    evidence = Evidence(
        id=id_("fairness"), model=MODEL, version=VERSION, evidence_kind=EvidenceKind.FAIRNESS,
        standing=Standing.COMPUTED,
        title="Bias report on applicants of the third quarter", period_from=date(2026, 7, 1),
        period_to=date(2026, 9, 30),
        plan=plan.id, inputs=(TableInput(name="applicants_2026q3.parquet", digest=digest("table"), rows=19984,
                                         columns=31,
                                         location="risk data store", retained_until="31 Dec 2033"),),
        artefact=ARTEFACT, environment=Environment(
            python="3.11.9", platform="Linux x86_64", seed=7, application="Assaydesk 0.1.0",
            libraries=(Pair(key="fairlearn", value="0.12.0"), Pair(key="numpy", value="2.3.1"),
                       Pair(key="pandas", value="2.3.0"))),
        verdicts=(
            CriterionResult(criterion=CRITERION, measure=m(0.93, 0.03), verdict=Verdict.MET, worst_group="women",
                            sentence="Women: 0.93 of the rate of men; the whole interval lies above 0.80."),
            CriterionResult(criterion=AGE, measure=m(0.81, 0.07), verdict=Verdict.UNDETERMINED, worst_group="under 25",
                            sentence=UNDER_25)),
        fairness_spec=spec, fairness=result)
    return plan, evidence


def explanation() -> Evidence:
    names = ("income to instalment", "months since last arrear", "loan to value", "time at address",
             "age of oldest account",
             "number of open accounts", "utilisation", "region")
    contributions = tuple(Contribution(feature=n, value=f"{i * 1.7:.1f}",
                                       contribution=number((-1) ** i * 0.9 / (i + 1)))
                          for i, n in enumerate(names))
    return Evidence(
        id=id_("explanation"), model=MODEL, version=VERSION, evidence_kind=EvidenceKind.EXPLANATION,
        standing=Standing.COMPUTED,
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
        id=id_("performance"), model=MODEL, version=VERSION, evidence_kind=EvidenceKind.PERFORMANCE,
        standing=Standing.REPERFORMED,
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
        id=id_("scan"), model=MODEL, version=VERSION, evidence_kind=EvidenceKind.ARTEFACT_SCAN,
        standing=Standing.COMPUTED,
        title="Scan of model.onnx", artefact=ARTEFACT,
        scan=ArtefactScan(format="onnx", size=4_812_331, loadable=True,
                          reason="A graph of standard operators; no external data.",
                          details=(Pair(key="operator set", value="ai.onnx 17, ai.onnx.ml 3"),
                                   Pair(key="inputs", value="31 floats"))))


def document() -> Evidence:
    return Evidence(
        id=id_("document"), model=MODEL, version=VERSION, evidence_kind=EvidenceKind.DOCUMENT,
        standing=Standing.ASSERTED,
        title="Validation report V-41", period_from=date(2026, 7, 1), period_to=date(2026, 9, 30),
        document=DocumentInfo(file_name="V-41 validation report.pdf", blob=digest("V-41"), size=1_903_221,
                              media_type="application/pdf", checklist="validation_report",
                              title="Validation report V-41",
                              author=VALIDATOR, received=date(2027, 2, 9)))
