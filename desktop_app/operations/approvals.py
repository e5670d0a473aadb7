"""Promotion: request it, read what it rests on, sign it with one's own key.

Deciding rules are in `domain.approval`, `domain.requirements`, `domain.basis`. Here facts are read, the statement
is built, signed before any lock is taken, and written if nothing has changed meanwhile.
"""

from __future__ import annotations

from datetime import date, datetime

from desktop_app.domain import approval, basis, canonical, requirements
from desktop_app.domain.approval import (
    ChangeClass,
    Condition,
    Involvement,
    PromotionClosed,
    PromotionRequest,
    Quorum,
    Refusal,
    SignOff,
    StageChanged,
    StatementMatter,
    StatementParty,
)
from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Digest, Id, record
from desktop_app.domain.change import Change
from desktop_app.domain.dossier import Check, Dossier, Member, News
from desktop_app.domain.evidence import Verdict, worst
from desktop_app.domain.history import History
from desktop_app.domain.model import ModelVersion, RegisteredModel
from desktop_app.domain.person import Person, Role, Unkept
from desktop_app.domain.policy import Meaning, Policy, Transition
from desktop_app.domain.use import Use
from desktop_app.domain.validation import ValidationConcluded
from desktop_app.errors import Refused, StaleError, UserError
from desktop_app.operations import lineage, people, policies
from desktop_app.operations.dossiers import Basis, basis_now, blocking_now, freeze
from desktop_app.operations.people import changed
from desktop_app.registry.reader import Head, Reader
from desktop_app.registry.writer import unkept
from desktop_app.workspace import Workspace

CLOSES = {Meaning.REJECT: "rejected", Meaning.RETURN: "returned"}


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
        people.require(write.reader, workspace, Role.DEVELOPER, Role.OWNER, Role.MODEL_RISK)
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
        _check_waits(History(write.reader.of(asked.record.model)), request_id)
        write.add(PromotionClosed(id=store.new_id(), model=asked.record.model, version=asked.record.version,
                                  request=request_id, outcome="withdrawn", reason=reason))
    return changed(write)


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
    now = _members_now(reader, history, asked.record)
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
        blocking=_blocking(workspace, history, dossier.record, transition), involvement=involved,
        acts_checked=len(facts),
        my_role=rule.role if rule else None,
        refusal=approval.check_may_sign(
            transition, roles, rule.meaning if rule else Meaning.APPROVE, involved,
            any(s.record.person == me for s in signed), asked.by == me),
        matter=_matter(history, dossier.record, asked.record, policy.record),
        basis_digest=canonical.digest(now), head=reader.head())


def _blocking(workspace: Workspace, history: History, dossier: Dossier, transition: Transition) -> tuple[Check, ...]:
    now = blocking_now(workspace, history, transition, dossier.version, dossier.use, dossier.tier)
    return (*dossier.blocking, *(c for c in now if c.key not in {b.key for b in dossier.blocking}))


def _members_now(reader: Reader, history: History, asked: PromotionRequest) -> tuple[Member, ...]:
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
        comment=(reader.text(comment) or "(erased)") if comment else "", seq=signed.seq)


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


# ---- signing


@record
class Decision:
    """What a person decided in the dialog."""

    meaning: Meaning
    conditions: tuple[Condition, ...] = ()
    conflicts: str = "none"
    declared: bool = False
    comment: str = ""


@record
class Prepared:
    """Exactly what will be signed: shown to the person, then signed as it is."""

    request: Id
    command: str
    text: str
    decision: Decision
    party: StatementParty
    kept: Unkept  # the text, as it will lie beside the facts
    comment: Unkept | None
    conflicts: Unkept | None
    review_by: date


def prepare(workspace: Workspace, seen: Review, decision: Decision) -> Prepared:
    """Build the statement for a decision on what was *seen*. Raises Refused when who acts may not sign it.

    Nothing is written. The digest of `Prepared.text` is in the bytes that are signed.
    """
    _check_decision(seen, decision)
    me = workspace.me
    with workspace.store.read() as reader:
        name = reader.get(Person, me).record.name
        printed = reader.names()[me]
        _check_may(workspace, reader, seen, decision.meaning)
    rule = approval.rule_for(seen.transition, frozenset({seen.my_role} if seen.my_role else ()))
    if rule is None:
        raise Refused("Your role is not asked to decide here.")
    party = StatementParty(person=me, printed_name=printed, name=name, role=rule.role, scope=rule.scope)
    until = basis.review_by(workspace.today(), seen.transition.holds_days)
    declaration = seen.policy.record.conflict_text + f" Stated: {decision.conflicts.strip() or 'none'}."
    text = approval.statement_text(party, seen.matter, decision.meaning, decision.conditions, until, declaration)
    comment, now, conflicts = decision.comment.strip(), workspace.store.clock(), decision.conflicts.strip()
    return Prepared(
        request=seen.request.record.id, command=workspace.store.new_id(), text=text, decision=decision, party=party,
        kept=unkept(now, text), comment=unkept(now, comment) if comment else None,
        conflicts=unkept(now, conflicts) if conflicts not in ("", "none") else None, review_by=until)


