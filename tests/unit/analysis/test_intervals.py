"""Intervals against published or independently computed numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2_contingency
from scipy.stats.contingency import relative_risk

from desktop_app.analysis import intervals

cells = st.tuples(st.integers(1, 400), st.integers(1, 400), st.integers(1, 400), st.integers(1, 400))


@pytest.mark.parametrize(("k", "n", "expected"), [
    (0, 20, (0, 0.16113)), (18, 20, (0.69897, 0.97213)), (1, 30, (0.00591, 0.16670)), (15, 30, (0.33154, 0.66846))])
def test_wilson_oracles(k, n, expected):
    assert intervals.wilson(k, n) == pytest.approx(expected, abs=5e-6)


@given(st.integers(1, 500), st.data())
def test_wilson_is_scipys(n, data):
    k = data.draw(st.integers(0, n))
    theirs = binomtest(k, n).proportion_ci(method="wilson")
    assert intervals.wilson(k, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_newcombe_published_example():
    """Newcombe 1998, table II, example (a): 56/70 − 48/80, method 10."""
    assert intervals.newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


@given(cells)
def test_katz_is_scipys(counts):
    k1, rest1, k2, rest2 = counts
    theirs = relative_risk(k1, k1 + rest1, k2, k2 + rest2).confidence_interval()
    assert intervals.katz(k1, k1 + rest1, k2, k2 + rest2) == pytest.approx((theirs.low, theirs.high), rel=1e-9)


def test_a_zero_cell_has_no_katz_interval_but_one_from_wilson_limits():
    assert intervals.katz(0, 50, 20, 50) is None
    limits, method = intervals.ratio(0, 50, 20, 50)
    assert method == intervals.MOVER
    assert limits is not None
    assert limits[0] == 0
    assert 0 < limits[1] < 0.8
    assert intervals.ratio(5, 50, 0, 50)[0] is None


@given(cells)
def test_the_ratio_from_wilson_limits_holds_the_ratio(counts):
    k1, rest1, k2, rest2 = counts
    limits = intervals.mover_ratio(k1, k1 + rest1, k2, k2 + rest2)
    assert limits is not None
    assert limits[0] <= (k1 / (k1 + rest1)) / (k2 / (k2 + rest2)) <= limits[1]


def test_p_values():
    assert intervals.p_value(10, 10, 20, 20) == 1.0
    assert intervals.p_value(499, 690, 201, 310) == pytest.approx(
        chi2_contingency([[499, 191], [201, 109]], correction=False).pvalue, rel=1e-9)
    assert intervals.p_value(3, 4, 1, 4) == pytest.approx(0.4857, abs=1e-4)  # the lady tasting tea, two-sided
    assert math.isclose(intervals.p_value(1, 40, 2, 40), 1.0, abs_tol=1e-9)


def test_holm_oracle():
    assert intervals.holm([0.001, 0.01, 0.02, 0.04, 0.2]) == pytest.approx([0.005, 0.04, 0.06, 0.08, 0.2])
