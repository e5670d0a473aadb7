"""Promotion: the request, who may sign it, what they sign, and when it takes effect.

What is signed is a statement: the same words on screen, on paper and in the DSSE envelope, made by
`statement_text` alone. Nobody decides on their own work: involvement is computed from recorded facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from desktop_app.domain import canonical
from desktop_app.domain.canonical import Digest, Id, fact, record
from desktop_app.domain.dossier import Dossier
from desktop_app.domain.person import ERASED, ROLE_TITLES, Erasable, Role
from desktop_app.domain.policy import DecisionRule, Meaning, Transition

PREDICATE_TYPE = "urn:assaydesk:attestation:model-approval:v1"
PRIOR_PREDICATE_TYPE = "urn:assaydesk:attestation:recorded-prior-decision:v1"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


class ChangeClass(StrEnum):
    """How much a version changes, proposed by the owner."""

    NEW = "new"
    COSMETIC = "cosmetic"
    MINOR = "minor"
    MATERIAL = "material"
    REDEVELOPMENT = "redevelopment"


@record
class Condition:
    """Something an approval depends on, with an owner and a date."""

    text: str
    owner: Id | None
    due: date

    def words(self, names: Mapping[Id, str]) -> str:
        """As it is printed. names: the printed names of people."""
        owner = names.get(self.owner, ERASED) if self.owner else "not stated"
        return f"{self.text} (owner {owner}, due {canonical.day_text(self.due)})"


@record
class TypedCondition:
    """A condition as somebody types it, its owner by name."""

    text: str
    owner: str
    due: date


@fact("promotion.requested")
class PromotionRequest:
    """One version, one use, one stage, one frozen dossier."""

    id: Id
    model: Id
    version: Id
    use: Id
    from_stage: str
    to_stage: str
    change_class: ChangeClass
    rationale: str
    dossier: Id
    dossier_digest: Digest
    policy: Id
    decide_by: date | None = None


@fact("promotion.signed_off")
class SignOff:
    """A signed statement: `envelope` is the DSSE JSON, `payload` in it are the statement's canonical bytes."""

    id: Id
    model: Id
    version: Id
    request: Id
    person: Id
    role: Role
    meaning: Meaning
    key_id: str
    statement_digest: Digest
    envelope: str
    text: Erasable  # what was read and signed, in full; the statement holds its reference and digest
    review_by: date  # as this signer read it; the earliest of all signers' holds
    comment: Erasable | None = None
    conflicts: Erasable | None = None
    conditions: tuple[Condition, ...] = ()


@fact("promotion.closed")
class PromotionClosed:
    """A request that ended without taking effect."""

    id: Id
    model: Id
    version: Id
    request: Id
    outcome: str  # rejected | returned | withdrawn
    reason: str


@fact("stage.changed")
class StageChanged:
    """A version reached a stage in a use because the policy's quorum was met."""

    id: Id
    model: Id
    version: Id
    use: Id
    request: Id
    from_stage: str
    to_stage: str
    sign_offs: tuple[Id, ...]
    effective_from: date
    review_by: date
    conditions: tuple[Condition, ...] = ()


@fact("condition.event")
class ConditionEvent:
    """A condition of an approval was met, or moved."""

    id: Id
    model: Id
    decision: Id  # the stage change or the prior decision it belongs to
    condition: int  # 0-based among its conditions
    state: str  # met | extended
    comment: str
    evidence: Id | None = None
    due: date | None = None


@fact("prior_decision")
class PriorDecision:
    """A decision made before this registry, taken in from a document and signed by whoever records it.

    It is never shown as the approver's own signature.
    """

    id: Id
    model: Id
    version: Id
    use: Id
    to_stage: str
    decided_on: date
    decided_by: Id  # a person or a body
    outcome: str  # approved | approved_with_conditions | rejected
    review_by: date | None
    source_document: Digest | None
    source: str
    recorded_by: Id
    key_id: str
    envelope: str
    conditions: tuple[Condition, ...] = ()


# ---- who may sign


@record
class Involvement:
    """A recorded act of a person in a version."""

    person: Id
    part: str  # building | documenting | requesting | testing | validating
    act: str
    seq: int


@record
class Refusal:
    """Why somebody may not sign."""

    title: str
    detail: str
    remedy: str


VERB_ROLES: dict[Meaning, str] = {
    Meaning.APPROVE: "approve", Meaning.APPROVE_WITH_CONDITIONS: "approve",
    Meaning.CONCUR: "concur", Meaning.CONCLUDE: "conclude",
}


_OF_VALIDATION = ("testing", "validating")  # what a validator does is no conflict with concluding it


