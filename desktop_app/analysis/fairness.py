"""Bias reports: rates by group from counted cells, their intervals, ratios, gaps, and the criteria.

Rates and gaps are those of fairlearn (the tests hold them to it, exactly), except that what has a zero denominator is
not computable and says so, where fairlearn says 0. Without a label only selection can be looked at. Nothing here is a
legal conclusion.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from desktop_app.analysis import changes, further, intervals, regression, verdicts
from desktop_app.analysis.bootstrap import MAX_REPLICATES
from desktop_app.analysis.changes import CHANGES
from desktop_app.analysis.columns import ABOVE_MEDIAN, twice_named
from desktop_app.analysis.counts import RATES, UNKNOWN, Cells, Counted, count
from desktop_app.analysis.cube import Source, duplicates
from desktop_app.analysis.regression import Summed
from desktop_app.analysis.verdicts import Judgement, Question, Rate, judge
from desktop_app.domain import words
from desktop_app.domain.canonical import number
from desktop_app.domain.evidence import (
    JOIN,
    Criterion,
    CriterionResult,
    FairnessResult,
    FairnessSpec,
    GroupRow,
    Measure,
    NamedMeasure,
    Verdict,
)
from desktop_app.domain.evidence import METRICS as EVERY
from desktop_app.errors import UserError
from desktop_app.progress import Progress

if TYPE_CHECKING:
    pass

SELECTION = ("selection_rate",)
LABELLED = ("selection_rate", "true_positive_rate", "false_positive_rate", "false_negative_rate", "precision",
            "accuracy")
CONDITIONAL = "conditional_parity_difference"
METRICS = {  # of criteria: how it is said, the rates compared
    "impact_ratio": ("the lowest impact ratio", ()),
    "demographic_parity_difference": ("the demographic parity difference", ("selection_rate",)),
    "equal_opportunity_difference": ("the equal opportunity difference", ("true_positive_rate",)),
    "equalised_odds_difference": ("the equalised odds difference", ("true_positive_rate", "false_positive_rate")),
    "predictive_parity_difference": ("the predictive parity difference", ("precision",)),
    "false_positive_rate_difference": ("the difference of false positive rates", ("false_positive_rate",)),
    "false_negative_rate_difference": ("the difference of false negative rates", ("false_negative_rate",)),
    "false_discovery_rate_difference": ("the difference of false discovery rates", ("false_discovery_rate",)),
    "false_omission_rate_difference": ("the difference of false omission rates", ("false_omission_rate",)),
    "accuracy_difference": ("the difference of accuracies", ("accuracy",)),
    CONDITIONAL: ("the largest gap within strata", ()),
    **{metric: (said, ()) for metric, (_, said, _) in CHANGES.items()},
    **{metric: (said, ()) for metric, (_, said) in regression.GAPS.items()},
}
_UNLABELLED = ("impact_ratio", "demographic_parity_difference", CONDITIONAL, "selection_rate_change")
_FIRST_GAPS = ("demographic_parity_difference", "demographic_parity_ratio", "equal_opportunity_difference",
               "equalised_odds_difference")
_NO_LABEL = ("selection_rate", "mean_score", "standardised_mean_difference")
SCORED = ("auc", "calibration_error", "mean_score", "mean_score_with_event", "mean_score_without_event",
          "standardised_mean_difference")
_RULES = ("interval", "four_fifths_and_significant", "point")
LIBRARIES = ("duckdb", "pandas", "numpy", "scipy")


class Sized(Protocol):
    """A group of some rows."""

    @property
    def group(self) -> str:
        """Its name."""

    @property
    def n(self) -> int:
        """Its rows."""


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
    rows: list[GroupRow] = []
    gaps: list[NamedMeasure] = []
    for i, (attribute, cells) in enumerate(counted.groups.items()):
        progress.step(0.2 + 0.5 * i / len(counted.groups), f"Comparing the groups of {attribute}")
        rows += _rows(spec, counted, attribute, cells)
        gaps += _gaps(spec, attribute, [c for c in cells if c.group != UNKNOWN])
    progress.step(0.7, "Judging the criteria")
    judged = tuple(_criterion(spec, counted, criterion) for criterion in spec.criteria)
    progress.step(0.8, "Looking beyond the groups")
    overall = tuple(_of_group(spec, counted, "", (counted.overall,))["all"])
    more = further.further(counted, spec) if spec.metrics else further.NOTHING
    return FairnessResult(
        rows=counted.rows, overall=overall + more.overall, groups=tuple(rows), differences=(*gaps, *more.differences),
        notes=counted.notes + _small(spec, counted), not_tested=_not_tested(spec), cuts=more.cuts, sweep=more.sweep,
        calibration=more.calibration, frontier=more.frontier, strata=more.strata, adjusted=more.adjusted,
        changes=more.changes, unknown=more.unknown, dropped=more.dropped), judged


def _of_numbers(summed: Summed, spec: FairnessSpec) -> tuple[FairnessResult, tuple[CriterionResult, ...]]:
    """The report of a prediction of a number."""
    rows = [regression.row(spec, attribute, sums, _reference(spec, attribute))
            for attribute, groups in summed.groups.items() for sums in groups]
    gaps = [NamedMeasure(name=f"{metric} {attribute}", measure=regression.gap(
        [s for s in groups if s.group != UNKNOWN], metric))
        for attribute, groups in summed.groups.items() for metric in regression.GAPS]
    judged = []
    for criterion in spec.criteria:
        known = [s for s in summed.groups[criterion.attribute] if s.group != UNKNOWN]
        large = [s for s in known if s.n >= spec.minimum_group]
        found = regression.compared(known if criterion.threshold is None else large,
                                    regression.GAPS[criterion.metric][0])
        question = Question(criterion.metric, (), criterion.direction, criterion.rule, float(criterion.threshold or 0))
        judged.append(_concluded(spec, criterion, Judgement(question, tuple(found)) if found else None,
                                 [s for s in known if s.n < spec.minimum_group], some=bool(large)))
    return FairnessResult(
        rows=summed.rows, overall=regression.measures(summed.overall), groups=tuple(rows), differences=tuple(gaps),
        notes=summed.notes + regression.small(spec, summed), not_tested=(
            "whether other columns stand in for the sensitive attributes (proxies)",
            "whether a less discriminatory model would do as well")), tuple(judged)


def _check_numbers(source: Source, spec: FairnessSpec, progress: Progress | None) -> Summed:
    for criterion in spec.criteria:
        if criterion.metric not in regression.GAPS or criterion.rule not in ("interval", "point"):
            raise UserError(f"The criterion “{criterion.metric}”, rule “{criterion.rule}”, is not for numbers.",
                            f"Known: {', '.join(regression.GAPS)}; rules interval, point.", "Choose among these.")
        if criterion.threshold is not None and not float(criterion.threshold) > 0:
            raise UserError("A gap of numbers needs a threshold above nought.", f"Asked: {criterion.threshold}.",
                            "Give it in the units of the label.")
    summed = regression.count(source, spec, progress)
    for criterion in spec.criteria:
        if criterion.attribute not in summed.groups:
            raise UserError(f"“{criterion.attribute}” is not one of the attributes compared.",
                            f"Compared: {', '.join(summed.groups)}.", "Name one of these.")
    return summed


def check(source: Source, spec: FairnessSpec, progress: Progress | None = None) -> Counted | Summed:
    """Whether what is asked can be computed on this table: it is counted, and nothing measured.

    Raises UserError for columns, groups, references or criteria that cannot be used, and for too few rows.
    """
    if spec.prediction is not None:
        return _check_numbers(source, spec, progress)
    for criterion in spec.criteria:
        if criterion.metric in regression.GAPS:
            raise UserError(f"The criterion “{criterion.metric}” is for predictions of numbers.",
                            "No column with a prediction was given.", "Name it, or choose another criterion.")
        verdicts.check_criterion(criterion, METRICS, _RULES)
    if unknown := [name for name in spec.metrics if name not in EVERY]:
        raise UserError(f"“{unknown[0]}” is not known here.", f"Known: {', '.join(EVERY)}.", "Choose among these.")
    if spec.cut not in ("", ABOVE_MEDIAN):
        raise UserError(f"A cut “{spec.cut}” is not known here.", f"Known: {ABOVE_MEDIAN}.", "Leave it out.")
    if spec.score is not None and not spec.cut and not 0 <= float(spec.threshold or -1) <= 1:
        raise UserError("A score needs the threshold from which on a row is selected.",
                        f"Given: {spec.threshold or 'none'}.", "Give one between 0 and 1.")
    if spec.before is not None and (spec.weight is not None or spec.cut):
        raise UserError("Two versions are compared row by row.", "Weights and a cut at the median are not for that.",
                        "Leave out the weight, and give a threshold.")
    if spec.before is not None and spec.before_threshold is not None and not 0 <= float(spec.before_threshold) <= 1:
        raise UserError("A score of the version before needs a threshold that can be used.",
                        f"Given: {spec.before_threshold}.", "Give one between 0 and 1.")
    if spec.minimum_group < 1:
        raise UserError("The smallest group judged has at least one row.", f"{spec.minimum_group} was asked.",
                        "30 is usual.")
    if not 0 <= spec.bootstrap <= MAX_REPLICATES or spec.seed < 0:
        raise UserError("These replicates cannot be drawn.", f"{spec.bootstrap:,} were asked, with seed {spec.seed}.",
                        f"Ask for up to {MAX_REPLICATES:,}, with a seed of 0 or more; 2,000 are usual.")
    progress = progress or Progress()
    if spec.record_id is not None and (twice := duplicates(source, spec.record_id, progress.part(0.0, 0.2))):
        raise twice_named(spec.record_id, twice)
    counted = count(source, spec, progress.part(0.2, 1.0))
    if counted.rows < spec.minimum_group:
        what = "a decision" if spec.label is None else "a decision and a label"
        raise UserError("The table is too small for a bias report.",
                        f"It has {words.counted(counted.rows, 'row')} with {what}; a group is judged from "
                        f"{spec.minimum_group:,} rows on.", "Choose a table with more rows.")
    _check_names(spec, counted)
    return counted


def _check_names(spec: FairnessSpec, counted: Counted) -> None:
    named = [(pair.key, pair.value) for pair in spec.reference]
    named += [(c.attribute, c.reference) for c in spec.criteria if c.reference is not None]
    for attribute, _ in named + [(c.attribute, "") for c in spec.criteria]:
        if attribute not in counted.groups:
            raise UserError(f"“{attribute}” is not one of the attributes compared.",
                            f"Compared: {', '.join(counted.groups)}.", "Name one of these.")
    for attribute, group in named:
        found = [c.group for c in counted.groups[attribute] if c.group != UNKNOWN]
        if group not in found:
            raise UserError(f"{attribute} has no group “{group}”.", f"Its groups: {', '.join(found[:20])}.",
                            "Choose the reference among these.")


# ---- rates


def _of_group(
    spec: FairnessSpec, counted: Counted, attribute: str, cells: tuple[Cells, ...],
) -> dict[str, list[NamedMeasure]]:
    """The measures of each group."""
    labelled = counted.overall.labelled
    usual = LABELLED if labelled else SELECTION
    binned = counted.cube.bin is not None
    asked = tuple(name for name in spec.metrics if (labelled or name in _NO_LABEL)
                  and (binned or name not in SCORED)) if spec.metrics else usual
    names = further.names_of(spec, attribute)
    scored = further.of_scores(counted.cube, names, spec, [n for n in asked if n in SCORED])
    asked = tuple(name for name in asked if name not in SCORED or name in scored)
    found: dict[str, list[NamedMeasure]] = {}
    for c in cells:
        made = {name: _rate(c, name) for name in asked if name in RATES}
        if "balanced_accuracy" in asked:
            made["balanced_accuracy"] = _balanced(c)
        made |= {name: measures[c.group] for name, measures in scored.items()}
        found[c.group] = [NamedMeasure(name=name, measure=made[name]) for name in asked]
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
    value, (low, high) = (k1 / n1 + k2 / n2) / 2, intervals.mean_of_two(k1, n1, k2, n2)
    return Measure(value=number(value), low=number(low), high=number(high), method=intervals.MOVER_MEAN)


# ---- rows


def _reference(spec: FairnessSpec, attribute: str) -> str | None:
    return next((pair.value for pair in spec.reference if pair.key == attribute), None)


def _compared(spec: FairnessSpec, cells: tuple[Cells, ...]) -> list[Cells]:
    """The groups that criteria are about: known, and large enough."""
    return [c for c in cells if c.group != UNKNOWN and c.n >= spec.minimum_group]


def _rows(spec: FairnessSpec, counted: Counted, attribute: str, cells: tuple[Cells, ...]) -> list[GroupRow]:
    reference, measures = _reference(spec, attribute), _of_group(spec, counted, attribute, cells)
    rows = []
    for c in cells:
        ratio, relative_to = _row_ratio(spec, cells, c, reference)
        rows.append(GroupRow(
            attribute=attribute, group=c.group, n=c.n, selected=c.selected,
            positives=c.positives if c.labelled else None, true_positives=c.tp if c.labelled else None,
            rates=tuple(measures[c.group]), ratio=ratio, relative_to=relative_to,
            state=_state(spec, c, reference, ratio)))
    return rows


def _state(spec: FairnessSpec, cells: Cells, reference: str | None, ratio: Measure) -> str:
    if cells.group == reference:
        return "reference"
    if cells.n < spec.minimum_group:
        return "too few"
    if cells.group == UNKNOWN:
        return UNKNOWN
    return "ok" if ratio.value is not None else "not computable"


def _row_ratio(spec: FairnessSpec, cells: tuple[Cells, ...], one: Cells, reference: str | None) -> tuple[Measure, str]:
    """The ratio of the favourable rate to the reference's, or the minimum of the ratios to all groups."""
    others = [c for c in _compared(spec, cells) if c is not one] if reference is None else [
        c for c in cells if c.group == reference]
    best = max([*others, one], key=lambda c: _favourable(spec, c).value) if reference is None else others[0]
    if one.group == reference:
        return Measure(value=number(1.0), method="the reference itself"), one.group
    if not _favourable(spec, best).k:
        return Measure(value=None, reason=f"“{best.group}” has no favourable outcome to compare with"), best.group
    pairs = tuple((_favourable(spec, one), _favourable(spec, c)) for c in others)
    if not pairs:
        return Measure(value=None, reason="there is no other group to compare with"), one.group
    bound = 1.0 if reference is None else math.inf
    measure = judge(Question("ratio", pairs, "at_least", "interval", 0.0, bound)).measure
    return measure, best.group


