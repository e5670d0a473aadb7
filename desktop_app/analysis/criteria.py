"""The criteria of a bias report: which groups each is about, what it compares, what it comes to and in which words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from desktop_app.analysis import changes, classes, further, pairs, regression, scores, verdicts
from desktop_app.analysis.changes import CHANGES
from desktop_app.analysis.counts import UNKNOWN, Cells, Counted
from desktop_app.analysis.regression import Summed
from desktop_app.analysis.verdicts import Comparison, Judgement, Question, Rate, judge
from desktop_app.domain import words
from desktop_app.domain.canonical import number
from desktop_app.domain.evidence import (
    JOIN,
    WEIGHED,
    Criterion,
    CriterionResult,
    FairnessResult,
    FairnessSpec,
    GroupRow,
    Measure,
    Verdict,
)

CONDITIONAL, AVERAGE_ODDS = "conditional_parity_difference", "average_odds_difference"
RATIOS = ("impact_ratio", "equal_opportunity_ratio", "equalised_odds_ratio")
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
    "equal_opportunity_ratio": ("the equal opportunity ratio", ("true_positive_rate",)),
    "equalised_odds_ratio": ("the equalised odds ratio", ("true_positive_rate", "false_positive_rate")),
    AVERAGE_ODDS: ("the average odds difference (opposite gaps of its two rates cancel)", ()),
    CONDITIONAL: ("the largest gap within strata", ()),
    **{metric: (said, ()) for metric, (_, said, _) in CHANGES.items()},
    **{metric: (said, ()) for metric, (_, said) in regression.GAPS.items()},
    **{metric: (said, ()) for metric, (_, said) in (classes.GAPS | scores.GAPS).items()},
}
OF_THEIR_OWN = (AVERAGE_ODDS, *classes.GAPS, *scores.GAPS)  # gaps that are compared otherwise than rates of pairs
_NOT_OF_RATES = (CONDITIONAL, *CHANGES, *OF_THEIR_OWN)
_UNLABELLED = ("impact_ratio", "demographic_parity_difference", CONDITIONAL, "selection_rate_change")
RULES = ("interval", "four_fifths_and_significant", "point")


class Sized(Protocol):
    """A group of some rows."""

    @property
    def group(self) -> str:
        """Its name."""

    @property
    def n(self) -> int:
        """Its rows."""


def reference_of(spec: FairnessSpec, attribute: str) -> str | None:
    """The group that was named beforehand, or None: the best one."""
    return next((pair.value for pair in spec.reference if pair.key == attribute), None)


def left_out(spec: FairnessSpec, rows: int, group: Cells | GroupRow, reference: str | None) -> bool:
    """Whether a group is left out of ratios, as a preset allows for a very small share of the rows."""
    return spec.least_share is not None and group.n < float(spec.least_share) * rows and group.group != reference


def favourable(spec: FairnessSpec, c: Cells) -> Rate:
    """The rate of the outcome that is good for the person."""
    return Rate(c.group, *c.favourable(spec.favourable))


def metric_rates(metric: str, cells: list[Cells]) -> tuple[tuple[Rate, ...], str]:
    """The rates that a difference compares, and why it cannot be computed ("" when it can)."""
    names = (CHANGES[metric][0],) if metric in CHANGES else METRICS[metric][1]
    for c in cells:
        for name in names:
            if c.rate(name)[1] == 0:
                return (), f"“{c.group}” has no {c.rate(name)[2]}"
    several = len(names) > 1
    part = {name: name.replace("_", " ") if several else "" for name in names}
    return tuple(Rate(c.group, *c.rate(name)[:2], part[name], _whose(c.rate(name)[2]))
                 for name in names for c in cells), ""


def _whose(rows: str) -> str:
    """Which rows a rate counts, after their number: “ with the event”, “ selected”; "" for all."""
    return f" {rows.removeprefix('rows').removesuffix('rows').strip()}".rstrip()


# ---- criteria


def judged(spec: FairnessSpec, counted: Counted, criterion: Criterion) -> CriterionResult:
    """What a criterion comes to."""
    known = [c for c in counted.groups[criterion.attribute] if c.group != UNKNOWN and not (
        criterion.metric == "impact_ratio"
        and left_out(spec, counted.rows, c, _criterion_reference(spec, criterion)))]
    large = [c for c in known if c.n >= spec.minimum_group]
    small = [c for c in known if c.n < spec.minimum_group]
    whole = criterion.threshold is None and not _missing(spec, counted, criterion, known)
    if reason := "" if whole else _missing(spec, counted, criterion, large if len(large) > 1 else known):
        return _not_computable(spec, criterion, reason)
    about = known if whole else large
    judgement = _judgement(spec, counted, criterion, about) if _has_pairs(spec, criterion, about) else None
    found = _concluded(spec, criterion, judgement, small, some=bool(large))
    if criterion.threshold is None and not whole and small:
        found = replace(found, sentence=f"{found.sentence} {_not_judged(spec, small)}")
    return found


def _missing(spec: FairnessSpec, counted: Counted, criterion: Criterion, cells: list[Cells]) -> str:
    """Why a criterion cannot be computed on these groups, or ""."""
    return _why_not(spec, criterion, cells) or (
        _compared(spec, counted, criterion, cells)[1] if criterion.metric in _NOT_OF_RATES else "")


def judged_numbers(spec: FairnessSpec, summed: Summed, criterion: Criterion) -> CriterionResult:
    """The same, of a prediction of a number."""
    known = [s for s in summed.groups[criterion.attribute] if s.group != UNKNOWN]
    large = [s for s in known if s.n >= max(2, spec.minimum_group)]  # one row has no mean error
    found = regression.compared(known if criterion.threshold is None else large, regression.GAPS[criterion.metric][0],
                                _criterion_reference(spec, criterion) if spec.methods >= WEIGHED else None)
    if not found and len(large) == len(known):
        return _not_computable(spec, criterion, f"{criterion.attribute} has only one group with a known value")
    question = Question(criterion.metric, (), criterion.direction, criterion.rule, float(criterion.threshold or 0))
    return _concluded(spec, criterion, Judgement(question, tuple(found)) if found else None,
                      [s for s in known if s not in large], some=bool(large))


def _not_computable(spec: FairnessSpec, criterion: Criterion, reason: str) -> CriterionResult:
    said = f"{criterion.attribute}: {_noun(spec, criterion)} is not computable: {reason}."
    return CriterionResult(criterion=criterion, measure=Measure(value=None, reason=reason),
                           verdict=Verdict.NOT_COMPUTABLE, sentence=said)


def gap(spec: FairnessSpec, counted: Counted, attribute: str, metric: str) -> Measure:
    """The largest gap over all known groups, of one of `OF_THEIR_OWN`."""
    known = [c for c in counted.groups[attribute] if c.group != UNKNOWN]
    criterion = Criterion(metric=metric, attribute=attribute, threshold=None, direction="at_most")
    found, reason = _compared(replace(spec, reference=()), counted, criterion, known)
    if reason or not found:
        return Measure(value=None, reason=reason or "there is only one group")
    return Judgement(Question(metric, (), "at_most", "interval", 0.0), tuple(found)).measure


def _compared(
    spec: FairnessSpec, counted: Counted, criterion: Criterion, cells: list[Cells],
) -> tuple[list[Comparison], str]:
    """Some groups compared by a criterion that is not of rates of pairs, and why one of them would be left out: then it
    is not computable.
    """
    metric, names = criterion.metric, further.names_of(spec, criterion.attribute)
    among, reference = {c.group for c in cells}, _criterion_reference(spec, criterion)
    if metric in classes.GAPS:
        return classes.compared(counted.cube, names, metric, among, reference)
    if metric in scores.GAPS:
        return scores.compared(counted.cube, names, metric, among, reference)
    if metric == AVERAGE_ODDS:
        odds = {c.group: [c.rate(name) for name in METRICS["equalised_odds_difference"][1]] for c in cells}
        if without := [f"“{group}” has no {of}" for group, rates in odds.items() for _, n, of in rates if not n]:
            return [], without[0]
        return pairs.of_shares({group: [(k, n) for k, n, _ in rates] for group, rates in odds.items()}, reference), ""
    if metric in CHANGES:
        return changes.compared(counted.cube, names, metric, among), ""
    return _within(spec, counted, names, among)


def _within(
    spec: FairnessSpec, counted: Counted, names: tuple[str, ...], among: set[str],
) -> tuple[list[Comparison], str]:
    found = further.compared_within(counted.cube, names, spec, among)
    if not found:
        return [], f"no stratum of {JOIN.join(spec.strata)} holds two groups"
    alone = sorted(among - {c.rate.group for c in found})
    return found, f"no stratum of {JOIN.join(spec.strata)} holds “{alone[0]}” and another group" if alone else ""


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
        measure = Measure(value=None, reason=f"fewer than two groups have {_minimum(spec)}")
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
    return criterion.reference or reference_of(spec, criterion.attribute)


def _why_not(spec: FairnessSpec, criterion: Criterion, cells: list[Cells]) -> str:
    """Why a criterion cannot be computed on these groups, or ""."""
    if len(cells) < 2:
        return f"{criterion.attribute} has only one group with a known value"
    if criterion.metric == "impact_ratio":
        reference = _criterion_reference(spec, criterion)
        base = [c for c in cells if reference is None or c.group == reference]
        if base and not any(favourable(spec, c).k for c in base):
            return f"nobody has the favourable outcome in {reference or 'any group'}"
        return ""
    if criterion.metric == CONDITIONAL:
        return "" if spec.strata else "no factor was named within which groups are compared"
    if criterion.metric in CHANGES and spec.before is None:
        return "no column with the version before was given"
    if spec.label is None and criterion.metric not in _UNLABELLED:
        return "no label column was given"
    rates, reason = metric_rates(criterion.metric, cells)
    if reason or criterion.metric not in RATIOS:
        return reason
    reference = _criterion_reference(spec, criterion)
    return none_found([r for r in rates if reference is None or r.group == reference])


def none_found(rates: Sequence[Rate]) -> str:
    """Why a ratio to the best of some rates cannot be computed, or "": where all are nought there is nothing to compare
    with.
    """
    parts = {rate.part: sum(r.k for r in rates if r.part == rate.part) for rate in rates}
    return next((f"all rates{f' of {part}s' if part else ''} are nought" for part, k in parts.items() if not k), "")


def _judgement(spec: FairnessSpec, counted: Counted, criterion: Criterion, cells: list[Cells]) -> Judgement:
    if criterion.metric not in _NOT_OF_RATES:
        return judge(_question(spec, criterion, cells))
    question = Question(criterion.metric, (), criterion.direction, criterion.rule, float(criterion.threshold or 0))
    return Judgement(question, tuple(_compared(spec, counted, criterion, cells)[0]))


def _question(spec: FairnessSpec, criterion: Criterion, cells: list[Cells]) -> Question:
    ratio, of_favourable = criterion.metric in RATIOS, criterion.metric == "impact_ratio"
    kind = "ratio" if ratio else "difference"
    rates = tuple(favourable(spec, c) for c in cells) if of_favourable else metric_rates(criterion.metric, cells)[0]
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


def _minimum(spec: FairnessSpec) -> str:
    """From how many rows on a group is judged; a mean of numbers takes two."""
    return words.counted(max(2, spec.minimum_group) if spec.prediction else spec.minimum_group, "row")


def _named(small: Sequence[Sized]) -> str:
    named = ", ".join(f"“{c.group}” (n {c.n:,})" for c in small[:3])
    return named + (f" and {len(small) - 3} more" if len(small) > 3 else "")


def _not_judged(spec: FairnessSpec, small: Sequence[Sized]) -> str:
    return f"Not judged: {_named(small)}, fewer than the minimum of {_minimum(spec)}."


def _too_small(spec: FairnessSpec, criterion: Criterion, small: Sequence[Sized], said: str | None) -> str:
    """said: of the groups that are large enough ("" where they are too few to compare), None where there is none."""
    minimum = f"the minimum of {_minimum(spec)}"
    if said is None:
        return f"{criterion.attribute} cannot be told: no group has {minimum}. Their sizes: {_named(small)}."
    start = f"{criterion.attribute} cannot be told for {_named(small)}: fewer than {minimum}."
    return f"{start} Among the groups large enough: {said}" if said else \
        f"{start} The other groups alone leave nothing to compare."


def row_verdicts(spec: FairnessSpec, result: FairnessResult) -> dict[tuple[str, str], Verdict]:
    """The verdict of each compared group under its attribute's impact-ratio criterion, by (attribute, group).

    Works on recorded evidence, which has counts of rows: of weighted reports there are none. A named reference, unknown
    values and groups that are too few have none either.
    """
    if spec.weight is not None:
        return {}
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


