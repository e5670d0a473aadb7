"""Frozen records as the rows of a table: columns are data, sorting and filtering is one pass over a list.

No proxy model: it would ask Python for every cell (hundreds of times slower at 10,000 rows).
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from desktop_app.domain.figure import Figure
from desktop_app.errors import UserError
from desktop_app.gui.widgets.chip import spoken
from desktop_app.gui.widgets.label import tip

R = TypeVar("R")
Index = QModelIndex | QPersistentModelIndex
RECORD = Qt.ItemDataRole.UserRole
_NUMBER = re.compile(r"[+\-−]?[\d.,\s]*\d\s?%?\Z")


@dataclass(frozen=True, kw_only=True)
class Column(Generic[R]):
    """One column: what it says of a record, and how it is set.

    text: the first line · second: the muted line below · suffix: small muted mono after the first line (“v3”)
    · chip: (state, words), instead of text · figure: a small picture, instead of text · tone: colour token of the text
    · sort: what to sort by (None last), default the text · width: logical pixels; stretch: its share of what is left
    · hidden: offered in the menu of columns, not shown at first.
    """

    key: str
    title: str
    text: Callable[[R], str]
    second: Callable[[R], str] | None = None
    suffix: Callable[[R], str] | None = None
    chip: Callable[[R], tuple[str, str] | None] | None = None
    figure: Callable[[R], Figure | None] | None = None
    tone: Callable[[R], str] | None = None
    sort: Callable[[R], Any] | None = None
    align: Literal["left", "right"] = "left"
    width: int = 120
    stretch: int = 0
    strong: bool = False
    mono: bool = False
    muted: bool = False
    hidden: bool = False

    def whole(self, record: R) -> str:
        """Everything the cell says, in words."""
        chip = self.chip(record) if self.chip else None
        parts = [spoken(*chip) if chip else self.text(record)]
        if self.suffix:
            parts.append(self.suffix(record))
        if self.second:
            parts.append(self.second(record))
        return ", ".join(part for part in parts if part)


class RecordModel(QAbstractTableModel, Generic[R]):
    """The records that pass the filter, in the order asked for."""

    def __init__(self, columns: Sequence[Column[R]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self.shown: list[R] = []
        self._all: list[R] = []
        self._ordered: list[int] = []
        self._texts: list[str] | None = None
        self._filter: tuple[str, ...] = ()
        self._sorted: tuple[int, bool] | None = None

    # --- what is shown

    def set_records(self, records: Iterable[R]) -> None:
        """Show these records, under the filter and in the order that hold now."""
        self._all = list(records)
        self._texts = None
        self._order()
        self._refresh()

    def set_filter(self, typed: str) -> None:
        """Show the records that say every word typed, in any cell."""
        parts = tuple(typed.casefold().split())
        if parts != self._filter:
            self._filter = parts
            self._refresh()

    def sort_by(self, column: int, descending: bool = False) -> None:
        """Order by a column; -1 is the order the records came in."""
        self._sorted = None if column < 0 else (column, descending)
        self._order()
        self._refresh()

    @property
    def total(self) -> int:
        """How many records there are, filtered or not."""
        return len(self._all)

    def row_of(self, wanted: Callable[[R], bool]) -> int:
        """The row of the first record shown that is wanted, or -1."""
        return next((row for row, record in enumerate(self.shown) if wanted(record)), -1)

    def _order(self) -> None:
        self._ordered = list(range(len(self._all)))
        if self._sorted is None:
            return
        column, descending = self._sorted
        one = self.columns[column]
        key = one.sort or (lambda record: one.text(record).casefold())
        keys = [key(record) for record in self._all]
        known = [n for n in self._ordered if keys[n] is not None]
        known.sort(key=keys.__getitem__, reverse=descending)
        self._ordered = known + [n for n in self._ordered if keys[n] is None]

    def _refresh(self) -> None:
        self.beginResetModel()
        if self._filter:
            texts = self._said()
            parts = self._filter
            first, rest = parts[0], parts[1:]
            kept = [n for n in self._ordered if first in texts[n]]
            if rest:
                kept = [n for n in kept if all(part in texts[n] for part in rest)]
        else:
            kept = self._ordered
        self.shown = [self._all[n] for n in kept]
        self.endResetModel()

    def _said(self) -> list[str]:
        """What every record says, for the filter; made once per set of records."""
        if self._texts is None:
            columns = self.columns
            self._texts = [" ".join([c.whole(record) for c in columns]).casefold() for record in self._all]
        return self._texts

    # --- Qt

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.shown)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self.shown):
            return None
        record, column = self.shown[index.row()], self.columns[index.column()]
        if role == RECORD:
            return record
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(record)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{column.title}: {column.whole(record) or 'nothing'}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.columns[section].title
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(self.columns[section].title)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(self.columns[section])
        return None


def _alignment(column: Column[Any]) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column.align == "right" else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def safe_cell(text: str) -> str:
    """A cell no spreadsheet reads as a formula: an apostrophe before =, +, -, @, tab and full-width signs,
    unless the cell is a plain number.
    """
    begun = text.lstrip(" \u00a0\u3000")
    if begun[:1] in tuple("=+-@\t\r\n|%＝＋－＠") and not _NUMBER.match(begun):
        return "'" + text
    return text


def as_tsv(columns: Sequence[Column[R]], records: Iterable[R], *, titles: bool = True) -> str:
    """Rows for the clipboard: one line per record, cells between tabs."""
    lines = ["\t".join(c.title for c in columns)] if titles else []
    lines += ["\t".join(safe_cell(" ".join(c.whole(r).split())) for c in columns) for r in records]
    return "\n".join(lines) + "\n"


def as_csv(columns: Sequence[Column[R]], records: Iterable[R]) -> str:
    """A CSV (RFC 4180) that no spreadsheet takes for formulas. Second lines and suffixes have columns of their own."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    parts = [part for column in columns for part in _csv_columns(column)]
    writer.writerow([safe_cell(title) for title, _ in parts])
    for record in records:
        writer.writerow([safe_cell(said(record)) for _, said in parts])
    return out.getvalue()


def _csv_columns(column: Column[R]) -> list[tuple[str, Callable[[R], str]]]:
    chip = column.chip

    def first(record: R) -> str:
        shown = chip(record) if chip else None
        return spoken(*shown) if shown else column.text(record)

    parts: list[tuple[str, Callable[[R], str]]] = [(column.title, first)]
    if column.suffix:
        parts.append((f"{column.title}, version", column.suffix))
    if column.second:
        parts.append((f"{column.title}, second line", column.second))
    return parts


def write_csv(path: Path, columns: Sequence[Column[R]], records: Iterable[R]) -> None:
    """Write the CSV whole or not at all. Raises UserError when it cannot be written."""
    try:
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=".export-", delete=False) as draft:
            draft.write(as_csv(columns, records).encode("utf-8-sig"))
        Path(draft.name).replace(path)
    except OSError as error:
        raise UserError(
            "The table could not be written.", f"{path}: {error.strerror}",
            "Choose a folder that you may write to and that has room.",
        ) from error