def _favourable(spec: FairnessSpec, c: Cells) -> Rate:
    return Rate(c.group, *c.favourable(spec.favourable))


# ---- gaps as fairlearn defines them


def _gaps(spec: FairnessSpec, attribute: str, cells: list[Cells]) -> list[NamedMeasure]:
    """Largest gaps over all known groups, exactly fairlearn's, with the maximum over pairwise limits."""
    labelled = bool(cells) and cells[0].labelled
    wanted = list(_FIRST_GAPS if labelled else _FIRST_GAPS[:2])
    if spec.metrics and labelled:
        wanted += [name for name, (_, rates) in METRICS.items() if rates and name not in _FIRST_GAPS]
    return [NamedMeasure(name=f"{metric} {attribute}", measure=_gap(metric, cells)) for metric in wanted]


def _gap(metric: str, cells: list[Cells]) -> Measure:
    ratio = metric == "demographic_parity_ratio"
    rates, missing = _metric_rates("demographic_parity_difference" if ratio else metric, cells)
    if missing or len(cells) < 2:
        return Measure(value=None, reason=missing or "there is only one group")
    if ratio and not any(r.k for r in rates):
        return Measure(value=None, reason="nobody is selected in any group")
    kind, direction = ("ratio", "at_least") if ratio else ("difference", "at_most")
    question = Question(kind, verdicts.pairs(rates, None, kind), direction, "interval", 0.0, 1.0)
    return judge(question).measure


