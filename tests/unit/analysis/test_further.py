"""Scores, calibration, cut-offs, strata, inequality: against published numbers, other libraries and definitions."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from desktop_app.analysis import bootstrap, cube, fairness, inequality, intervals, scores, strata
from desktop_app.analysis.table import Table
from desktop_app.domain.canonical import Digest
from desktop_app.domain.dataset import TableInput
from desktop_app.domain.evidence import METRICS, Criterion, FairnessSpec, Verdict
from desktop_app.errors import UserError


def held(frame):
    return Table(frame, TableInput(name="t", digest=Digest("0" * 64), rows=len(frame), columns=len(frame.columns)))


@pytest.fixture(scope="module")
def frame():
    made = np.random.default_rng(5)
    n = 3000
    group = made.choice(["a", "b", "c"], n, p=[.5, .3, .2])
    score = np.floor(made.beta(2, 3, n) * 1024) / 1024  # on edges of bins: everything is exact
    return pd.DataFrame({"g": group, "f": made.choice(["p", "q"], n), "s": score,
                         "y": (made.random(n) < score * .9 + .05 * (group == "b")).astype(int)})


def spec(**changes):
    base = {"label": "y", "decision": "", "positive": "1", "favourable": True, "sensitive": ("g",), "score": "s",
            "threshold": "0.5", "metrics": METRICS, "bootstrap": 200}
    return FairnessSpec(**(base | changes))


@pytest.fixture(scope="module")
def result(frame):
    return fairness.report(held(frame), spec(strata=("f",)))[0]


def of(result, group, name):
    rates = result.overall if group == "all" else next(r for r in result.groups if r.group == group).rates
    return next(m.measure for m in rates if m.name == name)


def part(frame, group):
    return frame if group == "all" else frame[frame.g == group]


@pytest.mark.parametrize("group", ["all", "a", "b", "c"])
def test_measures_of_a_group_are_those_of_other_libraries_on_the_rows(result, frame, group):
    rows = part(frame, group)
    decision = (rows.s >= .5).astype(int)
    tn, fp, fn, tp = (((rows.y == y) & (decision == d)).sum() for y, d in product((0, 1), repeat=2))
    wanted = {
        "auc": roc_auc_score(rows.y, rows.s), "balanced_accuracy": balanced_accuracy_score(rows.y, decision),
        "mean_score": rows.s.mean(), "mean_score_with_event": rows.s[rows.y == 1].mean(),
        "mean_score_without_event": rows.s[rows.y == 0].mean(), "prevalence": rows.y.mean(),
        "true_negative_rate": tn / (tn + fp), "negative_predictive_value": tn / (tn + fn),
        "false_discovery_rate": fp / (fp + tp), "false_omission_rate": fn / (fn + tn)}
    for name, value in wanted.items():
        assert float(of(result, group, name).value) == pytest.approx(value, abs=1e-12), name
        assert float(of(result, group, name).low) < value < float(of(result, group, name).high)
    spread = rows.s.std(ddof=1) / math.sqrt(len(rows))
    assert float(of(result, group, "mean_score").high) == pytest.approx(rows.s.mean() + 1.959964 * spread, abs=1e-6)


def test_calibration_is_that_of_the_rows(result, frame):
    for line in result.calibration:
        rows = part(frame, line.group)
        sixteenth = np.floor(rows.s * 16).astype(int)
        by = rows.groupby(sixteenth)
        for i in range(16):
            here = by.get_group(i) if i in by.groups else None
            assert float(line.rows[i]) == (0 if here is None else len(here))
            assert (line.predicted[i] is None) == (here is None)
            if here is not None:
                assert float(line.predicted[i]) == pytest.approx(here.s.mean())
                assert float(line.observed[i]) == pytest.approx(here.y.mean())
        error = sum(len(h) * abs(h.y.mean() - h.s.mean()) for _, h in by) / len(rows)
        assert float(of(result, line.group, "calibration_error").value) == pytest.approx(error)


def test_the_sweep_is_what_each_cut_off_selects(result, frame):
    assert [float(c) for c in result.cuts] == [i / 32 for i in range(1, 32)]
    for line in result.sweep:
        rows = part(frame, line.group)
        for i, cut in enumerate(map(float, result.cuts)):
            assert float(line.selected[i]) == pytest.approx((rows.s >= cut).mean())
            assert float(line.true_positive[i]) == pytest.approx((rows.s[rows.y == 1] >= cut).mean())
            assert float(line.false_positive[i]) == pytest.approx((rows.s[rows.y == 0] >= cut).mean())


def test_delongs_variance_is_that_of_its_definition():
    """Structural components over all pairs, DeLong et al. 1988, against the histogram's."""
    made = np.random.default_rng(2)
    positive, negative = made.integers(0, 1024, 40), made.integers(0, 900, 70)
    wins = (positive[:, None] > negative) + (positive[:, None] == negative) / 2
    spread = wins.mean(axis=1).var(ddof=1) / 40 + wins.mean(axis=0).var(ddof=1) / 70
    group = np.zeros((2, 1024, 2))
    for label, found in enumerate((negative, positive)):
        group[label, :, 0] = np.bincount(found, minlength=1024)
    measure = scores.auc(group)
    assert float(measure.value) == pytest.approx(wins.mean())
    assert float(measure.high) == pytest.approx(min(1, wins.mean() + 1.959964 * math.sqrt(spread)), abs=1e-6)


