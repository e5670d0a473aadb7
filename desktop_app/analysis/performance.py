"""Performance on a table: discrimination and calibration of a score, rates of a decision, with their intervals.

AUC: DeLong et al. 1988 (Hanley and McNeil 1982 where DeLong's variance is zero). Rates: Wilson. Brier score: mean of
squared errors with the normal interval of a mean. KS: largest gap between the two score distributions, no interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from desktop_app.analysis import intervals
from desktop_app.analysis.counts import Cells, event_column, opposed
from desktop_app.analysis.table import Table, numbers
from desktop_app.analysis.verdicts import check_criterion
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
from desktop_app.domain.words import counted
from desktop_app.errors import UserError
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCORES = ("auc", "gini", "ks", "brier")
_RANKING = ("auc", "gini", "ks")  # they compare rows with the event with rows without it
MINIMUM = 30  # rows, as for the groups of a bias report
RARER = 10  # rows of the rarer outcome: below, the normal interval of an AUC promises too much
LIBRARIES = ("scikit-learn", "numpy", "pandas", "scipy")
RATES = ("accuracy", "precision", "recall", "specificity", "selection_rate")
_TITLES = {"auc": "AUC", "gini": "Gini", "ks": "KS", "brier": "Brier score", "selection_rate": "share selected"}


def report(
    table: Table, spec: PerformanceSpec, progress: Progress | None = None,
) -> tuple[PerformanceResult, tuple[CriterionResult, ...]]:
    """Measure and judge. Raises UserError as `check`."""
    return measured(check(table, spec), spec, progress)


def measured(
    checked: Checked, spec: PerformanceSpec, progress: Progress | None = None,
) -> tuple[PerformanceResult, tuple[CriterionResult, ...]]:
    """Measure and judge what was checked."""
    progress = progress or Progress()
    labels, score, decision = checked
    measures: list[NamedMeasure] = []
    notes = list(_missing(labels.unknown, f"{spec.label} is missing"))
    if score is not None:
        progress.step(0.3, "Measuring the score")
        notes += _missing(score.unknown, f"{spec.score} is missing; left out of the score's measures")
        measures += _score_measures(score.label, score.values, notes)
    if decision is not None:
        progress.step(0.7, "Measuring the decision")
        notes += _missing(decision.unknown, f"{spec.decision} is missing; left out of the decision's measures")
        measures += _rate_measures(decision.label, decision.values)
        notes += _opposed(spec, decision.label, decision.values)
    result = PerformanceResult(rows=len(labels.label), measures=tuple(measures), notes=tuple(notes))
    rare = min(int(score.label.sum()), int((~score.label).sum())) if score is not None else 0
    return result, tuple(_criterion(result, criterion, rare) for criterion in spec.criteria)


@dataclass(frozen=True)
class _Column:
    """Labels of the rows that have a value of a column, these values, and how many labelled rows have none."""

    label: NDArray[Any]
    values: NDArray[Any]
    unknown: int


Checked = tuple[_Column, _Column | None, _Column | None]  # labels, scores, decisions


def check(table: Table, spec: PerformanceSpec, progress: Progress | None = None) -> Checked:
    """Whether what is asked can be computed on this table: its labels, scores and decisions; measures nothing.

    Raises UserError for columns or criteria that cannot be used, too few rows, or labels that are all the same.
    """
    (progress or Progress()).step(0, "Reading the columns")
    if spec.score is None and spec.decision is None:
        raise UserError("There is nothing to measure.", "Neither a score nor a decision column was given.",
                        "Choose the column that holds the model's score or its decision.")
    for criterion in spec.criteria:
        _check_criterion(spec, criterion)
    words = event_column(table, spec.label, spec.positive)
    known = words.notna().to_numpy()
    label = words[known].to_numpy(dtype=bool)
    score = decision = None
    if spec.score is not None:
        score = _column(label, numbers(table, spec.score)[known])
        _enough(spec.score, score)
        if score.label.all() or not score.label.any():
            raise UserError(f"Every row with a score has the same “{spec.label}”.",
                            "AUC, Gini and KS compare rows with the event and rows without it.",
                            "Choose a table that holds both.")
    if spec.decision is not None:
        decision = _column(label, event_column(table, spec.decision, spec.positive).map(
            {True: 1.0, False: 0.0})[known].to_numpy(dtype=float))
        _enough(spec.decision, decision)
        decision = replace(decision, values=decision.values == 1)
    return _Column(label, label, int((~known).sum())), score, decision


def _column(label: NDArray[Any], values: NDArray[Any]) -> _Column:
    import numpy as np

    known = np.isfinite(values)
    return _Column(label[known], values[known], int((~known).sum()))


def _enough(name: str, column: _Column) -> None:
    if len(column.label) < MINIMUM:
        raise UserError("The table is too small for a performance report.",
                        f"It has {counted(len(column.label), 'row')} with a label and “{name}”; it takes {MINIMUM}.",
                        "Choose a table with more rows.")


def _missing(rows: int, why: str) -> tuple[str, ...]:
    return (f"{counted(rows, 'row')}: {why}.",) if rows else ()


def _opposed(spec: PerformanceSpec, label: NDArray[Any], decision: NDArray[Any]) -> tuple[str, ...]:
    tn, fp, fn, tp = (int(((label == y) & (decision == d)).sum()) for y in (False, True) for d in (False, True))
    cells = Cells("all", tn, fp, fn, tp, labelled=True)
    if not opposed(cells):
        return ()
    return (f"Look whether “{spec.positive}” means the same event in both columns: “{spec.decision}” and "
            f"“{spec.label}” agree in {(tp + tn) / cells.n:.0%} of the rows.",)


# ---- scores


def _score_measures(label: NDArray[Any], score: NDArray[Any], notes: list[str]) -> list[NamedMeasure]:
    positives, negatives = score[label], score[~label]
    area, low, high, method = auc(positives, negatives)
    if high < 0.5:
        notes.append("The score is higher where the event did not happen: look which value is the event, and which way "
                     "the score runs.")
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


def _check_criterion(spec: PerformanceSpec, criterion: Criterion) -> None:
    check_criterion(criterion, SCORES + RATES, ("interval", "point"))
    wanted, given = ("score", spec.score) if criterion.metric in SCORES else ("decision", spec.decision)
    if given is None:
        raise UserError(f"{_titled(criterion)} is to be judged, and no {wanted} column was given.",
                        "It cannot be computed without.", f"Choose the column that holds the model's {wanted}.")


def _titled(criterion: Criterion) -> str:
    return _TITLES.get(criterion.metric, criterion.metric.capitalize())


def _criterion(result: PerformanceResult, criterion: Criterion, rare: int) -> CriterionResult:
    """rare: rows of the rarer outcome among those with a score."""
    measure = next(m.measure for m in result.measures if m.name == criterion.metric)
    title = _titled(criterion)
    if measure.value is None:
        return CriterionResult(criterion=criterion, measure=measure, verdict=Verdict.NOT_COMPUTABLE,
                               sentence=f"{title} is not computable: {measure.reason}.")
    if criterion.threshold is not None and criterion.metric in _RANKING and rare < RARER:
        said = (f"{title} is {float(measure.value):.3f}, and cannot be judged: the rarer outcome has "
                f"{counted(rare, 'row')}, fewer than the minimum of {RARER}.")
        return CriterionResult(criterion=criterion, measure=measure, verdict=Verdict.UNDETERMINED, sentence=said)
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
