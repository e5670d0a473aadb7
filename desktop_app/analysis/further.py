"""What a bias report says beyond rates of groups: scores, cut-offs, calibration, strata, inequality, what was left out.

Only for specs that ask for metrics by name; reports of before are computed again as they were.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from desktop_app.analysis import alternatives, bootstrap, changes, inequality, intervals, scores, slices, strata
from desktop_app.analysis.counts import UNKNOWN, Cells, Counted, cells_of, grouped, worth
from desktop_app.analysis.cube import Cube
from desktop_app.analysis.verdicts import CONFIDENCE, OTHERS, Comparison, Rate, absolute
from desktop_app.domain.canonical import Number, number
from desktop_app.domain.evidence import (
    NO_SEARCH,
    WEIGHED,
    Adjusted,
    Calibration,
    FairnessResult,
    FairnessSpec,
    FrontierPoint,
    GroupCutOffs,
    Measure,
    NamedMeasure,
    PeriodRow,
    StratumRow,
    Sweep,
    Tally,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


def added(result: FairnessResult, counted: Counted, spec: FairnessSpec) -> FairnessResult:
    """A report with all of it that the spec asks for and the columns allow."""
    cube, wanted = counted.cube, {name: names_of(spec, name) for name in counted.groups}
    swept: list[Sweep] = []
    calibrated: list[Calibration] = []
    points: list[FrontierPoint] = []
    own: list[GroupCutOffs] = []
    used = [point for attribute, cells in counted.groups.items() if spec.methods >= WEIGHED and cube.bin is not None
            and cube.labelled and spec.search != NO_SEARCH and (point := alternatives.now(attribute, cells, spec))]
    if cube.bin is not None:
        for attribute, names in wanted.items():
            groups = scores.histograms(cube, names)
            swept += scores.sweep(attribute, groups, labelled=cube.labelled)
            if cube.labelled:
                calibrated += scores.calibration(attribute, groups)
            if cube.labelled and spec.search != NO_SEARCH:
                points += alternatives.frontier(attribute, groups, spec)
                own += alternatives.of_groups(attribute, groups, spec) if spec.group_cut_offs else ()
    rows: list[StratumRow] = []
    adjusted: list[Adjusted] = []
    if spec.strata:
        for attribute, names in wanted.items():
            more, compared = _within(cube, attribute, names, spec)
            rows += more
            adjusted += compared
    found, looked_at = slices.explored(cube, spec) if spec.explore else ((), 0)
    return replace(
        result, over_time=tuple(row for name, names in wanted.items() for row in _over_time(cube, name, names)),
        slices=found, sliced=looked_at,
        overall=result.overall + _entropy(cube, spec),
        differences=(*result.differences, *_between(counted, spec)),
        cuts=tuple(Number(repr(cut)) for cut in scores.cuts()) if swept else (), sweep=tuple(swept),
        calibration=tuple(calibrated), frontier=tuple(points), used=tuple(used), group_cut_offs=tuple(own),
        strata=tuple(rows), adjusted=tuple(adjusted),
        changes=tuple(found for attribute, names in wanted.items() if cube.before is not None
                      for found in changes.listed(cube, attribute, names)),
        unknown=tuple(Tally(name=name, rows=sum(c.n for c in cells if c.group == UNKNOWN))
                      for name, cells in counted.groups.items()),
        dropped=tuple(Tally(name=column, rows=n, why=why) for column, n, why in cube.dropped))


def names_of(spec: FairnessSpec, attribute: str) -> tuple[str, ...]:
    """The columns that an attribute or an intersection is made of; none for all rows together."""
    return spec.crossed.get(attribute, (attribute,) if attribute else ())


# ---- scores of each group


def of_scores(
    cube: Cube, names: tuple[str, ...], spec: FairnessSpec, asked: list[str],
) -> dict[str, dict[str, Measure]]:
    """The measures of scores that are asked for: name → group → measure; one group “all” where there are no names."""
    if not asked or cube.bin is None:
        return {}
    groups = scores.histograms(cube, names)
    made: dict[str, dict[str, Measure]] = {}
    if "auc" in asked:
        made["auc"] = {g: scores.auc(h, without=_bare(cube, spec), perfect=spec.methods < WEIGHED)
                       for g, h in groups.items()}
    if "calibration_error" in asked:
        made["calibration_error"] = {
            g: scores.calibration_error(h, 0 if _bare(cube, spec) else spec.bootstrap, spec.seed)
            for g, h in groups.items()}
    for name, labels in scores.LABELS.items():
        if name in asked:
            made[name] = {group: scores.mean(*sums) for group, sums in scores.sums(cube, names, labels).items()}
    if "standardised_mean_difference" in asked and names:
        made["standardised_mean_difference"] = _standardised(cube, names)
    return made


def _standardised(cube: Cube, names: tuple[str, ...]) -> dict[str, Measure]:
    """Of each group: its mean score less that of all others known, over the standard deviation of all scores."""
    import numpy as np

    codes, order = grouped(cube, names)
    known = np.array([name != UNKNOWN for name in order])
    sums = [np.bincount(codes, weights=part, minlength=len(order)) for part in (cube.w, cube.w2, cube.s, cube.s2)]
    whole = [float(part[known].sum()) for part in sums]
    found = {}
    for i, name in enumerate(order):
        own = [float(part[i]) for part in sums]
        rest = [all_ - (mine if known[i] else 0.0) for all_, mine in zip(whole, own, strict=True)]
        found[name] = scores.standardised(own, rest, whole)
    return found


# ---- time


def _over_time(cube: Cube, attribute: str, names: tuple[str, ...]) -> list[PeriodRow]:
    """Of each group in each period in which it has rows: the share selected."""
    if cube.when is None:
        return []
    rows = []
    for i, period in enumerate(cube.periods):
        for c in cells_of(cube, names, cube.when == i):
            k, n, _ = c.rate("selection_rate")
            if not n:
                continue
            low, high = intervals.wilson(k, n)
            rows.append(PeriodRow(attribute=attribute, group=c.group, period=period, n=c.n, selected=Measure(
                value=number(k / n), low=number(low), high=number(high), method=intervals.WILSON)))
    return rows


# ---- inequality


def _bare(cube: Cube, spec: FairnessSpec) -> bool:
    """Whether this is a weighted report of before, in which weights did not count in replicates and within strata."""
    return cube.weighted and spec.methods < WEIGHED


def _entropy(cube: Cube, spec: FairnessSpec) -> tuple[NamedMeasure, ...]:
    """Over all rows."""
    if not cube.labelled or _bare(cube, spec):
        return ()
    found = list(cells_of(cube, ()))
    return (_replicated("generalised_entropy", inequality.entropy, found, spec),
            _replicated("theil_index", inequality.theil, found, spec))


def _between(counted: Counted, spec: FairnessSpec) -> list[NamedMeasure]:
    cube = counted.cube
    if not cube.labelled or _bare(cube, spec):
        return []
    found = []
    for attribute, cells in counted.groups.items():
        known = [c for c in cells if c.group != UNKNOWN]
        if len(known) > 1:
            found += [_replicated(f"between_group_entropy {attribute}", inequality.between_entropy, known, spec),
                      _replicated(f"between_group_theil {attribute}", inequality.between_theil, known, spec)]
    return found


def _replicated(
    name: str, function: bootstrap.Statistic, cells: list[Cells], spec: FairnessSpec,
) -> NamedMeasure:
    """A function of [… × groups × 4] counts or sums of weights, with its interval."""
    import numpy as np

    def over(drawn: NDArray[Any]) -> NDArray[Any]:
        return function(drawn.reshape(len(drawn), -1, 4))

    rows = np.array([c.rows for c in cells], dtype=float).reshape(-1)
    weights = (np.array([c.w for c in cells]).reshape(-1), np.array([c.w2 for c in cells]).reshape(-1)) \
        if cells[0].w is not None else None
    return NamedMeasure(name=name, measure=bootstrap.interval(rows, over, spec.bootstrap, spec.seed, weights))


# ---- strata


def _within(
    cube: Cube, attribute: str, names: tuple[str, ...], spec: FairnessSpec,
) -> tuple[list[StratumRow], list[Adjusted]]:
    """Each group within each stratum, and against all other known groups over the strata."""
    order, called, (chosen, others) = _layered(cube, names, spec.strata, cube.n)
    rows = [StratumRow(attribute=attribute, stratum=called[j], group=order[i], n=int(chosen[i, j] + others[i, j]),
                       selected=int(chosen[i, j])) for j in range(len(called)) for i in range(len(order))
            if chosen[i, j] + others[i, j]]
    pooled = {group: strata.pooled(tables, method=_method(spec))
              for group, tables in _against_others(cube, names, spec, set(order)).items()}
    adjusted = iter(intervals.holm([p.p for p in pooled.values() if p]))
    return rows, [_adjusted(attribute, group, found, next(adjusted) if found else None, _method(spec))
                  for group, found in pooled.items()]


def _layered(
    cube: Cube, names: tuple[str, ...], factors: tuple[str, ...], part: NDArray[Any],
) -> tuple[list[str], list[str], tuple[NDArray[Any], NDArray[Any]]]:
    """Groups, strata, and [group × stratum] sums of a part of the cube over selected lines and over the others."""
    import numpy as np

    codes, order = grouped(cube, names)
    layers, called = grouped(cube, factors)
    place, shape = codes * len(called) + layers, (len(order), len(called))
    chosen, others = (np.bincount(place, weights=part * where, minlength=shape[0] * shape[1]).reshape(shape)
                      for where in (cube.cell % 2, 1 - cube.cell % 2))
    return order, called, (chosen, others)


def _against_others(
    cube: Cube, names: tuple[str, ...], spec: FairnessSpec, among: set[str],
) -> dict[str, list[strata.Two]]:
    """Of each known group among some: in each known stratum, it and the others of them; with weights as many as they
    are worth.
    """
    sums: tuple[NDArray[Any], ...]
    order, called, sums = _layered(cube, names, spec.strata, cube.n)
    known = [i for i, name in enumerate(order) if name != UNKNOWN and name in among]
    levels = [j for j, name in enumerate(called) if name != UNKNOWN]
    if cube.weighted and not _bare(cube, spec):
        sums = (*_layered(cube, names, spec.strata, cube.w)[2], *_layered(cube, names, spec.strata, cube.w2)[2])

    def of(places: list[int], j: int) -> tuple[float, float]:
        found = [float(part[places, j].sum()) for part in sums]
        return (found[0], found[0] + found[1]) if len(found) == 2 else worth(*found)

    return {order[i]: [(*of([i], j), *of([k for k in known if k != i], j)) for j in levels] for i in known}


def compared_within(
    cube: Cube, names: tuple[str, ...], spec: FairnessSpec, among: set[str],
) -> list[Comparison]:
    """Each group against all others of some, within strata, as comparisons to be judged."""
    tables = _against_others(cube, names, spec, among)
    wide = 1 - (1 - CONFIDENCE) / max(1, len(tables))
    found = {group: (own, both) for group, two in tables.items()
             if (own := strata.pooled(two, method=_method(spec)))
             and (both := strata.pooled(two, wide, method=_method(spec)))}
    adjusted = intervals.holm([own.p for own, _ in found.values()])
    return [Comparison(
        Rate(group, sum(t[0] for t in tables[group]), sum(t[1] for t in tables[group])),
        Rate(OTHERS, sum(t[2] for t in tables[group]), sum(t[3] for t in tables[group])), abs(own.difference),
        absolute(own.limits), absolute(both.limits), _method(spec), p, own.p)
        for (group, (own, both)), p in zip(found.items(), adjusted, strict=True)]


def _method(spec: FairnessSpec) -> str:
    return strata.STANDARDISED if spec.methods >= WEIGHED else strata.SATO


def _adjusted(attribute: str, group: str, found: strata.Pooled | None, p: float | None, method: str) -> Adjusted:
    if found is None:
        return Adjusted(attribute=attribute, group=group, p_raw=None, p_adjusted=None, difference=Measure(
            value=None, reason="no stratum holds this group and another"))
    low, high = found.limits
    return Adjusted(attribute=attribute, group=group, p_raw=number(found.p), p_adjusted=number(p), difference=Measure(
        value=number(found.difference), low=number(low), high=number(high), method=method))