def test_scores_within_a_bin_move_an_auc_by_no_more_than_is_said():
    made = np.random.default_rng(3)
    frame = pd.DataFrame({"g": "a", "y": made.integers(0, 2, 4000)})
    frame["s"] = (made.random(4000) + frame.y) / 300  # six bins
    found, _ = fairness.report(held(frame.assign(g=np.where(made.random(4000) < .5, "a", "b"))),
                               spec(threshold="0.001"))
    measure = of(found, "all", "auc")
    off = float(measure.method.split("at most ")[1])
    exact = roc_auc_score(frame.y, frame.s)
    assert 0.001 < abs(float(measure.value) - exact) <= off


# ---- inequality


def test_inequality_of_four_people():
    """governance-facts §8.4 G: y = 1100, ŷ = 1010, so b = 1, 0, 2, 1: GE(2) .25, Theil .346574."""
    cells = np.array([[[1.0, 1.0, 1.0, 1.0]]])
    assert inequality.entropy(cells)[0] == .25
    assert inequality.theil(cells)[0] == pytest.approx(.346574, abs=5e-7)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 1)), min_size=2, max_size=40))
def test_inequality_by_its_definition_and_in_its_parts(rows):
    """AIF360's definitions, row by row; what lies between groups is never more than the whole."""
    b = np.array([d - y + 1 for _, y, d in rows], dtype=float)
    if not b.sum():
        return
    cells = np.zeros((3, 4))
    for g, y, d in rows:
        cells[g, 2 * y + d] += 1
    cells = cells[cells.sum(axis=1) > 0]
    mean = b.mean()
    assert inequality.entropy(cells[None])[0] == pytest.approx(((b / mean) ** 2 - 1).mean() / 2, abs=1e-12)
    wanted = np.mean([x / mean * math.log(x / mean) if x else 0 for x in b])
    assert inequality.theil(cells[None])[0] == pytest.approx(wanted, abs=1e-12)
    means = {g: np.mean([d - y + 1 for h, y, d in rows if h == g]) for g, _, _ in rows}
    between = np.array([means[g] for g, _, _ in rows])
    part = inequality.between_entropy(cells[None])[0]
    assert part == pytest.approx(((between / mean) ** 2 - 1).mean() / 2, abs=1e-12)
    assert part <= inequality.entropy(cells[None])[0] + 1e-12
    assert inequality.between_theil(cells[None])[0] <= inequality.theil(cells[None])[0] + 1e-12


# ---- strata

BERKELEY = [(512, 825, 89, 108), (353, 560, 17, 25), (120, 325, 202, 593), (138, 417, 131, 375), (53, 191, 94, 393),
            (22, 373, 24, 341)]  # admitted and all men, admitted and all women, departments A to F (Bickel et al. 1975)


def test_the_test_over_strata_on_the_berkeley_admissions():
    """R 4, mantelhaen.test(UCBAdmissions, correct = FALSE): X² 1.5246, p .2169."""
    found = strata.pooled(BERKELEY)
    assert found.statistic == pytest.approx(1.5246, abs=5e-5)
    assert found.p == pytest.approx(.2169, abs=5e-5)
    crude = strata.pooled([tuple(map(sum, zip(*BERKELEY, strict=True)))])
    assert crude.difference == pytest.approx(1198 / 2691 - 557 / 1835)
    assert found.difference < 0 < crude.difference


