"""Taking in an existing inventory: preview, run, repeat, reconcile.

A row is compared with what the last import said of it; only what differs becomes new facts.
Decisions in the file become *recorded prior decisions*, signed by whoever imports them, or are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.domain.canonical import record
from desktop_app.domain.change import Change
from desktop_app.domain.person import Role
from desktop_app.domain.source import InventoryImported, RowProblem
from desktop_app.domain.words import counted
from desktop_app.errors import UserError
from desktop_app.operations import people
from desktop_app.operations.people import changed
from desktop_app.operations.rows_known import Known, Overlap
from desktop_app.operations.rows_taken import Row, Taking, decided
from desktop_app.progress import Progress
from desktop_app.workspace import Workspace

if TYPE_CHECKING:
    from desktop_app.sources.inventory_file import InventoryRead, Mapping, Sheet

ROWS_A_WRITE = 40
MAY_IMPORT = (Role.MODEL_RISK, Role.ADMINISTRATOR)


@record
class Counts:
    """Every row below the heading once."""

    rows: int
    added: int
    updated: int
    unchanged: int
    refused: int
    blank: int
    passed_over: int  # totals, and the heading again

    @property
    def sentence(self) -> str:
        """“44 rows: 38 added, 0 updated, 2 unchanged, 3 refused, 1 blank or passed over.”"""
        return (f"{counted(self.rows, 'row')}: {self.added:,} added, {self.updated:,} updated, "
                f"{self.unchanged:,} unchanged, {self.refused:,} refused, "
                f"{self.blank + self.passed_over:,} blank or passed over.")


@record
class ImportPreview:
    """What an import would do: nothing is written."""

    sheets: tuple[Sheet, ...]
    mapping: Mapping
    read: InventoryRead
    counts: Counts
    missing: tuple[str, ...]  # rows of an earlier import that this file no longer has
    decisions: int  # approvals in the file that the importer would sign as recorded prior decisions
    decisions_known: int  # approvals in the file that are recorded already: they are not signed again
    source: str  # the inventory that the file belongs to
    overlaps: tuple[Overlap, ...]  # the inventories that have rows of it, the one with most of them first
    as_new: bool

    @property
    def whence(self) -> str:
        """What is known of the file's rows: “41 of 44 rows are already here from …”; empty when all are new."""
        said = [f"{known.rows:,} of {counted(len(self.read.entries), 'row')} "
                f"{'is' if known.rows == 1 else 'are'} already here from “{known.title}”" for known in self.overlaps]
        if not said:
            return ""
        then = "Each becomes a new model all the same, of another inventory" if self.as_new \
            else "They stay the models they are"
        return "; ".join(said) + f". {then}."

    @property
    def approvals(self) -> str:
        """What is known of the approvals in the file; empty when it holds none."""
        if not self.decisions and not self.decisions_known:
            return ""
        known = f"{self.decisions_known:,} recorded already, never signed again" if self.decisions_known else ""
        new = f"{self.decisions:,} not recorded yet" if self.decisions else ""
        return f"Approvals in the file: {', '.join(part for part in (known, new) if part)}."


@record
class ImportReport:
    """What an import did."""

    change: Change
    counts: Counts
    decisions: int
    decisions_left_out: int
    missing: tuple[str, ...]
    problems: tuple[RowProblem, ...]

    @property
    def sentence(self) -> str:
        """What was done with rows and decisions."""
        signed = counted(self.decisions, "decision was", "decisions were")
        left = counted(self.decisions_left_out, "decision was", "decisions were")
        return self.counts.sentence \
            + (f" {signed} signed as recorded by you." if self.decisions else "") \
            + (f" {left} left out, unsigned." if self.decisions_left_out else "")


