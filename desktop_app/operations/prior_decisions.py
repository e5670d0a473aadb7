"""Decisions made before this registry: taken in from minutes, e-mails or reports, signed by whoever records them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

from desktop_app.domain import canonical
from desktop_app.domain.approval import (
    MAY_RECORD,
    PAYLOAD_TYPE,
    PRIOR_PREDICATE_TYPE,
    STATEMENT_TYPE,
    PriorDecision,
    PromotionRequest,
    TypedCondition,
)
from desktop_app.domain.canonical import Digest, Id, day_text, record
from desktop_app.domain.change import Change
from desktop_app.domain.history import History
from desktop_app.domain.model import ModelVersion
from desktop_app.domain.use import Use
from desktop_app.errors import Refused, UserError
from desktop_app.operations import people
from desktop_app.operations.naming import Named, named_in
from desktop_app.operations.people import changed
from desktop_app.registry.reader import Reader
from desktop_app.workspace import Workspace


@record
class Taken:
    """A decision as it was found in a document."""

    version: Id
    use: Id
    to_stage: str
    decided_on: date
    decided_by: str  # by name: a person or a body
    outcome: str  # approved | approved_with_conditions | rejected
    review_by: date | None
    source: str
    document: Path | None = None
    conditions: tuple[TypedCondition, ...] = ()


def record_prior(workspace: Workspace, taken: Taken, passphrase: str) -> Change:
    """Record a prior decision, with the recorder's own signature over what they found. The second line may.

    Raises UserError for what is missing, Refused for a wrong passphrase or role.
    """
    data = _bytes(taken.document)
    store = workspace.store
    with store.read() as reader:
        named = Named(workspace, reader)
    (decision,) = signed(workspace, [taken], passphrase, [canonical.sha256(data) if data is not None else None], named)
    note = f"Recorded a decision of {day_text(taken.decided_on)}: {taken.outcome.replace('_', ' ')}"
    with store.write(workspace.me, "decision.recorded", taken.version, note=note) as write:
        people.require(write.reader, workspace, *MAY_RECORD)
        model = write.reader.get(ModelVersion, taken.version).record.model
        check_recordable(write.reader, workspace, model, taken)
        if data is not None:
            write.add_blob(data)
        made = decision(model)
        named.keep(write, *named_in(made))
        write.add(made)
    return changed(write)


def check_recordable(reader: Reader, workspace: Workspace, model: Id, taken: Taken) -> None:
    """Refuse a prior decision where one was made here, or by somebody with a part in the version. Raises Refused."""
    history = History(reader.of(model))
    use = history.find(Use, taken.use)
    if use is None:
        raise Refused("This use is not one of the model's.", taken.use, "Choose a use of this model.")
    if history.all(PromotionRequest, version=taken.version, use=taken.use):
        raise Refused("A decision on this version and use was asked for here.",
                      "A decision made before does not stand beside it.", "Decide on the request instead.")
    own = [i for i in history.involvement(taken.version, workspace.me) if i.part not in ("testing", "validating")]
    if own:
        raise Refused("You have a recorded part in this version.", f"{own[0].act} (entry {own[0].seq:,}).",
                      "Somebody else must record the decision.")


def signed(
    workspace: Workspace, schedule: list[Taken], passphrase: str, documents: list[Digest | None], named: Named,
) -> list[Callable[[Id], PriorDecision]]:
    """A schedule of prior decisions under one unlocking of the key, each with its own statement.

    Gives for each a function from the model's id to the fact. named: knows the people in them; `keep` those that the
    fact names (`naming.named_in`) before it is added.
    """
    for taken in schedule:
        _check(workspace, taken)
    facts = [_fact(workspace, *each, named) for each in zip(schedule, documents, strict=True)]
    payloads = [_statement(workspace, fact) for fact in facts]
    envelopes = workspace.signer.seal_each(workspace.me, PAYLOAD_TYPE, payloads, passphrase)
    return [partial(_of_model, fact, envelope) for fact, envelope in zip(facts, envelopes, strict=True)]


def _of_model(fact: PriorDecision, envelope: str, model: Id) -> PriorDecision:
    return replace(fact, model=model, envelope=envelope)


def _check(workspace: Workspace, taken: Taken) -> None:
    if not taken.decided_by.strip() or not taken.source.strip():
        raise UserError("Say who decided and where that is written.", "", "Fill both in.")
    if taken.decided_on > workspace.today():
        raise UserError("A prior decision lies in the past.", str(taken.decided_on), "Correct the date.")


def _fact(workspace: Workspace, taken: Taken, document: Digest | None, named: Named) -> PriorDecision:
    """All of it but the model and the signature."""
    by = named.id_of(taken.decided_by, "decision")
    assert by is not None  # `_check`
    return PriorDecision(
        id=workspace.store.new_id(), model=Id(""), version=taken.version, use=taken.use, to_stage=taken.to_stage,
        decided_on=taken.decided_on, decided_by=by, outcome=taken.outcome, review_by=taken.review_by,
        source_document=document, source=taken.source.strip(), recorded_by=workspace.me,
        key_id=workspace.signer.key_of(workspace.me).key_id, envelope="", conditions=named.conditions(taken.conditions))


def _bytes(path: Path | None) -> bytes | None:
    try:
        return path.read_bytes() if path else None
    except OSError as error:
        raise UserError("The document cannot be read.", str(error), "Check the path.") from error


def _statement(workspace: Workspace, taken: PriorDecision) -> bytes:
    return canonical.jcs({
        "_type": STATEMENT_TYPE,
        "subject": [{"name": f"version:{taken.version}", "digest": {"sha256": taken.source_document or "0" * 64}}],
        "predicateType": PRIOR_PREDICATE_TYPE,
        "predicate": {
            "recorder": workspace.me, "registry": workspace.store.info.id, "use": taken.use, "stage": taken.to_stage,
            "outcome": taken.outcome, "decidedBy": taken.decided_by, "decidedOn": taken.decided_on.isoformat(),
            "conditionsDigest": canonical.digest(taken.conditions),
            "reviewBy": taken.review_by.isoformat() if taken.review_by else None, "source": taken.source,
            "recordedAt": canonical.utc_text(workspace.store.clock()),
        },
    })
