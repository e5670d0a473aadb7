"""Deciding on a request: who may, the statement in words, the signature, and what follows from it.

The statement is signed before any lock is taken, and written if nothing has changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from desktop_app.domain import approval, basis, canonical
from desktop_app.domain.approval import (
    Condition,
    PromotionClosed,
    SignOff,
    StageChanged,
    StatementParty,
    TypedCondition,
)
from desktop_app.domain.canonical import Id, record
from desktop_app.domain.change import Change
from desktop_app.domain.dossier import Member
from desktop_app.domain.history import History
from desktop_app.domain.person import Person, Unkept
from desktop_app.domain.policy import Meaning
from desktop_app.errors import Refused, StaleError, UserError
from desktop_app.operations import checkpoints, mandates, outbox, people
from desktop_app.operations.approvals import Review, blocking_of, check_waits, members_now
from desktop_app.operations.naming import Named
from desktop_app.operations.people import changed
from desktop_app.registry.reader import Reader
from desktop_app.registry.writer import unkept
from desktop_app.workspace import Workspace

CLOSES = {Meaning.REJECT: "rejected", Meaning.RETURN: "returned"}


@record
class Decision:
    """What a person decided in the dialog."""

    meaning: Meaning
    conditions: tuple[TypedCondition, ...] = ()
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
    conditions: tuple[Condition, ...]
    named: Named  # whom the conditions name

    @property
    def ready(self) -> bool:
        """Whether the declaration is made; a recusal needs none."""
        return self.decision.declared or self.decision.meaning is Meaning.RECUSE

    def declare(self) -> Prepared:
        """The same, once the person has read it and makes the declaration that it ends with."""
        return replace(self, decision=replace(self.decision, declared=True))


def prepare(workspace: Workspace, seen: Review, decision: Decision) -> Prepared:
    """Build the statement for a decision on what was *seen*. Raises Refused when who acts may not sign it.

    Everything that can be refused is refused here, before anybody reads, declares or types a passphrase. Nothing is
    written. The salted digest of `Prepared.text` is in the bytes that are signed.
    """
    me = workspace.me
    if (found := checkpoints.check_head(workspace)).state == "differs":
        raise found.error()
    with workspace.store.read() as reader:
        name = reader.get(Person, me).record.name
        names, named = reader.names(), Named(workspace, reader)
        _check_may(workspace, reader, seen, decision.meaning)
        check_waits(History(reader.of(seen.request.record.model)), seen.request.record.id)
        mandates.check_key(reader, workspace.signer.key_of(me).key_id, me)
    _check_decision(seen, decision)
    rule = approval.rule_for(seen.transition, frozenset({seen.my_role} if seen.my_role else ()))
    if rule is None:
        raise Refused("Your role is not asked to decide here.")
    party = StatementParty(person=me, printed_name=names[me], name=name, role=rule.role, scope=rule.scope)
    until = basis.review_by(workspace.today(), seen.transition.holds_days)
    declaration = seen.policy.record.conflict_text + f" Stated: {decision.conflicts.strip() or 'none'}."
    conditions = named.conditions(decision.conditions)
    text = approval.statement_text(
        party, seen.matter, decision.meaning, conditions, until, declaration, names | named.texts())
    comment, now, conflicts = decision.comment.strip(), workspace.store.clock(), decision.conflicts.strip()
    return Prepared(
        request=seen.request.record.id, command=workspace.store.new_id(), text=text, decision=decision, party=party,
        kept=unkept(now, text), comment=unkept(now, comment) if comment else None,
        conflicts=unkept(now, conflicts) if conflicts not in ("", "none") else None, review_by=until,
        conditions=conditions, named=named)


def _payload(workspace: Workspace, seen: Review, prepared: Prepared) -> bytes:
    return canonical.jcs(approval.statement(
        party=prepared.party, text=prepared.kept.reference(), meaning=prepared.decision.meaning,
        conditions=prepared.conditions, review_by=prepared.review_by, request=seen.request.record,
        request_digest=seen.request.digest, dossier=seen.dossier.record, dossier_digest=seen.dossier.digest,
        policy_digest=seen.policy.digest,
        registry=workspace.store.info.id, command=prepared.command, checkpoint=f"{seen.head.seq}:{seen.head.hash}",
        signed_at=workspace.store.clock(),
        conflicts=prepared.conflicts.reference() if prepared.conflicts else None,
        comment=prepared.comment.reference() if prepared.comment else None))


def _check_decision(seen: Review, decision: Decision) -> None:
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
    when the basis is not what was read, Pending when it is not known yet whether it was recorded.
    """
    _check_ready(workspace, seen, prepared)
    if (done := workspace.store.outcome(prepared.command)) is not None:
        return _same(workspace, prepared, done)
    payload = _payload(workspace, seen, prepared)
    envelope = workspace.signer.seal(workspace.me, approval.PAYLOAD_TYPE, payload, passphrase)
    signed = _signed(workspace, seen, prepared, payload, envelope)
    change = outbox.until_recorded(workspace, lambda: _record(workspace, seen, prepared, signed))
    checkpoints.receipt(workspace)
    return change


@record
class Outcome:
    """What became of one decision of a schedule: recorded, or refused in words."""

    label: str
    change: Change | None
    refused: str = ""


