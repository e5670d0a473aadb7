"""Validation: assign it, conclude it with an opinion."""

from __future__ import annotations

from datetime import date

from desktop_app.domain.canonical import Id
from desktop_app.domain.change import Change
from desktop_app.domain.history import History
from desktop_app.domain.model import ModelVersion
from desktop_app.domain.person import Role
from desktop_app.domain.requirements import OPINION_TEXT
from desktop_app.domain.validation import Opinion, Validation, ValidationConcluded
from desktop_app.errors import Refused, UserError
from desktop_app.operations import people
from desktop_app.operations.people import changed
from desktop_app.workspace import Workspace


def assign(workspace: Workspace, version: Id, use: Id, validator: Id, scope: str, due: date | None = None) -> Id:
    """Assign the validation of a version in a use. Model risk managers and validators may."""
    store, validation = workspace.store, workspace.store.new_id()
    with store.write(workspace.me, "validation.assigned", validation, note="Assigned a validation") as write:
        people.require(write.reader, workspace, Role.MODEL_RISK, Role.VALIDATOR)
        exact = write.reader.get(ModelVersion, version).record
        write.add(Validation(id=validation, model=exact.model, version=version, use=use, validator=validator,
                             scope=scope.strip(), due=due))
    return validation


def conclude(
    workspace: Workspace, version: Id, use: Id, *, opinion: Opinion, summary: str, not_tested: tuple[str, ...] = (),
    conditions: tuple[str, ...] = (), report: Id | None = None,
) -> Change:
    """Record the opinion of validation. A validator may, who has no part in building or documenting the version."""
    if not summary.strip():
        raise UserError("An opinion needs a summary.", "", "Say in a few sentences why.")
    store = workspace.store
    note = f"Validation concluded: {OPINION_TEXT[opinion]}"
    with store.write(workspace.me, "validation.concluded", version, note=note) as write:
        people.require(write.reader, workspace, Role.VALIDATOR)
        exact = write.reader.get(ModelVersion, version).record
        history = History(write.reader.of(exact.model))
        own = [i for i in history.involvement(version, workspace.me) if i.part not in ("testing", "validating")]
        if own:
            raise Refused("You have a recorded part in this version.", f"{own[0].act} (entry {own[0].seq:,}).",
                          "Another validator must conclude.")
        given = history.last(Validation, version=version, use=use)
        write.add(ValidationConcluded(
            id=store.new_id(), model=exact.model, version=version, use=use, opinion=opinion, summary=summary.strip(),
            validation=given.record.id if given else None, not_tested=not_tested, conditions=conditions, report=report,
            concluded_on=workspace.today()))
    return changed(write)
