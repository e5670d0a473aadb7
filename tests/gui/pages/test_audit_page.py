"""The log: filters, one entry with its exact bytes, verification that names the first mismatch, export."""

from __future__ import annotations

import hashlib
import sqlite3

import pytest
from PySide6.QtWidgets import QPlainTextEdit, QPushButton

from desktop_app.gui.pages.audit import AuditPage
from desktop_app.operations import audit, entries, models
from tests.gui.pages.seen import dialog_of, words


@pytest.fixture
def page(office):
    made = office.open(AuditPage, "Ann Admin")
    office.settle()
    return made


def test_newest_first_and_the_first_is_shown_whole(page, desk):
    head = audit.head_seq(desk.workspace)
    assert [line.seq for line in page.table.shown] == list(range(head, 0, -1))
    said = words(page.detail)
    assert f"Entry {head}" in said
    assert "Rita Risk" in said
    stored = audit.show(desk.workspace, head)
    boxes = [box.toPlainText() for box in page.detail.findChildren(QPlainTextEdit)]
    assert boxes[0] == stored.entry.body
    assert boxes[1:] == [text for _, _, text in stored.facts]


def test_filters_by_person_action_model_text_and_days_all_together(page, qtbot, office, desk):
    page.filter.person.choose(desk.people["Dev Patel"])
    office.settle()
    assert {line.actor for line in page.table.shown} == {"Dev Patel"}
    page.filter.action.choose("use.described")
    office.settle()
    assert [line.action for line in page.table.shown] == ["use.described"]
    page.filter.last.setText("2026-11-19")
    page.filter.last.editingFinished.emit()
    office.settle()
    assert page.table.shown == []
    assert "None of" in words(page)
    page.filter.clear.click()
    office.settle()
    page.filter.first.setText("2026-11-20")
    page.filter.first.editingFinished.emit()
    office.settle()
    assert len(page.table.shown) == audit.head_seq(desk.workspace)
    page.filter.model.choose(desk.model)
    qtbot.keyClicks(page.filter.words, "described a use")
    qtbot.waitUntil(lambda: [line.action for line in page.table.shown] == ["use.described"])
    kept = page.state.selection("log_filter")
    assert (kept.model, kept.words, str(kept.first)) == (desk.model, "described a use", "2026-11-20")


def test_a_filter_that_was_kept_is_there_again(office, desk):
    made = office.open(AuditPage, "Ann Admin")
    made.filter.person.choose(desk.people["Dev Patel"])
    office.settle()
    again = AuditPage(made.jobs, made.state)
    office.qtbot.addWidget(again)
    assert again.filter.value.person == desk.people["Dev Patel"]


@pytest.mark.parametrize(("first", "last", "said"), [
    ("2026-13-01", "", "is not a day"), ("2026-11-20", "2026-11-01", "is after"),
])
def test_days_that_cannot_be_are_said_and_filter_nothing(page, office, desk, first, last, said):
    page.filter.first.setText(first)
    page.filter.last.setText(last)
    page.filter.last.editingFinished.emit()
    office.settle()
    assert said in words(page)
    assert len(page.table.shown) == audit.head_seq(desk.workspace)


def test_older_entries_come_when_one_scrolls(office, desk, monkeypatch):
    monkeypatch.setattr(entries, "PAGE", 4)
    monkeypatch.setattr(entries.page, "__defaults__", (None, 4, None))
    page = office.open(AuditPage, "Ann Admin")
    office.settle()
    head = audit.head_seq(desk.workspace)
    for _ in range(head):
        page.table.verticalScrollBar().valueChanged.emit(page.table.verticalScrollBar().maximum())
        office.settle()
    assert [line.seq for line in page.table.shown] == list(range(head, 0, -1))


