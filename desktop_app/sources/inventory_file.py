"""An existing model inventory in .xlsx or .csv: from sheets over a column mapping to rows with parsed values.

A row that cannot be read without guessing is refused and named; every other problem says what was done about it.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from desktop_app.domain.canonical import record
from desktop_app.domain.model import Pair
from desktop_app.errors import UserError
from desktop_app.progress import Progress
from desktop_app.sources.inventory_fields import (
    BY_KEY,
    FIELDS,
    NOTHING,
    AmbiguousDate,
    DateOrder,
    Field,
    numbers_of,
    read_date,
    words,
)
from desktop_app.sources.inventory_records import (
    CellProblem,
    Column,
    Done,
    InventoryEntry,
    InventoryRead,
    Reconciliation,
    Sheet,
)
from desktop_app.sources.sheets import SAMPLES, Cell, Grid, letter, open_book

__all__ = ["FIELDS", "CellProblem", "Column", "DateOrder", "Done", "Field", "InventoryEntry", "InventoryRead",
           "Mapping", "Reconciliation", "Sheet", "read_inventory", "read_sheets", "suggest_mapping"]
HEADER_WITHIN = 30  # rows from the top
TEXT_LIMIT = 5_000
MAPPING_LIMIT = 2**20
_SPREADSHEET_ERROR = re.compile(r"#(REF!|N/A|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|SPILL!|CALC!)\Z")
_TOTALS = re.compile(r"(grand )?(total|totals|sum|summe|gesamt|totaal|count|anzahl|aantal|insgesamt)\b")


@record
class Mapping:
    """Which column (by title) is which field, in which sheet; kept as a file so that an import can be repeated."""

    sheet: str
    header_row: int
    columns: tuple[Pair, ...]  # field key → column title
    date_order: DateOrder | None = None  # None: each column must settle it

    def to_json(self) -> str:
        """The mapping as a JSON file."""
        return json.dumps({
            "format": "inventory mapping 1", "sheet": self.sheet, "header_row": self.header_row,
            "date_order": self.date_order, "columns": {p.key: p.value for p in self.columns}}, indent=2,
            ensure_ascii=False) + "\n"

    @staticmethod
    def from_json(text: str) -> Mapping:
        """The inverse of `to_json`. Raises UserError for anything else."""
        try:
            said: Any = json.loads(text[:MAPPING_LIMIT])
            columns, order, row = said["columns"], said["date_order"], said["header_row"]
            if said["format"] != "inventory mapping 1" or type(row) is not int or row < 1:
                raise ValueError("not the format")
            if not all(isinstance(v, str) for v in (*columns, *columns.values(), said["sheet"])):
                raise ValueError("not text")
            if unknown := sorted(columns.keys() - BY_KEY.keys()):
                raise ValueError(f"it names unknown fields: {', '.join(unknown)[:200]}")
            return Mapping(sheet=said["sheet"], header_row=row, date_order=DateOrder(order) if order else None,
                           columns=tuple(Pair(key=k, value=columns[k]) for k in sorted(columns)))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise UserError("This is not a saved column mapping.", str(error)[:300],
                            "Choose a file that was saved from the column mapping, or map the columns anew.") from error


def read_sheets(path: Path) -> tuple[Sheet, ...]:
    """The sheets of a file that hold anything, with a guess of their header row. Raises UserError."""
    return tuple(_sheet(grid) for grid in open_book(path).grids if any(any(row) for row in grid.rows))


def suggest_mapping(sheet: Sheet) -> Mapping:
    """Columns to fields by their titles: first exact synonyms, then titles that hold one, each field once."""
    found: dict[str, str] = {}
    for exact in (True, False):
        for column in sheet.columns:
            title, free = words(column.title), [f for f in FIELDS if f.key not in found]
            fits = {f.key: _fit(title, f, exact) for f in free}
            best = max(fits, key=lambda key: fits[key], default="")
            if column.title not in found.values() and fits.get(best, 0):
                found[best] = column.title
    return Mapping(sheet=sheet.name, header_row=sheet.header_row,
                   columns=tuple(Pair(key=f.key, value=found[f.key]) for f in FIELDS if f.key in found))


def read_inventory(path: Path, mapping: Mapping, progress: Progress) -> InventoryRead:
    """The rows of the mapped sheet, with every problem. Raises UserError when file and mapping do not fit."""
    progress.step(0, f"Opening {path.name}")
    book = open_book(path)
    grid = _the_grid(book.grids, mapping)
    reader = _Reader(grid, mapping)
    for n, row in enumerate(range(reader.header + 1, len(grid.rows) + 1)):
        if n % 50 == 0:
            progress.step(n / len(grid.rows), f"Reading row {row}")
        reader.take(row)
    progress.step(1, "Comparing rows")
    entries = reader.without_duplicates()
    problems = tuple(sorted(reader.problems, key=lambda p: (p.row, p.column)))
    below = len(grid.rows) - reader.header
    done = [p.done for p in problems]
    return InventoryRead(
        digest=book.digest, sheet=grid.name, entries=entries, problems=problems, notes=grid.notes,
        counts=Reconciliation(
            rows=below, read=len(entries), refused=below - len(entries) - reader.blank - reader.passed_over,
            blank=reader.blank, passed_over=reader.passed_over, warnings=done.count(Done.WARNING),
            left_empty=done.count(Done.LEFT_EMPTY)))


# ---- sheets and mappings


def _sheet(grid: Grid) -> Sheet:
    header = _header_row(grid)
    columns = []
    for n, title in _titles(grid.rows[header - 1]):
        below = (_text(row[n]) for row in grid.rows[header:])
        samples = tuple(dict.fromkeys(t for t in below if t))[:SAMPLES]
        columns.append(Column(letter=letter(n + 1), title=title, samples=samples))
    rows = sum(1 for row in range(header + 1, len(grid.rows) + 1) if grid.own(row))
    return Sheet(name=grid.name, header_row=header, columns=tuple(columns), rows=rows, notes=grid.notes)


def _titles(row: Sequence[Cell]) -> list[tuple[int, str]]:
    """Index and unique title of each column that has one."""
    titles: list[tuple[int, str]] = []
    seen: dict[str, int] = defaultdict(int)
    for n, cell in enumerate(row):
        if text := " ".join(_text(cell).split())[:200]:
            seen[text] += 1
            titles.append((n, text if seen[text] == 1 else f"{text} ({seen[text]})"))
    return titles


def _header_row(grid: Grid) -> int:
    """The row near the top that names most known fields; without any, the one with most different texts."""
    known = {s for field in FIELDS for s in field.synonyms}

    def score(row: Sequence[Cell]) -> tuple[int, int]:
        texts = {words(c) for c in row if isinstance(c, str)} - {""}
        return len(texts & known), len(texts)

    top = grid.rows[:HEADER_WITHIN]
    return 1 + max(range(len(top)), key=lambda n: (score(top[n]), -n))


def _fit(title: str, field: Field, exact: bool) -> int:
    """How well a title fits a field: the length of the longest synonym that it is, or holds as whole words."""
    if exact:
        return len(title) if title and title in field.synonyms else 0
    return max((len(s) for s in field.synonyms if len(s) > 5 and f" {s} " in f" {title} "), default=0)


def _the_grid(grids: tuple[Grid, ...], mapping: Mapping) -> Grid:
    found = next((g for g in grids if g.name == mapping.sheet), grids[0] if len(grids) == 1 else None)
    if found is None:
        raise UserError(f"The file has no sheet {mapping.sheet}.", "It has " + ", ".join(g.name for g in grids) + ".",
                        "Choose one of its sheets and map the columns anew.")
    return found


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell.isoformat()


# ---- rows


class _Reader:
    """Reads the rows of one grid, collecting entries, problems and counts."""

    def __init__(self, grid: Grid, mapping: Mapping) -> None:
        self.problems: list[CellProblem] = []
        self.blank = self.passed_over = 0
        self._grid, self._entries = grid, list[InventoryEntry]()
        self.header, where = _columns(grid, mapping)
        wanted = {p.key: p.value for p in mapping.columns}
        self._fields = [(BY_KEY[key], where[title]) for key, title in wanted.items()]
        self._others = [(n, title) for title, n in where.items() if title not in wanted.values()]
        self._orders = {f.key: mapping.date_order or self._settled(n) for f, n in self._fields if f.is_date}
        self._unevaluated = set(grid.unevaluated)

    def take(self, row: int) -> None:
        """Reads a row (from 1) into an entry, or says why not."""
        cells = self._grid.rows[row - 1]
        own = self._grid.own(row)
        if not own:
            self.blank += 1
        elif why := self._no_model(cells, own):
            self.passed_over += 1
            self._say(row, 0, why, Done.WARNING)
        else:
            start = len(self.problems)
            values = {f.key: v for f, n in self._fields if (v := self._value(row, f, n)) is not None}
            if not values.get("name"):
                self._say(row, self._column("name"), "the model has no name", Done.ROW_REFUSED)
            if not any(p.done is Done.ROW_REFUSED for p in self.problems[start:]):
                others = ((t, _text(cells[n])[:TEXT_LIMIT]) for n, t in self._others)
                unmapped = tuple(Pair(key=t, value=v) for t, v in others if v)
                self._entries.append(InventoryEntry(row=row, unmapped=unmapped, **values))

    def without_duplicates(self) -> tuple[InventoryEntry, ...]:
        """The entries whose number (without one: name) and use stand once; none of the others is picked."""
        groups: dict[str, list[InventoryEntry]] = defaultdict(list)
        for entry in self._entries:
            groups[entry.number or f"name {words(entry.name)}"].append(entry)
        refused = {row for group in groups.values() if len(group) > 1 for row in self._clashes(group)}
        return tuple(e for e in self._entries if e.row not in refused)

    def _clashes(self, group: list[InventoryEntry]) -> Iterable[int]:
        """The rows to refuse among those that share a number: one model may stand once per version and use."""
        rows = ", ".join(str(e.row) for e in group)
        column = self._column("number" if group[0].number else "name")
        one_name = len({words(e.name) for e in group}) == 1
        uses: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for e in group:
            uses[tuple(words(t) for t in (e.version, e.purpose, e.entity, e.business_line, e.segment))].append(e.row)
        clashing = [r for same in uses.values() if len(same) > 1 for r in same] if one_name else [e.row for e in group]
        for entry in group:
            if entry.row in clashing:
                why = "the same use of one model" if one_name else "different models"
                self._say(entry.row, column, f"rows {rows} have the same id for {why}", Done.ROW_REFUSED)
            else:
                self._say(entry.row, column, f"rows {rows} are read as uses or versions of one model", Done.WARNING)
        return clashing

    def _value(self, row: int, field: Field, n: int) -> Any:
        """The parsed value of a cell; None where it is empty or was left empty."""
        cell = self._grid.rows[row - 1][n]
        if (row, n + 1) in self._unevaluated:
            self._wrong(row, n, field, "a formula whose value was not stored; open and save the file in Excel")
        if cell == "":
            return None
        if isinstance(cell, str) and _SPREADSHEET_ERROR.match(cell):
            return self._wrong(row, n, field, "the spreadsheet shows an error here")
        if field.read is None and not field.is_date:
            return self._plain(row, n, _text(cell))
        if isinstance(cell, str) and cell.lower() in NOTHING:
            return None
        try:
            if field.is_date:
                return cell if isinstance(cell, date) else read_date(cell, self._orders[field.key])
            return field.read(_text(cell)) if field.read else None
        except AmbiguousDate as error:
            return self._wrong(row, n, field, f"{error}; say in the mapping which comes first")
        except ValueError as error:
            return self._wrong(row, n, field, str(error))

    def _plain(self, row: int, n: int, text: str) -> str:
        if len(text) > TEXT_LIMIT:
            self._say(row, n, f"longer than {TEXT_LIMIT:,} characters; the rest is left out", Done.WARNING)
        return text[:TEXT_LIMIT]

    def _wrong(self, row: int, n: int, field: Field, what: str) -> None:
        refuse = field.vital or field.key in ("number", "name")
        self._say(row, n, what, Done.ROW_REFUSED if refuse else Done.LEFT_EMPTY)

    def _say(self, row: int, n: int, what: str, done: Done) -> None:
        title = next((t for k, t in _titles(self._grid.rows[self.header - 1]) if k == n), "")
        self.problems.append(CellProblem(
            row=row, column=f"{letter(n + 1)} · {title}" if title else letter(n + 1),
            value=_text(self._grid.rows[row - 1][n])[:200], what=what, done=done))

    def _column(self, key: str) -> int:
        return next((n for f, n in self._fields if f.key == key), 0)

    def _no_model(self, cells: Sequence[Cell], own: Sequence[Cell]) -> str:
        """Why a row is none of a model: the heading again, or a line of totals; else empty."""
        if [words(_text(c)) for c in cells] == [words(_text(c)) for c in self._grid.rows[self.header - 1]]:
            return "the heading again; not a model"
        if _TOTALS.match(words(_text(own[0]))) and len(own) <= max(3, len(cells) // 3):
            return "a line of totals; not a model"
        return ""

    def _settled(self, n: int) -> DateOrder | None:
        """What the other cells of a column say of the order of day and month: nothing if they disagree."""
        pairs = [p for row in self._grid.rows[self.header:] if (p := numbers_of(_text(row[n])))]
        day, month = any(a > 12 >= b for a, b in pairs), any(b > 12 >= a for a, b in pairs)
        return None if day == month else DateOrder.DAY_FIRST if day else DateOrder.MONTH_FIRST


def _columns(grid: Grid, mapping: Mapping) -> tuple[int, dict[str, int]]:
    """The header row and the index of each title; found again by guess where the file has grown a row on top."""
    wanted = {p.value for p in mapping.columns}
    best: set[str] = wanted
    for header in dict.fromkeys((mapping.header_row, _header_row(grid))):
        if header <= len(grid.rows):
            where = {title: n for n, title in _titles(grid.rows[header - 1])}
            if "name" in {p.key for p in mapping.columns} and wanted <= where.keys():
                return header, where
            best = min(best, wanted - where.keys(), key=len)
    missing = ", ".join(sorted(best)) or "a column with the name of the model"
    raise UserError("The columns of the file do not fit the mapping.", f"Missing: {missing}.",
                    "Map the columns anew: at least the name of the model must be mapped.")
