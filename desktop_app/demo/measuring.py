"""Evidence on a trained version: what is asked with which threshold, and what came out, in words."""

from __future__ import annotations

from dataclasses import dataclass

from desktop_app.demo.cast import VALIDATOR, Cast
from desktop_app.demo.saying import only
from desktop_app.demo.training import ARREARS, SCORECARD, Trained
from desktop_app.domain.canonical import Id, number
from desktop_app.domain.evidence import (
    METHODS,
    METRICS,
    Criterion,
    Evidence,
    ExplanationSpec,
    FairnessSpec,
    NamedMeasure,
    PerformanceSpec,
)
from desktop_app.operations import evidence
from desktop_app.progress import Progress

LEAST_AUC = {SCORECARD: 0.7, ARREARS: 0.65}
ATTRIBUTES = ("sex", "age_band")


@dataclass(frozen=True)
class Measured:
    """The three reports on a version, as they were filed."""

    performance: Evidence
    fairness: Evidence
    explanation: Evidence

    def measure(self, name: str) -> str:
        """A measure of performance in words: 0.781 [0.765, 0.797]."""
        found = self.performance.performance
        return in_words(next(m for m in (found.measures if found else ()) if m.name == name))

    def sentences(self, *, bias: bool) -> list[str]:
        """What the criteria came to, one sentence each."""
        return [v.sentence for v in (self.fairness if bias else self.performance).verdicts]

    def strongest(self, count: int = 3) -> str:
        """The features that move the output most, in words."""
        found = self.explanation.explanation
        return ", ".join(i.feature for i in found.importances[:count]) if found else ""

    def rate(self, group: str, name: str) -> str:
        """A rate of a group of sex in words."""
        found = self.fairness.fairness
        row = next(g for g in (found.groups if found else ()) if (g.attribute, g.group) == ("sex", group))
        return in_words(next(r for r in row.rates if r.name == name))


def in_words(named: NamedMeasure) -> str:
    """A number with its interval; its reason where there is none."""
    m = named.measure
    if m.value is None:
        return f"not computable ({m.reason})"
    low, high = (f"{float(edge):.3f}" if edge else "–" for edge in (m.low, m.high))
    return f"{float(m.value):.3f} [{low}, {high}]"


def measure(cast: Cast, version: Id, trained: Trained, progress: Progress, explained: int) -> Measured:
    """Compute performance, bias and explanation of a version on its hold-out table. The validator files them.

    explained: rows that SHAP values are computed for.
    """
    ws, table, plan = cast.acting(VALIDATOR), trained.holdout, trained.plan
    progress.step(0.0, f"measuring {plan.model}, version {plan.label}")
    power = evidence.report(ws, version, table, performance_spec(trained), title="Performance on hold-out")
    progress.step(0.2, f"bias report on {plan.model}, version {plan.label}")
    bias = evidence.report(ws, version, table, fairness_spec(trained))
    rows = explained if plan.model != ARREARS else max(20, explained // 6)  # from outside, hence slower
    why = evidence.explanation(ws, version, table, ExplanationSpec(
        features=plan.features, rows=rows, background=min(100, rows), row=trained.example, seed=7),
        progress=only(progress.part(0.4, 1.0), f"explaining {plan.model}, version {plan.label}"))
    return Measured(*(evidence.get(ws, e).record for e in (power, bias, why)))


def performance_spec(trained: Trained) -> PerformanceSpec:
    """AUC must not lie below the model's least value."""
    least = LEAST_AUC.get(trained.plan.model, 0.65)
    return PerformanceSpec(
        label=trained.plan.outcome, positive="1", score="score", decision=trained.plan.decision,
        criteria=(Criterion(metric="auc", attribute="", threshold=number(least), direction="at_least"),))


def fairness_spec(trained: Trained) -> FairnessSpec:
    """The favourable rate of every group must be at least four fifths of the best group's."""
    return FairnessSpec(
        label=trained.plan.outcome, decision="", score="score", positive="1", favourable=False,
        threshold=number(trained.cut), metrics=METRICS, methods=METHODS, bootstrap=500,
        sensitive=ATTRIBUTES, intersections=(ATTRIBUTES,), confidentiality="internal",
        criteria=tuple(
            Criterion(metric="impact_ratio", attribute=attribute, threshold=number(0.8), direction="at_least")
            for attribute in ATTRIBUTES))
