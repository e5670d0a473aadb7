"""Cut-offs of their own for groups: as accurate as fairlearn's ThresholdOptimizer finds, and doing what they say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fairlearn.postprocessing import ThresholdOptimizer
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score

from desktop_app.analysis import alternatives, fairness
from desktop_app.analysis.table import Table
from desktop_app.domain.canonical import Digest
from desktop_app.domain.dataset import TableInput
from desktop_app.domain.evidence import METHODS, METRICS, FairnessSpec

THEIRS = {"impact_ratio": "demographic_parity", "true_positive_rate": "true_positive_rate_parity",
          "false_positive_rate": "false_positive_rate_parity", "equalised_odds": "equalized_odds"}


class Given(ClassifierMixin, BaseEstimator):
    """The score that is there already."""

    classes_ = np.array([0, 1])

    def fit(self, X, y):  # noqa: N803
        return self

    def __sklearn_is_fitted__(self):
        return True

    def predict_proba(self, X):  # noqa: N803
        score = np.asarray(X, dtype=float).reshape(-1)
        return np.stack([1 - score, score], axis=1)


def made(seed, groups=3, n=3000):
    """Scores at the middles of bins, so that a cut-off at an edge of bins is any cut-off between two scores."""
    draw = np.random.default_rng(seed)
    g = draw.integers(0, groups, n)
    s = (np.floor(draw.beta(2 + g / 2, 2, n) * 1024) + .5) / 1024
    y = (draw.random(n) < s * (.7 + g / 10)).astype(int)
    return pd.DataFrame({"g": np.array(list("abcdef"))[g], "s": s, "y": y})


def found(frame, gap, **more):
    table = Table(frame, TableInput(name="t", digest=Digest("0" * 64), rows=len(frame), columns=len(frame.columns)))
    spec = FairnessSpec(**({"label": "y", "decision": "", "positive": "1", "favourable": True, "sensitive": ("g",),
                            "score": "s", "threshold": "0.5", "metrics": METRICS, "search": gap,
                            "group_cut_offs": True} | more))
    return fairness.report(table, spec)[0], spec


def theirs(frame, gap, tol):
    optimizer = ThresholdOptimizer(
        estimator=Given(), constraints=THEIRS[gap], objective="accuracy_score", prefit=True,
        predict_method="predict_proba", tol=tol + 1e-9 if tol else None)  # theirs compares floats of a grid
    optimizer.fit(frame[["s"]].to_numpy(), frame.y, sensitive_features=frame.g)
    return optimizer


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("gap", THEIRS)
def test_as_accurate_as_fairlearn_finds(gap, seed):
    frame = made(seed, groups=2 + seed % 3)
    result, _ = found(frame, gap)
    assert [float(c.permitted) for c in result.group_cut_offs] == (
        [0.0] if gap == "equalised_odds" else [0.0, .02, .05, .1])
    for c in result.group_cut_offs:
        optimizer = theirs(frame, gap, float(c.permitted))
        if gap == "equalised_odds":
            expected = frame.y.mean() * optimizer._y_best + (1 - frame.y.mean()) * (1 - optimizer._x_best)
        else:
            expected = optimizer._y_best
        assert float(c.accuracy) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("gap", ["impact_ratio", "true_positive_rate", "false_positive_rate"])
def test_the_cut_offs_do_to_the_rows_what_is_said(gap):
    """Selecting each row with the chance that its group's cut-offs give it."""
    frame = made(9)
    result, _ = found(frame, gap)
    for c in result.group_cut_offs:
        chance = pd.Series(0.0, index=frame.index)
        for own in c.cut_offs:
            mine = frame.g == own.group
            chance[mine & (frame.s >= float(own.lower or 2))] = float(own.chance)
            chance[mine & (frame.s >= float(own.cut or 2))] = 1.0
        right = np.where(frame.y == 1, chance, 1 - chance).mean()
        assert float(c.accuracy) == pytest.approx(right, abs=1e-9)
        of = frame if gap == "impact_ratio" else frame[frame.y == (gap == "true_positive_rate")]
        rates = chance[of.index].groupby(of.g).mean()
        assert rates.max() - rates.min() <= float(c.permitted) + 1e-9


