"""The dossier: everything a decision rests on, as one canonical record with one digest.

It lists its members by id and digest. What happens to a listed member later is news of one of two classes
(DESIGN promise 4): *to reconsider* (superseded, withdrawn, found wrong) or *later information*.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from desktop_app.domain.canonical import Digest, Id, fact, record
from desktop_app.domain.lineage import Graph


class MemberRole(StrEnum):
    """What a member is in the dossier."""

    MODEL = "model"
    VERSION = "version"
    ARTEFACT = "artefact"
    USE = "use"
    TIER = "tier"
    CARD = "card"
    EVIDENCE = "evidence"
    VALIDATION = "validation"
    FINDING = "finding"
    EXCEPTION = "exception"
    OVERLAY = "overlay"
    POLICY = "policy"
    LINEAGE = "lineage"


@record
class Member:
    """One record the decision rests on: `digest` is over its canonical bytes (or over the artefact's bytes).

    `subject` is what it is a revision of, so that a later revision of the same thing is recognised.
    """

    role: MemberRole
    id: Id
    subject: str
    digest: Digest
    title: str
    state: str = ""  # a finding's state, an evidence's worst verdict, an opinion


class CheckState(StrEnum):
    """What a requirement of the policy came to."""

    SATISFIED = "satisfied"
    ATTENTION = "attention"
    BLOCKING = "blocking"
    NOT_TESTED = "not_tested"


@record
class Check:
    """One requirement of the policy with what was found, in words."""

    key: str
    title: str
    state: CheckState
    sentence: str
    member: Id | None = None


@fact("dossier")
class Dossier:
    """The frozen basis of one promotion request."""

    id: Id
    model: Id
    version: Id
    use: Id
    to_stage: str
    tier: int
    policy: Id
    artefact: Digest
    members: tuple[Member, ...]
    lineage: Graph  # the upstream closure, without decisions or deployments
    lineage_digest: Digest
    checks: tuple[Check, ...]
    not_tested: tuple[str, ...]
    frozen_on: date

    @property
    def blocking(self) -> tuple[Check, ...]:
        """The requirements that stand in the way of an approval."""
        return tuple(c for c in self.checks if c.state is CheckState.BLOCKING)


@record
class News:
    """What became known since: lines that make a decision *to reconsider*, and later information."""

    reconsider: tuple[str, ...] = ()
    later: tuple[str, ...] = ()


_ROUTINE = (MemberRole.POLICY, MemberRole.MODEL, MemberRole.LINEAGE)


def news(then: tuple[Member, ...], now: tuple[Member, ...], editorial: frozenset[Id] = frozenset()) -> News:
    """Class the difference between a frozen basis and the present one.

    editorial: ids of present card revisions that changed wording only. A listed member that has gone, was
    replaced by another revision, or changed its state is to reconsider; additions and a superseding policy
    are later information.
    """
    new_by_subject = {(m.role, m.subject): m for m in now}
    reconsider: list[str] = []
    later: list[str] = []
    for old in then:
        new = new_by_subject.get((old.role, old.subject))
        if new is None:
            reconsider.append(f"{old.title}: withdrawn or no longer there")
        elif (new.id, new.digest) != (old.id, old.digest):
            routine = old.role in _ROUTINE or new.id in editorial
            (later if routine else reconsider).append(f"{old.title}: superseded by {new.title}")
        elif new.state != old.state:
            closed = old.role is MemberRole.FINDING and new.state == "closed"
            line = f"{old.title}: was {old.state or 'unset'}, is {new.state or 'unset'}"
            (later if closed else reconsider).append(line)
    known = {(m.role, m.subject) for m in then}
    later += [", ".join(filter(None, (f"{m.title}: new", m.state.replace("_", " "))))
              for m in now if (m.role, m.subject) not in known]
    return News(reconsider=tuple(reconsider), later=tuple(later))
