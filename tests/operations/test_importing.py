"""Taking in a messy inventory: rows become models, problems are named, repeating changes nothing."""

from __future__ import annotations

from datetime import date

import openpyxl
import pytest

from desktop_app.domain.approval import PriorDecision
from desktop_app.domain.finding import Finding
from desktop_app.errors import Refused, UserError
from desktop_app.operations import audit, importing, inventory
from tests.desk import PASSPHRASE, make_desk

HEAD = ["Model ID", "Model name", "Version", "Purpose", "Tier", "Status", "Owner", "Validation opinion",
        "Validation date", "Approval date", "Approved until", "Approved by", "Finding", "Finding severity", "Next review"]
ROWS = [
    ["M-1", "Mortgage PD", "3", "Mortgages", 1, "in use", "S. Haddad", "fit", "12/03/2026", date(2026, 3, 20),
     date(2027, 3, 12), "Credit Risk Committee", "Thin file", "high", None],
    ["M-2", "Branch sheet", None, "Pricing", "Tier 3", "in use", "S. Haddad", None, None, None, None, None, None, None,
     date(2026, 1, 5)],
    [None] * 15,
    ["M-3", "Churn", "15", "Retail", "2", "retired", "P. Ito", None, "25/04/2025", None, None, None, None, None, None],
    ["M-3", "Churn twin", "1", "Retail", "2", "in use", "P. Ito", None, None, None, None, None, None, None, None],
    ["Total", None, None, None, None, None, None, None, None, None, None, None, None, None, None],
]


@pytest.fixture
def desk(tmp_path):
    made = make_desk(tmp_path)
    yield made
    made.workspace.close()


def book(path, rows=ROWS):
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.append(HEAD)
    for row in rows:
        sheet.append(row)
    made.save(path)
    return path


def test_rows_become_models_and_problems_are_named(desk, tmp_path):
    ws = desk.as_("Rita Risk")
    path = book(tmp_path / "models.xlsx")
    seen = importing.preview(ws, path)
    assert (seen.added, seen.read.counts.blank) == (2, 1)
    assert {p.row for p in seen.read.problems if p.done == "row refused"} == {5, 6}
    done = importing.run(ws, path, passphrase=PASSPHRASE)
    assert (done.added, done.refused, done.decisions) == (2, 2, 1)
    rows = {r.name: r for r in inventory.overview(ws).rows}
    row = rows["Mortgage PD"]
    assert (row.tier, row.opinion, row.approval_basis, row.approved_until) == (1, "fit", "prior_decision", date(2027, 3, 12))
    assert row.finding_severity == "high"
    with ws.store.read() as reader:
        (prior,) = reader.all(PriorDecision)
        assert (prior.record.decided_by, prior.record.recorded_by) == ("Credit Risk Committee", ws.me)
    assert "used_without_approval" in {c.key for c in inventory.overview(ws).counters}
    assert audit.verify(ws).problems == ()


def test_repeating_changes_nothing_and_an_edit_changes_one_thing(desk, tmp_path):
    ws = desk.as_("Rita Risk")
    path = book(tmp_path / "models.xlsx")
    importing.run(ws, path, passphrase=PASSPHRASE)
    again = importing.run(ws, path, passphrase=PASSPHRASE)
    assert (again.added, again.updated, again.unchanged, again.decisions) == (0, 0, 2, 0)
    rows = [list(r) for r in ROWS]
    rows[0][13] = "critical"
    book(path, rows[:1])
    edited = importing.run(ws, path, passphrase=PASSPHRASE)
    assert (edited.updated, edited.missing) == (1, ("M-2",))
    with ws.store.read() as reader:
        assert [f.record.severity for f in reader.all(Finding)] == ["high", "critical"]


def test_rows_that_share_a_number_do_not_overwrite_each_other(desk, tmp_path):
    ws = desk.as_("Rita Risk")
    two = [list(ROWS[0]), list(ROWS[0])]
    two[1][3] = "Second homes"
    path = book(tmp_path / "models.xlsx", two)
    first = importing.run(ws, path, passphrase=PASSPHRASE)
    again = importing.run(ws, path, passphrase=PASSPHRASE)
    assert (first.added, first.decisions) == (2, 2)
    assert (again.added, again.updated, again.unchanged, again.decisions) == (0, 0, 2, 0)


def test_unsigned_decisions_are_left_out_and_can_be_signed_later(desk, tmp_path):
    ws = desk.as_("Rita Risk")
    path = book(tmp_path / "models.xlsx")
    first = importing.run(ws, path)
    assert (first.decisions, first.decisions_left_out) == (0, 1)
    assert {r.approval_basis for r in inventory.overview(ws).rows} == {""}
    assert importing.run(ws, path).updated == 0
    assert importing.run(ws, path, passphrase=PASSPHRASE).decisions == 1
    assert "prior_decision" in {r.approval_basis for r in inventory.overview(ws).rows}


def test_a_wrong_passphrase_writes_nothing(desk, tmp_path):
    ws = desk.as_("Rita Risk")
    before = audit.head_seq(ws)
    with pytest.raises(Refused, match="passphrase"):
        importing.run(ws, book(tmp_path / "models.xlsx"), passphrase="not the passphrase")
    assert audit.head_seq(ws) == before


def test_something_else_than_a_spreadsheet_is_refused(desk, tmp_path):
    path = tmp_path / "models.xlsx"
    path.write_bytes(b"not a spreadsheet")
    with pytest.raises(UserError):
        importing.preview(desk.as_("Rita Risk"), path)
