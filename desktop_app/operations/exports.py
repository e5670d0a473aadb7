"""What leaves the registry as a file leaves an entry: who took what out, when, with the file's digest.

These are the readings that are recorded: the bytes of a filed document, an audit PDF, the inventory or another table,
the log or a part of it, a copy of the registry. Looking at a page is not: nothing leaves by it that its reader could
not be asked about, and a log full of glances hides what matters.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from desktop_app.domain.audit import Exported
from desktop_app.domain.canonical import Id, sha256
from desktop_app.domain.change import Change
from desktop_app.domain.words import counted
from desktop_app.operations.people import changed
from desktop_app.operations.saving import save_bytes
from desktop_app.workspace import Workspace


def save(
    workspace: Workspace, target: Path, data: bytes, *, what: str, action: str, subject: Id | None = None, note: str,
    **details: Any,
) -> Change:
    """Write a file out of the registry, whole or not at all, with its entry, or neither.

    what: of `Exported` · subject: default the registry · details: more fields of `Exported`. Raises UserError, or
    Unreachable where the file cannot be written.
    """
    store, about = workspace.store, subject or Id(workspace.store.info.id)
    made = Exported(id=store.new_id(), what=what, subject=about, file_name=target.name, sha256=sha256(data),
                    size=len(data), **details)
    done: list[Change] = []

    def record() -> None:
        with store.write(workspace.me, action, about, note=note) as write:
            write.add(made)
        done.append(changed(write))

    save_bytes(target, data, before=record)
    return done[0]


def table(workspace: Workspace, target: Path, data: bytes, name: str, rows: int) -> Change:
    """Write a table as it is shown."""
    return save(workspace, target, data, what="table", action="table.exported",
                note=f"Exported the table of {name} as {target.name}: {counted(rows, 'row')}")


def spreadsheet_safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula (security.md §6)."""
    first = text.lstrip()[:1]
    return "'" + text if first in ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20") \
        or text[:1] in ("\t", "\r") else text
