"""Bias reports: equal to fairlearn on the rows, verdicts in the order of DESIGN §4, words that say n and interval."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from fairlearn import metrics as fm
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, precision_score

from desktop_app.analysis import criteria, fairness
from desktop_app.analysis.counts import opposed
from desktop_app.analysis.table import Table
from desktop_app.domain.canonical import Digest, encode
from desktop_app.domain.dataset import TableInput
from desktop_app.domain.evidence import Criterion, FairnessSpec, Verdict
from desktop_app.domain.model import Pair
from desktop_app.errors import UserError


def table_of(**columns):
    frame = pd.DataFrame({name: list(values) for name, values in columns.items()})
    return Table(frame, TableInput(name="t", digest=Digest("0" * 64), rows=len(frame), columns=len(columns)))


def counts_table(groups, unlabelled=True):
    """{group: (selected, n)} as rows."""
    rows = [(g, "1" if i < k else "0") for g, (k, n) in groups.items() for i in range(n)]
    return table_of(g=[r[0] for r in rows], d=[r[1] for r in rows])


def spec(**changes):
    base = {"label": None, "decision": "d", "positive": "1", "favourable": True, "sensitive": ("g",)}
    return FairnessSpec(**(base | changes))


def wants(metric="impact_ratio", threshold="0.8", rule="interval", attribute="g", reference=None):
    direction = "at_least" if metric == "impact_ratio" else "at_most"
    return Criterion(metric=metric, attribute=attribute, threshold=threshold, direction=direction, rule=rule,
                     reference=reference)


def verdict_of(groups, *criteria, **changes):
    _, judged = fairness.report(counts_table(groups), spec(criteria=criteria, **changes))
    return judged[0]


def value(measures, name):
    return float(next(m.measure.value for m in measures if m.name == name))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1), st.integers(0, 1)), min_size=30, max_size=120))
def test_equal_to_fairlearn_on_the_rows(rows):
    frame = pd.DataFrame(rows, columns=["g", "y", "d"])
    cells = frame.groupby(["g", "y"]).size().unstack(fill_value=0)
    assume(len(cells) > 1 and cells.shape[1] == 2 and (cells > 0).all().all())
    assume((frame.groupby("g").d.sum() > 0).all())
    result, _ = fairness.report(table_of(g=frame.g, y=frame.y, d=frame.d), spec(label="y", minimum_group=1))
    theirs = fm.MetricFrame(metrics={
        "selection_rate": fm.selection_rate, "true_positive_rate": fm.true_positive_rate,
        "false_positive_rate": fm.false_positive_rate, "false_negative_rate": fm.false_negative_rate,
        "precision": precision_score, "accuracy": accuracy_score}, y_true=frame.y, y_pred=frame.d,
        sensitive_features=frame.g)
    for row in result.groups:
        for measure in row.rates:
            assert float(measure.measure.value) == theirs.by_group.loc[row.group, measure.name]
    for measure in result.overall:
        assert float(measure.measure.value) == theirs.overall[measure.name]
    args = {"y_true": frame.y, "y_pred": frame.d, "sensitive_features": frame.g}
    for name, function in (("demographic_parity_difference", fm.demographic_parity_difference),
                           ("demographic_parity_ratio", fm.demographic_parity_ratio),
                           ("equal_opportunity_difference", fm.equal_opportunity_difference),
                           ("equalised_odds_difference", fm.equalized_odds_difference)):
        assert value(result.differences, f"{name} g") == function(**args)


def test_the_favourable_outcome_may_be_not_being_selected():
    """COMPAS-like orientation: being selected is bad, so the ratio is of the rates of not being selected."""
    found = verdict_of({"a": (50, 100), "b": (20, 100)}, wants(), favourable=False)
    assert float(found.measure.value) == pytest.approx(0.5 / 0.8)
    assert "not being selected" in found.sentence


@pytest.mark.parametrize(("groups", "rule", "verdict"), [
    ({"a": (950, 1000), "b": (940, 1000)}, "interval", Verdict.MET),
    ({"a": (900, 1000), "b": (300, 1000)}, "interval", Verdict.BREACHED),
    ({"a": (50, 100), "b": (40, 100)}, "interval", Verdict.UNDETERMINED),
    ({"a": (50, 100), "b": (39, 100)}, "point", Verdict.BREACHED),
    ({"a": (50, 100), "b": (41, 100)}, "point", Verdict.MET),
    ({"a": (50, 100), "b": (39, 100)}, "four_fifths_and_significant", Verdict.UNDETERMINED),
    ({"a": (500, 1000), "b": (390, 1000)}, "four_fifths_and_significant", Verdict.BREACHED),
    ({"a": (900, 1000), "b": (800, 1000)}, "four_fifths_and_significant", Verdict.MET),
    ({"a": (50, 100), "b": (0, 100)}, "interval", Verdict.BREACHED),  # a zero cell does not hide a breach
    ({"a": (10, 100)}, "interval", Verdict.NOT_COMPUTABLE),
    ({"a": (900, 1000), "b": (890, 1000), "c": (2, 5)}, "interval", Verdict.UNDETERMINED),  # c is too small
    ({"a": (900, 1000), "b": (300, 1000), "c": (2, 5)}, "interval", Verdict.BREACHED),  # … and hides no breach
])
def test_verdicts(groups, rule, verdict):
    found = verdict_of(groups, wants(rule=rule))
    assert found.verdict is verdict
    assert not re.search(r"compliant|\bfair\b|unfair|safe", found.sentence)


def test_met_needs_every_group_breached_one_after_adjusting():
    """Four groups: b's own interval misses 0.8, the one adjusted for six pairs does not."""
    groups = {"a": (300, 500), "b": (204, 500), "c": (295, 500), "d": (298, 500)}
    assert verdict_of(groups, wants()).verdict is Verdict.UNDETERMINED
    two = {name: groups[name] for name in "ab"}
    assert verdict_of(two, wants()).verdict is Verdict.BREACHED


