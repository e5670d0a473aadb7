"""Many classes: measures over all of them are scikit-learn's by group; gaps cover, and nothing is left out silently."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from desktop_app.analysis import classes, cube, fairness
from desktop_app.analysis.table import Table
from desktop_app.domain.canonical import Digest
from desktop_app.domain.dataset import TableInput
from desktop_app.domain.evidence import CLASS_METRICS, METHODS, METRICS, Criterion, FairnessSpec, Verdict
from desktop_app.errors import UserError

GRADES = np.array(["good", "fair", "poor", "default"])
THEIRS = {"class_accuracy": accuracy_score,
          "macro_recall": lambda y, d: recall_score(y, d, average="macro"),
          "macro_precision": lambda y, d: precision_score(y, d, average="macro"),
          "macro_f1": lambda y, d: f1_score(y, d, average="macro")}


def held(frame):
    return Table(frame, TableInput(name="t", digest=Digest("0" * 64), rows=len(frame), columns=len(frame.columns)))


def made(seed, n=4000, worse=0.0):
    draw = np.random.default_rng(seed)
    g = draw.choice(["a", "b", "c"], n, p=[.5, .3, .2])
    y = draw.integers(0, 4, n)
    wrong = draw.random(n) < np.where(g == "b", .3 + worse, .3)
    return pd.DataFrame({"g": g, "y": GRADES[y], "d": GRADES[np.where(wrong, draw.integers(0, 4, n), y)]})


def spec(**changes):
    base = {"label": "y", "decision": "d", "positive": "good", "favourable": True, "sensitive": ("g",),
            "one_against_rest": True, "metrics": METRICS, "bootstrap": 300, "methods": METHODS}
    return FairnessSpec(**(base | changes))


def of(rates, name):
    return next(m.measure for m in rates if m.name == name)


def criterion(metric, threshold="0.1"):
    return Criterion(metric=metric, attribute="g", threshold=threshold, direction="at_most")


def test_measures_over_all_classes_are_scikit_learns_of_the_rows():
    frame = made(1)
    result, _ = fairness.report(held(frame), spec())
    for rates, rows in [(result.overall, frame), *((r.rates, frame[frame.g == r.group]) for r in result.groups)]:
        for name, theirs in THEIRS.items():
            measure = of(rates, name)
            assert float(measure.value) == pytest.approx(theirs(rows.y, rows.d), abs=1e-12)
            assert float(measure.low) < float(measure.value) < float(measure.high)
    by = {r.group: of(r.rates, "macro_recall") for r in result.groups}
    values = [float(m.value) for m in by.values()]
    gap = next(d.measure for d in result.differences if d.name == "macro_recall_difference g")
    assert float(gap.value) == pytest.approx(max(values) - min(values))


def test_one_class_against_the_rest_is_as_before():
    frame = made(2)
    result, _ = fairness.report(held(frame), spec(positive="poor"))
    plain, _ = fairness.report(
        held(frame.assign(y=(frame.y == "poor").astype(int), d=(frame.d == "poor").astype(int))),
        spec(positive="1", one_against_rest=False))
    for a, b in zip(result.groups, plain.groups, strict=True):
        assert [m for m in a.rates if m.name not in CLASS_METRICS] == list(b.rates)
    assert not any(m.name in CLASS_METRICS for m in plain.overall)
    assert not any("macro" in d.name for d in plain.differences)


def test_weights_that_are_all_the_same_change_nothing():
    frame = made(3)
    plain, _ = fairness.report(held(frame), spec())
    same, _ = fairness.report(held(frame.assign(w=2.5)), spec(weight="w"))
    for a, b in zip(plain.groups, same.groups, strict=True):
        for name in CLASS_METRICS:
            one, other = of(a.rates, name), of(b.rates, name)
            assert [float(other.value), float(other.low), float(other.high)] == pytest.approx(
                [float(one.value), float(one.low), float(one.high)], abs=1e-9)


def test_criteria_over_all_classes_are_judged():
    _, (level,) = fairness.report(held(made(4, 20_000)), spec(criteria=(criterion("macro_recall_difference"),)))
    assert level.verdict is Verdict.MET
    _, (far,) = fairness.report(held(made(4, 20_000, worse=.4)), spec(criteria=(
        criterion("class_accuracy_difference"),)))
    assert far.verdict is Verdict.BREACHED
    assert "the largest difference of accuracies over all classes" in far.sentence
    _, (few,) = fairness.report(held(made(4, 400)), spec(criteria=(criterion("macro_precision_difference", "0.05"),)))
    assert few.verdict is Verdict.UNDETERMINED


def test_a_group_without_a_class_is_not_left_out_silently():
    frame = made(5)
    frame = frame[(frame.g != "c") | (frame.y != "poor")]
    result, (judged,) = fairness.report(held(frame), spec(criteria=(criterion("macro_recall_difference"),)))
    assert judged.verdict is Verdict.NOT_COMPUTABLE
    assert judged.measure.reason == "“c” has no rows of “poor”"
    assert of(next(r for r in result.groups if r.group == "c").rates, "macro_recall").reason == "no rows of “poor”"
    gap = next(d.measure for d in result.differences if d.name == "macro_recall_difference g")
    assert gap.reason == "“c” has no rows of “poor”"


def test_where_classes_were_not_asked_for_it_says_so():
    frame = made(6).assign(y="good", d="good").assign(y=lambda f: np.where(f.index % 2, "good", "bad"))
    _, (judged,) = fairness.report(held(frame), spec(
        one_against_rest=False, criteria=(criterion("macro_recall_difference"),)))
    assert judged.verdict is Verdict.NOT_COMPUTABLE
    assert "were not asked for" in judged.measure.reason


def test_too_many_classes_are_refused():
    frame = made(7).assign(y=lambda f: f.index % 300)
    with pytest.raises(UserError, match="have 30"):
        fairness.report(held(frame.assign(d=frame.y)), spec(positive="1"))


def test_intervals_of_a_gap_cover_it_and_the_test_keeps_its_level():
    """Two groups, no gap: 95 % limits of its size begin at nought, and p under .05 comes about so often."""
    hits = rejected = rounds = 0
    for seed in range(300):
        frame = made(1000 + seed, 300)
        frame = frame[frame.g != "c"]
        found = cube.count(held(frame), spec())
        (one,), _ = classes.compared(found, ("g",), "macro_recall_difference", {"a", "b"})
        rounds += 1
        hits += one.limits[0] <= 0
        rejected += one.p_raw < .05
    assert hits / rounds >= .92
    assert rejected / rounds <= .08
