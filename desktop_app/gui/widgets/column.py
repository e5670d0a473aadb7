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


class Scrolling(QScrollArea):
    """An area that scrolls up and down, without a frame.

    By keyboard too: from anything in it by the page keys; where nothing in it takes the keyboard, it does so itself.
    """

    def __init__(self, inside: QWidget | None = None, name: str = "Details") -> None:
        """name: what a screen reader calls it."""
        super().__init__()
        self.setObjectName("body_scroll")
        self.setAccessibleName(f"{name}, scrolls by the arrow keys")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.verticalScrollBar().rangeChanged.connect(lambda least, most: self._let_in(most > 0))
        if inside is not None:
            self.setWidget(inside)

    def _let_in(self, more: bool) -> None:
        inside = self.widget()
        others = inside is not None and any(
            w.focusPolicy() & Qt.FocusPolicy.TabFocus and w.isVisibleTo(inside) for w in inside.findChildren(QWidget))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if more and not others else Qt.FocusPolicy.NoFocus)


def scrolling(inside: QWidget, name: str = "Details") -> QScrollArea:
    """An area that scrolls up and down."""
    return Scrolling(inside, name)


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


class ListAndDetail(QWidget):
    """A list, and what is chosen in it at the right; in a narrow window below it."""

    LEAST = 540  # logical pixels the list keeps beside the detail

    def __init__(self, main: QWidget, detail: QWidget, width: int) -> None:
        """width: of the detail beside the list, in logical pixels."""
        super().__init__()
        self._width = width
        self._line, self._detail = upright(), scrolling(detail)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(theme.L)
        self._row.addWidget(main, 3)
        self._row.addWidget(self._line)
        self._row.addWidget(self._detail)
        theme.changed.connect(self._arrange)
        self._arrange()

    def _arrange(self) -> None:
        side = theme.px(self._width)
        below = self.width() < side + theme.px(self.LEAST)
        self._row.setDirection(QBoxLayout.Direction.TopToBottom if below else QBoxLayout.Direction.LeftToRight)
        self._row.setStretch(2, 2 if below else 0)
        _lie(self._line, below)
        self._detail.setMinimumWidth(0 if below else side)
        self._detail.setMaximumWidth(_UNBOUNDED if below else side)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange for the width there is."""
        super().resizeEvent(event)
        self._arrange()


class ThreeColumns(QWidget):
    """A list, what is chosen in it, and what can be done; in a narrow window the last stands under the middle."""

    NARROW = 860

    def __init__(
        self, left: QWidget, middle: QWidget, right: QWidget, *, sides: tuple[int, int] = (258, 214)
    ) -> None:
        """sides: the widths of the outer two, in logical pixels."""
        super().__init__()
        self._sides = sides
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
        _lie(self._line, narrow)
        self._left.setFixedWidth(theme.px(self._sides[0] * (0.8 if narrow else 1.0)))
        self._right.setMinimumWidth(0 if narrow else theme.px(self._sides[1]))
        self._right.setMaximumWidth(_UNBOUNDED if narrow else theme.px(self._sides[1]))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange for the width there is."""
        super().resizeEvent(event)
        self._arrange()


def _lie(line: QFrame, lies: bool) -> None:
    """Lay a hairline down, or set it upright."""
    line.setMinimumSize(1, 1)
    line.setMaximumSize(*((_UNBOUNDED, 1) if lies else (1, _UNBOUNDED)))
