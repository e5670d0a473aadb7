"""A table over frozen records, as every list in the window is shown.

    table = RecordTable([
        Column(key="model", title="Model, version, use", text=lambda r: r.name, suffix=lambda r: r.version,
               second=lambda r: r.use, strong=True, stretch=1, width=260),
        Column(key="tier", title="Tier", text=lambda r: str(r.tier), align="right", width=60, sort=lambda r: r.tier),
        Column(key="approval", title="Approval", text=lambda r: r.approval, chip=lambda r: (r.state, r.approval)),
    ], name="Models")
    table.set_records(rows); table.set_filter("mortgage"); table.opened.connect(self._open)

Keys: Enter opens, Ctrl+C copies the selected rows, the menu key or a right click offers the order and the columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from PySide6.QtCore import QEvent, QItemSelectionModel, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QFileDialog, QHeaderView, QMenu, QTableView, QWidget

from desktop_app.gui import theme
from desktop_app.gui.jobs import Jobs, Lane, Workspace
from desktop_app.gui.widgets.record_delegate import RecordDelegate
from desktop_app.gui.widgets.record_model import Column, RecordModel, as_csv, as_tsv, write_csv

if TYPE_CHECKING:
    from desktop_app.domain.change import Change

__all__ = ["Column", "RecordTable"]
R = TypeVar("R")
PICTURE = 110  # logical pixels to which a picture shrinks before words are cut
SHORT_WORDS = 124  # logical pixels that a column keeps which does not stretch: a date with a word
LOOKED_AT = 100  # rows that are measured for the width of a column


class RecordTable(QTableView, Generic[R]):
    """See the module.

    Signals: `opened(record)` by Enter or double click · `chosen(record)`: another row became the current one
    · `counted(shown, total)`: after records or the filter changed · for a table whose records come a page at a time
    (`paged`): `order_wanted(key, descending)`, key "" for the order they come in, and `more_wanted()` near the end.
    """

    opened = Signal(object)
    chosen = Signal(object)
    counted = Signal(int, int)
    order_wanted = Signal(str, bool)
    more_wanted = Signal()

    def __init__(
        self, columns: Sequence[Column[R]], *, name: str, dense: bool = False, tall: bool = False,
        paged: bool = False, identity: Callable[[R], object] = lambda record: record, parent: QWidget | None = None,
    ) -> None:
        """name: what a screen reader calls the table · dense: rows of one line
        · tall: as tall as its rows, for a page that scrolls as a whole
        · paged: somebody else orders the records and brings more of them
        · identity: what stays the same of a record over a reload, so that the selection can stay.
        """
        super().__init__(parent)
        self._two_lines, self._tall, self._paged = not dense, tall, paged
        self._identity = identity
        self._filter = ""
        self._by_hand = False
        self.awaits = False  # other records were asked for, elsewhere, and are not there yet
        self.hovered = -1  # the row under the pointer; the delegate shows it
        self.records_model: RecordModel[R] = RecordModel(columns, self)
        self.setModel(self.records_model)
        self.setItemDelegate(RecordDelegate(self.records_model.columns, self._two_lines, self))
        self.setAccessibleName(name)
        self._set_habits()
        self._set_headers()
        for n, column in enumerate(self.records_model.columns):
            self.setColumnHidden(n, column.hidden)
        self.selectionModel().currentRowChanged.connect(self._current_changed)
        self.entered.connect(lambda index: self._hover(index.row()))
        self.doubleClicked.connect(lambda index: self.opened.emit(self.records_model.shown[index.row()]))
        if paged:
            self.verticalScrollBar().valueChanged.connect(lambda value: self._scrolled())
        theme.changed.connect(self._measure)
        self._measure()

    def _set_habits(self) -> None:
        self.setShowGrid(False)
        self.setWordWrap(False)
        if self._tall:
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)

    def _set_headers(self) -> None:
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsMovable(True)
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        header.setSortIndicatorClearable(True)
        header.setTextElideMode(Qt.TextElideMode.ElideRight)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.setMinimumSectionSize(theme.XXL)
        header.sortIndicatorChanged.connect(self._sort)
        header.sectionHandleDoubleClicked.connect(lambda section: self._stretch(again=True))
        header.sectionResized.connect(self._resized)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._open_columns_menu)

    # --- records

    def set_records(self, records: Iterable[R]) -> None:
        """Show these; selection, filter and order stay."""
        self.awaits = False
        self._keeping(lambda: self.records_model.set_records(records))
        self._stretch()
        if self._paged:
            QTimer.singleShot(0, self, self._fill)

    def set_filter(self, typed: str) -> None:
        """Show only records that say every word typed."""
        self._filter = typed.strip()
        self._keeping(lambda: self.records_model.set_filter(typed))

    def set_two_lines(self, on: bool) -> None:
        """Rows of two lines, or of one."""
        if on != self._two_lines:
            self._two_lines = on
            self.setItemDelegate(RecordDelegate(self.records_model.columns, on, self))
            self._measure()

    def sort_by(self, key: str, descending: bool = False) -> None:
        """Order by the column with this key. Raises StopIteration for an unknown one."""
        n = next(n for n, column in enumerate(self.records_model.columns) if column.key == key)
        order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        self.horizontalHeader().setSortIndicator(n, order)

    @property
    def shown(self) -> list[R]:
        """The records that pass the filter, in the order shown."""
        return self.records_model.shown

    @property
    def current(self) -> R | None:
        """The record of the current row."""
        index = self.currentIndex()
        return self.shown[index.row()] if index.isValid() else None

    @property
    def selected(self) -> list[R]:
        """The selected records, top to bottom."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [self.shown[row] for row in rows]

    def choose(self, wanted: Callable[[R], bool]) -> bool:
        """Make the first record that is wanted the current one; False when none is shown."""
        row = self.records_model.row_of(wanted)
        if row >= 0:
            self.selectRow(row)
        return row >= 0

    def _sort(self, column: int, order: Qt.SortOrder) -> None:
        down = order == Qt.SortOrder.DescendingOrder
        if self._paged:
            self.order_wanted.emit(self.records_model.columns[column].key if column >= 0 else "", down)
            return
        self._keeping(lambda: self.records_model.sort_by(column, down))
        self._stretch()

    def _fill(self) -> None:
        """What is there may not fill the table yet."""
        if self.isVisible():
            self._scrolled()

    def _scrolled(self) -> None:
        bar = self.verticalScrollBar()
        if self.shown and bar.value() >= bar.maximum() - bar.pageStep():
            self.more_wanted.emit()

    def _keeping(self, change: Callable[[], None]) -> None:
        """Change the rows and keep the current record current, and the scroll position when it is gone."""
        current, place = self.current, self.verticalScrollBar().value()
        blocked = self.selectionModel().blockSignals(True)
        change()
        row = -1
        if current is not None:
            same = self._identity(current)
            row = self.records_model.row_of(lambda record: self._identity(record) == same)
        if row >= 0:
            flags = QItemSelectionModel.SelectionFlag
            index = self.records_model.index(row, 0)
            self.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
            self.scrollTo(index)
        else:
            self.verticalScrollBar().setValue(place)
        self.selectionModel().blockSignals(blocked)
        self._grow()
        self.viewport().update()
        if self.current != current:
            self.chosen.emit(self.current)
        self.counted.emit(len(self.shown), self.records_model.total)

    def _grow(self) -> None:
        if self._tall:
            rows = max(1, len(self.shown)) * theme.row_height(self._two_lines)
            header = self.horizontalHeader()
            wide = header.length() > self.viewport().width()
            bar = self.horizontalScrollBar().sizeHint().height() if wide else 0
            self.setFixedHeight(max(header.sizeHint().height(), header.height()) + rows + bar)

    def _current_changed(self) -> None:
        self.viewport().update()
        self.chosen.emit(self.current)

    # --- columns

    def columns_menu(self) -> QMenu:
        """A menu that shows and hides columns."""
        menu = QMenu(self)
        for n, column in enumerate(self.records_model.columns):
            entry = menu.addAction(column.title.replace("&", "&&"))
            entry.setCheckable(True)
            entry.setChecked(not self.isColumnHidden(n))
            entry.toggled.connect(partial(self._show_column, entry, n))
        return menu

    def menu(self) -> QMenu:
        """What the menu key offers: to open, to copy, another order, other columns."""
        menu = QMenu(self)
        if (record := self.current) is not None:
            menu.addAction("&Open\tEnter").triggered.connect(lambda checked=False: self.opened.emit(record))
            menu.addAction("&Copy\tCtrl+C").triggered.connect(lambda checked=False: self.copy())
        header, order = self.horizontalHeader(), menu.addMenu("&Sort by")
        for said, down in (("up", Qt.SortOrder.AscendingOrder), ("down", Qt.SortOrder.DescendingOrder)):
            for n, column in enumerate(self.records_model.columns):
                if not self.isColumnHidden(n):
                    entry = order.addAction(f"{column.title}, {said}".replace("&", "&&"))
                    entry.triggered.connect(lambda checked=False, n=n, down=down: header.setSortIndicator(n, down))
        order.addAction("As it came").triggered.connect(
            lambda checked=False: header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder))
        columns = self.columns_menu()
        columns.setTitle("Co&lumns")
        menu.addMenu(columns)
        return menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """At the pointer, or at the current row when asked for by the menu key."""
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        place = self.visualRect(self.currentIndex()).bottomLeft() if by_key else QPoint()
        menu.popup(self.viewport().mapToGlobal(place) if by_key else event.globalPos())

    def _open_columns_menu(self, place: QPoint) -> None:
        menu = self.columns_menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.horizontalHeader().mapToGlobal(place))

    def _show_column(self, entry: QAction, n: int, shown: bool) -> None:
        if not shown and len(self.visible_columns) == 1 and not self.isColumnHidden(n):
            entry.setChecked(True)  # one column always stays
            return
        self.setColumnHidden(n, not shown)
        self._stretch(again=True)

    @property
    def visible_columns(self) -> list[Column[R]]:
        """The columns shown, left to right."""
        header = self.horizontalHeader()
        order = [header.logicalIndex(place) for place in range(header.count())]
        return [self.records_model.columns[n] for n in order if not self.isColumnHidden(n)]

    def _measure(self) -> None:
        self.verticalHeader().setDefaultSectionSize(theme.row_height(self._two_lines))
        self._stretch(again=True)
        self._grow()

    def _resized(self, section: int, before: int, after: int) -> None:
        if self.horizontalHeader().cursor().shape() == Qt.CursorShape.SplitHCursor:
            self._by_hand = True

    def _stretch(self, again: bool = False) -> None:
        """Give every column its width; widths set by hand stay. What is left goes to those that stretch.

        What lacks is taken first where nothing is cut by it, then from pictures, what stretches most and long words;
        never from a heading, a date or a number.
        """
        if self._by_hand and not again:
            return
        self._by_hand = False
        columns = [(n, c) for n, c in enumerate(self.records_model.columns) if not self.isColumnHidden(n)]
        widths = self._widths(columns, self.viewport().width())
        for (n, _), width in zip(columns, widths, strict=True):
            self.setColumnWidth(n, width)
        self._grow()

    def _widths(self, columns: Sequence[tuple[int, Column[R]]], room: int) -> list[int]:
        """A width for each column in the room there is; wider than the room when headings and numbers need it."""
        heads = [self._least(n, c) for n, c in columns]
        whole = [self._whole(n, c) for n, c in columns]
        wanted = [max(theme.px(c.width), head, need if c.align == "right" else 0)
                  for (_, c), head, need in zip(columns, heads, whole, strict=True)]
        if (left := room - sum(wanted)) >= 0:
            shares = sum(c.stretch for _, c in columns) or 1
            return [width + left * c.stretch // shares for width, (_, c) in zip(wanted, columns, strict=True)]
        most = max(c.stretch for _, c in columns) or 1

        def names_cut(widths: list[int]) -> list[int]:
            return [max(head, width * 7 // 10) if c.stretch == most else width
                    for width, head, (_, c) in zip(widths, heads, columns, strict=True)]

        snug = [min(width, need) for width, need in zip(wanted, whole, strict=True)]
        small = [max(head, min(width, theme.px(PICTURE))) if c.figure else width
                 for width, head, (_, c) in zip(snug, heads, columns, strict=True)]
        names = names_cut(small)
        short = [max(head, min(width, theme.px(SHORT_WORDS))) if c.align == "left" else width
                 for width, head, (_, c) in zip(names, heads, columns, strict=True)]
        steps = [names_cut(short), short, names, small, snug, wanted]
        n = max((n for n in range(5) if sum(steps[n]) <= room), default=0)
        return _between(steps[n], steps[n + 1], room)

    def _least(self, n: int, column: Column[R]) -> int:
        """The width of the heading, with its arrow when the table is sorted by it."""
        sorted_by = self.horizontalHeader().sortIndicatorSection() == n
        beside = 2 * theme.S + theme.px(theme.M + (theme.L if sorted_by else 0))
        return ceil(theme.metrics("note_medium").horizontalAdvance(column.title)) + beside

    def _whole(self, n: int, column: Column[R]) -> int:
        """The width at which nothing of a column is cut, by its first rows."""
        delegate = self.itemDelegate()
        assert isinstance(delegate, RecordDelegate)
        cells = (ceil(delegate.need(column, record)) for record in self.shown[:LOOKED_AT])
        return max(self._least(n, column), max(cells, default=0))

    # --- out of the window

    def copy(self) -> None:
        """The selected rows to the clipboard, cells between tabs, with the titles."""
        QGuiApplication.clipboard().setText(as_tsv(self.visible_columns, self.selected))

    def export_csv(self, path: Path) -> None:
        """Write what is shown, in the columns shown. Raises UserError."""
        write_csv(path, self.visible_columns, self.shown)

    def ask_and_export(self, jobs: Jobs, name: str) -> None:
        """Ask where to, then write what is shown as CSV in a job. The export is an entry of the log."""
        chosen, _ = QFileDialog.getSaveFileName(self, "Export the table", f"{name}.csv", "CSV (*.csv)")
        if chosen:
            self.export_to(jobs, name, Path(chosen))

    def export_to(self, jobs: Jobs, name: str, target: Path) -> None:
        """Write what is shown as CSV in a job. The export is an entry of the log."""
        columns, records = self.visible_columns, list(self.shown)

        def work(ws: Workspace) -> Change:
            from desktop_app.operations import exports

            return exports.table(ws, target, as_csv(columns, records).encode("utf-8-sig"), name, len(records))

        jobs.run(self, lambda ws, progress: work(ws), lane=Lane.WRITE, title=f"export of {name}")

    # --- Qt

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.current is not None:
            self.opened.emit(self.current)
        else:
            super().keyPressEvent(event)

    def _hover(self, row: int) -> None:
        self.hovered = row
        self.viewport().update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)
        super().leaveEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        QTimer.singleShot(0, self, self._stretch)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.shown and self.records_model.total:
            painter = QPainter(self.viewport())
            painter.setPen(theme.colour("muted"))
            painter.setFont(theme.font("body"))
            said = f"Nothing here says “{self._filter}”."
            top = self.viewport().rect().adjusted(theme.S, theme.L, 0, 0)
            painter.drawText(top, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter, said)
            painter.end()


def _between(least: Sequence[int], most: Sequence[int], room: int) -> list[int]:
    """Widths from `least` to `most` that fill the room; `least` when even that is too wide."""
    slack = sum(most) - sum(least)
    spare = min(max(0, room - sum(least)), slack)
    return [low + (high - low) * spare // (slack or 1) for low, high in zip(least, most, strict=True)]
