"""The log is recomputed in the background while the window is open and nothing else runs, a step at a time.

A step ends as soon as another job waits, so no page and no signature waits for it; it ends with the window.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from desktop_app.gui.jobs import Job, Workspace
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.gui.main_window import MainWindow
    from desktop_app.operations.recomputing import Recomputed, Recomputing

PAUSE = 300  # milliseconds between two steps
AT_REST = 5_000  # milliseconds between two looks at a log that was gone through
ROUND = 3_600  # seconds after which a log that was gone through is gone through anew
SETTING = "recompute"


class Background(QObject):
    """See the module. Signal `stepped(Recomputed)`: a step ended."""

    stepped = Signal(object)

    def __init__(
        self, window: MainWindow, pause: int = PAUSE, clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(window)
        self._window, self._pause, self._clock = window, pause, clock
        self._work: Recomputing | None = None
        self._step: Job | None = None
        self._problems = 0
        self._began = clock()
        self._timer = QTimer(self, interval=pause)
        self._timer.timeout.connect(self.look)
        if self.on:
            self._timer.start()

    @property
    def on(self) -> bool:
        """Whether it is wanted in this window."""
        return str(self._window.settings.value(SETTING, "yes")) != "no"

    def set_on(self, on: bool) -> None:
        """Go on, or stop; remembered."""
        self._window.settings.setValue(SETTING, "yes" if on else "no")
        if on:
            self._timer.start()
        else:
            self._timer.stop()
            if self._step is not None:
                self._step.cancel()
            self._window.state.log_recomputed.emit("")

    def look(self) -> None:
        """One step more, if nothing else runs."""
        jobs = self._window.jobs
        if not jobs.idle:
            return

        def work(ws: Workspace, progress: Progress) -> Recomputed:
            from desktop_app.operations.recomputing import Recomputing

            if self._work is None:
                self._work = Recomputing()

            def stop() -> bool:
                progress.step(0.0)  # raises when the window is closed
                return not jobs.alone

            return self._work.step(ws, stop)

        self._step = jobs.run(self._window, lambda ws, progress: _keep(ws, work(ws, progress)), then=self._stepped,
                              failed=lambda error: None)  # an unreachable registry is said elsewhere

    def _stepped(self, found: Recomputed) -> None:
        if not self.on:
            return
        self._timer.setInterval(AT_REST if found.whole else self._pause)
        if found.whole and self._work is not None and self._clock() - self._began > ROUND:
            self._work.again()
            self._began = self._clock()
        self._window.state.log_recomputed.emit(found.told if found.head else "")
        if len(found.problems) != self._problems:
            self._problems = len(found.problems)
            self._window.refresh_standing()
        self.stepped.emit(found)


def _keep(ws: Workspace, found: Any) -> Any:
    from desktop_app.gui.pages.standing import keep_recomputed

    keep_recomputed(ws, found)
    return found
