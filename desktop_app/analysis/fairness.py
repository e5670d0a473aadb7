"""Bias reports: rates by group from counted cells, their intervals, ratios, gaps, and the criteria.

Rates and gaps are those of fairlearn (the tests hold them to it, exactly), except that what has a zero denominator is
not computable and says so, where fairlearn says 0. Without a label only selection can be looked at. Nothing here is a
legal conclusion.
"""

from __future__ import annotations

import math
from dataclasses import replace

from desktop_app.analysis import asked, by_row, classes, criteria, further, intervals, regression, scores, verdicts
from desktop_app.analysis.columns import twice_named
from desktop_app.analysis.counts import RATES, UNKNOWN, Cells, Counted, count
from desktop_app.analysis.criteria import (
    AVERAGE_ODDS,
    METRICS,
    RATIOS,
    favourable,
    left_out,
    metric_rates,
    none_found,
    reference_of,
)
from desktop_app.analysis.cube import Source, duplicates
from desktop_app.analysis.regression import Summed
from desktop_app.analysis.verdicts import Question, judge
from desktop_app.domain import words
from desktop_app.domain.canonical import number
from desktop_app.domain.evidence import (
    CLASS_METRICS,
    JOIN,
    WEIGHED,
    CriterionResult,
    FairnessResult,
    FairnessSpec,
    GroupRow,
    Measure,
    NamedMeasure,
)
from desktop_app.progress import Progress

SELECTION = ("selection_rate",)
LABELLED = ("selection_rate", "true_positive_rate", "false_positive_rate", "false_negative_rate", "precision",
            "accuracy")
_FIRST_GAPS = ("demographic_parity_difference", "demographic_parity_ratio", "equal_opportunity_difference",
               "equalised_odds_difference")
_NO_LABEL = ("selection_rate", "mean_score", "standardised_mean_difference")
SCORED = ("auc", "calibration_error", "mean_score", "mean_score_with_event", "mean_score_without_event",
          "standardised_mean_difference")
LIBRARIES = ("duckdb", "fairlearn", "pandas", "numpy", "scikit-learn", "scipy")


def report(
    source: Source, spec: FairnessSpec, progress: Progress | None = None,
) -> tuple[FairnessResult, tuple[CriterionResult, ...]]:
    """Count, measure and judge. Raises UserError as `check`."""
    progress = progress or Progress()
    return measured(check(source, spec, progress.part(0, 0.6)), spec, progress.part(0.6, 1))


def measured(
    counted: Counted | Summed, spec: FairnessSpec, progress: Progress | None = None,
) -> tuple[FairnessResult, tuple[CriterionResult, ...]]:
    """Measure and judge what was counted."""
    progress = progress or Progress()
    if isinstance(counted, Summed):
        return _of_numbers(counted, spec)
    own = by_row.measures(counted.by_row, spec, progress.part(0.0, 0.2)) if counted.by_row else {}
    rows: list[GroupRow] = []
    gaps: list[NamedMeasure] = []
    for i, (attribute, cells) in enumerate(counted.groups.items()):
        progress.step(0.2 + 0.5 * i / len(counted.groups), f"Comparing the groups of {attribute}")
        rows += [replace(row, rates=(*row.rates, *_named(own, attribute, row.group)))
                 for row in _rows(spec, counted, attribute, cells)]
        gaps += _gaps(spec, counted, attribute, [c for c in cells if c.group != UNKNOWN])
    progress.step(0.7, "Judging the criteria")
    judged = tuple(criteria.judged(spec, counted, criterion) for criterion in spec.criteria)
    progress.step(0.8, "Looking beyond the groups")
    overall = tuple(_of_group(spec, counted, "", (counted.overall,))["all"])
    result = FairnessResult(
        rows=counted.rows, overall=overall, groups=tuple(rows), differences=tuple(gaps),
        notes=counted.notes + _small(spec, counted) + _said_left_out(spec, rows), not_tested=_not_tested(spec))
    if spec.metrics:
        result = further.added(result, counted, spec)
    return replace(result, overall=result.overall + _named(own, "", "all")), judged


