"""The writing door: facts are collected and leave, with exactly one entry, in one transaction."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from desktop_app import __version__
from desktop_app.domain import audit, canonical
from desktop_app.domain.audit import EntryBody
from desktop_app.domain.canonical import Digest, Id
from desktop_app.domain.change import Change
from desktop_app.domain.person import Erasable, Unkept
from desktop_app.errors import UserError
from desktop_app.registry import projections
from desktop_app.registry._database import Database, Draft, NewFact
from desktop_app.registry._tables import IDENTITY
from desktop_app.registry.outbox import Sent
from desktop_app.registry.reader import Reader

MOST_FACTS = 1000
MOST_BLOB = 200 * 2**20


class Write:
    """What one write adds. `reader` sees the registry as it is inside the transaction, before what is added.

    After the block `change` says what was touched.
    """

    def __init__(
        self, database: Database, connection: Connection, *, now: datetime, actor: Id, action: str, subject: Id,
        note: str, command: str,
    ) -> None:
        if not audit.frames(command):
            raise ValueError(f"a command is one line of text, not {command!r}")
        self._database, self._connection, self.now, self._command = database, connection, now, command
        self._actor, self._action, self._subject, self.note = actor, action, subject, note
        self._facts: list[tuple[Any, bytes, Digest]] = []
        self._blobs: dict[Digest, bytes] = {}
        self._texts: list[Unkept] = []
        self.reader = Reader(connection, database)
        self.change: Change | None = None

    def add(self, *records: Any) -> None:
        """Add facts, in this order."""
        for item in records:
            if not canonical.is_fact(item):
                raise TypeError(f"{type(item).__name__} is not a fact")
            body = canonical.encode(item)
            self._facts.append((item, body, canonical.sha256(body)))

    def add_blob(self, data: bytes) -> Digest:
        """Keep a document's bytes; the same bytes are kept once. Raises UserError over 200 MB."""
        if len(data) > MOST_BLOB:
            raise UserError("This document is larger than the registry keeps.", f"{len(data):,} bytes",
                            "File a shorter version, or a page that says where it is kept and its SHA-256.")
        digest = canonical.sha256(data)
        self._blobs[digest] = data
        return digest

    def add_text(self, text: str) -> Erasable:
        """Keep erasable text beside the facts and return what a fact may hold of it."""
        return self.keep(unkept(self.now, text))

    def keep(self, text: Unkept) -> Erasable:
        """Keep erasable text whose digest was signed before the write began."""
        self._texts.append(text)
        return text.reference()

    def sent(self) -> Sent:
        """All that `finish` is about to send, for the outbox."""
        return Sent(
            command=self._command, at=canonical.utc_text(self.now), actor=self._actor, action=self._action,
            subject=self._subject, note=self.note,
            facts=tuple((canonical.kind_of(item), body.decode("utf-8")) for item, body, _ in self._facts),
            texts=tuple((t.ref, t.salt, t.text) for t in self._texts), documents=tuple(sorted(self._blobs)))

    def again(self, connection: Connection) -> None:
        """The connection went away: `finish` is to send the same through this one."""
        self._connection, self.reader = connection, Reader(connection, self._database)

    def finish(self) -> Change:
        """Append the entry and the facts, refresh the projections. Called by the store."""
        if not 0 < len(self._facts) <= MOST_FACTS:
            raise ValueError(f"a write holds 1 to {MOST_FACTS} facts, not {len(self._facts)}")
        if self._texts:
            rows = [{"ref": t.ref, "salt": t.salt, "text": t.text} for t in self._texts]
            self._connection.execute(insert(IDENTITY), rows)
        facts = [NewFact(id=item.id, kind=canonical.kind_of(item), digest=digest, body=body.decode("utf-8"))
                 for item, body, digest in self._facts]
        seq = self._database.append(self._connection, Draft(
            command=self._command, now=self.now, body=canonical.plain(self._body()), facts=facts, blobs=self._blobs))
        projections.refresh(self._connection, self.reader, [item for item, _, _ in self._facts])
        self.change = Change(
            kinds=frozenset(f.kind for f in facts), subject=self._subject, note=self.note, seq=seq)
        return self.change

    def _body(self) -> EntryBody:
        return EntryBody(
            v=canonical.FORMAT, registry=self.reader.info().id, actor=self._actor, action=self._action,
            subject=self._subject, client_time=self.now, application=f"assaydesk {__version__}", note=self.note,
            facts=len(self._facts), facts_root=audit.facts_root(d for _, _, d in self._facts),
            kinds=tuple(sorted({canonical.kind_of(item) for item, _, _ in self._facts})),
            blobs=tuple(sorted(self._blobs)))


def changed(write: Write) -> Change:
    """What a finished write touched."""
    if write.change is None:
        raise RuntimeError("the write has not finished")
    return write.change


def unkept(now: datetime, text: str) -> Unkept:
    """Erasable text with a fresh salt (16 bytes) and reference."""
    return Unkept(ref=canonical.new_id(now), salt=secrets.token_bytes(16).hex(), text=text)
