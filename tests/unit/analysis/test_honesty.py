"""How often intervals hold the truth and verdicts are wrong: by enumeration where that is possible, else by simulation.

The tables are asserted, and printed with `pytest -s`; `--simulate N` for more rounds than the hundred of every run.
"""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy.stats import binom

from desktop_app.analysis import intervals, verdicts
from desktop_app.analysis.verdicts import Question, Rate, judge
from desktop_app.domain.evidence import Verdict

SHARES = (.02, .05, .1, .2, .35, .5)
LINES: list[str] = []


@pytest.fixture
def rounds(request):
    return request.config.getoption("--simulate")


# ---- intervals: every outcome enumerated, weighed by its probability


@pytest.mark.parametrize(("n", "mean", "least"), [(10, .94, .83), (30, .945, .90), (100, .945, .91), (400, .945, .92)])
def test_the_coverage_of_wilson(n, mean, least):
    limits = [intervals.wilson(k, n) for k in range(n + 1)]
    shares = np.linspace(.01, .99, 99)
    held = [sum(binom.pmf(k, n, p) for k, (low, high) in enumerate(limits) if low <= p <= high) for p in shares]
    LINES.append(f"Wilson, n {n:>4}: covers {np.mean(held):.3f} on average, {min(held):.3f} at least")
    assert mean < np.mean(held) < .97
    assert min(held) > least


@pytest.mark.parametrize(("n1", "n2"), [(30, 30), (30, 120), (80, 80)])
@pytest.mark.parametrize("what", ["difference", "ratio"])
def test_the_coverage_of_gaps_of_two_groups(n1, n2, what):
    found = []
    for k1, k2 in product(range(n1 + 1), range(n2 + 1)):
        limits = intervals.newcombe(k1, n1, k2, n2) if what == "difference" else intervals.ratio(k1, n1, k2, n2)[0]
        found.append((k1, k2, limits or (0.0, math.inf)))
    held = []
    for p1, p2 in product(SHARES, SHARES):
        truth = p1 - p2 if what == "difference" else p1 / p2
        one, two = binom.pmf(range(n1 + 1), n1, p1), binom.pmf(range(n2 + 1), n2, p2)
        held.append(sum(one[k1] * two[k2] for k1, k2, (low, high) in found if low <= truth <= high))
    LINES.append(f"{what} of {n1} and {n2}: covers {np.mean(held):.3f} on average, {min(held):.3f} at least")
    assert np.mean(held) > .945
    assert min(held) > .91


# ---- verdicts of a least impact ratio of 0.8, rule interval


def share_of(verdict, rates, n, rounds, seed):
    """How often groups of n people each with these rates lead to a verdict."""
    made, found = np.random.default_rng(seed), 0
    for _ in range(rounds):
        groups = tuple(Rate(str(i), int(made.binomial(n, p)), n) for i, p in enumerate(rates))
        if not any(g.k for g in groups):
            continue
        question = Question("ratio", verdicts.pairs(groups, None, "ratio"), "at_least", "interval", .8, 1.0)
        found += judge(question).verdict is verdict
    return found / rounds


def allowed(rounds):
    """One in twenty, and three standard errors of that."""
    return .05 + 3 * math.sqrt(.05 * .95 / rounds)


@pytest.mark.parametrize("n", [30, 300, 10_000])
@pytest.mark.parametrize("groups", [2, 5, 14])
def test_groups_that_are_truly_equal_are_hardly_ever_called_a_breach(groups, n, rounds):
    rounds = rounds if groups < 14 else max(25, rounds // 4)
    wrong = share_of(Verdict.BREACHED, [.3] * groups, n, rounds, 1)
    LINES.append(f"equal, {groups:>2} groups of {n:>6,}: breached {wrong:.3f} of {rounds:,}")
    assert wrong <= allowed(rounds)


@pytest.mark.parametrize("n", [100, 1_000, 10_000])
@pytest.mark.parametrize("groups", [2, 5])
def test_a_ratio_on_the_threshold_is_hardly_ever_called_met(groups, n, rounds):
    wrong = share_of(Verdict.MET, [.5] * (groups - 1) + [.4], n, rounds, 2)
    LINES.append(f"at 0.8, {groups:>2} groups of {n:>6,}: met {wrong:.3f} of {rounds:,}")
    assert wrong <= allowed(rounds)


def test_with_enough_people_the_verdict_is_right(rounds):
    assert share_of(Verdict.MET, [.5, .45, .48], 10_000, rounds // 2, 3) == 1
    assert share_of(Verdict.BREACHED, [.5, .35, .48], 10_000, rounds // 2, 4) == 1


def test_the_tables():
    """Read them with -s."""
    print("\n" + "\n".join(LINES))  # noqa: T201
