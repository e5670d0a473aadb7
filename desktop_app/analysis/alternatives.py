"""What another cut-off would have done: accuracy against the gap between groups.

A cut-off for everybody is the search for a less discriminatory alternative that a fair-lending reviewer asks for; what
other models could do is not told by it. Cut-offs of their own for groups are searched only where a preset allows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from desktop_app.analysis import scores
from desktop_app.analysis.columns import BINS
from desktop_app.analysis.counts import UNKNOWN, Cells
from desktop_app.domain.canonical import Number, number
from desktop_app.domain.evidence import (
    SEARCHES,
    WEIGHED,
    FairnessResult,
    FairnessSpec,
    FrontierPoint,
    GroupCutOff,
    GroupCutOffs,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SAME = 1e-9
RATIO = "impact_ratio"
PERMITTED = (0.0, 0.02, 0.05, 0.1)  # gaps up to which the most accurate cut-offs of groups are searched
GRID = 1000  # steps in which rates are tried, as fairlearn's ThresholdOptimizer has by default
_NAMES = ("false_positive_rate", "true_positive_rate")  # by label
_RATES = {"true_positive_rate": (1,), "false_positive_rate": (0,), "equalised_odds": (1, 0)}  # of which labels


def sought(spec: FairnessSpec) -> str:
    """For what other cut-offs are searched, one of `SEARCHES`."""
    return spec.search if spec.search in SEARCHES else RATIO


# ---- cut-offs for everybody


def frontier(attribute: str, groups: dict[str, NDArray[Any]], spec: FairnessSpec) -> tuple[FrontierPoint, ...]:
    """At each cut-off: accuracy, the lowest ratio of the favourable outcome and the largest gap that is searched for,
    all over the known groups that are large enough. None where a group lacks the rows that one is of.

    In the first edition of the methods accuracy is over all rows, and groups that lack such rows are left out.
    """
    import numpy as np

    step, labels = BINS // scores.CUTS, _RATES.get(sought(spec), (1,))
    judged = list(_judged(groups, spec).values())
    first = spec.methods < WEIGHED
    whole: NDArray[Any] = np.add.reduce([g[:, :, 0] for g in groups.values()] if first or not judged else judged)
    if not whole.sum():
        return ()
    over = _over(whole, step)
    accuracy, selected = (over[1] + whole[0].sum() - over[0]) / whole.sum(), over.sum(axis=0) / whole.sum()
    found = []
    for i, cut in enumerate(scores.cuts()):
        shares = [_over(g, step)[:, i].sum() / g.sum() for g in judged]
        gaps = [_gap([_over(g, step)[label, i] / g[label].sum() if g[label].sum() else None for g in judged
                      if g[label].sum() or not first]) for label in labels]
        found.append(FrontierPoint(
            attribute=attribute, cut=Number(repr(cut)), accuracy=number(float(accuracy[i])),
            ratio=number(_ratio(shares, favourable=spec.favourable)), gap=number(_largest(gaps)),
            selected=None if first else number(float(selected[i]))))
    return tuple(found)


def now(attribute: str, cells: Sequence[Cells], spec: FairnessSpec) -> FrontierPoint | None:
    """What the cut-off that was used does, over the same groups; None without two of them."""
    judged = [c for c in cells if c.group != UNKNOWN and c.n >= spec.minimum_group]
    if len(judged) < 2:
        return None
    tn, fp, fn, tp = (sum(part) for part in zip(*(c.weights for c in judged), strict=True))
    whole = tn + fp + fn + tp
    shares = [k / n for k, n, _ in (c.rate("selection_rate") for c in judged)]
    rates = [[k / n if n else None for k, n, _ in (c.rate(_NAMES[label]) for c in judged)]
             for label in _RATES.get(sought(spec), (1,))]
    return FrontierPoint(
        attribute=attribute, cut=spec.threshold or Number("0.0"), accuracy=number((tn + tp) / whole),
        ratio=number(_ratio(shares, favourable=spec.favourable)), gap=number(_largest([_gap(r) for r in rates])),
        selected=number((fp + tp) / whole))


def _judged(groups: dict[str, NDArray[Any]], spec: FairnessSpec) -> dict[str, NDArray[Any]]:
    """[label × bin] rows, or weights, of the known groups that are large enough."""
    return {name: g[:, :, 0] for name, g in groups.items()
            if name != UNKNOWN and _rows(g, spec) >= spec.minimum_group}


def _rows(group: NDArray[Any], spec: FairnessSpec) -> float:
    """Its rows; of weighted reports of before the sum of the weights."""
    return float(group[:, :, 2 if group.shape[-1] > 2 and spec.methods >= WEIGHED else 0].sum())


def _over(histogram: NDArray[Any], step: int) -> NDArray[Any]:
    """[label × cut-off] rows that score at least the cut-off."""
    import numpy as np

    return np.cumsum(histogram[:, ::-1], axis=1)[:, ::-1][:, step::step]


def _ratio(shares: list[float], *, favourable: bool) -> float | None:
    good = shares if favourable else [1 - s for s in shares]
    return float(min(good) / max(good)) if len(good) > 1 and max(good) > 0 else None


def _gap(rates: list[float | None]) -> float | None:
    there = [rate for rate in rates if rate is not None]
    return float(max(there) - min(there)) if len(there) == len(rates) > 1 else None


def _largest(gaps: list[float | None]) -> float | None:
    return None if None in gaps else max(gap for gap in gaps if gap is not None)


def at(point: FrontierPoint, spec: FairnessSpec) -> float | None:
    """What is searched for at a cut-off: its lowest ratio, or its largest gap."""
    value = point.ratio if sought(spec) == RATIO else point.gap
    return None if value is None else float(value)


def used(result: FairnessResult, spec: FairnessSpec, attribute: str) -> tuple[float, float] | None:
    """(what is searched for, accuracy) at the cut-off that was used; None where either is not computable."""
    point = next((p for p in result.used if p.attribute == attribute), None)
    if spec.methods >= WEIGHED:
        value = at(point, spec) if point else None
        return None if point is None or value is None or point.accuracy is None else (value, float(point.accuracy))
    accuracy = next((m.measure.value for m in result.overall if m.name == "accuracy"), None)
    rows = [r for r in result.groups if r.attribute == attribute and r.state in ("ok", "reference")
            and r.n >= spec.minimum_group]
    shares = [float(m.measure.value) for r in rows for m in r.rates
              if m.name == "selection_rate" and m.measure.value is not None]
    value = _ratio(shares, favourable=spec.favourable)
    return None if accuracy is None or value is None else (value, float(accuracy))


def better(result: FairnessResult, spec: FairnessSpec, attribute: str) -> list[FrontierPoint]:
    """Cut-offs that are at least as accurate as the one used, with a ratio nearer to 1 or a smaller gap; best first."""
    before = used(result, spec, attribute)
    if before is None:
        return []
    sign = 1 if sought(spec) == RATIO else -1
    found = [(sign * value, p) for p in result.frontier if p.attribute == attribute and p.accuracy is not None
             and (value := at(p, spec)) is not None and float(p.accuracy) >= before[1] - SAME]
    return [p for value, p in sorted(found, key=lambda each: -each[0]) if value > sign * before[0] + SAME]


def said(result: FairnessResult, spec: FairnessSpec) -> tuple[str, ...]:
    """What was found, a sentence for each attribute."""
    sentences, what = [], SEARCHES[sought(spec)]
    short = "ratio" if sought(spec) == RATIO else "gap"
    for attribute in dict.fromkeys(p.attribute for p in result.frontier):
        before, found = used(result, spec, attribute), better(result, spec, attribute)
        if before is None:
            if any(p.attribute == attribute for p in result.used):
                sentences.append(f"{attribute}: other cut-offs are not compared: the {what} cannot be computed of "
                                 "these groups.")
            continue
        start = f"{attribute}: the cut-off used has a {what} of {before[0]:.3f} and an accuracy of {before[1]:.3f}."
        if not found:
            sentences.append(f"{start} None of the {scores.CUTS - 1} others tried for everybody alike is as accurate "
                             f"with a better {short}.")
            continue
        best = found[0]
        selected = f", {float(best.selected):.1%} selected" if best.selected is not None else ""
        sentences.append(
            f"{start} {len(found)} of the {scores.CUTS - 1} others tried for everybody alike "
            f"{'is' if len(found) == 1 else 'are'} at least as accurate with a better {short}; the best {short} is at "
            f"{float(best.cut):g}: {short} {at(best, spec) or 0:.3f}, accuracy {float(best.accuracy or 0):.3f}"
            f"{selected}.")
    return (*sentences, *_said_of_groups(result))


# ---- cut-offs of their own for groups


def of_groups(attribute: str, groups: dict[str, NDArray[Any]], spec: FairnessSpec) -> tuple[GroupCutOffs, ...]:
    """For each gap permitted: the most accurate cut-offs of their own for the known groups that are large enough.

    After Hardt, Price and Srebro 2016, on the upper hulls of what cut-offs at edges of bins can do, in steps of
    1/1000 as fairlearn's ThresholdOptimizer (the tests hold this to it). Where a ratio is searched for, the gap is of
    the shares selected. True and false positive rates together are only made the same.
    """
    import numpy as np

    gap, judged = sought(spec), _judged(groups, spec)
    if without := [name for name, g in judged.items() if not g[0].sum() or not g[1].sum()]:
        return (_not_found(attribute, gap, f"“{without[0]}” has rows with the event only, or without it only"),)
    if len(judged) < 2:
        return (_not_found(attribute, gap, "fewer than two groups are large enough"),)
    grid = np.linspace(0, 1, GRID + 1)
    sizes = np.array([g.sum() for g in judged.values()])
    if gap == "equalised_odds":
        return (_equal_odds(attribute, judged, sizes, grid),)
    hulls = {name: _hull(_across(gap, g), _right(g)) for name, g in judged.items()}
    heights = np.stack([np.interp(grid, x, y) for x, y, _ in hulls.values()])
    found = []
    for permitted in PERMITTED:
        places = _placed(heights * sizes[:, None], round(permitted * GRID))
        accuracy = (heights[range(len(sizes)), places] * sizes).sum() / sizes.sum()
        found.append(GroupCutOffs(
            attribute=attribute, gap=gap, permitted=Number(repr(permitted)), accuracy=number(float(accuracy)),
            cut_offs=tuple(_cut_off(name, hull[0], hull[2], grid[place])
                           for (name, hull), place in zip(hulls.items(), places, strict=True))))
    return tuple(found)


def _not_found(attribute: str, gap: str, reason: str) -> GroupCutOffs:
    return GroupCutOffs(attribute=attribute, gap=gap, permitted=Number("0.0"), accuracy=None, reason=reason)


def _equal_odds(
    attribute: str, judged: dict[str, NDArray[Any]], sizes: NDArray[Any], grid: NDArray[Any],
) -> GroupCutOffs:
    """The most accurate point at or under the ROC hulls of all groups; where a group is above it, lots are drawn."""
    import numpy as np

    hulls = [_hull(_across("false_positive_rate", g), _across("true_positive_rate", g)) for g in judged.values()]
    reached = np.min([np.interp(grid, x, y) for x, y, _ in hulls], axis=0)
    positives = sum(g[1].sum() for g in judged.values())
    negatives = sizes.sum() - positives
    accuracy = (positives * reached + negatives * (1 - grid)) / sizes.sum()
    return GroupCutOffs(attribute=attribute, gap="equalised_odds", permitted=Number("0.0"),
                        accuracy=number(float(accuracy.max())))


def _across(gap: str, g: NDArray[Any]) -> NDArray[Any]:
    """What the gap is of, at each cut-off from “nobody” to “everybody”: the share selected, or a rate of errors."""
    over = _all_cuts(g)
    counted = over.sum(axis=0) if gap == RATIO else over[_RATES[gap][0]]
    return counted / counted[-1]  # type: ignore[no-any-return]


def _right(g: NDArray[Any]) -> NDArray[Any]:
    """The share judged rightly at each cut-off."""
    over = _all_cuts(g)
    return (over[1] + g[0].sum() - over[0]) / g.sum()  # type: ignore[no-any-return]


def _all_cuts(g: NDArray[Any]) -> NDArray[Any]:
    """[label × cut-off] rows selected: nobody, then from the highest bin down to everybody."""
    import numpy as np

    return np.concatenate([np.zeros((2, 1)), np.cumsum(g[:, ::-1], axis=1)], axis=1)


def _hull(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The upper hull of points at each cut-off (Andrew 1979): x rising, y, and the lowest bin that is selected."""
    import numpy as np

    kept: list[int] = []
    for i in np.lexsort((y, x)):
        while kept and (x[kept[-1]] == x[i] or (len(kept) > 1 and (y[kept[-1]] - y[kept[-2]]) * (x[i] - x[kept[-2]])
                                                <= (y[i] - y[kept[-2]]) * (x[kept[-1]] - x[kept[-2]]))):
            kept.pop()
        kept.append(int(i))
    places = np.array(kept)
    return x[places], y[places], BINS - places