def rule_for(transition: Transition, roles: Iterable[Role]) -> DecisionRule | None:
    """The decision that somebody with these roles is asked for, in the policy's order."""
    held = set(roles)
    return next((rule for rule in transition.decisions if rule.role in held), None)


def check_may_sign(
    transition: Transition, roles: frozenset[Role], meaning: Meaning, involvement: tuple[Involvement, ...],
    already: bool, requested_by_me: bool,
) -> Refusal | None:
    """Whether a person may put this meaning under the request; None when they may.

    involvement: their recorded acts in the version. A recusal is open to anyone who is asked to decide.
    """
    rule = rule_for(transition, roles)
    if already:
        return Refusal(title="You have already decided on this request.", detail="One person decides once.",
                       remedy="Nothing is missing from you. The request shows who must still decide, if anybody.")
    if rule is None:
        asked = ", ".join(ROLE_TITLES[r.role] for r in transition.decisions)
        return Refusal(title="Your role is not asked to decide here.", detail=f"The policy asks for: {asked}.",
                       remedy="Ask an administrator for the role if it should be yours.")
    if meaning is Meaning.RECUSE:
        return None
    if requested_by_me:
        return Refusal(title="You requested this promotion.", detail="Nobody decides on their own request.",
                       remedy=f"Another {ROLE_TITLES[rule.role].lower()} must decide.")
    involvement = tuple(i for i in involvement if not (rule.meaning is Meaning.CONCLUDE and i.part in _OF_VALIDATION))
    if involvement:
        acts = "; ".join(f"{i.act} (entry {i.seq:,})" for i in involvement[:5])
        return Refusal(title="You have a recorded part in this version.", detail=f"Your recorded acts: {acts}.",
                       remedy=f"Another {ROLE_TITLES[rule.role].lower()} must decide.")
    if meaning in VERB_ROLES and VERB_ROLES[meaning] != VERB_ROLES[rule.meaning]:
        return Refusal(title=f"A {ROLE_TITLES[rule.role].lower()} does not {VERB_ROLES[meaning]}.",
                       detail=f"The policy asks this role to {VERB_ROLES[rule.meaning]}.",
                       remedy=f"Choose to {VERB_ROLES[rule.meaning]}, reject or return.")
    return None


# ---- quorum


@record
class Seat:
    """One decision the policy asks for, and who made it."""

    rule: DecisionRule
    signed: tuple[Id, ...]  # sign-off ids

    @property
    def filled(self) -> bool:
        """Whether enough distinct persons decided."""
        return len(self.signed) >= self.rule.count


@record
class Quorum:
    """What the policy asks for and what is there."""

    seats: tuple[Seat, ...]

    @property
    def met(self) -> bool:
        """Whether every seat is filled."""
        return bool(self.seats) and all(seat.filled for seat in self.seats)

    @property
    def decided(self) -> int:
        """How many decisions are made."""
        return sum(min(len(s.signed), s.rule.count) for s in self.seats)

    @property
    def asked(self) -> int:
        """How many decisions are needed."""
        return sum(s.rule.count for s in self.seats)


_FILLS = {
    Meaning.APPROVE: {Meaning.APPROVE, Meaning.APPROVE_WITH_CONDITIONS}, Meaning.CONCUR: {Meaning.CONCUR},
    Meaning.CONCLUDE: {Meaning.CONCLUDE},
}
IN_FAVOUR = frozenset({Meaning.APPROVE, Meaning.APPROVE_WITH_CONDITIONS, Meaning.CONCUR, Meaning.CONCLUDE})
MAY_REQUEST = (Role.DEVELOPER, Role.OWNER, Role.MODEL_RISK)
MAY_RECORD = (Role.MODEL_RISK, Role.VALIDATOR, Role.COMPLIANCE, Role.ADMINISTRATOR)  # a decision made elsewhere before


def quorum(transition: Transition, sign_offs: Iterable[SignOff]) -> Quorum:
    """Fill the policy's seats with sign-offs by distinct persons; each person fills one seat at most."""
    left, used, seats = list(sign_offs), set[Id](), []
    for rule in transition.decisions:
        taken: list[Id] = []
        for s in left:
            if len(taken) < rule.count and s.person not in used and s.role is rule.role \
                    and s.meaning in _FILLS.get(rule.meaning, set()):
                taken.append(s.id)
                used.add(s.person)
        seats.append(Seat(rule=rule, signed=tuple(taken)))
    return Quorum(seats=tuple(seats))


# ---- the statement


@record
class StatementParty:
    """Who signs, as what."""

    person: Id
    printed_name: str  # on screen and paper; the signed bytes hold its salted digest
    name: Erasable
    role: Role
    scope: str = ""


