"""The writing door: facts are collected and leave, with exactly one entry, in one transaction."""

from __future__ import annotations

import getpass
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select

from desktop_app import __version__
from desktop_app.domain import audit, canonical
from desktop_app.domain.audit import EntryBody
from desktop_app.domain.canonical import Digest, Id
from desktop_app.domain.change import Change
from desktop_app.domain.person import Erasable, Unkept
from desktop_app.errors import Refused, UserError
from desktop_app.registry import projections
from desktop_app.registry._tables import BLOB, ENTRY, FACT, IDENTITY
from desktop_app.registry.reader import Reader

MOST_FACTS = 1000
CLOCKS_DIFFER = timedelta(minutes=5)  # by which the clocks of two writers may
MOST_BLOB = 200 * 2**20


class Write:
    """What one write adds. `reader` sees the registry as it is inside the transaction, before what is added.

    After the block `change` says what was touched.
    """

    def __init__(
        self, connection: Connection, *, now: datetime, actor: Id, action: str, subject: Id, note: str, command: str,
    ) -> None:
        self._connection, self.now, self._command = connection, now, command
        self._actor, self._action, self._subject, self.note = actor, action, subject, note
        self._facts: list[tuple[Any, bytes, Digest]] = []
        self._blobs: dict[Digest, bytes] = {}
        self.reader = Reader(connection)
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
        self._connection.execute(insert(IDENTITY), [{"ref": text.ref, "salt": text.salt, "text": text.text}])
        return text.reference()

    def finish(self) -> Change:
        """Append the entry and the facts, refresh the projections. Called once, by the store."""
        if not 0 < len(self._facts) <= MOST_FACTS:
            raise ValueError(f"a write holds 1 to {MOST_FACTS} facts, not {len(self._facts)}")
        seq = self._append_entry()
        self._append_facts(seq)
        self._append_blobs(seq)
        records = [item for item, _, _ in self._facts]
        projections.refresh(self._connection, records)
        kinds = frozenset(canonical.kind_of(item) for item in records)
        self.change = Change(kinds=kinds, subject=self._subject, note=self.note, seq=seq)
        return self.change

    def _append_entry(self) -> int:
        last = self._connection.execute(
            select(ENTRY.c.seq, ENTRY.c.hash, ENTRY.c.at).order_by(ENTRY.c.seq.desc()).limit(1)).first()
        seq, prev = (last.seq + 1, last.hash) if last else (1, audit.GENESIS.hex())
        at = self._after(canonical.parse_utc(last.at)) if last else self.now
        said = canonical.plain(self._body())  # the columns beside the body say the same, in the same form of text
        body = canonical.jcs(said).decode("utf-8")
        user = _system_user()
        framed = audit.message(seq, at, user, self._command, body)
        self._connection.execute(insert(ENTRY), [{
            "seq": seq, "at": canonical.utc_text(at), "db_user": user, "command": self._command, "body": body,
            "prev": prev, "hash": audit.chain_hash(bytes.fromhex(prev), framed).hex(), "actor": said["actor"],
            "action": said["action"], "subject": said["subject"], "note": said["note"]}])
        return seq

    def _after(self, last: datetime) -> datetime:
        """The time of this entry: the log's time never runs back, and does not follow a clock that is wrong."""
        if last - self.now > CLOCKS_DIFFER:
            raise Refused(
                "The clock of this machine is behind the registry.",
                f"This machine says {canonical.utc_text(self.now)}; the last entry was made at "
                f"{canonical.utc_text(last)}.",
                "Set the clock of this machine. If it is right, the last entry was made with a clock that was ahead: "
                "tell an administrator.")
        return max(self.now, last)

    def _body(self) -> EntryBody:
        return EntryBody(
            v=canonical.FORMAT, registry=self.reader.info().id, actor=self._actor, action=self._action,
            subject=self._subject, client_time=self.now, application=f"assaydesk {__version__}", note=self.note,
            facts=len(self._facts), facts_root=audit.facts_root(d for _, _, d in self._facts),
            kinds=tuple(sorted({canonical.kind_of(item) for item, _, _ in self._facts})),
            blobs=tuple(sorted(self._blobs)))

    def _append_facts(self, seq: int) -> None:
        kinds = {canonical.kind_of(item) for item, _, _ in self._facts}
        query = select(FACT.c.kind, func.max(FACT.c.ordinal)).where(FACT.c.kind.in_(kinds)).group_by(FACT.c.kind)
        counts: dict[str, int] = {row[0]: row[1] for row in self._connection.execute(query)}
        rows = []
        for position, (item, body, digest) in enumerate(self._facts):
            kind = canonical.kind_of(item)
            counts[kind] = counts.get(kind, 0) + 1
            rows.append({"id": item.id, "kind": kind, "ordinal": counts[kind], "seq": seq, "position": position,
                         "digest": digest, "body": body.decode("utf-8")})
        self._connection.execute(insert(FACT), rows)

    def _append_blobs(self, seq: int) -> None:
        if not self._blobs:
            return
        kept = set(self._connection.execute(
            select(BLOB.c.digest).where(BLOB.c.digest.in_(self._blobs))).scalars())
        rows = [{"digest": d, "seq": seq, "size": len(data), "data": data}
                for d, data in self._blobs.items() if d not in kept]
        if rows:
            self._connection.execute(insert(BLOB), rows)


def _system_user() -> str:
    """Who the operating system says writes."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user in the system's tables, as in some containers
        return "unknown"


def unkept(now: datetime, text: str) -> Unkept:
    """Erasable text with a fresh salt (16 bytes) and reference."""
    return Unkept(ref=canonical.new_id(now), salt=secrets.token_bytes(16).hex(), text=text)
