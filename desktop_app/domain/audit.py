"""The log: entries, how they are framed and chained, and the tree over the facts of an entry.

Framing is security.md §1.4: the registry puts order, time and user around the client's canonical body and
hashes all of it; the chain, the leaves and the nodes have distinct prefixes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Generic, TypeVar

from desktop_app.domain import canonical
from desktop_app.domain.canonical import Digest, Id, fact, later, record

FRAME = "assaydesk-event/v1"
GENESIS = bytes(32)  # prev of the first entry


R = TypeVar("R", covariant=True)


@dataclass(frozen=True)
class Recorded(Generic[R]):
    """A fact as the registry holds it: the record, its digest, and the entry that brought it.

    ordinal: its number among the facts of its kind, from 1, in the order of the log.
    """

    record: R
    digest: Digest
    seq: int
    at: datetime
    by: Id
    ordinal: int

    @property
    def label(self) -> str:
        """How people call it: F-118, R-12; the kind and number where it has no letter."""
        kind = canonical.kind_of(self.record)
        return f"{LETTERS[kind]}-{self.ordinal}" if kind in LETTERS else f"{kind} {self.ordinal}"


LETTERS = {
    "finding": "F", "promotion.requested": "R", "validation.concluded": "V", "evidence": "E", "exception": "X",
    "overlay": "O", "stage.changed": "A", "prior_decision": "P", "card": "C",
    "recertification.opened": "AR",
}


@record
class EntryBody:
    """What the client says of a write; its canonical bytes are the body of the entry."""

    v: int
    registry: str
    actor: Id
    action: str
    subject: Id
    client_time: datetime
    application: str
    note: str
    facts: int
    facts_root: Digest
    kinds: tuple[str, ...]
    blobs: tuple[Digest, ...] = ()


@record
class Entry:
    """One line of the log as it is stored."""

    seq: int
    at: datetime  # of the registry, not of the client
    user: str  # who the database says wrote
    command: str  # client-made id of the write
    body: str  # canonical JSON of an EntryBody
    prev: Digest
    hash: Digest

    def read(self) -> EntryBody:
        """The body. Raises NotCanonical."""
        return canonical.build(EntryBody, canonical.parse(self.body.encode("utf-8")))


@record
class LogFilter:
    """Which entries of the log are shown or exported; all of it must hold.

    words: every one of them is said · person: who wrote it · model: what it is about, with its versions, uses,
    evidence, findings and requests · first, last: days, both included, where this computer is.
    """

    words: str = ""
    person: Id | None = None
    action: str = ""
    model: Id | None = None
    first: date | None = None
    last: date | None = None

    @property
    def since(self) -> datetime | None:
        """The moment from which it lets entries pass."""
        return _midnight(self.first) if self.first else None

    @property
    def until(self) -> datetime | None:
        """The moment from which it lets no entry pass."""
        return _midnight(self.last + timedelta(days=1)) if self.last else None

    def said(self, called: Mapping[Id, str]) -> str:
        """In words: “about Scorecard; by Ann Admin; from 1 Nov 2026”; "" when everything passes."""
        parts = [f"about {called.get(self.model, self.model)}" if self.model else "",
                 f"by {called.get(self.person, self.person)}" if self.person else "",
                 f"only “{said_action(self.action)}”" if self.action else "",
                 f"from {canonical.day_text(self.first)}" if self.first else "",
                 f"to {canonical.day_text(self.last)}" if self.last else "",
                 f"saying “{self.words.strip()}”" if self.words.strip() else ""]
        return "; ".join(part for part in parts if part)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min).astimezone()


def said_action(action: str) -> str:
    """An action in words: “promotion signed off”."""
    return action.replace(".", " ").replace("_", " ")


def told(body: EntryBody, about: str = "") -> str:
    """An entry in words, the same in the window, in the terminal and on paper: “F-3 · Finding answered: …”.

    about: what it is about, by label or name, the parts separated by ", "; a part the note says itself is left out.
    """
    action = said_action(body.action)
    done = body.note or action[:1].upper() + action[1:]
    beside = [p for p in about.split(", ") if p and not re.search(rf"(?<!\w){re.escape(p)}(?!\w)", done)]
    return " · ".join([", ".join(beside), done] if beside else [done])


def frames(text: str) -> bool:
    """Whether a user or a command may stand in an entry: one line, so that its end is the end of its field."""
    return text.isprintable() and text != ""


def message(seq: int, at: datetime, user: str, command: str, body: str) -> bytes:
    """What is hashed of an entry."""
    return f"{FRAME}\n{seq}\n{canonical.utc_text(at)}\n{user}\n{command}\n{body}".encode()


def chain_hash(prev: bytes, framed: bytes) -> bytes:
    """SHA-256(0x02 ‖ previous hash ‖ message)."""
    return hashlib.sha256(b"\x02" + prev + framed).digest()


def facts_root(digests: Iterable[Digest]) -> Digest:
    """The Merkle root (RFC 9162 §2.1.1) over the facts of a write, in the order they were added.

    A leaf is SHA-256(0x00 ‖ digest), a node SHA-256(0x01 ‖ left ‖ right); no facts: SHA-256 of nothing.
    """
    return Digest(merkle_root([hashlib.sha256(b"\x00" + bytes.fromhex(d)).digest() for d in digests]).hex())


def merkle_root(leaves: list[bytes]) -> bytes:
    """The RFC 9162 root over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = leaves
    while len(level) > 1:
        paired = [hashlib.sha256(b"\x01" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = paired + level[len(level) & ~1:]
    return level[0]


def holds(entry: Entry, bodies: Iterable[str]) -> bool:
    """Whether an entry fits its hash, and the facts beside it are those that it was written with."""
    framed = message(entry.seq, entry.at, entry.user, entry.command, entry.body)
    try:
        whole = chain_hash(bytes.fromhex(entry.prev), framed).hex() == entry.hash
        return whole and entry.read().facts_root == facts_root(canonical.sha256(b.encode()) for b in bodies)
    except ValueError:  # NotCanonical is one
        return False


@record
class Problem:
    """A check that failed, where, and what was found."""

    check: str
    seq: int
    sentence: str


@record
class CheckReport:
    """What a verification did: numbered checks, each with what it covers, and every mismatch found."""

    checks: tuple[tuple[str, str], ...]  # (check, what it came to)
    problems: tuple[Problem, ...]
    entries: int
    head: Digest
    not_checked: tuple[str, ...]
    unclear: tuple[Problem, ...] = later(default=())  # what this build of the program cannot judge, and why
    root: Digest = later(default="")  # of the tree over all entries

    @property
    def ok(self) -> bool:
        """Whether everything that was asked could be checked, and nothing was found wrong."""
        return not self.problems and not self.unclear


@fact("exported")
class Exported:
    """Something left the registry as a file: what, by the entry's actor, with the file's digest."""

    id: Id
    what: str  # audit_pdf | audit_log | inventory | registry | document
    subject: Id
    file_name: str
    sha256: Digest
    size: int
    dossier_digest: str = ""
    head_seq: int = 0
    filter: str = later(default="")  # in words, where only a part of it left
