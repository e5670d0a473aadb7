"""A field to search or filter with: a placeholder, the key that leads to it, a clear button, Escape empties it."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QPainter, QPen
from PySide6.QtWidgets import QLineEdit, QWidget

from desktop_app.gui import theme

if TYPE_CHECKING:
    from PySide6.QtGui import QFocusEvent, QKeyEvent, QPaintEvent

    from desktop_app.gui.record_table import RecordTable

PAUSE = 120  # milliseconds without a key before the search starts
LONGEST = 200  # characters


class SearchField(QLineEdit):
    """Signals: `searched(text)`: what was typed, after a short pause · `focused`: typing may begin."""

    searched = Signal(str)
    focused = Signal()

    def __init__(self, placeholder: str, *, shortcut: str = "", parent: QWidget | None = None) -> None:
        """shortcut: the key sequence shown at the right while the field is empty ("Ctrl+K")."""
        super().__init__(parent)
        self.setPlaceholderText(placeholder)
        self.setAccessibleName(placeholder.rstrip("…"))
        self.setMaxLength(LONGEST)
        theme.dress(self, "search")
        self._hint = QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText).replace("+", " ")
        theme.changed.connect(self._make_room)
        self._make_room()
        self._table: RecordTable[Any] | None = None
        self._key: int | None = None  # that waits for the rows that pass
        self._pause = QTimer(self, singleShot=True, interval=PAUSE)
        self._pause.timeout.connect(lambda: self.searched.emit(self.text()))
        self.textChanged.connect(lambda text: self._pause.start())

    def _make_room(self) -> None:
        """Words end before the key that is shown at the right."""
        self.setTextMargins(0, 0, self._hint_width() + theme.S if self._hint else 0, 0)

    def _hint_width(self) -> int:
        return ceil(theme.metrics("small").horizontalAdvance(self._hint)) + 2 * theme.XS + 4

    def leads_to(self, table: RecordTable[Any]) -> None:
        """Down goes into the first row of the table that is filtered; Enter opens it."""
        self._table = table
        table.counted.connect(lambda shown, total: self._arrived())

    def _enter_table(self, key: int) -> None:
        """What is typed is filtered by first, without the pause; where that takes a while the key waits for it."""
        table = self._table
        assert table is not None
        if self._pause.isActive():
            self._pause.stop()
            self.searched.emit(self.text())
        self._key = key if table.awaits else None
        if table.awaits or not table.shown:
            return
        table.selectRow(0)
        if key == Qt.Key.Key_Down:
            table.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            table.opened.emit(table.shown[0])

    def _arrived(self) -> None:
        """The rows that a key waits for are there, if nobody went elsewhere meanwhile."""
        if self._key is not None and self.hasFocus():
            self._enter_table(self._key)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focused.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
            return
        if self._table is not None and event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._enter_table(event.key())
            return
        self._key = None
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._hint or self.text():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        measures = theme.metrics("small")
        width, height = self._hint_width(), measures.height() + 3
        box = QRectF(self.width() - width - theme.S - 2, (self.height() - height) / 2, width, height)
        painter.setPen(QPen(theme.colour("hairline"), 1))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(theme.colour("muted"))
        painter.setFont(theme.font("small"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._hint)
        painter.end()