def _named(measures: by_row.Measures, attribute: str, group: str) -> tuple[NamedMeasure, ...]:
    found = measures.get(attribute, {}).get(group, {})
    return tuple(NamedMeasure(name=name, measure=measure) for name, measure in found.items())


def _of_numbers(summed: Summed, spec: FairnessSpec) -> tuple[FairnessResult, tuple[CriterionResult, ...]]:
    """The report of a prediction of a number."""
    rows = [regression.row(spec, attribute, sums, reference_of(spec, attribute))
            for attribute, groups in summed.groups.items() for sums in groups]
    gaps = [NamedMeasure(name=f"{metric} {attribute}", measure=regression.gap(
        [s for s in groups if s.group != UNKNOWN], metric))
        for attribute, groups in summed.groups.items() for metric in regression.GAPS]
    judged = tuple(criteria.judged_numbers(spec, summed, criterion) for criterion in spec.criteria)
    return FairnessResult(
        rows=summed.rows, overall=regression.measures(summed.overall), groups=tuple(rows), differences=tuple(gaps),
        notes=summed.notes + regression.small(spec, summed), not_tested=(
            "whether other columns stand in for the sensitive attributes (proxies)",
            "whether a less discriminatory model would do as well")), judged


def check(source: Source, spec: FairnessSpec, progress: Progress | None = None) -> Counted | Summed:
    """Whether what is asked can be computed on this table: it is counted, and nothing measured.

    Raises UserError for columns, groups, references or criteria that cannot be used, and for too few rows.
    """
    asked.check(spec)
    progress = progress or Progress()
    if spec.record_id is not None and (twice := duplicates(source, spec.record_id, progress.part(0.0, 0.2))):
        raise twice_named(spec.record_id, twice)
    counting = progress.part(0.2, 0.8)
    counted = count(source, spec, counting) if spec.prediction is None else regression.count(source, spec, counting)
    asked.check_counted(spec, counted.rows, {name: [g.group for g in found if g.group != UNKNOWN]
                                             for name, found in counted.groups.items()})
    if isinstance(counted, Summed):
        return counted
    return replace(counted, by_row=by_row.load(source, spec, counted.read, progress.part(0.8, 1.0)))


# ---- rates


def _of_group(
    spec: FairnessSpec, counted: Counted, attribute: str, cells: tuple[Cells, ...],
) -> dict[str, list[NamedMeasure]]:
    """The measures of each group."""
    labelled = counted.overall.labelled
    usual = LABELLED if labelled else SELECTION
    binned = counted.cube.bin is not None
    wanted = tuple(name for name in spec.metrics if (labelled or name in _NO_LABEL)
                  and (binned or name not in SCORED) and (counted.cube.classes or name not in CLASS_METRICS)
                  ) if spec.metrics else usual
    names = further.names_of(spec, attribute)
    scored = further.of_scores(counted.cube, names, spec, [n for n in wanted if n in SCORED])
    wanted = tuple(name for name in wanted if name not in SCORED or name in scored)
    by_class = classes.measures(counted.cube, names, wanted, spec)
    found: dict[str, list[NamedMeasure]] = {}
    for c in cells:
        made = {name: _rate(c, name) for name in wanted if name in RATES}
        if "balanced_accuracy" in wanted:
            made["balanced_accuracy"] = _balanced(c)
        if "treatment_equality" in wanted:
            made["treatment_equality"] = _errors_of_both_kinds(c)
        made |= {name: measures[c.group] for name, measures in (scored | by_class).items()}
        found[c.group] = [NamedMeasure(name=name, measure=made[name]) for name in wanted]
    return found


def _rate(cells: Cells, name: str) -> Measure:
    k, n, of = cells.rate(name)
    if n == 0:
        return Measure(value=None, reason=f"no {of}")
    low, high = intervals.wilson(k, n)
    return Measure(value=number(k / n), low=number(low), high=number(high), method=intervals.WILSON)


