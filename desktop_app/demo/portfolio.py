"""The rest of the bank's models: the messy inventory taken in, and what a spreadsheet cannot say put beside it.

Nothing of these models is computed. What the registry then holds of their approvals are *recorded prior decisions*.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from desktop_app.demo import papers, workbook
from desktop_app.demo.cast import AUDITOR, BANK, PASSPHRASE, RISK, VALIDATOR, Cast
from desktop_app.demo.saying import only
from desktop_app.domain.exception import ExceptionKind
from desktop_app.domain.finding import Severity
from desktop_app.domain.inventory import InventoryRow
from desktop_app.operations import findings, importing, inventory, models, prior_decisions, validations
from desktop_app.operations.importing import ImportReport
from desktop_app.operations.prior_decisions import Taken
from desktop_app.progress import Progress

WORKBOOK = "model inventory.xlsx"


def take_in(cast: Cast, folder: Path, progress: Progress) -> ImportReport:
    """Write the workbook, import it with its decisions, and add what it could not express."""
    risk = cast.acting(RISK)
    path = folder / WORKBOOK
    workbook.write_workbook(path, risk.today())
    report = importing.run(risk, path, passphrase=PASSPHRASE,
                           progress=only(progress.part(0.0, 0.8), "importing the old inventory"))
    progress.step(0.8, "exceptions, overlays and findings of other models")
    rows = {(r.name, r.purpose): r for r in inventory.overview(risk).rows}
    by_name = {r.name: r for r in rows.values()}
    _assistant(cast, by_name[workbook.ASSISTANT])
    _overlay(cast, by_name[workbook.OVERLAID])
    _black_box(cast, by_name[workbook.BLACK_BOX])
    _outside_approval(cast, rows[workbook.USED_OUTSIDE, "Affordability, buy-to-let"])
    _late_validation(cast, by_name[workbook.VALIDATION_LATE])
    _approved_by_mail(cast, by_name[workbook.BY_MAIL], folder / "papers")
    return report


def _assistant(cast: Cast, row: InventoryRow) -> None:
    today = cast.workspace.today()
    models.permit_exception(
        cast.acting(RISK), row.version, row.use, ExceptionKind.USE_BEFORE_VALIDATION,
        reason="Pilot with forty advisers before the validation of generative models is set up",
        controls="Advisers read every answer before it is sent; two in a hundred answers are read again by quality "
                 "control; no answer about credit or complaints",
        valid_from=today - timedelta(days=71), valid_to=today + timedelta(days=19),
        authority="Model Risk Committee, minutes of its last meeting but one, item 7")


def _overlay(cast: Cast, row: InventoryRow) -> None:
    models.add_overlay(
        cast.acting(RISK), row.version, row.use, amount="€ 2.1 million",
        reason="The data end before the new rent law; the model does not know falling rents", owner=row.owner,
        review_by=cast.workspace.today() + timedelta(days=58), exit_when="Version 5 is estimated on data with the law")


def _black_box(cast: Cast, row: InventoryRow) -> None:
    findings.raise_finding(
        cast.acting(AUDITOR), row.version, use=row.use, title="The bank cannot explain an alert",
        description="The supplier discloses neither method nor features, and the contract gives no right to ask. "
                    "Alerts are closed without a reason that could be checked.",
        severity=Severity.MEDIUM, owner=row.owner, due=cast.workspace.today() + timedelta(days=90),
        remediation="Agree on disclosure at the next renewal; test outcomes with own cases until then")


def _outside_approval(cast: Cast, row: InventoryRow) -> None:
    findings.raise_finding(
        cast.acting(RISK), row.version, use=row.use, title="Used outside its approval",
        description="The approval is for owner-occupied homes. The buy-to-let desk has used the same version since its "
                    "launch; nobody validated it for rental income.",
        severity=Severity.HIGH, owner=row.owner, due=cast.workspace.today() + timedelta(days=14),
        remediation="Stop, or ask for an exception until it is validated for this use")


def _late_validation(cast: Cast, row: InventoryRow) -> None:
    validations.assign(cast.acting(RISK), row.version, row.use, cast.people[VALIDATOR],
                       "Periodic validation: stability of core balances under rising rates",
                       due=cast.workspace.today() - timedelta(days=20))


def _approved_by_mail(cast: Cast, row: InventoryRow, folder: Path) -> None:
    """A decision that is only in a mail: taken in as what it is, signed by whoever records it."""
    folder.mkdir(exist_ok=True)
    decided = cast.workspace.today() - timedelta(days=64)
    mail = papers.write_mail(
        folder / "card fraud score, approval.eml", "committee@noordzeebank.example", "models@noordzeebank.example",
        "Card fraud score 11: approved by circulation", decided,
        "All members agreed by circulation to version 11 of the card fraud score for stopping card payments, for one "
        f"year.\n\nModel Risk Committee, {BANK} (a bank that does not exist)\n")
    prior_decisions.record_prior(cast.acting(RISK), Taken(
        version=row.version, use=row.use, to_stage="production", decided_on=decided, decided_by=workbook.BOARD,
        outcome="approved", review_by=decided + timedelta(days=365), source="E-mail of the committee", document=mail),
        PASSPHRASE)
