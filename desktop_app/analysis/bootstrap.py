"""Percentile bootstrap of smooth quantities that have no closed interval, on counted cells.

Drawing n rows with replacement is one multinomial draw over the cells they fall into, so the cost does not grow with
the rows. What rows with weights add up to in a cell is then drawn too, from a gamma distribution of the mean and the
variance that so many draws among the cell's weights have. The whole table is drawn, not each group apart: that is
another distribution. Never for a maximum or minimum over groups, whose percentile interval covers nothing at equality
(DESIGN §4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from desktop_app.domain.canonical import number
from desktop_app.domain.evidence import Measure

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

Statistic = Callable[["NDArray[Any]"], "NDArray[Any]"]  # of counts, the last axis are the cells
Weights = tuple["NDArray[Any]", "NDArray[Any]"]  # sums of the weights in each cell, and of their squares
EVEN = 1e-12  # relative variance under which the weights of a cell are the same
MAX_REPLICATES = 100_000
AT_ONCE = 4_000_000  # drawn numbers held at a time


def draws(cells: NDArray[Any], replicates: int, seed: int, weights: Weights | None = None) -> NDArray[Any]:
    """Replicated tables: [replicates × cells] counts, each row as many rows as the table has; sums of weights with
    weights.
    """
    import numpy as np

    n, random = int(cells.sum()), np.random.default_rng(seed)
    drawn = random.multinomial(n, cells / n, size=replicates)
    return drawn if weights is None else _weighed(drawn, cells, weights, random)


def _weighed(drawn: NDArray[Any], cells: NDArray[Any], weights: Weights, random: Generator) -> NDArray[Any]:
    import numpy as np

    rows = np.where(cells > 0, cells, 1)
    mean, square = (_short(part / rows) for part in weights)
    variance = np.maximum(0.0, square - mean**2)
    varied = (variance > EVEN * mean**2) & (mean > 0)
    sums = drawn * mean
    shape = drawn[:, varied] * (mean**2)[varied] / variance[varied]
    sums[:, varied] = random.gamma(shape, (variance / np.where(mean > 0, mean, 1))[varied])
    return sums  # type: ignore[no-any-return]


def _short(values: NDArray[Any]) -> NDArray[Any]:
    """To nine digits: the draws must not hang on the order in which weights were added."""
    import numpy as np

    scale = 10.0 ** (8 - np.floor(np.log10(np.where(values > 0, values, 1))))
    return np.round(values * scale) / scale


def interval(
    cells: NDArray[Any], statistic: Statistic, replicates: int, seed: int, weights: Weights | None = None,
) -> Measure:
    """A statistic of some cells, or with weights of the sums of these, with its 95 % percentile interval.

    Replicates in which it has no value (a zero denominator) are left out and counted in the method. Without replicates
    there is no interval.
    """
    import numpy as np

    value = float(statistic((cells if weights is None else weights[0])[None, :].astype(float))[0])
    if not np.isfinite(value):
        return Measure(value=None, reason="a denominator is zero")
    if replicates < 1:
        return Measure(value=number(value), method="no interval: no bootstrap was asked")
    step, made = max(1, AT_ONCE // len(cells)), []
    for first in range(0, replicates, step):
        part = draws(cells, min(step, replicates - first), seed + first, weights)
        made.append(statistic(part.astype(float)))
    found = np.concatenate(made)
    fine = found[np.isfinite(found)]
    without = replicates - len(fine)
    said = f"bootstrap, {replicates:,} replicates, seed {seed}" + (f", {without:,} without a value" if without else "")
    if len(fine) < replicates / 2:
        return Measure(value=number(value), method=said, reason="most replicates have no value")
    low, high = np.quantile(fine, (0.025, 0.975))
    return Measure(value=number(value), low=number(float(low)), high=number(float(high)), method=said)
