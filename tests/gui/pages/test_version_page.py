"""The version page and its tabs on a real registry, with real evidence, driven by keys."""

from __future__ import annotations

import csv
import json
import random
from datetime import date

import pandas as pd
import pytest
import skops.io
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton
from sklearn.linear_model import LogisticRegression

from desktop_app.domain.evidence import Criterion, FairnessSpec
from desktop_app.domain.model import Pair
from desktop_app.domain.policy import Meaning
from desktop_app.gui.dialogs.artefact import ReadArtefact
from desktop_app.gui.dialogs.bias_report import NewBiasReport
from desktop_app.gui.dialogs.describe_use import DescribeUse, SetTier, StateUse
from desktop_app.gui.dialogs.explanation import NewExplanation
from desktop_app.gui.dialogs.file_document import FileDocument
from desktop_app.gui.dialogs.give_reason import GiveReason
from desktop_app.gui.dialogs.performance import NewPerformance
from desktop_app.gui.dialogs.reperform import Reperform
from desktop_app.gui.dialogs.resting import RestingNotice
from desktop_app.gui.dialogs.save_card import SaveCard
from desktop_app.gui.pages.request import RequestPage
from desktop_app.gui.pages.version import VersionPage
from desktop_app.gui.pages.version_tabs.card_compare import CompareRevisions
from desktop_app.gui.pages.version_tabs.measures import row_chip
from desktop_app.gui.record_table import RecordTable
from desktop_app.gui.widgets.prose import Prose
from desktop_app.operations import approvals, artefacts, audit, cards, evidence, models
from desktop_app.settings import data_folder
from tests.operations.decided import ask, sign

WAIT = 15_000
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@pytest.fixture
def table(tmp_path):
    """3,000 applicants: women approved at 0.60 of the men's rate, a third group of 12."""
    made, draw = tmp_path / "applicants.csv", random.Random(7)
    with made.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["sex", "approved", "repaid", "score"])
        for n in range(3000):
            sex = "x" if n < 12 else "F" if n % 2 else "M"
            approved = int(draw.random() < (0.36 if sex == "F" else 0.60))
            writer.writerow([sex, approved, int(draw.random() < 0.4 + 0.4 * approved), round(draw.random(), 3)])
    return made


@pytest.fixture
def judged(desk, table):
    """A bias report on the version, with men as the reference."""
    spec = FairnessSpec(
        label="repaid", decision="approved", positive="1", favourable=True, sensitive=("sex",),
        reference=(Pair(key="sex", value="M"),), criteria=(Criterion(
            metric="impact_ratio", attribute="sex", threshold="0.8", direction="at_least", reference="M"),))
    return evidence.report(desk.as_("Val Idris"), desk.version, table, spec)


def opened(office, desk, name="Dev Patel", tab="Overview"):
    page = office.open(VersionPage, name, version=desk.version, use=desk.use, tab=tab)
    office.settle()
    return page


def said(widget):
    """Everything a widget says."""
    found = [w.text() for w in widget.findChildren(QLabel)] + [w.text() for w in widget.findChildren(Prose)]
    return "\n".join(text for text in found if text)


def click(qtbot, widget, text):
    """Click a button; one made just now is shown by the next event."""
    def found():
        return [b for b in widget.findChildren(QPushButton) if b.text() == text and b.isVisible()]

    qtbot.waitUntil(lambda: bool(found()), timeout=WAIT)
    found()[0].click()


def test_the_header_says_who_what_and_what_is_in_the_way(office, desk):
    page = opened(office, desk)
    assert page._heading.text() == "Scorecard v1, for card lending in NL"
    assert page._subline.text().startswith("development · tier 3")
    page.copy_digest()
    digest = models.version(desk.as_("Dev Patel"), desk.version).artefact.digest
    assert QGuiApplication.clipboard().text() == digest
    assert page._digest.text().startswith(f"sha256 {digest[:4]} {digest[4:8]}")


