"""Promotion: request it, withdraw it, read what it rests on and who decided. Deciding is in `signing`.

Deciding rules are in `domain.approval`, `domain.requirements`, `domain.basis`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from desktop_app.domain import approval, basis, canonical, requirements
from desktop_app.domain.approval import (
    ChangeClass,
    Involvement,
    PromotionClosed,
    PromotionRequest,
    Quorum,
    Refusal,
    SignOff,
    StageChanged,
    StatementMatter,
)
from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Digest, Id, record
from desktop_app.domain.change import Change
from desktop_app.domain.dossier import Check, Dossier, Member, News
from desktop_app.domain.evidence import Verdict, worst
from desktop_app.domain.history import History
from desktop_app.domain.model import ModelVersion, RegisteredModel
from desktop_app.domain.person import ERASED, Role
from desktop_app.domain.policy import Meaning, Policy, Transition
from desktop_app.domain.use import Use
from desktop_app.domain.validation import ValidationConcluded
from desktop_app.errors import Refused, StaleError, UserError
from desktop_app.operations import lineage, people, policies
from desktop_app.operations.dossiers import Basis, basis_now, blocking_now, freeze
from desktop_app.operations.people import changed
from desktop_app.registry.reader import Head, Reader
from desktop_app.workspace import Workspace

_AT_ONCE = 300  # requests whose models' facts are held in memory together


def outlook(workspace: Workspace, version: Id, use: Id, to_stage: str | None = None) -> Basis:
    """What a request would be judged on if it were made now."""
    with workspace.store.read() as reader:
        return basis_now(workspace, reader, version, use, to_stage)


def request(
    workspace: Workspace, version: Id, use: Id, *, rationale: str, change_class: ChangeClass,
    to_stage: str | None = None, decide_by: date | None = None,
) -> Id:
    """Request a promotion: freezes the dossier. Returns the id of the request.

    Raises Refused when a request already waits, when the role is missing, or where the policy provides no way.
    """
    if not rationale.strip():
        raise UserError("A request needs a rationale.", "", "Say why this version should be promoted.")
    store, request_id = workspace.store, workspace.store.new_id()
    with store.write(workspace.me, "promotion.requested", request_id) as write:
        people.require(write.reader, workspace, *approval.MAY_REQUEST)
        now = basis_now(workspace, write.reader, version, use, to_stage)
        _check_none_waits(write.reader, now)
        dossier = freeze(workspace, now)
        write.note = f"Requested {now.model.name} {now.version.label} for {now.transition.to_stage}: {now.use.purpose}"
        write.add(dossier, PromotionRequest(
            id=request_id, model=now.model.model, version=version, use=use, from_stage=now.stage,
            to_stage=now.transition.to_stage, change_class=change_class, rationale=rationale.strip(),
            dossier=dossier.id, dossier_digest=canonical.digest(dossier), policy=now.policy.record.id,
            decide_by=decide_by))
    return request_id


def _check_none_waits(reader: Reader, now: Basis) -> None:
    waiting = History(reader.of(now.model.model)).open_request(now.version.id, now.use.id)
    if waiting:
        raise Refused("A request for this version and use already waits.",
                      f"{waiting.label} for {waiting.record.to_stage}.", "Decide on it or withdraw it first.")


def withdraw(workspace: Workspace, request_id: Id, reason: str) -> Change:
    """Take back one's own request."""
    store = workspace.store
    with store.write(workspace.me, "promotion.withdrawn", request_id, note=f"Withdrew the request: {reason}") as write:
        asked = write.reader.get(PromotionRequest, request_id)
        if asked.by != workspace.me:
            raise Refused("Only the requester may withdraw a request.", "", "Reject or return it instead.")
        check_waits(History(write.reader.of(asked.record.model)), request_id)
        write.add(PromotionClosed(id=store.new_id(), model=asked.record.model, version=asked.record.version,
                                  request=request_id, outcome="withdrawn", reason=reason))
    return changed(write)


def check_waits(history: History, request_id: Id) -> None:
    """Raises StaleError when a request no longer waits for a decision."""
    closed = history.closed(request_id)
    if closed or history.effective(request_id):
        what = closed.outcome if closed else "already in effect"
        raise StaleError("This request no longer waits for a decision.", (f"It is {what}.",), "Refresh the page.")


# ---- reading a request


@record
class SeatView:
    """A decision the policy asks for, and by whom it was made."""

    role: Role
    meaning: Meaning
    scope: str
    count: int
    signed_by: tuple[str, ...]


@record
class SignOffView:
    """A sign-off as it is listed."""

    name: str
    role: Role
    meaning: Meaning
    at: datetime
    comment: str
    seq: int