def test_an_undetermined_verdict_says_what_would_settle_it_and_it_does():
    groups = {"a": (500, 1000), "b": (430, 1000)}
    found = verdict_of(groups, wants())
    assert found.verdict is Verdict.UNDETERMINED
    rows = int(re.search(r"about ([\d,]+) rows of “b”", found.sentence)[1].replace(",", ""))
    scale = rows / 1000
    grown = {name: (round(k * scale), round(n * scale)) for name, (k, n) in groups.items()}
    assert verdict_of(grown, wants()).verdict is Verdict.MET
    shrunk = {name: (round(k * scale * 0.8), round(n * scale * 0.8)) for name, (k, n) in groups.items()}
    assert verdict_of(shrunk, wants()).verdict is Verdict.UNDETERMINED


def test_too_few_says_so_and_still_tells_of_the_others():
    found = verdict_of({"a": (900, 1000), "b": (300, 1000), "c": (2, 5)}, wants())
    assert "“c” (n 5)" in found.sentence
    assert "lies beyond the criterion" in found.sentence


def test_a_named_reference_has_no_verdict_and_is_fixed():
    groups = {"a": (40, 100), "b": (60, 100), "c": (50, 100)}
    result, judged = fairness.report(counts_table(groups), spec(reference=(Pair(key="g", value="a"),),
                                                                criteria=(wants(),)))
    rows = {r.group: r for r in result.groups}
    assert rows["a"].state == "reference"
    assert float(rows["b"].ratio.value) == pytest.approx(1.5)
    assert judged[0].worst_group == "c"
    assert set(criteria.row_verdicts(spec(reference=(Pair(key="g", value="a"),), criteria=(wants(),)), result)) == {
        ("g", "b"), ("g", "c")}


