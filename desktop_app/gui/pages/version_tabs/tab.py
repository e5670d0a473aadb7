"""The base of the tabs of a version: filled when first shown, and again when what it shows has changed.

A tab that needs more than the page has read overrides `load` (on a worker) and sets `reads`; `show_data` fills it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLayout, QPushButton, QVBoxLayout, QWidget

from desktop_app.domain.canonical import Id
from desktop_app.gui import show_error, theme
from desktop_app.gui.jobs import Jobs, Lane, Workspace
from desktop_app.gui.widgets.column import Scrolling
from desktop_app.gui.widgets.empty_state import EmptyState
from desktop_app.gui.widgets.label import tip
from desktop_app.gui.widgets.prose import Prose, Run, paragraph
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.errors import Refused
    from desktop_app.gui.pages.version import VersionPage
    from desktop_app.operations.dossiers import Basis
    from desktop_app.operations.models import VersionView

READING = 720  # the widest column of text, in logical pixels
SIDE = 340  # the column at the right


@dataclass(frozen=True)
class Loaded:
    """What the page has read: the version, and what a request would rest on now, or why there can be none."""

    view: VersionView
    outlook: Basis | None
    refusal: Refused | None

    @property
    def version(self) -> Id:
        """The id of the version."""
        return self.view.version.id

    @property
    def asked_for(self) -> str:
        """What a request made now would ask for, by the stage it leads to: a promotion, or the retirement."""
        return self.outlook.policy.record.asked_for(self.outlook.transition.to_stage) if self.outlook else "promotion"


class Tab(QWidget):
    """See the module."""

    title = ""
    letter = ""  # the key that brings the tab to the front, with Alt
    reads = False  # whether `load` reads more

    def __init__(self, page: VersionPage) -> None:
        super().__init__()
        self.page = page
        self.loaded: Loaded | None = None
        self._stale = False
        self.setAccessibleName(self.title)

    @property
    def jobs(self) -> Jobs:
        """Where work runs."""
        return self.page.jobs

    # --- what a tab overrides

    def load(self, ws: Workspace, progress: Progress, loaded: Loaded) -> Any:
        """What the tab shows besides; on a worker."""
        return None

    def show_data(self, loaded: Loaded, data: Any) -> None:
        """Fill the tab."""

    # --- loading

    def arrive(self, loaded: Loaded) -> None:
        """Another version, or it was changed."""
        self.loaded, self._stale = loaded, True
        if self.isVisible():
            self._fill()

    def _fill(self) -> None:
        self._stale = False
        loaded = self.loaded
        assert loaded is not None
        if not self.reads:
            self.show_data(loaded, None)
            return
        self.jobs.run(self, lambda ws, progress: (self.load(ws, progress, loaded),), key="tab",
                      then=lambda found: self.show_data(loaded, found[0]), failed=self.show_failure)

    def show_failure(self, error: Exception) -> None:
        """What could not be read, by the presenter of errors."""
        show_error.show_error(self, error)

    def refresh(self) -> None:
        """Something was written: the page reads again."""
        self.page.forget()

    def do(self, work: Any, title: str, *, lane: Lane = Lane.WRITE, then: Any = None) -> None:
        """Do something in a job, then read again."""
        def done(result: Any) -> None:
            if then is not None:
                then(result)
            self.refresh()

        self.jobs.run(self, work, then=done, lane=lane, title=title)

    # --- Qt

    def showEvent(self, event: QShowEvent) -> None:
        """Fill when first shown."""
        super().showEvent(event)
        if self._stale:
            self._fill()


class ColumnTab(Tab):
    """A tab that is one scrolled column, built anew each time: `self.column` while `show_data` runs."""

    def __init__(self, page: VersionPage) -> None:
        super().__init__(page)
        self._area = Scrolling(name=self.title)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._area)
        self.column = QVBoxLayout()

    def begin(self) -> QVBoxLayout:
        """A new empty column; what was shown goes, the scroll position stays."""
        place = self._area.verticalScrollBar().value()
        holder = QWidget()
        self.column = QVBoxLayout(holder)
        self.column.setContentsMargins(0, theme.XL, theme.M, theme.XL)
        self.column.setSpacing(theme.M)
        self._area.setWidget(holder)
        self._area.verticalScrollBar().setValue(place)
        return self.column

    def halves(self) -> tuple[QVBoxLayout, QVBoxLayout]:
        """A wide column at the left and a narrow one at the right, with a hairline between."""
        row = QHBoxLayout()
        row.setSpacing(theme.XL)
        left, right = QVBoxLayout(), QVBoxLayout()
        for column in (left, right):
            column.setSpacing(theme.M)
        side = QWidget()
        side.setMinimumWidth(theme.px(SIDE * 2 // 3))
        side.setMaximumWidth(theme.px(SIDE))
        side.setLayout(right)
        right.setContentsMargins(0, 0, 0, 0)
        row.addLayout(left, 5)
        row.addWidget(upright())
        row.addWidget(side, 3)
        self.column.addLayout(row, 1)
        return left, right


# --- small parts that tabs are made of


def section(column: QVBoxLayout, title: str, said: str = "") -> None:
    """A heading in a column, with a sentence below it."""
    if column.count():
        column.addSpacing(theme.S)
    column.addWidget(paragraph(title, "section", selectable=False))
    if said:
        column.addWidget(paragraph(said, "muted", selectable=False))


def say(column: QVBoxLayout, text: str, role: str = "body") -> QLabel:
    """A paragraph in a column."""
    label = paragraph(text, role)
    column.addWidget(label)
    return label


def say_runs(column: QVBoxLayout, *runs: Run) -> Prose:
    """A paragraph in several fonts and colours."""
    prose = Prose(runs)
    column.addWidget(prose)
    return prose


def button(text: str, run: Any, *, primary: bool = False, said: str = "") -> QPushButton:
    """A button with what it does."""
    made = QPushButton(text.replace("&", "&&"))
    made.clicked.connect(lambda checked=False: run())
    if primary:
        theme.dress(made, "primary")
    if said:
        made.setAccessibleDescription(said)
        made.setToolTip(tip(said))
    return made


def link(text: str, run: Any) -> QPushButton:
    """A word that leads somewhere."""
    made = button(text, run)
    theme.dress(made, "link")
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    return made


def buttons(column: QVBoxLayout, *made: QPushButton) -> None:
    """Buttons in a row, at the left."""
    row = QHBoxLayout()
    row.setSpacing(theme.S)
    for one in made:
        row.addWidget(one)
    row.addStretch(1)
    column.addLayout(row)


def upright() -> QWidget:
    """A hairline down."""
    line = QLabel()
    line.setFixedWidth(1)
    theme.dress(line, "line")
    return line


def nothing(title: str, detail: str, *made: QPushButton) -> EmptyState:
    """What a tab says when there is nothing to show yet, with what can be done about it."""
    state = EmptyState(title, detail)
    column = state.layout()
    assert isinstance(column, QVBoxLayout)
    for label in state.findChildren(QLabel):  # as high as its lines, whatever its layout would make of a hint
        label.setFixedWidth(theme.px(520))
        label.setMinimumHeight(label.heightForWidth(theme.px(520)))
    row = QHBoxLayout()
    row.setSpacing(theme.S)
    row.addStretch(1)
    for one in made:
        row.addWidget(one)
    row.addStretch(1)
    column.insertSpacing(column.count() - 1, theme.S)
    column.insertLayout(column.count() - 1, row)
    return state


def empty(layout: QLayout) -> None:
    """Take everything out of a layout."""
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.setParent(None)
            widget.deleteLater()
        elif (inner := item.layout()) is not None:
            empty(inner)
