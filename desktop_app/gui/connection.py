"""What the window says about its connection to the registry, and about writes whose answer never came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from desktop_app.gui.jobs import Lane
from desktop_app.gui.watch import Watch

if TYPE_CHECKING:
    from desktop_app.domain.local_copy import LocalCopy
    from desktop_app.gui.app import Desk
    from desktop_app.gui.main_window import MainWindow
    from desktop_app.operations.outbox import Told


class Connection(QObject):
    """Watches the registry for a window: others' work, a banner while it is away, what became of pending writes."""

    def __init__(
        self, window: MainWindow, desk: Desk, kept: Callable[[], LocalCopy | None] = lambda: None,
    ) -> None:
        """kept: the copy of the registry on this computer, to be offered while the registry is away."""
        super().__init__(window)
        assert desk.head is not None
        assert desk.since is not None
        self._window, self._told, self._kept = window, desk.told, kept
        self.watch = Watch(window.jobs, window, head=desk.head, since=desk.since, leftovers=desk.leftovers, parent=self)
        self.watch.changed.connect(window.registry_changed)
        self.watch.reachable.connect(self._show_reachable)
        self.watch.left.connect(self._show_left)
        self.watch.start()

    def _show_reachable(self, reachable: bool) -> None:
        at = self.watch.answered_at
        since = f" since {at.astimezone():%H:%M}" if at else ""
        said = "" if reachable else (f"Not connected to the registry{since}; trying again… "
                                     "What is shown is as old as each page says, and nothing can be recorded.")
        kept = None if reachable else self._kept()
        if kept is None:
            self._window.away.say(said)
        else:
            self._window.away.say(said, f"Read the copy of {kept.taken_at}", self._window.turned.emit)
        self._window.show_reachable(reachable)

    def _show_left(self, left: Sequence[Told]) -> None:
        self._window.notice.say("\n".join(found.sentence for found in left), "I have read this",
                                lambda: self._read(tuple(found.command for found in left)))

    def _read(self, commands: tuple[str, ...]) -> None:
        self._window.notice.hide()
        self._window.jobs.run(self._window, lambda ws, progress: self._told(ws, commands), lane=Lane.WATCH)
