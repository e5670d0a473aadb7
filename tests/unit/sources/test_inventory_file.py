"""Reading messy inventories: what is read, what is refused, and that nothing is guessed."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from desktop_app.domain.canonical import encode, sha256
from desktop_app.domain.finding import Severity
from desktop_app.domain.model import Nature, Origin, Pair, UseState
from desktop_app.domain.validation import Opinion
from desktop_app.errors import Cancelled, UserError
from desktop_app.progress import Progress
from desktop_app.sources.inventory_fields import AmbiguousDate, read_date, read_opinion, read_tier
from desktop_app.sources.inventory_file import (
    FIELDS,
    DateOrder,
    Done,
    InventoryRead,
    Mapping,
    read_inventory,
    read_sheets,
    suggest_mapping,
)

HEAD = ["ID", "Model name", "Purpose", "Tier", "Status", "Approved until", "Validation date", "Opinion", "Model owner"]


def save(path: Path, rows: Sequence[Sequence[Any]], **sheets: Sequence[Sequence[Any]]) -> Path:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, lines in {"Inventory": rows, **sheets}.items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(list(line))
    book.save(path)
    return path


def read(path: Path, order: DateOrder | None = None, **more: str) -> InventoryRead:
    mapping = suggest_mapping(read_sheets(path)[0])
    columns = tuple(Pair(key=k, value=v) for k, v in ({p.key: p.value for p in mapping.columns} | more).items())
    return read_inventory(path, Mapping(sheet=mapping.sheet, header_row=mapping.header_row, columns=columns,
                                        date_order=order), Progress())


def whats(found: InventoryRead) -> list[tuple[int, str, Done]]:
    return [(p.row, p.what, p.done) for p in found.problems]


def test_a_messy_workbook_row_by_row(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Modellinventar"
    for line in (
        ["Model inventory of the bank", None],
        [],
        HEAD,
        ["M-1", "PD Mortgages", "Credit", 1, "In use", "31.12.2026", date(2025, 3, 1), "Fit", "Ann"],
        ["M-2", "LGD Mortgages", "", "Tier 2", "live", date(2027, 1, 31), "2024-05-06", "fit with conditions", ""],
        [None] * 9,
        ["M-3", "Spread tool", None, "low", "retired", None, "1 März 2024", None, None],
        ["M-3", "Other tool", None, "high", "pilot", None, None, None, None],
        ["M-4", "", "Pricing", 1, "in use", None, None, None, None],
        ["M-5", "AML scoring", "Screening", "purple", "perhaps", "n/a", "12 Foo 2024", "-", "Cy"],
        ["M-6", "Margin", "Pricing", 2.0, "no", "soon", None, None, None],
        HEAD,
        ["Total: 7 models"],
    ):
        sheet.append(line)
    sheet.merge_cells("A1:I1")
    sheet["I5"] = "Bo"
    sheet.merge_cells("I5:I7")
    sheet.row_dimensions[5].hidden = True
    sheet.column_dimensions["C"].hidden = True
    path = tmp_path / "messy.xlsx"
    book.save(path)

    (seen,) = read_sheets(path)
    assert (seen.name, seen.header_row, seen.rows) == ("Modellinventar", 3, 9)
    assert [c.title for c in seen.columns] == HEAD
    assert seen.columns[3].samples == ("1", "Tier 2", "low", "high", "purple")
    assert any("A1:I1, I5:I7" in n for n in seen.notes)
    assert any("Hidden rows" in n and "5" in n for n in seen.notes)
    assert any("Hidden columns" in n and "C" in n for n in seen.notes)

    found = read(path)
    first, second, fifth = found.entries
    assert (first.number, first.name, first.tier, first.use_state) == ("M-1", "PD Mortgages", 1, UseState.IN_USE)
    assert (first.approved_until, first.validated_on) == (date(2026, 12, 31), date(2025, 3, 1))
    assert first.opinion is Opinion.FIT
    assert (second.tier, second.opinion, second.owner) == (2, Opinion.FIT_WITH_CONDITIONS, "Bo")
    assert (second.validated_on, second.approved_until) == (date(2024, 5, 6), date(2027, 1, 31))
    assert (fifth.name, fifth.tier, fifth.use_state, fifth.approved_until) == ("AML scoring", None, None, None)
    assert [(r, d) for r, _, d in whats(found)] == [
        (7, Done.ROW_REFUSED), (8, Done.ROW_REFUSED), (9, Done.ROW_REFUSED), (10, Done.LEFT_EMPTY),
        (10, Done.LEFT_EMPTY), (10, Done.LEFT_EMPTY), (11, Done.ROW_REFUSED), (12, Done.WARNING), (13, Done.WARNING)]
    assert all("rows 7, 8" in w for r, w, _ in whats(found) if r in (7, 8))
    assert next(p for p in found.problems if p.row == 11).column == "F · Approved until"
    c = found.counts
    assert (c.rows, c.read, c.refused, c.blank, c.passed_over, c.warnings, c.left_empty) == (10, 3, 4, 1, 2, 2, 3)
    assert c.rows == c.read + c.refused + c.blank + c.passed_over
    assert found.digest == sha256(path.read_bytes())
    assert encode(found)


def test_every_field_can_be_read(tmp_path: Path) -> None:
    values = {
        "tier": "Tier 3", "use_state": "parallel run", "origin": "Third party", "nature": "No", "opinion": "not fit",
        "finding_severity": "Hoch"}
    row = [values.get(f.key, "2026-02-03" if f.is_date else f"the {f.key}") for f in FIELDS]
    found = read(save(tmp_path / "all.xlsx", [[f.label for f in FIELDS], row]))
    assert found.problems == ()
    (entry,) = found.entries
    for field, text in zip(FIELDS, row, strict=True):
        if field.is_date:
            assert getattr(entry, field.key) == date(2026, 2, 3)
        elif field.read is None:
            assert getattr(entry, field.key) == text
    assert (entry.tier, entry.use_state, entry.origin) == (3, UseState.PARALLEL_RUN, Origin.VENDOR)
    assert (entry.nature, entry.opinion, entry.finding_severity) == (Nature.NOT_A_MODEL, Opinion.NOT_FIT, Severity.HIGH)


@pytest.mark.parametrize(("titles", "expected"), [
    (["Modell-ID", "Modellname", "Zweck", "Risikoklasse", "Genehmigt bis", "Validierungsergebnis"],
     ["number", "name", "purpose", "tier", "approved_until", "opinion"]),
    (["Nr.", "Modelnaam", "Doel", "Risicoklasse", "Geldig tot", "Laatste validatie", "Eigenaar"],
     ["number", "name", "purpose", "tier", "approved_until", "validated_on", "owner"]),
    (["Model", "Status", "Validation status", "Due date", "Date of last validation (YYYY)"],
     ["name", "use_state", "opinion", "finding_due", "validated_on"]),
    (["Name", "Name", "Favourite colour", "Comments"], ["name", "description"])])
def test_columns_are_recognised_by_their_titles(tmp_path: Path, titles: list[str], expected: list[str]) -> None:
    (sheet,) = read_sheets(save(tmp_path / "a.xlsx", [titles, ["x"] * len(titles)]))
    assert sorted(p.key for p in suggest_mapping(sheet).columns) == sorted(expected)


def test_no_two_fields_share_a_synonym() -> None:
    every = [s for f in FIELDS for s in set(f.synonyms)]
    assert sorted(every) == sorted(set(every))


@pytest.mark.parametrize(("dates", "expected"), [
    (["03/04/2025", "25/12/2024"], [date(2025, 4, 3), date(2024, 12, 25)]),
    (["03/04/2025", "12/25/2024"], [date(2025, 3, 4), date(2024, 12, 25)]),
    (["03/04/2025", "25/12/2024", "12/25/2024"], [None, date(2024, 12, 25), date(2024, 12, 25)]),
    (["03/04/2025", "05/05/2025"], [None, date(2025, 5, 5)])])
def test_a_column_settles_the_order_of_day_and_month_or_the_cell_is_an_error(
        tmp_path: Path, dates: list[str], expected: list[date | None]) -> None:
    path = save(tmp_path / "d.xlsx", [["Name", "Validated on"], *([f"m{n}", d] for n, d in enumerate(dates))])
    found = read(path)
    assert [e.validated_on for e in found.entries] == expected
    assert [p.row for p in found.problems] == [n + 2 for n, d in enumerate(expected) if d is None]
    assert read(path, DateOrder.DAY_FIRST).entries[0].validated_on == date(2025, 4, 3)
    assert read(path, DateOrder.MONTH_FIRST).entries[0].validated_on == date(2025, 3, 4)


@pytest.mark.parametrize(("text", "expected"), [
    ("2025-3-1", date(2025, 3, 1)), ("1.3.2025", date(2025, 3, 1)), ("01.03.25", date(2025, 3, 1)),
    ("31/12/99", date(1999, 12, 31)), ("1 Mar 2025", date(2025, 3, 1)), ("1-Mar-25", date(2025, 3, 1)),
    ("March 1, 2025", date(2025, 3, 1)), ("1st March 2025", date(2025, 3, 1)), ("1. März 2025", date(2025, 3, 1)),
    ("3 mrt 2025", date(2025, 3, 3)), ("12 okt. 2025", date(2025, 10, 12)), ("2025-03-01T10:00:00Z", date(2025, 3, 1)),
    ("29.02.2024", date(2024, 2, 29))])
def test_dates_as_text(text: str, expected: date) -> None:
    assert read_date(text, None) == expected


@pytest.mark.parametrize("text", ["45012", "Q1 2025", "2025", "Mar 2025", "29.02.2025", "31/31/2025", "soon", "1/2/3/4",
                                  "0001-01-01", "１/2/2025x", "13 Foo 2024", ""])
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_date(text, None)


@given(st.dates(date(1970, 1, 1), date(2069, 12, 31)))
def test_a_date_is_never_read_as_another_one(day: date) -> None:
    assert read_date(day.isoformat(), None) == day
    assert read_date(f"{day:%d.%m.%Y}", None) == day
    assert read_date(f"{day:%d.%m.%y}", None) == day
    for order, text in ((DateOrder.DAY_FIRST, f"{day:%d/%m/%Y}"), (DateOrder.MONTH_FIRST, f"{day:%m/%d/%Y}")):
        assert read_date(text, order) == day
        try:
            found = read_date(text, None)
        except AmbiguousDate:
            continue
        assert found == day


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    for reader in (lambda t: read_date(t, None), read_tier, read_opinion):
        try:
            assert reader(text) is not None
        except ValueError:
            continue


def test_one_model_may_stand_once_for_each_use(tmp_path: Path) -> None:
    found = read(save(tmp_path / "u.xlsx", [
        ["ID", "Name", "Purpose"], ["1", "PD", "Origination"], ["1", "PD", "Provisioning"], ["2", "LGD", "a"],
        ["2", "LGD", "A "], [None, "EAD", "x"], [None, "ead", "x"], ["3", "CCF", ""]]))
    assert [(e.name, e.purpose) for e in found.entries] == [("PD", "Origination"), ("PD", "Provisioning"), ("CCF", "")]
    assert [(r, d) for r, _, d in whats(found)] == [
        (2, Done.WARNING), (3, Done.WARNING), *((r, Done.ROW_REFUSED) for r in (4, 5, 6, 7))]


def test_formulas_are_read_as_stored_and_errors_are_named(tmp_path: Path) -> None:
    found = read(save(tmp_path / "f.xlsx", [
        ["Name", "Tier", "Purpose"], ["PD", "=1+1", '=HYPERLINK("http://x")'], ["LGD", "#N/A", "#REF!"]]))
    assert [(e.tier, e.purpose) for e in found.entries] == [(None, ""), (None, "")]
    assert sorted({w for _, w, _ in whats(found)}) == [
        "a formula whose value was not stored; open and save the file in Excel", "the spreadsheet shows an error here"]
    assert any("formulas" in n for n in found.notes)


def test_other_columns_are_kept_as_text_and_long_text_is_cut_visibly(tmp_path: Path) -> None:
    found = read(save(tmp_path / "o.xlsx", [["Name", "Purpose", "Cost centre"], ["PD", "x" * 6000, "=cmd|'/c calc'!A0"],
                                            ["LGD", "", 4711.5]]))
    assert found.entries[1].unmapped == (Pair(key="Cost centre", value="4711.5"),)
    assert len(found.entries[0].purpose) == 5000
    assert any("longer than" in w for _, w, _ in whats(found))


def test_a_mapping_is_kept_and_used_again_on_a_file_that_grew_a_row(tmp_path: Path) -> None:
    old = save(tmp_path / "q1.xlsx", [["Name", "Colour of the file"], ["PD", "2"]])
    mapping = Mapping.from_json(Mapping(
        sheet="Inventory", header_row=1, columns=(Pair(key="name", value="Name"),
                                                  Pair(key="tier", value="Colour of the file"))).to_json())
    assert read_inventory(old, mapping, Progress()).entries[0].tier == 2
    new = save(tmp_path / "q2.xlsx", [["Second quarter"], [], ["Name", "Colour of the file"], ["PD", "3"]])
    assert read_inventory(new, mapping, Progress()).entries[0].tier == 3
    other = save(tmp_path / "q3.xlsx", [["Name", "Tier"], ["PD", "3"]])
    with pytest.raises(UserError, match="do not fit") as caught:
        read_inventory(other, mapping, Progress())
    assert "Colour of the file" in caught.value.detail
    two = save(tmp_path / "q4.xlsx", [["Name"], ["PD"]], Second=[["Name"], ["x"]])
    assert [s.name for s in read_sheets(two)] == ["Inventory", "Second"]
    with pytest.raises(UserError, match="no sheet"):
        read_inventory(two, Mapping(sheet="Third", header_row=1, columns=mapping.columns), Progress())


@pytest.mark.parametrize("text", [
    "", "{}", "[]", "null", "1", "[" * 100_000, '{"format": "inventory mapping 1"}',
    '{"format": "inventory mapping 1", "sheet": "a", "header_row": 0, "date_order": null, "columns": {}}',
    '{"format": "inventory mapping 1", "sheet": "a", "header_row": 1, "date_order": "x", "columns": {}}',
    '{"format": "inventory mapping 1", "sheet": "a", "header_row": 1, "date_order": null, "columns": {"evil": "a"}}',
    '{"format": "inventory mapping 1", "sheet": "a", "header_row": 1, "date_order": null, "columns": {"name": 1}}'])
def test_what_is_no_mapping(text: str) -> None:
    with pytest.raises(UserError, match="not a saved column mapping"):
        Mapping.from_json(text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_in_every_encoding_and_delimiter(tmp_path: Path, encoding: str, delimiter: str) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(
        [["Name", "Zweck", "Genehmigt bis"], ["Märkte", f"a{delimiter}b, c", "31.12.2026"], [], ["Zürich", "d\ne", ""]])
    path = tmp_path / "i.csv"
    path.write_bytes(out.getvalue().encode(encoding))
    found = read(path)
    assert [(e.name, e.purpose, e.approved_until) for e in found.entries] == [
        ("Märkte", f"a{delimiter}b, c", date(2026, 12, 31)), ("Zürich", "d\ne", None)]
    assert found.counts.blank == 1
    assert {"cp1252": "Windows-1252", "utf-16": "UTF-16"}.get(encoding, "UTF-8") in found.notes[0]


def test_csv_with_the_separator_stated_and_short_rows(tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    path.write_text("sep=;\nName;Purpose;Tier\nPD;a, b, c\nLGD;d;2\n")
    found = read(path)
    assert [(e.row, e.purpose, e.tier) for e in found.entries] == [(3, "a, b, c", None), (4, "d", 2)]
    assert any("fewer columns" in n for n in found.notes)


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("xl/workbook.xml", b" " * (40 * 2**20))


def entity(path: Path) -> None:
    good = save(path.with_name("good.xlsx"), [["Name"], ["PD"]])
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(path, "w") as out:
        for name in source.namelist():
            data = source.read(name)
            if name == "xl/workbook.xml":
                data = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + data
            out.writestr(name, data)


def merged(path: Path) -> None:
    """A sheet of which all 17 thousand million cells are merged."""
    good = save(path.with_name("good.xlsx"), [["Name"], ["PD"]])
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(path, "w") as out:
        for name in source.namelist():
            areas = b'</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
            out.writestr(name, source.read(name).replace(b"</sheetData>", areas))


@pytest.mark.parametrize(("write", "said"), [
    (merged, "merged"),
    (lambda p: p.write_bytes(b""), "no data"), (lambda p: p.write_text("a,b"), "called .xlsx but is not"),
    (lambda p: p.write_bytes(b"\0\x01\x02" * 99), "neither"),
    (lambda p: p.write_bytes(bytes.fromhex("D0CF11E0A1B11AE1") + b"x" * 600), "password"),
    (lambda p: p.write_bytes(b"PK\x03\x04 no zip"), "damaged"), (bomb, "unpack"), (entity, "damaged"),
    (lambda p: zipfile.ZipFile(p, "w").writestr("content.xml", "x"), "not an Excel workbook"),
    (lambda p: p.write_text('a,b\n"never closed'), "well-formed"), (lambda p: p.mkdir(), "cannot be read"),
    (lambda p: p.write_text("a" + "," * 3000), "columns"), (lambda p: None, "cannot be read")])
def test_wrong_files_get_a_clear_error(tmp_path: Path, write: Any, said: str) -> None:
    path = tmp_path / f"inventory.{'csv' if said in ('neither', 'well-formed', 'columns') else 'xlsx'}"
    write(path)
    with pytest.raises(UserError) as caught:
        read_sheets(path)
    assert said in str(caught.value)
    assert caught.value.remedy


def test_a_sheet_that_claims_to_reach_far_is_cheap(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["Name"])
    sheet.append(["PD"])
    sheet.cell(1_048_576, 16_384).number_format = "0.00"  # formatted, empty
    book.save(tmp_path / "far.xlsx")
    assert [e.name for e in read(tmp_path / "far.xlsx").entries] == ["PD"]
    sheet.cell(1_000_000, 1).value = "x"
    book.save(tmp_path / "far.xlsx")
    with pytest.raises(UserError, match="cannot be read"):
        read_sheets(tmp_path / "far.xlsx")


def test_a_file_without_a_name_column_and_a_stopped_read(tmp_path: Path) -> None:
    path = save(tmp_path / "n.xlsx", [["Colour", "Tier"], ["red", 1]])
    with pytest.raises(UserError, match="do not fit"):
        read(path)
    with pytest.raises(Cancelled):
        read_inventory(path, Mapping(sheet="Inventory", header_row=1, columns=(Pair(key="name", value="Colour"),)),
                       Progress(cancelled=lambda: True))
