"""The one place with threads. Pages say what to do and what to show; the window never waits.

    jobs.run(self, lambda ws, progress: inventory.rows(ws), then=self.show_rows)

Lanes: WRITE (one worker, so writes keep their order), READ (one worker, so that a long reading never delays a
signature), COMPUTE (two), WATCH (one, so that a long reading never hides others' work), UNLOCK. Workers own no QObject
and no widget: they post to the one long-lived `Jobs`, which calls `then` or `failed` on the window's thread. A result
is dropped when its owner is gone, or when a newer job with the same key has been started by the same owner. The
workspace is opened by the first job, in READ.

`work` runs on a worker: it must touch no widget. Errors go to `show_error` unless `failed` is given; `Cancelled`
is shown nowhere. A `Change` in the result is announced by `Jobs.wrote`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from desktop_app.errors import Cancelled
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from desktop_app.domain.change import Change
    from desktop_app.workspace import Workspace
else:
    Workspace: TypeAlias = Any  # the real one is imported when it is opened, not before the first paint

__all__ = ["Job", "Jobs", "Lane", "Workspace", "change_in"]
T = TypeVar("T")
REPORT_EVERY = 100  # milliseconds between two repaints of the job tray


class Lane(StrEnum):
    """Where a job runs."""

    WRITE = "write"
    READ = "read"
    COMPUTE = "compute"
    WATCH = "watch"
    UNLOCK = "unlock"  # the idle lock's own: whoever comes back waits for nobody's work


WORKERS = {Lane.WRITE: 1, Lane.READ: 1, Lane.COMPUTE: 2, Lane.WATCH: 1, Lane.UNLOCK: 1}


class Job:
    """One piece of work: what the tray shows of it, and `cancel`. Made by `Jobs.run` only."""

    def __init__(self, owner: QWidget, lane: Lane, title: str, key: Hashable) -> None:
        self.owner: QWidget | None = owner
        self.lane, self.title, self.key = lane, title, key
        self.fraction, self.status = 0.0, ""
        self.done = False
        self.wanted = True  # False: a newer job took its place
        self._stop = threading.Event()
        self.work: Callable[[Workspace, Progress], Any] | None = None
        self.then: Callable[[Any], None] | None = None
        self.failed: Callable[[Exception], None] | None = None
        self.workspace: Workspace | None = None
        self.opening: Future[Workspace] | None = None
        self.result: Any = None
        self.error: Exception | None = None

    def cancel(self) -> None:
        """Ask the work to stop at its next step; a job that has not begun never begins."""
        self._stop.set()

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to stop."""
        return self._stop.is_set()

    def report(self, fraction: float, status: str) -> None:
        """Called by the worker; the tray reads it."""
        self.fraction, self.status = fraction, status or self.status

    def forget(self) -> None:
        """Let go of everything that may hold a widget; on the window's thread only."""
        self.owner = self.work = self.then = self.failed = self.workspace = self.result = self.error = None


