"""How the rows of the inventory come out of the facts of a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from desktop_app.domain import basis
from desktop_app.domain.approval import PriorDecision, PromotionClosed, PromotionRequest, StageChanged, quorum
from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Id
from desktop_app.domain.dossier import Dossier
from desktop_app.domain.exception import Overlay, PolicyException
from desktop_app.domain.finding import SEVERITIES, FindingNow, FindingState
from desktop_app.domain.history import History
from desktop_app.domain.inventory import DueDate, InventoryRow
from desktop_app.domain.model import InUse, ModelVersion, RegisteredModel
from desktop_app.domain.policy import Policy
from desktop_app.domain.use import Tiering, Use
from desktop_app.domain.validation import Validation, ValidationConcluded

NO_USE = Id("")


def rows_of(facts: Iterable[Recorded[Any]], policies: Mapping[Id, Policy]) -> tuple[InventoryRow, ...]:
    """The inventory rows of one model, by version and use; `policies`: those of its requests, by fact id."""
    history = History(facts)
    model = history.model()
    if model is None:
        return ()
    return tuple(_row(history, model.record, version, use, policies) for version, use in _pairs(history))


def _pairs(history: History) -> list[tuple[ModelVersion, Id]]:
    """(version, use) that anything was recorded of; beside them, the newest version with each use, if nothing was
    recorded of it yet, and with each use that nothing was recorded of: what waits for a decision is not left out.
    """
    versions = {v.record.id: v.record for v in history.all(ModelVersion)}
    kinds: tuple[type[Any], ...] = (InUse, ValidationConcluded, StageChanged, PriorDecision, PromotionRequest,
                                    PolicyException, Overlay, Validation)
    named = {(f.record.version, f.record.use) for kind in kinds for f in history.all(kind)}
    uses = [u.record.id for u in history.all(Use)] or [NO_USE]
    for newest in list(versions)[-1:]:
        new, told = newest not in {v for v, _ in named}, {u for _, u in named}
        named |= {(newest, u) for u in uses if new or u not in told}
    return [(versions[v], u) for v, u in sorted(named) if v in versions]


def _row(history: History, model: RegisteredModel, version: ModelVersion, use: Id, policies: Mapping[Id, Policy]) \
        -> InventoryRow:
    what = history.find(Use, use)
    tier = history.last(Tiering, use=use)
    real = history.last(InUse, version=version.id, use=use)
    opinion = history.last(ValidationConcluded, version=version.id, use=use)
    return InventoryRow(
        model=model.model, version=version.id, use=use, name=model.name, label=version.label,
        number=model.inventory_number, purpose=what.record.purpose if what else "",
        entity=what.record.entity if what else model.entity,
        business_line=what.record.business_line if what else model.business_line,
        limits=what.record.limits if what else "", nature=model.nature, origin=model.origin, vendor=model.vendor,
        family=model.segment, technique=model.technique, owner=model.owner,
        tier=tier.record.tier if tier else None, stage=history.stage(version.id, use, "development"),
        use_state=real.record.state if real else None, use_since=real.record.since if real else None,
        opinion=opinion.record.opinion if opinion else None,
        opinion_on=(opinion.record.concluded_on or opinion.at.date()) if opinion else None,
        opinion_basis=opinion.record.basis if opinion else "",
        **_approval(history, version.id, use), **_request(history, version.id, use, policies),
        **_exceptions(history, version.id, use), **_finding(history.findings(version.id, use)),
        due=_due(history, version.id, use))


def _approval(history: History, version: Id, use: Id) -> dict[str, Any]:
    changed = history.last(StageChanged, version=version, use=use)
    prior = history.last(PriorDecision, version=version, use=use)
    none: dict[str, Any] = {"approved_on": None, "approved_until": None, "approval_basis": "", "conditions_open": 0,
                            "reconsider": ()}
    if changed:
        still = [c for c in history.conditions(changed.record) if not c.met]
        return none | {
            "approved_on": changed.record.effective_from, "approved_until": changed.record.review_by,
            "approval_basis": "signed", "conditions_open": len(still),
            "reconsider": _reconsider(history, changed.record)}
    if prior and prior.record.outcome != "rejected":
        return none | {
            "approved_on": prior.record.decided_on, "approved_until": prior.record.review_by,
            "approval_basis": "prior_decision",
            "conditions_open": len([c for c in history.conditions(prior.record) if not c.met])}
    return none


def _reconsider(history: History, changed: StageChanged) -> tuple[str, ...]:
    request = history.find(PromotionRequest, changed.request)
    dossier = history.find(Dossier, request.record.dossier) if request else None
    return basis.news_of_request(history, request.record, dossier.record).reconsider if request and dossier else ()


def _request(history: History, version: Id, use: Id, policies: Mapping[Id, Policy]) -> dict[str, Any]:
    request = history.last(PromotionRequest, version=version, use=use)
    if request is None:
        return {"request": None, "request_decided": 0, "request_asked": 0, "request_outcome": ""}
    closed = history.last(PromotionClosed, request=request.record.id)
    outcome = closed.record.outcome if closed else "" if history.effective(request.record.id) else "open"
    dossier, policy = history.find(Dossier, request.record.dossier), policies.get(request.record.policy)
    transition = policy.transition(request.record.to_stage, dossier.record.tier) if policy and dossier else None
    seats = quorum(transition, [s.record for s in history.sign_offs(request.record.id)]) if transition else None
    return {"request": request.record.id, "request_outcome": outcome,
            "request_decided": seats.decided if seats else 0, "request_asked": seats.asked if seats else 0}


def _exceptions(history: History, version: Id, use: Id) -> dict[str, Any]:
    exception = history.last(PolicyException, version=version, use=use)
    overlay = history.last(Overlay, version=version, use=use)
    return {"exception_until": exception.record.valid_to if exception else None,
            "exception_kind": exception.record.exception_kind.value if exception else "",
            "overlay": overlay.record.amount if overlay else ""}


def _finding(findings: list[FindingNow]) -> dict[str, Any]:
    still = [f for f in findings if f.is_open]
    worst = max(still, key=lambda f: (SEVERITIES.index(f.finding.severity), -f.opened_on.toordinal()), default=None)
    return {"finding": worst.finding.id if worst else None, "finding_label": worst.label if worst else "",
            "finding_severity": worst.finding.severity if worst else None,
            "finding_since": worst.opened_on if worst else None, "finding_due": worst.due if worst else None,
            "findings_open": len(still)}


def _due(history: History, version: Id, use: Id) -> tuple[DueDate, ...]:
    found: list[tuple[date, str]] = []
    changed = history.last(StageChanged, version=version, use=use)
    prior = history.last(PriorDecision, version=version, use=use)
    if changed:
        found.append((changed.record.review_by, "review"))
        found += [(c.due, "condition") for c in history.conditions(changed.record) if not c.met]
    elif prior and prior.record.outcome != "rejected":
        found += [(prior.record.review_by, "review")] if prior.record.review_by else []
        found += [(c.due, "condition") for c in history.conditions(prior.record) if not c.met]
    waiting = history.open_request(version, use)
    if waiting and waiting.record.decide_by:
        found.append((waiting.record.decide_by, "decision"))
    found += [(x.record.valid_to, "exception") for x in history.all(PolicyException, version=version, use=use)[-1:]]
    found += [(o.record.review_by, "overlay") for o in history.all(Overlay, version=version, use=use)[-1:]]
    found += [(f.due, "finding") for f in history.findings(version, use)
              if f.due and f.is_open and f.state is not FindingState.ANSWERED]
    concluded = history.last(ValidationConcluded, version=version, use=use)
    found += [(v.record.due, "validation") for v in history.all(Validation, version=version, use=use)[-1:]
              if v.record.due and (concluded is None or concluded.seq < v.seq)]
    return tuple(DueDate(on=on, what=what) for on, what in sorted(found))