def _payload(workspace: Workspace, seen: Review, prepared: Prepared) -> bytes:
    return canonical.jcs(approval.statement(
        party=prepared.party, text=prepared.text, meaning=prepared.decision.meaning,
        conditions=prepared.decision.conditions, review_by=prepared.review_by, request=seen.request.record,
        request_digest=seen.request.digest, dossier=seen.dossier.record, dossier_digest=seen.dossier.digest,
        policy_digest=seen.policy.digest,
        registry=workspace.store.info.id, command=prepared.command, checkpoint=f"{seen.head.seq}:{seen.head.hash}",
        signed_at=workspace.store.clock(),
        conflicts=prepared.conflicts.reference() if prepared.conflicts else None,
        comment=prepared.comment.reference() if prepared.comment else None))


def _check_decision(seen: Review, decision: Decision) -> None:
    if not decision.declared and decision.meaning is not Meaning.RECUSE:
        raise UserError("The declaration is not made.", "Every signer declares conflicts of interest.",
                        "Read the declaration and tick it, or recuse yourself.")
    if decision.meaning is Meaning.APPROVE_WITH_CONDITIONS and not decision.conditions:
        raise UserError("An approval with conditions needs a condition.", "", "Add one with an owner and a date.")
    if decision.meaning in CLOSES and not decision.comment.strip():
        raise UserError("Say why.", "A rejection or a return is explained to the requester.", "Write a comment.")
    if decision.meaning in approval.IN_FAVOUR and seen.blocking:
        raise Refused("The policy's requirements are not met.",
                      "\n".join(f"{c.title}: {c.sentence}" for c in seen.blocking),
                      "Reject or return the request; it can be made again when they are met.")
    if decision.meaning in approval.IN_FAVOUR and seen.news.reconsider:
        raise Refused("The basis of this request is no longer what was frozen.", "\n".join(seen.news.reconsider),
                      "Return the request; it can be made again on the present basis.")


def _check_may(workspace: Workspace, reader: Reader, seen: Review, meaning: Meaning) -> None:
    me, asked = workspace.me, seen.request
    history = History(reader.of(asked.record.model))
    refusal = approval.check_may_sign(
        seen.transition, people.roles_of(reader, me, workspace.store.clock()), meaning,
        history.involvement(asked.record.version, me),
        any(s.record.person == me for s in history.sign_offs(asked.record.id)), asked.by == me)
    if refusal:
        raise Refused(refusal.title, refusal.detail, refusal.remedy)


def sign_off(workspace: Workspace, seen: Review, prepared: Prepared, passphrase: str) -> Change:
    """Sign the prepared statement and record it. Done once: a retry finds its own result.

    Signs before any lock is taken. Raises Refused (wrong passphrase, not allowed), StaleError with the difference
    when the basis is not what was read.
    """
    if (prepared.request, prepared.party.person) != (seen.request.record.id, workspace.me):
        raise Refused("This statement was prepared for somebody else.", "", "Read the request and decide again.")
    store = workspace.store
    if (done := store.outcome(prepared.command)) is not None:
        return _same(workspace, prepared, done)
    payload = _payload(workspace, seen, prepared)
    envelope = workspace.signer.seal(workspace.me, approval.PAYLOAD_TYPE, payload, passphrase)
    key_id = workspace.signer.key_of(workspace.me).key_id
    asked = seen.request.record
    signed = SignOff(
        id=store.new_id(), model=asked.model, version=asked.version, request=asked.id, person=workspace.me,
        role=prepared.party.role, meaning=prepared.decision.meaning, key_id=key_id,
        statement_digest=canonical.sha256(payload), envelope=envelope,
        text=prepared.kept.reference(), review_by=prepared.review_by,
        comment=prepared.comment.reference() if prepared.comment else None,
        conflicts=prepared.conflicts.reference() if prepared.conflicts else None,
        conditions=prepared.decision.conditions)
    with store.write(workspace.me, "promotion.signed_off", asked.id, command=prepared.command) as write:
        _check_unchanged(workspace, write.reader, seen, signed.meaning)
        _check_key(write.reader, key_id, workspace.me)
        for text in filter(None, (prepared.kept, prepared.comment, prepared.conflicts)):
            write.keep(text)
        write.add(signed)
        write.note = f"{approval.TITLES[signed.meaning]}: {seen.model.name} {seen.version.label}"
        consequence = _consequence(workspace, write.reader, seen, signed)
        if consequence:
            write.add(consequence)
            write.note += _consequence_note(consequence)
    return changed(write)


