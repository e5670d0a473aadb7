"""Whether what was decided was decided: signatures, prior decisions and changes of stage, judged from facts alone.

The log's verifier, the gate and the check of an audit PDF ask the same questions here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, TypeVar

from desktop_app.domain import approval, basis, canonical, requirements
from desktop_app.domain.approval import (
    MAY_RECORD,
    MAY_REQUEST,
    PriorDecision,
    PromotionClosed,
    PromotionRequest,
    SignOff,
    StageChanged,
)
from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Digest, Id, NotCanonical
from desktop_app.domain.dossier import Check, CheckState, Dossier, Member, MemberRole
from desktop_app.domain.history import History
from desktop_app.domain.model import ModelVersion
from desktop_app.domain.person import Erasable, Person
from desktop_app.domain.policy import Meaning, Policy, Transition
from desktop_app.domain.use import Tiering
from desktop_app.trust.authority import VALID, Authority

R = TypeVar("R")
_PRIOR = ("recorder", "registry", "use", "stage", "outcome", "decidedBy", "decidedOn", "reviewBy", "source",
          "conditionsDigest")
_NOT_COLLECTED = (MemberRole.POLICY, MemberRole.LINEAGE)
_AGAINST = (Meaning.REJECT, Meaning.RETURN)


class Decisions:
    """Judges the decisions among some facts: those of the models asked about, policies, people, roles and keys."""

    def __init__(
        self, registry: str, facts: Iterable[Recorded[Any]], commands: Mapping[int, str] | None = None,
    ) -> None:
        """commands: the command of each entry by its number; of an entry that is not there it is not asked."""
        self._registry, self._commands = registry, commands or {}
        self._facts: dict[Id, Recorded[Any]] = {}
        self._models: dict[Id, list[Recorded[Any]]] = defaultdict(list)
        self._of_request: dict[Id, list[Recorded[Any]]] = defaultdict(list)
        self._digests: dict[Id, Digest] = {}
        facts = list(facts)
        self.authority = Authority(registry, facts, commands)
        for item in facts:
            self._index(item)

    def _index(self, item: Recorded[Any]) -> None:
        fact = item.record
        self._facts[fact.id] = item
        if model := getattr(fact, "model", None):
            self._models[model].append(item)
        match fact:
            case SignOff() | PromotionClosed() | StageChanged():
                self._of_request[fact.request].append(item)

    def all(self, cls: type[R]) -> list[Recorded[R]]:
        """The facts of a kind."""
        return [f for f in self._facts.values() if isinstance(f.record, cls)]

    def _found(self, cls: type[R], fact_id: Id) -> Recorded[R] | None:
        found = self._facts.get(fact_id)
        return found if found is not None and isinstance(found.record, cls) else None

    def _digest(self, item: Recorded[Any]) -> Digest:
        """What the record itself digests to, whatever lies beside it."""
        if item.record.id not in self._digests:
            self._digests[item.record.id] = canonical.digest(item.record)
        return self._digests[item.record.id]

    # ---- signatures

    def sign_off(self, item: Recorded[SignOff]) -> str:
        """Whether a sign-off is what it says: "valid", or what is wrong with it.

        The key must be its person's and enrolled before, the role held at that moment, and the signed statement
        must say what the sign-off, its request, its dossier, its policy and its entry say.
        """
        signed, request = item.record, self._found(PromotionRequest, item.record.request)
        if request is None:
            return "its request is missing"
        if item.by != signed.person:
            return "it was recorded by somebody else"
        said = self.authority.opened(signed.person, signed.key_id, signed.envelope, item.seq)
        if isinstance(said, str):
            return said
        if not self.authority.held(signed.person, signed.role, item.seq, item.at):
            return f"the role of {signed.role.value} was not held at that moment"
        if canonical.sha256(said.payload) != signed.statement_digest:
            return "the statement is not the one that was recorded"
        policy = self._found(Policy, request.record.policy)
        if policy and (wrong := self.authority.mandated(policy)) != VALID:
            return f"its policy was not published by anybody who may: {wrong}"
        try:
            return self._compared(said.statement, item, request)
        except (AttributeError, TypeError):
            return "the statement does not have the form of one"

    def doubt(self, item: Recorded[SignOff]) -> str:
        """Why a sign-off that is valid may still be somebody else's; empty when nothing says so."""
        return self.authority.doubt(item.record.key_id, item.at)

    def _compared(self, said: Mapping[str, Any], item: Recorded[SignOff], request: Recorded[PromotionRequest]) -> str:
        dossier, policy = self._found(Dossier, request.record.dossier), self._found(Policy, request.record.policy)
        if dossier is None or policy is None:
            return "its dossier or policy is missing"
        predicate = said.get("predicate", {})
        expected: list[tuple[str, Any, Any]] = [
            ("form", (said.get("_type"), said.get("predicateType")),
             (approval.STATEMENT_TYPE, approval.PREDICATE_TYPE)),
            ("registry", predicate.get("registry"), self._registry),
            *_transition(predicate.get("transition", {}), item.record, request.record, self._digest(request)),
            *self._signer(predicate.get("signer", {}), item.record),
            *_decided(predicate, item.record),
            ("policy", (predicate.get("policy", {}).get("id"), predicate.get("policy", {}).get("sha256")),
             (policy.record.id, self._digest(policy))),
            ("dossier", request.record.dossier_digest, self._digest(dossier)),
            ("version", (dossier.record.version, dossier.record.use), (request.record.version, request.record.use)),
            ("subjects", [(s.get("name"), s.get("digest", {}).get("sha256")) for s in said.get("subject", [])],
             [(f"version:{request.record.version}", dossier.record.artefact),
              (f"dossier:{dossier.record.id}", self._digest(dossier))]),
        ]
        if command := self._commands.get(item.seq):
            expected.append(("command", predicate.get("commandId"), command))
        wrong = [name for name, found, wanted in expected if found != wanted]
        return f"the statement names another {wrong[0]}" if wrong else "valid"

    def _signer(self, said: Mapping[str, Any], signed: SignOff) -> list[tuple[str, Any, Any]]:
        found: list[tuple[str, Any, Any]] = [
            ("person", said.get("person"), signed.person), ("role", said.get("role"), signed.role.value)]
        if known := self._found(Person, signed.person):
            name = known.record.name
            found.append(("name", (said.get("nameRef"), said.get("nameDigest")), (name.ref, name.digest)))
        return found

    # ---- prior decisions

    def prior(self, item: Recorded[PriorDecision]) -> str:
        """Whether a prior decision was signed, as it stands, by whoever recorded it: "valid", or what is wrong."""
        taken = item.record
        if item.by != taken.recorded_by:
            return "it was recorded by somebody else"
        if not any(self.authority.held(taken.recorded_by, role, item.seq, item.at) for role in MAY_RECORD):
            return "whoever recorded it had no role to"
        said = self.authority.opened(taken.recorded_by, taken.key_id, taken.envelope, item.seq)
        if isinstance(said, str):
            return said
        try:
            subject, predicate = said.statement["subject"][0], said.statement["predicate"]
            found = canonical.plain([
                said.statement["_type"], said.statement["predicateType"], subject["name"], subject["digest"]["sha256"],
                *(predicate[name] for name in _PRIOR)])
        except (LookupError, TypeError, NotCanonical):
            return "the statement does not have the form of one"
        wanted = canonical.plain([
            approval.STATEMENT_TYPE, approval.PRIOR_PREDICATE_TYPE, f"version:{taken.version}",
            taken.source_document or "0" * 64, taken.recorded_by, self._registry, taken.use, taken.to_stage,
            taken.outcome, taken.decided_by, taken.decided_on, taken.review_by, taken.source,
            canonical.digest(taken.conditions)])
        return "valid" if found == wanted else "the statement says something else"

    # ---- requests

    def request(self, item: Recorded[PromotionRequest]) -> Iterator[tuple[int, str]]:
        """What is wrong with how a request ended: what must follow from its sign-offs follows, and nothing else."""
        beside = sorted(self._of_request[item.record.id], key=lambda f: (f.seq, f.ordinal))
        changed = {f.seq for f in beside if isinstance(f.record, StageChanged)}
        for closed in (f for f in beside if isinstance(f.record, PromotionClosed)):
            if not self._closes(closed, item, beside):
                yield closed.seq, f"the request was closed as {closed.record.outcome} by nobody who could"
        policy, dossier = self._found(Policy, item.record.policy), self._found(Dossier, item.record.dossier)
        transition = policy.record.transition(item.record.to_stage, dossier.record.tier) if policy and dossier else None
        signed: list[SignOff] = []
        for found in beside:
            if isinstance(found.record, PromotionClosed):
                return
            if isinstance(found.record, SignOff):
                if any(s.person == found.record.person for s in signed):
                    yield found.seq, "somebody decided twice on one request"
                signed.append(found.record)
                if transition and approval.quorum(transition, signed).met:
                    if found.seq not in changed and found.record.meaning not in _AGAINST:
                        yield found.seq, "the policy's quorum was met and the stage did not change"
                    return

    @staticmethod
    def _closes(
        closed: Recorded[PromotionClosed], request: Recorded[PromotionRequest], beside: list[Recorded[Any]],
    ) -> bool:
        if closed.record.outcome == "withdrawn":
            return closed.by == request.by
        against = {"rejected": Meaning.REJECT, "returned": Meaning.RETURN}.get(closed.record.outcome)
        return any(isinstance(f.record, SignOff) and f.seq == closed.seq and f.record.meaning is against
                   for f in beside)

    def rests_on(self, item: Recorded[PromotionRequest]) -> Iterator[str]:
        """What is wrong with the dossier that a request froze: it lists what the facts before it said, and all of it.

        Needs every fact of the model; the lineage is the registry's as it was then, and is not collected again here.
        """
        request, dossier = item.record, self._found(Dossier, item.record.dossier)
        if dossier is None:
            yield "the dossier of a request is missing"
            return
        if not any(self.authority.held(item.by, role, item.seq, item.at) for role in MAY_REQUEST):
            yield "whoever made the request had no role to"
        published = [p for p in self.all(Policy) if p.seq < item.seq]
        if published and max(published, key=lambda p: (p.seq, p.ordinal)).record.id != request.policy:
            yield "the request names another policy than the one in force"
        before = self._before(request.model, item.seq)
        tier = before.last(Tiering, use=request.use)
        if tier is None or tier.record.tier != dossier.record.tier:
            had = f"tier {tier.record.tier}" if tier else "none"
            yield f"the dossier names tier {dossier.record.tier}, the use had {had}"
        wanted = {_listed(m): m.title for m in basis.members(before, request.version, request.use, None)}
        listed = {_listed(m): m.title for m in dossier.record.members if m.role not in _NOT_COLLECTED}
        for member in wanted.keys() - listed.keys():
            yield f"the dossier leaves out what was recorded then: {wanted[member]}"
        for member in listed.keys() - wanted.keys():
            yield f"the dossier lists what was not so then: {listed[member]}"
        policy = self._found(Policy, request.policy)
        transition = policy.record.transition(request.to_stage, dossier.record.tier) if policy else None
        if transition is not None:
            yield from self._asked(item, dossier.record, transition)

    def _asked(self, item: Recorded[PromotionRequest], dossier: Dossier, transition: Transition) -> Iterator[str]:
        """What the policy asked for that the dossier leaves out, or says another thing of."""
        said = {check.key: check.state for check in dossier.checks}
        every = list(self._checks(dossier, transition, item.seq, item.at.date()))
        for check in every[0]:
            could_be = {c.state for checks in every for c in checks if c.key == check.key}
            if check.key not in said:
                yield f"the dossier leaves out what the policy asks for: {check.title}"
            elif check.key != "card" and said[check.key] not in could_be:
                yield f"the dossier says {said[check.key].value} of what was {check.state.value} then: {check.title}"

    def in_favour(self, item: Recorded[SignOff]) -> Iterator[str]:
        """What stood in the way of a signature in favour when it was given, and whether it holds for too long."""
        signed, request = item.record, self._found(PromotionRequest, item.record.request)
        dossier = self._found(Dossier, request.record.dossier) if request else None
        policy = self._found(Policy, request.record.policy) if request else None
        if signed.meaning not in approval.IN_FAVOUR or request is None or dossier is None or policy is None:
            return
        transition = policy.record.transition(request.record.to_stage, dossier.record.tier)
        if transition is None:
            return  # said where the stage changes
        if (signed.review_by - item.at.date()).days > transition.holds_days + 1:  # a signer's day may not be UTC's
            yield f"it holds until {canonical.day_text(signed.review_by)}, longer than the policy allows"
        stood = {c.title for c in dossier.record.blocking} | self._stood_in_the_way(item, dossier.record, transition)
        yield from (f"it was given though the policy did not allow it: {title}" for title in sorted(stood))

    def _stood_in_the_way(self, item: Recorded[SignOff], dossier: Dossier, transition: Transition) -> set[str]:
        """Requirements not met on the signer's day, whatever the time zone."""
        every = self._checks(dossier, transition, item.seq, item.at.date())
        return set.intersection(*({c.title for c in checks if c.state is CheckState.BLOCKING} for checks in every))

    def _checks(self, dossier: Dossier, transition: Transition, seq: int, day: date) -> Iterator[tuple[Check, ...]]:
        """The policy's requirements before an entry, on its day in UTC and those beside it: somebody's today.

        Which fields a card has is the program's, not the log's: whether it was complete is not replayed.
        """
        before = self._before(dossier.model, seq)
        for days in (0, -1, 1):
            yield requirements.checks(transition, before, requirements.Question(
                version=dossier.version, use=dossier.use, tier=dossier.tier, card=(), today=day + timedelta(days)))

    def _before(self, model: Id, seq: int) -> History:
        """What was recorded of a model before an entry; a run may lie with another model."""
        own = self._models[model]
        runs = [r for f in own if isinstance(f.record, ModelVersion) and (r := self._facts.get(f.record.run or Id("")))]
        return History(f for f in (*own, *runs) if f.seq < seq)

    # ---- changes of stage

    def stage(self, item: Recorded[StageChanged]) -> Iterator[tuple[int, str]]:
        """What is wrong with a change of stage, each with its entry: it must follow from its request and sign-offs.

        The signatures themselves are judged by `sign_off`.
        """
        change, request = item.record, self._found(PromotionRequest, item.record.request)
        signed = [s for i in change.sign_offs if (s := self._found(SignOff, i))]
        if request is None or len(signed) != len(change.sign_offs):
            yield item.seq, "the request or a sign-off behind a change of stage is missing"
            return
        policy, dossier = self._found(Policy, request.record.policy), self._found(Dossier, request.record.dossier)
        if policy is None or dossier is None:
            yield item.seq, "the policy or the dossier behind a change of stage is missing"
            return
        yield from ((item.seq, sentence) for sentence in self._follows(item, request.record, signed))
        transition = policy.record.transition(request.record.to_stage, dossier.record.tier)
        if transition is None or not approval.quorum(transition, [s.record for s in signed]).met:
            yield item.seq, "the policy's quorum was not met when the stage changed"
            return
        for sign_off in signed:
            if refusal := self._refused(transition, request, sign_off):
                yield sign_off.seq, f"who signed might not: {refusal.title} {refusal.detail}"

    def _follows(
        self, item: Recorded[StageChanged], asked: PromotionRequest, signed: list[Recorded[SignOff]],
    ) -> Iterator[str]:
        change, beside = item.record, self._of_request[asked.id]
        before = [f for f in beside if f.seq <= item.seq]
        every = [f.record.id for f in sorted(before, key=lambda f: (f.seq, f.ordinal)) if isinstance(f.record, SignOff)]
        if _moved(change) != _moved(asked) or list(change.sign_offs) != every:
            yield "the stage changed otherwise than the request and its sign-offs say"
        if any(isinstance(f.record, PromotionClosed) for f in before):
            yield "the stage changed though the request was closed"
        if any(isinstance(f.record, StageChanged) and f.seq < item.seq for f in before):
            yield "the stage changed twice by one request"
        if any(s.record.meaning in _AGAINST for s in signed):
            yield "the stage changed though somebody rejected or returned the request"
        if change.conditions != tuple(dict.fromkeys(c for s in signed for c in s.record.conditions)):
            yield "the conditions of the change of stage are not those that were signed"
        if abs((change.effective_from - item.at.date()).days) > 1:  # a signer's day may not be UTC's
            yield "the stage is said to have changed on another day than it was decided"
        if signed and change.review_by != min(s.record.review_by for s in signed):
            yield "the date of review is not the one that was signed"

    def _refused(
        self, transition: Transition, request: Recorded[PromotionRequest], item: Recorded[SignOff],
    ) -> approval.Refusal | None:
        signed, before = item.record, self._before(item.record.model, item.seq)
        return approval.check_may_sign(
            transition, frozenset({signed.role}), signed.meaning, before.involvement(signed.version, signed.person),
            already=False, requested_by_me=request.by == signed.person)


