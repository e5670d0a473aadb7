"""Taking in a source goes over several writes: whoever does it is told when somebody else does the same meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from desktop_app.domain.canonical import Id
from desktop_app.errors import StaleError
from desktop_app.operations.people import changed
from desktop_app.registry.reader import Reader
from desktop_app.registry.writer import Write
from desktop_app.workspace import Workspace


class Turn:
    """The writes of one reading of a source, from the moment at which what is known of it was read.

    doing: as it is said to somebody else, "importing this inventory".
    """

    def __init__(self, workspace: Workspace, reader: Reader, source: str, doing: str) -> None:
        self._workspace, self._source, self._doing = workspace, Id(source), doing
        self._last = reader.last_on(source)

    @contextmanager
    def write(self, action: str, note: str) -> Iterator[Write]:
        """A write on the source. Raises StaleError when the last one on it was somebody else's; it leaves nothing."""
        workspace = self._workspace
        with workspace.store.write(workspace.me, action, self._source, note=note) as write:
            now = write.reader.last_on(self._source)
            if now != self._last:
                raise StaleError(
                    f"Somebody else is {self._doing}.",
                    (f"The last entry about it was {self._last:,} and is now {now:,}.",),
                    "Run it again; what was taken in stays and is not repeated.")
            yield write
        self._last = changed(write).seq
