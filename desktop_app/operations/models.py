"""Models, versions and uses: register them, and read one version whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from desktop_app.domain.approval import ConditionEvent, PriorDecision, StageChanged
from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Digest, Id, digest, record, sha256
from desktop_app.domain.card import CardRevision
from desktop_app.domain.change import Change
from desktop_app.domain.evidence import Evidence
from desktop_app.domain.exception import ExceptionKind, Overlay, PolicyException
from desktop_app.domain.finding import FindingNow
from desktop_app.domain.history import BY_HAND, History, OpenCondition
from desktop_app.domain.inventory import InventoryRow
from desktop_app.domain.model import (
    AliasMoved,
    Artefact,
    DigestOf,
    InUse,
    ModelVersion,
    Nature,
    Origin,
    RegisteredModel,
    SourceIdentity,
    SourceRun,
    UseState,
)
from desktop_app.domain.person import Role
from desktop_app.domain.policy import Policy
from desktop_app.domain.use import Tiering, Use
from desktop_app.domain.validation import ValidationConcluded
from desktop_app.errors import NotFound, UserError
from desktop_app.operations import people, policies
from desktop_app.operations.called import Called
from desktop_app.operations.people import changed
from desktop_app.registry.reader import Reader
from desktop_app.workspace import Workspace


def register(workspace: Workspace, name: str, **details: Any) -> Id:
    """Register a model; `details` are fields of RegisteredModel (description, origin, nature, owner, …)."""
    if not name.strip():
        raise UserError("A model needs a name.", "", "Type a name.")
    store, model = workspace.store, workspace.store.new_id()
    with store.write(workspace.me, "model.registered", model, note=f"Registered {name.strip()}") as write:
        write.add(RegisteredModel(id=store.new_id(), model=model, revision=1, name=name.strip(), **details))
    return model


def _name(reader: Reader, model: Id) -> str:
    """What a model is called now."""
    found = History(reader.of(model)).model()
    return found.record.name if found else "a model"


def revise(workspace: Workspace, model: Id, **details: Any) -> Change:
    """Record another revision of what is known of a model."""
    store = workspace.store
    with store.write(workspace.me, "model.revised", model) as write:
        people.require(write.reader, workspace, Role.OWNER, Role.MODEL_RISK, Role.ADMINISTRATOR)
        before = History(write.reader.of(model)).model()
        if before is None:
            raise NotFound("There is no such model.", model)
        write.note = f"Revised {before.record.name}: {', '.join(sorted(details))}"
        write.add(replace(before.record, id=store.new_id(), revision=before.record.revision + 1, **details))
    return changed(write)


def add_version(
    workspace: Workspace, model: Id, label: str, *, artefact: Artefact | None = None, documents: tuple[Path, ...] = (),
    developers: tuple[Id, ...] = (), description: str = "",
) -> Id:
    """Add a version by hand: a vendor model, a spreadsheet, an older model.

    Without an artefact the digest is that of its documents, or of the record itself, and the version says so.
    """
    store, version = workspace.store, workspace.store.new_id()
    exact = artefact or _digest_of_documents(documents) or Artefact(
        digest=digest({"model": model, "label": label, "description": description}), of=DigestOf.RECORD)
    with store.write(workspace.me, "version.added", version) as write:
        history = History(write.reader.of(model))
        write.note = f"Added {_name(write.reader, model)} {label}"
        if any(v.record.label == label for v in history.all(ModelVersion)):
            raise UserError(f"There is already a version {label}.", "", "Give another label.")
        write.add(ModelVersion(
            id=version, model=model, label=label, artefact=exact, created=store.clock(), developers=developers,
            description=description,
            source=SourceIdentity(source=BY_HAND, name=model, version=label, created=version)))
    return version


def _digest_of_documents(documents: tuple[Path, ...]) -> Artefact | None:
    if not documents:
        return None
    parts = [(p.name, sha256(p.read_bytes()), p.stat().st_size) for p in sorted(documents)]
    whole = Digest(sha256("".join(f"{d}  {name}\n" for name, d, _ in parts).encode("utf-8")))
    return Artefact(digest=whole, of=DigestOf.DOCUMENTS, size=sum(size for _, _, size in parts))


def describe_use(
    workspace: Workspace, model: Id, purpose: str, *, entity: str = "", business_line: str = "", limits: str = "",
    prohibited: str = "", tier: int | None = None,
) -> Id:
    """Describe a use of a model: what decisions are about, together with a version.

    With a tier it is set in the same entry, so that nothing is described where the role does not allow the tier.
    """
    if not purpose.strip():
        raise UserError("A use needs a purpose.", "", "Say what the model is for.")
    store, use = workspace.store, workspace.store.new_id()
    with store.write(workspace.me, "use.described", use) as write:
        write.note = f"Described a use of {_name(write.reader, model)}: {purpose.strip()}"
        write.add(Use(id=use, model=model, purpose=purpose.strip(), entity=entity, business_line=business_line,
                      limits=limits, prohibited=prohibited))
        if tier is not None:
            people.require(write.reader, workspace, *_MAY_TIER)
            write.note += f", tier {tier}"
            write.add(Tiering(id=store.new_id(), model=model, use=use, tier=_known(tier), basis="judgement"))
    return use


def set_tier(
    workspace: Workspace, use: Id, tier: int, *, materiality: str = "", inherent_risk: str = "",
    basis: str = "judgement", reason: str = "",
) -> Change:
    """Set the tier of a model in a use."""
    store = workspace.store
    with store.write(workspace.me, "tier.set", use) as write:
        people.require(write.reader, workspace, *_MAY_TIER)
        what = write.reader.get(Use, use).record
        write.note = f"Tier {tier} for {_name(write.reader, what.model)}: {what.purpose}"
        write.add(Tiering(id=store.new_id(), model=what.model, use=use, tier=_known(tier), basis=basis,
                          materiality=materiality, inherent_risk=inherent_risk, override_reason=reason))
    return changed(write)


_MAY_TIER = (Role.MODEL_RISK, Role.VALIDATOR, Role.ADMINISTRATOR)


def _known(tier: int) -> int:
    if tier not in (1, 2, 3):
        raise UserError(f"There is no tier {tier}.", "", "Tiers are 1 (highest) to 3.")
    return tier


def state_use(
    workspace: Workspace, version: Id, use: Id, state: UseState, *, since: date | None = None, note: str = "",
) -> Change:
    """State what is really done with a version in a use."""
    store = workspace.store
    with store.write(workspace.me, "use.stated", version) as write:
        exact = write.reader.get(ModelVersion, version).record
        write.note = f"{_name(write.reader, exact.model)} {exact.label} stated as {state.value.replace('_', ' ')}"
        write.add(InUse(id=store.new_id(), model=exact.model, version=version, use=use, state=state,
                        since=since or workspace.today(), note=note))
    return changed(write)


def permit_exception(
    workspace: Workspace, version: Id, use: Id, kind: ExceptionKind, *, reason: str, controls: str, valid_from: date,
    valid_to: date, authority: str,
) -> Change:
    """Record a time-boxed permission to depart from policy. Model risk managers may."""
    if valid_to <= valid_from:
        raise UserError("An exception must end after it begins.", "", "Correct the dates.")
    store = workspace.store
    with store.write(workspace.me, "exception.permitted", version, note=f"Exception until {valid_to}") as write:
        people.require(write.reader, workspace, Role.MODEL_RISK)
        exact = write.reader.get(ModelVersion, version).record
        write.add(PolicyException(
            id=store.new_id(), model=exact.model, version=version, use=use, exception_kind=kind, reason=reason,
            controls=controls, valid_from=valid_from, valid_to=valid_to, authority=authority))
    return changed(write)


def add_overlay(
    workspace: Workspace, version: Id, use: Id, *, amount: str, reason: str, owner: Id | None, review_by: date,
    exit_when: str,
) -> Change:
    """Record an adjustment of a model's output."""
    store = workspace.store
    with store.write(workspace.me, "overlay.added", version, note=f"Overlay {amount}") as write:
        people.require(write.reader, workspace, Role.MODEL_RISK, Role.OWNER)
        exact = write.reader.get(ModelVersion, version).record
        write.add(Overlay(id=store.new_id(), model=exact.model, version=version, use=use, amount=amount, reason=reason,
                          owner=owner, review_by=review_by, exit=exit_when))
    return changed(write)