def test_tabs_by_keyboard(office, desk, qtbot):
    page = opened(office, desk)
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow, timeout=2000)
    seen = []
    for _ in range(9):
        seen.append(page.shown_tab.title)
        qtbot.keyClick(page, Qt.Key.Key_Tab, Qt.KeyboardModifier.ControlModifier)
        office.settle()
    assert seen == ["Overview", "Card", "Lineage", "Performance", "Fairness", "Explanation", "Documents", "Approvals",
                    "History"]
    assert page.shown_tab.title == "Overview"
    qtbot.keyClick(page, Qt.Key.Key_D, Qt.KeyboardModifier.AltModifier)
    office.settle()
    assert page.shown_tab.title == "Documents"


def test_overview_shows_requirements_and_leads_to_their_tab(office, desk):
    page = opened(office, desk)
    tab = page.shown_tab
    assert "What the policy asks for validation" in said(tab)
    assert "The bytes of the model itself have not been read" in said(tab)
    tab._open_check("document:development")
    office.settle()
    assert page.shown_tab.title == "Documents"


def test_request_opens_the_request_page_then_the_one_that_waits(office, desk, qtbot):
    page = opened(office, desk)
    with qtbot.waitSignal(page.open_requested) as asked:
        page.request_button.click()
    assert asked.args == ["request", {"version": desk.version, "use": desk.use}]
    waiting = approvals.request(desk.as_("Dev Patel"), desk.version, desk.use, rationale="First use",
                                change_class=next(iter(approvals.ChangeClass)))
    page.forget()
    qtbot.waitUntil(lambda: page.request_button.text() == "Open the request…", timeout=WAIT)
    with qtbot.waitSignal(page.open_requested) as asked:
        page.request_button.click()
    assert asked.args == ["review", {"request": waiting}]
    page.show_tab("Approvals")
    office.settle()
    assert "R-1 for validation, Card lending" in said(page.shown_tab)


def test_in_production_what_can_be_asked_for_is_called_retirement(office, desk, qtbot):
    sign(desk, "Rita Risk", ask(desk), Meaning.APPROVE)
    page = opened(office, desk, tab="Approvals")
    assert page.request_button.text() == "Request retirement…"
    assert "Request retirement…" in [b.text() for b in page.shown_tab.findChildren(QPushButton)]
    page = office.open(RequestPage, "Dev Patel", version=desk.version, use=desk.use)
    assert page._heading.text().startswith("Request a retirement")


def test_without_a_use_it_says_what_to_do(office, desk, qtbot):
    model = models.register(desk.as_("Dev Patel"), "New")
    version = models.add_version(desk.as_("Dev Patel"), model, "1")
    page = office.open(VersionPage, "Dev Patel", version=version, use=None)
    assert not page.request_button.isEnabled()
    assert "no use is described" in page._subline.text()
    page.shown_tab.describe_use()
    dialog = page.findChild(DescribeUse)
    qtbot.keyClicks(dialog.purpose, "Pricing <i>of cards</i>")
    qtbot.keyClick(dialog.purpose, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "for pricing <i>of cards</i>" in page._heading.text(), timeout=WAIT)


def test_tier_and_state_of_use_are_stated(office, desk, qtbot):
    page = opened(office, desk, "Rita Risk")
    page.shown_tab.set_tier()
    dialog = page.findChild(SetTier)
    qtbot.keyClick(dialog.primary, Qt.Key.Key_Return)
    assert dialog.error.text().startswith("The reason is missing.")
    dialog.tier.choose(1)
    qtbot.keyClicks(dialog.reason, "Material")
    dialog.attempt()
    qtbot.waitUntil(lambda: "tier 1" in page._subline.text(), timeout=WAIT)
    page.shown_tab.state_use()
    state = page.findChild(StateUse)
    qtbot.keyClicks(state.since, "yesterday")
    state.attempt()
    assert "“yesterday” is not a day." in state.error.text()
    state.since.setText("2026-03-01")
    state.attempt()
    qtbot.waitUntil(lambda: "in use since 1 Mar 2026" in said(page.shown_tab), timeout=WAIT)


