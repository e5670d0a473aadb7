"""Columns whose names or values could be taken for something else: numbers stay those of the columns that are meant."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from desktop_app.analysis import fairness
from desktop_app.analysis.table import Table
from desktop_app.analysis.table_file import open_file
from desktop_app.domain.canonical import Digest
from desktop_app.domain.dataset import TableInput
from desktop_app.domain.evidence import METHODS, METRICS, Criterion, FairnessSpec
from desktop_app.errors import UserError

ALIASES = ("score_value", "score_text", "score_state", "weight_value", "weight_text", "before_value", "label_value",
           "prediction_value", "day", "period", "label", "decision", "past", "bin", "n", "w", "w2", "s", "s2", "a0",
           "held")


def held(frame):
    return Table(frame, TableInput(name="t", digest=Digest("0" * 64), rows=len(frame), columns=len(frame.columns)))


@pytest.fixture
def frame():
    draw = np.random.default_rng(1)
    n = 900
    frame = pd.DataFrame({"sex": draw.choice(["F", "M"], n), "s_": draw.random(n), "weight": draw.integers(1, 4, n),
                          "earlier": draw.random(n), "at": "2026-03-04"})
    return frame.assign(y=(draw.random(n) < frame.s_).astype(int))


def spec(**changes):
    base = {"label": "y", "decision": "", "positive": "1", "favourable": True, "sensitive": ("sex",), "score": "s_",
            "threshold": "0.5", "metrics": METRICS, "methods": METHODS, "weight": "weight", "date": "at",
            "period": "month", "by_row": ("brier_score",)}
    return FairnessSpec(**(base | changes))


@pytest.mark.parametrize("stored", ["held", "csv", "parquet"])
def test_a_column_named_like_ours_changes_nothing(frame, stored, tmp_path):
    draw = np.random.default_rng(2)
    clash = frame.assign(**{name: draw.random(len(frame)) for name in ALIASES})

    def kept(table, name):
        path = tmp_path / f"{name}.{stored}"
        if stored == "held":
            return held(table)
        table.to_csv(path, index=False) if stored == "csv" else table.to_parquet(path)
        return open_file(path)

    for asked in (spec(), spec(weight=None, before="earlier"), spec(
            score=None, threshold=None, label="y", prediction="s_", weight=None, date=None, period="", by_row=(),
            metrics=())):
        plain, _ = fairness.report(kept(frame, "plain"), asked)
        same, _ = fairness.report(kept(clash, "clash"), asked)
        assert same == plain


@pytest.mark.parametrize("name", ["score_value", "label", "a0", "n"])
def test_a_column_named_like_ours_can_be_asked_for(frame, name):
    plain, _ = fairness.report(held(frame), spec(by_row=()))
    named, _ = fairness.report(held(frame.rename(columns={"sex": name})), spec(sensitive=(name,), by_row=()))
    assert [g.rates for g in named.groups] == [g.rates for g in plain.groups]


def test_values_and_names_that_would_run_together_are_refused(frame):
    two = frame.assign(a=np.where(frame.sex == "F", "x", "x × y"), b=np.where(frame.sex == "F", "y × z", "z"))
    with pytest.raises(UserError, match="A value of “a” holds “×”"):
        fairness.report(held(two), spec(sensitive=("a", "b"), intersections=(("a", "b"),)))
    assert fairness.report(held(two), spec(sensitive=("a", "b"), explore=True))[0].sliced == 0
    with pytest.raises(UserError, match="The name of column “a × b” holds"):
        fairness.report(held(two.rename(columns={"a": "a × b"})), spec(
            sensitive=("a × b", "b"), intersections=(("a × b", "b"),)))


@pytest.mark.parametrize(("change", "said"), [
    ({"sensitive": ("sex", "sex")}, "named twice"), ({"intersections": (("sex",),)}, "of two attributes or more"),
    ({"intersections": (("sex", "at"), ("at", "sex"))}, "named twice")])
def test_repeats_are_refused(frame, change, said):
    with pytest.raises(UserError, match=said):
        fairness.report(held(frame), spec(**change))


# ---- weights


def test_rows_that_weigh_nothing_stand_for_nobody(frame):
    """They are left out and told; what is left gives what it gives alone, also in measures of rows."""
    nought = frame.assign(weight=np.where(frame.index % 3 == 0, 0, frame.weight))
    result, _ = fairness.report(held(nought), spec())
    alone, _ = fairness.report(held(nought[nought.weight > 0].reset_index(drop=True)), spec())
    assert result.groups == alone.groups
    assert "300 rows were left out: weight is nought." in result.notes
    gone, _ = fairness.report(held(nought.assign(weight=np.where(frame.sex == "F", 0, 1))), spec())
    assert [g.group for g in gone.groups] == ["M"]
    with pytest.raises(UserError, match="a weight above nought"):
        fairness.report(held(frame.assign(weight=0)), spec())


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_weights_that_cannot_be_squared_are_refused(frame, size):
    with pytest.raises(UserError, match="cannot be used as a weight"):
        fairness.report(held(frame.assign(weight=size)), spec())


def test_one_row_with_all_the_weight_is_not_certainty(frame):
    """Its group is worth one row, whatever the linearised variance says."""
    heavy = frame.assign(weight=np.where((frame.index == 0), 1e9, 1.0), sex=np.where(frame.index == 0, "M", frame.sex))
    result, _ = fairness.report(held(heavy), spec(score=None, threshold=None, decision="y", label=None, by_row=()))
    rate = next(m.measure for m in next(g for g in result.groups if g.group == "M").rates if m.name == "selection_rate")
    assert float(rate.high) - float(rate.low) > .7


# ---- days


@pytest.mark.parametrize("odd", ["n/a", "infinity", "12026-01-01", "0044-03-15 (BC)", "2026-02-30", "31/12/2025",
                                 "45000"])
@pytest.mark.parametrize("stored", ["held", "csv"])
def test_a_day_that_is_none_is_counted_and_told(frame, odd, stored, tmp_path):
    some = frame.assign(at=frame["at"].where(frame.index > 0, odd))
    table = held(some)
    if stored == "csv":
        some.to_csv(tmp_path / "t.csv", index=False)
        table = open_file(tmp_path / "t.csv")
    result, _ = fairness.report(table, spec(by_row=()))
    assert "By at the rows are from 2026-03-04 to 2026-03-04." in result.notes
    assert "Without a day in at, and in no month: 1 row." in result.notes


def test_moments_keep_the_day_that_is_written():
    frame = pd.DataFrame({"sex": ["F", "M"] * 50, "d": [1, 0] * 50, "at": ["2026-01-01T00:30:00+13:00"] * 100})
    asked = spec(score=None, threshold=None, decision="d", label=None, weight=None, by_row=())
    assert {r.period for r in fairness.report(held(frame), asked)[0].over_time} == {"2026-01-01"}


# ---- what is left of certainty


def test_groups_that_are_told_apart_perfectly_have_no_certain_gap():
    frame = pd.DataFrame({"g": ["a", "b"] * 30, "s": [.9, .9, .1, .1] * 15, "y": [1, 1, 0, 0] * 15})
    asked = FairnessSpec(label="y", decision="", positive="1", favourable=True, sensitive=("g",), score="s",
                         threshold="0.5", metrics=METRICS, methods=METHODS, criteria=(
                             Criterion(metric="auc_difference", attribute="g", threshold="0.05", direction="at_most"),))
    result, (judged,) = fairness.report(held(frame), asked)
    area = next(m.measure for m in result.overall if m.name == "auc")
    assert (area.value, area.low, area.reason) == ("1.0", None, "no row is ranked wrongly: that tells no interval")
    assert judged.verdict == "not_computable"
    assert "too few that differ" in judged.measure.reason
