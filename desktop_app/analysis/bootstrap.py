"""Percentile bootstrap of smooth quantities that have no closed interval, on counted cells.

Drawing n rows with replacement is one multinomial draw over the cells they fall into, so the cost does not grow with
the rows. The whole table is drawn, not each group apart: that is another distribution. Never for a maximum or minimum
over groups, whose percentile interval covers nothing at equality (DESIGN §4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from desktop_app.domain.canonical import number
from desktop_app.domain.evidence import Measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

Statistic = Callable[["NDArray[Any]"], "NDArray[Any]"]  # of counts, the last axis are the cells
MAX_REPLICATES = 100_000
AT_ONCE = 4_000_000  # drawn numbers held at a time


def draws(cells: NDArray[Any], replicates: int, seed: int) -> NDArray[Any]:
    """Replicated tables: [replicates × cells] counts, each row as many rows as the table has."""
    import numpy as np

    n = int(cells.sum())
    return np.random.default_rng(seed).multinomial(n, cells / n, size=replicates)


def interval(cells: NDArray[Any], statistic: Statistic, replicates: int, seed: int) -> Measure:
    """A statistic of some cells with its 95 % percentile interval.

    Replicates in which it has no value (a zero denominator) are left out and counted in the method. Without replicates
    there is no interval.
    """
    import numpy as np

    value = float(statistic(cells[None, :].astype(float))[0])
    if not np.isfinite(value):
        return Measure(value=None, reason="a denominator is zero")
    if replicates < 1:
        return Measure(value=number(value), method="no interval: no bootstrap was asked")
    step, made = max(1, AT_ONCE // len(cells)), []
    for first in range(0, replicates, step):
        part = draws(cells, min(step, replicates - first), seed + first)
        made.append(statistic(part.astype(float)))
    found = np.concatenate(made)
    fine = found[np.isfinite(found)]
    without = replicates - len(fine)
    said = f"bootstrap, {replicates:,} replicates, seed {seed}" + (f", {without:,} without a value" if without else "")
    if len(fine) < replicates / 2:
        return Measure(value=number(value), method=said, reason="most replicates have no value")
    low, high = np.quantile(fine, (0.025, 0.975))
    return Measure(value=number(value), low=number(float(low)), high=number(float(high)), method=said)
