"""The inventory: one row per version and use, computed from the facts of its model and nothing else.

What depends on today (overdue, expired) is not in a row but in the functions that read it.
"""

from __future__ import annotations

from datetime import date

from desktop_app.domain.canonical import Id, day_text, record
from desktop_app.domain.finding import Severity
from desktop_app.domain.model import Nature, Origin, UseState
from desktop_app.domain.validation import Opinion
from desktop_app.domain.words import counted


@record
class DueDate:
    """Something that must be done by a date."""

    on: date
    what: str  # review | decision | condition | exception | finding | validation | overlay


@record
class InventoryRow:
    """What one line of the inventory says."""

    model: Id
    version: Id
    use: Id
    name: str
    label: str
    number: str
    purpose: str
    entity: str
    business_line: str
    limits: str
    nature: Nature
    origin: Origin
    vendor: str
    family: str
    technique: str
    owner: Id | None
    tier: int | None
    stage: str
    use_state: UseState | None
    use_since: date | None
    opinion: Opinion | None
    opinion_on: date | None
    opinion_basis: str
    approved_on: date | None
    approved_until: date | None
    approval_basis: str  # "" | signed | prior_decision
    conditions_open: int
    request: Id | None
    request_decided: int
    request_asked: int
    request_outcome: str  # "" | open | rejected | returned | withdrawn
    reconsider: tuple[str, ...]
    exception_until: date | None
    exception_kind: str
    overlay: str
    finding: Id | None
    finding_label: str
    finding_severity: Severity | None
    finding_since: date | None
    finding_due: date | None
    findings_open: int
    due: tuple[DueDate, ...]


@record
class Approval:
    """How an approval is shown: a verdict-like state, and the words."""

    state: str  # met | breached | undetermined | none | waiting
    text: str


def approval(row: InventoryRow, today: date) -> Approval:
    """The state of the approval of a row on a day."""
    if row.use_state is UseState.RETIRED:
        return Approval(state="none", text="retired")
    if row.nature is Nature.NOT_A_MODEL:
        return Approval(state="none", text="not a model")
    if row.request is not None and row.request_outcome == "open":
        asked = f"{row.request_decided} of {row.request_asked} decided"
        return Approval(state="waiting", text=asked if row.request_decided else "requested")
    if row.reconsider and row.approved_on:
        return Approval(state="undetermined", text="to reconsider")
    if row.approved_on and row.approved_until and row.approved_until < today:
        return Approval(state="breached", text=f"expired {counted((today - row.approved_until).days, 'day')}")
    if row.approved_on and row.conditions_open:
        return Approval(state="met", text=counted(row.conditions_open, "condition"))
    if row.approved_on:
        return Approval(state="met", text=f"to {day_text(row.approved_until)}" if row.approved_until else "approved")
    if row.exception_until and row.exception_until >= today:
        return Approval(state="undetermined", text=f"exception to {day_text(row.exception_until)}")
    if row.exception_until:
        return Approval(state="breached", text="exception ended")
    if row.request_outcome == "rejected":
        return Approval(state="breached", text="rejected")
    return Approval(state="none", text="none")


def status_text(row: InventoryRow) -> str:
    """What is really done with it, else the stage it is in."""
    return row.use_state.value.replace("_", " ") if row.use_state else row.stage
