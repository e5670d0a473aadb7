"""The frame of the window: top bar, rail, pages, footer. It knows pages by their specification only.

    window = MainWindow(jobs, state, pages=PAGES, settings=QSettings(...), search=…, standing=…)
    window.open_page("version", version=identity)

Pages are made when first opened. `wrote` of Jobs and the changes that `watch` sees reach every page made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from PySide6.QtCore import QByteArray, QPoint, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop_app.gui import theme
from desktop_app.gui.actions import Action, Actions, plain
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.state import Acting, AppState, Hit, Standing
from desktop_app.gui.widgets.banner import Banner
from desktop_app.gui.widgets.job_tray import JobTray
from desktop_app.gui.widgets.label import paragraph, words
from desktop_app.gui.widgets.rail import Rail
from desktop_app.gui.widgets.top_bar import TopBar
from desktop_app.progress import Progress

if TYPE_CHECKING:  # what the first paint does not need is imported when it is used
    from PySide6.QtGui import QCloseEvent, QResizeEvent

    from desktop_app.domain.change import Change
    from desktop_app.gui.background import Background
    from desktop_app.gui.lock import IdleLock
    from desktop_app.gui.offline import Renewal
    from desktop_app.gui.page import Page
    from desktop_app.gui.widgets.palette import Palette


LEAST = 800, 460  # logical pixels: a screen of 1366 × 768 that shows everything at 150 %
NARROW = 1100
WIDE = 1250  # from here on the footer has room for all that is known of the log


class PageSpec(NamedTuple):
    """A page the window can open.

    group: its group in the rail, from 0; None: not in the rail · within: the page of the rail it belongs to.
    """

    key: str
    title: str
    make: Callable[[Jobs, AppState], Page[Any]]
    group: int | None = 0
    within: str = ""


class Settings(Protocol):
    """Where the window remembers its place and look; a QSettings, or a fake in tests."""

    def value(self, key: str, defaultValue: Any = None) -> Any:  # noqa: N803 - as QSettings
        """What was set, or the default."""

    def setValue(self, key: str, value: Any) -> None:
        """Remember."""


class MainWindow(QMainWindow):
    """See the module. Signals: `changed(Change)`: something was written, here or by somebody else · `turned`: the
    person wants to read the copy of the registry instead, or the registry itself again.
    """

    changed = Signal(object)
    turned = Signal()

    def __init__(
        self, jobs: Jobs, state: AppState, *, pages: Sequence[PageSpec], settings: Settings,
        search: Callable[[Workspace, str], Sequence[Hit]] | None = None,
        standing: Callable[[Workspace, Progress], Standing] | None = None,
        act_as: Callable[[Acting], None] | None = None,
    ) -> None:
        """search: things for words typed · standing: counts and log sentences, asked again after every change
        · act_as: a choice in the person menu was made (default: `state.act_as`).
        """
        super().__init__()
        self.jobs, self.state, self.settings = jobs, state, settings
        self.idle_lock: IdleLock | None = None  # made after the first paint
        self.background: Background | None = None  # likewise
        self.renewal: Renewal | None = None  # likewise
        self._specs = {spec.key: spec for spec in pages}
        self._search, self._standing = search, standing
        self._act_as = act_as or state.act_as
        self._pages: dict[str, Page[Any]] = {}
        self._history: list[tuple[str, dict[str, Any]]] = []
        self._place = -1
        self.actions_table = Actions(self)
        self.setWindowTitle("Assaydesk")
        self.setMinimumSize(*LEAST)
        self._lay_out(pages)
        self._add_commands(pages)
        self._restore()
        jobs.wrote.connect(self.registry_changed)
        jobs.opened.connect(lambda ws: self.refresh_standing())
        state.acting_changed.connect(self._show_acting)
        state.registry_changed.connect(self._show_acting)
        state.log_verified.connect(self.refresh_standing)
        self._show_acting()
        self.setFocus()  # else Qt gives it to the wordmark, which begins with a ring around it

    # --- laying out

    def _lay_out(self, pages: Sequence[PageSpec]) -> None:
        groups = sorted({spec.group for spec in pages if spec.group is not None})
        self.rail = Rail([[(s.key, s.title) for s in pages if s.group == group] for group in groups])
        self.rail.chosen.connect(self.open_page)
        self._stack = QStackedWidget()
        self._top = TopBar()
        self.wordmark, self.search_field, self.person = self._top.wordmark, self._top.search_field, self._top.person
        self.wordmark.clicked.connect(self.open_menu)
        self.person.clicked.connect(self.open_person_menu)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.rail)
        middle.addWidget(self._stack, 1)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._top)
        self._alarm = paragraph("", "alarm")
        self._alarm.hide()
        self.away, self.notice = Banner("alarm"), Banner("notice")
        for across in (self._alarm, self.away, self.notice):
            column.addWidget(across)
        column.addLayout(middle, 1)
        column.addWidget(self._footer())
        self.setCentralWidget(centre)
        self.search_field.focused.connect(lambda: self.palette_list.open())  # noqa: PLW0108 - made on first use
        theme.changed.connect(self._measure)
        self._measure()

    def _footer(self) -> QFrame:
        self._foot = QFrame()
        self._foot.setObjectName("footer")
        self._foot.setAccessibleName("Footer")
        self._log = QHBoxLayout()
        self._log.setSpacing(theme.XL)
        self._recomputed = words("", "note")
        self._recomputed.setAccessibleName("Recomputed in the background")
        self.state.log_recomputed.connect(self._show_recomputed)
        self.job_tray = JobTray(self.jobs)
        row = QHBoxLayout(self._foot)
        row.setContentsMargins(theme.L, 1, theme.S, 0)
        row.addLayout(self._log)
        row.addSpacing(theme.XL)
        row.addWidget(self._recomputed)
        row.addStretch(1)
        row.addWidget(self.job_tray)
        return self._foot

    def _measure(self) -> None:
        self._foot.setFixedHeight(theme.measure("footer"))
        rail = theme.measure("rail_narrow" if self.width() < theme.px(NARROW) else "rail")
        self.rail.setFixedWidth(rail)
        self._top.align_to(rail)

    @cached_property
    def palette_list(self) -> Palette:
        """What drops down under the search field."""
        from desktop_app.gui.widgets.palette import Palette

        return Palette(self, self.search_field, self._to_find, self._look_for, self._open_hit)

    def _to_find(self) -> list[Action]:
        return [*self._doable(), *(action for action in self.actions_table.offered() if action.id != "find")]

    def _doable(self) -> list[Action]:
        """What the buttons of the page shown do."""
        return [Action(id=f"do.{n}", title=plain(button.text()), run=button.click)
                for n, button in enumerate(self.page.buttons if self._history else ()) if button.isEnabled()]

    # --- commands

    def _add_commands(self, pages: Sequence[PageSpec]) -> None:
        in_rail = [spec for spec in pages if spec.group is not None]
        go = [Action(id=f"go.{s.key}", title=s.title, menu="Go", shortcut=f"Alt+{n}" if n <= 9 else "",
                     run=partial(self._go, s.key))
              for n, s in enumerate(in_rail, 1)]
        looks = [Action(id=f"theme.{name}", title=f"Theme: {title.lower()}", menu="View",
                        run=partial(self._show_theme, name))
                 for name, title in theme.TITLES.items()]
        self.actions_table.add([
            Action(id="find", title="Find anything", menu="Go", shortcut="Ctrl+K", run=self._find),
            *go,
            Action(id="back", title="Back", menu="Go", shortcut="Alt+Left", run=lambda: self._walk(-1)),
            Action(id="forward", title="Forward", menu="Go", shortcut="Alt+Right", run=lambda: self._walk(1)),
            Action(id="reload", title="Load again", menu="View", shortcut="F5", run=self.reload),
            *looks,
            Action(id="text.larger", title="Larger text", menu="View", shortcut="Ctrl++", run=lambda: self._zoom(1)),
            Action(id="text.smaller", title="Smaller text", menu="View", shortcut="Ctrl+-", run=lambda: self._zoom(-1)),
            Action(id="text.usual", title="Usual text size", menu="View", shortcut="Ctrl+0",
                   run=lambda: self.set_look(theme.current(), 1.0)),
            Action(id="jobs", title="Running jobs", menu="View", shortcut="Ctrl+J", run=self._open_jobs),
            Action(id="menu", title="All commands", menu="Help", shortcut="F10", run=self.open_menu),
            Action(id="quit", title="Close Assaydesk", menu="File", shortcut="Ctrl+Q", run=self._quit),
        ])

    def add_commands(self, actions: Sequence[Action]) -> None:
        """More commands, of pages or of the whole window."""
        self.actions_table.add(actions)
        self.actions_table.show_page(self.page_key)

    def _find(self) -> None:
        self.search_field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search_field.selectAll()
        self.palette_list.open()

    def _go(self, key: str) -> None:
        self.open_page(key)

    def _show_theme(self, name: str, checked: bool = False) -> None:
        self.set_look(name, theme.scale())

    def _quit(self) -> None:
        self.close()

    def _open_jobs(self) -> None:
        if self.jobs.running:
            self.job_tray.open_list()

    def open_menu(self) -> None:
        """All commands, behind the wordmark."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for group in self.actions_table.menus(menu, self._doable()):
            menu.addMenu(group)
        menu.popup(self.wordmark.mapToGlobal(QPoint(0, self.wordmark.height() + theme.XS)))

    def open_person_menu(self) -> None:
        """Who acts, the theme and the size of text."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for someone in self.state.people:
            entry = menu.addAction(f"{someone.name} · {someone.role}".replace("&", "&&"))
            entry.setCheckable(True)
            entry.setChecked(someone == self.state.acting)
            entry.triggered.connect(lambda checked=False, who=someone: self._act_as(who))
        menu.addSeparator()
        for name, title in theme.TITLES.items():
            look = menu.addAction(f"Theme: {title.lower()}")
            look.setCheckable(True)
            look.setChecked(name == theme.current())
            look.triggered.connect(partial(self._show_theme, name))
        menu.addSeparator()
        menu.addActions([self.actions_table.qaction(f"text.{which}") for which in ("larger", "smaller", "usual")])
        if self.idle_lock is not None:
            menu.addSeparator()
            menu.addAction(self.actions_table.qaction("lock"))
        corner = self.person.mapToGlobal(QPoint(self.person.width(), self.person.height() + theme.XS))
        menu.popup(corner - QPoint(menu.sizeHint().width(), 0))

    def set_look(self, name: str, scale: float) -> None:
        """Show another theme or text size, and remember it."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, name, scale)
        self.settings.setValue("theme", name)
        self.settings.setValue("text_scale", scale)

    def _zoom(self, by: int) -> None:
        scales = theme.tokens()["text_scales"]
        nearest = min(range(len(scales)), key=lambda n: abs(scales[n] - theme.scale()))
        self.set_look(theme.current(), scales[max(0, min(len(scales) - 1, nearest + by))])

    # --- pages

    @property
    def page_key(self) -> str:
        """The key of the page shown ("" before the first)."""
        return self._history[self._place][0] if self._history else ""

    @property
    def page(self) -> Page[Any]:
        """The page shown. Raises KeyError before the first."""
        return self._pages[self.page_key]

    def open_page(self, key: str, /, **arguments: Any) -> Page[Any]:
        """Show a page and remember the way back. Raises KeyError for an unknown page."""
        page = self._page(key)
        if self.page_key != key or self._history[self._place][1] != arguments:
            self._history[self._place + 1:] = [(key, arguments)]
            self._place = len(self._history) - 1
        self._show(page, key, arguments)
        return page

    def _page(self, key: str) -> Page[Any]:
        if key not in self._pages:
            page = self._specs[key].make(self.jobs, self.state)
            page.open_requested.connect(lambda to, arguments: self.open_page(to, **arguments))
            self._pages[key] = page
            self._stack.addWidget(page)
        return self._pages[key]

    def _show(self, page: Page[Any], key: str, arguments: dict[str, Any]) -> None:
        page.arrive(**arguments)
        self._stack.setCurrentWidget(page)
        self.rail.show_page(self._specs[key].within or key)
        self.actions_table.show_page(key)
        self.setWindowTitle(f"{self._specs[key].title} – Assaydesk")

    def _walk(self, by: int) -> None:
        """Back or forward in the history."""
        if 0 <= self._place + by < len(self._history):
            self._place += by
            key, arguments = self._history[self._place]
            self._show(self._page(key), key, arguments)

    def reload(self) -> None:
        """Load the page shown again."""
        if self._history:
            self.page.reload()
        self.refresh_standing()

    def reload_all(self) -> None:
        """Load the page shown now, the others when shown: somebody else acts."""
        for page in self._pages.values():
            page.forget()
        self.refresh_standing()

    def registry_changed(self, change: Change) -> None:
        """Something was written: here (`Jobs.wrote`) or by somebody else (`Watch.changed`)."""
        for page in self._pages.values():
            page.registry_changed(change)
        self.refresh_standing()
        self.changed.emit(change)

    # --- top bar and footer

    def refresh_standing(self) -> None:
        """Ask again for the counts in the rail and the sentences about the log."""
        if self._standing is not None:
            self.jobs.run(self, self._standing, then=self.show_standing, key="standing",
                          failed=lambda error: self.show_reachable(False))

    def show_reachable(self, reachable: bool) -> None:
        """The registry is lost, or back."""
        for page in self._pages.values():
            page.show_reachable(reachable)
        if reachable:
            self.refresh_standing()
        else:
            self._show_log((("breached", "The registry cannot be read now; trying again."),))

    def show_standing(self, standing: Standing) -> None:
        """Show counts in the rail and sentences about the log in the footer."""
        self.rail.show_counts(standing.counts)
        self._alarm.setText(standing.alarm)
        self._alarm.setAccessibleName(standing.alarm)
        self._alarm.setVisible(bool(standing.alarm))
        self._show_log(standing.log)

    def _show_log(self, log: Sequence[tuple[str, str]]) -> None:
        from desktop_app.gui.widgets.chip import STATES

        while (item := self._log.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        for state, sentence in log:
            label = words(f"{STATES[state][2]} {sentence}".strip(), "note" if state in ("met", "note") else "")
            if state not in ("met", "note"):
                theme.dress(label, STATES[state][0])
            self._log.addWidget(label)

    def _show_recomputed(self, said: str) -> None:
        """How far the log was recomputed; a narrow window leaves it to the page of the log."""
        self._recomputed.setText(said)
        self._recomputed.setVisible(bool(said) and self.width() >= theme.px(WIDE))

    def _show_acting(self) -> None:
        acting = self.state.acting
        nobody = "Nobody acts yet" if self.state.registry else ""  # nothing is known before the registry is open
        self._top.show_acting(f"{acting.name} · {acting.role}" if acting else nobody)
        self._top.name_registry(self.state.registry)

    def _look_for(self, typed: str) -> None:
        search = self._search
        if search is not None:
            self.jobs.run(self, lambda ws, progress: search(ws, typed), key="search",
                          then=lambda hits: self.palette_list.show_hits(typed, hits))
        else:
            self.palette_list.show_hits(typed, ())

    def _open_hit(self, hit: Hit) -> None:
        arguments: Mapping[str, Any] = hit.arguments
        self.open_page(hit.page, **arguments)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A narrow window has a narrow rail."""
        super().resizeEvent(event)
        self._measure()
        self._show_recomputed(self._recomputed.text())

    # --- remembering

    def _restore(self) -> None:
        screen = self.screen().availableSize()
        self.resize(QSize(1440, 900).boundedTo(screen - QSize(2 * theme.XS, theme.XXL)))  # with room for its frame
        geometry = self.settings.value("geometry")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)

    def give_way(self) -> None:
        """Go without waiting for what still runs: another window has taken this one's place."""
        self.hide()
        self.jobs.retire()
        self.deleteLater()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.settings.setValue("geometry", self.saveGeometry())
        self.hide()
        self.jobs.shut_down()
        super().closeEvent(event)
