"""The gate: whether a version may be used, asked by pipelines and people. It checks the signatures itself."""

from __future__ import annotations

from typing import Any

from desktop_app.domain import canonical
from desktop_app.domain.approval import PromotionRequest, SignOff, StageChanged
from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Id, record
from desktop_app.domain.dossier import Dossier
from desktop_app.domain.history import History
from desktop_app.domain.model import ModelVersion
from desktop_app.domain.person import KeyEnrolled, RoleGranted, RoleRevoked
from desktop_app.domain.policy import Policy
from desktop_app.registry.reader import Reader
from desktop_app.trust.verify import check_sign_off
from desktop_app.workspace import Workspace


@record
class GateAnswer:
    """Whether a version may be used, and why or why not."""

    allowed: bool
    reasons: tuple[str, ...]


def gate(workspace: Workspace, version: Id, use: Id, stage: str = "production") -> GateAnswer:
    """Whether a version may be used: decided for this use, in force, not to be reconsidered, signatures valid."""
    today = workspace.today()
    with workspace.store.read() as reader:
        exact = reader.get(ModelVersion, version).record
        history = History(reader.of(exact.model))
        rows = [r for r in reader.inventory_of(exact.model) if (r.version, r.use) == (version, use)]
        changed_to = history.last(StageChanged, version=version, use=use)
        wrong = _wrong_signatures(workspace, reader, history, changed_to) if changed_to else ()
    if not rows or rows[0].stage != stage:
        return GateAnswer(allowed=False, reasons=(f"It is in {rows[0].stage if rows else 'no stage'}, not {stage}.",))
    row = rows[0]
    late = [d for d in row.due if d.what == "condition" and d.on < today]
    against = [*wrong, *(f"To reconsider: {line}." for line in row.reconsider)]
    against += [f"The approval ended on {canonical.day_text(row.approved_until)}."] \
        if row.approved_until and row.approved_until < today else []
    against += [f"A condition was due on {canonical.day_text(late[0].on)}."] if late else []
    if against:
        return GateAnswer(allowed=False, reasons=tuple(against))
    until = f" until {canonical.day_text(row.approved_until)}" if row.approved_until else ""
    basis_text = "a recorded prior decision" if row.approval_basis == "prior_decision" else "signed decisions"
    return GateAnswer(allowed=True, reasons=(f"In {stage}{until}, by {basis_text}.",))


def _wrong_signatures(
    workspace: Workspace, reader: Reader, history: History, effective: Recorded[StageChanged],
) -> tuple[str, ...]:
    """Signatures behind a stage change that do not verify: the gate checks them itself."""
    about: list[Recorded[Any]] = [
        *reader.all(Dossier, effective.record.model), *reader.all(Policy), *reader.all(RoleGranted),
        *reader.all(RoleRevoked), *history.all(PromotionRequest)]
    facts = {f.record.id: f for f in about}
    keys = {k.record.key_id: k for k in reader.all(KeyEnrolled)}
    signed = [s for s in history.all(SignOff) if s.record.id in effective.record.sign_offs]
    found = [check_sign_off(s, facts, keys, workspace.store.info.id) for s in signed]
    missing = ("A sign-off is missing.",) if len(signed) != len(effective.record.sign_offs) else ()
    return (*missing, *(f"A signature does not verify: {verdict}." for verdict in found if verdict != "valid"))
