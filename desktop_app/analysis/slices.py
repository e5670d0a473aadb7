"""Intersections that nobody named before the run, looked through: where the share selected is furthest from that of all
other rows. Exploration, not a test: nothing here is a verdict.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from desktop_app.analysis import intervals
from desktop_app.analysis.counts import ambiguous, worth
from desktop_app.analysis.cube import UNKNOWN, Cube
from desktop_app.domain.canonical import number
from desktop_app.domain.evidence import JOIN, FairnessSpec, Measure, Slice

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 20  # told; the clearest
TOGETHER = (2, 3)  # attributes
_Found = tuple[str, str, int, tuple[float, float], tuple[float, float]]  # attribute, group, rows, its share, others'


def explored(cube: Cube, spec: FairnessSpec) -> tuple[tuple[Slice, ...], int]:
    """The clearest slices, adjusted by Benjamini and Hochberg over all that were looked at, and how many those are.

    Looked at is every group of two or three sensitive attributes together that has known values, is large enough and
    is of no intersection that was named.
    """
    named = {frozenset(parts) for parts in spec.intersections}
    found: list[_Found] = []
    for together in TOGETHER:
        for parts in combinations(spec.sensitive, together):
            if frozenset(parts) not in named:
                found += _of(cube, parts, spec.minimum_group)
    raw = [intervals.p_value(*own, *others) for _, _, _, own, others in found]
    told = sorted(zip(found, raw, intervals.benjamini_hochberg(raw), strict=True), key=lambda f: (f[2], f[1]))
    return tuple(_told(*each) for each in told[:MOST]), len(found)


def _of(cube: Cube, parts: tuple[str, ...], least: int) -> list[_Found]:
    import numpy as np

    places = [cube.attributes.index(name) for name in parts]
    if ambiguous(cube, places):
        return []
    lines, inverse = np.unique(cube.codes[:, places], axis=0, return_inverse=True)
    known = np.array([all(cube.values[place][code] != UNKNOWN for place, code in zip(places, line, strict=True))
                      for line in lines])
    place = inverse.reshape(-1) * 2 + cube.cell % 2
    n, w, w2 = (np.bincount(place, weights=part, minlength=2 * len(lines)).reshape(-1, 2) * known[:, None]
                for part in (cube.n, cube.w, cube.w2))
    made = []
    for i, line in enumerate(lines):
        rows, all_rows = n[i].sum(), n.sum()
        if known[i] and least <= rows < all_rows:
            group = JOIN.join(cube.values[place][code] for place, code in zip(places, line, strict=True))
            own, others = (_share(cube, *sums) for sums in (
                (n[i], w[i], w2[i]), (n.sum(axis=0) - n[i], w.sum(axis=0) - w[i], w2.sum(axis=0) - w2[i])))
            if own[1] and others[1]:
                made.append((JOIN.join(parts), group, int(rows), own, others))
    return made


def _share(cube: Cube, n: NDArray[Any], w: NDArray[Any], w2: NDArray[Any]) -> tuple[float, float]:
    """So many selected of so many; with weights as many as they are worth. Each: of not selected, of selected."""
    return worth(w[1], w[0], w2[1], w2[0]) if cube.weighted else (float(n[1]), float(n.sum()))


def _told(found: _Found, p_raw: float, p: float) -> Slice:
    attribute, group, rows, own, others = found
    low, high = intervals.newcombe(*own, *others)
    difference = own[0] / own[1] - others[0] / others[1]
    return Slice(attribute=attribute, group=group, n=rows, p_raw=number(p_raw), p_adjusted=number(p),
                 difference=Measure(value=number(difference), low=number(low), high=number(high),
                                    method=intervals.NEWCOMBE))
