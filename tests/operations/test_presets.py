"""Presets of bias reports: each is whole, known on the command line, and gives the numbers that its rule prints."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from desktop_app.__main__ import main
from desktop_app.analysis import fairness
from desktop_app.analysis.table_file import open_file
from desktop_app.cli.on_fairness import _PRESETS
from desktop_app.domain.evidence import METRICS, FairnessSpec, Verdict
from desktop_app.errors import UserError
from desktop_app.operations import presets

SELECTION = {  # 6 RCNY §5-301, the rule's own example: assessed and selected by race and sex
    "Hispanic or Latino": ((205, 90), (190, 82)), "White": ((412, 215), (385, 197)),
    "Black or African American": ((226, 95), (164, 75)),
    "Native Hawaiian or Pacific Islander": ((87, 37), (32, 15)), "Asian": ((321, 167), (295, 135)),
    "Native American or Alaska Native": ((24, 11), (17, 7)), "Two or more races": ((115, 52), (98, 44))}
CROSSED = {  # its printed impact ratios, male and female
    "Hispanic or Latino": (.8413, .8270), "White": (1, .9805), "Black or African American": (.8055, .8763),
    "Native Hawaiian or Pacific Islander": (.8150, .8983), "Asian": (.9969, .8769),
    "Native American or Alaska Native": (.8783, .7891), "Two or more races": (.8665, .8604)}


def spec(**changes):
    base = {"label": None, "decision": "moved", "positive": "1", "favourable": True, "sensitive": ("sex", "race"),
            "metrics": METRICS}
    return FairnessSpec(**(base | changes))


def rows_of(cells):
    return pd.DataFrame([{"race": race, "sex": sex, "moved": int(i < k)} for race, both in cells.items()
                         for sex, (n, k) in zip(("Male", "Female"), both, strict=True) for i in range(n)])


def saved(frame, tmp_path):
    frame.to_csv(tmp_path / "t.csv", index=False)
    return open_file(tmp_path / "t.csv")


def test_every_preset_is_whole():
    found = presets.listing()
    assert {p.key for p in found} == set(_PRESETS)
    for preset in found:
        assert preset.source
        assert preset.statement.endswith(".")
        assert set(preset.metrics) <= set(METRICS)
        assert preset.criteria
        assert all(c.metric in fairness.METRICS for c in preset.criteria)
        assert preset.minimum_group >= (1 if preset.publishes_small_cells else 30)
    with pytest.raises(UserError, match="no preset"):
        presets.named("ugesp")


def test_the_example_of_local_law_144_to_the_last_digit(tmp_path):
    """Sex 48 and 47 %, ratios 1.000 and 0.979; the 14 intersectional ratios as printed; ratios only reported."""
    extra = pd.DataFrame([{"race": "Hispanic or Latino", "sex": "", "moved": int(i < 32)} for i in range(13)])
    unknown = pd.DataFrame([{"race": "", "sex": "", "moved": 0} for _ in range(250)])
    frame = pd.concat([rows_of(SELECTION), extra, unknown])
    asked = presets.applied(presets.named("nyc-ll144-selection"), spec())
    result, judged = fairness.report(saved(frame, tmp_path), asked)
    by = {(r.attribute, r.group): r for r in result.groups}
    male, female = by["sex", "Male"], by["sex", "Female"]
    assert ((male.n, male.selected), (female.n, female.selected)) == ((1390, 667), (1181, 555))
    assert (float(male.ratio.value), round(float(female.ratio.value), 3)) == (1, .979)
    for race, printed in CROSSED.items():
        for sex, ratio in zip(("Male", "Female"), printed, strict=True):
            assert round(float(by["sex × race", f"{sex} × {race}"].ratio.value), 4) == ratio
    assert {v.verdict for v in judged} == {Verdict.REPORTED}
    assert {t.name: t.rows for t in result.unknown} == {"sex": 263, "race": 250, "sex × race": 263}
    told = [note for note in result.notes if "“Hispanic or Latino” has" in note]
    assert told == ["race “Hispanic or Latino” has 408 rows, 185 selected; in sex × race 395 and 172: the others have "
                    "no known value of another attribute."]
    assert asked.preset == "nyc-ll144-selection 2026-12"
    assert presets.of(asked).publishes_small_cells


def test_scoring_counts_strictly_above_the_median_on_any_scale(tmp_path):
    made = np.random.default_rng(1)
    frame = pd.DataFrame({"sex": made.choice(["Male", "Female"], 400), "race": made.choice(["x", "y"], 400),
                          "points": made.integers(300, 340, 400)})
    asked = presets.applied(presets.named("nyc-ll144-scoring"), spec(decision="", score="points"))
    result, _ = fairness.report(saved(frame, tmp_path), asked)
    above = frame.points > frame.points.median()
    for row in result.groups:
        if row.attribute == "sex":
            assert row.selected == (above & (frame.sex == row.group)).sum()
    assert f"The median of the scores is {frame.points.median():g}" in " ".join(result.notes)


def test_what_a_preset_needs_is_asked_for():
    with pytest.raises(UserError, match="needs a legitimate factor"):
        presets.applied(presets.named("eu-conditional-disparity"), spec())
    with pytest.raises(UserError, match="being selected is bad"):
        presets.applied(presets.named("punitive-error-parity"), spec(label="y"))


@pytest.mark.parametrize(("gap", "verdict"), [(.0, Verdict.MET), (.3, Verdict.BREACHED)])
def test_a_gap_within_strata_is_judged_apart_from_the_crude_one(tmp_path, gap, verdict):
    """Two departments with different rates and mixes: the crude gap is large, the gap within them is `gap`."""
    rows = []
    for department, rate, mix in (("hard", .2, (300, 2700)), ("easy", .6, (2700, 300))):
        for group, n in zip("ab", mix, strict=True):
            share = rate + (gap if group == "a" else 0)
            rows += [{"g": group, "f": department, "moved": int(i < round(n * share))} for i in range(n)]
    asked = presets.applied(presets.named("eu-conditional-disparity"), spec(sensitive=("g",), strata=("f",)))
    result, judged = fairness.report(saved(pd.DataFrame(rows), tmp_path), asked)
    within, crude = judged
    assert within.verdict is verdict
    assert float(crude.measure.value) > .3
    assert float(within.measure.value) == pytest.approx(gap, abs=1e-9)
    assert "all others" in within.sentence
    assert {a.group: round(float(a.difference.value), 9) for a in result.adjusted} == {"a": gap, "b": -gap}
    lonely = replace(asked, sensitive=("f",), strata=("f",),
                     criteria=tuple(replace(c, attribute="f") for c in asked.criteria))
    assert fairness.report(saved(pd.DataFrame(rows), tmp_path), lonely)[1][0].verdict is Verdict.NOT_COMPUTABLE


# ---- as typed


@pytest.fixture
def run(tmp_path, capsys):
    made = np.random.default_rng(2)
    n = 3000
    frame = pd.DataFrame({"id": range(n), "race": made.choice(["A", "B", ""], n, p=[.5, .4, .1]),
                          "age": made.choice(["young", "old"], n), "score": made.random(n), "w": made.random(n)})
    frame["y"] = (made.random(n) < frame.score).astype(int)
    frame["said"] = np.where(frame.score > .7, "yes", np.where(frame.score > .4, "perhaps", "no"))
    frame.to_csv(tmp_path / "t.csv", index=False)

    def run(*words):
        code = main(["fairness", "--data", str(tmp_path / "t.csv"), "--sensitive", "race", *words])
        return code, *capsys.readouterr()

    run.frame = frame
    return run


def test_the_object_that_json_prints(run):
    code, said, _ = run("--label", "y", "--score", "score", "--threshold", "0.5", "--sensitive", "age", "--intersect",
                        "race,age", "--strata", "age", "--json")
    found = json.loads(said)
    assert code in (0, 1)
    assert set(found) >= {"spec", "inputs", "overall", "groups", "criteria", "unknown", "dropped", "digest"}
    assert found["inputs"][0]["rows"] == 3000
    assert len(found["inputs"][0]["sha256"]) == 64
    group = next(g for g in found["groups"] if g["group"] == {"race": "A"})
    frame = run.frame[run.frame.race == "A"]
    decision = (frame.score >= .5).astype(int)
    assert group["counts"] == {"tn": ((frame.y == 0) & (decision == 0)).sum(), "fp": ((frame.y == 0) & decision).sum(),
                               "fn": ((frame.y == 1) & (decision == 0)).sum(), "tp": (frame.y & decision).sum()}
    assert set(group["rates"]["fpr"]) == {"value", "low", "high", "method"}
    assert {"auc", "calibration_error", "for", "npv", "balanced_accuracy"} <= set(group["rates"])
    assert {"race": "A", "age": "old"} in [g["group"] for g in found["groups"]]
    assert found["unknown"] == {"race": (run.frame.race == "").sum(), "age": 0,
                                "race × age": (run.frame.race == "").sum()}
    assert set(found["criteria"][0]) == {
        "name", "attribute", "value", "low", "high", "p_raw", "p_adjusted", "threshold", "verdict", "reason"}
    assert found["digest"].startswith("sha256:")
    again = json.loads(run("--label", "y", "--score", "score", "--threshold", "0.5", "--sensitive", "age",
                           "--intersect", "race,age", "--strata", "age", "--json")[1])
    assert again["digest"] == found["digest"]


def test_what_cannot_be_computed_is_null_with_its_reason(run):
    found = json.loads(run("--decision", "said", "--positive", "yes", "--positive", "perhaps", "--json")[1])
    group = next(g for g in found["groups"] if g["group"] == {"race": "A"})
    assert group["selected"] == ((run.frame.race == "A") & (run.frame.score > .4)).sum()
    assert group["counts"] == dict.fromkeys(("tn", "fp", "fn", "tp"))
    assert set(group["rates"]) == {"selection_rate"}
    nobody = json.loads(run("--label", "y", "--score", "score", "--threshold", "1", "--json")[1])
    rate = nobody["groups"][0]["rates"]["ppv"]
    assert (rate["value"], rate["reason"]) == (None, "no selected rows")


@pytest.mark.parametrize(("words", "said"), [
    ((), "Say what was decided"), (("--decision", "said", "--score", "score"), "Say what was decided"),
    (("--score", "score"), "A score needs a threshold"), (("--score", "score", "--threshold", "x"), "not a number"),
    (("--score", "score", "--threshold", "7"), "between 0 and 1"),
    (("--decision", "said", "--positive", "yes"), "not a yes-or-no column"),
    (("--decision", "said", "--positive", "yes", "--positive", "maybe"), "never has the value “maybe”"),
    (("--decision", "y", "--preset", "ugesp-four-fifth"), "Did you mean ugesp-four-fifths?"),
    (("--decision", "y", "--weight", "said"), "not a finite number"),
    (("--score", "score", "--threshold", "nan"), "between 0 and 1"),
    (("--score", "score", "--threshold", "0.5", "--before", "w", "--before-threshold", "nan"), "between 0 and 1"),
    (("--score", "score", "--threshold", "0.5", "--before-threshold", "0.4"), "of the version before"),
    (("--decision", "y", "--threshold", "0.4"), "A threshold is for a score"),
    (("--decision", "y", "--seed", "-1"), "a seed of 0 or more"),
    (("--decision", "y", "--bootstrap", "-5"), "cannot be drawn"),
    (("--decision", "y", "--bootstrap", "200000000"), "up to 100,000"),
    (("--decision", "y", "--id", "age"), "does not name each row once"),
    (("--decision", "y", "--sensitive", "rac"), "Did you mean “race”?")])
def test_bad_words_are_told_and_nothing_is_made(run, words, said):
    code, out, wrong = run(*words)
    assert (code, out) == (2, "")
    assert said in wrong


def test_weights_seeds_and_presets_as_typed(run):
    code, said, _ = run("--label", "y", "--score", "score", "--threshold", "0.5", "--weight", "w", "--id", "id",
                        "--preset", "insurance-calibration", "--bootstrap", "50", "--seed", "3")
    assert code in (0, 1)
    assert said.startswith("Calibration by group. Actuarial practice")
    assert "weighted by w" in said


def test_a_version_before_as_typed(run, tmp_path):
    frame = run.frame.assign(past=(run.frame.score * .9))
    frame.to_csv(tmp_path / "t.csv", index=False)
    code, said, _ = run("--label", "y", "--score", "score", "--threshold", "0.5", "--before", "past", "--margin", "0.3",
                        "--json")
    found = json.loads(said)
    assert code == 0
    assert {c["rate"] for c in found["changes"]} == {"selection_rate", "true_positive_rate", "false_positive_rate",
                                                     "accuracy"}
    assert {c["name"]: c["threshold"] for c in found["criteria"] if c["name"].endswith("_change")} == dict.fromkeys(
        ("selection_rate_change", "true_positive_rate_change", "false_positive_rate_change"), .3)
    _, said, _ = run("--label", "y", "--score", "score", "--threshold", "0.5", "--before", "past")
    assert "gap that grew most against the version before" in said


def test_a_prediction_of_a_number_as_typed(run, tmp_path):
    run.frame.assign(price=run.frame.score * 100, paid=run.frame.score * 90 + 5).to_csv(tmp_path / "t.csv", index=False)
    code, said, _ = run("--label", "paid", "--prediction", "price", "--most-gap", "50")
    assert code == 0
    assert "mean absolute error" in said
    assert said.startswith("met            race: the largest difference of mean predictions")
    found = json.loads(run("--label", "paid", "--prediction", "price", "--json")[1])
    assert {"mean_prediction", "bias", "r_squared"} <= set(found["groups"][0]["rates"])
    assert found["criteria"][0]["verdict"] == "reported"
    code, _, wrong = run("--prediction", "price", "--decision", "said")
    assert code == 2
    assert "stands alone" in wrong


def test_one_class_of_many_against_the_rest(run, tmp_path):
    made = np.random.default_rng(3)
    frame = run.frame.assign(truth=made.choice(["yes", "no", "perhaps"], len(run.frame)))
    frame.to_csv(tmp_path / "t.csv", index=False)
    typed = ("--decision", "said", "--label", "truth", "--positive", "perhaps")
    assert "not a yes-or-no column" in run(*typed)[2]
    found = json.loads(run(*typed, "--one-against-rest", "--json")[1])
    group = next(g for g in found["groups"] if g["group"] == {"race": "A"})
    rows = frame[frame.race == "A"]
    assert group["counts"]["tp"] == ((rows.said == "perhaps") & (rows.truth == "perhaps")).sum()
    assert group["counts"]["tn"] == ((rows.said != "perhaps") & (rows.truth != "perhaps")).sum()


def test_measures_over_all_classes_as_typed(run, tmp_path):
    made = np.random.default_rng(3)
    frame = run.frame.assign(truth=made.choice(["yes", "no", "perhaps"], len(run.frame)))
    frame.to_csv(tmp_path / "t.csv", index=False)
    found = json.loads(run("--decision", "said", "--label", "truth", "--positive", "perhaps", "--one-against-rest",
                           "--json")[1])
    assert {"class_accuracy", "macro_recall", "macro_precision", "macro_f1"} <= set(found["overall"])
    assert "macro_recall_difference race" in found["differences"]


@pytest.fixture
def scored(run):
    def scored(*words):
        return run("--label", "y", "--score", "score", "--threshold", "0.5", "--bootstrap", "50", *words)

    return scored


def test_what_is_searched_for_is_chosen_and_how_confidential_that_is(scored):
    found = json.loads(scored("--search", "equalised_odds", "--confidentiality", "privileged", "--json")[1])
    assert (found["spec"]["search"], found["spec"]["confidentiality"]) == ("equalised_odds", "privileged")
    said = scored("--search", "equalised_odds", "--confidentiality", "privileged")[1]
    assert "Privileged and confidential: prepared for legal advice." in said
    assert "largest gap of true or false positive rates" in said
    assert "Confidential." in scored()[1]
    none = json.loads(scored("--search", "none", "--json")[1])
    assert none["frontier"] == []
    assert "confidentiality" not in none["spec"]


def test_own_cut_offs_for_groups_only_where_a_preset_allows_them(scored):
    for words in ((), ("--preset", "fair-lending"), ("--preset", "ugesp-four-fifths")):
        code, _, wrong = scored("--group-cut-offs", *words)
        assert code == 2
        assert "Only a preset may allow them" in wrong
    said = scored("--group-cut-offs", "--preset", "assistive-error-parity")[1]
    assert "race: with cut-offs of their own for groups, accuracy is at most" in said
    assert "race, a gap of 0.02: “A” from 0." in said
    assert "no proposal to use them" in said
    found = json.loads(scored("--group-cut-offs", "--preset", "assistive-error-parity", "--json")[1])
    assert [c["permitted"] for c in found["group_cut_offs"]] == ["0.0", "0.02", "0.05", "0.1"]


def test_shares_over_time_and_measures_on_the_rows_as_typed(scored, run, tmp_path):
    days = pd.date_range("2026-01-01", periods=len(run.frame), freq="2h").strftime("%Y-%m-%d")
    run.frame.assign(day=days).to_csv(tmp_path / "t.csv", index=False)
    found = json.loads(scored("--date", "day", "--period", "quarter", "--by-row", "log_loss", "--json")[1])
    assert {r["from"] for r in found["over_time"]} == {"2026-01-01", "2026-04-01", "2026-07-01"}
    assert sum(r["n"] for r in found["over_time"]) == len(run.frame)
    assert found["overall"]["log_loss"]["method"].startswith("on the rows, 50 replicates")
    assert f"By day the rows are from {days[0]} to {days[-1]}." in found["notes"]


def test_intersections_that_nobody_named_as_typed(scored, run, tmp_path):
    frame = run.frame.assign(score=np.where((run.frame.race == "A") & (run.frame.age == "old"), run.frame.score / 2,
                                            run.frame.score))
    frame.to_csv(tmp_path / "t.csv", index=False)
    said = scored("--sensitive", "age")[1]
    assert "Looked through 4 intersections that were not named; by Benjamini and Hochberg" in said
    assert "  race × age: A × old (n " in said
    found = json.loads(scored("--sensitive", "age", "--json")[1])
    assert (found["slices"]["looked_at"], found["slices"]["clearest"][0]["group"]) == (4, "A × old")
    assert json.loads(scored("--sensitive", "age", "--no-explore", "--json")[1])["slices"]["looked_at"] == 0


def test_local_law_144_may_leave_out_a_very_small_category_with_a_justification(run, tmp_path):
    """6 RCNY §5-301: under 2 % of the data; its number and its rate are told all the same."""
    frame = pd.DataFrame({"race": ["A"] * 600 + ["B"] * 390 + ["C"] * 10, "sex": ["f", "m"] * 500,
                          "said": [1, 0, 0] * 200 + [0, 1] * 195 + [1] * 10})
    frame.to_csv(tmp_path / "t.csv", index=False)
    typed = ("--decision", "said", "--sensitive", "sex", "--preset", "nyc-ll144-selection")
    whole = json.loads(run(*typed, "--json")[1])
    assert {g["reference"] for g in whole["groups"] if g["attribute"] == "race"} == {"C"}
    found = json.loads(run(*typed, "--leave-out-under", "2%", "--because", "Ten people only.", "--json")[1])
    by = {g["group"]["race"]: g for g in found["groups"] if g["attribute"] == "race"}
    assert (by["C"]["state"], by["C"]["n"], by["C"]["rates"]["selection_rate"]["value"]) == ("left out", 10, 1.0)
    assert by["C"]["ratio_to_reference"]["value"] is None
    assert by["A"]["ratio_to_reference"]["value"] == pytest.approx((200 / 600) / .5)
    assert by["B"]["ratio_to_reference"]["value"] == 1
    assert next(c for c in found["criteria"] if c["attribute"] == "race")["value"] == pytest.approx(2 / 3)
    assert any("“C” (10 rows) is under 2 % of the rows and left out of ratios. Justification: Ten people only." in note
               for note in found["notes"])
    for words, said in ((("--leave-out-under", "0.02"), "Say why"), (("--leave-out-under", "0.05", "--because", "x"),
                                                                    "up to 0.02"), (("--leave-out-under", "two"),
                                                                                    "not a number")):
        code, _, wrong = run(*typed, *words)
        assert code == 2
        assert said in wrong
    code, _, wrong = run("--decision", "said", "--leave-out-under", "0.02", "--because", "x")
    assert code == 2
    assert "never, without a preset" in wrong


def test_criteria_of_ones_own_as_typed(scored):
    found = json.loads(scored("--criterion", "equal_opportunity_difference=0.2", "--criterion", "auc_difference=0.1",
                              "--json")[1])
    assert [(c["name"], c["threshold"]) for c in found["criteria"]] == [
        ("equal_opportunity_difference", 0.2), ("auc_difference", 0.1)]
    both = json.loads(scored("--criterion", "equalised_odds_ratio=0.5", "--least-ratio", "0.7", "--json")[1])
    assert [(c["name"], c["threshold"]) for c in both["criteria"]] == [
        ("impact_ratio", 0.7), ("equalised_odds_ratio", 0.5)]
    for typed, said in (("equal_oportunity_difference=0.1", "Did you mean equal_opportunity_difference?"),
                        ("auc_difference", "written as METRIC=X"), ("auc_difference=small", "written as METRIC=X"),
                        ("auc_difference=7", "is not between 0 and 1")):
        code, _, wrong = scored("--criterion", typed)
        assert code == 2
        assert said in wrong


def test_every_criterion_of_ones_own_is_known_to_the_analysis():
    assert set(presets.OWN) <= set(fairness.METRICS)
    assert all((own.direction == "at_least") == metric.endswith("_ratio") for metric, own in presets.OWN.items())


def test_errors_of_both_kinds_by_group(scored, run):
    found = json.loads(scored("--json")[1])
    for group in found["groups"]:
        n = group["counts"]
        treatment = group["rates"]["treatment_equality"]
        assert treatment["value"] == pytest.approx(n["fn"] / n["fp"])
        assert treatment["low"] < treatment["value"] < treatment["high"]
