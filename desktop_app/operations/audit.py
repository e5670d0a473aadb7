"""The audit trail: read it, verify it, export it."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop_app.domain import canonical
from desktop_app.domain.audit import CheckReport, Entry, LogFilter, Recorded
from desktop_app.domain.canonical import Id, record
from desktop_app.domain.change import Change
from desktop_app.domain.inventory import InventoryRow
from desktop_app.domain.inventory_rows import rows_of
from desktop_app.domain.listing import alarms
from desktop_app.domain.model import RegisteredModel
from desktop_app.domain.person import KeyEnrolled, RoleGranted, RoleRevoked
from desktop_app.domain.policy import Policy
from desktop_app.domain.words import counted
from desktop_app.errors import Damaged, NotFound, UserError
from desktop_app.operations import checkpoints, entries, exports
from desktop_app.operations.called import Called
from desktop_app.operations.entries import Changed, EntryLine, line
from desktop_app.progress import Progress
from desktop_app.registry.listing import beside
from desktop_app.registry.reader import Reader
from desktop_app.trust.verify import Held, LogVerifier, StoredFact
from desktop_app.workspace import Workspace

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_AT_ONCE = 300  # models that are compared with their lists together


def verify(
    workspace: Workspace, progress: Progress | None = None, *, against: tuple[Path, ...] = (),
    keys: tuple[str, ...] = (), also: tuple[Held, ...] = (), trusted: tuple[Certificate, ...] = (),
) -> CheckReport:
    """Recompute what was recorded: entries, chain, facts, documents, signatures, decisions, projections; and hold the
    log against every checkpoint there is (`checkpoints.held`: what this computer remembers, the auditors' folder).

    against: files with checkpoints or proofs · keys: lines of public keys one of which must have signed each of them
    · also: checkpoints that were read already · trusted: roots of timestamping authorities (`timestamps.roots`).
    """
    held = (*checkpoints.held(workspace, against, keys, trusted), *also)
    report = _verified(workspace, progress or Progress(), held)
    if report.ok:
        with suppress(UserError):  # what was verified stays verified where this user's folder cannot be written
            checkpoints.check_head(workspace)
    return report


def recompute(
    workspace: Workspace, progress: Progress | None = None, held: tuple[Held, ...] = (),
) -> CheckReport:
    """What `verify` does with these checkpoints only, and remembering nothing: for copies of a registry."""
    return _verified(workspace, progress or Progress(), held)


def _verified(workspace: Workspace, progress: Progress, held: tuple[Held, ...]) -> CheckReport:
    with long_read(workspace) as reader:
        verifier = LogVerifier(workspace.store.info.id, held)
        try:
            _feed(verifier, reader, progress.part(0.0, 0.6))
        except Damaged as error:
            sentence = f"it cannot be read, and what follows was not checked: {error.detail}"
            verifier.problem(2, verifier.seq + 1, sentence)
            return verifier.report()
        verifier.checkpoints()
        verifier.texts(reader.texts())
        verifier.decisions(progress.part(0.6, 0.8))
        try:
            _projections(verifier, reader, progress.part(0.8, 1.0))
        except Damaged as error:
            _differs(verifier, f"they cannot be read: {error.detail}")
        for missing in reader.guards_missing():
            verifier.problem(12, verifier.seq, f"{missing} is not there, or not as it was made")
    return verifier.report()


def long_read(workspace: Workspace) -> AbstractContextManager[Reader]:
    """A moment of the registry for reading that takes long: a copy, so that nobody waits to write."""
    return workspace.store.snapshot()


def _feed(verifier: LogVerifier, reader: Reader, progress: Progress) -> None:
    facts: dict[int, list[StoredFact]] = defaultdict(list)
    for row in reader.raw_facts():
        facts[row["seq"]].append(StoredFact(**row))
    last = max(1, reader.head().seq)
    for entry in reader.entries():
        if entry.seq % 200 == 0:
            progress.step(entry.seq / last, f"entry {entry.seq:,} of {last:,}")
        verifier.entry(entry, facts.pop(entry.seq, []))
    for left in facts.values():
        for stored in left:
            verifier.orphan(stored)
    for digest, seq, data in reader.blobs():
        progress.step(1.0, "checking documents")
        verifier.blob(digest, seq, data)
    verifier.missing_blobs()


def _projections(verifier: LogVerifier, reader: Reader, progress: Progress) -> None:
    for row in reader.entry_columns():
        body = verifier.bodies.get(row["seq"])
        if body and (body.actor, body.action, body.subject, body.note) != tuple(row.values())[1:]:
            verifier.problem(11, row["seq"], "who, what or on what is listed otherwise than it was recorded")
    wanted = {(s, f.record.id) for f in verifier.facts.values() for s in canonical.mentions(f.record)}
    if wanted != reader.about_rows():
        _differs(verifier, "the index of what facts are about differs from the facts")
    _people(verifier, reader)
    _inventory(verifier, reader, progress)


def _differs(verifier: LogVerifier, sentence: str) -> None:
    """What is derived from all facts cannot be judged where one of them is not known to this program."""
    say = verifier.doubt if verifier.unclear else verifier.problem
    say(11, verifier.seq, sentence)


def _people(verifier: LogVerifier, reader: Reader) -> None:
    """Who may sign is read through the index by kind: it must find each person's keys, roles and their ends."""
    kinds: tuple[type[Any], ...] = (KeyEnrolled, RoleGranted, RoleRevoked)
    wanted: dict[tuple[type[Any], Id], set[Id]] = defaultdict(set)
    for item in verifier.facts.values():
        if isinstance(item.record, kinds):
            wanted[type(item.record), item.record.person].add(item.record.id)
    for (kind, person), ids in wanted.items():
        if {f.record.id for f in reader.all(kind, person)} != ids:
            verifier.problem(11, verifier.seq, f"the index leaves out a {canonical.kind_of(kind)} of {person}")


def _inventory(verifier: LogVerifier, reader: Reader, progress: Progress) -> None:
    """The inventory, and what it is listed by, as the facts say; some models at a time."""
    policies = {i: f.record for i, f in verifier.facts.items() if isinstance(f.record, Policy)}
    models = {f.record.model for f in verifier.facts.values() if isinstance(f.record, RegisteredModel)}
    listed: dict[Id, list[InventoryRow]] = defaultdict(list)
    try:
        for (model, *columns), row in reader.kept_inventory():
            listed[Id(model)].append(row)
            if [model, *columns] != [row.model, row.version, row.use, row.name]:
                verifier.problem(11, verifier.seq, f"an inventory row of model {row.model} is kept as another's")
    except Damaged as error:
        verifier.problem(11, verifier.seq, f"the inventory cannot be read: {error.detail}")
        return
    every, sizes = sorted(models | set(listed)), [0, 0]
    with reader.listing(date.min, {}) as listing:
        for start in range(0, len(every), _AT_ONCE):
            progress.step(start / len(every), "comparing the inventory with the facts")
            kept = listing.kept(every[start:start + _AT_ONCE])
            for model in every[start:start + _AT_ONCE]:
                wanted = rows_of(verifier.models[model], policies)
                sizes = [sizes[0] + len(wanted), sizes[1] + sum(len(alarms(row)) for row in wanted)]
                _compare(verifier, model, wanted, listed[model], kept.get(model, set()))
        if listing.sizes() != tuple(sizes):
            verifier.problem(11, verifier.seq, "the inventory is listed with rows that do not belong to it")


def _compare(
    verifier: LogVerifier, model: Id, wanted: tuple[InventoryRow, ...], there: list[InventoryRow],
    kept: set[frozenset[tuple[str, Any]]],
) -> None:
    if sorted(wanted, key=_place) != sorted(there, key=_place):
        verifier.problem(11, verifier.seq, f"an inventory row of model {model} differs from its facts")
    elif kept != beside(wanted):
        verifier.problem(11, verifier.seq, f"what lists or counts a row of model {model} differs from its facts")


def _place(row: InventoryRow) -> tuple[Id, Id]:
    return row.version, row.use


def listing(
    workspace: Workspace, *, about: str | None = None, after: int = 0, until: int | None = None,
) -> tuple[EntryLine, ...]:
    """Entries, newest first; `about` keeps those that concern an id."""
    with workspace.store.read() as reader:
        found = list(reader.entries(after, until, about))
        called = Called(reader, {e.read().subject for e in found}, [e.seq for e in found])
    return tuple(line(e, called) for e in reversed(found))


def mine_since(workspace: Workspace, after: int) -> tuple[EntryLine, ...]:
    """What who acts has recorded after an entry, oldest first."""
    with workspace.store.read() as reader:
        found = [e for e in reader.entries(after) if e.read().actor == workspace.actor]
        called = Called(reader, {e.read().subject for e in found}, [e.seq for e in found])
    return tuple(line(e, called) for e in found)


@record
class EntryView:
    """One entry whole: its line, the exact stored text, the facts it added and what they changed."""

    line: EntryLine
    entry: Entry
    facts: tuple[tuple[str, str, str], ...]  # (label, digest, indented JSON)
    changes: tuple[Changed, ...]
    model: Id | None  # the model it is about, if it is one, and its name
    model_name: str


def show(workspace: Workspace, seq: int) -> EntryView:
    """One entry with everything it added."""
    with workspace.store.read() as reader:
        found = list(reader.entries(seq - 1, seq))
        if not found:
            raise NotFound(f"There is no entry {seq:,}.", "", f"The log ends at {reader.head().seq:,}.")
        added, subject = reader.at(seq), found[0].read().subject
        about = [m for f in added if (m := getattr(f.record, "model", None))]
        called = Called(reader, {subject, *about}, {seq})
        models = {m for m in (*about, subject) if m in called.models}
        model = models.pop() if len(models) == 1 else None
        facts = [_fact_text(reader, f) for f in added]
        changed = entries.changes(reader, added).get(seq, [])
    return EntryView(line=line(found[0], called), entry=found[0], facts=tuple(facts), changes=tuple(changed),
                     model=model, model_name=called.models[model] if model else "")


def _fact_text(reader: Reader, item: Recorded[Any]) -> tuple[str, str, str]:
    text = json.dumps(json.loads(reader.body(item.record.id)), indent=2, ensure_ascii=False)
    return item.label, item.digest, text


def head_seq(workspace: Workspace) -> int:
    """The number of the last entry: the feed by which a window notices other people's work."""
    with workspace.store.read() as reader:
        return reader.head().seq


def changes_since(workspace: Workspace, seq: int) -> tuple[Change, ...]:
    """What was written after an entry, oldest first."""
    with workspace.store.read() as reader:
        found = [(entry.seq, entry.read()) for entry in reader.entries(seq)]
    return tuple(Change(kinds=frozenset(b.kinds), subject=b.subject, note=b.note, seq=n) for n, b in found)


def export(
    workspace: Workspace, target: Path, progress: Progress | None = None, *, wanted: LogFilter | None = None,
) -> str:
    """Write the log as JSON lines, or as CSV when the file's name says so. Returns the file's SHA-256.

    The JSON lines hold each entry exactly as stored, with the text of its facts: enough to verify them without this
    program (packaging/verifier); documents are there by their digests, what may be erased is not. The CSV is for
    reading and is safe to open in a spreadsheet. wanted: only the entries that pass it; what is left out cannot be
    verified from the file. The export is a fact, which says what passed.
    """
    progress = progress or Progress()
    progress.step(0.0, "reading the log")
    seqs = None  # all
    if wanted is not None and wanted != LogFilter():
        seqs = frozenset(entries.passing(workspace, wanted, progress=progress.part(0.0, 0.5)))
    with long_read(workspace) as reader:
        head, called = reader.head(), Called(reader)
        said = wanted.said(called.called) if wanted is not None else ""
        progress = progress.part(0.5, 1.0)
        data = (_csv(reader, called, seqs, progress) if target.suffix.lower() == ".csv"
                else b"".join(_lines(reader, seqs, progress)))
    only = f": {counted(len(seqs), 'entry', 'entries')}, {said}" if seqs is not None else ""
    exports.save(workspace, target, data, what="audit_log", action="log.exported", head_seq=head.seq, filter=said,
                 note=f"Exported the log as {target.name}{only}")
    return canonical.sha256(data)


def _lines(reader: Reader, seqs: frozenset[int] | None, progress: Progress) -> Iterator[bytes]:
    facts: dict[int, list[str]] = defaultdict(list)
    for row in reader.raw_facts():
        if seqs is None or row["seq"] in seqs:
            facts[row["seq"]].append(row["body"])
    for row in _some(reader.rows(), seqs, reader.head().seq, progress):
        line = dict(zip(("seq", "at", "user", "command", "body", "prev", "hash"), row, strict=True))
        yield canonical.jcs(line | {"facts": facts[line["seq"]]}) + b"\n"


def _csv(reader: Reader, called: Called, seqs: frozenset[int] | None, progress: Progress) -> bytes:
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["entry", "time", "who", "action", "subject", "note", "hash"])
    every = ((entry.seq, entry) for entry in reader.entries())
    for told in (line(entry, called) for _, entry in _some(every, seqs, reader.head().seq, progress)):
        said = (told.actor, told.action, told.subject_name or told.subject, told.told)
        rows.writerow([told.seq, canonical.utc_text(told.at), *map(exports.spreadsheet_safe, said), told.hash])
    return out.getvalue().encode("utf-8-sig")


def _some(rows: Iterator[Any], seqs: frozenset[int] | None, last: int, progress: Progress) -> Iterator[Any]:
    """The rows whose first part is one of some numbers; all, where none are given."""
    for row in rows:
        if row[0] % 1000 == 0:
            progress.step(row[0] / last, f"entry {row[0]:,} of {last:,}")
        if seqs is None or row[0] in seqs:
            yield row
