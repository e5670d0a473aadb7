"""The inventory: what the desk opens on."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

from desktop_app.domain import inventory as rules
from desktop_app.domain import listing
from desktop_app.domain.canonical import Id, day_text, record, sha256
from desktop_app.domain.inventory import InventoryRow, status_text
from desktop_app.domain.listing import Counter, InventoryFilter
from desktop_app.domain.model import UseState
from desktop_app.domain.words import counted
from desktop_app.operations import exports
from desktop_app.registry.listing import Listing
from desktop_app.registry.reader import inventory_row
from desktop_app.workspace import Workspace

PAGE = 200  # rows


@record
class InventoryView:
    """Every row, what is wrong across them, and the words for people."""

    rows: tuple[InventoryRow, ...]
    counters: tuple[Counter, ...]
    names: dict[Id, str]
    today: date
    models: int


@record
class InventoryList:
    """Some rows of the inventory, in the order asked for, and what is said of all of it.

    more: whether others follow · passing, uses: rows that pass, and all there are · tiers, entities: what there is to
    choose from.
    """

    rows: tuple[InventoryRow, ...]
    more: bool
    passing: int
    uses: int
    models: int
    counters: tuple[Counter, ...]
    tiers: tuple[int, ...]
    entities: tuple[str, ...]
    names: dict[Id, str]
    today: date


def overview(workspace: Workspace) -> InventoryView:
    """Every row with the counters of what is wrong: for exports and programs. A window asks for a `page`."""
    today = workspace.today()
    with workspace.store.read() as reader:
        rows, names = reader.inventory(), reader.names()
    counts = Counts(key for row in rows for key in listing.sounding(row, today))
    return InventoryView(rows=rows, counters=listing.counters(counts), names=names, today=today,
                         models=len({r.model for r in rows}))


def page(workspace: Workspace, wanted: InventoryFilter, limit: int = PAGE) -> InventoryList:
    """The first rows that pass, with what is said of all of them."""
    with _listing(workspace) as (found, names):
        rows, uses = found.page(wanted, None, limit + 1), found.count(InventoryFilter())
        return InventoryList(
            rows=tuple(map(inventory_row, rows[:limit])), more=len(rows) > limit, uses=uses, models=found.models(),
            passing=uses if _passes_all(wanted) else found.count(wanted), counters=listing.counters(found.counts()),
            tiers=found.tiers(), entities=found.entities(), names=names, today=workspace.today())


def _passes_all(wanted: InventoryFilter) -> bool:
    """Nothing is filtered: only the order was chosen."""
    return replace(wanted, order="model", descending=False) == InventoryFilter()


def more(workspace: Workspace, wanted: InventoryFilter, after: InventoryRow) -> tuple[tuple[InventoryRow, ...], bool]:
    """The rows behind one, and whether others follow."""
    with _listing(workspace) as (found, _):
        rows = found.page(wanted, after, PAGE + 1)
    return tuple(map(inventory_row, rows[:PAGE])), len(rows) > PAGE


def search(workspace: Workspace, words: str, limit: int) -> tuple[InventoryRow, ...]:
    """The first rows, by name, that say every word."""
    with _listing(workspace) as (found, _):
        return tuple(map(inventory_row, found.page(InventoryFilter(words=words), None, limit)))


def owned(workspace: Workspace, person: Id) -> tuple[InventoryRow, ...]:
    """The rows of the models that somebody owns, by name."""
    with _listing(workspace) as (found, _):
        return tuple(map(inventory_row, found.owned(person)))


@contextmanager
def _listing(workspace: Workspace) -> Iterator[tuple[Listing, dict[Id, str]]]:
    with workspace.store.read() as reader:
        names = reader.names()
        with reader.listing(workspace.today(), names) as found:
            yield found, names


def next_due(row: InventoryRow, today: date) -> tuple[str, bool]:
    """What is due next, in words, and whether it is late."""
    if not row.due or row.use_state is UseState.RETIRED:
        return "", False
    first = row.due[0]
    if first.on < today:
        return f"{first.what} overdue", True
    return f"{first.what} {day_text(first.on)}", False


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
        writer.writerow([exports.spreadsheet_safe(str(cell)) for cell in _cells(row, view)])
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
