"""The base of dialogs that compute on a table: where it is, its first rows, and choices made of its columns.

A dialog overrides `offer` (fill the choices from the preview) and `run`.
"""

from __future__ import annotations

from operator import itemgetter
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop_app.domain.dataset import InDatabase
from desktop_app.domain.words import counted
from desktop_app.errors import UserError
from desktop_app.gui import theme
from desktop_app.gui.dialogs.form import DayField, beside
from desktop_app.gui.dialogs.table_place import TablePlace
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.jobs import Jobs, Lane
from desktop_app.gui.record_table import Column, RecordTable
from desktop_app.gui.widgets.fields import labelled
from desktop_app.gui.widgets.prose import paragraph
from desktop_app.progress import Progress

MOST_COLUMNS = 40  # shown of the first rows
FIRST_ROWS = 5


class TableDialog(TaskDialog):
    """See the module. `preview` is what the table holds (analysis' TablePreview), None before it is looked at."""

    folders = False  # whether a folder of Parquet files may be the table
    databases = False  # whether it may be in a database

    def __init__(self, jobs: Jobs, title: str, *, action: str, lead: str, parent: QWidget | None = None) -> None:
        super().__init__(jobs, title, action=action, lead=lead, width=760, tall=True, parent=parent)
        self.preview: Any = None
        self.place = TablePlace(folders=self.folders, databases=self.databases)
        self.path = self.place.path
        self.form.addWidget(self.place)
        self._first = self.place
        self.place.asked.connect(self.read)
        self.place.left.connect(self.forget)
        self._head = QVBoxLayout()
        self.form.addLayout(self._head)
        self._shown: QWidget | None = None
        self.primary.setEnabled(False)
        self.resize(theme.px(780), theme.px(700))

    # --- what a dialog overrides

    def offer(self, preview: Any) -> None:
        """The table is read: fill the choices."""

    # --- the table

    def read(self) -> None:
        """Look at the table in a job and show its first rows."""
        self.forget()
        try:
            place = self.place.place()
        except UserError as error:
            self.show_refusal(error)
            return

        def work(progress: Progress) -> Any:
            from desktop_app.operations import evidence

            progress.step(0.0, f"reading {place.name}")
            return evidence.preview_table(place, progress)

        self.start(lambda ws, progress: work(progress), f"reading {place.name}", lane=Lane.COMPUTE, then=self._read)

    def forget(self) -> None:
        """Nothing is known of the table that the fields say."""
        self.preview = None
        self.primary.setEnabled(False)
        if self._shown is not None:
            self._head.removeWidget(self._shown)
            self._shown.hide()
            self._shown.deleteLater()
            self._shown = None

    def _read(self, preview: Any) -> None:
        self.preview = preview
        self.primary.setEnabled(True)
        self._shown = _first_rows(preview)
        self._head.addWidget(self._shown)
        self.offer(preview)

    def _set_running(self, running: bool) -> None:
        super()._set_running(running)
        self.primary.setEnabled(not running and self.preview is not None)

    def columns(self) -> list[tuple[str, str]]:
        """(name, words) of the table's columns, for a choice."""
        return [(c.name, f"{c.name} · {c.type}, {c.distinct:,} values") for c in self.preview.columns] \
            if self.preview else []

    def column(self, name: str | None) -> Any:
        """What a column holds, or None."""
        return next((c for c in self.preview.columns if c.name == name), None) if self.preview else None

    def values(self, name: str | None) -> list[tuple[str, str]]:
        """(value, words) of the most frequent values of a column."""
        found = self.column(name)
        return [(value, f"{value} · {counted(n, 'row')}") for value, n in found.top] if found else []

    def table(self) -> Path | InDatabase:
        """Where the table is. Raises UserError while it has not been looked at."""
        place = self.place.place()
        if self.preview is None:
            raise UserError("The table has not been read.", place.name, "Choose a table that can be read.")
        return place

    def add_period(self) -> None:
        """Two fields for the days the data cover."""
        self.begin, self.end = DayField(), DayField()
        self.form.addWidget(beside(labelled("The data cover from", self.begin), labelled("to", self.end,
                                                                                        "May be left empty.")))


def _first_rows(preview: Any) -> QWidget:
    """How many rows there are, and the first of them."""
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(theme.XS)
    given = preview.input
    more = f"; the first {MOST_COLUMNS} columns are shown" if given.columns > MOST_COLUMNS else ""
    size = f"{counted(given.rows, 'row')}, {counted(given.columns, 'column')}{more}."
    column.addWidget(paragraph(size, "note", selectable=False))
    names = [c.name for c in preview.columns][:MOST_COLUMNS]
    table: RecordTable[Any] = RecordTable([
        Column(key=str(n), title=name, text=itemgetter(n), stretch=1, width=max(72, 9 * len(name) + 20))
        for n, name in enumerate(names)], name="First rows of the table", dense=True)
    table.horizontalHeader().setSortIndicatorShown(False)
    table.set_records(preview.head[:FIRST_ROWS])
    table.setFixedHeight(theme.row_height(False) * (min(FIRST_ROWS, len(preview.head)) + 1) + theme.L)
    column.addWidget(table)
    return holder