def test_a_role_that_may_not_is_refused_in_the_dialog(office, desk, qtbot):
    page = opened(office, desk, "Dev Patel")
    page.shown_tab.set_tier()
    dialog = page.findChild(SetTier)
    qtbot.keyClicks(dialog.reason, "Because")
    dialog.attempt()
    qtbot.waitUntil(dialog.error.isVisible, timeout=WAIT)
    assert dialog.error.text().startswith("Your role does not allow this.")
    assert dialog.reason.toPlainText() == "Because"
    dialog.reject()


def test_reading_a_pickle_scans_it_and_says_why_it_is_not_opened(office, desk, qtbot, tmp_path):
    file = tmp_path / "model.pkl"
    file.write_bytes(b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x05hello\x94\x86\x94.")
    page = opened(office, desk)
    page.shown_tab.read_artefact()
    dialog = page.findChild(ReadArtefact)
    dialog.path.give(file)
    dialog.attempt()
    qtbot.waitUntil(lambda: "of the artefact" in page._digest.text(), timeout=WAIT)
    page.show_tab("Explanation")
    office.settle()
    assert "is not opened:" in said(page.shown_tab)
    new = next(b for b in page.shown_tab.findChildren(QPushButton) if b.text() == "New explanation…")
    assert not new.isEnabled()


# ---- card


def edit_card(office, page):
    page.show_tab("Card").edit()
    office.settle()
    return page.shown_tab


def save_card(page, note="first"):
    page.shown_tab.save()
    dialog = page.findChildren(SaveCard)[-1]
    dialog.note.setText(note)
    dialog.attempt()
    return dialog


def test_a_card_is_written_saved_and_read(office, desk, qtbot):
    tab = edit_card(office, page := opened(office, desk, tab="Card"))
    qtbot.keyClicks(tab.form.field("summary"), "Scores <b>applicants</b>")
    save_card(page)
    qtbot.waitUntil(lambda: not tab.editing and "Scores <b>applicants</b>" in said(tab.reading), timeout=WAIT)
    office.settle()
    assert cards.revisions(desk.as_("Dev Patel"), desk.version)[0].record.note == "first"
    assert not list((data_folder() / "drafts").glob("card-*"))


def test_a_draft_survives_the_window(office, desk, qtbot):
    tab = edit_card(office, opened(office, desk, tab="Card"))
    qtbot.keyClicks(tab.form.field("summary"), "Half a sentence")
    kept = data_folder() / "drafts" / f"card-{desk.version}.json"
    qtbot.waitUntil(kept.exists, timeout=5000)
    office.settle()
    assert json.loads(kept.read_text())["texts"]["summary"] == "Half a sentence"
    another = opened(office, desk, tab="Card")
    qtbot.waitUntil(lambda: "has been kept on this machine" in said(another.shown_tab), timeout=WAIT)
    click(qtbot, another.shown_tab, "Continue editing")
    assert another.shown_tab.form.field("summary").toPlainText() == "Half a sentence"
    another.shown_tab.discard()
    office.settle()
    assert not kept.exists()


def test_somebody_elses_revision_is_shown_before_it_is_saved_over(office, desk, qtbot):
    tab = edit_card(office, page := opened(office, desk, tab="Card"))
    tab.form.field("summary").setPlainText("Mine")
    cards.save(desk.as_("Olga Owner"), desk.version, {"summary": "Theirs"}, seen=0)
    dialog = save_card(page)
    qtbot.waitUntil(dialog.error.isVisible, timeout=WAIT)
    assert "Summary: now “Theirs”" in dialog.error.text()
    assert tab.form.field("summary").toPlainText() == "Mine"
    assert dialog.primary.text() == "Save over theirs"
    dialog.attempt()
    qtbot.waitUntil(lambda: not tab.editing, timeout=WAIT)
    office.settle()
    kept = cards.revisions(desk.as_("Dev Patel"), desk.version)
    assert [r.record.text("summary") for r in kept] == ["Mine", "Theirs"]


def test_two_revisions_side_by_side(office, desk, qtbot):
    dev = desk.as_("Dev Patel")
    cards.save(dev, desk.version, {"summary": "Scores applicants"}, seen=0)
    cards.save(dev, desk.version, {"summary": "Scores card applicants"}, seen=1)
    page = opened(office, desk, tab="Card")
    page.shown_tab.compare()
    dialog = page.findChild(CompareRevisions)
    assert dialog.differing == (("summary", "Scores applicants", "Scores card applicants"),)
    dialog.before.choose(2)
    assert dialog.differing == ()
    assert "Nothing differs" in said(dialog)
    dialog.accept()


# ---- lineage, fairness, documents, history


def test_lineage_walks_by_list_and_shows_neighbours(office, desk, judged):
    tab = opened(office, desk, tab="Lineage").shown_tab
    kinds = [tab.tree.topLevelItem(n).text(0) for n in range(tab.tree.topLevelItemCount())]
    assert kinds == ["Dataset (1)", "Model version (1)", "Evidence (1)", "Not known (1)"]
    tab.tree.setCurrentItem(tab.tree.topLevelItem(2).child(0))
    assert tab.view.current == judged
    assert "E-1 Bias report" in said(tab)
    links = [b.text() for b in tab.findChildren(QPushButton)]
    assert "applicants.csv" in links
    tab.open_node(judged)
    assert tab.page.shown_tab.title == "Fairness"
    office.settle()


def test_fairness_says_the_verdict_first_and_every_group(office, desk, judged):
    tab = opened(office, desk, tab="Fairness").shown_tab
    item = evidence.get(desk.as_("Val Idris"), judged).record
    text = said(tab)
    assert item.verdicts[0].sentence in text
    assert item.verdicts[0].verdict == "breached"
    assert "Meeting a criterion is not a legal conclusion." in text
    marks = evidence.group_marks(item)
    chips = {row.group: row_chip(row, marks) for row in item.fairness.groups}
    assert chips == {"F": ("breached", "breached"), "M": None, "x": ("none", "too few")}


def test_a_bias_report_is_asked_for_computed_and_shown(office, desk, table, qtbot):
    page = opened(office, desk, "Val Idris", tab="Fairness")
    assert "No bias report yet" in said(page.shown_tab)
    page.shown_tab.new_report()
    dialog = page.findChild(NewBiasReport)
    assert not dialog.primary.isEnabled()
    dialog.path.give(table)
    qtbot.waitUntil(dialog.primary.isEnabled, timeout=WAIT)
    assert (dialog.decision.value, dialog.positive.value, dialog.label.value) == ("approved", "1", "repaid")
    dialog.attempt()
    assert dialog.error.text().startswith("No groups are chosen.")
    dialog.sensitive.tick("sex", "approved")
    dialog.attempt()
    assert "cannot be both the decision and a group" in dialog.error.text()
    dialog.sensitive.tick("sex")
    assert "sex “x” (12 rows)" in dialog.note.text()
    dialog._references["sex"].choose("M")
    dialog.attempt()
    qtbot.waitUntil(lambda: "the lowest impact ratio" in said(page.shown_tab), timeout=WAIT)
    found = evidence.listing(desk.as_("Val Idris"), desk.version)[0].item.record
    assert found.fairness_spec.reference == (Pair(key="sex", value="M"),)
    assert found.verdicts[0].criterion.threshold == "0.8"


def test_a_label_with_other_values_asks_which_of_them_counts(office, desk, table, qtbot):
    frame = pd.read_csv(table)
    frame.assign(repaid=frame.repaid.map({1: "paid", 0: "default"})).to_csv(table, index=False)
    page = opened(office, desk, "Val Idris", tab="Fairness")
    page.shown_tab.new_report()
    dialog = page.findChild(NewBiasReport)
    dialog.path.give(table)
    qtbot.waitUntil(dialog.primary.isEnabled, timeout=WAIT)
    dialog.sensitive.tick("sex")
    assert (dialog.label_positive.value, dialog.pairing.isVisible()) == ("", False)
    dialog.attempt()
    assert dialog.error.text().startswith("Which value of “repaid” goes with approved = 1?")
    dialog.label_positive.choose("paid")
    assert dialog.pairing.text() == "approved = 1 is held against repaid = paid."
    assert dialog.spec().label_positive == "paid"
    dialog.label.choose("")
    assert not dialog.label_positive.isVisible()
    assert (dialog.spec().label, dialog.spec().label_positive) == (None, None)
    dialog.label.choose("repaid")
    dialog.label_positive.choose("default")
    dialog.attempt()
    qtbot.waitUntil(lambda: "Look whether the two events belong together" in said(page.shown_tab), timeout=WAIT)


def test_the_ratio_is_headed_by_what_it_is_of(office, desk, table):
    spec = FairnessSpec(label=None, decision="approved", positive="0", favourable=False, sensitive=("sex",))
    evidence.report(desk.as_("Val Idris"), desk.version, table, spec)
    tab = opened(office, desk, tab="Fairness").shown_tab
    assert "The ratio is of the share not selected" in said(tab)
    groups = next(t for t in tab.findChildren(RecordTable) if t.accessibleName() == "Groups compared")
    titles = {c.key: c.title for c in groups.records_model.columns}
    assert (titles["rate"], titles["ratio"]) == ("Selected", "Ratio")


def test_what_says_nothing_is_refused_in_the_dialog_and_leaves_no_entry(office, desk, table, qtbot):
    pd.read_csv(table).head(1).to_csv(table, index=False)
    page = opened(office, desk, "Val Idris", tab="Performance")
    head = audit.head_seq(desk.workspace)
    page.shown_tab.new_report()
    dialog = page.findChild(NewPerformance)
    dialog.path.give(table)
    qtbot.waitUntil(dialog.primary.isEnabled, timeout=WAIT)
    dialog.attempt()
    assert dialog.error.text().startswith("What really happened is not chosen.")  # no column is called as is usual
    dialog.label.choose("repaid")
    dialog.attempt()
    qtbot.waitUntil(lambda: dialog.error.text().startswith("The table is too small for a performance report."),
                    timeout=WAIT)
    assert audit.head_seq(desk.workspace) == head
    dialog.reject()


def test_performance_is_asked_for_computed_and_shown(office, desk, table, qtbot):
    """The score is random, so the AUC is about a half and misses 0.7."""
    page = opened(office, desk, "Val Idris", tab="Performance")
    assert "No performance report yet" in said(page.shown_tab)
    page.shown_tab.new_report()
    dialog = page.findChild(NewPerformance)
    dialog.path.give(table)
    qtbot.waitUntil(dialog.primary.isEnabled, timeout=WAIT)
    dialog.label.choose("repaid")
    dialog.decision.choose("approved")
    dialog.attempt()
    qtbot.waitUntil(lambda: "AUC is 0." in said(page.shown_tab), timeout=WAIT)
    found = evidence.listing(desk.as_("Val Idris"), desk.version)[0].item.record
    text = said(page.shown_tab)
    assert found.verdicts[0].sentence in text
    assert "Val Idris" in text
    assert found.inputs[0].digest[:8] in text.replace(" ", "")
    assert "AUC ≥ 0.70, judged by the whole interval" in text
    measures = next(t for t in page.shown_tab.findChildren(RecordTable) if t.accessibleName() == "Performance measures")
    assert [m.name for m in measures.shown][:2] == ["auc", "gini"]
    page.show_tab("Overview")
    office.settle()
    assert found.verdicts[0].sentence in said(page.shown_tab)
    click(qtbot, page.shown_tab, "Show performance")
    assert page.shown_tab.title == "Performance"


def test_a_running_report_is_stopped_and_nothing_is_filed(office, desk, table, qtbot, monkeypatch):
    def slow(workspace, version, path, spec, **more):
        while True:
            more["progress"].step(0.5, "counting")

    page = opened(office, desk, "Val Idris", tab="Fairness")
    monkeypatch.setattr(evidence, "report", slow)
    page.shown_tab.new_report()
    dialog = page.findChild(NewBiasReport)
    dialog.path.give(table)
    qtbot.waitUntil(dialog.primary.isEnabled, timeout=WAIT)
    dialog.sensitive.tick("sex")
    dialog.attempt()
    qtbot.waitUntil(lambda: dialog._status.text() == "counting", timeout=WAIT)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: dialog.error.text() == "Stopped. Nothing was recorded.", timeout=WAIT)
    assert dialog.primary.isEnabled()
    assert evidence.listing(desk.as_("Val Idris"), desk.version) == ()
    dialog.reject()