def _balanced(cells: Cells) -> Measure:
    """The mean of the shares found with and without the event; its interval by MOVER (Zou and Donner 2008)."""
    (k1, n1, of1), (k2, n2, of2) = cells.rate("true_positive_rate"), cells.rate("true_negative_rate")
    if not n1 or not n2:
        return Measure(value=None, reason=f"no {of2 if n1 else of1}")
    value, (low, high) = (k1 / n1 + k2 / n2) / 2, intervals.mean([(k1, n1), (k2, n2)])
    return Measure(value=number(value), low=number(low), high=number(high), method=intervals.MOVER_MEAN)


def _errors_of_both_kinds(cells: Cells) -> Measure:
    """Treatment equality (Berk et al. 2021): rows with the event that were not selected, for each selected without it.

    It is p / (1 − p) of the share p of such misses among all errors, and so are its limits.
    """
    k, n = cells.misses
    if n - k <= 0:
        return Measure(value=None, reason="no row was selected without the event")
    low, high = intervals.wilson(k, n)
    return Measure(value=number(k / (n - k)), low=number(low / (1 - low)),
                   high=number(high / (1 - high)) if high < 1 else None, method=intervals.WILSON)


# ---- rows


def _compared(spec: FairnessSpec, rows: int, cells: tuple[Cells, ...]) -> list[Cells]:
    """The groups that ratios are about: known, large enough, not left out."""
    return [c for c in cells if c.group != UNKNOWN and c.n >= spec.minimum_group
            and not left_out(spec, rows, c, None)]


def _rows(spec: FairnessSpec, counted: Counted, attribute: str, cells: tuple[Cells, ...]) -> list[GroupRow]:
    reference, measures = reference_of(spec, attribute), _of_group(spec, counted, attribute, cells)
    rows = []
    for c in cells:
        ratio, relative_to = _row_ratio(spec, counted.rows, cells, c, reference)
        rows.append(GroupRow(
            attribute=attribute, group=c.group, n=c.n, selected=c.selected,
            positives=c.positives if c.labelled else None, true_positives=c.tp if c.labelled else None,
            rates=tuple(measures[c.group]), ratio=ratio, relative_to=relative_to,
            state=_state(spec, counted.rows, c, reference, ratio)))
    return rows


def _state(spec: FairnessSpec, rows: int, cells: Cells, reference: str | None, ratio: Measure) -> str:
    if cells.group == reference:
        return "reference"
    if cells.group != UNKNOWN and left_out(spec, rows, cells, reference):
        return "left out"
    if cells.n < spec.minimum_group:
        return "too few"
    if cells.group == UNKNOWN:
        return UNKNOWN
    return "ok" if ratio.value is not None else "not computable"


def _row_ratio(
    spec: FairnessSpec, rows: int, cells: tuple[Cells, ...], one: Cells, reference: str | None,
) -> tuple[Measure, str]:
    """The ratio of the favourable rate to the reference's, or the minimum of the ratios to all groups."""
    if one.group != UNKNOWN and left_out(spec, rows, one, reference):
        return Measure(value=None, reason=f"left out: under {_share(spec)} of the rows"), one.group
    others = [c for c in _compared(spec, rows, cells) if c is not one] if reference is None else [
        c for c in cells if c.group == reference]
    best = max([*others, one], key=lambda c: favourable(spec, c).value) if reference is None else others[0]
    if one.group == reference:
        return Measure(value=number(1.0), method="the reference itself"), one.group
    if not favourable(spec, best).k:
        return Measure(value=None, reason=f"“{best.group}” has no favourable outcome to compare with"), best.group
    pairs = tuple((favourable(spec, one), favourable(spec, c)) for c in others)
    if not pairs:
        return Measure(value=None, reason="there is no other group to compare with"), one.group
    bound = 1.0 if reference is None else math.inf
    measure = judge(Question("ratio", pairs, "at_least", "interval", 0.0, bound)).measure
    return measure, best.group


# ---- gaps as fairlearn defines them