def check_schedule(seen: Sequence[Review]) -> None:
    """Refuse to sign several decisions under one passphrase where a policy does not allow it. Raises Refused."""
    if closed := [s for s in seen if not s.policy.record.schedule]:
        policy = closed[0].policy.record
        raise Refused("The policy asks for the passphrase at every decision.",
                      f"{policy.name}, {policy.version}, under which {closed[0].request.label} was requested.",
                      "Sign them one by one.")
    if len({s.request.record.id for s in seen}) != len(seen):
        raise UserError("A request is named twice.", "", "Name each once.")


def sign_schedule(
    workspace: Workspace, schedule: Sequence[tuple[Review, Prepared]], passphrase: str,
) -> tuple[Outcome, ...]:
    """Sign several decisions that were each read and declared, under one passphrase: one statement, one entry each.

    All are signed before the first is recorded, so that a wrong passphrase records none. What meanwhile changed
    under one of them refuses that one and no other. Raises Refused, UserError before anything is recorded; Lost and
    Pending where the registry goes away: what was recorded before stays, and the same call goes on after it.
    """
    check_schedule([seen for seen, _ in schedule])
    for seen, prepared in schedule:
        _check_ready(workspace, seen, prepared)
    payloads = [_payload(workspace, seen, prepared) for seen, prepared in schedule]
    envelopes = workspace.signer.seal_each(workspace.me, approval.PAYLOAD_TYPE, payloads, passphrase)
    outcomes = [
        _of_schedule(workspace, seen, prepared, _signed(workspace, seen, prepared, payload, envelope))
        for (seen, prepared), payload, envelope in zip(schedule, payloads, envelopes, strict=True)]
    if any(one.change for one in outcomes):
        checkpoints.receipt(workspace)
    return tuple(outcomes)


def _of_schedule(workspace: Workspace, seen: Review, prepared: Prepared, signed: SignOff) -> Outcome:
    label = seen.request.label
    try:
        if (done := workspace.store.outcome(prepared.command)) is not None:
            return Outcome(label=label, change=_same(workspace, prepared, done))
        change = outbox.until_recorded(workspace, lambda: _record(workspace, seen, prepared, signed))
    except Refused as refused:
        return Outcome(label=label, change=None, refused=str(refused))
    return Outcome(label=label, change=change)


def _check_ready(workspace: Workspace, seen: Review, prepared: Prepared) -> None:
    if (prepared.request, prepared.party.person) != (seen.request.record.id, workspace.me):
        raise Refused("This statement was prepared for somebody else.", "", "Read the request and decide again.")
    if not prepared.ready:
        raise UserError("The declaration is not made.", "Every signer declares conflicts of interest.",
                        "Read the declaration and make it, or recuse yourself.")


def _signed(workspace: Workspace, seen: Review, prepared: Prepared, payload: bytes, envelope: str) -> SignOff:
    asked, key_id = seen.request.record, workspace.signer.key_of(workspace.me).key_id
    return SignOff(
        id=workspace.store.new_id(), model=asked.model, version=asked.version, request=asked.id, person=workspace.me,
        role=prepared.party.role, meaning=prepared.decision.meaning, key_id=key_id,
        statement_digest=canonical.sha256(payload), envelope=envelope,
        text=prepared.kept.reference(), review_by=prepared.review_by,
        comment=prepared.comment.reference() if prepared.comment else None,
        conflicts=prepared.conflicts.reference() if prepared.conflicts else None,
        conditions=prepared.conditions)


def _record(workspace: Workspace, seen: Review, prepared: Prepared, signed: SignOff) -> Change:
    """One entry with the signature and what follows from it, if nothing has changed since it was read."""
    with workspace.store.write(
            workspace.me, "promotion.signed_off", signed.request, command=prepared.command) as write:
        _check_unchanged(workspace, write.reader, seen, signed.meaning)
        mandates.check_key(write.reader, signed.key_id, workspace.me)
        for text in filter(None, (prepared.kept, prepared.comment, prepared.conflicts)):
            write.keep(text)
        prepared.named.keep(write, *(c.owner for c in signed.conditions))
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
    check_waits(history, seen.request.record.id)
    now = members_now(reader, history, seen.request.record)
    if canonical.digest(now) != seen.basis_digest:
        raise StaleError("What this decision rests on changed since you read it.",
                         _difference(history, seen, now), "Read the change, then decide again. Nothing was signed off.")
    _check_may(workspace, reader, seen, meaning)
    blocking = blocking_of(workspace, history, seen.dossier.record, seen.transition)
    if meaning in approval.IN_FAVOUR and blocking:  # an acceptance or an age may have ended since it was read
        raise Refused("The policy's requirements are no longer met.",
                      "\n".join(f"{c.title}: {c.sentence}" for c in blocking), "Return the request.")


def _difference(history: History, seen: Review, now: tuple[Member, ...]) -> tuple[str, ...]:
    news = basis.news_since(history, seen.dossier.record, now)
    known = {*seen.news.reconsider, *seen.news.later}
    return tuple(line for line in (*news.reconsider, *news.later) if line not in known) or (
        "A record changed and changed back.",)


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