def _metric_rates(metric: str, cells: list[Cells]) -> tuple[tuple[Rate, ...], str]:
    """The rates that a difference compares, and why it cannot be computed ("" when it can)."""
    names = METRICS[metric][1]
    for c in cells:
        for name in names:
            if c.rate(name)[1] == 0:
                return (), f"“{c.group}” has no {c.rate(name)[2]}"
    several = len(names) > 1
    part = {name: name.replace("_", " ") if several else "" for name in names}
    return tuple(Rate(c.group, *c.rate(name)[:2], part[name], c.rate(name)[2].removeprefix("rows"))
                 for name in names for c in cells), ""


# ---- criteria


def _criterion(spec: FairnessSpec, counted: Counted, criterion: Criterion) -> CriterionResult:
    known = [c for c in counted.groups[criterion.attribute] if c.group != UNKNOWN]
    large = [c for c in known if c.n >= spec.minimum_group]
    small = [c for c in known if c.n < spec.minimum_group]
    reason = _why_not(spec, criterion, large if len(large) > 1 else known)
    if not reason and (criterion.metric == CONDITIONAL or criterion.metric in CHANGES) \
            and not _judgement(spec, counted, criterion, known).comparisons:
        reason = f"no stratum of {JOIN.join(spec.strata)} holds two groups" if criterion.metric == CONDITIONAL else \
            "fewer than two groups have rows that it counts"
    if reason:
        return CriterionResult(criterion=criterion, measure=Measure(value=None, reason=reason),
                               verdict=Verdict.NOT_COMPUTABLE, sentence=f"Not computable: {reason}.")
    judged = known if criterion.threshold is None else large
    judgement = _judgement(spec, counted, criterion, judged) if _has_pairs(spec, criterion, judged) else None
    return _concluded(spec, criterion, judgement, small, some=bool(large))