def test_equality_with_many_groups_is_covered():
    """Under equal rates the interval of the minimum ratio must hold 1 nearly always (a percentile bootstrap never)."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(40):
        groups = {name: (int(rng.binomial(400, 0.5)), 400) for name in "abcde"}
        held += float(verdict_of(groups, wants(threshold=None)).measure.high) >= 0.95
    assert held >= 38


def test_unknown_values_are_counted_and_stay_outside():
    rows = counts_table({"a": (50, 100), "b": (50, 100), "": (1, 40), "NA": (0, 5)})
    result, judged = fairness.report(rows, spec(criteria=(wants(),)))
    last = result.groups[-1]
    assert (last.group, last.n, last.state) == ("unknown", 45, "unknown")
    assert judged[0].worst_group != "unknown"
    assert float(judged[0].measure.value) == 1.0
    assert any("45 rows with no known value" in note for note in result.notes)


def test_zero_denominators_are_not_zero():
    rows = table_of(g=["a"] * 40 + ["b"] * 40, y=[0] * 40 + [0, 1] * 20, d=[0, 1] * 40)
    criterion = wants("equal_opportunity_difference", "0.1")
    result, judged = fairness.report(rows, spec(label="y", criteria=(criterion,)))
    tpr = next(m.measure for m in result.groups[0].rates if m.name == "true_positive_rate")
    assert (tpr.value, tpr.reason) == (None, "no rows with the event")
    assert judged[0].verdict is Verdict.NOT_COMPUTABLE
    assert "“a” has no rows with the event" in judged[0].sentence


def test_no_label_looks_at_selection_only():
    result, judged = fairness.report(counts_table({"a": (50, 100), "b": (40, 100)}),
                                     spec(criteria=(wants("equalised_odds_difference", "0.1"),)))
    assert [m.name for m in result.overall] == ["selection_rate"]
    assert result.groups[0].positives is None
    assert judged[0].verdict is Verdict.NOT_COMPUTABLE
    assert any("no label" in line for line in result.not_tested)


def test_equalised_odds_compares_like_with_like():
    rng = np.random.default_rng(0)
    rows = table_of(g=rng.choice(["a", "b"], 2000), y=rng.integers(0, 2, 2000), d=rng.integers(0, 2, 2000))
    _, judged = fairness.report(rows, spec(label="y", criteria=(wants("equalised_odds_difference", "0.2"),)))
    assert judged[0].verdict is Verdict.MET


def test_intersections_and_dropped_rows():
    rows = table_of(g=["a", "b"] * 100, h=["x"] * 100 + ["y"] * 99 + [None], d=["1", "0", "1", None] * 50)
    result, _ = fairness.report(rows, spec(sensitive=("g",), intersections=(("g", "h"),)))
    assert [r.group for r in result.groups if r.attribute == "g × h"] == ["a × x", "a × y", "b × x", "b × y"]
    assert result.rows == 150
    assert any("50 rows were left out: d is missing" in note for note in result.notes)


def agreeing(n=200):
    """Approved mostly where there was no default: 160 approved, 20 of them in default; 40 not, 30 in default."""
    rows = [("yes", "default")] * 20 + [("yes", "paid")] * 140 + [("no", "default")] * 30 + [("no", "paid")] * 10
    assert len(rows) == n
    return table_of(d=[d for d, _ in rows], y=[y for _, y in rows], g=["a", "b"] * (n // 2))


def test_a_label_has_a_value_of_its_own_that_counts():
    result, _ = fairness.report(agreeing(), spec(label="y", positive="yes", label_positive="paid"))
    found = {m.name: float(m.measure.value) for m in result.overall}
    assert found == pytest.approx({"selection_rate": 0.8, "true_positive_rate": 140 / 150, "accuracy": 0.85,
                                   "false_positive_rate": 20 / 50, "false_negative_rate": 10 / 150,
                                   "precision": 140 / 160})
    assert not any("belong together" in note for note in result.notes)


def test_a_label_without_the_decisions_value_is_refused_by_naming_what_it_has():
    with pytest.raises(UserError, match="“y” never has the value “yes”") as error:
        fairness.report(agreeing(), spec(label="y", positive="yes"))
    assert "“default” and “paid”" in error.value.detail
    assert "--label-positive" in error.value.remedy


def test_decision_and_label_that_look_opposed_are_said_first():
    """Accuracy 30 of 200 when default counts."""
    result, _ = fairness.report(agreeing(), spec(label="y", positive="yes", label_positive="default"))
    assert "in 15% of the rows" in result.notes[0]
    assert "the other value of the label" in result.notes[0]


def test_a_rare_event_turned_round_is_said_though_most_rows_agree():
    """60 of 100 agree, and no row has both events."""
    cells = fairness.Cells("all", tn=60, fp=20, fn=20, tp=0, labelled=True)
    assert (cells.tp * cells.tn - cells.fp * cells.fn) / (20 * 80) == -0.25
    assert opposed(cells)
    assert not opposed(fairness.Cells("all", tn=60, fp=20, fn=15, tp=5, labelled=True))


def test_one_number_has_one_interval():
    """The small group c has the wider interval, b the lowest ratio: the sentence states b's, as b's row does."""
    groups = {"a": (500, 1000), "b": (400, 1000), "c": (23, 50), "d": (480, 1000)}
    for reference in ((), (Pair(key="g", value="a"),)):
        result, judged = fairness.report(counts_table(groups), spec(criteria=(wants(),), reference=reference))
        row = next(r for r in result.groups if r.group == judged[0].worst_group == "b")
        assert judged[0].measure == row.ratio
        low, high = (f"{float(edge):.3f}" for edge in (row.ratio.low, row.ratio.high))
        assert f"{float(row.ratio.value):.3f} [{low}, {high}]" in judged[0].sentence


def test_no_group_large_enough_is_said_without_speaking_of_others():
    found = verdict_of({"a": (9, 12), "b": (5, 20)}, wants())
    assert found.verdict is Verdict.UNDETERMINED
    assert found.sentence == ("g cannot be told: no group has the minimum of 30 rows. Their sizes: “a” (n 12), "
                              "“b” (n 20).")
    assert found.measure.value is None
    one = verdict_of({"a": (90, 120), "b": (5, 20)}, wants())
    assert one.sentence == ("g cannot be told for “b” (n 20): fewer than the minimum of 30 rows. "
                            "The other groups alone leave nothing to compare.")


def test_a_result_is_a_record():
    result, judged = fairness.report(counts_table({"a": (50, 100), "b": (40, 100), "c": (1, 2)}),
                                     spec(criteria=(wants(), wants(threshold=None))))
    assert encode(result)
    assert encode(list(judged))
    assert judged[1].verdict is Verdict.REPORTED


@pytest.mark.parametrize(("changes", "title"), [
    ({"decision": "nothing"}, "no column"),
    ({"decision": "many"}, "not a yes-or-no"),
    ({"decision": "empty"}, "is empty"),
    ({"positive": "yes"}, "never has the value"),
    ({"sensitive": ("empty",)}, "no known value"),
    ({"sensitive": ("ids",)}, "different values"),
    ({"reference": (Pair(key="g", value="z"),)}, "no group"),
    ({"criteria": (wants(attribute="zip"),)}, "not one of the attributes"),
    ({"criteria": (wants(metric="theil"),)}, "not known"),
    ({"criteria": (wants(threshold="80.0"),)}, "not between 0 and 1"),
    ({"criteria": (wants(threshold="nan"),)}, "not between 0 and 1"),
    ({"criteria": (wants(threshold="0.0"),)}, "met by everything"),
    ({"minimum_group": 0}, "at least one row"),
    ({"minimum_group": 301}, "too small"),
    ({"decision": "one"}, "never has the value"),
    ({"label": "word"}, "never has the value"),
    ({"label": "word", "label_positive": "maybe"}, "never has the value"),
])
def test_what_cannot_be_used_is_named(changes, title):
    n = 300
    rows = table_of(g=["a", "b"] * (n // 2), d=["1", "0", "1"] * (n // 3), many=["1", "2", "3"] * (n // 3),
                    empty=[None] * n, ids=[str(i) for i in range(n)], one=["0"] * n, word=["yes", "no"] * (n // 2))
    with pytest.raises(UserError, match=title) as error:
        fairness.report(rows, spec(**changes))
    assert error.value.remedy
