"""Performance: published and independently computed numbers, verdicts by interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn.metrics import brier_score_loss, roc_auc_score

from desktop_app.analysis import performance
from desktop_app.analysis.table import Table
from desktop_app.domain.canonical import Digest
from desktop_app.domain.dataset import TableInput
from desktop_app.domain.evidence import Criterion, PerformanceSpec, Verdict
from desktop_app.errors import UserError


def table_of(**columns):
    frame = pd.DataFrame({name: list(values) for name, values in columns.items()})
    return Table(frame, TableInput(name="t", digest=Digest("0" * 64), rows=len(frame), columns=len(columns)))


def spec(**changes):
    return PerformanceSpec(**({"label": "y", "positive": "1", "score": "s"} | changes))


def wants(metric, threshold, direction="at_least", rule="interval"):
    return Criterion(metric=metric, attribute="", threshold=threshold, direction=direction, rule=rule)


def measures(result):
    return {m.name: m.measure for m in result.measures}


def made(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    s = np.clip(0.5 + 0.2 * (y - 0.5) + rng.normal(0, 0.2, n), 0, 1)
    return y, s


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 10)), min_size=30, max_size=90))
def test_auc_ks_brier_are_those_of_other_libraries(rows):
    y = np.array([r[0] for r in rows])
    s = np.array([r[1] / 10 for r in rows])
    if len(set(y)) < 2:
        with pytest.raises(UserError, match=r"the same|never has"):
            performance.report(table_of(y=y, s=s), spec())
        return
    found = measures(performance.report(table_of(y=y, s=s), spec())[0])
    assert float(found["auc"].value) == pytest.approx(roc_auc_score(y, s), abs=1e-12)
    assert float(found["gini"].value) == pytest.approx(2 * roc_auc_score(y, s) - 1, abs=1e-12)
    assert float(found["ks"].value) == pytest.approx(ks_2samp(s[y == 1], s[y == 0], method="asymp").statistic)
    assert float(found["brier"].value) == pytest.approx(brier_score_loss(y, s))


def test_delong_equals_the_placement_formula_on_a_small_example():
    """Positives 3, 5 and negatives 1, 4: placements V10 = ½, 1 and V01 = 1, ½: variance ⅛/2 + ⅛/2 = ⅛."""
    area, low, high, method = performance.auc(np.array([3.0, 5.0]), np.array([1.0, 4.0]))
    assert (area, method) == (0.75, "DeLong 95 %")
    assert low == pytest.approx(0.75 - 1.959964 * 0.125**0.5, abs=1e-6)
    assert high == 1.0


def test_a_perfect_score_still_has_an_interval():
    area, low, high, method = performance.auc(np.arange(50) + 100.0, np.arange(50) + 0.0)
    assert (area, high, method) == (1.0, 1.0, "Hanley–McNeil 95 %")
    assert 0.9 < low < 1


def test_delong_covers():
    rng = np.random.default_rng(1)
    truth, held = 0.7602499, 0  # Φ(1/√2)
    for _ in range(200):
        _, low, high, _ = performance.auc(rng.normal(1, 1, 80), rng.normal(0, 1, 80))
        held += low <= truth <= high
    assert 180 <= held <= 199


def test_rates_of_a_decision():
    y, d = [1] * 40 + [0] * 60, [1] * 30 + [0] * 10 + [1] * 5 + [0] * 55
    found = measures(performance.report(table_of(y=y, d=d), spec(score=None, decision="d"))[0])
    assert {name: float(m.value) for name, m in found.items()} == {
        "accuracy": 0.85, "precision": 30 / 35, "recall": 0.75, "specificity": 55 / 60, "selection_rate": 0.35}


@pytest.mark.parametrize(("criterion", "verdict"), [
    (wants("auc", "0.7"), Verdict.MET), (wants("auc", "0.9"), Verdict.BREACHED),
    (wants("brier", "0.5", "at_most"), Verdict.MET), (wants("ks", "0.1"), Verdict.UNDETERMINED),
    (wants("ks", "0.1", rule="point"), Verdict.MET), (wants("auc", None), Verdict.REPORTED)])
def test_verdicts(criterion, verdict):
    y, s = made()
    _, judged = performance.report(table_of(y=y, s=s), spec(criteria=(criterion,)))
    assert judged[0].verdict is verdict
    assert judged[0].sentence.endswith(".")


def test_an_interval_around_the_threshold_cannot_tell():
    y, s = made(300)
    area = performance.report(table_of(y=y, s=s), spec())[0].measures[0].measure.value
    _, judged = performance.report(table_of(y=y, s=s), spec(criteria=(wants("auc", area),)))
    assert judged[0].verdict is Verdict.UNDETERMINED


def test_missing_values_and_scores_that_are_no_probabilities_are_said():
    rows = table_of(y=["1", "0", "", "1"] * 20, s=["700", "", "650", "810"] * 19 + ["700", "620", "650", "810"])
    result, _ = performance.report(rows, spec())
    assert result.rows == 60
    assert result.notes[:2] == ("20 rows: y is missing.", "19 rows: s is missing; left out of the score's measures.")
    assert measures(result)["brier"].value is None
    assert "outside 0 to 1" in " ".join(result.notes)


@pytest.mark.parametrize("changes", [{"score": None}, {"label": "s"}, {"criteria": (wants("f1", "0.5"),)},
                                     {"criteria": (wants("auc", "0.5", rule="four_fifths_and_significant"),)},
                                     {"criteria": (wants("auc", "70.0"),)}, {"criteria": (wants("auc", "0.0"),)},
                                     {"criteria": (wants("brier", "1.0", "at_most"),)},
                                     {"criteria": (wants("recall", "0.5"),)}, {"positive": "2"}])
def test_what_cannot_be_used(changes):
    y, s = made(50)
    with pytest.raises(UserError) as error:
        performance.report(table_of(y=y, s=s), spec(**changes))
    assert error.value.remedy


@pytest.mark.parametrize(("y", "title"), [([1], "too small"), ([0, 1] * 14, "too small"), ([1] * 40, "the same “y”"),
                                          ([0] * 40, "never has the value")])
def test_a_table_that_says_nothing_is_refused(y, title):
    with pytest.raises(UserError, match=title):
        performance.report(table_of(y=y, s=[i / len(y) for i in range(len(y))]), spec())


def test_a_handful_of_the_rarer_outcome_earns_no_verdict():
    """Nine defaults, all scored above 91 others: AUC 1 with a narrow interval, and no tick."""
    def judged(events):
        y = [0] * (100 - events) + [1] * events
        rows = table_of(y=y, s=[i / 100 for i in range(100)])
        return performance.report(rows, spec(criteria=(wants("auc", "0.7"),)))[1][0]

    assert (judged(9).verdict, judged(10).verdict) == (Verdict.UNDETERMINED, Verdict.MET)
    assert "the rarer outcome has 9 rows, fewer than the minimum of 10" in judged(9).sentence


def test_a_score_or_decision_that_runs_the_other_way_is_said():
    y, s = made(300)
    result, _ = performance.report(table_of(y=y, s=1 - s, d=1 - y), spec(decision="d"))
    assert any("higher where the event did not happen" in note for note in result.notes)
    assert any("agree in 0% of the rows" in note for note in result.notes)
    assert performance.report(table_of(y=y, s=s, d=y), spec(decision="d"))[0].notes == ()
