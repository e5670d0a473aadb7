"""The bank's old inventory as a spreadsheet somebody kept for years: real enough to be messy.

A title merged over the table, a family's name merged over its segments, dates as dates and as three kinds of text, a
blank row, a row of totals, and one id given to two models. Dates lie so many days from the day of the build.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop_app.domain.canonical import day_text

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

HEADINGS = ("Model ID", "Model name", "Version", "Purpose", "Legal entity", "Business line", "Tier", "Status",
            "Go live date", "Owner", "Supplier", "Method", "Model Y/N", "Classification reason", "Validation opinion",
            "Last validation", "Approval date", "Valid until", "Approved by", "Conditions", "Condition due",
            "Open finding", "Severity", "Finding due date", "Overlay", "Overlay review", "Retired on", "Family",
            "Segment", "Comments")
FAMILY = "Mortgage probability of default"
BOARD = "Model Risk Committee"


@dataclass(frozen=True)
class Row:
    """One line. Days are counted from the day of the build: `approved` back, `until` and the dues forward.

    decided: whether it was approved; where `approved` and `until` are not given they differ from row to row.
    """

    number: str
    name: str
    purpose: str
    line: str
    tier: int
    version: str = "1.0"
    status: str = "in use"
    owner: str = ""
    supplier: str = ""
    method: str = ""
    is_model: str = "Y"
    reason: str = ""
    opinion: str = "fit"
    decided: bool = True
    approved: int | None = None
    until: int | None = None
    conditions: str = ""
    condition_due: int | None = None
    finding: str = ""
    severity: str = ""
    finding_due: int | None = None
    overlay: str = ""
    overlay_review: int | None = None
    retired: int | None = None
    family: str = ""
    segment: str = ""
    comments: str = ""


RETAIL, SME, FINANCE, CRIME = "Retail lending", "Business lending", "Finance and treasury", "Financial crime"
MARKETING, OPERATIONS = "Marketing", "Operations"
NONE: dict[str, Any] = {"opinion": "", "decided": False}

USED_OUTSIDE, BLACK_BOX, ASSISTANT = "Mortgage income estimator", "Argus transaction monitoring", "Adviser assistant"
NOT_A_MODEL, PARALLEL, RETIRED = "Provisions roll-forward", "Card limit increase", "Car finance scorecard"
CONDITION_LATE, OVERLAID = "Personal loan loss given default", "Mortgage PD, buy-to-let"
REVIEW_LATE = ("Overdraft limit", "Branch cash demand")
FINDING_LATE, VALIDATION_LATE, BY_MAIL = "SME rating", "Deposit duration", "Card fraud score"

ROWS = (
    Row("CR-001", FAMILY, "Expected loss and capital for mortgages", RETAIL, 1, "4.2", owner="Pieter de Groot",
        method="logistic regression", family=""),
    Row("CR-002", "Mortgage PD, owner-occupied", "Capital, owner-occupied homes", RETAIL, 1, "4.2",
        owner="Pieter de Groot", method="logistic regression", family=FAMILY, segment="owner-occupied"),
    Row("CR-003", OVERLAID, "Capital, buy-to-let", RETAIL, 1, "4.2", owner="Pieter de Groot",
        method="logistic regression", family=FAMILY, segment="buy-to-let", opinion="fit with conditions"),
    Row("CR-004", "Mortgage PD, guaranteed", "Capital, mortgages with a public guarantee", RETAIL, 2, "4.1",
        owner="Pieter de Groot", method="logistic regression", family=FAMILY, segment="guaranteed"),
    Row("CR-005", "Mortgage loss given default", "Expected loss and capital for mortgages", RETAIL, 1, "3.0",
        owner="Pieter de Groot", method="two-stage regression"),
    Row("CR-006", "Mortgage exposure at default", "Capital for construction deposits", RETAIL, 2, "2.1",
        owner="Pieter de Groot", method="regression"),
    Row("CR-010", "Personal loan PD", "Capital and pricing of personal loans", RETAIL, 1, "5.0", owner="Ilse Brouwer",
        method="logistic regression", finding="Drift of the income variable not explained", severity="Medium",
        finding_due=45),
    Row("CR-011", CONDITION_LATE, "Capital for personal loans", RETAIL, 2, "2.0", owner="Ilse Brouwer",
        method="run-off triangles", conditions="Recalibrate with workout data of the last two years",
        condition_due=-38),
    Row("CR-015", "SME probability of default", "Capital and acceptance, small firms", SME, 1, "3.3",
        owner="Ruben Post", method="logistic regression"),
    Row("CR-016", FINDING_LATE, "Annual review of business clients", SME, 1, "7", owner="Ruben Post",
        method="expert scorecard", finding="Overrides are not monitored", severity="High", finding_due=-52),
    Row("CR-017", "SME loss given default", "Capital, small firms", SME, 2, "2.2", owner="Ruben Post",
        method="regression"),
    Row("CR-020", REVIEW_LATE[0], "Limits on current accounts", RETAIL, 2, "1.8", owner="Ilse Brouwer",
        method="decision tree", approved=760, until=-30),
    Row("CR-021", RETIRED, "Acceptance of car finance", RETAIL, 2, "2.4", "retired", owner="Ilse Brouwer",
        method="logistic regression", approved=1_400, until=-640, retired=-120,
        comments="Product closed; the book is run off by CR-010"),
    Row("CR-022", PARALLEL, "Raising limits of card customers", RETAIL, 2, "3.0-rc", "parallel run",
        owner="Ilse Brouwer", method="gradient boosting", **NONE, comments="Runs beside 2.6, decides nothing"),
    Row("CR-022", PARALLEL, "Raising limits of card customers", RETAIL, 2, "2.6", owner="Ilse Brouwer",
        method="logistic regression"),
    Row("CR-025", USED_OUTSIDE, "Affordability, owner-occupied homes", RETAIL, 1, "2.0", owner="Pieter de Groot",
        method="gradient boosting"),
    Row("CR-025", USED_OUTSIDE, "Affordability, buy-to-let", RETAIL, 1, "2.0", owner="Pieter de Groot",
        method="gradient boosting", **NONE, comments="Approved for owner-occupied homes only"),
    Row("CR-031", "Student loan PD", "Capital for student loans", RETAIL, 3, owner="Ilse Brouwer"),
    Row("CR-031", "Bridging loan PD", "Capital for bridging loans", RETAIL, 3, owner="Pieter de Groot"),
    Row("IF-001", "Provisions staging", "Significant increase in credit risk", FINANCE, 1, "2.0",
        owner="Karin Mulder", method="thresholds on lifetime PD"),
    Row("IF-002", "Macroeconomic scenarios", "Forward-looking provisions", FINANCE, 1, "2026.2", owner="Karin Mulder",
        method="vector autoregression", overlay="€ 6.4 million for nitrogen rules", overlay_review=70),
    Row("XL-007", NOT_A_MODEL, "Quarterly movement table of provisions", FINANCE, 3, "Q3", owner="Karin Mulder",
        method="spreadsheet", is_model="N", reason="Adds up figures of other systems; no estimate and no assumption",
        **NONE),
    Row("MR-001", "Interest rate risk of the banking book", "Economic value and earnings at risk", FINANCE, 1, "6.1",
        owner="Karin Mulder", method="cash flow simulation"),
    Row("MR-002", "Mortgage prepayment", "Cash flows of mortgages", FINANCE, 1, "3.0", owner="Karin Mulder",
        method="survival model"),
    Row("MR-003", VALIDATION_LATE, "Duration of savings without maturity", FINANCE, 1, "4.0", owner="Karin Mulder",
        method="replicating portfolio"),
    Row("MR-004", "Swap valuation", "Fair value of hedges", FINANCE, 2, "1.4", owner="Karin Mulder",
        method="multi-curve discounting"),
    Row("MR-005", "Currency value at risk", "Limits of the dealing room", FINANCE, 2, "2.0", owner="Karin Mulder",
        method="historical simulation"),
    Row("LQ-001", "Liquidity stress", "Outflows in a stress of thirty days", FINANCE, 2, "3.2", owner="Karin Mulder",
        method="scenario analysis"),
    Row("CP-001", "Capital planning", "Capital over three years", FINANCE, 2, "2026", owner="Karin Mulder",
        method="scenario projection"),
    Row("FC-001", BLACK_BOX, "Alerts on payments", CRIME, 1, "2026.1", owner="Yara Willems",
        supplier="Halyard Systems", method="not disclosed", opinion="fit with conditions",
        conditions="Outcome testing by the bank each quarter, as the supplier discloses no method", condition_due=40),
    Row("FC-002", "Name screening", "Matching against sanctions lists", CRIME, 2, "8.3", owner="Yara Willems",
        supplier="Halyard Systems", method="fuzzy matching"),
    Row("FC-003", BY_MAIL, "Stopping card payments", CRIME, 2, "11", owner="Yara Willems",
        supplier="Kestrel Payments", method="neural network", decided=False,
        comments="Approval by e-mail, see mailbox of the committee"),
    Row("FC-004", "Customer risk rating", "Due diligence of new customers", CRIME, 2, "2.0", owner="Yara Willems",
        method="expert scorecard"),
    Row("OP-001", ASSISTANT, "Drafting answers for advisers", OPERATIONS, 2, "2026-09", "pilot", owner="Noor Peeters",
        supplier="Lumen Language", method="generative language model with retrieval", **NONE,
        comments="Advisers read every answer before it is sent"),
    Row("OP-002", "Document reading", "Reading payslips and deeds", OPERATIONS, 2, "3.1", owner="Noor Peeters",
        supplier="Papyrus Vision", method="neural network"),
    Row("OP-003", REVIEW_LATE[1], "Filling cash machines", OPERATIONS, 3, "1.2", owner="Noor Peeters",
        method="seasonal forecast", approved=900, until=-12),
    Row("OP-004", "Call volume forecast", "Staffing of the service centre", OPERATIONS, 3, "2.0", owner="Noor Peeters",
        method="seasonal forecast"),
    Row("OP-005", "Operational risk capital", "Capital for operational risk", OPERATIONS, 2, "1.9",
        owner="Noor Peeters", method="loss distribution"),
    Row("MK-001", "Customer churn", "Whom to call about savings", MARKETING, 3, "4.0", owner="Lotte Vos",
        method="gradient boosting"),
    Row("MK-002", "Next best offer", "Offers in the app", MARKETING, 3, "2.7", owner="Lotte Vos",
        method="gradient boosting"),
    Row("MK-003", "Savings rate elasticity", "Pricing of savings", MARKETING, 2, "1.1", owner="Lotte Vos",
        method="panel regression"),
    Row("PR-001", "Personal loan pricing", "Interest rates of personal loans", RETAIL, 2, "3.0", owner="Ilse Brouwer",
        method="risk-based pricing"),
)


def write_workbook(path: Path, today: date) -> None:
    """Write the inventory as it stood on `today`."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Models"
    sheet.append([f"Model inventory, kept by Retail Risk. Last edited {day_text(today)}. DO NOT SORT"])
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(HEADINGS))
    sheet.append([])
    sheet.append(list(HEADINGS))
    for n, row in enumerate(ROWS):
        if n == 20:
            sheet.append([])
        sheet.append(_cells(row, n, today))
    sheet.append(["Total", None, len(ROWS)])
    _merge_family(sheet)
    book.save(path)


