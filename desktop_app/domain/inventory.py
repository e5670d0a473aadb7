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


def used_without_approval(row: InventoryRow, today: date) -> bool:
    """A model that is really in use with no approval or exception in force."""
    in_use = row.use_state in (UseState.IN_USE, UseState.PILOT)
    held = row.approved_on is not None and (row.approved_until is None or row.approved_until >= today)
    excepted = row.exception_until is not None and row.exception_until >= today
    return in_use and row.nature is not Nature.NOT_A_MODEL and not held and not excepted


@record
class Counter:
    """One thing that is wrong across the inventory, with the rows it is about."""

    key: str
    sentence: str
    severity: str  # breached | undetermined | muted
    rows: tuple[tuple[Id, Id], ...]  # (version, use)


def counters(rows: tuple[InventoryRow, ...], today: date) -> tuple[Counter, ...]:
    """What is wrong, worst first; a counter of nothing is left out."""
    live = [r for r in rows if r.use_state is not UseState.RETIRED]

    def overdue(what: str) -> list[InventoryRow]:
        return [r for r in live if any(d.what == what and d.on < today for d in r.due)]

    soon = [r for r in live if r.exception_until and 0 <= (r.exception_until - today).days <= 90]
    late = [r for r in live if r.finding_due and r.finding_due < today
            and r.finding_severity in (Severity.HIGH, Severity.CRITICAL)]
    found = [
        ("used_without_approval", "in use without a valid approval", "in use without a valid approval", "breached",
         [r for r in live if used_without_approval(r, today)]),
        ("review_overdue", "review overdue", "reviews overdue", "breached", overdue("review")),
        ("condition_overdue", "condition overdue", "conditions overdue", "breached", overdue("condition")),
        ("validation_overdue", "validation overdue", "validations overdue", "undetermined", overdue("validation")),
        ("finding_overdue", "high finding past due", "high findings past due", "undetermined", late),
        ("reconsider", "approval to reconsider", "approvals to reconsider", "undetermined",
         [r for r in live if r.reconsider and r.approved_on]),
        ("exception_ending", "exception ends within 90 days", "exceptions end within 90 days", "undetermined", soon),
    ]
    return tuple(
        Counter(key=key, sentence=f"{len(rs)} {one if len(rs) == 1 else many}", severity=severity,
                rows=tuple((r.version, r.use) for r in rs))
        for key, one, many, severity, rs in found if rs)
