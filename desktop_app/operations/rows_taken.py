"""Rows of an inventory become facts: models, versions, uses, what was assessed, and decisions made before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from desktop_app.domain import canonical
from desktop_app.domain.approval import TypedCondition
from desktop_app.domain.canonical import Id, record
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
    unnamed,
)
from desktop_app.domain.source import InventoryRecord
from desktop_app.domain.use import Tiering, Use
from desktop_app.domain.validation import ValidationConcluded
from desktop_app.operations import prior_decisions
from desktop_app.operations.naming import named_in
from desktop_app.operations.prior_decisions import Taken
from desktop_app.operations.rows_known import DECISION, Known, content, differing
from desktop_app.registry.writer import Write
from desktop_app.workspace import Workspace

if TYPE_CHECKING:
    from desktop_app.sources.inventory_file import InventoryEntry

NOT_STATED = "not stated"
_MODEL = {name: name for name in (
    "name", "description", "nature_reason", "technique", "vendor", "entity", "business_line")} | {
    "number": "inventory_number"}  # column → field of the model, where they say the same
_NAMING = ("owner", "developer", "approved_by", "validated_by", "finding_owner")


def decided(entry: InventoryEntry) -> bool:
    """Whether a row says that its use was approved, when and by whom."""
    return entry.approved_on is not None and bool(entry.approved_by)


def _undecided(entry: InventoryEntry) -> InventoryEntry:
    """A row without its decision: what is kept of it until somebody signs the decision."""
    return replace(entry, approved_on=None, approved_until=None, approved_by="", conditions="", conditions_due=None)


@record
class Row:
    """A row of the file beside what is here of it."""

    entry: InventoryEntry
    before: InventoryRecord | None
    differs: frozenset[str]  # names of the fields that differ from what was said before
    model: Id
    version: Id
    use: Id
    prior: list[Any]  # the signed prior decision, once there is one

    @property
    def news(self) -> bool:
        """Whether it brings something besides a decision."""
        return self.before is None or bool(self.differs - set(DECISION))


class Taking:
    """Turns rows into facts."""

    def __init__(self, workspace: Workspace, known: Known, file_name: str) -> None:
        self._workspace, self.known, self._file = workspace, known, file_name
        self._new_id = workspace.store.new_id
        self._by_name = {self.known.models[r.model].name.casefold(): r.model for r in known.rows.values()
                         if r.model in known.models}
        self._versions = {(v.model, v.label): v.id for v in known.versions.values()}
        self._uses = {(u.model, u.purpose): u.id for u in known.uses.values()}
        self._revision = {m.model: m for m in known.models.values()}
        self._stated = known.said_of_models()
        self._made: set[Id] = {*known.versions, *known.uses}

    def row(self, entry: InventoryEntry) -> Row:
        """A row beside what is here of it."""
        before, differs, name = self.known.before(entry), self.known.differs(entry), entry.name.casefold()
        model = self.known.model(entry) or self._by_name.get(name) or self._new_id()
        self._by_name.setdefault(name, model)
        version = before.version if before and "version" not in differs else \
            self._versions.setdefault((model, entry.version or NOT_STATED), self._new_id())
        use = before.use if before and "purpose" not in differs else \
            self._uses.setdefault((model, entry.purpose or NOT_STATED), self._new_id())
        return Row(entry=entry, before=before, differs=differs, model=model, version=version, use=use, prior=[])

    def decides(self, row: Row) -> bool:
        """Whether it holds a decision that is not recorded yet."""
        return decided(row.entry) and not self._recorded(row)

    def _recorded(self, row: Row) -> bool:
        e = row.entry
        return decided(e) and self.known.recorded(
            self._taken(row), due_stated=bool(e.conditions_due or e.approved_until or e.next_review))

    def sign(self, deciding: list[Row], passphrase: str) -> None:
        """Sign the decisions in the rows as a schedule, each with its own statement."""
        taken = [self._taken(row) for row in deciding]
        made = prior_decisions.signed(
            self._workspace, taken, passphrase, [None] * len(taken), self.known.people) if taken else []
        for row, decision in zip(deciding, made, strict=True):
            row.prior.append(decision(row.model))

    def _taken(self, row: Row) -> Taken:
        e = row.entry
        due = e.conditions_due or e.approved_until or e.next_review or self._workspace.today()
        conditions = (TypedCondition(text=e.conditions, owner=e.owner, due=due),)
        return Taken(
            version=row.version, use=row.use, to_stage="production",
            decided_on=e.approved_on or self._workspace.today(), decided_by=e.approved_by,
            outcome="approved_with_conditions" if e.conditions else "approved",
            review_by=e.approved_until or e.next_review, source=f"{self._file}, row {e.row}",
            conditions=conditions if e.conditions else ())

    def add(self, write: Write, row: Row) -> None:
        """Add the facts of a row to a write."""
        self.known.people.keep(write, *(person for decision in row.prior for person in named_in(decision)))
        write.add(*self._identity(write, row), *self._assessed(write, row), *row.prior)
        write.add(InventoryRecord(
            id=self._new_id(), source=self.known.source, key=self.known.key(row.entry), model=row.model,
            version=row.version, use=row.use,
            content=write.add_text(content(row.entry if row.prior or self._recorded(row) else _undecided(row.entry)))))

    def _identity(self, write: Write, row: Row) -> Iterator[Any]:
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
                artefact=Artefact(digest=canonical.sha256(content(e).encode("utf-8")), of=DigestOf.RECORD),
                source=SourceIdentity(source=self.known.source, name=self.known.key(e), version=label, created=""))
        if row.use not in self._made:
            self._made.add(row.use)
            yield Use(id=row.use, model=row.model, purpose=e.purpose or NOT_STATED, entity=e.entity,
                      business_line=e.business_line, limits=e.limits)

    def _news(self, row: Row) -> frozenset[str]:
        """What the row says of its model that the file did not say before: only that is taken over what is here.

        A row that is new says of a known model what it fills in, unless another row has said the same.
        """
        before, self._stated[row.model] = self._stated.get(row.model, {}), canonical.plain(row.entry)
        if row.model not in self._revision:
            return frozenset(vars(row.entry))
        if row.before is not None:
            return row.differs
        return frozenset(name for name in differing(before, row.entry) if getattr(row.entry, name))

    def _fields(self, write: Write, e: InventoryEntry, news: frozenset[str]) -> dict[str, Any]:
        """The fields of a model that follow from what is new in a row."""
        made = {_MODEL[name]: getattr(e, name) for name in news & _MODEL.keys()}
        if "unmapped" in news:  # the row's own record holds them whole, where they can be erased
            made["tags"] = unnamed(e.unmapped, *(getattr(e, field) for field in _NAMING))
        made |= {name: self.known.people.add(write, getattr(e, name), "inventory")
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

    def _assessed(self, write: Write, row: Row) -> Iterator[Any]:
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
                concluded_on=e.validated_on, basis="inventory",
                given_by=self.known.people.add(write, e.validated_by, "inventory"), **about)
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
                owner=self.known.people.add(write, e.owner, "inventory"),
                review_by=e.overlay_review or e.next_review or self._workspace.today(), **about)

    def _finding(self, write: Write, row: Row) -> Finding:
        e = row.entry
        return Finding(
            id=self._new_id(), model=row.model, version=row.version, use=row.use, title=e.finding_title,
            description=self._said(e), severity=e.finding_severity or Severity.MEDIUM, due=e.finding_due,
            owner=self.known.people.add(write, e.finding_owner, "inventory"), number=e.finding_number,
            opened_on=e.finding_opened)

    def _said(self, entry: InventoryEntry) -> str:
        return f"as stated in {self._file}, row {entry.row}"


def _exception_kind(reason: str) -> ExceptionKind:
    words = reason.casefold()
    if "before" in words or "validation" in words:
        return ExceptionKind.USE_BEFORE_VALIDATION
    return ExceptionKind.OUTSIDE_APPROVED_USE if "outside" in words or "use" in words else ExceptionKind.OTHER