def _merge_family(sheet: Worksheet) -> None:
    """The family's name stands once, over all its segments, as such sheets have it."""
    column = HEADINGS.index("Family") + 1
    rows = [n for n in range(1, sheet.max_row + 1) if sheet.cell(n, column).value == FAMILY]
    sheet.merge_cells(start_row=min(rows), end_row=max(rows), start_column=column, end_column=column)


def _cells(row: Row, n: int, today: date) -> list[object]:
    def day(offset: int | None) -> object:
        return None if offset is None else _as_typed(today + timedelta(days=offset), n)

    approved = -(row.approved or 40 + n * 53 % 300) if row.decided else None
    until = (row.until or 45 + n * 37 % 320) if row.decided else None
    validated = None if approved is None else approved - 25
    return [
        row.number, row.name, row.version, row.purpose, "Noordzee Bank N.V.", row.line, row.tier, row.status,
        None if approved is None else day(approved + 14), row.owner, row.supplier or None, row.method or None,
        row.is_model, row.reason or None, row.opinion or None, day(validated), day(approved), day(until),
        None if approved is None else BOARD, row.conditions or None, day(row.condition_due), row.finding or None,
        row.severity or None, day(row.finding_due), row.overlay or None, day(row.overlay_review), day(row.retired),
        row.family or None, row.segment or None, row.comments or None]


def _as_typed(day: date, n: int) -> object:
    """A date as different hands typed it: a real date, 31.12.2025, 31 December 2025, 2025-12-31."""
    months = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
              "November", "December")
    return (day, f"{day:%d.%m.%Y}", f"{day.day} {months[day.month - 1]} {day.year}", day.isoformat())[n % 4]
