"""The entries of the log as people read them: a page at a time, filtered, and what each of them changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from desktop_app.domain import canonical
from desktop_app.domain.audit import Entry, LogFilter, Recorded, said_action
from desktop_app.domain.canonical import Id, record
from desktop_app.domain.difference import Difference, Thing, concerns, differences, family, thing
from desktop_app.domain.model import RegisteredModel
from desktop_app.operations.called import Called
from desktop_app.progress import Progress
from desktop_app.registry.reader import Reader
from desktop_app.workspace import Workspace

PAGE = 200  # entries
MOST_MODELS = 1_000  # revisions of models: of more, a choice offers none, and a search finds them
_AT_ONCE = 5_000  # entries looked through in one reading, so that nobody waits to write
_FEW = 3  # changes of an entry that a line tells


@record
class EntryLine:
    """An entry as the log page shows it."""

    seq: int
    at: datetime
    actor: str
    action: str
    note: str  # as it was recorded
    told: str  # with what it is about
    subject: str
    subject_name: str
    kinds: tuple[str, ...]
    facts: int
    hash: str
    user: str
    changes: str = ""  # what it changed, in a line; only on the timeline of a model


@record
class Changed:
    """What one fact of an entry changed.

    label: how the fact is called · of: the model it is about, by name · new: nothing was said of its thing before
    """

    label: str
    of: str
    new: bool
    differences: tuple[Difference, ...]


@record
class LogPage:
    """Some entries, newest first.

    more: whether older ones pass the filter too · entries: of the whole log · passing: how many pass, None where words
    are looked for and the log was not looked through to its beginning.
    """

    lines: tuple[EntryLine, ...]
    more: bool
    entries: int
    passing: int | None


@record
class Choices:
    """What there is to filter by: (value, words), in the order of the words."""

    people: tuple[tuple[Id, str], ...]
    actions: tuple[tuple[str, str], ...]
    models: tuple[tuple[Id, str], ...]


def line(entry: Entry, called: Called, changes: str = "") -> EntryLine:
    """An entry, in words."""
    body = entry.read()
    return EntryLine(
        seq=entry.seq, at=entry.at, actor=called.names.get(body.actor, body.actor), action=body.action,
        note=body.note, told=called.told(entry.seq, body), subject=body.subject, subject_name=called.of(body.subject),
        kinds=body.kinds, facts=body.facts, hash=entry.hash, user=entry.user, changes=changes)


def choices(workspace: Workspace) -> Choices:
    """Who wrote, what was done, and the models, if they are few enough to choose from."""
    with workspace.store.read() as reader:
        actors, actions = reader.said_of_log()
        names = reader.names()
        few = reader.count(RegisteredModel) <= MOST_MODELS
        models = {m.record.model: m.record.name for m in (reader.all(RegisteredModel) if few else ())}

    def ordered(found: Iterable[tuple[Id, str]]) -> tuple[tuple[Id, str], ...]:
        return tuple(sorted(found, key=lambda pair: (pair[1].casefold(), pair[0])))

    return Choices(people=ordered((a, names.get(a, a)) for a in actors), models=ordered(models.items()),
                   actions=tuple((a, said_action(a)) for a in actions))


def name(workspace: Workspace, model: Id) -> str:
    """What a model is called; its id where it is not known."""
    with workspace.store.read() as reader:
        return Called(reader, {model}).models.get(model, model)


def page(
    workspace: Workspace, wanted: LogFilter, before: int | None = None, limit: int = PAGE,
    progress: Progress | None = None,
) -> LogPage:
    """The newest entries that pass a filter, older than entry `before`; on the timeline of a model, with changes."""
    seqs = []
    for seq in passing(workspace, wanted, before, progress, at_once=limit + 1 if not wanted.words else _AT_ONCE):
        seqs.append(seq)
        if len(seqs) > limit:
            break
    more, seqs = len(seqs) > limit, seqs[:limit]
    with workspace.store.read() as reader:
        found = reader.entries_at(seqs)
        subjects = {e.read().subject for e in found}
        called = Called(reader, subjects, seqs)
        changes = _lines_of_changes(reader, seqs, wanted.model) if wanted.model else {}
        counted = reader.passing(wanted) if not wanted.words else None
        entries = reader.head().seq
    if wanted.words and before is None and not more:
        counted = len(seqs)
    return LogPage(lines=tuple(line(e, called, changes.get(e.seq, "")) for e in found), more=more, entries=entries,
                   passing=counted)


def newest(workspace: Workspace, words: str, limit: int) -> tuple[EntryLine, ...]:
    """Of the newest entries, as many as one reading takes, those that say every word: for a look in passing."""
    says = words.casefold().split()
    with workspace.store.read() as reader:
        rows = reader.listed(LogFilter(), None, _AT_ONCE)
        called = _called(reader, rows)
        found = reader.entries_at([row["seq"] for row in rows if _says(row, called, says)][:limit])
    return tuple(line(entry, called) for entry in found)


def passing(
    workspace: Workspace, wanted: LogFilter, before: int | None = None, progress: Progress | None = None, *,
    at_once: int = _AT_ONCE,
) -> Iterator[int]:
    """The numbers of the entries that pass a filter, newest first, read in pieces that keep nobody waiting."""
    progress, says = progress or Progress(), wanted.words.casefold().split()
    first = before
    while before is None or before > 1:
        with workspace.store.read() as reader:
            rows = reader.listed(wanted, before, at_once)
            called = _called(reader, rows) if says else None
        for row in rows:
            if called is None or _says(row, called, says):
                yield row["seq"]
        if len(rows) < at_once:
            return
        before = int(rows[-1]["seq"])
        first = first or int(rows[0]["seq"])
        progress.step(1 - before / first, "looking through the log")


def _called(reader: Reader, rows: Sequence[Any]) -> Called:
    return Called(reader, {row["subject"] for row in rows}, [row["seq"] for row in rows])


def _says(row: Any, called: Called, words: list[str]) -> bool:
    said = " ".join((f"{row['seq']} {row['seq']:,}", called.names.get(row["actor"], row["actor"]), row["note"],
                     said_action(row["action"]), called.about(row["seq"], row["subject"]))).casefold()
    return all(word in said for word in words)


# ---- what they changed


def changes(reader: Reader, facts: list[Recorded[Any]]) -> dict[int, list[Changed]]:
    """What some facts changed, by their entry; facts that change nothing that was said before are left out."""
    about = [(fact, what) for fact in facts if (what := thing(fact.record)) is not None]
    earlier = _family(reader, [what for _, what in about])
    every = [*facts, *(old for olds in earlier.values() for old in olds)]
    named = {i for f in every for i in canonical.mentions(f.record)} | {f.record.id for f in every}
    called = Called(reader, named).called
    found: dict[int, list[Changed]] = defaultdict(list)
    for fact, what in about:
        older = [f.record for f in earlier[what] if (f.seq, f.ordinal) < (fact.seq, fact.ordinal) and f != fact]
        made = differences(fact.record, older, called)
        if made:
            of = called.get(getattr(fact.record, "model", None) or Id(""), "")
            found[fact.seq].append(Changed(label=fact.label, of=of, differences=made,
                                           new=not older and not any(d.before for d in made)))
    return found


def _family(reader: Reader, things: list[Thing]) -> dict[Thing, list[Recorded[Any]]]:
    """The facts that concern each thing, oldest first; one query for each kind of fact, however many things."""
    wanted: dict[type[Any], set[Thing]] = defaultdict(set)
    for what in things:
        for cls in family(what):
            wanted[cls].add(what)
    found: dict[Thing, list[Recorded[Any]]] = {what: [] for what in things}
    for cls, of in wanted.items():
        ids = {Id(i) for what in of for i in what[1:]}
        items = {f.record.id: f for f in (*reader.all_of(cls, ids), *reader.facts(cls, ids))}
        for what in of:
            found[what] += [f for f in items.values() if concerns(f.record, what)]
    return {what: sorted(items, key=lambda f: (f.seq, f.ordinal)) for what, items in found.items()}


def _lines_of_changes(reader: Reader, seqs: list[int], model: Id) -> dict[int, str]:
    """By entry; an entry may be about other models too, whose changes are told on their timelines."""
    facts = [f for f in reader.at(*seqs) if getattr(f.record, "model", None) == model]
    return {seq: "; ".join(_few(made)) for seq, made in changes(reader, facts).items() if any(not c.new for c in made)}


def _few(made: list[Changed]) -> list[str]:
    """What was said at the time is in the note of the entry."""
    told = [d.told for c in made if not c.new for d in c.differences if not d.what.endswith(("Comment", "Reason"))]
    return told[:_FEW] + ([f"{len(told) - _FEW:,} more"] if len(told) > _FEW else [])