@record
class Review:
    """A frozen request as somebody reads it: what it rests on, who decided, what is in the way of whom."""

    request: Recorded[PromotionRequest]
    requested_by: str
    dossier: Recorded[Dossier]
    policy: Recorded[Policy]
    transition: Transition
    model: RegisteredModel
    version: ModelVersion
    use: Use
    quorum: Quorum
    seats: tuple[SeatView, ...]
    sign_offs: tuple[SignOffView, ...]
    outcome: str  # open | effective | rejected | returned | withdrawn
    outcome_reason: str
    effective: StageChanged | None
    news: News
    blocking: tuple[Check, ...]  # what stands in the way now, frozen or since
    involvement: tuple[Involvement, ...]
    acts_checked: int
    my_role: Role | None
    refusal: Refusal | None  # why who acts may not decide; None when they may
    matter: StatementMatter
    basis_digest: Digest
    head: Head
    names: dict[Id, str]  # of everybody


def review(workspace: Workspace, request_id: Id) -> Review:
    """Read a request as it is now, for whoever acts."""
    with workspace.store.read() as reader:
        return _review(workspace, reader, request_id)


def _review(workspace: Workspace, reader: Reader, request_id: Id) -> Review:
    asked = reader.get(PromotionRequest, request_id)
    facts = reader.of(asked.record.model)
    history, names = History(facts), reader.names()
    dossier, policy = reader.get(Dossier, asked.record.dossier), reader.get(Policy, asked.record.policy)
    transition = policy.record.transition(asked.record.to_stage, dossier.record.tier)
    model, version = history.model(), history.find(ModelVersion, asked.record.version)
    use = history.find(Use, asked.record.use)
    if transition is None or model is None or version is None or use is None:
        raise UserError("This request cannot be read.", "Its policy or its version is missing.", "Verify the log.")
    signed = history.sign_offs(request_id)
    seats = approval.quorum(transition, [s.record for s in signed])
    closed, effective = history.closed(request_id), history.effective(request_id)
    now = members_now(reader, history, asked.record)
    me = workspace.actor
    roles = people.roles_of(reader, me, workspace.store.clock()) if me else frozenset[Role]()
    rule = approval.rule_for(transition, roles)
    involved = history.involvement(asked.record.version, me) if me else ()
    return Review(
        request=asked, requested_by=names.get(asked.by, ""), dossier=dossier, policy=policy, transition=transition,
        model=model.record, version=version.record, use=use.record, quorum=seats,
        seats=_seat_views(seats, signed, names),
        sign_offs=tuple(_sign_off_view(reader, s, names) for s in signed),
        outcome=_standing(history, request_id),
        outcome_reason=closed.reason if closed else "", effective=effective.record if effective else None,
        news=basis.news_since(history, dossier.record, now),
        blocking=blocking_of(workspace, history, dossier.record, transition), involvement=involved,
        acts_checked=len(facts),
        my_role=rule.role if rule else None,
        refusal=approval.check_may_sign(
            transition, roles, rule.meaning if rule else Meaning.APPROVE, involved,
            any(s.record.person == me for s in signed), asked.by == me),
        matter=_matter(history, dossier.record, asked.record, policy.record),
        basis_digest=canonical.digest(now), head=reader.head(), names=names)


def blocking_of(workspace: Workspace, history: History, dossier: Dossier, transition: Transition) -> tuple[Check, ...]:
    """What stands in the way of an approval: frozen in the dossier, or since."""
    now = blocking_now(workspace, history, transition, dossier.version, dossier.use, dossier.tier)
    return (*dossier.blocking, *(c for c in now if c.key not in {b.key for b in dossier.blocking}))


def members_now(reader: Reader, history: History, asked: PromotionRequest) -> tuple[Member, ...]:
    """What the decision would rest on if it were frozen now."""
    graph = lineage.upstream_of(reader, history, asked.version)
    return basis.members(history, asked.version, asked.use, policies.current(reader), graph)


def _seat_views(seats: Quorum, signed: list[Recorded[SignOff]], names: dict[Id, str]) -> tuple[SeatView, ...]:
    people_of = {s.record.id: names.get(s.record.person, "") for s in signed}
    return tuple(SeatView(role=s.rule.role, meaning=s.rule.meaning, scope=s.rule.scope, count=s.rule.count,
                          signed_by=tuple(people_of[i] for i in s.signed)) for s in seats.seats)


def _sign_off_view(reader: Reader, signed: Recorded[SignOff], names: dict[Id, str]) -> SignOffView:
    comment = signed.record.comment
    return SignOffView(
        name=names.get(signed.record.person, ""), role=signed.record.role, meaning=signed.record.meaning, at=signed.at,
        comment=(reader.text(comment) or ERASED) if comment else "", seq=signed.seq)


