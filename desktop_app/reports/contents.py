"""What a pack holds, read once: its records as typed facts, by kind, and who and what an id is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from desktop_app.domain import kinds
from desktop_app.domain.canonical import Digest, Id, NotCanonical
from desktop_app.domain.dossier import Dossier
from desktop_app.domain.evidence import Evidence, EvidenceKind, EvidencePlanned
from desktop_app.domain.pack import Pack, PackRecord
from desktop_app.domain.policy import Policy

T = TypeVar("T")
KNOWN = kinds.MODULES  # importing them is what makes every kind of record readable


@dataclass(frozen=True)
class Contents:
    """A pack with its records read; `digest` is over its canonical bytes."""

    pack: Pack
    digest: Digest
    dossier: Dossier
    facts: tuple[tuple[PackRecord, object], ...]
    unread: tuple[PackRecord, ...]  # of kinds this version of the program does not know

    def all(self, kind: type[T]) -> list[tuple[PackRecord, T]]:
        """The records of a class, with where they stand in the log, in their order."""
        return [(stored, fact) for stored, fact in self.facts if isinstance(fact, kind)]

    def evidence(self, kind: EvidenceKind) -> list[tuple[PackRecord, Evidence]]:
        """The evidence of a kind."""
        return [(stored, e) for stored, e in self.all(Evidence) if e.evidence_kind is kind]

    def plan(self, evidence: Evidence) -> tuple[PackRecord, EvidencePlanned] | None:
        """What was written down before the run, if it was."""
        return next(((s, p) for s, p in self.all(EvidencePlanned) if p.id == evidence.plan), None)

    def in_basis(self, id_: Id) -> bool:
        """Whether the frozen dossier lists this record."""
        return any(m.id == id_ for m in self.dossier.members)

    def stage_title(self, key: str) -> str:
        """A stage as the policy writes it."""
        return next((p.stage_title(key) for _, p in self.all(Policy) if p.id == self.dossier.policy), key)

    def listed_as(self, id_: Id) -> str:
        """How the dossier calls a record, with its label (E-12, F-118); empty where it does not list it."""
        return next((m.title for m in self.dossier.members if m.id == id_), "")

    def title(self, id_: Id) -> str:
        """What an id stands for, in words; empty where the pack does not say."""
        member = next((m.title for m in self.dossier.members if id_ in (m.id, m.subject)), "")
        person = next((p.value for p in self.pack.names if p.key == id_), "")
        return member or person or next((s.kind.replace(".", " ") for s in self.pack.records if s.id == id_), "")


def read(pack: Pack, digest: Digest) -> Contents:
    """Read every record. Raises NotCanonical when the dossier itself cannot be read."""
    facts: list[tuple[PackRecord, object]] = []
    unread: list[PackRecord] = []
    for stored in pack.records:
        try:
            facts.append((stored, stored.read()))
        except NotCanonical:
            unread.append(stored)
    return Contents(pack=pack, digest=digest, dossier=pack.frozen(), facts=tuple(facts), unread=tuple(unread))
