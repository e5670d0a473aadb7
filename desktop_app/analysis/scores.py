"""What the scores of a cube say by group: means, AUC, calibration, and how everything moves with the cut-off.

Scores are counted in bins 1/1024 wide. Cut-offs at multiples of 1/32 and calibration in sixteenths fall on edges of
bins and are exact; an AUC treats scores of one bin as ties and states by how much that may be off.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from desktop_app.analysis import bootstrap, pairs
from desktop_app.analysis.columns import BINS
from desktop_app.analysis.counts import UNKNOWN, grouped
from desktop_app.analysis.cube import Cube
from desktop_app.analysis.intervals import z_value
from desktop_app.analysis.pairs import NORMAL, Mean
from desktop_app.analysis.verdicts import Comparison
from desktop_app.domain.canonical import number
from desktop_app.domain.evidence import Calibration, Measure, Sweep

if TYPE_CHECKING:
    from numpy.typing import NDArray

CUTS = 32  # cut-offs at 1/32 … 31/32
PARTS = 16  # of the scale, for calibration
DELONG = "DeLong 95 %"
GAPS = {  # metric of a criterion → the measure compared, how it is said
    "auc_difference": ("auc", "the largest difference of AUCs"),
    "balance_with_event_difference": ("mean_score_with_event", "the largest difference of mean scores with the event"),
    "balance_without_event_difference": (
        "mean_score_without_event", "the largest difference of mean scores without the event")}
LABELS = {"mean_score": (0, 1), "mean_score_with_event": (1,), "mean_score_without_event": (0,)}  # whose scores


def histograms(cube: Cube, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Of each group [label × bin × (rows, sum of scores)]; where there are weights their sums and weighted scores, and
    then the rows and the sums of the weights' squares.
    """
    import numpy as np

    assert cube.bin is not None
    codes, order = grouped(cube, names)
    place = (codes * 2 + cube.cell // 2) * BINS + cube.bin
    made = [np.bincount(place, weights=part, minlength=len(order) * 2 * BINS).reshape(len(order), 2, BINS)
            for part in ((cube.w, cube.s, cube.n, cube.w2) if cube.weighted else (cube.w, cube.s))]
    return {name: np.stack([part[i] for part in made], axis=-1) for i, name in enumerate(order)}


# ---- how well the score ranks


def auc(group: NDArray[Any], *, without: bool = False, perfect: bool = False) -> Measure:
    """Area under the ROC curve with DeLong's interval (DeLong et al. 1988), scores of one bin taken as ties; with
    weights, by the linearised variance of the weighted means of the same structural components.

    without: an interval, as weighted reports of before have it · perfect: whether an interval is told of a ranking
    without any fault too, as in the first edition of the methods; it would be one point.
    """
    q, p = group[0, :, 0], group[1, :, 0]
    positives, negatives = p.sum(), q.sum()
    if not positives or not negatives:
        return Measure(value=None, reason="no rows with the event" if not positives else "no rows without the event")
    value, error = _area(group)
    off = float((p * q).sum() / (2 * positives * negatives))
    binned = f"bins of 1/{BINS} move it by at most {off:.2g}"
    said = f"{DELONG}; {binned}"
    if without:
        return Measure(value=number(value), method=f"weighted, without an interval; {binned}")
    if not math.isfinite(error) or not (error or perfect):
        why = "too few rows for an interval" if error else "no row is ranked wrongly: that tells no interval"
        return Measure(value=number(value), method=said, reason=why)
    half = z_value(0.95) * error
    return Measure(value=number(value), low=number(max(0.0, value - half)), high=number(min(1.0, value + half)),
                   method=said)


def _area(group: NDArray[Any]) -> tuple[float, float]:
    """The AUC and its standard error, of rows with and without the event; infinite where there are too few."""
    import numpy as np

    q, p = group[0, :, 0], group[1, :, 0]
    positives, negatives = p.sum(), q.sum()
    above = (np.cumsum(q) - q / 2) / negatives  # of a row with the event: share of the others that it outranks
    below = 1 - (np.cumsum(p) - p / 2) / positives
    value = float((p * above).sum() / positives)
    squares = group[:, :, 3] if group.shape[-1] > 2 else group[:, :, 0]
    if min(positives**2 / squares[1].sum(), negatives**2 / squares[0].sum()) < 2:
        return value, math.inf
    return value, math.sqrt(_variance(above, p, squares[1], value) + _variance(below, q, squares[0], value))


def _variance(values: NDArray[Any], w: NDArray[Any], w2: NDArray[Any], mean: float) -> float:
    """The variance of the mean of values that occur so often, or with such sums of weights and of their squares."""
    whole = w.sum()
    rows = whole**2 / w2.sum()
    return float((w2 * (values - mean) ** 2).sum() / (rows - 1) * (rows / whole) / whole)


# ---- means


def mean(w: float, w2: float, s: float, s2: float) -> Measure:
    """The mean score of rows with its interval; with weights by the effective number of rows (Kish 1965)."""
    if w <= 0:
        return Measure(value=None, reason="no rows")
    value, error = _mean(w, w2, s, s2)
    if not math.isfinite(error):
        return Measure(value=number(value), method=NORMAL, reason="too few rows for an interval")
    half = z_value(0.95) * error
    return Measure(value=number(value), low=number(max(0.0, value - half)), high=number(min(1.0, value + half)),
                   method=NORMAL)


def _mean(w: float, w2: float, s: float, s2: float) -> tuple[float, float]:
    """The mean and its standard error; infinite where the rows are worth one or less."""
    value, worth = s / w, w * w / w2
    spread = max(0.0, s2 / w - value**2) * worth / (worth - 1) if worth > 1 else math.inf
    return value, math.sqrt(spread / worth)


def sums(cube: Cube, names: tuple[str, ...], labels: tuple[int, ...]) -> dict[str, tuple[float, ...]]:
    """Of each group, over rows with these labels: the sums that a mean score is made of (`mean`)."""
    import numpy as np

    codes, order = grouped(cube, names)
    counted = np.isin(cube.cell // 2, labels)
    made = [np.bincount(codes, weights=part * counted, minlength=len(order))
            for part in (cube.w, cube.w2, cube.s, cube.s2)]
    return {name: tuple(float(part[i]) for part in made) for i, name in enumerate(order)}


def standardised(own: list[float], rest: list[float], whole: list[float]) -> Measure:
    """(mean − mean of the rest) / standard deviation of all, the deviation taken as known for the interval.

    Each: sums of weights, of their squares, of weighted scores and of weighted squared scores.
    """
    if min(own[0], rest[0], whole[0]) <= 0:
        return Measure(value=None, reason="there are no others to compare with")
    deviation = math.sqrt(max(0.0, whole[3] / whole[0] - (whole[2] / whole[0]) ** 2))
    if not deviation:
        return Measure(value=None, reason="all scores are the same")
    value = (own[2] / own[0] - rest[2] / rest[0]) / deviation
    spread = sum(max(0.0, s2 / w - (s / w) ** 2) * w2 / w**2 for w, w2, s, s2 in (own, rest))
    half = z_value(0.95) * math.sqrt(spread) / deviation
    return Measure(value=number(value), low=number(value - half), high=number(value + half), method=NORMAL)


def compared(
    cube: Cube, names: tuple[str, ...], metric: str, among: set[str], reference: str | None = None,
) -> tuple[list[Comparison], str]:
    """Some known groups compared by a measure of their scores, and why a gap cannot be computed ("" when it can)."""
    if cube.bin is None or not cube.labelled:
        return [], "no score with what really happened was given"
    measure, found = GAPS[metric][0], []
    areas = histograms(cube, names) if measure == "auc" else {}
    means = sums(cube, names, LABELS[measure]) if measure != "auc" else {}
    for name in areas or means:
        if name not in among:
            continue
        missing = [what for what, label in (("without the event", 0), ("with the event", 1))
                   if not areas[name][label, :, 0].sum()] if areas else ["of them"] if means[name][0] <= 0 else []
        if missing:
            return [], f"“{name}” has no rows {missing[0]}"
        value, error = _area(areas[name]) if areas else _mean(*means[name])
        if not math.isfinite(error) or not error:
            return [], f"“{name}” has too few rows, or too few that differ, for an interval"
        found.append(Mean(name, value, error, areas[name][:, :, 0].sum() if areas else means[name][0]))
    return pairs.of_means(found, reference), ""


# ---- calibration


def calibration(attribute: str, groups: dict[str, NDArray[Any]]) -> tuple[Calibration, ...]:
    """Of each group, in sixteenths of the scale: weight, mean score and share of events; None where nothing is."""
    found = []
    for name, group in groups.items():
        parts = _parts(group)
        rows = parts[:, :, 0].sum(axis=0)
        found.append(Calibration(
            attribute=attribute, group=name, rows=tuple(number(float(n)) for n in rows),
            predicted=tuple(_share(s, n) for s, n in zip(parts[:, :, 1].sum(axis=0), rows, strict=True)),
            observed=tuple(_share(k, n) for k, n in zip(parts[1, :, 0], rows, strict=True))))
    return tuple(found)


def _parts(group: NDArray[Any]) -> NDArray[Any]:
    return group.reshape(2, PARTS, BINS // PARTS, -1).sum(axis=2)  # type: ignore[no-any-return]


def _share(k: float, n: float) -> Any:
    return number(float(k / n)) if n else None


def calibration_error(group: NDArray[Any], replicates: int, seed: int) -> Measure:
    """Expected calibration error: mean |share of events − mean score| over sixteenths, by their rows.

    The mean score of a sixteenth is kept in the replicates, which draw rows over (label × sixteenth).
    """
    import numpy as np

    parts = _parts(group)
    rows = parts[:, :, 0].sum(axis=0)
    if not rows.sum():
        return Measure(value=None, reason="no rows")
    predicted = parts[:, :, 1].sum(axis=0) / np.where(rows > 0, rows, 1)

    def error(cells: NDArray[Any]) -> NDArray[Any]:
        by = cells.reshape(-1, 2, PARTS)
        n = by.sum(axis=1)
        return (np.abs(by[:, 1] - n * predicted).sum(axis=1) / n.sum(axis=1))  # type: ignore[no-any-return]

    own = [parts[:, :, i].reshape(-1) for i in range(parts.shape[-1])]
    if len(own) == 2:
        return bootstrap.interval(own[0], error, replicates, seed)
    return bootstrap.interval(own[2], error, replicates, seed, (own[0], own[3]))


# ---- the cut-off


def cuts() -> tuple[float, ...]:
    """The cut-offs of a sweep."""
    return tuple(i / CUTS for i in range(1, CUTS))


def sweep(attribute: str, groups: dict[str, NDArray[Any]], *, labelled: bool) -> tuple[Sweep, ...]:
    """Of each known group, at each cut-off: the share selected, and of rows with and without the event."""
    import numpy as np

    found = []
    step = BINS // CUTS
    for name, group in groups.items():
        if name == UNKNOWN:
            continue
        over = np.cumsum(group[:, ::-1, 0], axis=1)[:, ::-1][:, step::step]  # [label × cut-off] selected
        whole = group[:, :, 0].sum(axis=1)
        found.append(Sweep(
            attribute=attribute, group=name, selected=tuple(_share(k, whole.sum()) for k in over.sum(axis=0)),
            true_positive=tuple(_share(k, whole[1]) for k in over[1]) if labelled else (),
            false_positive=tuple(_share(k, whole[0]) for k in over[0]) if labelled else ()))
    return tuple(found)
