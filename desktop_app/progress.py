"""How long work says how far it is, and learns that it should stop."""

from __future__ import annotations

from collections.abc import Callable

from desktop_app.errors import Cancelled


class Progress:
    """Handed to every long function. `step` reports and raises `Cancelled` when the person asked to stop."""

    def __init__(
        self, report: Callable[[float, str], None] = lambda fraction, status: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._report, self._cancelled = report, cancelled

    def step(self, fraction: float, status: str = "") -> None:
        """fraction: done so far, 0 to 1 · status: what is being done, for a person. Raises Cancelled."""
        if self._cancelled():
            raise Cancelled
        self._report(min(1.0, max(0.0, fraction)), status)

    def part(self, start: float, end: float) -> Progress:
        """A progress for one part of the work: its 0 to 1 is `start` to `end` here."""
        return Progress(lambda f, s: self._report(start + (end - start) * f, s), self._cancelled)