@record
class StatementMatter:
    """What the statement is about, in the words it is printed with."""

    model_name: str
    version_label: str
    use_text: str
    from_stage: str
    to_stage: str
    opinion: str
    open_findings: tuple[str, ...]
    breached: tuple[str, ...]
    undetermined: tuple[str, ...]
    not_tested: tuple[str, ...]
    policy_name: str


_VERBS = {
    Meaning.APPROVE: "approve", Meaning.APPROVE_WITH_CONDITIONS: "approve, with the conditions below,",
    Meaning.CONCUR: "concur with", Meaning.CONCLUDE: "conclude, as validation, for",
    Meaning.REJECT: "reject", Meaning.RETURN: "return, undecided,", Meaning.RECUSE: "recuse myself from deciding on",
}
TITLES = {
    Meaning.APPROVE: "Approval of the use of a model",
    Meaning.APPROVE_WITH_CONDITIONS: "Approval, with conditions, of the use of a model",
    Meaning.CONCUR: "Concurrence with the use of a model",
    Meaning.CONCLUDE: "Conclusion of validation on the use of a model",
    Meaning.REJECT: "Rejection of the use of a model",
    Meaning.RETURN: "Return of a request without a decision",
    Meaning.RECUSE: "Recusal",
}


def statement_text(
    party: StatementParty, matter: StatementMatter, meaning: Meaning, conditions: tuple[Condition, ...],
    review_by: date, declaration: str, names: Mapping[Id, str],
) -> str:
    """The statement as a person reads it: a title line, then paragraphs separated by blank lines.

    One function for window, paper and terminal; its salted digest is part of what is signed. names: those of the owners
    of conditions, as they are printed.
    """
    within = f", within {party.scope}" if party.scope else ""
    paragraphs = [
        TITLES[meaning],
        f"I, {party.printed_name}, {ROLE_TITLES[party.role]}, {_VERBS[meaning]} the use of {matter.model_name}, "
        f"version {matter.version_label}, for {matter.use_text}{within}. It moves from {matter.from_stage} to "
        f"{matter.to_stage} under the policy {matter.policy_name}.",
        f"Validation: {matter.opinion}." + _listed("Open at signing", matter.open_findings)
        + (_listed("Breached", matter.breached) if matter.breached else "")
        + _listed("Undetermined", matter.undetermined) + _listed("Not tested", matter.not_tested),
    ]
    if conditions:
        paragraphs.append("Conditions: " + "; ".join(c.words(names) for c in conditions) + ".")
    if meaning in IN_FAVOUR:
        paragraphs.append(f"To be reviewed by {canonical.day_text(review_by)}.")
    paragraphs.append(f"I declare: {declaration}")
    return "\n\n".join(paragraphs)


def _listed(title: str, items: tuple[str, ...]) -> str:
    return f" {title}: {'; '.join(items) if items else 'none'}."


def statement(
    *, party: StatementParty, text: Erasable, meaning: Meaning, conditions: tuple[Condition, ...], review_by: date,
    request: PromotionRequest, request_digest: Digest, dossier: Dossier, dossier_digest: Digest,
    policy_digest: Digest, registry: str, command: str, checkpoint: str, signed_at: datetime,
    conflicts: Erasable | None, comment: Erasable | None,
) -> dict[str, Any]:
    """The in-toto Statement/v1 whose canonical bytes are signed (security.md §2.3).

    Subjects are the artefact digest and the dossier digest. in-toto fixes some keys in camelCase, so these
    bytes are made by `canonical.jcs`.
    """
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": f"version:{request.version}", "digest": {"sha256": dossier.artefact}},
            {"name": f"dossier:{dossier.id}", "digest": {"sha256": dossier_digest}},
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "meaning": meaning.value,
            "transition": {"from": request.from_stage, "to": request.to_stage, "use": request.use,
                           "version": request.version, "request": request.id, "requestDigest": request_digest},
            "reviewBy": review_by.isoformat(),
            "conditionsDigest": canonical.digest(conditions),
            "signer": {"person": party.person, "nameDigest": party.name.digest, "nameRef": party.name.ref,
                       "role": party.role.value},
            "policy": {"id": request.policy, "sha256": policy_digest},
            "view": {"digest": text.digest, "ref": text.ref, "renderer": "assaydesk-statement/v1"},
            "registry": registry,
            "checkpoint": checkpoint,
            "commandId": command,
            "signedAt": canonical.utc_text(signed_at),
            "conflictsDigest": conflicts.digest if conflicts else None,
            "commentDigest": comment.digest if comment else None,
        },
    }
