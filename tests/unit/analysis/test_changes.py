"""Two versions on the same rows: the change of every gap, its paired interval and what a margin makes of it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from desktop_app.analysis import changes, fairness
from desktop_app.analysis.changes import Both
from desktop_app.analysis.table import Table
from desktop_app.domain.canonical import Digest
from desktop_app.domain.dataset import TableInput
from desktop_app.domain.evidence import METRICS, Criterion, FairnessSpec, Verdict
from desktop_app.errors import UserError


def held(frame):
    return Table(frame, TableInput(name="t", digest=Digest("0" * 64), rows=len(frame), columns=len(frame.columns)))


def spec(**more):
    base = {"label": "y", "decision": "d", "positive": "1", "favourable": True, "sensitive": ("g",), "metrics": METRICS,
            "before": "old"}
    return FairnessSpec(**(base | more))


def wants(margin, metric="selection_rate_change"):
    return Criterion(metric=metric, attribute="g", threshold=margin, direction="at_most")


@pytest.fixture
def frame():
    made = np.random.default_rng(1)
    n = 6000
    frame = pd.DataFrame({"g": made.choice(["a", "b", "c"], n), "s": made.random(n), "y": made.integers(0, 2, n)})
    frame["t"] = np.clip(frame.s + made.normal(0, .1, n) - .1 * (frame.g == "b"), 0, 1)
    return frame.assign(d=(frame.s > .5).astype(int), old=(frame.t > .5).astype(int))


def test_gaps_and_changes_are_those_of_the_rows(frame):
    result, _ = fairness.report(held(frame), spec())
    of = {"true_positive_rate": frame[frame.y == 1], "false_positive_rate": frame[frame.y == 0]}
    assert {c.rate for c in result.changes} == {*of, "selection_rate", "accuracy"}
    for c in result.changes:
        rows = of.get(c.rate, frame)
        now, old = ((rows[k] == rows.y) if c.rate == "accuracy" else rows[k] == 1 for k in ("d", "old"))
        gaps = [abs(v[rows.g == c.group].mean() - v[rows.g == c.other].mean()) for v in (old, now)]
        assert (float(c.before), float(c.now)) == pytest.approx(tuple(gaps))
        assert float(c.change.value) == pytest.approx(gaps[1] - gaps[0])
        assert float(c.change.low) <= gaps[1] - gaps[0] <= float(c.change.high)


def test_by_scores_it_is_the_same_as_by_the_decisions_they_make(frame):
    by_score = spec(decision="", score="s", threshold="0.5", before="t")
    ours = fairness.report(held(frame), by_score)[0].changes
    decided = frame.assign(d=(frame.s >= .5).astype(int), old=(frame.t >= .5).astype(int))
    assert ours == fairness.report(held(decided), spec())[0].changes
    other = fairness.report(held(frame), spec(decision="", score="s", threshold="0.5", before="t",
                                              before_threshold="0.4"))[0].changes
    assert other != ours


def test_against_a_group_that_does_not_change_the_test_is_mcnemars():
    """Both versions select half of b, the same rows: all that varies is a, so z² is McNemar's (b − c)² / (b + c)."""
    a, b = Both("a", (300, 40, 70, 190)), Both("b", (10**9, 0, 0, 10**9))
    p = changes._p(a, b)
    gained, lost = 70, 40
    n = 600
    spread = (gained + lost) / n**2 - ((gained - lost) / n) ** 2 / n
    assert p == pytest.approx(chi2.sf(((gained - lost) / n) ** 2 / spread, 1), rel=.05)  # but for the half rows


def test_a_version_that_changes_nothing_has_no_change_and_no_width():
    a, b = Both("a", (60, 0, 0, 40)), Both("b", (80, 0, 0, 20))
    assert changes.change(a, b) == 0
    assert changes.limits(a, b, .95) == pytest.approx((0, 0), abs=.06)
    assert changes._p(a, b) == pytest.approx(1, abs=.01)


@given(st.lists(st.integers(0, 300), min_size=8, max_size=8))
def test_a_small_p_and_an_interval_clear_of_nought_are_one(cells):
    a, b = Both("a", tuple(cells[:4])), Both("b", tuple(cells[4:]))
    if not (a.n and b.n):
        return
    low, high = changes.limits(a, b, .95)
    if abs(changes._p(a, b) - .05) > .002:  # the ellipse is drawn by points
        assert (changes._p(a, b) < .05) == (not low <= 0 <= high)


