"""Tables in .xlsx and .csv files as plain cells: text and real dates, nothing evaluated.

What was done to the file to read it (merged cells filled, hidden rows, an encoding taken) is told in `notes`.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from desktop_app.domain.canonical import Digest, record, sha256
from desktop_app.domain.words import counted
from desktop_app.errors import UserError

SIZE_LIMIT = 50 * 2**20  # bytes of the file
UNPACKED_LIMIT = 512 * 2**20
RATIO_LIMIT = 200
ROWS_LIMIT, COLUMNS_LIMIT, CELLS_LIMIT = 100_000, 2_000, 5_000_000
MERGED_LIMIT = 200_000  # cells
SAMPLES = 5
CSV_SHEET = "table"
Cell = str | date  # "" is empty
_AREA = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7}):\$?([A-Z]{1,3})\$?(\d{1,7})")
_OLE = bytes.fromhex("D0CF11E0A1B11AE1")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig", "UTF-8"), (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
         (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"))


@record
class Grid:
    """All cells of a sheet, row by row from row 1; every row is equally long."""

    name: str
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    unevaluated: tuple[tuple[int, int], ...] = ()  # (row, column) from 1: formulas that have no stored value
    filled: frozenset[tuple[int, int]] = frozenset()  # (row, column) from 1: cells that have their value from a merge

    def own(self, row: int) -> tuple[Cell, ...]:
        """The cells of a row (from 1) that are not empty in the file itself."""
        return tuple(c for n, c in enumerate(self.rows[row - 1], 1) if c != "" and (row, n) not in self.filled)


@record
class Book:
    """The sheets of a file, and the SHA-256 of its bytes."""

    digest: Digest
    grids: tuple[Grid, ...]


def open_book(path: Path) -> Book:
    """Reads a whole .xlsx or .csv file, told apart by content. Raises UserError."""
    try:
        size = path.stat().st_size
        if size > SIZE_LIMIT:
            raise _wrong(path, f"It is larger than {SIZE_LIMIT // 2**20} MiB.", "Save only the inventory sheet.")
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"The file {path.name} cannot be read.", str(error.strerror or error),
                        "Check that it exists, is a file, and may be read; close it in other programs.") from error
    if data.startswith(_OLE):
        raise _wrong(path, "It is an old .xls file, or an Excel file with a password.",
                     "Open it in Excel and save it as .xlsx without a password.")
    if path.suffix.lower() in (".xlsx", ".xlsm") and data and not data.startswith(b"PK\x03\x04"):
        raise _wrong(path, f"It is called {path.suffix} but is not an Excel workbook; perhaps damaged, or text.",
                     "Open it in Excel and save it as .xlsx; if it is text with separators, call it .csv.")
    grids = _excel(path, data) if data.startswith(b"PK\x03\x04") else (_csv(path, data),)
    if not any(any(cell != "" for cell in row) for grid in grids for row in grid.rows):
        raise _wrong(path, "It holds no data.", "Choose the file with the inventory in it.")
    return Book(digest=sha256(data), grids=grids)


def letter(column: int) -> str:
    """The name of a column counted from 1: A … Z, AA …"""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def _wrong(path: Path, detail: str, remedy: str) -> UserError:
    return UserError(f"The file {path.name} cannot be read as an inventory.", detail, remedy)


# ---- Excel


def _excel(path: Path, data: bytes) -> tuple[Grid, ...]:
    from openpyxl import load_workbook

    _check_zip(path, data)
    try:
        merged = _merged_cells(data)
        if merged > MERGED_LIMIT:  # openpyxl would make an object of each
            raise ValueError(f"more than {MERGED_LIMIT:,} of its cells are merged")
        stored = load_workbook(io.BytesIO(data), data_only=True, keep_links=False)
        written = load_workbook(io.BytesIO(data), data_only=False, keep_links=False)
    except Exception as error:
        why = str(error) if type(error) is ValueError else type(error).__name__
        raise _wrong(path, f"The Excel file is damaged or unusual: {why[:200]}.",
                     "Copy the inventory into a new workbook in Excel and save that as .xlsx.") from error
    return tuple(_grid(path, sheet, written[sheet.title]) for sheet in stored.worksheets)


def _check_zip(path: Path, data: bytes) -> None:
    """Raises UserError for what is no workbook, or unpacks to too much (openpyxl reads no more than is stated)."""
    try:
        members = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise _wrong(path, "It is damaged.", "Open it in the program it comes from and save it again.") from error
    names = [m.filename for m in members]
    if "xl/workbook.xml" not in names:
        raise _wrong(path, "It is not an Excel workbook.", "Save the inventory as .xlsx or .csv.")
    total = sum(m.file_size for m in members)
    if (len(members) > 10_000 or total > UNPACKED_LIMIT or len(set(names)) != len(names)
            or (total > 2**20 * 16 and total > RATIO_LIMIT * len(data))):
        raise _wrong(path, f"It would unpack to {total // 2**20} MiB, far more than an inventory holds.",
                     "Copy the inventory into a new workbook and save that.")


def _merged_cells(data: bytes) -> int:
    """How many cells the merged areas of a workbook cover; counted no further than the limit."""
    from defusedxml.ElementTree import iterparse

    found = 0
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        for member in packed.namelist():
            if found > MERGED_LIMIT or not member.startswith("xl/") or not member.endswith(".xml"):
                continue
            with packed.open(member) as part:
                for _, element in iterparse(part):
                    if element.tag.rpartition("}")[2] == "mergeCell":
                        found += _size(element.get("ref", ""))
                    element.clear()
    return found


def _size(area: str) -> int:
    """How many cells an area like A1:C3 has; 1 where it is none."""
    found = _AREA.fullmatch(area.upper())
    if not found:
        return 1
    wide = abs(_column(found[3]) - _column(found[1])) + 1
    return wide * (abs(int(found[4]) - int(found[2])) + 1)


def _column(name: str) -> int:
    """The inverse of `letter`."""
    number = 0
    for c in name:
        number = number * 26 + ord(c) - 64
    return number


def _grid(path: Path, sheet: Any, written: Any) -> Grid:
    """The cells of a sheet; only those that are stored are visited, however far the sheet claims to reach."""
    cells = {at: _cell(c.value) for at, c in sheet._cells.items() if c.value is not None}
    height, width = (max((at[n] for at, v in cells.items() if v != ""), default=0) for n in (0, 1))
    if height > ROWS_LIMIT or width > COLUMNS_LIMIT or height * width > CELLS_LIMIT:
        raise _wrong(path, f"The sheet {sheet.title} reaches to row {height:,} and column {width:,}.",
                     "Copy the inventory into a new workbook and save that.")
    merged = [str(r) for r in sheet.merged_cells.ranges]
    filled = {(row, column): cells.get((area.min_row, area.min_col), "") for area in sheet.merged_cells.ranges
              for row in range(area.min_row, min(area.max_row, height) + 1)
              for column in range(area.min_col, min(area.max_col, width) + 1)
              if (row, column) != (area.min_row, area.min_col)}
    cells |= filled
    formulas = [at for at, c in written._cells.items() if c.data_type == "f"]
    rows = tuple(tuple(cells.get((r, c), "") for c in range(1, width + 1)) for r in range(1, height + 1))
    return Grid(name=sheet.title, rows=rows, filled=frozenset(filled),
                notes=tuple(_notes(sheet, merged, len(formulas))),
                unevaluated=tuple(sorted(at for at in formulas if cells.get(at, "") == "")))


def _notes(sheet: Any, merged: list[str], formulas: int) -> Iterator[str]:
    if merged:
        yield f"Merged cells are read as if each held the value: {_some(sorted(merged))}."
    hidden = [str(n) for n, d in sorted(sheet.row_dimensions.items()) if d.hidden]
    if hidden:
        yield f"Hidden rows are read like the others: {_some(hidden)}."
    columns = [letter(n) for d in sheet.column_dimensions.values() if d.hidden
               for n in range(d.min or 1, min(d.max or 0, COLUMNS_LIMIT) + 1)]
    if columns:
        yield f"Hidden columns are read like the others: {_some(columns)}."
    if sheet.sheet_state != "visible":
        yield "The sheet itself is hidden."
    if formulas:
        hold = counted(formulas, "cell holds a formula", "cells hold formulas")
        yield f"{hold}; the values stored with them are read, nothing is calculated."


def _some(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _cell(value: Any) -> Cell:
    """A stored value as text or date; a whole number has no decimal point."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return _clean(str(value))


