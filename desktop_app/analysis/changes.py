"""Two versions on the same rows: by how much the gap between each pair of groups grew or shrank.

The change of a gap is |a − b| with the new version less |a − b| with the one before. Both are of the same rows, so its
interval comes from each row's two decisions together, as McNemar's test does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from desktop_app.analysis import intervals
from desktop_app.analysis.counts import UNKNOWN, grouped
from desktop_app.analysis.cube import Cube
from desktop_app.analysis.intervals import Interval, z_value
from desktop_app.analysis.verdicts import CONFIDENCE, Comparison, Rate
from desktop_app.domain.canonical import number
from desktop_app.domain.evidence import GapChange, Measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAIRED = "paired, profile of the two gaps 95 %"
_ANGLES = 1441  # points of the ellipse
CHANGES = {  # metric of a criterion → the rate, how it is said, and whether it needs a label
    "selection_rate_change": ("selection_rate", "the largest growth of a gap of selection rates", False),
    "true_positive_rate_change": ("true_positive_rate", "the largest growth of a gap of true positive rates", True),
    "false_positive_rate_change": ("false_positive_rate", "the largest growth of a gap of false positive rates", True),
    "accuracy_change": ("accuracy", "the largest growth of a gap of accuracies", True)}


@dataclass(frozen=True)
class Both:
    """One group's rows that a rate counts, by what it says of each with (the new version, the one before): 00, 01, 10,
    11.
    """

    group: str
    cells: tuple[float, float, float, float]

    @property
    def n(self) -> float:
        """Rows."""
        return sum(self.cells)

    @property
    def rates(self) -> tuple[float, float]:
        """With the new version, and before."""
        _, before, new, both = self.cells
        return (new + both) / self.n, (before + both) / self.n

    @property
    def padded(self) -> Both:
        """With half a row more in each cell."""
        return Both(self.group, tuple(c + 0.5 for c in self.cells))  # type: ignore[arg-type]

    @property
    def covariance(self) -> float:
        """Of the two rates, over samples of rows."""
        now, before = self.rates
        return (self.cells[3] / self.n - now * before) / self.n


def _counted(cube: Cube, names: tuple[str, ...], rate: str) -> list[Both]:
    """Of each known group, the rows a rate counts."""
    import numpy as np

    assert cube.before is not None
    codes, order = grouped(cube, names)
    label, new, before = cube.cell // 2, cube.cell % 2, cube.before
    rows = {"selection_rate": np.ones_like(label), "accuracy": np.ones_like(label), "true_positive_rate": label,
            "false_positive_rate": 1 - label}[rate].astype(bool)
    if rate == "accuracy":
        new, before = (new == label).astype(int), (before == label).astype(int)
    place = codes * 4 + new * 2 + before
    table: NDArray[Any] = np.bincount(place[rows], weights=cube.n[rows], minlength=4 * len(order)).reshape(-1, 4)
    return [Both(name, tuple(float(v) for v in table[i])) for i, name in enumerate(order)  # type: ignore[arg-type]
            if name != UNKNOWN]


def compared(cube: Cube, names: tuple[str, ...], metric: str, among: set[str]) -> list[Comparison]:
    """Each pair of groups: the change of its gap as a comparison to be judged."""
    groups = [g for g in _counted(cube, names, CHANGES[metric][0]) if g.group in among and g.n > 0]
    pairs = list(combinations(groups, 2))
    wide = 1 - (1 - CONFIDENCE) / max(1, len(pairs))
    raw = [_p(a, b) for a, b in pairs]
    return [Comparison(Rate(a.group, a.rates[0] * a.n, a.n), Rate(b.group, b.rates[0] * b.n, b.n), change(a, b),
                       limits(a, b, CONFIDENCE), limits(a, b, wide), PAIRED, adjusted, p)
            for (a, b), adjusted, p in zip(pairs, intervals.holm(raw), raw, strict=True)]


def change(a: Both, b: Both) -> float:
    """By how much the gap between two groups grew."""
    return abs(a.rates[0] - b.rates[0]) - abs(a.rates[1] - b.rates[1])


def limits(a: Both, b: Both, confidence: float) -> Interval:
    """The interval of `change`: the range of |now| − |before| over an ellipse of the two signed gaps.

    The gaps together are taken as normal, with half a row added to each of the four cells of a group (Agresti and Min
    2005). Where both signs are certain the change is linear in them, and the ellipse is that of one quantity. Where one
    is not, the change has a corner, over which such an interval covers too little (down to .92 in simulations): then
    the ellipse is the one that holds both gaps, whose range covers for certain.
    """
    import numpy as np

    (now, past), spread, rho = _gaps(a, b)
    both = math.sqrt(-2 * math.log(1 - confidence))  # the quantile of chi with two degrees of freedom
    z = z_value(confidence) if _sure((now, past), spread, both) else both
    angle = np.linspace(0, 2 * math.pi, _ANGLES)
    x = now + z * spread[0] * np.cos(angle)
    y = past + z * spread[1] * (rho * np.cos(angle) + math.sqrt(1 - rho**2) * np.sin(angle))
    found = np.abs(x) - np.abs(y)
    return max(-1.0, float(found.min())), min(1.0, float(found.max()))


def _gaps(a: Both, b: Both) -> tuple[tuple[float, float], tuple[float, float], float]:
    """The signed gaps now and before, their standard errors and their correlation, with the half rows added."""
    one, other = a.padded, b.padded
    gaps = one.rates[0] - other.rates[0], one.rates[1] - other.rates[1]
    first, second = (math.sqrt(sum(g.rates[i] * (1 - g.rates[i]) / g.n for g in (one, other))) for i in (0, 1))
    rho = (one.covariance + other.covariance) / (first * second)
    return gaps, (first, second), max(-1.0, min(1.0, rho))


def _sure(gaps: tuple[float, float], spread: tuple[float, float], reach: float) -> bool:
    """Whether the signs of both gaps are certain."""
    return all(abs(gap) > reach * width for gap, width in zip(gaps, spread, strict=True))


def _p(a: Both, b: Both) -> float:
    """Of no change: the likelihood ratio against gaps of one size, judged as the ellipse of `limits` is."""
    (now, past), spread, rho = _gaps(a, b)
    least = min((now - sign * past) ** 2 / (spread[0] ** 2 + spread[1] ** 2 - 2 * sign * rho * spread[0] * spread[1])
                for sign in (1, -1))  # of one sign, or of opposite signs; the half rows keep rho between −1 and 1
    sure = _sure((now, past), spread, math.sqrt(-2 * math.log(1 - CONFIDENCE)))
    return math.erfc(math.sqrt(least / 2)) if sure else math.exp(-least / 2)


def listed(cube: Cube, attribute: str, names: tuple[str, ...]) -> Iterator[GapChange]:
    """Every pair's gap before, now, and its change, of every rate that can be told."""
    for metric, (rate, _, labelled) in CHANGES.items():
        if labelled and not cube.labelled:
            continue
        groups = {g.group: g for g in _counted(cube, names, rate) if g.n > 0}
        for c in compared(cube, names, metric, set(groups)):
            a, b = groups[c.rate.group], groups[c.other.group]
            low, high = c.limits
            yield GapChange(
                attribute=attribute, rate=rate, group=a.group, other=b.group, p_raw=number(c.p_raw),
                p_adjusted=number(c.p), before=number(abs(a.rates[1] - b.rates[1])),
                now=number(abs(a.rates[0] - b.rates[0])),
                change=Measure(value=number(c.value), low=number(low), high=number(high), method=PAIRED))
