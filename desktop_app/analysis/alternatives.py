"""What another cut-off, the same for everybody, would have done: accuracy against the gap between groups.

It is the search for a less discriminatory alternative among group-blind cut-offs, which a fair-lending reviewer asks
for. Cut-offs of their own for groups are not searched. What other models could do is not told by this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from desktop_app.analysis import scores
from desktop_app.analysis.columns import BINS
from desktop_app.analysis.counts import UNKNOWN
from desktop_app.domain.canonical import Number, number
from desktop_app.domain.evidence import FairnessResult, FairnessSpec, FrontierPoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAME = 1e-9


def frontier(attribute: str, groups: dict[str, NDArray[Any]], spec: FairnessSpec) -> tuple[FrontierPoint, ...]:
    """At each cut-off: accuracy over all rows, the lowest ratio of the favourable outcome and the largest gap of true
    positive rates among the known groups that are large enough. None where one cannot be computed.
    """
    import numpy as np

    step = BINS // scores.CUTS
    everybody: NDArray[Any] = np.add.reduce(list(groups.values()))[:, :, 0]
    whole = everybody.sum()
    over = _over(everybody, step)
    accuracy = (over[1] + everybody[0].sum() - over[0]) / whole
    judged = [g for name, g in groups.items() if name != UNKNOWN and g[:, :, 0].sum() >= spec.minimum_group]
    found = []
    for i, cut in enumerate(scores.cuts()):
        shares = [_over(g[:, :, 0], step)[:, i].sum() / g[:, :, 0].sum() for g in judged]
        good = shares if spec.favourable else [1 - s for s in shares]
        true = [_over(g[:, :, 0], step)[1, i] / n for g in judged if (n := g[1, :, 0].sum())]
        found.append(FrontierPoint(
            attribute=attribute, cut=Number(repr(cut)), accuracy=number(float(accuracy[i])),
            ratio=number(float(min(good) / max(good))) if len(good) > 1 and max(good) > 0 else None,
            gap=number(float(max(true) - min(true))) if len(true) > 1 else None))
    return tuple(found)


def _over(histogram: NDArray[Any], step: int) -> NDArray[Any]:
    """[label × cut-off] rows that score at least the cut-off."""
    import numpy as np

    return np.cumsum(histogram[:, ::-1], axis=1)[:, ::-1][:, step::step]


def used(result: FairnessResult, spec: FairnessSpec, attribute: str) -> tuple[float, float] | None:
    """(lowest ratio, accuracy) at the cut-off that was used; None where either is not computable."""
    accuracy = next((m.measure.value for m in result.overall if m.name == "accuracy"), None)
    rows = [r for r in result.groups if r.attribute == attribute and r.state in ("ok", "reference")
            and r.n >= spec.minimum_group]
    shares = [float(m.measure.value) for r in rows for m in r.rates
              if m.name == "selection_rate" and m.measure.value is not None]
    good = shares if spec.favourable else [1 - s for s in shares]
    if accuracy is None or len(good) < 2 or not max(good):
        return None
    return min(good) / max(good), float(accuracy)


def better(result: FairnessResult, spec: FairnessSpec, attribute: str) -> list[FrontierPoint]:
    """Cut-offs that are at least as accurate as the one used, with a lowest ratio nearer to 1; the best ratio first."""
    now = used(result, spec, attribute)
    if now is None:
        return []
    found = [p for p in result.frontier if p.attribute == attribute and p.ratio is not None and p.accuracy is not None
             and float(p.accuracy) >= now[1] - SAME and float(p.ratio) > now[0] + SAME]
    return sorted(found, key=lambda p: -float(p.ratio or 0))


def said(result: FairnessResult, spec: FairnessSpec) -> tuple[str, ...]:
    """What was found, a sentence for each attribute."""
    sentences = []
    for attribute in dict.fromkeys(p.attribute for p in result.frontier):
        now, found = used(result, spec, attribute), better(result, spec, attribute)
        if now is None:
            continue
        start = f"{attribute}: the cut-off used has a lowest ratio of {now[0]:.3f} and an accuracy of {now[1]:.3f}."
        if not found:
            sentences.append(f"{start} None of the {scores.CUTS - 1} others tried for everybody alike is as accurate "
                             "with a better ratio.")
            continue
        best = found[0]
        sentences.append(
            f"{start} {len(found)} of the {scores.CUTS - 1} others tried for everybody alike "
            f"{'is' if len(found) == 1 else 'are'} at least as accurate with a better ratio; the best ratio is at "
            f"{float(best.cut):g}: ratio {float(best.ratio or 0):.3f}, accuracy {float(best.accuracy or 0):.3f}.")
    return tuple(sentences)