def test_one_stratum_is_the_plain_difference_and_almost_the_plain_test():
    found = strata.pooled([(30, 100, 45, 120)])
    assert found.difference == pytest.approx(.3 - .375)
    chi2 = stats.chi2_contingency([[30, 70], [45, 75]], correction=False)[0]
    assert found.statistic == pytest.approx(chi2 * 219 / 220)  # n − 1 for n


def test_satos_interval_covers():
    """2,000 tables of three strata with a true difference of .1: 95 % ± three standard errors of that share."""
    made = np.random.default_rng(4)
    held_by = 0
    for _ in range(2000):
        tables = []
        for n1, n0, p in ((60, 90, .2), (40, 40, .5), (25, 100, .7)):
            tables.append((made.binomial(n1, p + .1), n1, made.binomial(n0, p), n0))
        low, high = strata.pooled(tables, method=strata.SATO).limits
        held_by += low <= .1 <= high
    assert abs(held_by / 2000 - .95) < .015


STRATA = {  # sizes of the group and of the others in each stratum, and the others' rate
    "few of many": ([(15, 1500)] * 2, [.03, .03]), "one stratum": ([(30, 3000)], [.03]),
    "nearly all": ([(15, 1500)] * 2, [.97, .97]), "five of many": ([(5, 500)] * 5, [.1] * 5),
    "usual": ([(300, 500), (200, 400), (100, 900)], [.2, .3, .5]), "unlike": ([(40, 400), (200, 100)], [.2, .6]),
    "sparse": ([(2, 3)] * 60, [.2] * 60), "pairs": ([(1, 1)] * 200, [.3] * 200)}


@pytest.mark.parametrize("case", STRATA)
@pytest.mark.parametrize("gap", [0.0, .05])
def test_the_interval_over_strata_covers_where_satos_does_not(case, gap):
    """Newcombe's of standardised rates: .93 or more of 1,000 tables, where Sato's covers 59 % of the first."""
    sizes, rates = STRATA[case]
    made, held_by = np.random.default_rng(11), 0
    gap = -gap if max(rates) > .9 else gap
    for _ in range(1000):
        tables = [(made.binomial(n1, p + gap), n1, made.binomial(n0, p), n0)
                  for (n1, n0), p in zip(sizes, rates, strict=True)]
        low, high = strata.pooled(tables).limits
        held_by += low <= gap <= high
    assert held_by >= 925


def test_a_group_of_which_nobody_is_selected_is_not_called_certain():
    """0 of 30 against 90 of 3,000 is not “met” at .05, nor a group worth one row “breached”."""
    rows = [("B", 30, 0), ("A", 3000, 90)]
    frame = pd.DataFrame([(g, "s", int(i < k)) for g, n, k in rows for i in range(n)], columns=["g", "f", "d"])
    within = Criterion(metric="conditional_parity_difference", attribute="g", threshold="0.05", direction="at_most")
    _, (judged,) = fairness.report(held(frame), spec(
        score=None, threshold=None, decision="d", label=None, strata=("f",), methods=2, criteria=(within,)))
    assert judged.verdict is Verdict.UNDETERMINED
    assert float(judged.measure.low) == 0


def test_strata_are_counted_and_compared(result, frame):
    selected = frame.s >= .5
    for row in result.strata:
        here = (frame.g == row.group) & (frame.f == row.stratum)
        assert (row.n, row.selected) == (here.sum(), (here & selected).sum())
    line = next(a for a in result.adjusted if a.group == "b")
    tables = []
    for stratum in "pq":
        mine, others = (frame.f == stratum) & (frame.g == "b"), (frame.f == stratum) & (frame.g != "b")
        tables.append(((mine & selected).sum(), mine.sum(), (others & selected).sum(), others.sum()))
    assert float(line.difference.value) == pytest.approx(strata.pooled(tables).difference)
    adjusted = intervals.holm([float(a.p_raw) for a in result.adjusted])
    assert [float(a.p_adjusted) for a in result.adjusted] == adjusted


