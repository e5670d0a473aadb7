"""Intersections that nobody named: found where they are, by pandas' counts, adjusted over all that were looked at."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control

from desktop_app.analysis import fairness, intervals
from desktop_app.analysis.table import Table
from desktop_app.domain.canonical import Digest
from desktop_app.domain.dataset import TableInput
from desktop_app.domain.evidence import METRICS, FairnessSpec


def held(frame):
    return Table(frame, TableInput(name="t", digest=Digest("0" * 64), rows=len(frame), columns=len(frame.columns)))


def made(seed, n=6000, odd=0.0):
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({"sex": draw.choice(["f", "m"], n), "race": draw.choice(["a", "b", "c", ""], n),
                          "age": draw.choice(["young", "old"], n)})
    low = (frame.sex == "f") & (frame.race == "b") & (frame.age == "old")
    return frame.assign(d=(draw.random(n) < np.where(low, .5 - odd, .5)).astype(int))


def spec(**changes):
    base = {"label": None, "decision": "d", "positive": "1", "favourable": True, "sensitive": ("sex", "race", "age"),
            "metrics": METRICS, "explore": True}
    return FairnessSpec(**(base | changes))


def test_benjamini_and_hochberg_by_hand():
    """governance-facts §8.4 G."""
    adjusted = intervals.benjamini_hochberg([.001, .01, .02, .04, .2])
    assert adjusted == pytest.approx([.005, .025, .033333, .05, .2], abs=1e-6)


def test_the_odd_one_is_found_first():
    result, _ = fairness.report(held(made(1, odd=.25)), spec())
    first = result.slices[0]
    assert (first.attribute, first.group) == ("sex × race × age", "f × b × old")
    assert float(first.p_adjusted) < 1e-6
    assert float(first.difference.high) < 0


def test_each_slice_is_what_the_rows_say_and_adjusted_over_all():
    frame = made(2, odd=.1)
    result, _ = fairness.report(held(frame), spec(minimum_group=50))
    wanted, raw = {}, []
    for parts in (["sex", "race"], ["sex", "age"], ["race", "age"], ["sex", "race", "age"]):
        known = frame[(frame[parts] != "").all(axis=1)]
        for values, rows in known.groupby(parts):
            if len(rows) >= 50:
                rest = known.drop(rows.index)
                key = " × ".join(parts), " × ".join(values)
                wanted[key] = len(rows), rows.d.mean() - rest.d.mean()
                raw.append(intervals.p_value(rows.d.sum(), len(rows), rest.d.sum(), len(rest)))
    adjusted = dict(zip(wanted, false_discovery_control(raw), strict=True))
    assert result.sliced == len(wanted) == 2 * 3 + 4 + 6 + 12
    assert len(result.slices) == 20
    assert [float(s.p_adjusted) for s in result.slices] == pytest.approx(sorted(adjusted.values())[:20])
    for s in result.slices:
        n, difference = wanted[s.attribute, s.group]
        assert (s.n, float(s.difference.value)) == (n, pytest.approx(difference))
        assert float(s.p_adjusted) == pytest.approx(adjusted[s.attribute, s.group])


def test_what_was_named_is_not_explored_and_nothing_without_being_asked():
    frame = made(3)
    named, _ = fairness.report(held(frame), spec(intersections=(("race", "sex"), ("sex", "age", "race"))))
    assert {s.attribute for s in named.slices} == {"sex × age", "race × age"}
    assert fairness.report(held(frame), spec(explore=False))[0].slices == ()
    one, _ = fairness.report(held(frame), spec(sensitive=("sex",)))
    assert (one.slices, one.sliced) == ((), 0)


def test_weights_count():
    frame = made(4, odd=.2)
    plain, _ = fairness.report(held(frame), spec())
    same, _ = fairness.report(held(frame.assign(w=2.0)), spec(weight="w", methods=2))
    assert [s.group for s in same.slices[:5]] == [s.group for s in plain.slices[:5]]
    assert float(same.slices[0].difference.low) == pytest.approx(float(plain.slices[0].difference.low), abs=1e-9)


def test_where_all_groups_are_alike_few_are_told_as_clear():
    """Of 100 tables without any gap, in about one in twenty at most one adjusted p is under .05."""
    clear = sum(float(fairness.report(held(made(100 + i, 1500)), spec())[0].slices[0].p_adjusted) < .05
                for i in range(100))
    assert clear <= 10