def _concluded(
    spec: FairnessSpec, criterion: Criterion, judgement: Judgement | None, small: Sequence[Sized], *, some: bool,
) -> CriterionResult:
    """What a criterion comes to. judgement: None where too few groups are large enough · small: those that are not ·
    some: whether any is.
    """
    threshold, tested = criterion.threshold, {}
    if judgement is not None:
        measure, group = judgement.measure, judgement.worst.rate.group
        said = verdicts.sentence(judgement, f"{criterion.attribute}: {_noun(spec, criterion)}")
        verdict, clearest = judgement.verdict, judgement.clearest
        if spec.metrics:
            tested = {"p_raw": number(clearest.p_raw), "p_adjusted": number(clearest.p)}
    else:
        measure = Measure(value=None, reason=f"fewer than two groups have {words.counted(spec.minimum_group, 'row')}")
        group, said, verdict = "", "", Verdict.UNDETERMINED
    if threshold is None:
        verdict, said = Verdict.REPORTED, _reported(criterion, measure, group)
    elif small and verdict is Verdict.BREACHED:  # a group too small to judge does not undo what is clear of the others
        said = f"{said} {_not_judged(spec, small)}"
    elif small:
        verdict, said = Verdict.UNDETERMINED, _too_small(spec, criterion, small, said if some else None)
    return CriterionResult(criterion=criterion, measure=measure, verdict=verdict, sentence=said, worst_group=group,
                           **tested)


