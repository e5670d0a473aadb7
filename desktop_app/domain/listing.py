"""How the rows of the inventory are listed: what narrows them, what orders them, and on which days something is wrong.

All of it is a function of the row alone, never of today: so the registry keeps it beside the row and answers for any
day, without reading the rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date

from desktop_app.domain.canonical import Id, record
from desktop_app.domain.finding import SEVERITIES, Severity
from desktop_app.domain.inventory import InventoryRow, status_text
from desktop_app.domain.model import Nature, UseState
from desktop_app.domain.requirements import OPINION_TEXT

ENDING = 90  # days before its end that an exception is counted
_SEVERE = (Severity.HIGH, Severity.CRITICAL)
_IN_USE = (UseState.IN_USE, UseState.PARALLEL_RUN, UseState.PILOT)
EVERYTHING, ATTENTION, USED, WAITING = "everything", "attention", "in_use", "waiting"


@record
class InventoryFilter:
    """What is listed, and in which order.

    words: each of them is said by the row · tier, entity: None and "" for all · view: EVERYTHING, ATTENTION, USED or
    WAITING · alarm: rows that count for it today · order: a key of ORDERS; what has none comes last either way.
    """

    words: str = ""
    tier: int | None = None
    entity: str = ""
    view: str = EVERYTHING
    alarm: str = ""
    order: str = "model"
    descending: bool = False


@record
class Alarm:
    """Something that is wrong with a row from a day to a day, both included."""

    key: str
    since: date
    until: date


def alarms(row: InventoryRow) -> tuple[Alarm, ...]:
    """What is, or will be, wrong with a row unless somebody acts. A retired model is left alone."""
    if row.use_state is UseState.RETIRED:
        return ()
    found = [Alarm(key=key, since=_later(day, 1), until=date.max) for key, day in _late(row) if day < date.max]
    if row.reconsider and row.approved_on:
        found.append(Alarm(key="reconsider", since=date.min, until=date.max))
    if (end := row.exception_until) is not None:
        found.append(Alarm(key="exception_ending", since=_later(end, -ENDING), until=end))
    return tuple(found)


def _late(row: InventoryRow) -> list[tuple[str, date]]:
    """(key, the last day on which it is still in order)."""
    found = [(f"{what}_overdue", min(days)) for what in ("review", "condition", "validation")
             if (days := [due.on for due in row.due if due.what == what])]
    if row.finding_due and row.finding_severity in _SEVERE:
        found.append(("finding_overdue", row.finding_due))
    if row.use_state in (UseState.IN_USE, UseState.PILOT) and row.nature is not Nature.NOT_A_MODEL:
        found.append(("used_without_approval", max(_held_until(row), row.exception_until or date.min)))
    return found


def _held_until(row: InventoryRow) -> date:
    """The last day of the approval: the end of the calendar where it has none, its beginning where nothing approves."""
    return (row.approved_until or date.max) if row.approved_on else date.min


def _later(day: date, days: int) -> date:
    """So many days later, as far as the calendar goes; what was never in order was not so from its beginning."""
    if day == date.min:
        return day
    return date.fromordinal(min(max(day.toordinal() + days, date.min.toordinal()), date.max.toordinal()))


def sounding(row: InventoryRow, today: date) -> frozenset[str]:
    """The keys of what is wrong with a row on a day."""
    return frozenset(alarm.key for alarm in alarms(row) if alarm.since <= today <= alarm.until)


@record
class Counter:
    """One thing that is wrong across the inventory, in as many rows."""

    key: str
    sentence: str
    severity: str  # breached | undetermined
    count: int


_COUNTED = (  # worst first: key, severity, the words for one and for several
    ("used_without_approval", "breached", "in use without a valid approval", "in use without a valid approval"),
    ("review_overdue", "breached", "review overdue", "reviews overdue"),
    ("condition_overdue", "breached", "condition overdue", "conditions overdue"),
    ("validation_overdue", "undetermined", "validation overdue", "validations overdue"),
    ("finding_overdue", "undetermined", "high finding past due", "high findings past due"),
    ("reconsider", "undetermined", "approval to reconsider", "approvals to reconsider"),
    ("exception_ending", "undetermined", f"exception ends within {ENDING} days",
     f"exceptions end within {ENDING} days"),
)


def counters(counts: Mapping[str, int]) -> tuple[Counter, ...]:
    """What is wrong, worst first, by the number of rows of each alarm; a counter of nothing is left out."""
    return tuple(Counter(key=key, sentence=f"{n:,} {one if n == 1 else many}", severity=severity, count=n)
                 for key, severity, one, many in _COUNTED if (n := counts.get(key, 0)))


def in_use(row: InventoryRow) -> bool:
    """It really is used: fully, on trial or beside another."""
    return row.use_state in _IN_USE


def waiting(row: InventoryRow) -> bool:
    """A request waits for decisions."""
    return row.request_outcome == "open"


def _validation(row: InventoryRow) -> str | None:
    return OPINION_TEXT[row.opinion] if row.opinion else None


def _approval(row: InventoryRow) -> str | None:
    """By its end: what was ended first comes first."""
    end = _held_until(row) if row.approved_on else row.exception_until
    return end.isoformat() if end else None


def _finding(row: InventoryRow) -> str | None:
    """The worst first, the oldest of them first."""
    if row.finding_severity is None:
        return None
    return f"{len(SEVERITIES) - SEVERITIES.index(row.finding_severity)} {row.finding_since or date.max}"


def _called(row: InventoryRow) -> str:
    """Its name, then its version, numbers by their size: v9 before v10."""
    label = re.sub(r"\d+", lambda digits: digits[0].lstrip("0").zfill(12), row.label)
    return f"{row.name.casefold()}\t{label.casefold()}"


ORDERS: dict[str, Callable[[InventoryRow], str | None]] = {
    "model": _called,
    "tier": lambda row: str(row.tier) if row.tier else None,
    "status": status_text,
    "validation": _validation,
    "approval": _approval,
    "finding": _finding,
    "due": lambda row: row.due[0].on.isoformat() if row.due else None,
    "owner": lambda row: row.owner,
    "number": lambda row: row.number.casefold() or None,
    "technique": lambda row: row.technique.casefold() or None,
    "vendor": lambda row: row.vendor.casefold() or None,
}


def words(row: InventoryRow) -> str:
    """What a row says, for whoever looks for words; of people only their ids are known here."""
    said = (row.name, row.label, f"v{row.label}" if row.label.isdigit() else "", row.number, row.purpose, row.entity,
            row.business_line, row.family, row.technique, row.vendor, status_text(row), row.stage, row.origin.value,
            _validation(row) or "", row.finding_label, row.finding_severity.value if row.finding_severity else "",
            row.overlay)
    return " ".join(part for part in said if part).casefold()


def place(row: InventoryRow) -> tuple[str, Id, Id]:
    """Where a row stands among those that its order does not tell apart."""
    return _called(row), row.version, row.use
