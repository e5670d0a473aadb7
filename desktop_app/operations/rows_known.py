"""What earlier imports of inventories brought, and by what a row of a file is known again.

Which inventory a file is, is told by its rows and not by its name: a copy under another name is the same inventory,
and another department's file of the same name is another one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop_app.domain import canonical
from desktop_app.domain.approval import PriorDecision
from desktop_app.domain.canonical import Id, record
from desktop_app.domain.model import ModelVersion, RegisteredModel
from desktop_app.domain.source import InventoryImported, InventoryRecord
from desktop_app.domain.use import Use
from desktop_app.operations.naming import Named
from desktop_app.operations.prior_decisions import Taken
from desktop_app.operations.turns import Turn
from desktop_app.registry.reader import Reader
from desktop_app.workspace import Workspace

if TYPE_CHECKING:
    from desktop_app.sources.inventory_file import InventoryEntry

DECISION = ("approved_on", "approved_until", "approved_by", "conditions", "conditions_due")
_PREFIX = "inventory:"


@record
class Overlap:
    """An inventory that was imported before, and how many rows of a file it already has."""

    source: str
    title: str
    rows: int


def source_called(name: str) -> str:
    """The identity of the inventory a person calls `name`: "Model inventory" and "model inventory" are one."""
    return name if name.startswith(_PREFIX) else _PREFIX + name.casefold()


def content(entry: InventoryEntry) -> str:
    """What a row said, wherever it stood: canonical JSON."""
    return canonical.encode(replace(entry, row=0)).decode("utf-8")


def differing(was: dict[str, Any], entry: InventoryEntry) -> frozenset[str]:
    """Names of the fields of a row that differ from what was said before."""
    return frozenset(k for k, v in canonical.plain(replace(entry, row=0)).items() if was.get(k) != v)


def _even(text: str | None) -> str:
    return " ".join((text or "").casefold().split())


class Known:
    """What earlier imports brought, seen from the rows of one file.

    name: what the file is called · source: the inventory it is said to belong to, else told by its rows ·
    as_new: it is another inventory, whatever its rows look like.
    """

    def __init__(
        self, workspace: Workspace, entries: tuple[InventoryEntry, ...], name: str, source: str | None, *,
        as_new: bool = False,
    ) -> None:
        numbers = Counter(e.number for e in entries)
        self._shared = {number for number, n in numbers.items() if n > 1}
        with workspace.store.read() as reader:
            self.turn = Turn(workspace, reader, "inventory", "importing an inventory")
            self._read(workspace, reader)
        self.overlaps = self._overlaps(entries)
        sources = {of for of, _ in self._every}
        named = source if source in sources or not source else source_called(source)
        self.source = named if named and not as_new else self._told(entries, source or name, as_new)
        self.rows = {key: row for (of, key), row in self._every.items() if of == self.source}
        self._by_looks = {} if as_new else self._rows_by_looks(entries)

    def _read(self, workspace: Workspace, reader: Reader) -> None:
        self._every = {(r.record.source, r.record.key): r.record for r in reader.all(InventoryRecord)}
        self.models = {m.record.model: m.record for m in reader.all(RegisteredModel)}
        ours = {row.model for row in self._every.values()}
        self.versions = {v.record.id: v.record for v in reader.all(ModelVersion) if v.record.model in ours}
        self.uses = {u.record.id: u.record for u in reader.all(Use)}
        imported = [i.record for i in reader.all(InventoryImported)]
        self.titles = {i.source: i.file_name for i in imported if source_called(Path(i.file_name).stem) == i.source}
        self._decided: dict[tuple[Id, Id], list[PriorDecision]] = defaultdict(list)
        for d in reader.all(PriorDecision):
            self._decided[d.record.version, d.record.use].append(d.record)
        self.people = Named(workspace, reader)
        self._said = {row.id: dict(canonical.parse(text.encode("utf-8"))) if (text := reader.text(row.content)) else {}
                      for row in self._every.values()}
        self._found_by: dict[str, list[InventoryRecord]] = defaultdict(list)  # number, and name
        for row in self._every.values():
            for key in {self._number(row), self._name(row)} - {""}:
                self._found_by[key].append(row)

    def said_of_models(self) -> dict[Id, dict[str, Any]]:
        """What was said of each model, by its last row."""
        return {row.model: self._said[row.id] for row in self._every.values()}

    def _number(self, row: InventoryRecord) -> str:
        said = self._said[row.id]
        return _even(said["number"] if said else row.key.partition(" | ")[0])

    def _name(self, row: InventoryRecord) -> str:
        return _even(self._said[row.id].get("name"))

    # ---- which inventory a file is

    def _overlaps(self, entries: tuple[InventoryEntry, ...]) -> tuple[Overlap, ...]:
        """The inventories that have rows of the file, the one with most of them first."""
        found: Counter[str] = Counter()
        for entry in entries:
            found.update({row.source for row in self._alike(entry)})
        return tuple(Overlap(source=s, title=self.title(s), rows=n) for s, n in found.most_common())

    def title(self, source: str) -> str:
        """What an inventory is called: its file, unless it has a name of its own."""
        return self.titles.get(source) or source.removeprefix(_PREFIX)

    def _told(self, entries: tuple[InventoryEntry, ...], name: str, as_new: bool) -> str:
        """The inventory that has half of the file's rows, or has half of its own in the file; else a new one."""
        plain, sizes = source_called(name), Counter(source for source, _ in self._every)
        alike = [o for o in self.overlaps if 2 * o.rows >= min(len(entries), sizes[o.source])]
        if alike and not as_new:
            return max(alike, key=lambda o: (o.rows, o.source == plain)).source
        return next(s for n in range(1, len(sizes) + 2) if (s := plain if n == 1 else f"{plain} {n}") not in sizes)

    # ---- which row is which

    def _alike(self, entry: InventoryEntry) -> list[InventoryRecord]:
        """The rows of any inventory that are of the same model as this one.

        With the same number: the name too, or all of version, purpose and owner. Where either has none: name and
        owner. Never where both name another legal entity.
        """
        number = _even(entry.number)
        found = list(self._found_by.get(number, ())) if number else []
        found += [row for row in self._found_by.get(_even(entry.name), ()) if not (number and self._number(row))]
        return [row for row in found if self._same_model(row, entry)]

    def _same_model(self, row: InventoryRecord, entry: InventoryEntry) -> bool:
        said, model = self._said[row.id], self.models.get(row.model)
        if said.get("entity") and entry.entity and _even(said["entity"]) != _even(entry.entity):
            return False
        numbered = bool(entry.number) and self._number(row) == _even(entry.number)
        owner = _even(said.get("owner")) == _even(entry.owner)
        if _even(entry.name) in {self._name(row), _even(model.name if model else "")}:
            return numbered or owner
        return numbered and owner and bool(entry.purpose) and self._same_use(row, entry)

    def _same_use(self, row: InventoryRecord, entry: InventoryEntry) -> bool:
        said = self._said[row.id]
        return all(_even(said.get(name)) == _even(getattr(entry, name)) for name in ("version", "purpose"))

    def _rows_by_looks(self, entries: tuple[InventoryEntry, ...]) -> dict[str, tuple[InventoryRecord, bool]]:
        """For keys that this inventory did not have: a row of the same model; whether it is the same row."""
        found = {}
        taken = {row.id for e in entries if (row := self.rows.get(self.key(e)))}
        for entry in entries:
            if self.key(entry) not in self.rows and (alike := self._alike(entry)):
                free = [row for row in alike if row.id not in taken]
                only = free if len(alike) == 1 and entry.number not in self._shared else []
                same = next((row for row in free if self._same_use(row, entry)), only[0] if only else None)
                taken |= {same.id} if same else set()
                found[self.key(entry)] = (same or alike[0], same is not None)
        return found

    def key(self, entry: InventoryEntry) -> str:
        """By what a row is known again: its number; name, version and purpose where several rows share it."""
        exact = f"{entry.name} | {entry.version} | {entry.purpose}"
        if not entry.number:
            return exact
        return f"{entry.number} | {exact}" if entry.number in self._shared else entry.number

    def before(self, entry: InventoryEntry) -> InventoryRecord | None:
        """The same row as it was imported before, in this inventory or in another."""
        row, same = self._by_looks.get(self.key(entry), (None, False))
        return row if same else self.rows.get(self.key(entry))

    def model(self, entry: InventoryEntry) -> Id | None:
        """The model of a row, where an earlier import brought it."""
        row = self.rows.get(self.key(entry)) or self._by_looks.get(self.key(entry), (None, False))[0]
        return row.model if row else None

    def differs(self, entry: InventoryEntry) -> frozenset[str]:
        """The names of the fields that differ from what was said before."""
        before = self.before(entry)
        return differing(self._said[before.id] if before else {}, entry)

    def state(self, entry: InventoryEntry) -> str:
        """Added, updated or unchanged; a decision that was left out unsigned does not make a row updated."""
        if self.before(entry) is None:
            return "added"
        return "updated" if self.differs(entry) - set(DECISION) else "unchanged"

    def missing(self, entries: tuple[InventoryEntry, ...]) -> tuple[str, ...]:
        """Keys of rows that an earlier import of this inventory had and this file has not."""
        here = {row.id for e in entries if (row := self.before(e))}
        return tuple(sorted(key for key, row in self.rows.items() if row.id not in here))

    def recorded(self, taken: Taken, *, due_stated: bool) -> bool:
        """Whether a prior decision is in the registry already. due_stated: the file says when its conditions are due.

        Where it does not, the day of the import was taken, which differs by nothing but the day.
        """
        def what(d: Taken | PriorDecision) -> tuple[object, ...]:
            conditions = tuple((c.text, c.due if due_stated else None) for c in d.conditions)
            by = self.people.id_of(d.decided_by, "decision") if isinstance(d, Taken) else d.decided_by
            return d.to_stage, d.decided_on, by, d.outcome, d.review_by, conditions

        return any(what(d) == what(taken) for d in self._decided[taken.version, taken.use])
