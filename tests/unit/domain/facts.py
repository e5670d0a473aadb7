"""A history in the making, for tests of what facts amount to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from desktop_app.domain.approval import (
    Condition,
    StageChanged,
)
from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Digest, Id, digest, kind_of
from desktop_app.domain.card import CardField
from desktop_app.domain.evidence import (
    Criterion,
    CriterionResult,
    Evidence,
    EvidenceKind,
    Measure,
    Standing,
)
from desktop_app.domain.finding import Finding, FindingEvent, Severity
from desktop_app.domain.history import History
from desktop_app.domain.model import (
    Artefact,
    DigestOf,
    ModelVersion,
    RegisteredModel,
    SourceIdentity,
)
from desktop_app.domain.use import Tiering, Use
from desktop_app.domain.validation import Opinion, ValidationConcluded

TODAY = date(2026, 11, 20)
M, V, U = Id("m"), Id("v"), Id("u")
SAME = {"model": M, "version": V, "use": U}


class Facts:
    """A history in the making: each fact gets an id, an entry, an author and its number."""

    def __init__(self) -> None:
        self.items: list[Recorded] = []

    def add(self, cls, *, by="ann", at=TODAY, **values):
        values = {"id": Id(f"{kind_of(cls)}{len(self.items)}")} | values
        record = cls(**values)
        ordinal = sum(1 for i in self.items if type(i.record) is cls) + 1
        moment = datetime(at.year, at.month, at.day, 12, tzinfo=UTC)
        self.items.append(Recorded(record=record, digest=digest(record), seq=len(self.items) + 1, at=moment, by=Id(by),
                                   ordinal=ordinal))
        return record

    @property
    def history(self) -> History:
        return History(self.items)


IDENTITY = SourceIdentity(source="s", name="n", version="1", created="")


def started(**version) -> Facts:
    facts = Facts()
    facts.add(RegisteredModel, model=M, revision=1, name="Scorecard", owner=Id("olga"), developer=Id("dev"))
    facts.add(ModelVersion, id=V, model=M, label="1", source=IDENTITY,
              artefact=Artefact(digest=Digest("a" * 64), of=DigestOf.SOURCE), **version)
    facts.add(Use, id=U, model=M, purpose="Card lending")
    facts.add(Tiering, model=M, use=U, tier=2, basis="judgement")
    return facts


def finding(facts, **values):
    return facts.add(Finding, **({"model": M, "version": V, "title": "Leakage", "description": "d",
                                  "severity": Severity.HIGH} | values))


def moved(facts, found, state, **values):
    return facts.add(FindingEvent, model=M, finding=found.id, state=state, comment="", **values)


def concluded(facts, opinion=Opinion.FIT, **values):
    return facts.add(ValidationConcluded, **SAME, validation=None, opinion=opinion, summary="", **values)


def stage(facts, *dues):
    return facts.add(StageChanged, **SAME, request=Id("req"), from_stage="a", to_stage="production", sign_offs=(),
                     effective_from=TODAY, review_by=TODAY + timedelta(days=365),
                     conditions=tuple(Condition(text=f"c{n}", owner=Id("o"), due=d) for n, d in enumerate(dues)))


def evidence(facts, kind=EvidenceKind.PERFORMANCE, standing=Standing.COMPUTED, verdict=None, at=TODAY, **values):
    results = () if verdict is None else (CriterionResult(
        criterion=Criterion(metric="auc", attribute="", threshold=None, direction="at_least"), verdict=verdict,
        measure=Measure(value=None), sentence=""),)
    return facts.add(Evidence, model=M, version=V, evidence_kind=kind, standing=standing, title="t", verdicts=results,
                     at=at, **values)


FIELDS = (CardField(key="a", section="s", label="A", tiers=(1, 2)), CardField(key="b", section="s", label="B",
    tiers=(1,)),
          CardField(key="c", section="s", label="C"))
