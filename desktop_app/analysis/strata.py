"""Groups compared within strata of a legitimate factor: the Cochran–Mantel–Haenszel test (Mantel and Haenszel 1959,
without continuity correction) and the Mantel–Haenszel difference of selection rates.

Its interval is Newcombe's, of both groups' standardised rates (after Yan and Su 2010): the weights of the difference
are those of either rate, which is worth (Σw)² / Σ(w² / n) rows. Sato's (1989), of the first edition of the methods,
shrinks to nothing where a small group has no event: it covered 59 % there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from desktop_app.analysis.intervals import Interval, newcombe, z_value

SATO, STANDARDISED = "Mantel–Haenszel difference, Sato 95 %", "Mantel–Haenszel difference, Newcombe 95 %"
Two = tuple[float, float, float, float]  # selected and rows of a group, selected and rows of the others


@dataclass(frozen=True)
class Pooled:
    """A difference of rates over strata, its interval, the test's statistic and p."""

    difference: float
    limits: Interval
    statistic: float
    p: float


def pooled(strata: Sequence[Two], confidence: float = 0.95, *, method: str = STANDARDISED) -> Pooled | None:
    """Over the strata in which both have rows; None where there is none. method: of the interval."""
    both = [(a, n1, b, n0) for a, n1, b, n0 in strata if n1 > 0 and n0 > 0]
    if not both:
        return None
    weights = [n1 * n0 / (n1 + n0) for _, n1, _, n0 in both]
    whole = sum(weights)
    difference = sum(w * (a / n1 - b / n0) for w, (a, n1, b, n0) in zip(weights, both, strict=True)) / whole
    if method == SATO:
        half = z_value(confidence) * math.sqrt(max(0.0, _sato(both, difference)) / whole**2)
        limits = max(-1.0, difference - half), min(1.0, difference + half)
    else:
        shares = [w / whole for w in weights]
        limits = newcombe(*_standardised(both, shares, 0), *_standardised(both, shares, 2), confidence)
    statistic = _cmh(both)
    return Pooled(difference, limits, statistic, math.erfc(math.sqrt(statistic / 2)))


def _standardised(both: list[Two], shares: list[float], place: int) -> tuple[float, float]:
    """(k, n) of a group's rate over strata: as if it were of so many rows."""
    rate = sum(share * table[place] / table[place + 1] for share, table in zip(shares, both, strict=True))
    n = 1 / sum(share**2 / table[place + 1] for share, table in zip(shares, both, strict=True))
    return rate * n, n


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