def test_a_report_that_others_rest_on_says_so_before_it_is_computed(office, desk, judged, qtbot):
    page = opened(office, desk, "Val Idris", tab="Fairness")
    page.shown_tab.new_report()
    office.settle()
    first = page.findChild(NewBiasReport)
    assert first.findChild(RestingNotice).isHidden()
    first.reject()
    ask(desk)
    page.shown_tab.new_report()
    dialog = page.findChildren(NewBiasReport)[-1]
    qtbot.waitUntil(dialog.findChild(RestingNotice).isVisible, timeout=WAIT)
    assert dialog.findChild(RestingNotice).text() == (
        "This will supersede E-1 Bias report. R-1 waits for decisions and rests on it: it can then no longer be "
        "approved, signatures already given will not take effect, and it has to be requested again.")
    dialog.reject()


def test_a_document_that_a_decision_rests_on_says_so_for_its_line(office, desk, tmp_path, qtbot):
    (tmp_path / "paper.pdf").write_bytes(PDF)
    evidence.file_document(desk.as_("Dev Patel"), desk.version, tmp_path / "paper.pdf", checklist="development")
    sign(desk, "Rita Risk", ask(desk), Meaning.APPROVE)
    dialog = FileDocument(office.jobs("Val Idris"), desk.version, {"development": "Development", "other": "Other"},
                          "development")
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(dialog._resting.isVisible, timeout=WAIT)
    assert "The version is in production by R-1, which rests on it" in dialog._resting.text()
    dialog.line.choose("other")
    qtbot.waitUntil(dialog._resting.isHidden, timeout=WAIT)


