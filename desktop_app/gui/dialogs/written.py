"""What was written by an operation that returns an id, so that the pages that show it load again."""

from __future__ import annotations

from desktop_app.domain.canonical import Id, record
from desktop_app.domain.change import Change
from desktop_app.gui.jobs import Workspace


@record
class Written:
    """The id made, with the change it was recorded by, for `Jobs.wrote`."""

    id: Id
    change: Change


def written(ws: Workspace, made: Id, about: Id | None = None) -> Written:
    """Find the entry that recorded `made`. Runs on a worker.

    about: what the entry is found by, where its subject is another thing than what was made.
    """
    from desktop_app.operations import audit

    line = audit.listing(ws, about=about or made)[0]
    change = Change(kinds=frozenset(line.kinds), subject=Id(line.subject), note=line.note, seq=line.seq)
    return Written(id=made, change=change)
