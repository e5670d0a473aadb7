"""Shares over time: each period has those of its rows, from text, dates and timestamps; rows without a day are told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from desktop_app.analysis import fairness
from desktop_app.analysis.table import Table
from desktop_app.analysis.table_file import open_file
from desktop_app.domain.canonical import Digest
from desktop_app.domain.dataset import TableInput
from desktop_app.domain.evidence import METRICS, FairnessSpec
from desktop_app.errors import UserError


def held(frame):
    return Table(frame, TableInput(name="t", digest=Digest("0" * 64), rows=len(frame), columns=len(frame.columns)))


@pytest.fixture(scope="module")
def frame():
    draw = np.random.default_rng(1)
    n = 4000
    day = pd.Timestamp("2025-11-15") + pd.to_timedelta(draw.integers(0, 400, n), "D")
    return pd.DataFrame({"g": draw.choice(["a", "b"], n), "d": draw.integers(0, 2, n), "day": day.date})


def spec(**changes):
    base = {"label": None, "decision": "d", "positive": "1", "favourable": True, "sensitive": ("g",),
            "metrics": METRICS, "date": "day", "period": "month"}
    return FairnessSpec(**(base | changes))


@pytest.mark.parametrize(("period", "unit"), [("month", "M"), ("quarter", "Q"), ("year", "Y")])
@pytest.mark.parametrize("stored", ["text", "date", "timestamp", "parquet", "csv"])
def test_each_period_has_the_share_of_its_rows(frame, period, unit, stored, tmp_path):
    kept = frame
    if stored in ("text", "csv"):
        kept = frame.assign(day=frame.day.astype(str))
    if stored in ("timestamp", "parquet"):
        kept = frame.assign(day=pd.to_datetime(frame.day) + pd.Timedelta("13h"))
    table = held(kept)
    if stored in ("csv", "parquet"):
        path = tmp_path / f"t.{stored}"
        kept.to_csv(path, index=False) if stored == "csv" else kept.to_parquet(path)
        table = open_file(path)
    result, _ = fairness.report(table, spec(period=period))
    begun = pd.PeriodIndex(pd.to_datetime(frame.day), freq=unit).start_time.strftime("%Y-%m-%d")
    wanted = frame.groupby([begun, frame.g]).d.agg(["size", "mean"])
    assert len(result.over_time) == len(wanted)
    for row in result.over_time:
        assert row.n == wanted.loc[(row.period, row.group), "size"]
        assert float(row.selected.value) == pytest.approx(wanted.loc[(row.period, row.group), "mean"])
        assert float(row.selected.low) <= float(row.selected.value) <= float(row.selected.high)
    assert [r.period for r in result.over_time] == sorted(r.period for r in result.over_time)
    assert any(f"from {frame.day.min()} to {frame.day.max()}" in note for note in result.notes)


def test_rows_without_a_day_are_told_and_count_in_everything_else(frame):
    some = frame.assign(day=frame.day.astype(str).where(frame.index % 10 > 0, "soon"))
    result, _ = fairness.report(held(some), spec())
    assert result.rows == len(frame)
    assert sum(r.n for r in result.over_time) == len(frame) * 9 // 10
    assert any("in no month: 400 rows" in note for note in result.notes)


def test_the_rest_of_a_report_does_not_change_with_the_days(frame):
    plain, _ = fairness.report(held(frame), spec(date=None, period=""))
    dated, _ = fairness.report(held(frame), spec())
    assert (dated.groups, dated.overall, dated.differences) == (plain.groups, plain.overall, plain.differences)


@pytest.mark.parametrize(("change", "said"), [
    ({"period": ""}, "need a column of days and a period"), ({"period": "week"}, "“week” is not known"),
    ({"date": None}, "need a column of days and a period"), ({"date": "dya"}, "There is no column “dya”"),
    ({"date": "g"}, "has no days")])
def test_what_cannot_be_told_over_time_is_said(frame, change, said):
    with pytest.raises(UserError, match=said):
        fairness.report(held(frame), spec(**change))


def test_too_many_periods_are_refused(frame):
    long = frame.assign(day=pd.date_range("1990-01-01", periods=len(frame), freq="D"))
    with pytest.raises(UserError, match="132 periods of a month"):
        fairness.report(held(long), spec())
    assert fairness.report(held(long), spec(period="year"))[0].over_time