def test_the_timeline_of_a_model_tells_what_each_entry_changed(office, desk):
    models.set_tier(desk.as_("Rita Risk"), desk.use, 1)
    page = office.open(AuditPage, "Ann Admin", model=desk.model)
    office.settle()
    assert page.filter.model.value == desk.model
    assert "about Scorecard" in words(page)
    assert page.table.shown[0].changes == "Tier: 3 → 1"
    assert {line.action for line in page.table.shown} == {
        "tier.set", "use.described", "version.added", "model.registered"}
    assert "What it changed" in words(page.detail)
    assert "Tier: 3 → 1" in words(page.detail)


def test_an_entry_leads_to_everything_about_its_model(page, desk, office, qtbot):
    page.table.choose(lambda line: line.action == "use.described")
    office.settle()
    button = next(b for b in page.detail.findChildren(QPushButton) if b.text().startswith("Everything about"))
    assert button.text() == "Everything about Scorecard…"
    with qtbot.waitSignal(page.open_requested) as opened:
        button.click()
    assert opened.args == ["audit", {"model": desk.model}]


def test_what_was_recomputed_in_the_background_is_said(page):
    page.state.log_recomputed.emit("Recomputed up to entry 5 of 9 at 11:40")
    assert "Recomputed up to entry 5 of 9 at 11:40." in words(page)


def test_an_entry_can_be_asked_for(office):
    page = office.open(AuditPage, "Ann Admin", entry=2)
    office.settle()
    assert page.table.current.seq == 2
    assert "Entry 2" in words(page.detail)


def test_verification_lists_numbered_checks_and_what_is_not_checked(page, qtbot, office):
    with qtbot.waitSignal(page.verified, timeout=10_000):
        page.verify_button.click()
    said = words(page.detail)
    assert "✓ The log verifies." in said
    assert [line.split()[0] for line in said.splitlines() if line[:1].isdigit()][:11] == [str(n) for n in range(1, 12)]
    assert "or rewritten" in said  # what no log shows by itself
    assert page.verify_button.isEnabled()


def test_verification_names_what_does_not_match(page, qtbot, desk, tmp_path):
    file = next(tmp_path.rglob("registry.assay"))
    with sqlite3.connect(file) as raw:
        names = [name for (name,) in raw.execute("select name from sqlite_master where type = 'trigger'")]
        for name in names:
            raw.execute(f'drop trigger "{name}"')
        table = next(t for (t,) in raw.execute("select name from sqlite_master where type = 'table'") if "entr" in t)
        raw.execute(f"update {table} set body = replace(body, 'Card lending', 'Card lendinG') where seq >= 1")
    raw.close()
    with qtbot.waitSignal(page.verified, timeout=10_000):
        page.verify()
    said = words(page.detail)
    assert "! The log does not verify." in said
    assert "3 chain of hashes" in said


def test_a_verification_can_be_stopped(page, qtbot, office):
    page.verify()
    page._verifying.cancel()
    office.settle()
    assert "Stopped" in words(page.detail) or "verifies" in words(page.detail)
    assert page.verify_button.isEnabled()


@pytest.mark.parametrize("name", ["log.jsonl", "log.csv"])
def test_export_writes_the_log_and_is_an_entry(page, office, desk, tmp_path, name):
    before = audit.head_seq(desk.workspace)
    page.export_to(tmp_path / name)
    office.settle()
    assert audit.head_seq(desk.workspace) == before + 1
    digest = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    dialog = dialog_of()
    assert digest in words(dialog)
    dialog.accept()
    assert page.table.shown[0].seq == before + 1


def test_only_what_passes_the_filter_is_exported_and_the_entry_says_so(page, office, desk, tmp_path):
    page.filter.person.choose(desk.people["Dev Patel"])
    office.settle()
    page.export_to(tmp_path / "dev.jsonl")
    office.settle()
    assert len((tmp_path / "dev.jsonl").read_text().splitlines()) == 3
    dialog_of().accept()
    assert audit.listing(desk.workspace)[0].note == "Exported the log as dev.jsonl: 3 entries, by Dev Patel"
