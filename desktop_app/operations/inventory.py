"""The inventory: what the desk opens on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from desktop_app.domain import inventory as rules
from desktop_app.domain.canonical import Id, day_text, record, sha256
from desktop_app.domain.inventory import Counter, InventoryRow
from desktop_app.domain.model import UseState
from desktop_app.domain.words import counted
from desktop_app.operations import exports
from desktop_app.operations.audit import spreadsheet_safe
from desktop_app.workspace import Workspace


@record
class InventoryView:
    """The rows, what is wrong across them, and the words for people."""

    rows: tuple[InventoryRow, ...]
    counters: tuple[Counter, ...]
    names: dict[Id, str]
    today: date
    models: int


def overview(workspace: Workspace) -> InventoryView:
    """Every row with the counters of what is wrong."""
    today = workspace.today()
    with workspace.store.read() as reader:
        rows, names = reader.inventory(), reader.names()
    return InventoryView(rows=rows, counters=rules.counters(rows, today), names=names, today=today,
                         models=len({r.model for r in rows}))


def next_due(row: InventoryRow, today: date) -> tuple[str, bool]:
    """What is due next, in words, and whether it is late."""
    if not row.due or row.use_state is UseState.RETIRED:
        return "", False
    first = row.due[0]
    if first.on < today:
        return f"{first.what} overdue", True
    return f"{first.what} {day_text(first.on)}", False


def status_text(row: InventoryRow) -> str:
    """What is really done with it, else the stage it is in."""
    return row.use_state.value.replace("_", " ") if row.use_state else row.stage


COLUMNS = ("number", "model", "version", "use", "entity", "business line", "tier", "status", "stage", "validation",
           "validated on", "approval", "open findings", "worst finding", "next due", "owner", "origin")


def export_csv(workspace: Workspace, target: Path) -> str:
    """Write the inventory as CSV, safe to open in a spreadsheet. Returns the file's SHA-256. The export is a fact."""
    import csv
    import io

    view, out = overview(workspace), io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in view.rows:
        writer.writerow([spreadsheet_safe(str(cell)) for cell in _cells(row, view)])
    data = out.getvalue().encode("utf-8-sig")
    exports.save(workspace, target, data, what="inventory", action="inventory.exported",
                 note=f"Exported {counted(len(view.rows), 'row')}")
    return sha256(data)


def _cells(row: InventoryRow, view: InventoryView) -> tuple[object, ...]:
    opinion = row.opinion.value.replace("_", " ") if row.opinion else ""
    return (row.number, row.name, row.label, row.purpose, row.entity, row.business_line, row.tier or "",
            status_text(row), row.stage, opinion, row.opinion_on or "", rules.approval(row, view.today).text,
            row.findings_open, row.finding_label, next_due(row, view.today)[0],
            view.names.get(row.owner, "") if row.owner else "", row.origin.value)
