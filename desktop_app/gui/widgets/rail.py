"""The left rail: the pages in groups, with what waits on each. Alt+1…9 and the arrow keys move in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QFrame, QSizePolicy, QVBoxLayout, QWidget

from desktop_app.gui import theme

if TYPE_CHECKING:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QEnterEvent, QPaintEvent


class RailItem(QAbstractButton):
    """One page in the rail."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setText(title)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.count = 0
        self.set_count(0)

    def set_count(self, count: int) -> None:
        """How many things wait there; none is not shown."""
        self.count = count
        self.setAccessibleName(f"{self.text()}, {count} waiting" if count else self.text())
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.px(100), theme.px(30))

    def minimumSizeHint(self) -> QSize:
        """Lower is possible in a low window."""
        return QSize(theme.px(100), theme.px(22))

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        chosen = self.isChecked()
        if chosen or self.underMouse():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("accent_ground" if chosen else "hover"))
            painter.drawRoundedRect(QRectF(self.rect()), theme.RADIUS, theme.RADIUS)
        if self.hasFocus():
            painter.setPen(QPen(theme.colour("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box, theme.RADIUS, theme.RADIUS)
        painter.setPen(theme.colour("accent" if chosen else "muted"))
        painter.setFont(theme.font("strong" if chosen else "body"))
        inner = QRectF(self.rect()).adjusted(theme.M, 0, -theme.M, 0)
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())
        if self.count:
            painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{self.count:,}")
        painter.end()


class Rail(QFrame):
    """All pages of the rail. Signal `chosen(key)`."""

    chosen = Signal(str)

    def __init__(self, groups: Sequence[Sequence[tuple[str, str]]]) -> None:
        """groups: (key, title) of each page, group by group; a hairline stands between groups."""
        super().__init__()
        self.setObjectName("rail")
        self.setAccessibleName("Pages")
        self._items: dict[str, RailItem] = {}
        self._group = QButtonGroup(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.S, theme.M - 1, theme.S, theme.M)
        column.setSpacing(0)
        for n, group in enumerate(groups):
            if n:
                column.addWidget(_line())
            for key, title in group:
                column.addWidget(self._item(key, title))
        column.addStretch(1)

    def _item(self, key: str, title: str) -> RailItem:
        item = RailItem(title)
        item.clicked.connect(lambda checked=False: self.chosen.emit(key))
        self._items[key] = item
        self._group.addButton(item)
        return item

    def show_page(self, key: str) -> None:
        """Mark the page that is open; a page outside the rail leaves the mark where it is."""
        if key in self._items:
            self._items[key].setChecked(True)

    def show_counts(self, counts: Mapping[str, int]) -> None:
        """How many things wait on each page."""
        for key, item in self._items.items():
            item.set_count(counts.get(key, 0))

    def item(self, key: str) -> RailItem:
        """The button of a page. Raises KeyError."""
        return self._items[key]


def _line() -> QWidget:
    room = QWidget()
    room.setFixedHeight(theme.L + 1)
    column = QVBoxLayout(room)
    column.setContentsMargins(theme.M, theme.S, theme.M, theme.S)
    line = QFrame()
    line.setFixedHeight(1)
    theme.dress(line, "line")
    column.addWidget(line)
    return room
