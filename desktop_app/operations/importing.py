"""Taking in an existing inventory: preview, run, repeat, reconcile.

A row is compared with what the last import from the same source said of it; only what differs becomes new facts.
Decisions in the file become *recorded prior decisions*, signed by whoever imports them, or are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop_app.domain import canonical
from desktop_app.domain.approval import Condition
from desktop_app.domain.canonical import Id, record
from desktop_app.domain.change import Change
from desktop_app.domain.exception import ExceptionKind, Overlay, PolicyException
from desktop_app.domain.finding import Finding, Severity
from desktop_app.domain.model import (
    Artefact,
    DigestOf,
    InUse,
    ModelVersion,
    Nature,
    Origin,
    RegisteredModel,
    SourceIdentity,
    UseState,
)
from desktop_app.domain.person import Role
from desktop_app.domain.source import InventoryImported, InventoryRecord, RowProblem
from desktop_app.domain.use import Tiering, Use
from desktop_app.domain.validation import ValidationConcluded
from desktop_app.errors import UserError
from desktop_app.operations import people, prior_decisions
from desktop_app.operations.people import changed
from desktop_app.operations.prior_decisions import Taken
from desktop_app.operations.turns import Turn
from desktop_app.progress import Progress
from desktop_app.registry.reader import Reader
from desktop_app.registry.writer import Write
from desktop_app.workspace import Workspace

if TYPE_CHECKING:
    from desktop_app.sources.inventory_file import InventoryEntry, InventoryRead, Mapping, Sheet

ROWS_A_WRITE = 40
NOT_STATED = "not stated"
MAY_IMPORT = (Role.MODEL_RISK, Role.ADMINISTRATOR)
_MODEL = {name: name for name in (
    "name", "description", "nature_reason", "technique", "vendor", "entity", "business_line")} | {
    "number": "inventory_number", "unmapped": "tags"}  # column → field of the model, where they say the same
_DECISION = ("approved_on", "approved_until", "approved_by", "conditions", "conditions_due")


@record
class ImportPreview:
    """What an import would do: nothing is written."""

    sheets: tuple[Sheet, ...]
    mapping: Mapping
    read: InventoryRead
    added: int
    updated: int
    unchanged: int
    missing: tuple[str, ...]  # rows of an earlier import that this file no longer has
    decisions: int  # rows with an approval, which the importer would sign as recorded prior decisions


@record
class ImportReport:
    """What an import did."""

    change: Change
    added: int
    updated: int
    unchanged: int
    refused: int
    blank: int
    decisions: int
    decisions_left_out: int
    missing: tuple[str, ...]
    problems: tuple[RowProblem, ...]


def source_name(path: Path) -> str:
    """What repeated imports of the same inventory share: the file's name without its ending."""
    return f"inventory:{path.stem.casefold()}"


