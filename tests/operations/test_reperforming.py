"""What counts as the same number: measures to nine digits of their own size, names and everything else exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.operations import reperforming


def measure(value, **more):
    return {"value": value, "low": "0.1", "high": "0.3"} | more


@pytest.mark.parametrize(("before", "again", "same"), [
    (measure("0.2"), measure("0.20000000001"), True), (measure("0.2"), measure("0.2001"), False),
    (measure("1e-17"), measure("0.0"), True), (measure("1e-05"), measure("9e-05"), False),
    ({"attribute": "1e9", "accuracy": "0.5"}, {"attribute": "1e9", "accuracy": "0.123"}, False),
    ({"group": "94110", "p_raw": "1e-05"}, {"group": "94110", "p_raw": "9e-05"}, False),
    ({"p_raw": "1e-12", "difference": measure("0.2")}, {"p_raw": "1e-30", "difference": measure("0.2")}, False),
    ({"group": "1.0"}, {"group": "1.0000000000001"}, False), ({"n": 3}, {"n": 4}, False),
    (["0.5", None], ["0.5000000000001", None], True), (["0.5"], ["0.5", "0.6"], False),
    (measure(None), measure("0.2"), False), (measure("met"), measure("breached"), False)])
def test_the_same_or_not(before, again, same):
    assert reperforming._agree(before, again) is same


@given(st.floats(-1e6, 1e6), st.floats(-1e-3, 1e-3))
def test_a_change_beyond_nine_digits_of_the_measure_is_different(value, change):
    scale = max(abs(value), .3)
    before, again = measure(repr(value)), measure(repr(value + change))
    if abs(abs(change) / scale - 1e-9) > 1e-10:
        assert reperforming._agree(before, again) == (abs(change) < 1e-9 * scale)


def test_the_words_say_which():
    assert reperforming.Reperformance().words == "Every number and every verdict is identical."
    near = reperforming.Reperformance(nearly=("calibration",))
    assert near.same
    assert "the same to 9 digits" in near.words
    assert "calibration" in near.words
    assert not reperforming.Reperformance(differences=("groups",)).same
