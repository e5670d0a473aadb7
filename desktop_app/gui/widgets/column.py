"""A column of parts that is filled again at each load: headings, paragraphs, lists. And an area that scrolls."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from desktop_app.gui import theme
from desktop_app.gui.widgets.prose import Prose, Run, paragraph

_UNBOUNDED = 16_777_215  # QWIDGETSIZE_MAX


class Column(QWidget):
    """Parts under each other; what is left over stays empty at the bottom."""

    def __init__(self, *parts: QWidget | int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page_body")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.S)
        self.show_parts(*parts)

    def show_parts(self, *parts: QWidget | int) -> None:
        """Show these instead; a number is an empty space of so many logical pixels."""
        while (item := self._column.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for part in parts:
            if isinstance(part, int):
                self._column.addSpacing(part)
            else:
                self._column.addWidget(part)
        self._column.addStretch(1)


def scrolling(inside: QWidget) -> QScrollArea:
    """An area that scrolls up and down, without a frame."""
    area = QScrollArea()
    area.setObjectName("body_scroll")
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inside)
    return area


def heading(text: str, beside: str = "") -> Prose:
    """The heading of a section, with perhaps some muted words beside it."""
    runs = [Run(text, "section")]
    if beside:
        runs.append(Run(f" {beside}", "section", "muted"))
    return Prose(tuple(runs))


def said(*runs: Run) -> Prose:
    """A paragraph of runs."""
    return Prose(runs)


def muted(text: str) -> QWidget:
    """A muted paragraph."""
    return paragraph(text, "muted")


def upright() -> QFrame:
    """A hairline between two columns."""
    line = QFrame()
    line.setFixedWidth(1)
    theme.dress(line, "line")
    return line


def button(text: str, run: Callable[[], object], *, primary: bool = False) -> QPushButton:
    """A button that runs something."""
    made = QPushButton(text)
    if primary:
        theme.dress(made, "primary")
    made.clicked.connect(lambda checked=False: run())
    return made


def beside(*parts: QWidget, stretch: bool = True) -> QWidget:
    """Parts beside each other, small ones such as buttons; what is left over stays at the right."""
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(theme.XS)
    for part in parts:
        row.addWidget(part)
    if stretch:
        row.addStretch(1)
    return holder


class ThreeColumns(QWidget):
    """A list, what is chosen in it, and what can be done; in a narrow window the last stands under the middle."""

    SIDES = 258, 214
    NARROW = 860

    def __init__(self, left: QWidget, middle: QWidget, right: QWidget) -> None:
        super().__init__()
        self._left, self._middle, self._right = scrolling(left), scrolling(middle), scrolling(right)
        self._line = upright()
        self._pair = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._pair.setSpacing(theme.L)
        for part, stretch in ((self._middle, 3), (self._line, 0), (self._right, 0)):
            self._pair.addWidget(part, stretch)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.L)
        row.addWidget(self._left)
        row.addWidget(upright())
        row.addLayout(self._pair, 1)
        theme.changed.connect(self._arrange)
        self._arrange()

    def _arrange(self) -> None:
        narrow = self.width() < theme.px(self.NARROW)
        side = QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight
        self._pair.setDirection(side)
        self._pair.setStretch(2, 2 if narrow else 0)
        self._line.setFixedSize(*((_UNBOUNDED, 1) if narrow else (1, _UNBOUNDED)))
        self._line.setMinimumSize(1, 1)
        self._left.setFixedWidth(theme.px(self.SIDES[0] * (0.8 if narrow else 1.0)))
        self._right.setMinimumWidth(0 if narrow else theme.px(self.SIDES[1]))
        self._right.setMaximumWidth(_UNBOUNDED if narrow else theme.px(self.SIDES[1]))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange for the width there is."""
        super().resizeEvent(event)
        self._arrange()