def settle_condition(
    workspace: Workspace, condition: OpenCondition, *, comment: str, due: date | None = None,
) -> Change:
    """Record that a condition of a decision was met or, with `due`, that it was given more time.

    The second line may. Raises UserError for a condition that is met already or without a comment.
    """
    if not comment.strip():
        raise UserError("Say what was done, or why more time is given.", "", "Write a comment.")
    if condition.met:
        raise UserError("This condition is already met.", condition.condition.text, "Nothing needs to be done.")
    store, words = workspace.store, "extended" if due else "met"
    note = f"Condition {words}: {condition.condition.text[:80]}. {comment.strip()[:80]}"
    with store.write(workspace.me, f"condition.{words}", condition.decision, note=note) as write:
        people.require(write.reader, workspace, Role.MODEL_RISK, Role.COMPLIANCE, Role.VALIDATOR)
        decision: Recorded[StageChanged | PriorDecision] | None = write.reader.find(StageChanged, condition.decision)
        decision = decision or write.reader.get(PriorDecision, condition.decision)
        write.add(ConditionEvent(
            id=store.new_id(), model=decision.record.model, decision=condition.decision, condition=condition.index,
            state=words, comment=comment.strip(), due=due))
    return changed(write)


# ---- reading


@record
class Event:
    """One line of the history of a model, in words."""

    seq: int
    at: datetime
    who: str
    action: str
    note: str