def load_mapping(path: Path) -> Mapping:
    """A saved mapping of columns to fields. Raises UserError."""
    from desktop_app.sources.inventory_file import Mapping as FileMapping

    try:
        return FileMapping.from_json(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("The mapping file cannot be read.", str(error), "Save one with --save-mapping.") from error


@record
class _Plan:
    """What an import would do, and the rows to do it with."""

    seen: ImportPreview
    taking: Taking
    rows: tuple[Row, ...]
    deciding: tuple[Row, ...]


def preview(
    workspace: Workspace, path: Path, mapping: Mapping | None = None, *, source: str | None = None,
    as_new: bool = False, progress: Progress | None = None,
) -> ImportPreview:
    """Read an inventory file with a mapping (suggested where none is given) and say what an import would do.

    source: the inventory it belongs to, by name; else its rows tell · as_new: it is another inventory than any here.
    """
    return _plan(workspace, path, mapping, source, as_new, progress or Progress()).seen


def _plan(
    workspace: Workspace, path: Path, mapping: Mapping | None, source: str | None, as_new: bool, progress: Progress,
) -> _Plan:
    from desktop_app.sources import inventory_file

    sheets = inventory_file.read_sheets(path)
    mapping = mapping or inventory_file.suggest_mapping(max(sheets, key=lambda sheet: sheet.rows))
    read = inventory_file.read_inventory(path, mapping, progress)
    known = Known(workspace, read.entries, path.stem, source, as_new=as_new)
    taking = Taking(workspace, known, path.name)
    rows = tuple(map(taking.row, read.entries))
    deciding = tuple(row for row in rows if taking.decides(row))
    states = [known.state(entry) for entry in read.entries]
    seen = ImportPreview(
        sheets=sheets, mapping=mapping, read=read, missing=known.missing(read.entries), decisions=len(deciding),
        decisions_known=sum(map(decided, read.entries)) - len(deciding), source=known.source, overlaps=known.overlaps,
        as_new=as_new,
        counts=Counts(
            rows=read.counts.rows, added=states.count("added"), updated=states.count("updated"),
            unchanged=states.count("unchanged"), refused=read.counts.refused, blank=read.counts.blank,
            passed_over=read.counts.passed_over))
    return _Plan(seen=seen, taking=taking, rows=rows, deciding=deciding)


def run(
    workspace: Workspace, path: Path, mapping: Mapping | None = None, *, source: str | None = None,
    as_new: bool = False, passphrase: str | None = None, progress: Progress | None = None,
) -> ImportReport:
    """Take in an inventory: model risk may, and administrators. Without a passphrase decisions are left out, counted.

    Raises UserError for an unreadable file, Refused for a wrong passphrase or role; then nothing is written.
    StaleError when somebody else imports an inventory meanwhile; then whole batches of rows may be taken in.
    """
    progress = progress or Progress()
    with workspace.store.read() as reader:
        people.require(reader, workspace, *MAY_IMPORT)
    plan = _plan(workspace, path, mapping, source, as_new, progress.part(0.0, 0.3))
    taking, signed = plan.taking, {row.entry.row for row in plan.deciding} if passphrase is not None else set[int]()
    if passphrase is not None:
        taking.sign(list(plan.deciding), passphrase)
    rows = [row for row in plan.rows if row.news or row.entry.row in signed]
    for start in range(0, len(rows), ROWS_A_WRITE):
        progress.step(0.3 + 0.7 * start / len(rows), f"row {start:,} of {len(rows):,}")
        batch = rows[start:start + ROWS_A_WRITE]
        with taking.known.turn.write("inventory.read", f"Took in {counted(len(batch), 'row')} of {path.name}") as write:
            taking.known.people.meet(write.reader)
            for row in batch:
                taking.add(write, row)
    return _conclude(workspace, path, plan, signed=passphrase is not None)


def _conclude(workspace: Workspace, path: Path, plan: _Plan, *, signed: bool) -> ImportReport:
    seen, counts = plan.seen, plan.seen.counts
    problems = tuple(RowProblem(row=p.row, column=p.column, what=p.what, done=p.done.value)
                     for p in seen.read.problems)
    note = f"Imported {path.name}: {counts.sentence.rstrip('.')}"
    with plan.taking.known.turn.write("inventory.imported", note) as write:
        write.add(InventoryImported(
            id=workspace.store.new_id(), source=seen.source, file_name=path.name, digest=seen.read.digest,
            mapping=seen.mapping.to_json(), rows=counts.rows, added=counts.added, updated=counts.updated,
            unchanged=counts.unchanged, refused=counts.refused, blank=counts.blank, problems=problems[:500],
            missing=seen.missing[:500]))
    return ImportReport(
        change=changed(write), counts=counts, decisions=seen.decisions if signed else 0,
        decisions_left_out=0 if signed else seen.decisions, missing=seen.missing, problems=problems)
