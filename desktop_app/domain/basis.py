"""What a decision would rest on now: the members a dossier freezes, computed from the facts of a model."""

from __future__ import annotations

from datetime import date
from typing import Any

from desktop_app.domain.approval import PromotionRequest
from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Digest, Id, digest
from desktop_app.domain.card import CardRevision
from desktop_app.domain.dossier import Dossier, Member, MemberRole, News, news
from desktop_app.domain.evidence import worst
from desktop_app.domain.exception import Overlay, PolicyException
from desktop_app.domain.finding import Finding, FindingEvent
from desktop_app.domain.history import History
from desktop_app.domain.lineage import Graph
from desktop_app.domain.model import ModelVersion
from desktop_app.domain.policy import Policy
from desktop_app.domain.use import Tiering, Use
from desktop_app.domain.validation import ValidationConcluded


def members(history: History, version: Id, use: Id, policy: Recorded[Policy] | None, lineage: Graph | None = None) \
        -> tuple[Member, ...]:
    """The members of a dossier for a version in a use, as things stand in `history`.

    lineage: the upstream closure; left out where only the registry's own facts are compared.
    """
    found = [*_identity(history, version, use), *_assessed(history, version, use)]
    if policy:
        found.append(_member(MemberRole.POLICY, policy, policy.record.policy,
                             f"Policy {policy.record.name}, {policy.record.version}"))
    if lineage:
        found.append(Member(role=MemberRole.LINEAGE, id=Id(""), subject=version, digest=digest(lineage),
                            title=f"Lineage, {len(lineage.nodes)} nodes"))
    return tuple(found)


def _member(role: MemberRole, item: Recorded[Any], subject: str, title: str, state: str = "",
            digest: Digest | None = None) -> Member:
    return Member(role=role, id=item.record.id, subject=subject, digest=digest or item.digest, title=title, state=state)


def _identity(history: History, version: Id, use: Id) -> list[Member]:
    found = []
    model, exact = history.model(), history.find(ModelVersion, version)
    if model:
        found.append(_member(MemberRole.MODEL, model, model.record.model, f"Model {model.record.name}"))
    if exact:
        artefact = history.artefact(exact.record)
        found += [
            _member(MemberRole.VERSION, exact, version, f"Version {exact.record.label}"),
            _member(MemberRole.ARTEFACT, exact, version, f"Digest of the {artefact.of.value.replace('_', ' ')}",
                    digest=artefact.digest),
        ]
    if what := history.find(Use, use):
        found.append(_member(MemberRole.USE, what, use, f"Use: {what.record.purpose}"))
    if tier := history.last(Tiering, use=use):
        found.append(_member(MemberRole.TIER, tier, use, f"Tier {tier.record.tier}"))
    return found


def _assessed(history: History, version: Id, use: Id) -> list[Member]:
    found = []
    if card := history.last(CardRevision, version=version):
        found.append(_member(MemberRole.CARD, card, version, f"Card, revision {card.record.revision}"))
    for e in history.evidence(version):
        state = worst(e.record.verdicts).value
        title = f"{e.label} {e.record.title}"
        found.append(_member(MemberRole.EVIDENCE, e, history.evidence_root(e.record), title, state))
    if opinion := history.last(ValidationConcluded, version=version, use=use):
        found.append(_member(MemberRole.VALIDATION, opinion, f"{version} {use}", f"Validation {opinion.label}",
                             opinion.record.opinion.value))
    found += [_finding(history, f) for f in history.all(Finding, version=version) if f.record.use in (None, use)]
    found += [_member(MemberRole.EXCEPTION, x, x.record.id, f"Exception {x.label}")
              for x in history.all(PolicyException, version=version, use=use)]
    found += [_member(MemberRole.OVERLAY, o, o.record.id, f"Overlay {o.label}")
              for o in history.all(Overlay, version=version, use=use)]
    return found


def _finding(history: History, found: Recorded[Finding]) -> Member:
    events = history.all(FindingEvent, finding=found.record.id)
    state = events[-1].record.state.value if events else "open"
    return _member(MemberRole.FINDING, found, found.record.id, f"Finding {found.label} {found.record.title}", state)


def news_since(history: History, dossier: Dossier, now: tuple[Member, ...]) -> News:
    """What became known since a dossier was frozen, classed."""
    wording = _wording_only(history, dossier)
    then = dossier.members
    if not any(m.role is MemberRole.POLICY for m in now):
        then = tuple(m for m in then if m.role is not MemberRole.POLICY)
    if not any(m.role is MemberRole.LINEAGE for m in now):
        then = tuple(m for m in then if m.role is not MemberRole.LINEAGE)
    return news(then, now, wording)


def _wording_only(history: History, dossier: Dossier) -> frozenset[Id]:
    """The revisions of the card since the listed one, if every one of them changed wording only."""
    listed = next((m.id for m in dossier.members if m.role is MemberRole.CARD), None)
    frozen = history.find(CardRevision, listed) if listed else None
    if frozen is None:
        return frozenset()
    later = [c.record for c in history.all(CardRevision, version=dossier.version)
             if c.record.revision > frozen.record.revision]
    return frozenset(c.id for c in later) if all(c.editorial for c in later) else frozenset()


def news_of_request(history: History, request: PromotionRequest, dossier: Dossier) -> News:
    """What the registry's own facts say since a request was frozen (policy and lineage are not compared)."""
    return news_since(history, dossier, members(history, request.version, request.use, None))


def review_by(from_day: date, holds_days: int) -> date:
    """The last day an approval given on `from_day` holds."""
    return date.fromordinal(from_day.toordinal() + holds_days)