def _same(workspace: Workspace, prepared: Prepared, done: Change) -> Change:
    """What the same command did before, if it was this very decision. Raises Refused when it was another."""
    with workspace.store.read() as reader:
        signed = [f.record for f in reader.at(done.seq) if isinstance(f.record, SignOff)]
    if [s.text for s in signed] != [prepared.kept.reference()]:
        raise Refused("This command was already used for another decision.", prepared.command, "Decide again.")
    return done


def _check_unchanged(workspace: Workspace, reader: Reader, seen: Review, meaning: Meaning) -> None:
    history = History(reader.of(seen.request.record.model))
    _check_waits(history, seen.request.record.id)
    now = _members_now(reader, history, seen.request.record)
    if canonical.digest(now) != seen.basis_digest:
        raise StaleError("What this decision rests on changed since you read it.",
                         _difference(history, seen, now), "Read the change, then decide again. Nothing was signed off.")
    _check_may(workspace, reader, seen, meaning)
    blocking = _blocking(workspace, history, seen.dossier.record, seen.transition)
    if meaning in approval.IN_FAVOUR and blocking:  # an acceptance or an age may have ended since it was read
        raise Refused("The policy's requirements are no longer met.",
                      "\n".join(f"{c.title}: {c.sentence}" for c in blocking), "Return the request.")


def _difference(history: History, seen: Review, now: tuple[Member, ...]) -> tuple[str, ...]:
    news = basis.news_since(history, seen.dossier.record, now)
    known = {*seen.news.reconsider, *seen.news.later}
    return tuple(line for line in (*news.reconsider, *news.later) if line not in known) or (
        "A record changed and changed back.",)


def _check_waits(history: History, request_id: Id) -> None:
    closed = history.closed(request_id)
    if closed or history.effective(request_id):
        what = closed.outcome if closed else "already in effect"
        raise StaleError("This request no longer waits for a decision.", (f"It is {what}.",), "Refresh the page.")


def _check_key(reader: Reader, key_id: str, person: Id) -> None:
    known = people.public_keys(reader)
    if key_id not in known or known[key_id][0] != person:
        raise Refused("Your key is not enrolled in this registry.", f"Key {key_id}.",
                      "Ask an administrator to enrol it.")


def _consequence(
    workspace: Workspace, reader: Reader, seen: Review, signed: SignOff,
) -> StageChanged | PromotionClosed | None:
    asked, store = seen.request.record, workspace.store
    if signed.meaning in CLOSES:
        return PromotionClosed(id=store.new_id(), model=asked.model, version=asked.version, request=asked.id,
                               outcome=CLOSES[signed.meaning], reason=approval.TITLES[signed.meaning])
    everyone = [*(s.record for s in History(reader.of(asked.model)).sign_offs(asked.id)), signed]
    if not approval.quorum(seen.transition, everyone).met:
        return None
    return StageChanged(
        id=store.new_id(), model=asked.model, version=asked.version, use=asked.use, request=asked.id,
        from_stage=asked.from_stage, to_stage=asked.to_stage, sign_offs=tuple(s.id for s in everyone),
        effective_from=workspace.today(), review_by=min(s.review_by for s in everyone),
        conditions=tuple(dict.fromkeys(c for s in everyone for c in s.conditions)))


def _consequence_note(consequence: StageChanged | PromotionClosed) -> str:
    if isinstance(consequence, StageChanged):
        return f"; in {consequence.to_stage} from {canonical.day_text(consequence.effective_from)}"
    return f"; the request is {consequence.outcome}"


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
        histories: dict[Id, History] = {}
        found = []
        for asked in reader.all(PromotionRequest):
            model = asked.record.model
            histories[model] = histories.get(model) or History(reader.of(model))
            found.append(_line(asked, histories[model], policies_by_id[asked.record.policy], names, me, roles))
    return tuple(sorted(found, key=lambda r: (not r.waits_for_me, r.outcome != "open", -r.request.seq)))


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