def test_with_weights_all_the_same_strata_and_replicates_are_those_of_rows(frame):
    plain, _ = fairness.report(held(frame), spec(strata=("f",), bootstrap=300, methods=2))
    same, _ = fairness.report(held(frame.assign(w=3.0)), spec(strata=("f",), bootstrap=300, weight="w", methods=2))
    for a, b in zip(plain.adjusted, same.adjusted, strict=True):
        assert float(b.difference.low) == pytest.approx(float(a.difference.low), abs=1e-9)
        assert float(b.p_raw) == pytest.approx(float(a.p_raw), abs=1e-9)
    for name in ("auc", "calibration_error"):
        for bound in ("low", "high"):
            assert float(getattr(of(same, "all", name), bound)) == pytest.approx(
                float(getattr(of(plain, "all", name), bound)), abs=1e-9)
    assert [m.name for m in same.overall] == [m.name for m in plain.overall]
    assert [m.name for m in same.differences] == [m.name for m in plain.differences]
    before, _ = fairness.report(held(frame.assign(w=3.0)), spec(strata=("f",), bootstrap=300, weight="w"))
    assert of(before, "all", "auc").low is None  # a report of before is made again as it was
    assert any("not their weights" in note for note in before.notes)
    assert not any("not their weights" in note for note in same.notes)


def test_weighted_intervals_cover_what_they_are_of():
    """Of 200 samples drawn with chances by label and then weighted back: AUC, entropy and the gap within strata."""
    made = np.random.default_rng(12)
    n = 60_000
    whole = pd.DataFrame({"g": made.choice(["a", "b"], n), "f": made.choice(["p", "q"], n), "s": made.random(n)})
    whole["y"] = (made.random(n) < .2 + .6 * whole.s).astype(int)
    chance = np.where(whole.y == 1, .03, .01) * np.where(whole.g == "a", 1.0, .6)
    truth, _ = fairness.report(held(whole), spec(strata=("f",), bootstrap=0))
    wanted = {name: float(of(truth, "all", name).value) for name in ("auc", "generalised_entropy")}
    gap = float(truth.adjusted[1].difference.value)
    hits = dict.fromkeys((*wanted, "gap"), 0)
    for _ in range(200):
        taken = made.random(n) < chance
        sample = whole[taken].assign(w=1 / chance[taken]).reset_index(drop=True)
        found, _ = fairness.report(held(sample), spec(strata=("f",), bootstrap=400, weight="w", methods=2))
        for name, value in wanted.items():
            m = of(found, "all", name)
            hits[name] += float(m.low) <= value <= float(m.high)
        d = found.adjusted[1].difference
        hits["gap"] += float(d.low) <= gap <= float(d.high)
    assert all(count >= 183 for count in hits.values()), hits


def test_a_group_that_is_alone_in_its_strata_is_not_left_out_silently(frame):
    apart = frame.assign(f=np.where(frame.g == "c", "r", frame.f))
    within = Criterion(metric="conditional_parity_difference", attribute="g", threshold="0.9", direction="at_most")
    _, (judged,) = fairness.report(held(apart), spec(strata=("f",), criteria=(within,)))
    assert judged.verdict is Verdict.NOT_COMPUTABLE
    assert judged.measure.reason == "no stratum of f holds “c” and another group"


# ---- the bootstrap


def test_replicates_are_those_of_drawing_rows():
    """Of 16 statistics from 2,000 replicates each, Kolmogorov–Smirnov rejects no more than chance would."""
    made = np.random.default_rng(6)
    cells = np.array([120, 40, 30, 60, 300, 90, 20, 140])
    rows = np.repeat(np.arange(8), cells)
    ours = bootstrap.draws(cells, 2000, 7)
    theirs = np.stack([np.bincount(made.choice(rows, len(rows)), minlength=8) for _ in range(2000)])
    found = [stats.ks_2samp(ours[:, i], theirs[:, i]).pvalue for i in range(8)]
    found += [stats.ks_2samp(ours[:, i:i + 4].sum(axis=1), theirs[:, i:i + 4].sum(axis=1)).pvalue for i in (0, 4)]
    assert min(found) > .001
    fixed = np.concatenate([made.multinomial(c.sum(), c / c.sum(), 2000) for c in (cells[:4], cells[4:])], axis=1)
    assert stats.ks_2samp(fixed[:, :4].sum(axis=1), theirs[:, :4].sum(axis=1)).pvalue < 1e-6  # groups of a fixed size