def test_reperforming_compares_every_number(office, desk, judged, table, qtbot):
    page = opened(office, desk, "Val Idris", tab="Fairness")
    click(qtbot, page.shown_tab, "Re-perform…")
    dialog = page.findChild(Reperform)
    assert dialog.path.path() == table
    dialog.attempt()
    qtbot.waitUntil(dialog.error.isVisible, timeout=WAIT)
    assert dialog.error.text().startswith("Every number and every verdict is")
    table.write_text(table.read_text() + "F,1,1,0.5\n")
    dialog.attempt()
    qtbot.waitUntil(lambda: "This is not the table" in dialog.error.text(), timeout=WAIT)
    dialog.reject()


def test_withdrawing_takes_a_reason(office, desk, judged, qtbot):
    page = opened(office, desk, "Val Idris", tab="Fairness")
    click(qtbot, page.shown_tab, "Withdraw…")
    dialog = page.findChild(GiveReason)
    qtbot.keyClicks(dialog.reason, "Wrong population")
    dialog.attempt()
    qtbot.waitUntil(lambda: not evidence.listing(desk.as_("Val Idris"), desk.version)[0].stands, timeout=WAIT)
    office.settle()


def test_an_explanation_without_the_artefact_says_what_is_missing(office, desk, table, qtbot):
    page = opened(office, desk, "Val Idris", tab="Explanation")
    page.shown_tab.new_report()
    dialog = page.findChild(NewExplanation)
    dialog.path.give(table)
    qtbot.waitUntil(dialog.primary.isEnabled, timeout=WAIT)
    assert dialog.features.value == ("approved", "repaid", "score")
    assert dialog.note.text().startswith("The model file of this version is not on this machine.")
    dialog.attempt()
    qtbot.waitUntil(dialog.error.isVisible, timeout=WAIT)
    assert dialog.error.text().startswith("The model file of this version is not on this machine.")
    dialog.reject()


