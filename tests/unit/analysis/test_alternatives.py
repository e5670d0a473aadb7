"""Other cut-offs for everybody: what they would have done is what the rows say, and a better one is found or is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from desktop_app.analysis import alternatives, fairness
from desktop_app.analysis.table import Table
from desktop_app.domain.canonical import Digest
from desktop_app.domain.dataset import TableInput
from desktop_app.domain.evidence import METRICS, FairnessSpec


def report(frame, **more):
    table = Table(frame, TableInput(name="t", digest=Digest("0" * 64), rows=len(frame), columns=len(frame.columns)))
    spec = FairnessSpec(**({"label": "y", "decision": "", "positive": "1", "favourable": True, "sensitive": ("g",),
                            "score": "s", "threshold": "0.5", "metrics": METRICS} | more))
    return fairness.report(table, spec)[0], spec


@pytest.fixture
def frame():
    made = np.random.default_rng(3)
    n = 4000
    frame = pd.DataFrame({"g": made.choice(["a", "b", ""], n, p=[.6, .35, .05]), "s": made.random(n)})
    return frame.assign(s=frame.s * np.where(frame.g == "b", .9, 1)).assign(
        y=lambda f: (made.random(n) < f.s).astype(int))


@pytest.mark.parametrize("favourable", [True, False])
def test_each_point_is_what_that_cut_off_does_to_the_rows(frame, favourable):
    result, _ = report(frame, favourable=favourable)
    assert len(result.frontier) == 31
    known = frame[frame.g != ""]
    for point in result.frontier:
        cut = float(point.cut)
        assert float(point.accuracy) == pytest.approx(((frame.s >= cut).astype(int) == frame.y).mean())
        good = (known.s >= cut) == favourable
        shares = good.groupby(known.g).mean()
        assert float(point.ratio) == pytest.approx(shares.min() / shares.max())
        true = (known.s >= cut)[known.y == 1].groupby(known.g[known.y == 1]).mean()
        assert float(point.gap) == pytest.approx(true.max() - true.min())


def test_the_one_used_lies_where_its_own_point_would(frame):
    result, spec = report(frame)
    ratio, accuracy = alternatives.used(result, spec, "g")
    own = next(p for p in result.frontier if float(p.cut) == .5)
    assert (ratio, accuracy) == pytest.approx((float(own.ratio), float(own.accuracy)))


def test_a_better_cut_off_is_named_with_what_it_does(frame):
    result, spec = report(frame, threshold="0.8")
    found = alternatives.better(result, spec, "g")
    now = alternatives.used(result, spec, "g")
    assert found
    assert all(float(p.accuracy) >= now[1] - 1e-9 and float(p.ratio) > now[0] for p in found)
    (said,) = alternatives.said(result, spec)
    assert f"the best ratio is at {float(found[0].cut):g}" in said


def test_where_there_is_none_it_says_so():
    """The most accurate cut-off there is: the label is whether the score is at least a half."""
    score = np.repeat((np.arange(32) + .5) / 32, 40)
    frame = pd.DataFrame({"g": np.tile(["a", "a", "a", "b"], 320), "s": score, "y": (score >= .5).astype(int)})
    result, spec = report(frame)
    assert alternatives.better(result, spec, "g") == []
    assert "None of the 31 others tried for everybody alike is as accurate" in alternatives.said(result, spec)[0]


def test_without_a_label_or_a_second_group_nothing_is_said(frame):
    assert report(frame, label=None)[0].frontier == ()
    result, spec = report(frame.assign(g="a"))
    assert alternatives.said(result, spec) == ()
    assert all(p.ratio is None for p in result.frontier)
