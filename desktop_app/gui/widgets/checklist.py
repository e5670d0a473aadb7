"""What a policy asks, line by line: a mark, a title, what it came to, a note at the right; one line is chosen.

A line may accept files dropped on it (`drop_line.py`); they come out as `dropped(key, paths)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QSizePolicy, QVBoxLayout, QWidget

from desktop_app.gui import theme
from desktop_app.gui.widgets.chip import STATES, draw_mark
from desktop_app.gui.widgets.label import tip


@dataclass(frozen=True, kw_only=True)
class CheckItem:
    """One line. state: of widgets.chip.STATES · takes_files: documents may be dropped on it."""

    key: str
    state: str
    title: str
    sub: str = ""
    note: str = ""
    takes_files: bool = False


class CheckLine(QAbstractButton):
    """One line of a checklist, drawn like a row of a table."""

    def __init__(self, item: CheckItem, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.item = item
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        said = ", ".join(part for part in (item.sub, item.note) if part)
        self.setAccessibleName(f"{item.title}: {STATES[item.state][3] or item.state}")
        self.setAccessibleDescription(said)
        self.setToolTip(tip(said))
        self.waits_for_drop = False
        self.indented = True  # room for a mark, also where this line has none

    def sizeHint(self) -> QSize:
        """Two lines of text and their air."""
        return QSize(theme.px(240), theme.px(56))

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show that it can be chosen."""
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Show it at rest."""
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground, hairline, mark, words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect())
        self._ground(painter, box)
        first, second = box.top() + theme.px(18), box.top() + theme.px(37)
        token, _, mark, _ = STATES[self.item.state]
        draw_mark(painter, theme.S, first + theme.metrics("strong").capHeight() / 2, mark, token, "strong")
        left, right = theme.px(30) if self.indented else theme.S, box.right() - theme.S
        note = theme.metrics("body").horizontalAdvance(self.item.note)
        _words(painter, left, first, right - left, self.item.title, "strong", "ink")
        _words(painter, right - note, second, note + 1, self.item.note, "body", "muted")
        _words(painter, left, second, right - left - (note + theme.M if note else 0), self.item.sub, "body", "muted")
        painter.end()

    def _ground(self, painter: QPainter, box: QRectF) -> None:
        if self.isChecked() or self.waits_for_drop:
            painter.fillRect(box, theme.colour("accent_ground"))
        elif self.underMouse():
            painter.fillRect(box, theme.colour("hover"))
        painter.fillRect(QRectF(box.left(), box.bottom() - 1, box.width(), 1), theme.colour("row_line"))
        if self.waits_for_drop or self.hasFocus():
            pen = QPen(theme.colour("accent"), 2)
            pen.setStyle(Qt.PenStyle.DashLine if self.waits_for_drop else Qt.PenStyle.SolidLine)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box.adjusted(1, 1, -1, -2))


def _words(painter: QPainter, x: float, middle: float, room: float, text: str, role: str, tone: str) -> None:
    measures = theme.metrics(role)
    painter.setFont(theme.font(role))
    painter.setPen(theme.colour(tone))
    shown = measures.elidedText(text, Qt.TextElideMode.ElideRight, room)
    painter.drawText(QPointF(x, middle + measures.capHeight() / 2), shown)


class Checklist(QWidget):
    """Lines of which one is chosen. Signals: `chosen(key)`, `dropped(key, paths)` with a tuple of pathlib.Path."""

    chosen = Signal(str)
    dropped = Signal(str, object)

    def __init__(self, *, name: str, parent: QWidget | None = None) -> None:
        """name: what a screen reader calls the list."""
        super().__init__(parent)
        self.setAccessibleName(name)
        self._lines: dict[str, CheckLine] = {}
        self._group = QButtonGroup(self)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def show_items(self, items: Sequence[CheckItem]) -> None:
        """Show these lines; the chosen one stays chosen when it is still there, silently."""
        chosen, focused = self.current, self._group.checkedButton()
        had_focus = focused is not None and focused.hasFocus()
        for line in self._lines.values():
            self._group.removeButton(line)
            self._column.removeWidget(line)
            line.deleteLater()
        self._lines = {item.key: self._line(item) for item in items}
        marked = any(STATES[item.state][2] for item in items)
        for line in self._lines.values():
            line.indented = marked
        if chosen in self._lines:
            self._lines[chosen].setChecked(True)
            if had_focus:
                self._lines[chosen].setFocus()

    def _line(self, item: CheckItem) -> CheckLine:
        from desktop_app.gui.widgets.drop_line import DropLine

        line = DropLine(item) if item.takes_files else CheckLine(item)
        if isinstance(line, DropLine):
            line.dropped.connect(lambda paths: self.dropped.emit(item.key, paths))
        line.clicked.connect(lambda checked=False: self.chosen.emit(item.key))
        self._group.addButton(line)
        self._column.addWidget(line)
        return line

    @property
    def current(self) -> str:
        """The key of the chosen line, or ""."""
        return next((key for key, line in self._lines.items() if line.isChecked()), "")

    def choose(self, key: str) -> None:
        """Choose a line and tell. Raises KeyError."""
        self._lines[key].setChecked(True)
        self.chosen.emit(key)

    def line(self, key: str) -> CheckLine:
        """The line with a key. Raises KeyError."""
        return self._lines[key]
