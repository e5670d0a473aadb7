"""Policies: dated rules of what a tier needs to reach a stage, who must decide, and for how long it holds."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from desktop_app.domain.canonical import Id, fact, later, record
from desktop_app.domain.evidence import EvidenceKind, Verdict
from desktop_app.domain.finding import Severity
from desktop_app.domain.person import Role

OTHER_DOCUMENTS = ("other", "Other documents")


class Meaning(StrEnum):
    """What a signature says. Only the authority approves; compliance concurs; validation concludes."""

    APPROVE = "approve"
    APPROVE_WITH_CONDITIONS = "approve_with_conditions"
    CONCUR = "concur"
    CONCLUDE = "conclude"
    REJECT = "reject"
    RETURN = "return"
    RECUSE = "recuse"


@record
class EvidenceRule:
    """Evidence of a kind must be there, not older than `max_age_days`, with no verdict outside `accept`."""

    kind: EvidenceKind
    title: str
    max_age_days: int
    accept: tuple[Verdict, ...] = (Verdict.MET, Verdict.REPORTED)
    blocking: bool = True


@record
class DocumentLine:
    """A line of the documents checklist."""

    key: str
    title: str
    blocking: bool = True


@record
class DecisionRule:
    """So many distinct persons in this role must say `meaning`."""

    role: Role
    meaning: Meaning
    count: int = 1
    scope: str = ""  # e.g. "consumer protection"


@record
class Transition:
    """What these tiers need to reach a stage."""

    to_stage: str
    tiers: tuple[int, ...]
    evidence: tuple[EvidenceRule, ...] = ()
    documents: tuple[DocumentLine, ...] = ()
    card_complete: bool = False
    validation: bool = False  # an opinion of fit, or fit with conditions
    blocking_findings: Severity | None = None  # open findings from this severity on block
    decisions: tuple[DecisionRule, ...] = ()
    holds_days: int = 365


RETIRED = "retired"  # key of the stage that ends a version's life


@record
class Stage:
    """A step of the life cycle."""

    key: str
    title: str


@fact("policy")
class Policy:
    """One published version of a policy."""

    id: Id
    policy: Id  # the same for all its versions
    name: str
    version: str
    effective_from: date
    stages: tuple[Stage, ...]
    transitions: tuple[Transition, ...]
    conflict_text: str  # what every signer declares
    source: str = ""  # the rule texts it was written after
    schedule: bool = later(default=False)  # one passphrase may sign several decisions that were shown

    def transition(self, to_stage: str, tier: int) -> Transition | None:
        """What this tier needs to reach the stage, or None where the policy provides no way."""
        return next((t for t in self.transitions if t.to_stage == to_stage and tier in t.tiers), None)

    def document_lines(self, tier: int | None = None) -> dict[str, str]:
        """Key and title of every line of the documents checklist, over all stages; of one tier, or of all.

        The last is for documents that no rule asks for.
        """
        lines = (line for t in self.transitions if tier is None or tier in t.tiers for line in t.documents)
        return {line.key: line.title for line in lines} | dict([OTHER_DOCUMENTS])

    def next_stage(self, stage: str) -> str | None:
        """The stage after this one."""
        keys = [s.key for s in self.stages]
        at = keys.index(stage) if stage in keys else 0
        return keys[at + 1] if at + 1 < len(keys) else None

    def asked_for(self, to_stage: str) -> str:
        """What a request for a stage is a request for, in a word: a promotion, or the retirement it ends with."""
        return "retirement" if to_stage == RETIRED else "promotion"

    def stage_title(self, key: str) -> str:
        """How a stage is written for people."""
        return next((s.title for s in self.stages if s.key == key), key)
