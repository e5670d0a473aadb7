"""What was sent to a registry and has no answer yet: on this computer, on its disk before it is sent.

A write is kept here while it holds the end of the log, so whoever holds that end next sees either its entry or that
there will be none. What is still here after that is a write whose program was killed, or whose connection went away;
`Store.leftovers` learns what became of it, and it stays until somebody was told.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from desktop_app.domain.canonical import Id
from desktop_app.errors import Unreachable


@dataclass(frozen=True)
class Sent:
    """One write as it was sent: who, what, on what, when (UTC), and its complete records as canonical JSON.

    texts: (reference, salt, text) of erasable texts · documents: digests of documents, whose bytes are not kept here.
    """

    command: str
    at: str
    actor: Id
    action: str
    subject: Id
    note: str
    facts: tuple[tuple[str, str], ...]
    texts: tuple[tuple[str, str, str], ...]
    documents: tuple[str, ...]


@dataclass(frozen=True)
class Leftover:
    """A write whose answer never came, and what became of it: its entry, or None when it was not recorded."""

    sent: Sent
    entry: int | None


@dataclass(frozen=True)
class Patience:
    """How long a registry that went away is asked again: waits from `first` to `most` seconds, `total` in all."""

    first: float = 0.05
    most: float = 5.0
    total: float = 60.0

    def attempts(self, given_up: threading.Event) -> Iterator[int]:
        """Numbers from 0, each after a longer wait with chance in it, until the time is over or it is given up."""
        end, pause = time.monotonic() + self.total, self.first
        for number in itertools.count():
            yield number
            wait = pause * random.uniform(0.5, 1.0)  # noqa: S311 - so that many clients do not come back at once
            if time.monotonic() + wait > end or given_up.wait(wait):
                return
            pause = min(2 * pause, self.most)


class Outbox:
    """A file for each write of one registry that was sent and has no answer yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, sent: Sent) -> None:
        """On the disk when it returns. Raises Unreachable when it cannot be kept: then nothing may be sent."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._write(sent.command, {"v": 1, "sent": asdict(sent)})
        except OSError as error:
            raise Unreachable("This computer could not keep what it was about to send; nothing was sent.",
                              f"{self._folder}: {error.strerror or error}",
                              "Free some space, or have the folder made writable, and try again.") from error

    def holds(self, command: str) -> bool:
        """Whether it waits for its answer; not when another program has learned what became of it."""
        found = self._read(self._file(command))
        return found is not None and "entry" not in found

    def settle(self, command: str, entry: int | None) -> None:
        """Keep what became of it until somebody was told; entry: None when it was not recorded."""
        found = self._read(self._file(command))
        if found is not None:
            self._write(command, found | {"entry": entry})

    def forget(self, command: str) -> None:
        """Its answer came, or somebody was told."""
        self._file(command).unlink(missing_ok=True)

    def unanswered(self) -> tuple[str, ...]:
        """Commands that wait for their answer."""
        return tuple(command for command, found in self._all() if "entry" not in found)

    def answered(self) -> tuple[Leftover, ...]:
        """What became of those that nobody was told about, oldest first."""
        return tuple(Leftover(_sent(found["sent"]), found["entry"]) for _, found in self._all() if "entry" in found)

    def _all(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for file in sorted(self._folder.glob("*.json")):
            if (found := self._read(file)) is not None:
                yield file.stem, found

    def _file(self, command: str) -> Path:
        return self._folder / f"{command}.json"

    @staticmethod
    def _read(file: Path) -> dict[str, Any] | None:
        try:
            found = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and "sent" in found else None

    def _write(self, command: str, content: dict[str, Any]) -> None:
        """Whole or not at all, and safe from a power cut."""
        made = self._folder / f"{command}.making"
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            json.dump(content, out)
            out.flush()
            os.fsync(out.fileno())
        made.replace(self._file(command))
        if os.name != "nt":
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _sent(found: dict[str, Any]) -> Sent:
    lists = {"facts": tuple(map(tuple, found["facts"])), "texts": tuple(map(tuple, found["texts"])),
             "documents": tuple(found["documents"])}
    return Sent(**(found | lists))
