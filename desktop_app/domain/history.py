"""The facts about one model in the order of the log, and what they amount to now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, TypeVar

from desktop_app.domain.approval import (
    Condition,
    ConditionEvent,
    Involvement,
    PriorDecision,
    PromotionClosed,
    PromotionRequest,
    SignOff,
    StageChanged,
)
from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Id, record
from desktop_app.domain.card import CardRevision
from desktop_app.domain.evidence import Evidence, EvidenceWithdrawn
from desktop_app.domain.finding import Finding, FindingEvent, FindingNow, FindingState
from desktop_app.domain.model import Artefact, ArtefactResolved, ModelVersion, RegisteredModel, SourceRun
from desktop_app.domain.validation import ValidationConcluded

R = TypeVar("R")
BY_HAND = "by_hand"  # the source of a version that a person added


@record
class OpenCondition:
    """A condition of an approval with where it stands."""

    decision: Id
    index: int
    condition: Condition
    due: date
    met: bool


class History:
    """Facts of one model; `all`, `last` and `find` select by kind and by field values."""

    def __init__(self, facts: Iterable[Recorded[Any]]) -> None:
        self._by_class: dict[type[Any], list[Recorded[Any]]] = {}
        for item in facts:
            self._by_class.setdefault(type(item.record), []).append(item)

    def all(self, cls: type[R], **match: Any) -> list[Recorded[R]]:
        """The facts of a kind whose fields have these values, oldest first."""
        found = self._by_class.get(cls, [])
        return [f for f in found if all(getattr(f.record, k) == v for k, v in match.items())]

    def last(self, cls: type[R], **match: Any) -> Recorded[R] | None:
        """The newest such fact."""
        found = self.all(cls, **match)
        return found[-1] if found else None

    def find(self, cls: type[R], fact_id: Id) -> Recorded[R] | None:
        """The fact with this id."""
        return self.last(cls, id=fact_id)

    # ---- what they amount to

    def model(self) -> Recorded[RegisteredModel] | None:
        """What is known of the model now."""
        return self.last(RegisteredModel)

    def called(self, version: ModelVersion) -> str:
        """A version as a note names it: model and label."""
        found = self.model()
        return f"{found.record.name if found else 'a model'} {version.label}"

    def artefact(self, version: ModelVersion) -> Artefact:
        """What exactly a version is: its resolved artefact if its bytes were read since."""
        resolved = self.last(ArtefactResolved, version=version.id)
        return resolved.record.artefact if resolved else version.artefact

    def evidence(self, version: Id) -> list[Recorded[Evidence]]:
        """Evidence that stands: neither withdrawn nor superseded."""
        gone = {w.record.evidence for w in self.all(EvidenceWithdrawn)}
        found = self.all(Evidence, version=version)
        gone |= {e.record.supersedes for e in found if e.record.supersedes}
        return [e for e in found if e.record.id not in gone]

    def evidence_root(self, evidence: Evidence) -> Id:
        """The first evidence in a chain of superseding ones."""
        while evidence.supersedes and (earlier := self.find(Evidence, evidence.supersedes)):
            evidence = earlier.record
        return evidence.id

    def finding_now(self, found: Recorded[Finding]) -> FindingNow:
        """Where a finding stands."""
        events = [e.record for e in self.all(FindingEvent, finding=found.record.id)]
        due = next((e.until or e.due for e in reversed(events) if e.until or e.due), found.record.due)
        return FindingNow(
            finding=found.record, state=events[-1].state if events else FindingState.OPEN, due=due,
            opened_on=found.record.opened_on or found.at.date(), label=found.label)

    def findings(self, version: Id, use: Id | None = None) -> list[FindingNow]:
        """The findings about a version, with those of the use if it is given, oldest first."""
        return [self.finding_now(f) for f in self.all(Finding, version=version)
                if use is None or f.record.use in (None, use)]

    def stage(self, version: Id, use: Id, first: str) -> str:
        """The stage a version is in for a use; `first` where nothing was decided."""
        changed = self.last(StageChanged, version=version, use=use)
        prior = self.last(PriorDecision, version=version, use=use)
        if changed:
            return changed.record.to_stage
        return prior.record.to_stage if prior and prior.record.outcome != "rejected" else first

    def closed(self, request: Id) -> PromotionClosed | None:
        """How a request ended without taking effect, if it did."""
        found = self.last(PromotionClosed, request=request)
        return found.record if found else None

    def effective(self, request: Id) -> Recorded[StageChanged] | None:
        """The stage change a request led to."""
        return self.last(StageChanged, request=request)

    def open_request(self, version: Id, use: Id) -> Recorded[PromotionRequest] | None:
        """The request that waits for decisions."""
        waiting = [r for r in self.all(PromotionRequest, version=version, use=use)
                   if not self.closed(r.record.id) and not self.effective(r.record.id)]
        return waiting[-1] if waiting else None

    def conditions(self, decision: StageChanged | PriorDecision) -> list[OpenCondition]:
        """The conditions of a decision with where they stand."""
        return [self._condition(decision, n) for n in range(len(decision.conditions))]

    def _condition(self, decision: StageChanged | PriorDecision, n: int) -> OpenCondition:
        events = [e.record for e in self.all(ConditionEvent, decision=decision.id, condition=n)]
        due = next((e.due for e in reversed(events) if e.due), decision.conditions[n].due)
        return OpenCondition(decision=decision.id, index=n, condition=decision.conditions[n], due=due,
                             met=any(e.state == "met" for e in events))

    def in_force(self, version: Id, use: Id) -> StageChanged | PriorDecision | None:
        """The decision a version stands on in a use: the last stage change, else the last prior approval."""
        changed = self.last(StageChanged, version=version, use=use)
        if changed:
            return changed.record
        prior = self.last(PriorDecision, version=version, use=use)
        return prior.record if prior and prior.record.outcome != "rejected" else None

    # ---- who did what

    def involvement(self, version: Id, person: Id) -> tuple[Involvement, ...]:
        """The recorded acts of a person in building, testing, documenting or requesting a version."""
        acts = {*self._built(version, person), *self._worked(version, person)}
        return tuple(Involvement(person=person, part=part, act=act, seq=seq)
                     for part, act, seq in sorted(acts, key=lambda a: (a[2], a[1])))

    def _built(self, version: Id, person: Id) -> list[tuple[str, str, int]]:
        acts = []
        for v in self.all(ModelVersion, id=version):
            if person in v.record.developers:
                acts.append(("building", "named as developer of the version", v.seq))
            acts += [("building", "ran its training", r.seq) for r in self.all(SourceRun, id=v.record.run, user=person)]
            if v.by == person and v.record.source.source == BY_HAND:
                acts.append(("building", "added the version", v.seq))
        for model in self.all(RegisteredModel):  # in any revision: a part is not undone by writing somebody else's name
            acts += [("building", f"named as {role} of the model", model.seq)
                     for role, who in (("developer", model.record.developer), ("owner", model.record.owner))
                     if who == person]
        return acts

    def _worked(self, version: Id, person: Id) -> list[tuple[str, str, int]]:
        wrote: list[tuple[type[Any], str, str]] = [
            (CardRevision, "documenting", "wrote the card"), (Evidence, "testing", "brought in evidence"),
            (PromotionRequest, "requesting", "requested its promotion"),
            (ValidationConcluded, "validating", "concluded its validation"),
        ]
        return [(part, act, f.seq) for cls, part, act in wrote
                for f in self.all(cls, version=version)
                if f.by == person and getattr(f.record, "basis", "") != "inventory"]  # importing is not doing

    def sign_offs(self, request: Id) -> list[Recorded[SignOff]]:
        """The sign-offs under a request, in order."""
        return self.all(SignOff, request=request)