def _has_pairs(spec: FairnessSpec, criterion: Criterion, cells: list[Cells]) -> bool:
    reference = _criterion_reference(spec, criterion)
    return len(cells) > 1 and (reference is None or any(c.group == reference for c in cells))


def _criterion_reference(spec: FairnessSpec, criterion: Criterion) -> str | None:
    return criterion.reference or _reference(spec, criterion.attribute)


def _why_not(spec: FairnessSpec, criterion: Criterion, cells: list[Cells]) -> str:
    """Why a criterion cannot be computed on these groups, or ""."""
    if len(cells) < 2:
        return f"{criterion.attribute} has only one group with a known value"
    if criterion.metric == "impact_ratio":
        reference = _criterion_reference(spec, criterion)
        base = [c for c in cells if reference is None or c.group == reference]
        if base and not any(_favourable(spec, c).k for c in base):
            return f"nobody has the favourable outcome in {reference or 'any group'}"
        return ""
    if criterion.metric == CONDITIONAL:
        return "" if spec.strata else "no factor was named within which groups are compared"
    if criterion.metric in CHANGES and spec.before is None:
        return "no column with the version before was given"
    if criterion.metric in CHANGES and (spec.label is not None or not CHANGES[criterion.metric][2]):
        return ""
    if spec.label is None and criterion.metric not in _UNLABELLED:
        return "no label column was given"
    return _metric_rates(criterion.metric, cells)[1]


