"""Starts the window: painted first, then the registry is opened in a job.

Only Qt and the light domain modules are imported here; what SQL and analysis need is imported on a worker.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QEvent, QObject, QSettings, QTimer
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from desktop_app import __version__
from desktop_app.gui import theme
from desktop_app.gui.actions import Action
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.main_window import MainWindow, PageSpec, Settings
from desktop_app.gui.state import Acting, AppState, Hit, Standing
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.domain.change import Change
    from desktop_app.domain.local_copy import LocalCopy
    from desktop_app.operations.outbox import Told


PEOPLE = frozenset({"person", "key.enrolled", "key.revoked", "role.granted", "role.revoked", "person.erased"})


class Desk(NamedTuple):
    """What the pages bring to the frame. The callables run on workers and import what they need themselves.

    identity: (registry name, who acts, who may act here) · act_as: the workspace with somebody else acting, or nobody
    · head, since: the log's last number and the changes after a number, for `Watch` · leftovers, told: what became of
    writes whose answer never came, and that the person has read it · open_copy, kept, take_copy: the copy of the
    registry on this computer, opened for reading, as it is offered (in a moment, on any thread), and taken anew.
    """

    pages: Sequence[PageSpec]
    start: str
    open: Callable[[str | None, str | None], Workspace]
    identity: Callable[[Workspace], tuple[str, Acting | None, tuple[Acting, ...]]]
    act_as: Callable[[Workspace, Acting | None], Workspace]
    search: Callable[[Workspace, str], Sequence[Hit]] | None = None
    standing: Callable[[Workspace, Progress], Standing] | None = None
    head: Callable[[Workspace], int] | None = None
    since: Callable[[Workspace, int], Sequence[Change]] | None = None
    leftovers: Callable[[Workspace], Sequence[Told]] = lambda ws: ()
    told: Callable[[Workspace, Sequence[str]], None] = lambda ws, commands: None
    open_copy: Callable[[str | None, str | None], Workspace] | None = None
    kept: Callable[[str | None], LocalCopy | None] = lambda url: None
    take_copy: Callable[[Workspace, Progress], object] = lambda ws, progress: None
    commands: Callable[[MainWindow], Sequence[Action]] = lambda window: ()
    background: bool = False  # whether the log is recomputed while nothing else runs


def run(
    url: str | None, person: str | None, desk: Desk, *, settings: Settings | None = None, offline: bool = False,
) -> int:
    """Open the window on a registry, or on the copy of it, and stay until it is closed; returns the exit code."""
    app = application()
    show_window(app, url, person, desk, settings or QSettings("Assaydesk", "Assaydesk"), offline=offline)
    return app.exec()


def show_window(
    app: QApplication, url: str | None, person: str | None, desk: Desk, settings: Settings, *, offline: bool = False,
) -> MainWindow:
    """Show a window on a registry or its copy; it gives way to another when the person turns to the other."""
    window = build(app, url, person, desk, settings, offline=offline)

    def turn() -> None:
        acting = window.state.acting
        window.settings.setValue("geometry", window.saveGeometry())
        show_window(app, url, acting.id if acting else person, desk, settings, offline=not offline)
        window.give_way()

    window.turned.connect(turn)
    window.show()
    return window


def application() -> QApplication:
    """The application in the style Fusion, made once."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication([*sys.argv[:1], "-style", "fusion"])  # setStyle would load the 24 enumerations of QStyle
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C in the terminal closes the window
    app.setApplicationName("Assaydesk")
    app.setApplicationDisplayName("Assaydesk")
    app.setApplicationVersion(__version__)
    return app


def build(
    app: QApplication, url: str | None, person: str | None, desk: Desk, settings: Settings, *, offline: bool = False,
) -> MainWindow:
    """The window with everything wired; work begins after its first paint."""
    theme.apply(app, *_look(settings))
    opens = desk.open_copy if offline and desk.open_copy else desk.open
    jobs = Jobs(lambda: opens(url, person), _show, app)
    state = AppState(app)

    def identify(who: Acting | None) -> None:
        jobs.adopt(lambda ws: desk.act_as(ws, who))
        state.act_as(who)

    def act_as(who: Acting) -> None:
        identify(who)
        window.reload_all()

    window = MainWindow(
        jobs, state, pages=desk.pages, settings=settings, search=desk.search, standing=desk.standing, act_as=act_as)
    window.add_commands(desk.commands(window))
    _catch_bugs(window)
    _Start(window, lambda: _begin(window, desk, identify, url, offline=offline))
    return window


