"""Performance on a table: discrimination and calibration of a score, rates of a decision, with their intervals.

AUC: DeLong et al. 1988 (Hanley and McNeil 1982 where DeLong's variance is zero). Rates: Wilson. Brier score: mean of
squared errors with the normal interval of a mean. KS: largest gap between the two score distributions, no interval.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from desktop_app.analysis import intervals
from desktop_app.analysis.counts import event_column
from desktop_app.analysis.table import Table, numbers
from desktop_app.domain.canonical import number
from desktop_app.domain.evidence import (
    Criterion,
    CriterionResult,
    Measure,
    NamedMeasure,
    PerformanceResult,
    PerformanceSpec,
    Verdict,
)
from desktop_app.errors import UserError
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCORES = ("auc", "gini", "ks", "brier")
RATES = ("accuracy", "precision", "recall", "specificity", "selection_rate")
_TITLES = {"auc": "AUC", "gini": "Gini", "ks": "KS", "brier": "Brier score", "selection_rate": "share selected"}


def report(
    table: Table, spec: PerformanceSpec, progress: Progress | None = None,
) -> tuple[PerformanceResult, tuple[CriterionResult, ...]]:
    """Measure and judge. Raises UserError for columns that cannot be used, or without score and decision."""
    progress = progress or Progress()
    progress.step(0, "Reading the columns")
    if spec.score is None and spec.decision is None:
        raise UserError("There is nothing to measure.", "Neither a score nor a decision column was given.",
                        "Choose the column that holds the model's score or its decision.")
    label = event_column(table, spec.label, spec.positive)
    measures: list[NamedMeasure] = []
    notes: list[str] = []
    kept = label.notna().to_numpy()
    _note(notes, int((~kept).sum()), f"{spec.label} is missing")
    if spec.score is not None:
        progress.step(0.3, "Measuring the score")
        score = numbers(table, spec.score)
        both = kept & _finite(score)
        _note(notes, int((kept & ~both).sum()), f"{spec.score} is missing; left out of the score's measures")
        measures += _score_measures(label[both].to_numpy(dtype=bool), score[both], notes)
    if spec.decision is not None:
        progress.step(0.7, "Measuring the decision")
        decision = event_column(table, spec.decision, spec.positive)
        both = kept & decision.notna().to_numpy()
        _note(notes, int((kept & ~both).sum()), f"{spec.decision} is missing; left out of the decision's measures")
        measures += _rate_measures(label[both].to_numpy(dtype=bool), decision[both].to_numpy(dtype=bool))
    result = PerformanceResult(rows=int(kept.sum()), measures=tuple(measures), notes=tuple(notes))
    return result, tuple(_criterion(result, criterion) for criterion in spec.criteria)


def _note(notes: list[str], rows: int, why: str) -> None:
    if rows:
        notes.append(f"{rows:,} rows: {why}.")


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    finite: NDArray[Any] = np.isfinite(values)
    return finite


# ---- scores


def _score_measures(label: NDArray[Any], score: NDArray[Any], notes: list[str]) -> list[NamedMeasure]:
    positives, negatives = score[label], score[~label]
    if not len(positives) or not len(negatives):
        reason = "all labels are the same" if len(label) else "no row has both a label and a score"
        return [NamedMeasure(name=name, measure=Measure(value=None, reason=reason)) for name in SCORES]
    area, low, high, method = auc(positives, negatives)
    gini = Measure(value=number(2 * area - 1), low=number(2 * low - 1), high=number(2 * high - 1), method=method)
    ks = Measure(value=number(_ks(positives, negatives)), method="largest gap of the two distributions, no interval")
    found = Measure(value=number(area), low=number(low), high=number(high), method=method)
    brier = _brier(label, score, notes)
    return [NamedMeasure(name=name, measure=m) for name, m in zip(SCORES, (found, gini, ks, brier), strict=True)]


def auc(positives: NDArray[Any], negatives: NDArray[Any]) -> tuple[float, float, float, str]:
    """(area, low, high, method): the probability that a positive scores above a negative, ties counting half."""
    import numpy as np
    from scipy.stats import rankdata

    m, n = len(positives), len(negatives)
    ranks = rankdata(np.concatenate([positives, negatives]))
    above = (ranks[:m] - rankdata(positives)) / n  # share of negatives below each positive
    below = 1 - (ranks[m:] - rankdata(negatives)) / m
    area = float(above.mean())
    variance, method = 0.0, "DeLong 95 %"
    if m > 1 and n > 1:
        variance = float(np.var(above, ddof=1) / m + np.var(below, ddof=1) / n)
    if variance == 0:
        variance, method = _hanley(area, m, n), "Hanley–McNeil 95 %"
    half = intervals.z_value(0.95) * math.sqrt(variance)
    return area, max(0.0, area - half), min(1.0, area + half), method


def _hanley(area: float, m: int, n: int) -> float:
    """Variance after Hanley and McNeil, at an area held half a pair away from 0 and 1."""
    a = min(max(area, 0.5 / (m * n)), 1 - 0.5 / (m * n))
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    return (a * (1 - a) + (m - 1) * (q1 - a * a) + (n - 1) * (q2 - a * a)) / (m * n)


def _ks(positives: NDArray[Any], negatives: NDArray[Any]) -> float:
    import numpy as np

    cuts = np.concatenate([positives, negatives])
    shares = (np.searchsorted(np.sort(values), cuts, side="right") / len(values) for values in (positives, negatives))
    first, second = shares
    return float(np.abs(first - second).max())


def _brier(label: NDArray[Any], score: NDArray[Any], notes: list[str]) -> Measure:
    import numpy as np

    if score.min() < 0 or score.max() > 1:
        notes.append("The score lies outside 0 to 1, so it is not read as a probability.")
        return Measure(value=None, reason="the score is not a probability")
    errors = (score - label) ** 2
    mean = float(errors.mean())
    if len(errors) < 2:
        return Measure(value=number(mean), method="one row, no interval")
    half = intervals.z_value(0.95) * float(np.std(errors, ddof=1)) / math.sqrt(len(errors))
    return Measure(value=number(mean), low=number(max(0.0, mean - half)), high=number(min(1.0, mean + half)),
                   method="normal interval of a mean 95 %")


# ---- decisions


def _rate_measures(label: NDArray[Any], decision: NDArray[Any]) -> list[NamedMeasure]:
    hits, n = int((label & decision).sum()), len(label)
    selected, positives = int(decision.sum()), int(label.sum())
    correct = int((label == decision).sum())
    cells = {"accuracy": (correct, n, "rows"), "precision": (hits, selected, "selected rows"),
             "recall": (hits, positives, "rows with the event"),
             "specificity": (correct - hits, n - positives, "rows without the event"),
             "selection_rate": (selected, n, "rows")}
    return [NamedMeasure(name=name, measure=_rate(*cells[name])) for name in RATES]


def _rate(k: int, n: int, of: str) -> Measure:
    if n == 0:
        return Measure(value=None, reason=f"no {of}")
    low, high = intervals.wilson(k, n)
    return Measure(value=number(k / n), low=number(low), high=number(high), method=intervals.WILSON)


# ---- criteria


def _criterion(result: PerformanceResult, criterion: Criterion) -> CriterionResult:
    measure = next((m.measure for m in result.measures if m.name == criterion.metric), None)
    if measure is None and criterion.metric not in SCORES + RATES:
        raise UserError(f"The criterion “{criterion.metric}” is not known here.",
                        f"Known: {', '.join(SCORES + RATES)}.", "Choose among these.")
    if criterion.rule not in ("interval", "point"):
        raise UserError(f"The rule “{criterion.rule}” is not for performance.", "Known: interval, point.",
                        "Choose one of these.")
    measure = measure or Measure(value=None, reason="its column was not given")
    title = _TITLES.get(criterion.metric, criterion.metric)
    if measure.value is None:
        return CriterionResult(criterion=criterion, measure=measure, verdict=Verdict.NOT_COMPUTABLE,
                               sentence=f"{title} is not computable: {measure.reason}.")
    verdict = _verdict(criterion, measure)
    return CriterionResult(criterion=criterion, measure=measure, verdict=verdict,
                           sentence=_sentence(title, result.rows, criterion, measure, verdict))


def _verdict(criterion: Criterion, measure: Measure) -> Verdict:
    """By the rule; without an interval the interval rule cannot tell."""
    if criterion.threshold is None or measure.value is None:
        return Verdict.REPORTED
    threshold, least = float(criterion.threshold), criterion.direction == "at_least"

    def satisfies(edge: str) -> bool:
        return float(edge) >= threshold if least else float(edge) <= threshold

    if criterion.rule == "point":
        return Verdict.MET if satisfies(measure.value) else Verdict.BREACHED
    if measure.low is None or measure.high is None:
        return Verdict.UNDETERMINED
    near, far = (measure.low, measure.high) if least else (measure.high, measure.low)
    return Verdict.MET if satisfies(near) else Verdict.UNDETERMINED if satisfies(far) else Verdict.BREACHED


def _sentence(title: str, rows: int, criterion: Criterion, measure: Measure, verdict: Verdict) -> str:
    known = measure.low is not None and measure.high is not None
    interval = f" [{float(measure.low or 0):.3f}, {float(measure.high or 0):.3f}]" if known else ""
    start = f"{title} is {float(measure.value or 0):.3f}{interval} on {rows:,} rows"
    if criterion.threshold is None:
        return f"{start}; reported without a threshold."
    bound = f"{'at least' if criterion.direction == 'at_least' else 'at most'} {float(criterion.threshold):g}"
    if criterion.rule == "point":
        said = "satisfies" if verdict is Verdict.MET else "violates"
        return (f"{start}; this {said} the criterion, {bound}. The rule compares the point estimate and ignores "
                "uncertainty.")
    said = {Verdict.MET: "the whole interval satisfies", Verdict.BREACHED: "the whole interval violates",
            Verdict.UNDETERMINED: "the interval reaches both sides of" if known else "without an interval it cannot be "
                                  "told whether it satisfies"}[verdict]
    return f"{start}; {said} the criterion, {bound}."
