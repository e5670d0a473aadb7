"""Intervals and tests on counts. Formulas: Wilson 1927; Newcombe 1998 (method 10); Katz et al. 1978; Donner and
Zou 2012 (MOVER for a ratio); pooled two-proportion z; Fisher's exact test; Holm 1979.

Counts may be fractional, so that the same formulas answer "how many rows would settle it".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from statistics import NormalDist

Interval = tuple[float, float]
_LARGEST = 700.0  # of what the exponential is taken
WILSON, NEWCOMBE = "Wilson 95 %", "Newcombe 95 %"
MOVER_MEAN = "Zou–Donner from Wilson limits 95 %"
KATZ, MOVER = "Katz log 95 %", "Donner–Zou from Wilson limits 95 % (a cell is zero)"


@cache
def z_value(confidence: float) -> float:
    """The two-sided standard normal quantile, 1.96 for 0.95."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(k: float, n: float, confidence: float = 0.95) -> Interval:
    """Score interval of a rate: k of n, n > 0."""
    z2, p = z_value(confidence) ** 2, k / n
    half = math.sqrt(z2 * (p * (1 - p) + z2 / (4 * n)) / n)
    low, high = ((p + z2 / (2 * n) + sign * half) / (1 + z2 / n) for sign in (-1, 1))
    return (0.0 if k == 0 else max(0.0, low)), (1.0 if k == n else min(1.0, high))


def newcombe(k1: float, n1: float, k2: float, n2: float, confidence: float = 0.95) -> Interval:
    """Hybrid score interval of the difference p1 − p2 of independent rates."""
    p1, p2 = k1 / n1, k2 / n2
    (l1, u1), (l2, u2) = wilson(k1, n1, confidence), wilson(k2, n2, confidence)
    return p1 - p2 - math.hypot(p1 - l1, u2 - p2), p1 - p2 + math.hypot(u1 - p1, p2 - l2)


def mean(rates: Sequence[tuple[float, float]], confidence: float = 0.95) -> Interval:
    """Interval of the mean of independent rates, each (k, n), out of their Wilson intervals (MOVER, Zou and Donner
    2008).
    """
    points = [k / n for k, n in rates]
    limits = [wilson(k, n, confidence) for k, n in rates]
    middle, count = sum(points) / len(points), len(points)
    return (middle - math.hypot(*(p - low for p, (low, _) in zip(points, limits, strict=True))) / count,
            middle + math.hypot(*(high - p for p, (_, high) in zip(points, limits, strict=True))) / count)


def katz(k1: float, n1: float, k2: float, n2: float, confidence: float = 0.95) -> Interval | None:
    """Log (delta) interval of the ratio p1 / p2; None when a cell of the two-by-two table is zero."""
    if min(k1, n1 - k1, k2, n2 - k2) <= 0:
        return None
    centre = math.log(k1 / n1) - math.log(k2 / n2)
    half = z_value(confidence) * math.sqrt((n1 - k1) / (n1 * k1) + (n2 - k2) / (n2 * k2))
    return math.exp(centre - half), math.exp(centre + half) if centre + half < _LARGEST else math.inf


def mover_ratio(k1: float, n1: float, k2: float, n2: float, confidence: float = 0.95) -> Interval | None:
    """Interval of p1 / p2 out of two Wilson intervals, good with zero cells; None when k2 is 0, or a group is empty."""
    if k2 <= 0 or n1 <= 0:
        return None
    p1, p2 = k1 / n1, k2 / n2
    (l1, u1), (l2, u2) = wilson(k1, n1, confidence), wilson(k2, n2, confidence)
    below, above = u2 * (2 * p2 - u2), l2 * (2 * p2 - l2)  # nought where rows are so few that no limit is told
    down = math.sqrt(max(0.0, (p1 * p2) ** 2 - l1 * u2 * (2 * p1 - l1) * (2 * p2 - u2)))
    up = math.sqrt(max(0.0, (p1 * p2) ** 2 - u1 * l2 * (2 * p1 - u1) * (2 * p2 - l2)))
    return max(0.0, (p1 * p2 - down) / below) if below else 0.0, (p1 * p2 + up) / above if above else math.inf


def ratio(k1: float, n1: float, k2: float, n2: float, confidence: float = 0.95) -> tuple[Interval | None, str]:
    """Interval of p1 / p2 and the method it was made with: Katz, or from Wilson limits when a cell is zero."""
    interval = katz(k1, n1, k2, n2, confidence)
    return (interval, KATZ) if interval else (mover_ratio(k1, n1, k2, n2, confidence), MOVER)


def p_value(k1: float, n1: float, k2: float, n2: float) -> float:
    """Two-sided p of equal rates: Fisher where a group is under 30 or an expected count under 5, else pooled z."""
    pooled = (k1 + k2) / (n1 + n2)
    if pooled in (0.0, 1.0):
        return 1.0
    if min(n1, n2) < 30 or min(n1, n2) * min(pooled, 1 - pooled) < 5:
        from scipy.stats import fisher_exact

        table = [[round(k1), round(n1 - k1)], [round(k2), round(n2 - k2)]]
        return float(fisher_exact(table).pvalue)
    z = (k1 / n1 - k2 / n2) / math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    return math.erfc(abs(z) / math.sqrt(2))


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values for the false discovery rate (Benjamini and Hochberg 1995), in the order given."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i], reverse=True)
    adjusted, so_far = [0.0] * len(p_values), 1.0
    for rank, i in enumerate(order):
        so_far = min(so_far, p_values[i] * len(p_values) / (len(p_values) - rank))
        adjusted[i] = so_far
    return adjusted


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, so_far = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        so_far = max(so_far, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = so_far
    return adjusted