def _placed(heights: NDArray[Any], window: int) -> NDArray[Any]:
    """[groups × grid] concave heights: the place of each group, all within a window, at which they add to most."""
    import numpy as np

    best = heights.argmax(axis=1)
    starts = np.arange(heights.shape[1] - window)
    places = np.clip(best[:, None], starts, starts + window)
    added = np.take_along_axis(heights, places, axis=1).sum(axis=0)
    return places[:, int(added.argmax())]  # type: ignore[no-any-return]


def _cut_off(group: str, x: NDArray[Any], bins: NDArray[Any], at: float) -> GroupCutOff:
    """What stands at a place between two points of a hull."""
    import numpy as np

    i = min(max(int(np.searchsorted(x, at, side="left")) - 1, 0), len(x) - 2)
    chance = float((at - x[i]) / (x[i + 1] - x[i]))
    return GroupCutOff(group=group, cut=_edge(bins[i]), lower=_edge(bins[i + 1]), chance=Number(repr(chance)))


def _edge(place: int) -> Number | None:
    return None if place == BINS else Number(repr(float(place / BINS)))


def _said_of_groups(result: FairnessResult) -> tuple[str, ...]:
    """What cut-offs of their own for groups would do, in a sentence for each attribute."""
    sentences = []
    for attribute in dict.fromkeys(c.attribute for c in result.group_cut_offs):
        found = [c for c in result.group_cut_offs if c.attribute == attribute]
        if found[0].accuracy is None:
            sentences.append(f"{attribute}: cut-offs of their own for groups were not found: {found[0].reason}.")
            continue
        what = "shares selected" if found[0].gap == RATIO else SEARCHES[found[0].gap].removeprefix("largest gap of ")
        sentences.append(f"{attribute}: with cut-offs of their own for groups, accuracy is at most " + "; ".join(
            f"{float(c.accuracy or 0):.3f} where {what} differ by at most {float(c.permitted):g}" if float(c.permitted)
            else f"{float(c.accuracy or 0):.3f} where {what} are the same" for c in found) + ".")
    return tuple(sentences)
