"""Decisions and labels of many classes: measures over all classes by group, and the gaps between groups.

Recall and precision are averaged over the classes of the table, each class alike (macro); a group that lacks rows of
one has no such mean. Shares of different classes are of different rows, so the interval of their mean comes out of
their Wilson intervals (MOVER, Zou and Donner 2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from desktop_app.analysis import bootstrap, intervals, pairs
from desktop_app.analysis.counts import grouped, worth
from desktop_app.analysis.cube import Cube
from desktop_app.analysis.pairs import Share
from desktop_app.analysis.verdicts import Comparison
from desktop_app.domain.canonical import number
from desktop_app.domain.evidence import CLASS_METRICS, FairnessSpec, Measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

GAPS = {  # metric of a criterion → the measure compared, how it is said
    "class_accuracy_difference": ("class_accuracy", "the largest difference of accuracies over all classes"),
    "macro_recall_difference": ("macro_recall", "the largest difference of mean recalls of all classes"),
    "macro_precision_difference": ("macro_precision", "the largest difference of mean precisions of all classes")}


@dataclass(frozen=True)
class Confusion:
    """One group's rows by class: [what happened × what was decided] rows, and sums of weights and of their squares."""

    group: str
    classes: tuple[str, ...]
    n: NDArray[Any]
    w: NDArray[Any]
    w2: NDArray[Any]
    weighted: bool

    def shares(self, measure: str) -> tuple[list[Share], str]:
        """The shares that a measure is the mean of, and why it cannot be computed ("" when it can)."""
        if measure == "class_accuracy":
            whole = self._share(range(len(self.classes)), ...)
            return ([whole], "") if whole[1] else ([], "no weight on its rows")
        recall = measure == "macro_recall"
        found = []
        for i, called in enumerate(self.classes):
            line = (i, slice(None)) if recall else (slice(None), i)
            if not self.n[line].sum():
                return [], f"no rows {'of' if recall else 'decided as'} “{called}”"
            found.append(self._share([i], line))
            if not found[-1][1]:
                return [], f"no weight on rows {'of' if recall else 'decided as'} “{called}”"
        return found, ""

    def _share(self, right: Sequence[int], among: Any) -> Share:
        """So many decided rightly of some classes, among so many."""
        parts = (self.n, self.w, self.w2)
        ones, whole = [float(part[right, right].sum()) for part in parts], [float(part[among].sum()) for part in parts]
        if not self.weighted:
            return ones[0], whole[0]
        return worth(ones[1], whole[1] - ones[1], ones[2], whole[2] - ones[2])


def confusions(cube: Cube, names: tuple[str, ...]) -> list[Confusion]:
    """Of each group by some attributes; none where the cube was not counted by class."""
    import numpy as np

    if cube.true is None or cube.seen is None:
        return []
    codes, order = grouped(cube, names)
    k = len(cube.classes)
    place = (codes * k + cube.true) * k + cube.seen
    parts = [np.bincount(place, weights=part, minlength=len(order) * k * k).reshape(len(order), k, k)
             for part in (cube.n, cube.w, cube.w2)]
    return [Confusion(name, cube.classes, parts[0][i], parts[1][i], parts[2][i], cube.weighted)
            for i, name in enumerate(order)]


def measures(cube: Cube, names: tuple[str, ...], asked: Sequence[str], spec: FairnessSpec) -> dict[
        str, dict[str, Measure]]:
    """Those of `CLASS_METRICS` that are asked for: name → group → measure."""
    found = confusions(cube, names)
    return {name: {c.group: _f1(c, spec) if name == "macro_f1" else _mean(c, name) for c in found}
            for name in asked if name in CLASS_METRICS and found}


def _mean(confusion: Confusion, name: str) -> Measure:
    shares, reason = confusion.shares(name)
    if reason:
        return Measure(value=None, reason=reason)
    low, high = intervals.mean(shares)
    method = intervals.WILSON if len(shares) == 1 else intervals.MOVER_MEAN
    return Measure(value=number(pairs.mean_of(shares)), low=number(low), high=number(high), method=method)


def _f1(confusion: Confusion, spec: FairnessSpec) -> Measure:
    """The mean over classes of 2 · right / (happened + decided), with replicates of the group's own rows."""
    import numpy as np

    k = len(confusion.classes)

    def mean(cells: NDArray[Any]) -> NDArray[Any]:
        by = cells.reshape(-1, k, k)
        with np.errstate(divide="ignore", invalid="ignore"):
            each = 2 * np.diagonal(by, axis1=1, axis2=2) / (by.sum(axis=1) + by.sum(axis=2))
        return each.mean(axis=1)  # type: ignore[no-any-return]

    return bootstrap.interval(confusion.n.reshape(-1), mean, spec.bootstrap, spec.seed, (
        confusion.w.reshape(-1), confusion.w2.reshape(-1)) if confusion.weighted else None)


# ---- gaps


def compared(
    cube: Cube, names: tuple[str, ...], metric: str, among: set[str], reference: str | None = None,
) -> tuple[list[Comparison], str]:
    """Some known groups compared, and why a gap between them cannot be computed ("" when it can)."""
    if not cube.classes:
        return [], "measures over all classes were not asked for"
    found = {c.group: c.shares(GAPS[metric][0]) for c in confusions(cube, names) if c.group in among}
    if without := [f"“{group}” has {reason}" for group, (_, reason) in found.items() if reason]:
        return [], without[0]
    return pairs.of_shares({group: shares for group, (shares, _) in found.items()}, reference), ""
