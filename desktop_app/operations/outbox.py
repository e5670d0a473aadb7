"""Writes whose answer did not come: tried again while that is safe, and told truly to whoever comes next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from desktop_app.domain import canonical
from desktop_app.domain.canonical import record
from desktop_app.errors import Lost, UserError
from desktop_app.registry.outbox import Leftover
from desktop_app.workspace import Workspace

T = TypeVar("T")


@record
class Told:
    """What became of a write whose answer never came. entry: its number, None when it was not recorded."""

    command: str
    at: datetime
    entry: int | None
    sentence: str


def until_recorded(workspace: Workspace, attempt: Callable[[], T]) -> T:
    """Attempt a write, with all its checks, again and again while the registry is away: for a minute at most.

    Raises Lost when nothing was recorded after that; Pending and refusals at once.
    """
    store = workspace.store
    for _ in store.patience.attempts(store.given_up):
        try:
            return attempt()
        except Lost as lost:
            last = lost
    raise last


def leftovers(workspace: Workspace) -> tuple[Told, ...]:
    """What became of writes that this program, or one that was killed, never had an answer to; until `told`.

    Empty while that cannot be learned.
    """
    try:
        found = workspace.store.leftovers()
        if not found:
            return ()
        with workspace.store.read() as reader:
            names = reader.names()
    except UserError:
        return ()
    return tuple(_told(left, names.get(left.sent.actor, "Somebody")) for left in found)


def told(workspace: Workspace, command: str) -> None:
    """The person has read what became of a write."""
    workspace.store.told(command)


def _told(left: Leftover, name: str) -> Told:
    at = canonical.parse_utc(left.sent.at)
    what = left.sent.note or left.sent.action.replace(".", " ").replace("_", " ")
    came = (f"was recorded after all, as entry {left.entry:,}." if left.entry is not None else
            "was not recorded: the program or its connection ended before. Do it again if it is still wanted.")
    sentence = f"“{what}”, sent by {name} on {at.astimezone():%d %b %Y at %H:%M}, {came}"
    return Told(command=left.sent.command, at=at, entry=left.entry, sentence=sentence)
