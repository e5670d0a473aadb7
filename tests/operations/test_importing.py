"""Taking in a messy inventory: rows become models, problems are named, repeating changes nothing."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import openpyxl
import pytest

from desktop_app.domain.approval import PriorDecision
from desktop_app.domain.finding import Finding
from desktop_app.domain.model import RegisteredModel
from desktop_app.errors import Refused, StaleError, UserError
from desktop_app.operations import audit, importing, inventory, models
from desktop_app.progress import Progress
from tests.desk import PASSPHRASE, make_desk

HEAD = ["Model ID", "Model name", "Version", "Purpose", "Tier", "Status", "Owner", "Validation opinion",
        "Validation date", "Approval date", "Approved until", "Approved by", "Finding", "Finding severity",
        "Next review"]
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
    assert (row.tier, row.opinion) == (1, "fit")
    assert (row.approval_basis, row.approved_until) == ("prior_decision", date(2027, 3, 12))
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


@pytest.mark.parametrize("name", ["Dev Patel", "Olga Owner", "Val Idris", "Cora Compliance"])
def test_only_model_risk_and_administrators_import(desk, tmp_path, name):
    path, head = book(tmp_path / "models.xlsx"), audit.head_seq(desk.workspace)
    assert importing.preview(desk.as_(name), path).added == 2  # looking is free
    with pytest.raises(Refused, match="Your role does not allow this"):
        importing.run(desk.as_(name), path, passphrase=PASSPHRASE)
    assert audit.head_seq(desk.workspace) == head
    assert importing.run(desk.as_("Ann Admin"), path).added == 2


def test_of_two_imports_at_once_one_is_told(desk, tmp_path):
    """The second has read what is known before the first writes anything."""
    ws, path = desk.as_("Rita Risk"), book(tmp_path / "models.xlsx")
    at_once = threading.Barrier(2)

    def work():
        waited = []

        def report(fraction, _status):
            if fraction >= 0.3 and not waited:
                waited.append(at_once.wait(20))

        try:
            return importing.run(ws, path, progress=Progress(report)).added
        except StaleError as stale:
            return stale

    with ThreadPoolExecutor(2) as pool:
        done = [job.result() for job in [pool.submit(work) for _ in range(2)]]
    (told,) = (d for d in done if isinstance(d, StaleError))
    assert [d for d in done if d is not told] == [2]
    assert told.title == "Somebody else is importing this inventory."
    assert "Run it again" in told.remedy
    with ws.store.read() as reader:
        names = sorted(m.record.name for m in reader.all(RegisteredModel))
        assert names == ["Branch sheet", "Mortgage PD", "Scorecard"]
        assert len([n for n in reader.names().values() if n == "S. Haddad"]) == 1
    assert importing.run(ws, path).unchanged == 2


def test_what_was_edited_here_stays_when_the_file_says_something_else_anew(desk, tmp_path):
    ws, rows = desk.as_("Rita Risk"), [list(ROWS[0])]
    importing.run(ws, book(tmp_path / "models.xlsx", rows))
    model = next(r.model for r in inventory.overview(ws).rows if r.name == "Mortgage PD")
    models.revise(ws, model, owner=desk.people["Olga Owner"], technique="logistic regression")
    rows[0][1] = "Mortgage default"
    importing.run(ws, book(tmp_path / "models.xlsx", rows))
    rows.append(list(rows[0]))  # a second use of the model: a row that says nothing new of it
    rows[1][0], rows[1][3] = "M-1b", "Second homes"
    importing.run(ws, book(tmp_path / "models.xlsx", rows))
    with ws.store.read() as reader:
        now = [m.record for m in reader.all(RegisteredModel) if m.record.model == model][-1]
    assert (now.name, now.owner, now.technique) == (
        "Mortgage default", desk.people["Olga Owner"], "logistic regression")
    rows[0][6] = rows[1][6] = "P. Ito"  # what the file does say anew is taken over
    importing.run(ws, book(tmp_path / "models.xlsx", rows))
    assert {r.owner for r in inventory.overview(ws).rows if r.model == model} == {people_named(ws, "P. Ito")}


def people_named(ws, name):
    with ws.store.read() as reader:
        return next(person for person, printed in reader.names().items() if printed == name)


def test_what_a_row_said_can_be_erased(desk, tmp_path):
    ws, path = desk.as_("Rita Risk"), book(tmp_path / "models.xlsx", ROWS[1:2])
    importing.run(ws, path)
    with ws.store.read() as reader:
        assert not [row["kind"] for row in reader.raw_facts() if "Haddad" in row["body"]]
    assert importing.run(ws, path).unchanged == 1
    raw = sqlite3.connect(ws.store.folder / "registry.assay")
    raw.execute("DELETE FROM identity WHERE text LIKE '%Haddad%'")
    raw.commit()
    raw.close()
    assert importing.run(ws, path).updated == 1
    assert audit.verify(ws).problems == ()


def test_something_else_than_a_spreadsheet_is_refused(desk, tmp_path):
    path = tmp_path / "models.xlsx"
    path.write_bytes(b"not a spreadsheet")
    with pytest.raises(UserError):
        importing.preview(desk.as_("Rita Risk"), path)
