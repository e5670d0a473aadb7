"""What an inventory file holds, as frozen records: its sheets, its rows with parsed values, and what is wrong."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from desktop_app.domain.canonical import Digest, record
from desktop_app.domain.finding import Severity
from desktop_app.domain.model import Nature, Origin, Pair, UseState
from desktop_app.domain.validation import Opinion


@record
class Column:
    """A column of a sheet; `title` is unique in it ("Date (2)" for the second "Date")."""

    letter: str
    title: str
    samples: tuple[str, ...]


@record
class Sheet:
    """What a person needs to see of a sheet to map it. `header_row` counts from 1; `rows` are those below it."""

    name: str
    header_row: int
    columns: tuple[Column, ...]
    rows: int
    notes: tuple[str, ...]


class Done(StrEnum):
    """What was done about a problem."""

    ROW_REFUSED = "row refused"
    LEFT_EMPTY = "cell left empty"
    WARNING = "warning"


@record
class CellProblem:
    """Something wrong in the file. `row` and `column` as the spreadsheet shows them ("C · Approved until")."""

    row: int
    column: str
    value: str
    what: str
    done: Done


@record
class InventoryEntry:
    """One row of the inventory with parsed values; empty or None is not stated."""

    row: int
    number: str = ""
    name: str = ""
    version: str = ""
    purpose: str = ""
    entity: str = ""
    business_line: str = ""
    limits: str = ""
    description: str = ""
    tier: int | None = None
    use_state: UseState | None = None
    use_since: date | None = None
    owner: str = ""
    developer: str = ""
    vendor: str = ""
    origin: Origin | None = None
    technique: str = ""
    nature: Nature | None = None
    nature_reason: str = ""
    opinion: Opinion | None = None
    validated_on: date | None = None
    validated_by: str = ""
    approved_on: date | None = None
    approved_until: date | None = None
    approved_by: str = ""
    conditions: str = ""
    conditions_due: date | None = None
    finding_title: str = ""
    finding_number: str = ""
    finding_severity: Severity | None = None
    finding_due: date | None = None
    finding_opened: date | None = None
    finding_owner: str = ""
    exception_until: date | None = None
    exception_reason: str = ""
    overlay: str = ""
    overlay_review: date | None = None
    family: str = ""
    segment: str = ""
    next_review: date | None = None
    retired_on: date | None = None
    unmapped: tuple[Pair, ...] = ()  # the other columns, as text


@record
class Reconciliation:
    """Every row below the header is counted once: rows = read + refused + blank + passed_over (totals, headings)."""

    rows: int
    read: int
    refused: int
    blank: int
    passed_over: int
    warnings: int
    left_empty: int


@record
class InventoryRead:
    """What an inventory file holds, and what is wrong with it."""

    digest: Digest  # SHA-256 of the file
    sheet: str
    entries: tuple[InventoryEntry, ...]
    problems: tuple[CellProblem, ...]
    counts: Reconciliation
    notes: tuple[str, ...]
