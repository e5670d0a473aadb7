"""Measures on the rows: they are scikit-learn's of each group's rows, by fairlearn's frame, with replicates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss

from desktop_app.analysis import by_row, fairness
from desktop_app.analysis.table import Table
from desktop_app.domain.canonical import Digest
from desktop_app.domain.dataset import TableInput
from desktop_app.domain.evidence import METRICS, ROW_METRICS, FairnessSpec
from desktop_app.errors import UserError
from desktop_app.progress import Cancelled, Progress

THEIRS = {"log_loss": lambda y, s, w: log_loss(y, s, sample_weight=w, labels=[0, 1]),
          "brier_score": lambda y, s, w: brier_score_loss(y, s, sample_weight=w),
          "average_precision": lambda y, s, w: average_precision_score(y, s, sample_weight=w)}


def held(frame):
    return Table(frame, TableInput(name="t", digest=Digest("0" * 64), rows=len(frame), columns=len(frame.columns)))


@pytest.fixture
def frame():
    draw = np.random.default_rng(1)
    n = 1500
    s = draw.beta(2, 3, n)
    return pd.DataFrame({"g": draw.choice(["a", "b", ""], n, p=[.6, .3, .1]), "h": draw.choice(["x", "y"], n), "s": s,
                         "y": np.where(draw.random(n) < s, "bad", "good"), "w": draw.random(n) + .5})


def spec(**changes):
    base = {"label": "y", "decision": "", "positive": "1", "label_positive": "bad", "favourable": False,
            "sensitive": ("g",), "intersections": (("g", "h"),), "score": "s", "threshold": "0.5", "metrics": METRICS,
            "by_row": ROW_METRICS, "bootstrap": 20}
    return FairnessSpec(**(base | changes))


def of(rates, name):
    return next(m.measure for m in rates if m.name == name)


@pytest.mark.parametrize("weight", [None, "w"])
def test_each_is_scikit_learns_of_the_rows(frame, weight):
    some = frame.assign(s=frame.s.where(frame.index % 7 > 0), y=frame.y.where(frame.index % 11 > 0, ""))
    result, _ = fairness.report(held(some), spec(weight=weight))
    rows = some[some.s.notna() & (some.y != "")]
    both = np.where(rows.g == "", "unknown", rows.g + " × " + rows.h)
    for row in result.groups:
        mine = rows[(rows.g.replace("", "unknown") if row.attribute == "g" else both) == row.group]
        assert len(mine) == row.n
        for name, theirs in THEIRS.items():
            measure = of(row.rates, name)
            assert float(measure.value) == pytest.approx(theirs(mine.y == "bad", mine.s, mine.w if weight else None))
            assert float(measure.low) < float(measure.high)
            assert "on the rows, 20 replicates, seed 1" in measure.method
    assert float(of(result.overall, "log_loss").value) == pytest.approx(
        log_loss(rows.y == "bad", rows.s, sample_weight=rows.w if weight else None))


def test_where_a_group_has_no_event_there_is_no_precision(frame):
    result, _ = fairness.report(held(frame.assign(y=np.where(frame.g == "b", "good", frame.y))), spec(bootstrap=0))
    rates = next(r for r in result.groups if r.group == "b").rates
    assert of(rates, "average_precision").reason == "no rows with the event"
    assert of(rates, "log_loss").value is not None
    assert of(rates, "log_loss").low is None


def test_replicates_cover_a_mean_as_its_normal_interval_does(frame):
    """The Brier score is a mean, so its interval is known otherwise."""
    result, _ = fairness.report(held(frame), spec(bootstrap=200))
    square = (frame.s - (frame.y == "bad")) ** 2
    half = 1.96 * square.std(ddof=1) / np.sqrt(len(frame))
    found = of(result.overall, "brier_score")
    assert float(found.low) == pytest.approx(square.mean() - half, abs=half / 4)
    assert float(found.high) == pytest.approx(square.mean() + half, abs=half / 4)


@pytest.mark.parametrize(("change", "said"), [
    ({"by_row": ("gini",)}, "“gini” is not known"), ({"score": None, "decision": "y", "positive": "bad",
                                                     "threshold": None}, "measures are of scores"),
    ({"label": None, "label_positive": None}, "measures are of scores")])
def test_what_cannot_be_measured_on_the_rows_is_said(frame, change, said):
    with pytest.raises(UserError, match=said):
        fairness.report(held(frame), spec(**change))


def test_a_table_that_is_too_large_is_refused(frame, monkeypatch):
    monkeypatch.setattr(by_row, "MAX_ROWS", 1000)
    with pytest.raises(UserError, match="too large for measures"):
        fairness.report(held(frame), spec())


def test_it_can_be_stopped(frame):
    def stop(fraction, words):
        if "replicate 3" in words:
            raise Cancelled

    with pytest.raises(Cancelled):
        fairness.report(held(frame), spec(), Progress(stop))