def _matter(history: History, dossier: Dossier, asked: PromotionRequest, policy: Policy) -> StatementMatter:
    opinion = history.last(ValidationConcluded, version=asked.version, use=asked.use)
    found = [f for f in history.findings(asked.version, asked.use) if f.is_open]

    def judged(*verdicts: Verdict) -> tuple[str, ...]:
        return tuple(f"{e.label} {e.record.title}" for e in history.evidence(asked.version)
                     if worst(e.record.verdicts) in verdicts)

    model, version, use = history.model(), history.find(ModelVersion, asked.version), history.find(Use, asked.use)
    if model is None or version is None or use is None:
        raise UserError("This request cannot be read.", "Its model, version or use is missing.", "Verify the log.")
    return StatementMatter(
        model_name=model.record.name, version_label=version.record.label, use_text=use_text(use.record),
        from_stage=policy.stage_title(asked.from_stage), to_stage=policy.stage_title(asked.to_stage),
        opinion=f"{opinion.label}, {requirements.OPINION_TEXT[opinion.record.opinion]}" if opinion else "none recorded",
        open_findings=tuple(
            f"{f.label} {f.finding.title} ({f.finding.severity.value}, {f.state.value})" for f in found),
        breached=judged(Verdict.BREACHED), undetermined=judged(Verdict.UNDETERMINED, Verdict.NOT_COMPUTABLE),
        not_tested=dossier.not_tested,
        policy_name=f"{policy.name}, {policy.version}")


def use_text(use: Use) -> str:
    """A use in one phrase: purpose, entity, business line, limits."""
    where = ", ".join(part for part in (use.entity, use.business_line) if part)
    lower = use.purpose[1:2].islower()  # not where the first word is an abbreviation
    purpose = use.purpose[:1].lower() + use.purpose[1:] if lower else use.purpose
    return purpose + (f" ({where})" if where else "") + (f", {use.limits}" if use.limits else "")


# ---- the list of requests


@record
class RequestLine:
    """A request as the list of approvals shows it."""

    request: Recorded[PromotionRequest]
    model_name: str
    version_label: str
    use: str
    tier: int
    requested_by: str
    decided: int
    asked: int
    outcome: str
    waits_for_me: bool
    blocking: int


def listing(workspace: Workspace) -> tuple[RequestLine, ...]:
    """Every request, those that wait for whoever acts first, then the other open ones, then the rest, newest first."""
    me = workspace.actor
    with workspace.store.read() as reader:
        names = reader.names()
        roles = people.roles_of(reader, me, workspace.store.clock()) if me else frozenset[Role]()
        policies_by_id = {p.record.id: p.record for p in reader.all(Policy)}
        requests, found = reader.all(PromotionRequest), []
        for at_once in _by_model(requests):
            facts = reader.of_each({asked.record.model for asked in at_once})
            histories = {model: History(own) for model, own in facts.items()}
            found += [_line(asked, histories[asked.record.model], policies_by_id[asked.record.policy], names, me, roles)
                      for asked in at_once]
    return tuple(sorted(found, key=lambda r: (not r.waits_for_me, r.outcome != "open", -r.request.seq)))


def _by_model(requests: list[Recorded[PromotionRequest]]) -> Iterator[list[Recorded[PromotionRequest]]]:
    """Requests of some models at a time, so that the facts of not too many are held."""
    ordered = sorted(requests, key=lambda asked: asked.record.model)
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start:start + _AT_ONCE]


def _line(
    asked: Recorded[PromotionRequest], history: History, policy: Policy, names: dict[Id, str], me: Id | None,
    roles: frozenset[Role],
) -> RequestLine:
    request = asked.record
    model, version, use = history.model(), history.find(ModelVersion, request.version), history.find(Use, request.use)
    dossier = history.find(Dossier, request.dossier)
    transition = policy.transition(request.to_stage, dossier.record.tier) if dossier else None
    if model is None or version is None or use is None or dossier is None or transition is None:
        raise UserError(f"{asked.label} cannot be read.", "Something it names is missing.", "Verify the log.")
    signed = history.sign_offs(request.id)
    seats, rule = approval.quorum(transition, [s.record for s in signed]), approval.rule_for(transition, roles)
    outcome = _standing(history, request.id)
    refusal = approval.check_may_sign(
        transition, roles, rule.meaning if rule else Meaning.APPROVE,
        history.involvement(request.version, me) if me else (), any(s.record.person == me for s in signed),
        asked.by == me)
    return RequestLine(
        request=asked, model_name=model.record.name, version_label=version.record.label, use=use_text(use.record),
        tier=dossier.record.tier, requested_by=names.get(asked.by, ""), decided=seats.decided, asked=seats.asked,
        outcome=outcome, waits_for_me=outcome == "open" and me is not None and refusal is None,
        blocking=len(dossier.record.blocking))


def _standing(history: History, request_id: Id) -> str:
    """How a request stands: open, effective, rejected, returned or withdrawn."""
    closed = history.closed(request_id)
    return closed.outcome if closed else "effective" if history.effective(request_id) else "open"
