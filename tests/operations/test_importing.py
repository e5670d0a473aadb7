"""Taking in a messy inventory: rows become models, problems are named, repeating changes nothing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import openpyxl
import pytest

from desktop_app.domain.approval import PriorDecision
from desktop_app.domain.finding import Finding
from desktop_app.domain.model import ModelVersion, RegisteredModel
from desktop_app.domain.use import Use
from desktop_app.errors import Refused, StaleError, UserError
from desktop_app.operations import audit, erasure, importing, inventory, models
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
    assert (seen.counts.added, seen.counts.blank) == (2, 1)
    assert {p.row for p in seen.read.problems if p.done == "row refused"} == {5, 6}
    done = importing.run(ws, path, passphrase=PASSPHRASE)
    assert (done.counts.added, done.counts.refused, done.decisions) == (2, 2, 1)
    rows = {r.name: r for r in inventory.overview(ws).rows}
    row = rows["Mortgage PD"]
    assert (row.tier, row.opinion) == (1, "fit")
    assert (row.approval_basis, row.approved_until) == ("prior_decision", date(2027, 3, 12))
    assert row.finding_severity == "high"
    with ws.store.read() as reader:
        (prior,) = reader.all(PriorDecision)
        assert reader.names()[prior.record.decided_by] == "Credit Risk Committee"
        assert prior.record.recorded_by == ws.me
    assert "used_without_approval" in {c.key for c in inventory.overview(ws).counters}
    assert audit.verify(ws).problems == ()


def test_repeating_changes_nothing_and_an_edit_changes_one_thing(desk, tmp_path):
    ws = desk.as_("Rita Risk")
    path = book(tmp_path / "models.xlsx")
    importing.run(ws, path, passphrase=PASSPHRASE)
    again = importing.run(ws, path, passphrase=PASSPHRASE)
    assert (again.counts.added, again.counts.updated, again.counts.unchanged, again.decisions) == (0, 0, 2, 0)
    rows = [list(r) for r in ROWS]
    rows[0][13] = "critical"
    book(path, rows[:1])
    edited = importing.run(ws, path, passphrase=PASSPHRASE)
    assert (edited.counts.updated, edited.missing) == (1, ("M-2",))
    with ws.store.read() as reader:
        assert [f.record.severity for f in reader.all(Finding)] == ["high", "critical"]


def test_rows_that_share_a_number_do_not_overwrite_each_other(desk, tmp_path):
    ws = desk.as_("Rita Risk")
    two = [list(ROWS[0]), list(ROWS[0])]
    two[1][3] = "Second homes"
    path = book(tmp_path / "models.xlsx", two)
    first = importing.run(ws, path, passphrase=PASSPHRASE)
    again = importing.run(ws, path, passphrase=PASSPHRASE)
    assert (first.counts.added, first.decisions) == (2, 2)
    assert (again.counts.added, again.counts.updated, again.counts.unchanged, again.decisions) == (0, 0, 2, 0)


def test_unsigned_decisions_are_left_out_and_can_be_signed_later(desk, tmp_path):
    ws = desk.as_("Rita Risk")
    path = book(tmp_path / "models.xlsx")
    first = importing.run(ws, path)
    assert (first.decisions, first.decisions_left_out) == (0, 1)
    assert {r.approval_basis for r in inventory.overview(ws).rows} == {""}
    assert importing.run(ws, path).counts.updated == 0
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
    assert importing.preview(desk.as_(name), path).counts.added == 2  # looking is free
    with pytest.raises(Refused, match="Your role does not allow this"):
        importing.run(desk.as_(name), path, passphrase=PASSPHRASE)
    assert audit.head_seq(desk.workspace) == head
    assert importing.run(desk.as_("Ann Admin"), path).counts.added == 2


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
            return importing.run(ws, path, progress=Progress(report)).counts.added
        except StaleError as stale:
            return stale

    with ThreadPoolExecutor(2) as pool:
        done = [job.result() for job in [pool.submit(work) for _ in range(2)]]
    (told,) = (d for d in done if isinstance(d, StaleError))
    assert [d for d in done if d is not told] == [2]
    assert told.title == "Somebody else is importing an inventory."
    assert "Run it again" in told.remedy
    with ws.store.read() as reader:
        names = sorted(m.record.name for m in reader.all(RegisteredModel))
        assert names == ["Branch sheet", "Mortgage PD", "Scorecard"]
        assert len([n for n in reader.names().values() if n == "S. Haddad"]) == 1
    assert importing.run(ws, path).counts.unchanged == 2


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
    assert importing.run(ws, path).counts.unchanged == 1
    erasure.erase(desk.as_("Ann Admin"), people_named(ws, "S. Haddad"), "asked for it", PASSPHRASE)
    assert importing.run(ws, path).counts.updated == 1
    assert audit.verify(ws).problems == ()


def test_something_else_than_a_spreadsheet_is_refused(desk, tmp_path):
    path = tmp_path / "models.xlsx"
    path.write_bytes(b"not a spreadsheet")
    with pytest.raises(UserError):
        importing.preview(desk.as_("Rita Risk"), path)


# ---- the same inventory again, under another name


def facts(ws):
    """What is in the registry: (models, versions, uses, signed prior decisions)."""
    with ws.store.read() as reader:
        return (len({m.record.model for m in reader.all(RegisteredModel)}), len(reader.all(ModelVersion)),
                len(reader.all(Use)), len(reader.all(PriorDecision)))


def test_the_same_file_under_another_name_is_the_same_inventory(desk, tmp_path):
    ws = desk.as_("Rita Risk")
    importing.run(ws, book(tmp_path / "models.xlsx"), passphrase=PASSPHRASE)
    before, copy = facts(ws), book(tmp_path / "models (final) 2.xlsx")
    seen = importing.preview(ws, copy)
    assert (seen.counts.unchanged, seen.counts.added, seen.decisions, seen.decisions_known) == (2, 0, 0, 1)
    assert seen.whence == "2 of 2 rows are already here from “models.xlsx”. They stay the models they are."
    done = importing.run(ws, copy, passphrase=PASSPHRASE)
    assert (done.counts.unchanged, done.decisions, done.missing) == (2, 0, ())
    assert facts(ws) == before
    assert audit.verify(ws).problems == ()


def test_a_copy_with_one_edit_changes_one_thing_and_says_what_it_lacks(desk, tmp_path):
    ws, rows = desk.as_("Rita Risk"), [list(ROWS[0])]
    importing.run(ws, book(tmp_path / "models.xlsx"), passphrase=PASSPHRASE)
    before = facts(ws)
    rows[0][1], rows[0][13] = "Mortgage default", "critical"  # renamed too: its number and use are known
    done = importing.run(ws, book(tmp_path / "list of june.xlsx", rows), passphrase=PASSPHRASE)
    assert (done.counts.updated, done.counts.added, done.missing, done.decisions) == (1, 0, ("M-2",), 0)
    assert facts(ws) == before
    assert importing.run(ws, book(tmp_path / "models.xlsx", rows), passphrase=PASSPHRASE).counts.unchanged == 1


def test_another_inventory_stays_apart_although_its_file_and_its_numbers_are_called_the_same(desk, tmp_path):
    ws = desk.as_("Rita Risk")
    importing.run(ws, book(tmp_path / "models.xlsx"))
    other = [list(ROWS[0]), list(ROWS[1])]
    other[0][1], other[0][3], other[1][1], other[1][3] = "Liquidity gap", "Treasury", "Hedge ratio", "Treasury"
    seen = importing.preview(ws, book(tmp_path / "models.xlsx", other))
    assert (seen.counts.added, seen.counts.updated, seen.whence, seen.missing) == (2, 0, "", ())
    importing.run(ws, tmp_path / "models.xlsx")
    assert {"Mortgage PD", "Branch sheet", "Liquidity gap", "Hedge ratio"} <= {
        r.name for r in inventory.overview(ws).rows}
    assert importing.preview(ws, tmp_path / "models.xlsx").counts.unchanged == 2
    assert importing.preview(ws, book(tmp_path / "old.xlsx")).counts.unchanged == 2


def test_a_file_with_a_few_rows_of_another_inventory_continues_those(desk, tmp_path):
    ws = desk.as_("Rita Risk")
    four = [["T-1", *ROWS[1][1:]], ["T-2", *ROWS[1][1:]], ["T-3", *ROWS[1][1:]], list(ROWS[0])]
    for n, row in enumerate(four[:3]):
        row[1] = f"Treasury {n}"
    importing.run(ws, book(tmp_path / "models.xlsx", [ROWS[0], *([f"M-{n}", f"Other {n}", *ROWS[1][2:]]
                                                                 for n in range(5, 9))]), passphrase=PASSPHRASE)
    four[3][6] = "P. Ito"
    done = importing.run(ws, book(tmp_path / "treasury.xlsx", four), passphrase=PASSPHRASE)
    assert (done.counts.added, done.counts.updated, done.decisions) == (3, 1, 0)
    assert len([r for r in inventory.overview(ws).rows if r.name == "Mortgage PD"]) == 1
    assert importing.run(ws, tmp_path / "treasury.xlsx", passphrase=PASSPHRASE).counts.unchanged == 4


def test_rows_without_numbers_are_known_again_by_name_and_owner(desk, tmp_path):
    ws, rows = desk.as_("Rita Risk"), [[None, *ROWS[0][1:]], [None, *ROWS[1][1:]]]
    importing.run(ws, book(tmp_path / "models.xlsx", rows), passphrase=PASSPHRASE)
    before = facts(ws)
    assert importing.run(ws, book(tmp_path / "copy.xlsx", rows), passphrase=PASSPHRASE).counts.unchanged == 2
    numbered = importing.run(ws, book(tmp_path / "numbered.xlsx", ROWS[:2]), passphrase=PASSPHRASE)
    assert (numbered.counts.added, numbered.counts.updated, numbered.missing) == (0, 2, ())
    assert facts(ws) == before
    rows[1][6] = "P. Ito"  # the owner of another sheet of that name
    assert importing.preview(ws, book(tmp_path / "theirs.xlsx", rows[1:])).counts.added == 1


def test_a_copy_can_be_said_to_be_another_inventory(desk, tmp_path):
    ws = desk.as_("Rita Risk")
    importing.run(ws, book(tmp_path / "models.xlsx"))
    seen = importing.preview(ws, book(tmp_path / "subsidiary.xlsx"), as_new=True)
    assert (seen.counts.added, seen.source) == (2, "inventory:subsidiary")
    assert seen.whence == ("2 of 2 rows are already here from “models.xlsx”. "
                           "Each becomes a new model all the same, of another inventory.")
    importing.run(ws, tmp_path / "subsidiary.xlsx", as_new=True)
    assert facts(ws)[0] == 5
    assert importing.preview(ws, tmp_path / "subsidiary.xlsx").counts.unchanged == 2
    assert importing.preview(ws, tmp_path / "models.xlsx", source="Subsidiary").source == "inventory:subsidiary"


def test_a_decision_recorded_already_is_not_signed_again_whatever_else_changes(desk, tmp_path):
    ws, rows = desk.as_("Rita Risk"), [list(ROWS[0])]
    importing.run(ws, book(tmp_path / "models.xlsx", rows), passphrase=PASSPHRASE)
    rows[0][6] = "P. Ito"
    assert importing.run(ws, book(tmp_path / "models.xlsx", rows)).decisions_left_out == 0
    again = importing.run(ws, tmp_path / "models.xlsx", passphrase=PASSPHRASE)
    assert (again.decisions, again.counts.unchanged, facts(ws)[3]) == (0, 1, 1)
    rows[0][10] = date(2027, 9, 1)  # the approval was prolonged: that is another decision
    assert importing.preview(ws, book(tmp_path / "models.xlsx", rows)).decisions == 1
    assert importing.run(ws, tmp_path / "models.xlsx", passphrase=PASSPHRASE).decisions == 1


def test_preview_and_result_count_every_row_alike(desk, tmp_path):
    ws, path = desk.as_("Rita Risk"), book(tmp_path / "models.xlsx")
    seen, done = importing.preview(ws, path), importing.run(ws, path)
    assert done.counts == seen.counts
    assert seen.counts.sentence == "6 rows: 2 added, 0 updated, 0 unchanged, 2 refused, 2 blank or passed over."
    one = importing.preview(ws, book(tmp_path / "one.xlsx", ROWS[:1])).counts
    assert one.sentence.startswith("1 row: ")


def test_a_file_that_is_no_workbook_says_what_it_is(desk, tmp_path):
    path = tmp_path / "fake.xlsx"
    path.write_bytes(b"Model ID,Model name\nM-1,Scorecard\n")
    with pytest.raises(UserError) as told:
        importing.preview(desk.as_("Rita Risk"), path)
    assert "not an Excel workbook" in told.value.detail
    assert ".csv" in told.value.remedy
