"""Reading without a connection: a window on the copy of a registry, and how the copy is kept fresh."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer

from desktop_app.gui.jobs import Job, Lane

if TYPE_CHECKING:
    from desktop_app.domain.local_copy import LocalCopy
    from desktop_app.gui.app import Desk
    from desktop_app.gui.main_window import MainWindow

AGE_EVERY = 30_000  # milliseconds between two looks at the age of the copy
RENEW_EVERY = 60_000  # milliseconds between two looks whether it is to be renewed
RENEW_AFTER = timedelta(days=1)
SETTING = "renew_copy"


class Offline(QObject):
    """Says across a window what copy is read and how old it is, with the way back to the registry."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._copied = window, None
        window.jobs.reads_only = True
        window.jobs.opened.connect(self._opened)
        self._timer = QTimer(self, interval=AGE_EVERY)
        self._timer.timeout.connect(self._say)
        self._timer.start()
        self._say()

    def _opened(self, workspace: Any) -> None:
        self._copied = workspace.store.copied
        self._say()

    def _say(self) -> None:
        copied: LocalCopy | None = self._copied
        said = copied.told(datetime.now(UTC)) if copied else "Reading the copy of the registry on this computer."
        self._window.notice.say(said, "Connect again", self._window.turned.emit)


class Renewal(QObject):
    """Takes a copy anew that is a day old, while the window is open and nothing else runs: where that is wanted.

    A first copy is never taken by itself.
    """

    def __init__(
        self, window: MainWindow, desk: Desk, kept: Callable[[], LocalCopy | None], every: int = RENEW_EVERY,
    ) -> None:
        super().__init__(window)
        self._window, self._take, self.kept = window, desk.take_copy, kept
        self._job: Job | None = None
        self._tried: datetime | None = None
        self._timer = QTimer(self, interval=every)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    @property
    def on(self) -> bool:
        """Whether it is wanted in this window."""
        return str(self._window.settings.value(SETTING, "no")) == "yes"

    def set_on(self, on: bool) -> None:
        """Remember."""
        self._window.settings.setValue(SETTING, "yes" if on else "no")

    def look(self, now: datetime | None = None) -> None:
        """Renew the copy if it is time and nothing else runs; what fails is tried again an hour later."""
        now = now or datetime.now(UTC)
        waits = self._tried is not None and now - self._tried < timedelta(hours=1)
        if not self.on or waits or not self._window.jobs.idle or self._window.state.acting is None:
            return
        kept = self.kept()
        if kept is None or now - kept.taken < RENEW_AFTER:
            return
        self._tried, take = now, self._take
        self._job = self._window.jobs.run(
            self._window, take, title="renewing the copy for reading offline", lane=Lane.COMPUTE,
            failed=lambda error: None)  # the copy that is there says its age; a log not in order is said elsewhere