def _listed(member: Member) -> tuple[str, ...]:
    return member.role.value, member.id, member.subject, member.digest, member.state


def _moved(about: StageChanged | PromotionRequest) -> tuple[str, ...]:
    return about.model, about.version, about.use, about.from_stage, about.to_stage


def _transition(
    said: Mapping[str, Any], signed: SignOff, request: PromotionRequest, digest: Digest,
) -> list[tuple[str, Any, Any]]:
    return [
        ("request", (said.get("request"), said.get("requestDigest")), (request.id, digest)),
        ("version", (said.get("version"), signed.version, signed.model), (request.version,) * 2 + (request.model,)),
        ("use", said.get("use"), request.use),
        ("stage", (said.get("from"), said.get("to")), (request.from_stage, request.to_stage)),
    ]


def _decided(predicate: Mapping[str, Any], signed: SignOff) -> list[tuple[str, Any, Any]]:
    return [
        ("meaning", predicate.get("meaning"), signed.meaning.value),
        ("date of review", predicate.get("reviewBy"), signed.review_by.isoformat()),
        ("text", (predicate.get("view", {}).get("ref"), predicate.get("view", {}).get("digest")),
         (signed.text.ref, signed.text.digest)),
        ("set of conditions", predicate.get("conditionsDigest"), canonical.digest(signed.conditions)),
        ("statement of conflicts", predicate.get("conflictsDigest"), _digest_of(signed.conflicts)),
        ("comment", predicate.get("commentDigest"), _digest_of(signed.comment)),
    ]


def _digest_of(text: Erasable | None) -> Digest | None:
    return text.digest if text else None
