"""The counters above a table: “1 in use without a valid approval · 2 reviews overdue”, each a filter to click.

They flow like a sentence, wrap when the window is narrow, and are reached by Tab; Space or Enter switches one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QLayout, QLayoutItem, QSizePolicy, QWidget

from desktop_app.gui import theme

_PAD = 3  # pixels between the words and the ring of the focus


@dataclass(frozen=True)
class Count:
    """One counter: its key ("" cannot be clicked), the words, their colour token, whether they are strong."""

    key: str
    text: str
    tone: str = "muted"
    strong: bool = False


class CountButton(QAbstractButton):
    """One counter, set as words in a sentence."""

    def __init__(self, count: Count, last: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.count = count
        self._after = "" if last else " ·"
        self.setCheckable(bool(count.key))
        self.setEnabled(bool(count.key))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if count.key else Qt.FocusPolicy.NoFocus)
        if count.key:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
            self.setToolTip("Show only these rows")
        self.setAccessibleName(f"{count.text}: show only these rows" if count.key else count.text)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    @property
    def _role(self) -> str:
        return "strong" if self.count.strong else "body"

    def sizeHint(self) -> QSize:
        """The words, a little air for the ring of the focus, and the point between counters."""
        wide = theme.metrics(self._role).horizontalAdvance(self.count.text)
        wide += theme.metrics("body").horizontalAdvance(self._after)
        return QSize(round(wide) + 2 * _PAD, round(theme.metrics("body").height()) + theme.XS)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter does what Space does."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Underline under the pointer."""
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """And no more."""
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Words; a ground when it filters, a ring when it has the focus."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        measures = theme.metrics(self._role)
        wide = measures.horizontalAdvance(self.count.text)
        box = QRectF(0.5, 0.5, wide + 2 * _PAD - 1, self.height() - 1)
        painter.setPen(QPen(theme.colour("accent"), 2) if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("accent_ground") if self.isChecked() else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box, theme.XS, theme.XS)
        middle = self.height() / 2 + measures.capHeight() / 2
        painter.setPen(theme.colour(self.count.tone))
        painter.setFont(theme.font(self._role))
        painter.drawText(QPointF(_PAD, middle), self.count.text)
        if self.underMouse() and self.count.key:
            painter.drawLine(QPointF(_PAD, middle + 2.5), QPointF(_PAD + wide, middle + 2.5))
        painter.setPen(theme.colour("muted"))
        painter.setFont(theme.font("body"))
        painter.drawText(QPointF(_PAD + wide, middle), self._after)
        painter.end()


class CounterLine(QWidget):
    """The counters. Signal `chosen(key)`: "" when none filters any more."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("What is wrong across the inventory")
        self._flow = Flow(self)
        self._buttons: list[CountButton] = []
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_counts(self, counts: Sequence[Count]) -> None:
        """Show these; what filters goes on filtering when it is still there."""
        if list(counts) == [button.count for button in self._buttons]:
            return  # who is at one of them stays there
        chosen = self.current
        for old in self._buttons:
            self._flow.removeWidget(old)
            old.deleteLater()
        self._buttons = [CountButton(c, last=n == len(counts) - 1, parent=self) for n, c in enumerate(counts)]
        for button in self._buttons:
            button.setChecked(bool(chosen) and button.count.key == chosen)
            button.clicked.connect(lambda checked=False, key=button.count.key: self._clicked(key, checked))
            self._flow.addWidget(button)
            button.show()

    @property
    def current(self) -> str:
        """The key of the counter that filters, or ""."""
        return next((b.count.key for b in self._buttons if b.isChecked()), "")

    def button(self, key: str) -> CountButton:
        """The counter with a key. Raises StopIteration."""
        return next(b for b in self._buttons if b.count.key == key)

    def let_go(self) -> None:
        """No counter filters any more; nothing is told."""
        self._clicked("", checked=False, tell=False)

    def _clicked(self, key: str, checked: bool, tell: bool = True) -> None:
        for button in self._buttons:
            button.setChecked(checked and button.count.key == key)
        if tell:
            self.chosen.emit(self.current)


class Flow(QLayout):
    """Widgets one after the other like words, in as many lines as the width needs."""

    def __init__(self, parent: QWidget | None = None, *, across: int = theme.XS, down: int = 2) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._across, self._down = across, down
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        """Another word."""
        self._items.append(item)

    def count(self) -> int:
        """How many there are."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """The n-th, or None."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Take the n-th out."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        """It takes no more room than it needs."""
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        """Narrow is higher."""
        return True

    def heightForWidth(self, width: int) -> int:
        """The height at a width."""
        return self._place(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        """Put every widget in its place."""
        super().setGeometry(rect)
        self._place(rect, move=True)

    def sizeHint(self) -> QSize:
        """All in one line."""
        hints = [item.sizeHint() for item in self._items]
        wide = sum(h.width() for h in hints) + self._across * max(0, len(hints) - 1)
        return QSize(wide, max((h.height() for h in hints), default=0))

    def minimumSize(self) -> QSize:
        """The widest word."""
        hints = [item.sizeHint() for item in self._items]
        return QSize(max((h.width() for h in hints), default=0), max((h.height() for h in hints), default=0))

    def _place(self, rect: QRect, move: bool) -> int:
        x, y, line = rect.x(), rect.y(), 0
        for item in self._items:
            size = item.sizeHint()
            if x > rect.x() and x + size.width() > rect.right() + 1:
                x, y, line = rect.x(), y + line + self._down, 0
            if move:
                item.setGeometry(QRect(QPoint(x, y), size))
            x, line = x + size.width() + self._across, max(line, size.height())
        return y + line - rect.y()
