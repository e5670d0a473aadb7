"""The base of every page: a title row, a line that says the state in words, and a body that loads in a job.

A page is written so:

    class InventoryPage(Page[tuple[Row, ...]]):
        key, title, kinds = "inventory", "Inventory", frozenset({"model", "version"})

        def __init__(self, jobs: Jobs, state: AppState) -> None:
            super().__init__(jobs, state)
            self.table = RecordTable(COLUMNS, name="Models")
            self.set_content(self.table)
            self.add_button("Export", self._export)

        def load(self, ws: Workspace, progress: Progress) -> tuple[Row, ...]:      # on a worker: touch no widget
            return inventory.rows(ws)

        def show_data(self, rows: tuple[Row, ...]) -> None:                        # on the window's thread
            self.set_subline(Run(f"{len(rows)} models and uses", tone="muted"))
            self.table.set_records(rows)

The page loads when first shown, when told other arguments, when F5 is pressed and when something of its `kinds`
was written: at once if visible, else when shown.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, TypeVar

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QPushButton,
    QScrollArea,
    QStackedLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from desktop_app.domain.change import Change
from desktop_app.errors import Lost, UserError
from desktop_app.gui import show_error, theme
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.state import AppState
from desktop_app.gui.widgets import label
from desktop_app.gui.widgets.chip import Chip
from desktop_app.gui.widgets.empty_state import EmptyState
from desktop_app.gui.widgets.prose import Prose, Run
from desktop_app.progress import Progress

T = TypeVar("T")
NARROW = 900  # logical pixels
PATIENCE = 250  # milliseconds before a page that loads says so


class Page(QWidget, Generic[T]):
    """See the module. Signals: `open_requested(key, arguments)`: go to another page; `arrived`: data are shown."""

    key: str = ""
    title: str = ""
    kinds: frozenset[str] = frozenset()
    open_requested = Signal(str, dict)
    arrived = Signal()

    def __init__(self, jobs: Jobs, state: AppState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.jobs, self.state = jobs, state
        self.arguments: dict[str, Any] = {}
        self.buttons: list[QPushButton] = []
        self._wants_focus = False
        self._stale = True
        self._unread = False  # the last loading failed because the registry is away
        self._shown_at: datetime | None = None
        self._content: QWidget | None = None
        self._panel: QWidget | None = None
        self.setObjectName(f"page_{self.key}")
        self.setAccessibleName(self.title)
        self._lay_out()
        self._late = QTimer(self, singleShot=True, interval=PATIENCE)
        self._late.timeout.connect(self._say_loading)
        self.set_title(self.title)

    def _lay_out(self) -> None:
        self._heading, self._subline = Prose(line_height=1.3), Prose()
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(theme.XS)
        words = QVBoxLayout()
        words.setSpacing(theme.XS - 2)
        words.addWidget(self._heading)
        words.addWidget(self._subline)
        self._age = label.words("", "undetermined")
        self._age.hide()
        words.addWidget(self._age)
        head = QHBoxLayout()
        head.setSpacing(theme.XL)
        head.addLayout(words, 1)
        head.addLayout(self._buttons)
        head.setAlignment(self._buttons, Qt.AlignmentFlag.AlignBottom)
        self._body = QStackedLayout()
        self._body.addWidget(QWidget(self))  # nothing yet: no empty table flashes before the first data
        self._column = column = QVBoxLayout(self)
        column.setSpacing(theme.L)
        column.addLayout(head)
        column.addLayout(self._body, 1)
        self._subline.hide()

    # --- what a page overrides

    def load(self, ws: Workspace, progress: Progress) -> T | None:
        """What the page shows, as frozen records. Runs on a worker: read `self.arguments`, touch no widget."""
        return None

    def show_data(self, data: T) -> None:
        """Show what was loaded; on the window's thread."""

    def is_empty(self, data: T) -> bool:
        """Whether there is nothing to show; then `empty_state` stands in the body."""
        return False

    def empty_state(self) -> EmptyState:
        """What stands in the body when there is nothing to show."""
        return EmptyState("Nothing here yet")

    # --- what a page calls

    def set_title(self, title: str, suffix: str = "", *, lines: int = 0) -> None:
        """The heading; the suffix follows in light type (“v3, for mortgages in NL”). lines: cut after so many."""
        self._heading.most_lines = lines
        runs = [Run(title, "title")]
        if suffix:
            runs.append(Run(f" {suffix}", "title_light", "muted"))
        self._heading.set_runs(*runs)

    def set_subline(self, *runs: Run) -> None:
        """The state in words under the heading: what is wrong first, in its colour."""
        self._subline.set_runs(*runs)
        self._subline.setVisible(bool(runs))

    def set_content(self, content: QWidget) -> None:
        """The body when there are data. Call once, in the constructor."""
        self._content = content
        self._body.addWidget(content)

    def add_button(
        self, text: str, run: Callable[[], None] | None = None, *, primary: bool = False, menu: QMenu | None = None
    ) -> QPushButton:
        """A button at the right of the title row, with what it does or the menu it opens."""
        button = QPushButton(text)
        if primary:
            theme.dress(button, "primary")
        if run is not None:
            button.clicked.connect(lambda checked=False: run())
        if menu is not None:
            button.setProperty("menu", True)
            button.setMenu(menu)
        self._buttons.addWidget(button)
        self.buttons.append(button)
        return button

    def add_chip(self, state: str, text: str) -> Chip:
        """A chip at the right of the title row."""
        chip = Chip(state, text)
        self._buttons.addWidget(chip)
        return chip

    def open(self, key: str, **arguments: Any) -> None:
        """Go to another page."""
        self.open_requested.emit(key, arguments)

    # --- loading

    def arrive(self, **arguments: Any) -> None:
        """The window opens the page with these arguments; other arguments than before make it load again."""
        self._wants_focus = True
        if arguments != self.arguments:
            self.arguments = arguments
            self._shown_at = None  # what is shown is of something else
            self.forget()
        elif self.isVisible():
            self._take_focus()

    def registry_changed(self, change: Change) -> None:
        """Something was written, here or by somebody else."""
        if change.kinds & self.kinds:
            self.forget()

    def forget(self) -> None:
        """What is shown no longer holds: load again, now if visible, else when shown."""
        self._stale = True
        if self.isVisible():
            self.reload()

    def reload(self) -> None:
        """Load again; what is shown stays until the new data arrive."""
        self._stale = False
        self._late.start()
        self.jobs.run(self, self.load, then=self._arrived, failed=self.show_failure, key="load")

    def show_reachable(self, reachable: bool) -> None:
        """The registry is lost: what is shown stays and says how old it is. Or it is back."""
        if reachable and self._unread:
            self.forget()
        old = not reachable and self._shown_at is not None
        self._age.setText(_as_it_was(self._shown_at) if old and self._shown_at else "")
        self._age.setVisible(old)

    def show_failure(self, error: Exception) -> None:
        """The error state of the body: what is wrong, why, what to do; a button to try again.

        While the registry is away what was shown before stays, with its age.
        """
        self._late.stop()
        self._unread = isinstance(error, Lost)
        if self._unread and self._shown_at is not None:
            self.show_reachable(False)
            return
        title, detail, remedy = show_error.words(error)
        known = isinstance(error, UserError)
        self._show_panel(EmptyState(
            title, detail, remedy if known else "", report="" if known else remedy, action=("Try again", self.reload)
        ))

    def _arrived(self, data: Any) -> None:
        self._late.stop()
        self._unread, self._shown_at = False, datetime.now().astimezone()
        self._age.hide()
        if data is not None and self.is_empty(data):
            self._show_panel(self.empty_state())
        else:
            if data is not None:
                self.show_data(data)
            self._show_content()
        self.arrived.emit()

    def _say_loading(self) -> None:
        if self._content is None or self._body.currentWidget() is not self._content:
            self._show_panel(EmptyState("", remedy="Reading the registry…"))

    def _show_content(self) -> None:
        if self._content is not None:
            self._body.setCurrentWidget(self._content)
        self._drop_panel()
        self._take_focus()

    def take_keyboard(self) -> None:
        """Give the keyboard to the table of the page, or to the first thing in it."""
        self._wants_focus = True
        self._take_focus()

    def _take_focus(self) -> None:
        """A page that was just opened gives the keyboard to its table, or to the first thing in it."""
        if not self._wants_focus or self._content is None or not self.isVisible() or self._stale:
            return
        self._wants_focus = False
        if any(w.hasFocus() for w in self._content.findChildren(QWidget)):
            return
        tables = [table for table in self._content.findChildren(QTableView) if table.isVisible()]
        parts = sorted(self._content.findChildren(QWidget), key=lambda w: isinstance(w, QScrollArea))  # the last resort
        taking = [w for w in (*tables, *parts)
                  if w.isVisible() and w.isEnabled() and w.focusPolicy() & Qt.FocusPolicy.TabFocus]
        if taking:
            taking[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_panel(self, panel: QWidget) -> None:
        self._body.addWidget(panel)
        self._body.setCurrentWidget(panel)
        self._drop_panel()
        self._panel = panel

    def _drop_panel(self) -> None:
        if self._panel is not None:
            self._body.removeWidget(self._panel)
            self._panel.deleteLater()
            self._panel = None

    # --- Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Narrow margins in a narrow window."""
        super().resizeEvent(event)
        side = theme.L if self.width() < theme.px(NARROW) else theme.XXL
        self._column.setContentsMargins(side, theme.XL - 2, side, theme.M)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self.reload()
        else:
            self._take_focus()


def _as_it_was(at: datetime) -> str:
    today = at.date() == datetime.now().astimezone().date()
    return f"As it was at {at:%H:%M:%S}" if today else f"As it was on {at:%d %b %Y} at {at:%H:%M:%S}"