@pytest.fixture
def scorecard(desk, tmp_path):
    """A model of two features in the order it was trained with, resolved as the artefact of the version."""
    draw = random.Random(3)
    rows = pd.DataFrame([{"score": draw.random(), "income": draw.gauss(50, 10)} for _ in range(200)])
    model = LogisticRegression().fit(rows[["score", "income"]], rows["score"] > 0.5)
    path = tmp_path / "scorecard.skops"
    path.write_bytes(skops.io.dumps(model))
    artefacts.resolve(desk.as_("Dev Patel"), desk.version, path)


@pytest.fixture
def explaining(office, desk, scorecard, qtbot):
    def make(table):
        page = opened(office, desk, "Val Idris", tab="Explanation")
        page.shown_tab.new_report()
        dialog = page.findChild(NewExplanation)
        dialog.path.give(table)
        qtbot.waitUntil(dialog.primary.isEnabled, timeout=WAIT)
        return page, dialog
    return make


def test_an_explanation_takes_the_features_that_the_model_names(explaining, office, desk, table, tmp_path, qtbot):
    rows = pd.read_csv(table)
    rows.insert(0, "income", 50.0)
    rows.to_csv(tmp_path / "whole.csv", index=False)
    _, dialog = explaining(tmp_path / "whole.csv")
    assert dialog.features.value == ("income", "score")
    assert dialog.note.text() == "The 2 features that the model names are ticked."
    assert dialog.rows.text() == "500 of 3,000"
    dialog.rows.setValue(20)
    dialog.background.setValue(10)
    dialog.attempt()
    qtbot.waitUntil(lambda: evidence.listing(desk.workspace, desk.version)[0].item.record.explanation, timeout=WAIT)
    office.settle()
    found = evidence.listing(desk.workspace, desk.version)[0].item.record
    assert {i.feature for i in found.explanation.importances} == {"income", "score"}