@record
class VersionView:
    """One version of a model with everything the registry holds of it."""

    model: RegisteredModel
    version: ModelVersion
    artefact: Artefact
    uses: tuple[Use, ...]
    use: Use | None
    tier: int | None
    stage: str
    stage_title: str
    next_stage: str | None
    row: InventoryRow | None
    run: SourceRun | None
    siblings: tuple[ModelVersion, ...]  # versions of the model, newest first
    card: Recorded[CardRevision] | None
    evidence: tuple[Recorded[Evidence], ...]
    findings: tuple[FindingNow, ...]
    opinion: Recorded[ValidationConcluded] | None
    exceptions: tuple[Recorded[PolicyException], ...]
    overlays: tuple[Recorded[Overlay], ...]
    prior_decisions: tuple[Recorded[PriorDecision], ...]
    conditions: tuple[OpenCondition, ...]  # of the approval in force, met or not
    aliases: tuple[str, ...]
    policy: Policy | None
    names: dict[Id, str]
    events: tuple[Event, ...]
    blockers: tuple[str, ...]  # what stands in the way of the next stage, in words


def version(workspace: Workspace, version_id: Id, use_id: Id | None = None) -> VersionView:
    """Read a version, in a use if one is given (else the first that is recorded)."""
    with workspace.store.read() as reader:
        exact = reader.get(ModelVersion, version_id).record
        history, names = History(reader.of(exact.model)), reader.names()
        policy = policies.listing(workspace)[:1]
        rows = {r.use: r for r in reader.inventory_of(exact.model) if r.version == version_id}
        events = _events(reader, exact.model)
    model = history.model()
    if model is None:
        raise NotFound("The model of this version is not in the registry.", exact.model)
    uses = tuple(u.record for u in history.all(Use))
    use = next((u for u in uses if u.id == (use_id or next(iter(rows), ""))), uses[0] if uses else None)
    return _view(history, names, model.record, exact, uses, use, rows, policy[0].record if policy else None, events)


def _view(
    history: History, names: dict[Id, str], model: RegisteredModel, exact: ModelVersion, uses: tuple[Use, ...],
    use: Use | None, rows: dict[Id, InventoryRow], policy: Policy | None, events: tuple[Event, ...],
) -> VersionView:
    use_id = use.id if use else Id("")
    first = policy.stages[0].key if policy else "development"
    stage = history.stage(exact.id, use_id, first)
    tier = history.last(Tiering, use=use_id)
    run = history.find(SourceRun, exact.run) if exact.run else None
    findings = tuple(f for f in history.findings(exact.id) if use is None or f.finding.use in (None, use.id))
    return VersionView(
        model=model, version=exact, artefact=history.artefact(exact), uses=uses, use=use,
        tier=tier.record.tier if tier else None, stage=stage,
        stage_title=policy.stage_title(stage) if policy else stage,
        next_stage=policy.next_stage(stage) if policy else None, row=rows.get(use_id), run=run.record if run else None,
        siblings=tuple(v.record for v in reversed(history.all(ModelVersion))),
        card=history.last(CardRevision, version=exact.id), evidence=tuple(history.evidence(exact.id)),
        findings=findings, opinion=history.last(ValidationConcluded, version=exact.id, use=use_id),
        exceptions=tuple(history.all(PolicyException, version=exact.id)),
        overlays=tuple(history.all(Overlay, version=exact.id)),
        prior_decisions=tuple(history.all(PriorDecision, version=exact.id)),
        conditions=_conditions(history, exact.id, use_id), aliases=_aliases(history, exact.label), policy=policy,
        names=names, events=events, blockers=_blockers(use, tier is not None, findings))


def _conditions(history: History, version: Id, use: Id) -> tuple[OpenCondition, ...]:
    decision = history.in_force(version, use)
    return tuple(history.conditions(decision)) if decision else ()


def _blockers(use: Use | None, tiered: bool, findings: tuple[FindingNow, ...]) -> tuple[str, ...]:
    """What keeps a request from being made or decided, before the policy's own requirements are looked at."""
    lines = []
    if use is None:
        lines.append("no use is described")
    elif not tiered:
        lines.append("the tier is not set")
    bad = [f for f in findings if f.is_open and f.finding.severity in ("high", "critical") and f.state != "accepted"]
    lines += [f"{f.finding.severity.value} finding {f.label} is open" for f in bad]
    return tuple(lines)


def _aliases(history: History, label: str) -> tuple[str, ...]:
    now: dict[str, str | None] = {}
    for moved in history.all(AliasMoved):
        now[moved.record.alias] = moved.record.after
    return tuple(sorted(alias for alias, at in now.items() if at == label))


def _events(reader: Reader, model: Id) -> tuple[Event, ...]:
    found, called = [], Called(reader)
    for entry in reader.entries(about=model):
        body = entry.read()
        found.append(Event(
            seq=entry.seq, at=entry.at, who=called.names.get(body.actor, ""), action=body.action,
            note=called.told(entry.seq, body)))
    return tuple(reversed(found))


ORIGIN_TEXT = {Origin.INTERNAL: "internal", Origin.VENDOR: "vendor", Origin.OPEN_SOURCE: "open source",
               Origin.HYBRID: "hybrid"}
NATURE_TEXT = {Nature.MODEL: "model", Nature.NOT_A_MODEL: "not a model", Nature.UNDETERMINED: "not determined"}