@pytest.mark.parametrize(("p_now", "p_before"), [
    ((.5, .3), (.45, .35)), ((.5, .5), (.4, .4)), ((.2, .25), (.3, .2)), ((.6, .6), (.6, .5))])
@pytest.mark.parametrize("n", [80, 600])
def test_the_interval_covers(p_now, p_before, n, request):
    """Of pairs of groups drawn with correlated decisions, at least 95 % less three standard errors hold the truth."""
    rounds = 10 * request.config.getoption("--simulate")
    made, found = np.random.default_rng(2), 0
    truth = abs(p_now[0] - p_now[1]) - abs(p_before[0] - p_before[1])
    joint = [(1 - p - q + .8 * min(p, q), q - .8 * min(p, q), p - .8 * min(p, q), .8 * min(p, q))
             for p, q in zip(p_now, p_before, strict=True)]
    for _ in range(rounds):
        a, b = (Both(name, tuple(made.multinomial(n, cells))) for name, cells in zip("ab", joint, strict=True))
        low, high = changes.limits(a, b, .95)
        found += low - 1e-12 <= truth <= high + 1e-12
    assert found / rounds >= .95 - 3 * math.sqrt(.95 * .05 / rounds)


@pytest.mark.parametrize(("worse_by", "verdict"), [
    (.0, Verdict.MET), (.15, Verdict.BREACHED), (.03, Verdict.UNDETERMINED)])
def test_a_margin_makes_it_worse_not_worse_or_undetermined(worse_by, verdict):
    n = 3000
    old = {"a": .5, "b": .4}
    rows = [{"g": g, "old": int(i < n * p), "d": int(i < n * (p - (worse_by if g == "b" else 0))), "y": i % 2}
            for g, p in old.items() for i in range(n)]
    _, (judged,) = fairness.report(held(pd.DataFrame(rows)), spec(criteria=(wants("0.03"),)))
    assert judged.verdict is verdict
    assert "the largest growth of a gap of selection rates" in judged.sentence


@pytest.mark.parametrize(("more", "said"), [
    ({"weight": "w"}, "row by row"), ({"before": "nothing"}, "There is no column"),
    ({"before": "s"}, "not a yes-or-no column")])
def test_what_cannot_be_compared(frame, more, said):
    with pytest.raises(UserError, match=said):
        fairness.report(held(frame.assign(w=1)), spec(**more))


def test_without_a_version_before_or_a_label_it_is_not_computable(frame):
    none = fairness.report(held(frame), spec(before=None, criteria=(wants("0.1"),)))[1][0]
    assert none.verdict is Verdict.NOT_COMPUTABLE
    blind = fairness.report(held(frame), spec(label=None, criteria=(wants("0.1", "true_positive_rate_change"),)))
    assert blind[1][0].verdict is Verdict.NOT_COMPUTABLE
    assert {c.rate for c in blind[0].changes} == {"selection_rate"}
    gone = frame.assign(old=frame.old.where(frame.index > 9))
    assert ("old", 10, "missing") in [(t.name, t.rows, t.why) for t in fairness.report(held(gone), spec())[0].dropped]


def test_a_group_that_a_rate_cannot_be_told_of_is_not_left_out_silently(tmp_path):
    """Before, the others alone could meet the criterion."""
    draw = np.random.default_rng(4)
    frame = pd.DataFrame({"g": draw.choice(["a", "b", "c"], 3000), "y": draw.integers(0, 2, 3000)})
    frame = frame.assign(d=frame.y, past=frame.y, y=np.where(frame.g == "c", 0, frame.y))
    table = Table(frame, TableInput(name="t", digest=Digest("0" * 64), rows=len(frame), columns=len(frame.columns)))
    asked = FairnessSpec(
        label="y", decision="d", positive="1", favourable=True, sensitive=("g",), before="past", metrics=METRICS,
        criteria=(Criterion(metric="true_positive_rate_change", attribute="g", threshold="0.5",
                            direction="at_most"),))
    _, (judged,) = fairness.report(table, asked)
    assert judged.verdict is Verdict.NOT_COMPUTABLE
    assert judged.measure.reason == "“c” has no rows with the event"
