"""Groups compared within strata of a legitimate factor: the Cochran–Mantel–Haenszel test (Mantel and Haenszel 1959,
without continuity correction) and the Mantel–Haenszel difference of selection rates with Sato's interval (Sato 1989;
Greenland and Robins 1985).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from desktop_app.analysis.intervals import Interval, z_value

Two = tuple[float, float, float, float]  # selected and rows of a group, selected and rows of the others


@dataclass(frozen=True)
class Pooled:
    """A difference of rates over strata, its interval, the test's statistic and p."""

    difference: float
    limits: Interval
    statistic: float
    p: float


def pooled(strata: Sequence[Two], confidence: float = 0.95) -> Pooled | None:
    """Over the strata in which both have rows; None where there is none."""
    both = [(a, n1, b, n0) for a, n1, b, n0 in strata if n1 > 0 and n0 > 0]
    if not both:
        return None
    weights = [n1 * n0 / (n1 + n0) for _, n1, _, n0 in both]
    whole = sum(weights)
    difference = sum(w * (a / n1 - b / n0) for w, (a, n1, b, n0) in zip(weights, both, strict=True)) / whole
    half = z_value(confidence) * math.sqrt(max(0.0, _sato(both, difference)) / whole**2)
    statistic = _cmh(both)
    return Pooled(difference, (max(-1.0, difference - half), min(1.0, difference + half)), statistic,
                  math.erfc(math.sqrt(statistic / 2)))


def _sato(both: list[Two], difference: float) -> float:
    """Sato's variance of the Mantel–Haenszel difference, times the square of the whole weight."""
    p = q = 0.0
    for a, n1, b, n0 in both:
        n = n1 + n0
        p += (n1**2 * b - n0**2 * a + n1 * n0 * (n0 - n1) / 2) / n**2
        q += (a * (n0 - b) + b * (n1 - a)) / (2 * n)
    return difference * p + q


def _cmh(both: list[Two]) -> float:
    seen = expected = variance = 0.0
    for a, n1, b, n0 in both:
        n, selected = n1 + n0, a + b
        seen += a
        expected += n1 * selected / n
        if n > 1:
            variance += n1 * n0 * selected * (n - selected) / (n**2 * (n - 1))
    return (seen - expected) ** 2 / variance if variance else 0.0