def _begin(
    window: MainWindow, desk: Desk, act_as: Callable[[Acting | None], None], url: str | None, *, offline: bool,
) -> None:
    from desktop_app.gui.focus import Keeper  # not before the first paint
    from desktop_app.gui.lock import IdleLock

    Keeper(window)
    window.idle_lock = IdleLock(window, window.jobs, window.state, act_as)
    window.open_page(desk.start).setFocus()  # before the rest: its data are what is waited for

    def introduce() -> None:
        window.jobs.run(window, lambda ws, progress: desk.identity(ws),
                        then=lambda found: _introduce(window.state, *found), failed=lambda error: None)

    def people_changed(change: Change) -> None:
        if change.kinds & PEOPLE and window.state.registry:
            window.jobs.run(window, lambda ws, progress: desk.identity(ws), key="people",
                            then=lambda found: _meet(window.state, *found[1:]), failed=lambda error: None)

    introduce()
    window.changed.connect(people_changed)
    if desk.open_copy is not None:
        title = "Connect to the registry again" if offline else "Read the copy on this computer"
        window.add_commands([Action(id="turn", title=title, menu="File", run=window.turned.emit)])
    if offline:
        from desktop_app.gui.offline import Offline

        Offline(window)
    elif desk.head is not None and desk.since is not None:
        from desktop_app.gui.connection import Connection
        from desktop_app.gui.offline import Renewal

        connection = Connection(window, desk, lambda: desk.kept(url))
        window.renewal = Renewal(window, desk, lambda: desk.kept(url))
        connection.watch.reachable.connect(lambda now: introduce() if now and not window.state.registry else None)
    if desk.background:
        from desktop_app.gui.background import Background

        window.background = Background(window)


def _introduce(state: AppState, registry: str, acting: Acting | None, people: tuple[Acting, ...]) -> None:
    state.name_registry(registry)
    state.offer_people(people)
    state.act_as(acting)


def _meet(state: AppState, acting: Acting | None, people: tuple[Acting, ...]) -> None:
    """Who may act here now, and what whoever acts may; who acts stays who they are."""
    state.offer_people(people)
    if acting and state.acting and acting.id == state.acting.id:
        state.act_as(acting)


def _look(settings: Settings) -> tuple[str, float]:
    name = str(settings.value("theme", "system"))
    try:
        scale = float(settings.value("text_scale", 1.0))
    except (TypeError, ValueError):
        scale = 1.0
    scales = theme.tokens()["text_scales"]
    return name if name in theme.NAMES else "system", min(max(scale, scales[0]), scales[-1])


def _catch_bugs(window: MainWindow) -> None:
    """A mistake in what Qt calls shows the bug dialog instead of a line on a terminal nobody sees."""
    usual = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        usual(kind, error, trace)
        if isinstance(error, Exception) and isValid(window):
            _show(window, error)

    def restore() -> None:
        if sys.excepthook is hook:
            sys.excepthook = usual

    sys.excepthook = hook
    window.destroyed.connect(restore)


def _show(parent: QWidget | None, error: Exception) -> None:
    from desktop_app.gui.show_error import show_error

    show_error(parent, error)


class _Start(QObject):
    """Calls `begin` once, after the first paint of the window."""

    def __init__(self, window: MainWindow, begin: Callable[[], None]) -> None:
        super().__init__(window)
        self._begin: Callable[[], None] | None = begin
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Wait for the paint."""
        if event.type() == QEvent.Type.Paint and self._begin is not None:
            begin, self._begin = self._begin, None
            watched.removeEventFilter(self)
            QTimer.singleShot(0, begin)
        return False