@pytest.mark.parametrize("rows_in_cells", [(120, 40, 30, 60, 300, 90, 20, 140), (5, 3, 8, 2, 9, 4, 3, 6)])
def test_replicates_of_weighted_rows_are_those_of_drawing_rows(rows_in_cells):
    """The same for sums of weights, in every cell, over groups and of a ratio; not if a row's weight were the mean."""
    made = np.random.default_rng(8)
    cells = np.array(rows_in_cells)
    place = np.repeat(np.arange(8), cells)
    weight = made.gamma(2.0, .5 + place / 8)
    w, w2 = (np.bincount(place, weights=part) for part in (weight, weight**2))
    ours = bootstrap.draws(cells, 2000, 7, (w, w2))
    drawn = [made.choice(len(place), len(place)) for _ in range(2000)]
    theirs = np.stack([np.bincount(place[i], weights=weight[i], minlength=8) for i in drawn])

    def told(sums):
        return [sums[:, :4].sum(axis=1), sums.sum(axis=1), sums[:, 1] + sums[:, 3],
                (sums[:, 1] + sums[:, 3]) / sums[:, :4].sum(axis=1)]

    found = [stats.ks_2samp(a, b).pvalue for a, b in zip(told(ours), told(theirs), strict=True)]
    assert min(found) > .001
    bare = bootstrap.draws(cells, 2000, 7) * w / cells
    assert stats.ks_2samp(told(bare)[1], told(theirs)[1]).pvalue < 1e-6


def test_weights_that_are_all_the_same_are_rows():
    cells = np.array([120, 40, 30, 60])
    assert (bootstrap.draws(cells, 50, 7, (cells * 2.0, cells * 4.0)) == bootstrap.draws(cells, 50, 7) * 2.0).all()


def test_a_seed_gives_the_same_interval_and_empty_replicates_are_told():
    cells = np.array([40.0, 1.0])
    share = lambda drawn: np.where(drawn[:, 1] > 0, drawn[:, 0] / np.where(drawn[:, 1], drawn[:, 1], 1), np.nan)  # noqa: E731
    first, second = (bootstrap.interval(cells, share, 500, 9) for _ in range(2))
    assert first == second
    assert "without a value" in first.method
    assert bootstrap.interval(cells, share, 500, 10) != first
    assert bootstrap.interval(cells, share, 0, 1).low is None


def test_many_replicates_of_many_cells_are_drawn_in_pieces():
    cells = np.ones(3000)
    measure = bootstrap.interval(cells, lambda drawn: drawn[:, 0] / drawn.sum(axis=1), 2000, 1)
    assert float(measure.low) == 0.0


# ---- what can be asked


def test_hand_size_statistics():
    low, high = intervals.mean([(15, 30), (15, 30)])
    assert (low, high) == pytest.approx((.5 - .16846 / math.sqrt(2), .5 + .16846 / math.sqrt(2)), abs=1e-5)


def test_criteria_say_their_test_raw_and_adjusted(frame):
    wanted = Criterion(metric="false_discovery_rate_difference", attribute="g", threshold="0.1", direction="at_most")
    _, (judged,) = fairness.report(held(frame), spec(criteria=(wanted,)))
    assert 0 <= float(judged.p_raw) <= float(judged.p_adjusted) <= 1
    rows = {g: frame[(frame.g == g) & (frame.s >= .5)].y for g in "abc"}
    rates = [1 - y.mean() for y in rows.values()]
    assert float(judged.measure.value) == pytest.approx(max(rates) - min(rates))


@pytest.mark.parametrize(("changes", "said"), [
    ({"metrics": ("selection_rates",)}, "not known here"), ({"threshold": None}, "needs the threshold"),
    ({"threshold": "2"}, "needs the threshold")])
def test_what_cannot_be_asked(frame, changes, said):
    with pytest.raises(UserError, match=said):
        fairness.report(held(frame), spec(**changes))


def test_without_a_label_scores_and_cut_offs_are_still_told(frame):
    found, _ = fairness.report(held(frame), spec(label=None))
    assert [m.name for m in found.overall] == ["selection_rate", "mean_score"]
    assert found.sweep
    assert found.sweep[0].true_positive == ()
    assert found.calibration == ()


def test_with_weights_counts_are_not_called_inequality(frame):
    found, _ = fairness.report(held(frame.assign(w=1.5)), spec(weight="w"))
    names = {m.name for m in found.overall}
    assert "theil_index" not in names
    assert float(of(found, "all", "auc").value) == pytest.approx(roc_auc_score(frame.y, frame.s))
    assert of(found, "all", "auc").low is None
    assert cube.count(held(frame.assign(w=1.5)), spec(weight="w")).w.sum() == 4500
