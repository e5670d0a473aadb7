"""What drops down under the search field: commands and things found, walked with the arrow keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from desktop_app.gui import theme
from desktop_app.gui.actions import Action
from desktop_app.gui.state import Hit
from desktop_app.gui.widgets.search_field import SearchField

MOST = 12  # entries shown at once
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the palette."""

    title: str
    detail: str
    run: Callable[[], None]


def matching(actions: Sequence[Action], typed: str) -> list[Entry]:
    """Commands whose title holds every word typed; those that begin with it first."""
    parts = typed.casefold().split()
    found = [a for a in actions if all(part in a.title.casefold() for part in parts)]
    found.sort(key=lambda a: not a.title.casefold().startswith(typed.casefold().strip()))
    native = QKeySequence.SequenceFormat.NativeText
    return [Entry(title=a.title, detail=QKeySequence(a.shortcut).toString(native) or a.menu, run=a.run) for a in found]


class _Entries(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []

    def show_entries(self, entries: list[Entry]) -> None:
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        entry = self.entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{entry.title}, {entry.detail}"
        return None


class _EntryDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(theme.px(200), theme.row_height(False))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, _Entries)
        entry = model.entries[index.row()]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(option.rect)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("accent_ground"))
            painter.drawRoundedRect(box, theme.RADIUS, theme.RADIUS)
        inner = box.adjusted(theme.M, 0, -theme.M, 0)
        detail = theme.metrics("note").elidedText(entry.detail, Qt.TextElideMode.ElideRight, inner.width() / 2)
        used = theme.metrics("note").horizontalAdvance(detail)
        painter.setFont(theme.font("note"))
        painter.setPen(theme.colour("muted"))
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, detail)
        painter.setFont(theme.font("body"))
        painter.setPen(theme.colour("ink"))
        title = theme.metrics("body").elidedText(
            entry.title, Qt.TextElideMode.ElideRight, inner.width() - used - theme.L)
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, title)
        painter.restore()


class Palette(QFrame):
    """The list under `field`; the field keeps the focus."""

    def __init__(
        self, window: QWidget, field: SearchField, actions: Callable[[], Sequence[Action]],
        search: Callable[[str], None], open_hit: Callable[[Hit], None],
    ) -> None:
        """actions: what can be done now · search: asked to look for words, answers with `show_hits`."""
        super().__init__(window)
        self._field, self._actions, self._search, self._open_hit = field, actions, search, open_hit
        theme.dress(self, "popover")
        self.setAccessibleName("Found")
        self._model = _Entries(self)
        self._list = QListView()
        self._list.setModel(self._model)
        self._list.setItemDelegate(_EntryDelegate(self._list))
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setAccessibleName("Found")
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.clicked.connect(lambda index: self._run(index.row()))
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.XS, theme.XS, theme.XS, theme.XS)
        column.addWidget(self._list)
        field.installEventFilter(self)
        field.textEdited.connect(self._typed)
        field.searched.connect(self._look)
        self._waiting = False  # things are looked for, and none of them is shown yet
        self._enter = False  # Enter was pressed meanwhile: the first of them will be opened
        self.hide()

    def open(self) -> None:
        """Show the commands that match what is typed."""
        self._typed(self._field.text())
        self._look(self._field.text())

    def show_hits(self, typed: str, hits: Sequence[Hit]) -> None:
        """Things found for `typed`, before the commands; dropped when something else is typed by now."""
        if typed != self._field.text() or not self._field.hasFocus():
            return
        found = [Entry(title=h.title, detail=h.detail, run=lambda h=h: self._open_hit(h)) for h in hits]  # type: ignore[misc]
        entered, self._waiting, self._enter = self._enter, False, False
        self._show(found + matching(self._actions(), typed))
        if entered:
            self._run(0)

    def _typed(self, typed: str) -> None:
        self._waiting, self._enter = bool(typed.strip()), False
        self._show(matching(self._actions(), typed))

    def _look(self, typed: str) -> None:
        if typed.strip() and self._field.hasFocus():
            self._search(typed)

    def _show(self, entries: list[Entry]) -> None:
        self._model.show_entries(entries)
        self._list.setCurrentIndex(self._model.index(0, 0))
        self.setVisible(bool(entries))
        self._place()
        self.raise_()

    def _place(self) -> None:
        field, window = self._field, self.window()
        corner = field.mapTo(window, field.rect().bottomLeft())
        rows = min(MOST, self._model.rowCount())
        height = rows * theme.row_height(False) + 2 * theme.XS + 2
        self.setGeometry(QRect(corner.x(), corner.y() + theme.XS, field.width(), height))

    def _run(self, row: int) -> None:
        if not 0 <= row < self._model.rowCount():
            return
        entry = self._model.entries[row]
        self.close_list()
        self._field.clear()
        entry.run()

    def close_list(self) -> None:
        """Put the list away and give the focus back to the page."""
        self.hide()
        self._field.clearFocus()

    def _step(self, by: int) -> None:
        rows = self._model.rowCount()
        if rows:
            self._waiting = self._enter = False  # chosen by hand
            row = (self._list.currentIndex().row() + by) % rows
            self._list.setCurrentIndex(self._model.index(row, 0))

    # --- Qt

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut:
            self.hide()
        elif event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._key(event.key())
        return False

    def _key(self, key: int) -> bool:
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self._step(1 if key == Qt.Key.Key_Down else -1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self._waiting:
                self._enter = True
            else:
                self._run(self._list.currentIndex().row())
        elif key == Qt.Key.Key_Escape and not self._field.text():
            self.close_list()
        else:
            return False
        return True
