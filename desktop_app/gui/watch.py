"""Other people's work: every write leaves one audit entry, so the head of the log is the feed of changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from desktop_app.gui.jobs import Job, Jobs, Lane, Workspace

if TYPE_CHECKING:
    from desktop_app.domain.change import Change
    from desktop_app.operations.outbox import Told

EVERY = 1_000  # milliseconds


class Watch(QObject):
    """Asks every second what was written since, and tells what was not written here.

    Signals: `changed(Change)` for each write of somebody else · `reachable(bool)` when the registry is lost or back
    · `left(leftovers)`: what became of writes whose answer never came. answered_at: when the registry last answered.
    """

    changed = Signal(object)
    reachable = Signal(bool)
    left = Signal(object)

    def __init__(
        self, jobs: Jobs, owner: QWidget, *,
        head: Callable[[Workspace], int], since: Callable[[Workspace, int], Sequence[Change]],
        leftovers: Callable[[Workspace], Sequence[Told]] = lambda ws: (), every: int = EVERY,
        parent: QObject | None = None,
    ) -> None:
        """head: the number of the last entry · since: the changes after an entry, oldest first · leftovers: writes
        whose answer never came; all run in WATCH.
        """
        super().__init__(parent)
        self._jobs, self._owner, self._head, self._since = jobs, owner, head, since
        self._leftovers, self._left = leftovers, ""
        self.answered_at: datetime | None = None
        self._seen: int | None = None
        self._ours: set[int] = set()
        self._lost = False
        self._asking: Job | None = None
        jobs.wrote.connect(self._wrote)
        self._timer = QTimer(self, interval=every)
        self._timer.timeout.connect(self.look)

    def start(self) -> None:
        """Begin to ask."""
        self._timer.start()
        self.look()

    def stop(self) -> None:
        """Ask no more."""
        self._timer.stop()

    def look(self) -> None:
        """Ask now, unless the last question still waits for its answer."""
        if self._asking is not None and not self._asking.done:
            return
        head, since, seen, leftovers = self._head, self._since, self._seen, self._leftovers

        def ask(ws: Workspace) -> tuple[int, tuple[Change, ...], tuple[Told, ...]]:
            last = head(ws)
            return last, () if seen is None or last <= seen else tuple(since(ws, seen)), tuple(leftovers(ws))

        self._asking = self._jobs.run(
            self._owner, lambda ws, progress: _Answer(ask(ws)), then=self._answered, failed=self._unanswered,
            lane=Lane.WATCH)

    def _wrote(self, change: Change) -> None:
        self._ours.add(change.seq)

    def _answered(self, answer: _Answer) -> None:
        self.answered_at = datetime.now(UTC)
        self._tell_reachable(True)
        last, changes, left = answer.value
        if self._seen is not None and last < self._seen:  # the log was cut, or another put in its place
            self.changed.emit(_shorter(last))
        self._seen = max([last, *(change.seq for change in changes)])
        for change in changes:
            if change.seq not in self._ours:
                self.changed.emit(change)
        self._ours = {seq for seq in self._ours if seq > self._seen}
        if (commands := " ".join(found.command for found in left)) != self._left:
            self._left = commands
            self.left.emit(left)

    def _unanswered(self, error: Exception) -> None:
        self._tell_reachable(False)

    def _tell_reachable(self, now: bool) -> None:
        if self._lost == now:
            self._lost = not now
            self.reachable.emit(now)


def _shorter(last: int) -> Change:
    from desktop_app.domain.canonical import Id
    from desktop_app.domain.change import Change

    return Change(kinds=frozenset(), subject=Id(""), note="", seq=last)


class _Answer:
    """Keeps the changes out of sight of `Jobs.wrote`, which announces what this window wrote."""

    def __init__(self, value: tuple[int, tuple[Change, ...], tuple[Told, ...]]) -> None:
        self.value = value