def _gaps(spec: FairnessSpec, counted: Counted, attribute: str, cells: list[Cells]) -> list[NamedMeasure]:
    """Largest gaps over all known groups, exactly fairlearn's, with the maximum over pairwise limits; over all classes
    where there are many.
    """
    labelled = bool(cells) and cells[0].labelled
    wanted = list(_FIRST_GAPS if labelled else _FIRST_GAPS[:2])
    if spec.metrics and labelled:
        wanted += [name for name, (_, rates) in METRICS.items() if rates and name not in _FIRST_GAPS
                   and (name not in RATIOS or spec.methods >= WEIGHED)]
    found = {metric: _gap(metric, cells) for metric in wanted}
    if spec.metrics and labelled and spec.methods >= WEIGHED:
        found["equalised_odds_mean_difference"] = _mean_of_odds(found)
        found |= {metric: criteria.gap(spec, counted, attribute, metric) for metric in _own_gaps(counted)}
    return [NamedMeasure(name=f"{metric} {attribute}", measure=measure) for metric, measure in found.items()]


def _mean_of_odds(found: dict[str, Measure]) -> Measure:
    """Fairlearn's equalised odds by its mean: of the largest gaps of both rates, which may be of different pairs."""
    gaps = [found[name] for name in ("equal_opportunity_difference", "false_positive_rate_difference")]
    if missing := next((gap.reason for gap in gaps if gap.value is None), ""):
        return Measure(value=None, reason=missing)
    return Measure(value=number(sum(float(gap.value or 0) for gap in gaps) / 2), method="without an interval")


def _own_gaps(counted: Counted) -> tuple[str, ...]:
    """The gaps that are not of rates which this table can tell."""
    return (AVERAGE_ODDS, *(scores.GAPS if counted.cube.bin is not None else ()),
            *(classes.GAPS if counted.cube.classes else ()))


def _gap(metric: str, cells: list[Cells]) -> Measure:
    parity = metric == "demographic_parity_ratio"
    ratio = parity or metric in RATIOS
    rates, missing = metric_rates("demographic_parity_difference" if parity else metric, cells)
    if missing or len(cells) < 2:
        return Measure(value=None, reason=missing or "there is only one group")
    if ratio and (none := none_found(rates)):
        return Measure(value=None, reason="nobody is selected in any group" if parity else none)
    kind, direction = ("ratio", "at_least") if ratio else ("difference", "at_most")
    question = Question(kind, verdicts.pairs(rates, None, kind), direction, "interval", 0.0, 1.0)
    return judge(question).measure


# ---- what a reader should know


def _small(spec: FairnessSpec, counted: Counted) -> tuple[str, ...]:
    return tuple(f"{attribute}: “{c.group}” has {c.n:,} rows, fewer than {spec.minimum_group:,}: too few to judge."
                 for attribute, cells in counted.groups.items() for c in cells
                 if c.group != UNKNOWN and c.n < spec.minimum_group)


def _share(spec: FairnessSpec) -> str:
    return f"{100 * float(spec.least_share or 0):.6g} %"


def _said_left_out(spec: FairnessSpec, rows: list[GroupRow]) -> tuple[str, ...]:
    under = f"under {_share(spec)} of the rows"
    return tuple(f"{r.attribute}: “{r.group}” ({words.counted(r.n, 'row')}) is {under} and left out of ratios. "
                 f"Justification: {spec.least_share_why}"
                 for r in rows if r.state == "left out")


def _not_tested(spec: FairnessSpec) -> tuple[str, ...]:
    missing = []
    if spec.label is None:
        missing.append("error rates by group: no label column was given")
    if len(spec.sensitive) > 1 and not spec.intersections:
        missing.append("intersections of " + JOIN.join(spec.sensitive))
    if spec.score is None or spec.label is None or not spec.metrics:
        missing.append("calibration by group")
    if spec.score is None or spec.cut or not spec.metrics:
        missing.append("how the result depends on the cut-off")
    if not spec.strata or not spec.metrics:
        missing.append("gaps within strata of a legitimate factor (conditional parity)")
    return (*missing, "whether other columns stand in for the sensitive attributes (proxies)",
            "whether a less discriminatory model would do as well")