def test_features_that_the_table_lacks_are_named_before_anything_is_recorded(explaining, table):
    _, dialog = explaining(table)
    assert dialog.features.value == ("score",)
    assert "The model takes 1 feature that this table does not have: income." in dialog.note.text()
    dialog.reject()


def test_tab_walks_through_a_dialog_as_one_reads(explaining, table, qtbot):
    _, dialog = explaining(table)
    dialog.path.line.setFocus()
    reached = []
    while dialog.focusWidget() is not dialog.primary:
        qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Tab)
        reached.append(dialog.focusWidget())
    fields = [dialog.rows, dialog.background, dialog.row, dialog.seed, *dialog.features._boxes.values(),
              dialog.cancel_button, dialog.primary]
    assert [w for w in reached if w in fields] == fields
    dialog.reject()


def test_a_dropped_document_is_filed_as_asserted(office, desk, qtbot, tmp_path):
    file = tmp_path / "Development document.pdf"
    file.write_bytes(PDF)
    page = opened(office, desk, tab="Documents")
    tab = page.shown_tab
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(file))])
    drop = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                      Qt.KeyboardModifier.NoModifier)
    tab.checklist.line("development").dropEvent(drop)
    dialog = page.findChild(FileDocument)
    qtbot.keyClicks(dialog.author, "J. Marin")
    dialog.begin.setText("2025-01-01")
    dialog.attempt()
    qtbot.waitUntil(lambda: len(tab.table.shown) == 1, timeout=WAIT)
    line = tab.table.shown[0]
    assert [c.whole(line) for c in tab.table.visible_columns] == [
        "Development document, Model development document", "J. Marin, received 20 Nov 2026", "1 Jan 2025 – …",
        "asserted, not recomputed"]
    tab.save_copy_to(line, tmp_path / "copy.pdf")
    office.settle()
    assert (tmp_path / "copy.pdf").read_bytes() == PDF


def test_history_opens_the_entry(office, desk, qtbot):
    tab = opened(office, desk, tab="History").shown_tab
    assert tab.table.shown[-1].action == "model.registered"
    assert tab.table.choose(lambda event: event.action == "version.added")
    with qtbot.waitSignal(tab.page.open_requested) as asked:
        qtbot.keyClick(tab.table, Qt.Key.Key_Return)
    assert asked.args == ["audit", {"entry": tab.table.current.seq}]


def test_the_audit_pdf_is_written(office, desk, qtbot, tmp_path):
    approvals.request(desk.as_("Dev Patel"), desk.version, desk.use, rationale="First use",
                      change_class=next(iter(approvals.ChangeClass)), decide_by=date(2026, 12, 1))
    page = opened(office, desk)
    page.export_to(tmp_path / "audit.pdf")
    office.settle()
    assert (tmp_path / "audit.pdf").read_bytes().startswith(b"%PDF")
