"""The log recomputed in the background, in small steps that keep nobody waiting.

Entries, chain, tree, facts and documents (checks 1 to 6 and 8 of `trust.verify`), and at the end of a round every
checkpoint there is (13) and the guards of the tables (12). Not signatures, decisions and projections: those need every
fact at once, and are for `audit.verify`. The position is in memory: a new program begins anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from desktop_app.domain.audit import Entry, Problem
from desktop_app.domain.canonical import Digest, NotCanonical, record
from desktop_app.errors import Damaged
from desktop_app.operations import checkpoints
from desktop_app.registry.reader import Head, Reader
from desktop_app.trust.verify import LogVerifier, StoredFact
from desktop_app.workspace import Workspace

STEP = 500  # entries and facts read at once: a reading of some 20 ms, which is what somebody else may have to wait
BYTES = 8_000_000  # of documents digested at once


@record
class Recomputed:
    """How far it came: up to entry `entries` of `head`, at `at`; what was found in this round or one before."""

    entries: int
    head: int
    at: datetime
    problems: tuple[Problem, ...]

    @property
    def whole(self) -> bool:
        """Whether this round has come to the end of the log."""
        return self.entries >= self.head

    @property
    def told(self) -> str:
        """“Recomputed up to entry 4,000 of 9,120 at 11:40”."""
        return f"Recomputed up to entry {self.entries:,} of {self.head:,} at {self.at.astimezone():%H:%M}"


class Recomputing:
    """Goes through the log of a registry; `step` by step, again from the start when a round is over."""

    def __init__(self) -> None:
        self._verifier: LogVerifier | None = None
        self._problems: tuple[Problem, ...] = ()  # of the rounds before, until one is over without
        self._last = Head(seq=0, hash=Digest(""))  # where the last step ended
        self._ended = -1  # the entry that a round was over with
        self._at: datetime | None = None

    def again(self) -> None:
        """Begin a new round with the next step. What was found stays until a round is over without it."""
        self._problems = self._found()
        self._verifier = None

    def step(self, workspace: Workspace, stop: Callable[[], bool] = lambda: False) -> Recomputed:
        """Some entries more: those that one short reading brings, fewer when `stop` says that somebody waits.

        A log that no longer holds the entry where the last step ended is gone through anew.
        """
        with workspace.store.read() as reader:
            head = reader.head()
            if self._verifier is None or not self._goes_on(reader):
                self._begin(workspace)
            assert self._verifier is not None
            found = _some(reader, self._verifier.seq, stop)
        if isinstance(found, Damaged):
            self._broken(self._verifier, found, head)
        else:
            for entry, facts, documents in found:
                if stop():
                    break
                self._check(self._verifier, entry, facts, documents)
        if found or self._at is None:
            self._at = workspace.store.clock()
        if self._verifier.seq >= head.seq and self._verifier.seq != self._ended:
            self._end(workspace, self._verifier)
        return Recomputed(entries=self._verifier.seq, head=head.seq, at=self._at, problems=self._found())

    def _begin(self, workspace: Workspace) -> None:
        self._problems = self._found()
        self._verifier = LogVerifier(workspace.store.info.id, checkpoints.held(workspace))
        self._last, self._ended = Head(seq=0, hash=Digest("")), -1

    def _goes_on(self, reader: Reader) -> bool:
        there = reader.entries_at({self._last.seq})
        return not self._last.seq or (bool(there) and there[0].hash == self._last.hash)

    def _found(self) -> tuple[Problem, ...]:
        new = tuple(self._verifier.problems) if self._verifier else ()
        return tuple(dict.fromkeys((*self._problems, *new)))

    def _check(
        self, verifier: LogVerifier, entry: Entry, facts: list[StoredFact], documents: list[tuple[Digest, bytes]],
    ) -> None:
        verifier.entry(entry, facts)
        for digest, data in documents:
            verifier.blob(digest, entry.seq, data)
        verifier.missing_blobs()
        verifier.let_go()
        self._last = Head(seq=entry.seq, hash=entry.hash)

    def _broken(self, verifier: LogVerifier, error: Damaged, head: Head) -> None:
        """What cannot be read ends a round: nothing after it can be said."""
        verifier.problem(2, verifier.seq + 1, f"it cannot be read, and what follows was not checked: {error.detail}")
        verifier.seq, self._last = head.seq, head

    def _end(self, workspace: Workspace, verifier: LogVerifier) -> None:
        with workspace.store.read() as reader:
            for missing in reader.guards_missing():
                verifier.problem(12, verifier.seq, f"{missing} is not there, or not as it was made")
        verifier.checkpoints()
        self._problems, self._ended = (), verifier.seq


def _some(
    reader: Reader, after: int, stop: Callable[[], bool],
) -> list[tuple[Entry, list[StoredFact], list[tuple[Digest, bytes]]]] | Damaged:
    """The entries after one with their facts and documents: at least one entry, at most `STEP` rows or so."""
    entries: list[Entry] = []
    rows = 0
    try:
        upto = after + STEP if reader.entries_at({after + 1}) else None  # None: past a gap, which may be wide
        for entry in reader.entries(after, upto):
            rows += 1 + _facts_of(entry)
            if entries and (rows > STEP or stop()):
                break
            entries.append(entry)
    except Damaged as error:
        if not entries:
            return error
    if not entries:
        return []
    last = entries[-1].seq
    facts: dict[int, list[StoredFact]] = defaultdict(list)
    for row in reader.raw_facts(after, last):
        facts[row["seq"]].append(StoredFact(**row))
    documents: dict[int, list[tuple[Digest, bytes]]] = defaultdict(list)
    size = 0
    for digest, seq, data in reader.blobs(after, last):
        if size > BYTES and seq > entries[0].seq:
            entries = [e for e in entries if e.seq < seq]
            break
        documents[seq].append((digest, data))
        size += len(data)
    return [(e, facts[e.seq], documents[e.seq]) for e in entries]


def _facts_of(entry: Entry) -> int:
    try:
        return entry.read().facts
    except NotCanonical:
        return 0