class Jobs(QObject):
    """Runs jobs; see the module.

    Signals: `changed` (a job began, moved or ended) · `wrote(Change)` (a job's result holds a Change)
    · `opened(workspace)` (the workspace is open: once).
    """

    changed = Signal()
    wrote = Signal(object)
    opened = Signal(object)
    _posted = Signal()

    def __init__(
        self,
        workspace_factory: Callable[[], Workspace],
        show: Callable[[QWidget | None, Exception], None],
        parent: QObject | None = None,
    ) -> None:
        """workspace_factory is called once, on the READ worker · show presents what no caller handles."""
        super().__init__(parent)
        self._factory, self._show = workspace_factory, show
        self._lanes: dict[Lane, ThreadPoolExecutor] = {}
        self._opening: Future[Workspace] | None = None
        self._adopted: Workspace | None = None
        self._announced = False
        self._closed = False
        self.reads_only = False  # set when a copy of the registry is open: nothing can be recorded
        self._running: list[Job] = []
        self._mail: deque[Callable[[], None]] = deque()
        self._posted.connect(self._read_mail, Qt.ConnectionType.QueuedConnection)
        self._ticker = QTimer(self, interval=REPORT_EVERY)
        self._ticker.timeout.connect(self._tick)

    @property
    def running(self) -> tuple[Job, ...]:
        """What runs or waits, oldest first, without what the tray need not name (no title)."""
        return tuple(job for job in self._running if job.title)

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits."""
        return not self._running

    @property
    def alone(self) -> bool:
        """Whether a single job runs or waits: what has all the time there is asks so, on its worker."""
        return len(self._running) <= 1

    def run(
        self,
        owner: QWidget,
        work: Callable[[Workspace, Progress], T],
        *,
        then: Callable[[T], None] = lambda result: None,
        lane: Lane = Lane.READ,
        title: str = "",
        failed: Callable[[Exception], None] | None = None,
        key: Hashable = None,
    ) -> Job:
        """Start `work` for `owner`; `then(result)` or `failed(error)` follows on the window's thread.

        title: what the job tray says (without one it is not listed) · key: a newer job of the same owner with the
        same key takes the place of an older one, whose result is dropped (and which is cancelled unless it writes).
        """
        job = Job(owner, lane, title, key)
        job.work, job.then, job.failed, job.workspace = work, then, failed, self._adopted
        if self._closed:
            job.done = True
            job.cancel()
            job.forget()
            return job
        self._replace(job)
        self._open()
        job.opening = self._opening
        self._running.append(job)
        self._lane(lane).submit(self._work, job)
        if not self._ticker.isActive():
            self._ticker.start()
        self.changed.emit()
        return job

    def adopt(self, change: Callable[[Workspace], Workspace]) -> None:
        """Jobs started from now on get `change(workspace)`: somebody else acts. Does nothing before it is open."""
        if self._announced and self._opening is not None:
            self._adopted = change(self._adopted or self._opening.result())

    def cancel_all(self) -> None:
        """Ask every job to stop."""
        for job in self._running:
            job.cancel()

    def shut_down(self) -> None:
        """Cancel everything, wait for the workers, close the workspace. Nothing is delivered afterwards."""
        if self._closed:
            return
        self._closed = True
        self.cancel_all()
        self._tell_workspace("give_up")  # nobody waits for a registry that is away
        for lane in self._lanes.values():
            lane.shutdown(wait=True, cancel_futures=True)
        self._ticker.stop()
        self._mail.clear()
        for job in self._running:
            job.forget()
        self._running.clear()
        self._tell_workspace("close")

    def retire(self) -> None:
        """As `shut_down`, but without waiting: the workspace is closed when the last job has ended."""
        if not self._closed:
            self._closed = True
            self.cancel_all()
            self._tell_workspace("give_up")
            self._let_go_when_idle()

    def _let_go_when_idle(self) -> None:
        if self.idle:
            for lane in self._lanes.values():
                lane.shutdown(wait=False)
            self._ticker.stop()
            self._tell_workspace("close")

    # --- on the window's thread

    def _replace(self, job: Job) -> None:
        if job.key is None:
            return
        for older in self._running:
            if older.key == job.key and older.owner is job.owner:
                older.wanted = False
                if older.lane is not Lane.WRITE:
                    older.cancel()

    def _tick(self) -> None:
        """While something runs: stop what nobody waits for any more, let the tray repaint."""
        for job in self._running:
            if job.lane is not Lane.WRITE and not (job.owner is not None and isValid(job.owner)):
                job.cancel()
        self.changed.emit()

    def _open(self) -> None:
        """Have the workspace opened on the READ worker, again if the last attempt failed."""
        failed_before = self._opening is not None and self._opening.done() and self._opening.exception() is not None
        if self._opening is None or failed_before:
            self._opening = self._lane(Lane.READ).submit(self._factory)

    def _lane(self, lane: Lane) -> ThreadPoolExecutor:
        from concurrent.futures import ThreadPoolExecutor  # not before the first paint

        if lane not in self._lanes:
            self._lanes[lane] = ThreadPoolExecutor(WORKERS[lane], f"jobs-{lane}")
        return self._lanes[lane]

    def _tell_workspace(self, what: str) -> None:
        if self._opening is None or not self._opening.done() or self._opening.cancelled() or self._opening.exception():
            return
        tell = getattr(self._opening.result(), what, None)
        if tell is not None:
            tell()

    def _read_mail(self) -> None:
        while self._mail:
            self._mail.popleft()()

    def _finished(self, job: Job) -> None:
        if job not in self._running:
            return
        self._running.remove(job)
        job.done = True
        if self.idle:
            self._ticker.stop()
        self.changed.emit()
        try:
            self._announce_workspace()
            self._deliver(job)
        finally:
            job.forget()
            if self._closed:
                self._let_go_when_idle()

    def _announce_workspace(self) -> None:
        if not self._announced and self._opening is not None and self._opening.done() and not self._opening.exception():
            self._announced = True
            self.opened.emit(self._opening.result())

    def _deliver(self, job: Job) -> None:
        """Hand the outcome over, unless nobody wants it any more. What was written is announced all the same."""
        change = change_in(job.result)
        alive = job.wanted and job.owner is not None and isValid(job.owner)
        if job.error is None and alive and job.then is not None and (change is not None or not job.cancelled):
            job.then(job.result)
        elif job.error is not None and not isinstance(job.error, Cancelled) and (alive or job.lane is Lane.WRITE):
            self._report(job, job.error, alive)
        if change is not None:
            self.wrote.emit(change)

    def _report(self, job: Job, error: Exception, alive: bool) -> None:
        if alive and job.failed is not None:
            job.failed(error)
        else:
            self._show(job.owner if alive else None, error)

    # --- on a worker

    def _work(self, job: Job) -> None:
        """Never raises. References to widgets stay in `job`, which only the window's thread empties."""
        try:
            assert job.opening is not None  # not the newest: that one may wait behind this job
            progress = Progress(job.report, lambda: job.cancelled)
            progress.step(0.0)
            workspace = job.opening.result() if job.workspace is None else job.workspace
            assert job.work is not None
            job.result = job.work(workspace, progress)
        except Exception as error:  # noqa: BLE001 - every error is delivered
            job.error = error
        self._mail.append(lambda: self._finished(job))
        self._posted.emit()


def change_in(result: object) -> Change | None:
    """The Change an operation returned: itself, its attribute `change`, or a member of a tuple."""
    from desktop_app.domain.change import Change  # not before the first paint

    if isinstance(result, Change):
        return result
    if isinstance(result, tuple):
        return next((part for part in result if isinstance(part, Change)), None)
    found = getattr(result, "change", None)
    return found if isinstance(found, Change) else None