def _clean(text: str) -> str:
    """Text without characters that cannot be stored, trimmed; a non-breaking space is a space."""
    text = text.replace("\xa0", " ").replace("\r\n", "\n").encode("utf-8", "replace").decode("utf-8")
    return "".join(c for c in text if c in "\n\t" or c >= " ").strip()


# ---- CSV


def _csv(path: Path, data: bytes) -> Grid:
    text, encoding = _decoded(path, data)
    first = text.partition("\n")[0].strip()
    stated = first[4:] if first.lower().startswith("sep=") and len(first) == 5 else ""
    delimiter = stated or _delimiter(text)
    try:
        found = [[_clean(c) for c in row] for row in csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)]
    except csv.Error as error:
        raise _wrong(path, f"It is not a well-formed CSV file: {error}.",
                     "Open it in a spreadsheet program and save it again, as .xlsx if you can.") from error
    found = [[""], *found[1:]] if stated else found
    width = max(map(len, found), default=0)
    if len(found) > ROWS_LIMIT or width > COLUMNS_LIMIT or len(found) * width > CELLS_LIMIT:
        raise _wrong(path, f"It has {len(found):,} rows and {width:,} columns.", "Save only the inventory.")
    name = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}.get(delimiter, delimiter)
    ragged = sum(1 for row in found if any(row) and len(row) != width)
    short = f"{counted(ragged, 'row has', 'rows have')} fewer columns than the widest; the rest is read as empty."
    notes = (f"Read as {encoding}, columns separated by {name}.", *((short,) if ragged else ()))
    rows = tuple(tuple(row) + ("",) * (width - len(row)) for row in found)
    return Grid(name=CSV_SHEET, rows=rows, notes=notes)


def _decoded(path: Path, data: bytes) -> tuple[str, str]:
    """The text and the encoding it was read in: by its mark, else UTF-8 where it is valid, else Windows-1252."""
    codec, name = next(((c, n) for mark, c, n in _BOMS if data.startswith(mark)), ("utf-8", "UTF-8"))
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        text, name = data.decode("cp1252", "replace"), "Windows-1252 (it is not valid UTF-8)"
    if "\0" in text:
        raise _wrong(path, "It is neither an Excel workbook nor a text file.", "Save the inventory as .xlsx or .csv.")
    return text, name


def _delimiter(text: str) -> str:
    """The separator that gives the most lines of the most common width above one column."""
    def score(delimiter: str) -> tuple[int, int]:
        try:
            widths = [len(row) for row in islice(csv.reader(io.StringIO(text), delimiter=delimiter), 50)]
        except csv.Error:
            return 0, 0
        wide = [w for w in widths if w > 1]
        usual = max(set(wide), key=wide.count, default=1)
        return wide.count(usual), usual

    return max(",;\t|", key=score)