def _judgement(spec: FairnessSpec, counted: Counted, criterion: Criterion, cells: list[Cells]) -> Judgement:
    if criterion.metric != CONDITIONAL and criterion.metric not in CHANGES:
        return judge(_question(spec, criterion, cells))
    question = Question(criterion.metric, (), criterion.direction, criterion.rule, float(criterion.threshold or 0))
    names, among = further.names_of(spec, criterion.attribute), {c.group for c in cells}
    compared = further.compared_within(counted.cube, names, spec.strata, among) if criterion.metric == CONDITIONAL \
        else changes.compared(counted.cube, names, criterion.metric, among)
    return Judgement(question, tuple(compared))


def _question(spec: FairnessSpec, criterion: Criterion, cells: list[Cells]) -> Question:
    ratio = criterion.metric == "impact_ratio"
    kind = "ratio" if ratio else "difference"
    rates = tuple(_favourable(spec, c) for c in cells) if ratio else _metric_rates(criterion.metric, cells)[0]
    reference = _criterion_reference(spec, criterion)
    return Question(kind, verdicts.pairs(rates, reference, kind), criterion.direction, criterion.rule,
                    float(criterion.threshold or 0), 1.0 if reference is None or not ratio else math.inf)


def _noun(spec: FairnessSpec, criterion: Criterion) -> str:
    noun = METRICS[criterion.metric][0]
    if criterion.metric != "impact_ratio":
        return noun
    outcome = "being selected" if spec.favourable else "not being selected"
    return f"{noun} (of {outcome}, the favourable outcome)"


def _reported(criterion: Criterion, measure: Measure, group: str) -> str:
    value, low, high = (verdicts.decimal(float(v)) if v else "–" for v in (measure.value, measure.low, measure.high))
    return (f"{criterion.attribute}: {METRICS[criterion.metric][0]} is {value} [{low}, {high}]"
            f"{f', “{group}”' if group else ''}; reported without a threshold.")


def _named(small: Sequence[Sized]) -> str:
    named = ", ".join(f"“{c.group}” (n {c.n:,})" for c in small[:3])
    return named + (f" and {len(small) - 3} more" if len(small) > 3 else "")


def _not_judged(spec: FairnessSpec, small: Sequence[Sized]) -> str:
    return f"Not judged: {_named(small)}, fewer than the minimum of {words.counted(spec.minimum_group, 'row')}."


def _too_small(spec: FairnessSpec, criterion: Criterion, small: Sequence[Sized], said: str | None) -> str:
    """said: of the groups that are large enough ("" where they are too few to compare), None where there is none."""
    minimum = f"the minimum of {words.counted(spec.minimum_group, 'row')}"
    if said is None:
        return f"{criterion.attribute} cannot be told: no group has {minimum}. Their sizes: {_named(small)}."
    start = f"{criterion.attribute} cannot be told for {_named(small)}: fewer than {minimum}."
    return f"{start} Among the groups large enough: {said}" if said else \
        f"{start} The other groups alone leave nothing to compare."


def row_verdicts(spec: FairnessSpec, result: FairnessResult) -> dict[tuple[str, str], Verdict]:
    """The verdict of each compared group under its attribute's impact-ratio criterion, by (attribute, group).

    Works on recorded evidence. A named reference, unknown values and groups that are too few have none.
    """
    found: dict[tuple[str, str], Verdict] = {}
    for criterion in spec.criteria:
        if criterion.metric != "impact_ratio" or criterion.threshold is None:
            continue
        rows = [r for r in result.groups if r.attribute == criterion.attribute and r.state in ("ok", "reference")]
        cells = [Cells(r.group, r.n - r.selected, r.selected, 0, 0, labelled=False) for r in rows]
        if not _has_pairs(spec, criterion, cells) or _why_not(spec, criterion, cells):
            continue
        judgement = judge(_question(spec, criterion, cells))
        for c in cells:
            mine = tuple(x for x in judgement.comparisons if x.rate.group == c.group)
            if mine:
                found[criterion.attribute, c.group] = Judgement(judgement.question, mine).verdict
    return found


# ---- what a reader should know


def _small(spec: FairnessSpec, counted: Counted) -> tuple[str, ...]:
    return tuple(f"{attribute}: “{c.group}” has {c.n:,} rows, fewer than {spec.minimum_group:,}: too few to judge."
                 for attribute, cells in counted.groups.items() for c in cells
                 if c.group != UNKNOWN and c.n < spec.minimum_group)


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
