"""The log: filters, one entry with its exact bytes, verification that names the first mismatch, export."""

from __future__ import annotations

import hashlib
import sqlite3

import pytest
from PySide6.QtWidgets import QPlainTextEdit

from desktop_app.gui.pages.audit import AuditPage
from desktop_app.operations import audit
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


def test_filters_by_person_action_text_and_time(page, qtbot):
    page.person.choose("Dev Patel")
    assert {line.actor for line in page.table.shown} == {"Dev Patel"}
    page.action.choose("use.described")
    assert [line.action for line in page.table.shown] == ["use.described"]
    page.person.choose("")
    page.action.choose("")
    page.days.choose(1)
    assert page.table.shown
    qtbot.keyClicks(page.filter, "described a use")
    qtbot.waitUntil(lambda: [line.action for line in page.table.shown] == ["use.described"])


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
    assert "were cut from the end" in said
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
