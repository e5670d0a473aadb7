"""Pairs of groups compared by something that is not one share: a mean of numbers, or a mean of several shares.

Each pair of groups, or each with the reference, becomes a comparison to be judged: the size of the gap, its limits, and
the test of none, adjusted by Holm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

from desktop_app.analysis import intervals
from desktop_app.analysis.intervals import z_value
from desktop_app.analysis.verdicts import CONFIDENCE, Comparison, Rate, absolute

T = TypeVar("T")
NORMAL = "normal 95 %"
Share = tuple[float, float]  # so many of so many, with weights as many as they are worth


@dataclass(frozen=True)
class Mean:
    """A mean of one group's n rows and its standard error."""

    group: str
    value: float
    error: float
    n: float


def of_means(means: Sequence[Mean], reference: str | None = None) -> list[Comparison]:
    """By means, with normal limits (Welch)."""
    pairs, wide = _paired({m.group: m for m in means}, reference)
    made = [(a, b, a.value - b.value, math.hypot(a.error, b.error)) for a, b in pairs]
    raw = [math.erfc(abs(gap) / error / math.sqrt(2)) if error else float(gap == 0) for _, _, gap, error in made]
    return [Comparison(Rate(a.group, a.value * a.n, a.n), Rate(b.group, b.value * b.n, b.n), abs(gap),
                       _around(gap, error, CONFIDENCE), _around(gap, error, wide), NORMAL, adjusted, p)
            for (a, b, gap, error), adjusted, p in zip(made, intervals.holm(raw), raw, strict=True)]


def of_shares(groups: Mapping[str, Sequence[Share]], reference: str | None = None) -> list[Comparison]:
    """By means of shares of different rows: limits out of Wilson's (MOVER, Zou and Donner 2008), and z with a row of
    each kind added to each share (Agresti and Caffo 2000).
    """
    pairs, wide = _paired({group: (group, shares) for group, shares in groups.items()}, reference)
    raw = [_p(a, b) for (_, a), (_, b) in pairs]
    return [Comparison(_rate(*a), _rate(*b), abs(mean_of(a[1]) - mean_of(b[1])), _limits(a[1], b[1], CONFIDENCE),
                       _limits(a[1], b[1], wide), intervals.MOVER_MEAN, p, own)
            for (a, b), p, own in zip(pairs, intervals.holm(raw), raw, strict=True)]


def mean_of(shares: Sequence[Share]) -> float:
    """Each share counts alike."""
    return sum(k / n for k, n in shares) / len(shares)


def _paired(groups: Mapping[str, T], reference: str | None) -> tuple[list[tuple[T, T]], float]:
    """The pairs, and the confidence at which limits hold for all of them at once (Bonferroni)."""
    found = [(groups[a], groups[b]) for a, b in combinations(groups, 2) if reference is None or reference in (a, b)]
    return found, 1 - (1 - CONFIDENCE) / max(1, len(found))


def _around(gap: float, error: float, confidence: float) -> intervals.Interval:
    half = z_value(confidence) * error
    return absolute((gap - half, gap + half))


def _rate(group: str, shares: Sequence[Share]) -> Rate:
    n = sum(n for _, n in shares)
    return Rate(group, mean_of(shares) * n, n)


def _limits(a: Sequence[Share], b: Sequence[Share], confidence: float) -> intervals.Interval:
    one, other = mean_of(a), mean_of(b)
    (l1, u1), (l2, u2) = intervals.mean(a, confidence), intervals.mean(b, confidence)
    return absolute((one - other - math.hypot(one - l1, u2 - other), one - other + math.hypot(u1 - one, other - l2)))


def _p(a: Sequence[Share], b: Sequence[Share]) -> float:
    padded = [[(k + 1, n + 2) for k, n in shares] for shares in (a, b)]
    variance = sum(k / n * (1 - k / n) / n / len(shares) ** 2 for shares in padded for k, n in shares)
    return math.erfc(abs(mean_of(padded[0]) - mean_of(padded[1])) / math.sqrt(variance) / math.sqrt(2))
