"""A bias report asked for in the window: by a score, within strata, by a preset, from a folder; and how it is shown."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PySide6.QtWidgets import QApplication

from desktop_app.domain.evidence import METRICS, FairnessSpec, Verdict
from desktop_app.gui.dialogs.bias_report import NewBiasReport
from desktop_app.gui.dialogs.form import Choice
from desktop_app.gui.dialogs.task import NoteDialog
from desktop_app.gui.pages.version import VersionPage
from desktop_app.gui.record_table import RecordTable
from desktop_app.gui.widgets.figure_view import FigureView
from desktop_app.operations import evidence, reperforming
from tests.gui.pages.seen import dialog_of, words

WAIT = 15_000


@pytest.fixture
def frame():
    made = np.random.default_rng(1)
    n = 1200
    frame = pd.DataFrame({"sex": made.choice(["F", "M"], n), "area": made.choice(["north", "south"], n),
                          "score": made.random(n), "id": np.arange(n), "w": made.integers(1, 4, n)})
    return frame.assign(repaid=(made.random(n) < frame.score).astype(int))


@pytest.fixture
def table(frame, tmp_path):
    frame.to_csv(tmp_path / "t.csv", index=False)
    return tmp_path / "t.csv"


@pytest.fixture
def page(office, desk):
    return office.open(VersionPage, "Val Idris", version=desk.version, use=desk.use, tab="Fairness")


@pytest.fixture
def dialog(page, table, qtbot):
    page.shown_tab.new_report()
    made = page.findChild(NewBiasReport)
    made.path.give(table)
    qtbot.waitUntil(made.primary.isEnabled, timeout=WAIT)
    return made


def by_score(dialog, *groups):
    dialog.by.choose("score")
    dialog.label_positive.choose("1")
    dialog.sensitive.tick(*groups)


def filed(desk):
    return evidence.listing(desk.as_("Val Idris"), desk.version)[0].item.record


def test_a_score_with_a_cut_off_within_strata_and_weighted(dialog, page, desk, qtbot):
    dialog.by.choose("score")
    assert (dialog._decision_part.isVisible(), dialog._score_part.isVisible()) == (False, True)
    assert dialog.score.value == "score"
    dialog.cut.setValue(.4)
    dialog.label.choose("repaid")
    dialog.label_positive.choose("1")
    assert dialog.pairing.text() == "score ≥ 0.4 is held against repaid = 1."
    dialog.sensitive.tick("sex")
    dialog.refinements.strata.tick("area")
    dialog.refinements.weight.choose("w")
    dialog.refinements.record.choose("id")
    dialog.attempt()
    qtbot.waitUntil(lambda: "Cut-offs and calibration" in words(page), timeout=WAIT)
    spec = filed(desk).fairness_spec
    assert (spec.score, spec.threshold, spec.strata) == ("score", "0.4", ("area",))
    assert (spec.weight, spec.record_id) == ("w", "id")
    assert (spec.metrics, spec.bootstrap) == (METRICS, 2000)
    said = words(page)
    assert "Selected is score ≥ 0.400, which is good for the person." in said
    assert "Within strata" in said
    sweep, calibration, frontier = (figure.accessibleName() for figure in page.findChildren(FigureView))
    assert sweep.startswith("By sex, the share selected")
    assert calibration.startswith("By sex, share with the event")
    assert frontier.startswith("sex: the cut-off used has a lowest ratio between groups of")
    assert "What could be done" in words(page)


def test_a_preset_says_its_clause_and_takes_the_place_of_ones_own_criterion(dialog, page, desk, qtbot):
    by_score(dialog, "sex", "area")
    dialog.criteria.preset.choose("nyc-ll144-scoring")
    assert "it is not the bias audit itself" in dialog.criteria.words.text()
    assert not dialog.criteria.rule.isVisible()
    dialog.attempt()
    qtbot.waitUntil(lambda: "Every measure" in words(page), timeout=WAIT)
    assert "it is not the bias audit itself" in words(page)
    found = filed(desk)
    assert (found.fairness_spec.cut, found.fairness_spec.threshold) == ("above_median", None)
    assert {v.verdict for v in found.verdicts} == {Verdict.REPORTED}
    assert {r.attribute for r in found.fairness.groups} == {"sex", "area", "sex × area"}


def test_what_a_preset_needs_is_said_in_the_dialog(dialog, desk):
    by_score(dialog, "sex")
    dialog.criteria.preset.choose("eu-conditional-disparity")
    dialog.attempt()
    assert "needs a legitimate factor" in dialog.error.text()
    dialog.criteria.preset.choose("punitive-error-parity")
    dialog.attempt()
    assert "being selected is bad for the person" in dialog.error.text()
    dialog.criteria.preset.choose("")
    assert dialog.criteria.rule.isVisible()
    assert evidence.listing(desk.as_("Val Idris"), desk.version) == ()
    dialog.reject()


def test_an_id_that_comes_twice_leaves_no_entry(dialog, desk, qtbot):
    by_score(dialog, "sex")
    dialog.refinements.record.choose("area")
    dialog.attempt()
    qtbot.waitUntil(lambda: "does not name each row once" in dialog.error.text(), timeout=WAIT)
    assert evidence.listing(desk.as_("Val Idris"), desk.version) == ()
    dialog.reject()


def test_a_folder_of_parquet_files_is_a_table(page, frame, tmp_path, desk, qtbot):
    (tmp_path / "parts").mkdir()
    for i in range(3):
        frame.iloc[i::3].to_parquet(tmp_path / "parts" / f"{i}.parquet")
    page.shown_tab.new_report()
    dialog = page.findChild(NewBiasReport)
    dialog.path.give(tmp_path / "parts")
    qtbot.waitUntil(dialog.primary.isEnabled, timeout=WAIT)
    by_score(dialog, "sex")
    dialog.attempt()
    qtbot.waitUntil(lambda: "Every measure" in words(page), timeout=WAIT)
    assert (filed(desk).inputs[0].name, filed(desk).inputs[0].rows) == ("parts", 1200)
    assert reperforming.reperform(desk.as_("Val Idris"), filed(desk).id, tmp_path / "parts").same


def test_any_measure_is_shown_by_group(office, desk, table, qtbot):
    spec = FairnessSpec(label="repaid", decision="", positive="1", favourable=True, sensitive=("sex",), score="score",
                        threshold="0.5", metrics=METRICS, bootstrap=100)
    evidence.report(desk.as_("Val Idris"), desk.version, table, spec)
    page = office.open(VersionPage, "Val Idris", version=desk.version, use=desk.use, tab="Fairness")
    qtbot.waitUntil(lambda: "Every measure" in words(page), timeout=WAIT)
    shown = next(t for t in page.findChildren(RecordTable) if t.accessibleName() == "Every measure by group")
    choice = page.shown_tab.findChild(Choice)
    assert [r[1] for r in shown.records_model.shown] == ["all rows", "F", "M"]
    choice.choose("auc")
    assert "DeLong" in shown.records_model.shown[0][3].method
    choice.choose("calibration_error")
    assert "100 replicates" in shown.records_model.shown[1][3].method


def test_the_version_before_is_held_against_a_margin(page, frame, desk, tmp_path, qtbot):
    frame.assign(old=(frame.score - .1 * (frame.sex == "F")).clip(0)).to_csv(tmp_path / "both.csv", index=False)
    page.shown_tab.new_report()
    dialog = page.findChild(NewBiasReport)
    dialog.path.give(tmp_path / "both.csv")
    qtbot.waitUntil(dialog.primary.isEnabled, timeout=WAIT)
    by_score(dialog, "sex")
    dialog.refinements.before.choose("old")
    assert dialog.refinements.before_cut.text() == "the same"
    dialog.refinements.before_cut.setValue(.45)
    dialog.refinements.margin_field.setValue(.02)
    dialog.attempt()
    qtbot.waitUntil(lambda: "Against the version before" in words(page), timeout=WAIT)
    found = filed(desk)
    asked = {(c.metric, c.threshold) for c in found.fairness_spec.criteria}
    assert found.fairness_spec.before_threshold == "0.45"
    assert asked == {("impact_ratio", "0.8"), ("selection_rate_change", "0.02"), ("true_positive_rate_change", "0.02"),
                     ("false_positive_rate_change", "0.02")}
    change = next(c for c in found.fairness.changes if c.rate == "selection_rate")
    assert float(change.change.value) < 0
    assert "the largest growth of a gap of selection rates" in words(page)


def test_one_attribute_is_shown_in_every_table_and_picture(office, desk, table, qtbot):
    spec = FairnessSpec(label="repaid", decision="", positive="1", favourable=True, sensitive=("sex", "area"),
                        score="score", threshold="0.5", metrics=METRICS, bootstrap=0, strata=("area",))
    evidence.report(desk.as_("Val Idris"), desk.version, table, spec)
    page = office.open(VersionPage, "Val Idris", version=desk.version, use=desk.use, tab="Fairness")
    qtbot.waitUntil(lambda: "Every measure" in words(page), timeout=WAIT)

    def groups():
        made = next(t for t in page.findChildren(RecordTable) if t.accessibleName() == "Groups compared")
        return made, {row.attribute for row in made.records_model.shown}

    assert groups()[1] == {"sex", "area"}
    groups()[0].opened.emit(groups()[0].records_model.shown[0])
    qtbot.waitUntil(lambda: groups()[1] == {"sex"}, timeout=WAIT)
    assert len(page.findChildren(FigureView)) == 3
    assert not any("area" in figure.accessibleName() for figure in page.findChildren(FigureView))
    differences = next(t for t in page.findChildren(RecordTable) if t.accessibleName() == "Differences between groups")
    assert all(d.name.endswith(" sex") for d in differences.records_model.shown)
    page.shown_tab.show_attribute("")
    qtbot.waitUntil(lambda: groups()[1] == {"sex", "area"}, timeout=WAIT)


def test_groups_are_exported_without_small_counts(office, desk, table, tmp_path, qtbot):
    spec = FairnessSpec(label=None, decision="repaid", positive="1", favourable=True, sensitive=("sex",))
    evidence.report(desk.as_("Val Idris"), desk.version, table, spec)
    page = office.open(VersionPage, "Val Idris", version=desk.version, use=desk.use, tab="Fairness")
    qtbot.waitUntil(lambda: "Groups" in words(page), timeout=WAIT)
    page.shown_tab.export_to(filed(desk), tmp_path / "groups.csv")
    qtbot.waitUntil(lambda: any(isinstance(w, NoteDialog) and w.isVisible() for w in QApplication.topLevelWidgets()),
                    timeout=WAIT)
    assert "No count was left out." in words(dialog_of(NoteDialog))
    dialog_of(NoteDialog).accept()
    assert (tmp_path / "groups.csv").read_text("utf-8-sig").startswith("attribute,group,n,selected")


def given(page, path, qtbot):
    page.shown_tab.new_report()
    dialog = page.findChildren(NewBiasReport)[-1]
    dialog.path.give(path)
    qtbot.waitUntil(dialog.primary.isEnabled, timeout=WAIT)
    return dialog


def test_what_is_searched_for_how_confidential_that_is_and_cut_offs_by_group(dialog, page, desk, qtbot):
    assert not dialog.criteria.search.isVisible()  # a decision has no other cut-off
    by_score(dialog, "sex")
    assert (dialog.criteria.search.value, dialog.criteria.confidentiality.value) == ("impact_ratio", "confidential")
    assert not dialog.criteria.own_cut_offs.isVisible()
    dialog.criteria.preset.choose("assistive-error-parity")
    assert dialog.criteria.search.value == "true_positive_rate"
    assert dialog.criteria.own_cut_offs.isVisible()
    dialog.criteria.own_cut_offs.setChecked(True)
    dialog.criteria.confidentiality.choose("privileged")
    dialog.attempt()
    qtbot.waitUntil(lambda: "no proposal to use them" in words(page), timeout=WAIT)
    spec = filed(desk).fairness_spec
    assert (spec.search, spec.group_cut_offs, spec.confidentiality) == ("true_positive_rate", True, "privileged")
    assert "Privileged and confidential: prepared for legal advice." in words(page)
    table = next(t for t in page.findChildren(RecordTable) if t.accessibleName() == "Cut-offs of their own for groups")
    assert [c.permitted for c in table.records_model.shown] == ["0.0", "0.02", "0.05", "0.1"]


def test_no_search_leaves_no_other_cut_offs(dialog, page, desk, qtbot):
    by_score(dialog, "sex")
    dialog.criteria.search.choose("none")
    dialog.attempt()
    qtbot.waitUntil(lambda: "Cut-offs and calibration" in words(page), timeout=WAIT)
    assert (filed(desk).fairness_spec.confidentiality, filed(desk).fairness.frontier) == ("", ())
    assert "What could be done" not in words(page)


def test_over_time_intersections_and_measures_of_rows(page, frame, desk, tmp_path, qtbot):
    days = pd.Timestamp("2026-01-05") + pd.to_timedelta(np.arange(len(frame)) % 200, "D")
    low = (frame.sex == "F") & (frame.area == "north")
    frame.assign(day=days.strftime("%Y-%m-%d"), score=np.where(low, frame.score / 2, frame.score)).to_csv(
        tmp_path / "days.csv", index=False)
    dialog = given(page, tmp_path / "days.csv", qtbot)
    by_score(dialog, "sex", "area")
    dialog.refinements.date.choose("day")
    dialog.refinements.period.choose("quarter")
    dialog.refinements.by_row.tick("Brier score")
    dialog.attempt()
    qtbot.waitUntil(lambda: "Over time" in words(page), timeout=3 * WAIT)
    found = filed(desk)
    assert (found.fairness_spec.date, found.fairness_spec.period) == ("day", "quarter")
    assert (str(found.period_from), str(found.period_to)) == ("2026-01-05", "2026-07-23")
    assert found.fairness_spec.by_row == ("brier_score",)
    figure = next(f for f in page.findChildren(FigureView) if "over time" in f.accessibleName())
    assert "in 2026 Q1" in figure.accessibleName()
    shown = next(t for t in page.findChildren(RecordTable) if t.accessibleName() == "Intersections that were not named")
    assert shown.records_model.shown[0].group == "F × north"
    assert reperforming.reperform(desk.as_("Val Idris"), found.id, tmp_path / "days.csv").same


def test_a_decision_with_many_values_is_held_against_the_rest(page, frame, desk, tmp_path, qtbot):
    grade = np.select([frame.score > .7, frame.score > .4], ["good", "fair"], "poor")
    frame.assign(decision=grade, repaid=np.where(frame.id % 4 > 0, grade, "fair")).to_csv(
        tmp_path / "grades.csv", index=False)
    dialog = given(page, tmp_path / "grades.csv", qtbot)
    assert dialog.rest.isVisible()
    dialog.positive.choose("fair")
    dialog.label.choose("repaid")
    dialog.sensitive.tick("sex")
    dialog.rest.setChecked(True)
    assert not dialog.label_positive.isVisible()
    assert dialog.pairing.text() == "decision = fair is held against repaid = fair."
    dialog.attempt()
    qtbot.waitUntil(lambda: "Every measure" in words(page), timeout=WAIT)
    spec = filed(desk).fairness_spec
    assert (spec.one_against_rest, spec.positive, spec.label_positive) == (True, "fair", None)
    assert {"macro_recall", "class_accuracy"} <= {m.name for m in filed(desk).fairness.overall}


def test_a_very_small_category_is_left_out_with_a_justification(page, desk, tmp_path, qtbot):
    pd.DataFrame({"race": ["A"] * 600 + ["B"] * 390 + ["C"] * 10, "decision": [1, 0, 0] * 200 + [0, 1] * 200}).to_csv(
        tmp_path / "races.csv", index=False)
    dialog = given(page, tmp_path / "races.csv", qtbot)
    dialog.sensitive.tick("race")
    assert not dialog.criteria.leave_out.isVisible()
    dialog.criteria.preset.choose("nyc-ll144-selection")
    assert dialog.criteria.leave_out.text() == "Leave groups under 2 % of the rows out of ratios"
    dialog.criteria.leave_out.setChecked(True)
    dialog.attempt()
    assert "Say why small groups are left out" in dialog.error.text()
    dialog.criteria.because.setText("Ten people only.")
    dialog.attempt()
    qtbot.waitUntil(lambda: "Justification: Ten people only." in words(page), timeout=WAIT)
    assert {r.group: r.state for r in filed(desk).fairness.groups}["C"] == "left out"


def test_criteria_of_ones_own_are_those_that_the_columns_allow(dialog, page, desk, qtbot):
    def shown():
        return {metric for metric, (tick, _) in dialog.criteria.own.rows.items() if tick.isVisible()}

    dialog.label.choose("")
    assert shown() == {"impact_ratio", "demographic_parity_difference"}
    by_score(dialog, "sex")
    dialog.label.choose("repaid")
    dialog.label_positive.choose("1")
    assert {"auc_difference", "average_odds_difference"} <= shown()
    assert not {"conditional_parity_difference", "macro_recall_difference"} & shown()
    dialog.refinements.strata.tick("area")
    assert "conditional_parity_difference" in shown()
    assert dialog.label_positive.value == "1"  # as it was chosen
    dialog.criteria.own.choose("auc_difference", .07)
    dialog.criteria.own.rows["impact_ratio"][0].setChecked(False)
    dialog.attempt()
    qtbot.waitUntil(lambda: "the largest difference of AUCs" in words(page), timeout=WAIT)
    assert [(c.metric, c.threshold, c.direction) for c in filed(desk).fairness_spec.criteria] == [
        ("auc_difference", "0.07", "at_most")]


def test_without_a_criterion_numbers_are_only_told(dialog, page, desk, qtbot):
    by_score(dialog, "sex")
    dialog.criteria.own.rows["impact_ratio"][0].setChecked(False)
    dialog.attempt()
    qtbot.waitUntil(lambda: "Every measure" in words(page), timeout=WAIT)
    assert filed(desk).verdicts == ()


def test_three_attributes_may_be_crossed(page, frame, desk, tmp_path, qtbot):
    frame.assign(age=np.where(frame.id % 3, "old", "young")).to_csv(tmp_path / "ages.csv", index=False)
    dialog = given(page, tmp_path / "ages.csv", qtbot)
    by_score(dialog, "sex", "area", "age")
    dialog.intersections.tick("sex × area × age")
    dialog.attempt()
    qtbot.waitUntil(lambda: "Every measure" in words(page), timeout=WAIT)
    assert filed(desk).fairness_spec.intersections == (("sex", "area", "age"),)
    assert "F × north × old" in {r.group for r in filed(desk).fairness.groups}