def load_mapping(path: Path) -> Mapping:
    """A saved mapping of columns to fields. Raises UserError."""
    from desktop_app.sources.inventory_file import Mapping as FileMapping

    try:
        return FileMapping.from_json(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("The mapping file cannot be read.", str(error), "Save one with --save-mapping.") from error


def preview(
    workspace: Workspace, path: Path, mapping: Mapping | None = None, *, source: str | None = None,
    progress: Progress | None = None,
) -> ImportPreview:
    """Read an inventory file with a mapping (suggested where none is given) and say what an import would do."""
    return _look(workspace, path, mapping, source, progress or Progress())[0]


def _look(
    workspace: Workspace, path: Path, mapping: Mapping | None, source: str | None, progress: Progress,
) -> tuple[ImportPreview, _Known]:
    from desktop_app.sources import inventory_file

    sheets = inventory_file.read_sheets(path)
    largest = max(sheets, key=lambda sheet: sheet.rows)
    mapping = mapping or inventory_file.suggest_mapping(largest)
    read = inventory_file.read_inventory(path, mapping, progress)
    known = _Known(workspace, source or source_name(path), read.entries)
    states = [known.state(entry) for entry in read.entries]
    seen = ImportPreview(
        sheets=sheets, mapping=mapping, read=read, added=states.count("added"), updated=states.count("updated"),
        unchanged=states.count("unchanged"), missing=known.missing(read.entries),
        decisions=sum(_decided(e) for e in read.entries))
    return seen, known


def run(
    workspace: Workspace, path: Path, mapping: Mapping | None = None, *, source: str | None = None,
    passphrase: str | None = None, progress: Progress | None = None,
) -> ImportReport:
    """Take in an inventory: model risk may, and administrators. Without a passphrase decisions are left out, counted.

    Raises UserError for an unreadable file, Refused for a wrong passphrase or role; then nothing is written.
    StaleError when somebody else imports the same inventory meanwhile; then whole batches of rows may be taken in.
    """
    progress = progress or Progress()
    with workspace.store.read() as reader:
        people.require(reader, workspace, *MAY_IMPORT)
    seen, known = _look(workspace, path, mapping, source, progress.part(0.0, 0.3))
    taking = _Taking(workspace, known, path.name)
    rows = [row for entry in seen.read.entries if (row := taking.row(entry, passphrase is not None)) is not None]
    taking.sign(rows, passphrase)
    for start in range(0, len(rows), ROWS_A_WRITE):
        progress.step(0.3 + 0.7 * start / len(rows), f"row {start:,} of {len(rows):,}")
        note = f"Took in {len(rows[start:start + ROWS_A_WRITE])} rows of {path.name}"
        with known.turn.write("inventory.read", note) as write:
            known.meet(write.reader)
            for row in rows[start:start + ROWS_A_WRITE]:
                taking.add(write, row)
    return _conclude(workspace, path, seen, taking, passphrase is not None)


def _conclude(workspace: Workspace, path: Path, seen: ImportPreview, taking: _Taking, signed: bool) -> ImportReport:
    counts = seen.read.counts
    problems = tuple(RowProblem(row=p.row, column=p.column, value=p.value[:200], what=p.what, done=p.done.value)
                     for p in seen.read.problems)
    known = taking.known
    note = (f"Imported {path.name}: {seen.added} added, {seen.updated} updated, {seen.unchanged} unchanged, "
            f"{counts.refused} refused, {counts.blank} blank")
    with known.turn.write("inventory.imported", note) as write:
        write.add(InventoryImported(
            id=workspace.store.new_id(), source=known.source, file_name=path.name, digest=seen.read.digest,
            mapping=seen.mapping.to_json(), rows=counts.rows, added=seen.added, updated=seen.updated,
            unchanged=seen.unchanged, refused=counts.refused, blank=counts.blank, problems=problems[:500],
            missing=seen.missing[:500]))
    return ImportReport(
        change=changed(write), added=seen.added, updated=seen.updated, unchanged=seen.unchanged, refused=counts.refused,
        blank=counts.blank, decisions=taking.decisions if signed else 0,
        decisions_left_out=0 if signed else taking.decisions, missing=seen.missing, problems=problems)


def _content(entry: InventoryEntry) -> str:
    return canonical.encode(replace(entry, row=0)).decode("utf-8")


def _parsed(content: str | None) -> dict[str, Any]:
    """What a row said; nothing where it was erased."""
    return dict(canonical.parse(content.encode("utf-8"))) if content is not None else {}


def _changed(was: dict[str, Any], entry: InventoryEntry) -> frozenset[str]:
    return frozenset(k for k, v in canonical.plain(replace(entry, row=0)).items() if was.get(k) != v)


def _undecided(entry: InventoryEntry) -> InventoryEntry:
    """A row without its decision: what is kept of it until somebody signs the decision."""
    return replace(entry, approved_on=None, approved_until=None, approved_by="", conditions="", conditions_due=None)


def _decided(entry: InventoryEntry) -> bool:
    return entry.approved_on is not None and bool(entry.approved_by)


class _Known:
    """What earlier imports from a source brought."""

    def __init__(self, workspace: Workspace, source: str, entries: tuple[InventoryEntry, ...]) -> None:
        self.source = source
        numbers = Counter(e.number for e in entries)
        self._shared = {number for number, n in numbers.items() if n > 1}
        with workspace.store.read() as reader:
            self.turn = Turn(workspace, reader, source, "importing this inventory")
            self.rows = {r.record.key: r.record for r in reader.all(InventoryRecord) if r.record.source == source}
            self.models = {m.record.model: m.record for m in reader.all(RegisteredModel)}
            versions = [v.record for v in reader.all(ModelVersion)]
            self.versions = {v.id: v for v in versions if v.source.source == source}
            self.uses = {u.record.id: u.record for u in reader.all(Use)}
            self.meet(reader)
            self.said = {key: _parsed(reader.text(row.content)) for key, row in self.rows.items()}

    def meet(self, reader: Reader) -> None:
        """Know everybody the registry knows by now."""
        self.people = people.by_name(reader)

    def key(self, entry: InventoryEntry) -> str:
        """By what a row is known again: its number; name, version and purpose where several rows share it."""
        exact = f"{entry.name} | {entry.version} | {entry.purpose}"
        if not entry.number:
            return exact
        return f"{entry.number} | {exact}" if entry.number in self._shared else entry.number

    def differs(self, entry: InventoryEntry) -> frozenset[str]:
        """The names of the fields that differ from what was said before."""
        return _changed(self.said.get(self.key(entry), {}), entry)

    def state(self, entry: InventoryEntry) -> str:
        """Added, updated or unchanged; a decision that was left out unsigned does not make a row updated."""
        if self.key(entry) not in self.rows:
            return "added"
        return "updated" if self.differs(entry) - set(_DECISION) else "unchanged"

    def missing(self, entries: tuple[InventoryEntry, ...]) -> tuple[str, ...]:
        """Keys of rows that an earlier import had and this file has not."""
        return tuple(sorted(self.rows.keys() - {self.key(e) for e in entries}))


@record
class _Row:
    """A row that brings something new."""

    entry: InventoryEntry
    before: InventoryRecord | None
    differs: frozenset[str]  # names of the fields that differ from what was said before
    model: Id
    version: Id
    use: Id
    prior: list[Any]  # the signed prior decision, once there is one


class _Taking:
    """Turns rows into facts."""

    def __init__(self, workspace: Workspace, known: _Known, file_name: str) -> None:
        self._workspace, self.known, self._file = workspace, known, file_name
        self._new_id = workspace.store.new_id
        self._by_name = {self.known.models[r.model].name.casefold(): r.model for r in known.rows.values()
                         if r.model in known.models}
        self._versions = {(v.model, v.label): v.id for v in known.versions.values()}
        self._uses = {(u.model, u.purpose): u.id for u in known.uses.values()}
        self._revision = {m.model: m for m in known.models.values()}
        self._stated = {row.model: known.said[key] for key, row in known.rows.items()}  # of a model, by its last row
        self._made: set[Id] = {*known.versions, *known.uses}
        self.decisions = 0

    def row(self, entry: InventoryEntry, signing: bool) -> _Row | None:
        """What a row would bring; None when it says what it said before."""
        before, differs = self.known.rows.get(self.known.key(entry)), self.known.differs(entry)
        if before and not (differs if signing else differs - set(_DECISION)):
            return None
        model = before.model if before else self._by_name.setdefault(entry.name.casefold(), self._new_id())
        label, purpose = entry.version or NOT_STATED, entry.purpose or NOT_STATED
        version = self._versions.setdefault((model, label), self._new_id())
        use = self._uses.setdefault((model, purpose), self._new_id())
        return _Row(entry=entry, before=before, differs=differs, model=model, version=version, use=use, prior=[])

    def sign(self, rows: list[_Row], passphrase: str | None) -> None:
        """Sign the decisions in the rows as a schedule, each with its own statement."""
        deciding = [r for r in rows if _decided(r.entry) and r.differs & {*_DECISION, "next_review"}]
        self.decisions = len(deciding)
        if passphrase is None or not deciding:
            return
        taken = [self._taken(row) for row in deciding]
        made = prior_decisions.signed(self._workspace, taken, passphrase, [None] * len(taken))
        for row, decision in zip(deciding, made, strict=True):
            row.prior.append(decision(row.model))

    def _taken(self, row: _Row) -> Taken:
        e = row.entry
        conditions = (Condition(text=e.conditions, owner=e.owner or NOT_STATED,
                                due=e.conditions_due or e.approved_until or e.next_review or self._workspace.today()),)
        return Taken(
            version=row.version, use=row.use, to_stage="production",
            decided_on=e.approved_on or self._workspace.today(), decided_by=e.approved_by,
            outcome="approved_with_conditions" if e.conditions else "approved",
            review_by=e.approved_until or e.next_review, source=f"{self._file}, row {e.row}",
            conditions=conditions if e.conditions else ())

    def add(self, write: Write, row: _Row) -> None:
        """Add the facts of a row to a write."""
        write.add(*self._identity(write, row), *self._assessed(write, row), *row.prior)
        write.add(InventoryRecord(
            id=self._new_id(), source=self.known.source, key=self.known.key(row.entry), model=row.model,
            version=row.version, use=row.use,
            content=write.add_text(_content(row.entry if row.prior else _undecided(row.entry)))))

    def _identity(self, write: Write, row: _Row) -> Iterator[Any]:
        e, before = row.entry, self._revision.get(row.model)
        if fields := self._fields(write, e, self._news(row)):
            self._revision[row.model] = replace(
                before or RegisteredModel(id=Id(""), model=row.model, revision=0, name=e.name),
                id=self._new_id(), revision=before.revision + 1 if before else 1, **fields)
            yield self._revision[row.model]
        if row.version not in self._made:
            self._made.add(row.version)
            label = e.version or NOT_STATED
            yield ModelVersion(
                id=row.version, model=row.model, label=label,
                artefact=Artefact(digest=canonical.sha256(_content(e).encode("utf-8")), of=DigestOf.RECORD),
                source=SourceIdentity(source=self.known.source, name=self.known.key(e), version=label, created=""))
        if row.use not in self._made:
            self._made.add(row.use)
            yield Use(id=row.use, model=row.model, purpose=e.purpose or NOT_STATED, entity=e.entity,
                      business_line=e.business_line, limits=e.limits)

    def _news(self, row: _Row) -> frozenset[str]:
        """What the row says of its model that the file did not say before: only that is taken over what is here.

        A row that is new says of a known model what it fills in, unless another row has said the same.
        """
        before, self._stated[row.model] = self._stated.get(row.model, {}), canonical.plain(row.entry)
        if row.model not in self._revision:
            return frozenset(vars(row.entry))
        if row.before is not None:
            return row.differs
        return frozenset(name for name in _changed(before, row.entry) if getattr(row.entry, name))

    def _fields(self, write: Write, e: InventoryEntry, news: frozenset[str]) -> dict[str, Any]:
        """The fields of a model that follow from what is new in a row."""
        made = {_MODEL[name]: getattr(e, name) for name in news & _MODEL.keys()}
        made |= {name: people.named(write, getattr(e, name), self.known.people, "inventory")
                 for name in ("owner", "developer") if name in news}
        if "nature" in news:
            made["nature"] = e.nature or Nature.MODEL
        if "origin" in news or ("vendor" in news and e.origin is None):
            made["origin"] = e.origin or (Origin.VENDOR if e.vendor else Origin.INTERNAL)
        if "family" in news:
            made["family"] = self._by_name.get(e.family.casefold()) if e.family else None
        if "segment" in news or ("family" in news and not e.segment):
            made["segment"] = e.segment or e.family
        return made

    def _assessed(self, write: Write, row: _Row) -> Iterator[Any]:
        e, changed_in = row.entry, row.differs.intersection
        about: dict[str, Any] = {"model": row.model, "version": row.version, "use": row.use}
        if e.tier and changed_in({"tier"}):
            yield Tiering(id=self._new_id(), model=row.model, use=row.use, tier=e.tier, basis="inventory")
        state = UseState.RETIRED if e.retired_on else e.use_state
        if state and changed_in({"use_state", "use_since", "retired_on"}):
            yield InUse(id=self._new_id(), state=state, since=e.retired_on or e.use_since, note=self._said(e), **about)
        if e.opinion and changed_in({"opinion", "validated_on", "validated_by"}):
            yield ValidationConcluded(
                id=self._new_id(), validation=None, opinion=e.opinion, summary=self._said(e),
                concluded_on=e.validated_on, by_name=e.validated_by, basis="inventory", **about)
        if e.finding_title and changed_in({"finding_title", "finding_severity", "finding_number"}):
            yield self._finding(write, row)
        if e.exception_until and changed_in({"exception_until", "exception_reason"}):
            yield PolicyException(
                id=self._new_id(), exception_kind=_exception_kind(e.exception_reason), reason=e.exception_reason,
                controls=NOT_STATED, valid_from=min(self._workspace.today(), e.exception_until),
                valid_to=e.exception_until, authority=self._said(e), **about)
        if e.overlay and changed_in({"overlay", "overlay_review"}):
            yield Overlay(
                id=self._new_id(), amount=e.overlay, reason=self._said(e), exit=NOT_STATED,
                owner=people.named(write, e.owner, self.known.people, "inventory"),
                review_by=e.overlay_review or e.next_review or self._workspace.today(), **about)

    def _finding(self, write: Write, row: _Row) -> Finding:
        e = row.entry
        return Finding(
            id=self._new_id(), model=row.model, version=row.version, use=row.use, title=e.finding_title,
            description=self._said(e), severity=e.finding_severity or Severity.MEDIUM, due=e.finding_due,
            owner=people.named(write, e.finding_owner, self.known.people, "inventory"), number=e.finding_number,
            opened_on=e.finding_opened)

    def _said(self, entry: InventoryEntry) -> str:
        return f"as stated in {self._file}, row {entry.row}"


def _exception_kind(reason: str) -> ExceptionKind:
    words = reason.casefold()
    if "before" in words or "validation" in words:
        return ExceptionKind.USE_BEFORE_VALIDATION
    return ExceptionKind.OUTSIDE_APPROVED_USE if "outside" in words or "use" in words else ExceptionKind.OTHER
