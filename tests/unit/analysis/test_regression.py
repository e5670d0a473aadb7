"""Bias reports of predictions of numbers: measures are scikit-learn's on the rows, gaps are judged in their units."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from desktop_app.analysis import fairness, regression
from desktop_app.analysis.table import Table
from desktop_app.analysis.table_file import open_file
from desktop_app.domain.canonical import Digest
from desktop_app.domain.dataset import TableInput
from desktop_app.domain.evidence import Criterion, FairnessSpec, Verdict
from desktop_app.domain.model import Pair
from desktop_app.errors import UserError


@pytest.fixture
def frame():
    made = np.random.default_rng(1)
    n = 3000
    frame = pd.DataFrame({"g": made.choice(["a", "b", "c", ""], n, p=[.5, .3, .15, .05]), "h": made.integers(0, 2, n),
                          "y": made.gamma(2, 100, n)})
    return frame.assign(p=frame.y * .9 + made.normal(0, 20, n) - 15 * (frame.g == "b"))


def held(frame):
    return Table(frame, TableInput(name="t", digest=Digest("0" * 64), rows=len(frame), columns=len(frame.columns)))


def spec(**more):
    base = {"label": "y", "decision": "", "positive": "1", "favourable": True, "sensitive": ("g", "h"),
            "intersections": (("g", "h"),), "prediction": "p"}
    return FairnessSpec(**(base | more))


def wants(threshold, metric="mean_prediction_difference", rule="interval"):
    return Criterion(metric=metric, attribute="g", threshold=threshold, direction="at_most", rule=rule)


def value(measures, name):
    return float(next(m.measure.value for m in measures if m.name == name))


@pytest.mark.parametrize("kind", ["memory", "csv", "parquet"])
def test_measures_are_those_of_scikit_learn_on_the_rows(frame, kind, tmp_path):
    source = held(frame)
    if kind != "memory":
        path = tmp_path / f"t.{kind}"
        frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
        source = open_file(path)
    result, _ = fairness.report(source, spec())
    assert result.rows == 3000
    for row in result.groups:
        if row.attribute == "g":
            rows = frame[frame.g == ("" if row.group == "unknown" else row.group)]
        elif row.attribute == "h":
            rows = frame[frame.h == int(row.group)]
        else:
            continue
        assert row.n == len(rows)
        assert value(row.rates, "mean_absolute_error") == pytest.approx(mean_absolute_error(rows.y, rows.p))
        assert value(row.rates, "root_mean_squared_error") ** 2 == pytest.approx(mean_squared_error(rows.y, rows.p))
        assert value(row.rates, "r_squared") == pytest.approx(r2_score(rows.y, rows.p))
        assert value(row.rates, "bias") == pytest.approx((rows.p - rows.y).mean())
        low, high = stats.norm.interval(.95, rows.p.mean(), rows.p.std(ddof=1) / math.sqrt(len(rows)))
        mean = next(m.measure for m in row.rates if m.name == "mean_prediction")
        assert (float(mean.low), float(mean.high)) == pytest.approx((low, high))
    assert "g: 1" in next(note for note in result.notes if "no known value" in note)


def test_the_interval_of_a_root_mean_squared_error_covers():
    made, found = np.random.default_rng(2), 0
    for _ in range(400):
        error = made.normal(0, 3, 300)
        powers = (error.sum(), abs(error).sum(), (error**2).sum(), (error**4).sum())
        sums = regression.Sums("g", (300, 0, 0, 0, 0, *powers))
        measure = next(m.measure for m in regression.measures(sums) if m.name == "root_mean_squared_error")
        found += float(measure.low) <= 3 <= float(measure.high)
    assert found / 400 > .95 - 3 * math.sqrt(.95 * .05 / 400)


@pytest.mark.parametrize(("threshold", "verdict"), [
    ("200.0", Verdict.MET), ("0.5", Verdict.BREACHED), ("as found", Verdict.UNDETERMINED), (None, Verdict.REPORTED)])
def test_gaps_are_judged_in_the_units_of_the_label(frame, threshold, verdict):
    means = frame[frame.g != ""].groupby("g").p.mean()
    threshold = repr(float(means.max() - means.min())) if threshold == "as found" else threshold
    _, (judged,) = fairness.report(held(frame), spec(criteria=(wants(threshold),)))
    assert judged.verdict is verdict
    assert float(judged.measure.value) == pytest.approx(means.max() - means.min())
    if threshold:
        assert "the largest difference of mean predictions" in judged.sentence


def test_a_clear_gap_is_breached_and_too_few_are_not_judged(frame):
    apart = frame.assign(p=frame.p + 100 * (frame.g == "a"))
    _, (judged,) = fairness.report(held(apart), spec(criteria=(wants("20"),)))
    assert judged.verdict is Verdict.BREACHED
    few = frame[(frame.g != "c") | (frame.index < 60)]
    _, (judged,) = fairness.report(held(few), spec(criteria=(wants("200"),)))
    assert judged.verdict is Verdict.UNDETERMINED
    assert "fewer than the minimum" in judged.sentence


def test_no_digits_are_lost_far_from_nought(frame):
    far = frame.assign(y=frame.y + 1e10, p=frame.p + 1e10)
    near, moved = (fairness.report(held(f), spec())[0] for f in (frame, far))
    for one, other in zip(near.groups, moved.groups, strict=True):
        for name in ("bias", "mean_absolute_error", "root_mean_squared_error", "r_squared"):
            assert value(one.rates, name) == pytest.approx(value(other.rates, name), rel=1e-4)
        assert value(other.rates, "mean_label") == pytest.approx(value(one.rates, "mean_label") + 1e10)


def test_the_test_of_no_gap_is_welchs(frame):
    rows = {g: frame[frame.g == g].p for g in "abc"}
    found = {(c.rate.group, c.other.group): c.p_raw for c in regression.compared(
        [s for s in regression.count(held(frame), spec()).groups["g"] if s.group != "unknown"], "mean_prediction")}
    for (a, b), p in found.items():
        assert p == pytest.approx(stats.ttest_ind(rows[a], rows[b], equal_var=False).pvalue, rel=.05, abs=1e-4)


def test_one_row_and_a_label_that_does_not_vary_are_told():
    frame = pd.DataFrame({"g": ["a", "b", "b"], "y": [1.0, 2, 2], "p": [1.5, 2, 3]})
    result, _ = fairness.report(held(frame), spec(sensitive=("g",), intersections=(), minimum_group=1))
    a, b = (next(m.measure for m in row.rates if m.name == "mean_prediction") for row in result.groups)
    assert (a.low, a.reason) == (None, "too few rows for an interval")
    assert b.low is not None
    assert next(m.measure for m in result.groups[1].rates if m.name == "r_squared").reason == "the label does not vary"


@pytest.mark.parametrize(("frame_more", "more", "said"), [
    ({}, {"label": None}, "A label is needed"), ({}, {"weight": "y"}, "row by row"),
    ({}, {"record_id": "h"}, "does not name each row once"),
    ({"p": "high"}, {}, "is not all numbers"), ({}, {"prediction": "q"}, "There is no column"),
    ({"p": None}, {}, "No row has both"), ({}, {"criteria": (wants("0"),)}, "above nought"),
    ({}, {"criteria": (wants("1", "impact_ratio"),)}, "is not for numbers"),
    ({}, {"criteria": (Criterion(metric="bias_difference", attribute="x", threshold="1", direction="at_most"),)},
     "not one of the attributes")])
def test_what_cannot_be_asked(frame, frame_more, more, said):
    with pytest.raises(UserError) as told:
        fairness.report(held(frame.assign(**frame_more)), spec(**more))
    assert said in str(told.value)


def test_a_criterion_of_numbers_is_not_for_decisions(frame):
    decided = spec(prediction=None, decision="d", label=None, criteria=(wants("1"),))
    with pytest.raises(UserError, match="is for predictions of numbers"):
        fairness.report(held(frame.assign(d=1)), decided)


def test_with_a_reference_each_group_is_compared_with_it(frame):
    asked = spec(intersections=(), sensitive=("g",), reference=(Pair(key="g", value="b"),), criteria=(
        Criterion(metric="bias_difference", attribute="g", threshold=None, direction="at_most"),))
    _, (judged,) = fairness.report(held(frame), asked)
    means = (frame.p - frame.y).groupby(frame.g).mean()
    assert float(judged.measure.value) == pytest.approx(max(abs(means["a"] - means["b"]), abs(means["c"] - means["b"])))
    with pytest.raises(UserError, match="g has no group “z”"):
        fairness.report(held(frame), replace(asked, reference=(Pair(key="g", value="z"),)))


def test_what_is_for_decisions_is_refused_for_numbers(frame):
    for more in ({"search": "impact_ratio"}, {"date": "g", "period": "month"}, {"by_row": ("log_loss",)}):
        with pytest.raises(UserError, match="held against a label, row by row"):
            fairness.report(held(frame), spec(**more))
