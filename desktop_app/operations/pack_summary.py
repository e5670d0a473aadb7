"""What a pack says in its own words, computed from the records it carries and from nothing else.

The export writes what comes out here; the check computes it again from the records and compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from desktop_app.domain import approval, requirements
from desktop_app.domain.approval import (
    Condition,
    PriorDecision,
    PromotionClosed,
    PromotionRequest,
    Quorum,
    StageChanged,
)
from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Id, day_text
from desktop_app.domain.card import CardRevision
from desktop_app.domain.dossier import Dossier
from desktop_app.domain.evidence import Evidence
from desktop_app.domain.history import History
from desktop_app.domain.model import ModelVersion, Pair, RegisteredModel
from desktop_app.domain.pack import PackCardField
from desktop_app.domain.person import ERASED, ROLE_TITLES
from desktop_app.domain.policy import Policy
from desktop_app.domain.use import Use
from desktop_app.domain.validation import ValidationConcluded
from desktop_app.errors import UserError
from desktop_app.operations import approvals, cards

R = TypeVar("R")


def told(
    items: Iterable[Recorded[Any]], dossier: Dossier, asked: PromotionRequest, names: Mapping[Id, str], *,
    reconsider: bool,
) -> dict[str, Any]:
    """The fields of a pack that follow from its records. names: the printed names of people · reconsider: whether
    news make the decision to reconsider.

    Raises UserError when a record that they follow from is missing.
    """
    items = sorted(items, key=lambda f: f.seq)
    history = History(items)
    policy, use = _there(history.find(Policy, asked.policy)), _there(history.find(Use, asked.use))
    model, version = _there(history.last(RegisteredModel)), _there(history.find(ModelVersion, asked.version))
    changed, closed = history.effective(asked.id), history.closed(asked.id)
    effective = changed.record if changed else None
    outcome, state = _outcome(effective, closed, _quorum(history, policy, dossier, asked), reconsider)
    return {
        "model_name": model.name, "version_label": version.label, "use_text": approvals.use_text(use),
        "use_limits": use.limits, "outcome": outcome, "outcome_state": state,
        "stage": policy.stage_title(history.stage(asked.version, asked.use, policy.stages[0].key)),
        "authority": _authority(policy, dossier, asked),
        "effective_from": effective.effective_from if effective else None,
        "review_by": effective.review_by if effective else None,
        "conditions": tuple(c.words(names) for c in _conditions(history, effective, asked)),
        "opinion": _opinion(history, asked), "open_findings": _open_findings(history, asked),
        "not_tested": dossier.not_tested, "blobs": _blobs(history), "card": _card(history, dossier),
    }


def prior_texts(
    items: Iterable[Recorded[Any]], asked: PromotionRequest, names: Mapping[Id, str],
) -> list[tuple[str, Recorded[PriorDecision]]]:
    """The prior decisions on the version in the use, each in one sentence."""
    found = History(items).all(PriorDecision, version=asked.version, use=asked.use)
    return [(f"{p.record.outcome.replace('_', ' ')} on {day_text(p.record.decided_on)} by "
             f"{names.get(p.record.decided_by, ERASED)}; source: {p.record.source}", p) for p in found]


def _there(found: Recorded[R] | None) -> R:
    if found is None:
        raise UserError("The pack lacks a record that it speaks of.", "", "Export it again.")
    return found.record


def _quorum(history: History, policy: Policy, dossier: Dossier, asked: PromotionRequest) -> Quorum | None:
    transition = policy.transition(asked.to_stage, dossier.tier)
    signed = [s.record for s in history.sign_offs(asked.id)]
    return approval.quorum(transition, signed) if transition else None


def _outcome(
    effective: StageChanged | None, closed: PromotionClosed | None, quorum: Quorum | None, reconsider: bool,
) -> tuple[str, str]:
    if closed:
        state = "breached" if closed.outcome == "rejected" else "none"
        return f"The request was {closed.outcome}: {closed.reason}.", state
    if effective is None:
        made, asked = (quorum.decided, quorum.asked) if quorum else (0, 0)
        return f"Not decided: {made} of {asked} decisions are made.", "undetermined"
    words = f"in {effective.to_stage} from {day_text(effective.effective_from)}"
    if reconsider:
        return f"Approved, {words}; to be reconsidered, see what became known since.", "undetermined"
    return f"Approved, {words}, to be reviewed by {day_text(effective.review_by)}.", "met"


def _authority(policy: Policy, dossier: Dossier, asked: PromotionRequest) -> str:
    transition = policy.transition(asked.to_stage, dossier.tier)
    seats = [f"{ROLE_TITLES[rule.role].lower()} to {approval.VERB_ROLES[rule.meaning]}"
             + (f" within {rule.scope}" if rule.scope else "") for rule in (transition.decisions if transition else ())]
    return f"Policy {policy.name}, {policy.version}, which asks for: {'; '.join(seats)}."


def _conditions(history: History, effective: StageChanged | None, asked: PromotionRequest) -> tuple[Condition, ...]:
    if effective:
        return effective.conditions
    return tuple(dict.fromkeys(c for s in history.sign_offs(asked.id) for c in s.record.conditions))


def _opinion(history: History, asked: PromotionRequest) -> str:
    found = history.last(ValidationConcluded, version=asked.version, use=asked.use)
    return f"{found.label}, {requirements.OPINION_TEXT[found.record.opinion]}" if found else "none recorded"


def _open_findings(history: History, asked: PromotionRequest) -> tuple[str, ...]:
    return tuple(f"{f.label} {f.finding.title} ({f.finding.severity.value}, {f.state.value})"
                 for f in history.findings(asked.version, asked.use) if f.is_open)


def _blobs(history: History) -> tuple[Pair, ...]:
    documents = [e.record.document for e in history.all(Evidence) if e.record.document]
    return tuple(Pair(key=d.file_name, value=d.blob) for d in documents)


def _card(history: History, dossier: Dossier) -> tuple[PackCardField, ...]:
    listed = {m.id for m in dossier.members}
    revisions = [c.record for c in history.all(CardRevision) if c.record.id in listed]
    return tuple(PackCardField(section=f.section, label=f.label, text=revisions[-1].text(f.key))
                 for f in cards.definition() if revisions[-1].text(f.key)) if revisions else ()