def test_a_larger_gap_permitted_never_costs_accuracy_and_everybody_alike_is_never_better():
    frame = made(5)
    result, _ = found(frame, "true_positive_rate")
    accuracies = [float(c.accuracy) for c in result.group_cut_offs]
    assert accuracies == sorted(accuracies)
    for point in result.frontier:
        if float(point.gap) <= .1:
            assert float(point.accuracy) <= accuracies[-1] + 1e-9
            assert accuracy_score(frame.y, frame.s >= float(point.cut)) == pytest.approx(float(point.accuracy))


def test_where_they_cannot_be_found_it_says_why():
    frame = made(2)
    result, spec = found(frame.assign(y=np.where(frame.g == "a", 1, frame.y)), "true_positive_rate")
    assert result.group_cut_offs[0].accuracy is None
    assert "“a” has rows with the event only" in alternatives.said(result, spec)[-1]
    result, spec = found(frame[frame.g == "a"], "impact_ratio")
    assert "fewer than two groups" in alternatives.said(result, spec)[-1]


def test_not_where_they_were_not_asked_for():
    frame = made(3)
    assert found(frame, "impact_ratio", group_cut_offs=False)[0].group_cut_offs == ()
    result, _ = found(frame, "none")
    assert (result.group_cut_offs, result.frontier) == ((), ())


def test_frontier_and_own_cut_offs_are_over_the_same_rows():
    """Groups that are unknown or too few are in neither, and the one used is told of the same ones."""
    frame = made(11)
    frame = pd.concat([frame, pd.DataFrame({"g": ["", "z"] * 400, "s": .9, "y": 0}),
                       pd.DataFrame({"g": ["z"] * 5, "s": .5, "y": 1})], ignore_index=True)
    frame = frame[(frame.g != "z") | (frame.index % 50 == 0)]
    result, spec = found(frame, "true_positive_rate", methods=METHODS)
    judged = frame[frame.g.isin(list("abc"))]
    (used,) = result.used
    assert float(used.accuracy) == pytest.approx(((judged.s >= .5) == judged.y).mean())
    assert float(used.selected) == pytest.approx((judged.s >= .5).mean())
    for point in result.frontier:
        assert float(point.accuracy) == pytest.approx(((judged.s >= float(point.cut)) == judged.y).mean())
        assert float(point.selected) == pytest.approx((judged.s >= float(point.cut)).mean())
    assert float(result.group_cut_offs[-1].accuracy) >= max(
        float(p.accuracy) for p in (*result.frontier, used) if float(p.gap) <= .1)


def test_how_large_weights_are_changes_nothing_about_which_groups_are_searched():
    frame = made(12).assign(w=1e-4)
    plain, _ = found(frame.drop(columns="w"), "impact_ratio", methods=METHODS)
    small, _ = found(frame, "impact_ratio", methods=METHODS, weight="w")
    for a, b in zip(plain.group_cut_offs, small.group_cut_offs, strict=True):
        assert float(b.accuracy) == pytest.approx(float(a.accuracy))
    assert [float(p.ratio) for p in small.frontier] == pytest.approx([float(p.ratio) for p in plain.frontier])


def test_a_group_without_the_event_is_said_and_not_left_out():
    frame = made(13)
    frame = frame.assign(y=np.where(frame.g == "c", 0, frame.y))
    result, spec = found(frame, "true_positive_rate", methods=METHODS, group_cut_offs=False)
    assert all(p.gap is None for p in (*result.frontier, *result.used))
    (said,) = alternatives.said(result, spec)
    assert "the largest gap of true positive rates cannot be computed of these groups" in said
