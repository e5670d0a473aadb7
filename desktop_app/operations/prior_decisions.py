"""Decisions made before this registry: taken in from minutes, e-mails or reports, signed by whoever records them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from desktop_app.domain import canonical
from desktop_app.domain.approval import PAYLOAD_TYPE, STATEMENT_TYPE, Condition, PriorDecision
from desktop_app.domain.canonical import Digest, Id, day_text, record
from desktop_app.domain.change import Change
from desktop_app.domain.model import ModelVersion
from desktop_app.domain.person import Role
from desktop_app.errors import UserError
from desktop_app.operations import people
from desktop_app.operations.people import changed
from desktop_app.workspace import Workspace

PREDICATE_TYPE = "https://assaydesk.example/attestation/recorded-prior-decision/v1"


@record
class Taken:
    """A decision as it was found in a document."""

    version: Id
    use: Id
    to_stage: str
    decided_on: date
    decided_by: str
    outcome: str  # approved | approved_with_conditions | rejected
    review_by: date | None
    source: str
    document: Path | None = None
    conditions: tuple[Condition, ...] = ()


def record_prior(workspace: Workspace, taken: Taken, passphrase: str) -> Change:
    """Record a prior decision, with the recorder's own signature over what they found. Model risk may, and others of
    the second line. Raises UserError, Refused.
    """
    if not taken.decided_by.strip() or not taken.source.strip():
        raise UserError("Say who decided and where that is written.", "", "Fill both in.")
    if taken.decided_on > workspace.today():
        raise UserError("A prior decision lies in the past.", str(taken.decided_on), "Correct the date.")
    data = _bytes(taken.document)
    digest = canonical.sha256(data) if data is not None else None
    key = workspace.signer.key_of(workspace.me)
    envelope = workspace.signer.seal(workspace.me, PAYLOAD_TYPE, _statement(workspace, taken, digest), passphrase)
    store = workspace.store
    note = f"Recorded a decision of {day_text(taken.decided_on)}: {taken.outcome.replace('_', ' ')}"
    with store.write(workspace.me, "decision.recorded", taken.version, note=note) as write:
        people.require(write.reader, workspace, Role.MODEL_RISK, Role.VALIDATOR, Role.COMPLIANCE, Role.ADMINISTRATOR)
        exact = write.reader.get(ModelVersion, taken.version).record
        if data is not None:
            write.add_blob(data)
        write.add(PriorDecision(
            id=store.new_id(), model=exact.model, version=taken.version, use=taken.use, to_stage=taken.to_stage,
            decided_on=taken.decided_on, decided_by=taken.decided_by.strip(), outcome=taken.outcome,
            review_by=taken.review_by, source_document=digest, source=taken.source.strip(), recorded_by=workspace.me,
            key_id=key.key_id, envelope=envelope, conditions=taken.conditions))
    return changed(write)


def _bytes(path: Path | None) -> bytes | None:
    try:
        return path.read_bytes() if path else None
    except OSError as error:
        raise UserError("The document cannot be read.", str(error), "Check the path.") from error


def _statement(workspace: Workspace, taken: Taken, document: Digest | None) -> bytes:
    return canonical.jcs({
        "_type": STATEMENT_TYPE,
        "subject": [{"name": f"version:{taken.version}", "digest": {"sha256": document or "0" * 64}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "recorder": workspace.me, "registry": workspace.store.info.id, "use": taken.use, "stage": taken.to_stage,
            "outcome": taken.outcome, "decidedBy": taken.decided_by.strip(), "decidedOn": taken.decided_on.isoformat(),
            "reviewBy": taken.review_by.isoformat() if taken.review_by else None, "source": taken.source.strip(),
            "recordedAt": canonical.utc_text(workspace.store.clock()),
        },
    })
