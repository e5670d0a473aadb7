"""The audit log: its entries, newest first, a page at a time, under a filter; the timeline of a model; verification."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QProgressBar, QVBoxLayout, QWidget

from desktop_app.domain.audit import LogFilter, said_action
from desktop_app.domain.canonical import record
from desktop_app.domain.words import counted
from desktop_app.gui import theme
from desktop_app.gui.jobs import Job, Jobs, Lane, Workspace
from desktop_app.gui.page import Page
from desktop_app.gui.pages.audit_entry import entry_parts
from desktop_app.gui.pages.audit_filter import AuditFilter
from desktop_app.gui.record_table import Column, RecordTable
from desktop_app.gui.state import AppState
from desktop_app.gui.widgets.check_report import report_parts
from desktop_app.gui.widgets.column import Column as Parts
from desktop_app.gui.widgets.column import ListAndDetail, beside, button, heading, muted
from desktop_app.gui.widgets.prose import Run, paragraph
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.domain.audit import CheckReport
    from desktop_app.operations.audit import EntryView
    from desktop_app.operations.entries import Choices, EntryLine, LogPage

FILTER = "log_filter"  # what the state of the window keeps it under
MOST = 5_000  # entries that a reload keeps shown


@record
class Shown:
    """The log at a moment, under a filter."""

    page: LogPage
    choices: Choices
    model_name: str
    agrees: tuple[str, str]  # how it stands against what this computer saw: state, sentence
    recomputed: str
    from_entry: int | None  # newer ones are not shown


class AuditPage(Page[Shown]):
    """Opened with `entry`, a number, it chooses that entry; with `model`, it is the timeline of that model.

    Signal `verified`: a verification ended and is shown.
    """

    key, title = "audit", "Audit log"
    verified = Signal()

    def __init__(self, jobs: Jobs, state: AppState) -> None:
        super().__init__(jobs, state)
        self._shown: Shown | None = None
        self._lines: tuple[EntryLine, ...] = ()
        self._more = False
        self._recomputed = ""
        self._verifying: Job | None = None
        self.verify_button = self.add_button("Verify the log", self.verify)
        self.add_button("Export…", self._ask_export)
        self.table: RecordTable[EntryLine] = RecordTable(
            _columns(), name="Entries of the log", dense=True, identity=lambda line: line.seq)
        self.table.chosen.connect(self._choose)
        self.table.verticalScrollBar().valueChanged.connect(lambda value: self._scrolled())
        self.filter = AuditFilter()
        self.filter.words.leads_to(self.table)
        self.filter.changed.connect(self._filtered)
        self.filter.mistyped.connect(lambda sentence: self.set_subline(Run(sentence, tone="breached")))
        kept = state.selection(FILTER)
        self.filter.show_value(kept if isinstance(kept, LogFilter) else LogFilter())
        self.detail = Parts()
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.M)
        column.addWidget(self.filter)
        column.addWidget(self.table, 1)
        self.set_content(ListAndDetail(holder, self.detail, 400))
        jobs.changed.connect(self._show_progress)
        state.log_recomputed.connect(self._show_recomputed)

    # --- the log

    def arrive(self, **arguments: Any) -> None:
        """An entry is looked for in the whole log; a model's timeline begins with nothing else filtered."""
        if arguments and arguments != self.arguments:
            self._keep(LogFilter(model=arguments.get("model")))
            self._lines = ()
        elif not arguments and self.arguments:
            self._lines = ()
        super().arrive(**arguments)

    def _keep(self, wanted: LogFilter) -> None:
        self.filter.show_value(wanted)
        self.state.select(FILTER, wanted)

    def load(self, ws: Workspace, progress: Progress) -> Shown:
        """The newest entries that pass, as many as were shown; those around one that was asked for."""
        from desktop_app.gui.pages.standing import agreement, recomputed
        from desktop_app.operations import checkpoints, entries

        wanted, asked, limit = self.filter.value, self.arguments.get("entry"), max(entries.PAGE, len(self._lines))
        before = None
        if asked is not None and wanted == LogFilter():
            before = int(asked) + entries.PAGE // 2
        found = entries.page(ws, wanted, before, min(limit, MOST), progress)
        newest = before is None or not found.lines or found.lines[0].seq == found.entries
        return Shown(page=found, choices=entries.choices(ws), recomputed=recomputed(ws),
                     model_name=entries.name(ws, wanted.model) if wanted.model else "",
                     agrees=agreement(checkpoints.check_head(ws)), from_entry=None if newest else found.lines[0].seq)

    def show_data(self, data: Shown) -> None:
        """Show them."""
        self._shown, self._lines, self._more = data, data.page.lines, data.page.more
        self._recomputed = data.recomputed or self._recomputed
        self.filter.offer(data.choices, data.model_name)
        self.set_title(self.title, f"about {data.model_name}" if data.model_name else "")
        self.table.set_two_lines(self.filter.value.model is not None)
        self.table.set_records(self._lines)
        self._say()
        wanted = self.arguments.get("entry")
        if wanted is not None and self.table.choose(lambda line: line.seq == int(wanted)):
            return
        if self.table.current is None and self._lines and self._verifying is None:
            self.table.selectRow(0)

    def registry_changed(self, change: object) -> None:
        """Every write is an entry."""
        self.forget()

    def _filtered(self, wanted: LogFilter) -> None:
        self._keep(wanted)
        self._lines = ()
        self.arguments = {}
        self.table.awaits = True
        self.reload()

    def _scrolled(self) -> None:
        """Older entries are loaded when the last ones shown come near."""
        bar = self.table.verticalScrollBar()
        if not self._more or bar.value() < bar.maximum() - bar.pageStep():
            return
        self._more = False  # until they are there
        wanted, before = self.filter.value, self._lines[-1].seq

        def load(ws: Workspace, progress: Progress) -> LogPage:
            from desktop_app.operations import entries

            return entries.page(ws, wanted, before, progress=progress)

        self.jobs.run(self, load, then=lambda found: self._add(found, before), key="more")

    def _add(self, found: LogPage, before: int) -> None:
        if self._lines and self._lines[-1].seq == before:  # nothing else was loaded meanwhile
            self._lines, self._more = (*self._lines, *found.lines), found.more
            self.table.set_records(self._lines)
            self._say()

    def _show_recomputed(self, sentence: str) -> None:
        self._recomputed = sentence
        self._say()

    def _say(self) -> None:
        if self._shown is None:
            return
        page, loaded = self._shown.page, len(self._lines)
        if self.filter.value == LogFilter():
            shown = f"{counted(page.entries, 'entry', 'entries')}, each chained to the one before it"
        elif not loaded:
            shown = f"None of {counted(page.entries, 'entry', 'entries')} passes"
        else:
            passing = f"{loaded:,} or more" if page.passing is None and self._more else f"{page.passing or loaded:,}"
            shown = f"{passing} of {counted(page.entries, 'entry', 'entries')}"
        if (first := self._shown.from_entry) is not None:
            shown += f"; shown from entry {first:,}, newer ones by Audit log at the left"
        elif self._more:
            shown += f"; the newest {loaded:,} are shown, older ones when you scroll"
        state, agrees = self._shown.agrees
        wrong = state != "note"
        runs = [Run(f"{shown}.", tone="muted"),
                Run(f"! {agrees} " if wrong else f" {agrees}", tone=state if wrong else "muted")]
        if self._recomputed:
            runs.append(Run(f" {self._recomputed}.", tone="muted"))
        self.set_subline(*((runs[1], runs[0], *runs[2:]) if wrong else runs))

    # --- one entry

    def _choose(self, line: EntryLine | None) -> None:
        if line is None or self._busy():
            return
        seq = line.seq

        def load(ws: Workspace) -> EntryView:
            from desktop_app.operations import audit

            return audit.show(ws, seq)

        self.jobs.run(self, lambda ws, progress: load(ws), then=self._show_entry, key="entry")

    def _show_entry(self, view: EntryView) -> None:
        if not self._busy():
            self.detail.show_parts(*entry_parts(view, lambda model: self.open("audit", model=model)))

    # --- verification

    def _busy(self) -> bool:
        return self._verifying is not None and not self._verifying.done

    def verify(self) -> None:
        """Recompute what was recorded, with progress and a way to stop."""
        if self._busy():
            return
        self.verify_button.setEnabled(False)
        self._bar, self._status = QProgressBar(), paragraph("Starting…", "muted")
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress of the verification")

        def work(ws: Workspace, progress: Progress) -> CheckReport:
            from desktop_app.gui.pages.standing import remember
            from desktop_app.operations import audit

            report = audit.verify(ws, progress)
            remember(ws, report)
            return report

        self._verifying = self.jobs.run(self, work, then=self._verified, failed=self._not_verified,
                                        lane=Lane.COMPUTE, title="verification of the log")
        stop = button("Stop", self._verifying.cancel)
        self.detail.show_parts(heading("Verifying the log"), self._bar, self._status, beside(stop))

    def _show_progress(self) -> None:
        job = self._verifying
        if job is None:
            return
        if not job.done:
            self._bar.setValue(round(job.fraction * 100))
            self._status.setText(job.status or "Reading…")
        elif job.cancelled:
            self._end_verification()
            self.detail.show_parts(heading("Stopped"), muted("Nothing was concluded."))

    def _end_verification(self) -> None:
        self._verifying = None
        self.verify_button.setEnabled(True)

    def _verified(self, report: CheckReport) -> None:
        self._end_verification()
        self.detail.show_parts(*report_parts(report, "The log"), theme.L)
        self.state.log_verified.emit()
        self.verified.emit()

    def _not_verified(self, error: Exception) -> None:
        self._end_verification()
        self.show_failure(error)

    # --- out of the window

    def _ask_export(self) -> None:
        part = self.filter.value != LogFilter()
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Export the entries that pass the filter" if part else "Export the log", "log.jsonl",
            "Exact entries, JSON lines (*.jsonl);;For reading, CSV (*.csv)")
        if chosen:
            self.export_to(Path(chosen))

    def export_to(self, target: Path) -> None:
        """Write the entries that pass the filter to a file in a job. The export is an entry itself, and says which."""
        from desktop_app.gui.dialogs.task import NoteDialog

        wanted = self.filter.value

        def work(ws: Workspace, progress: Progress) -> str:
            from desktop_app.operations import audit

            return audit.export(ws, target, progress, wanted=wanted)

        def done(digest: str) -> None:
            title = "The log is written." if wanted == LogFilter() else "The entries that pass the filter are written."
            NoteDialog(self.jobs, title, f"{target}\n\nSHA-256 {digest}", self).open()
            self.forget()

        self.jobs.run(self, work, then=done, lane=Lane.WRITE, title="export of the log")


def _columns() -> list[Column[EntryLine]]:
    return [
        Column(key="seq", title="Entry", text=lambda e: f"{e.seq:,}", align="right", width=64, sort=lambda e: e.seq),
        Column(key="at", title="Time", text=lambda e: f"{e.at.astimezone():%d %b %Y %H:%M}".lstrip("0"), width=140,
               sort=lambda e: e.at),
        Column(key="who", title="Who", text=lambda e: e.actor, width=120),
        Column(key="action", title="Action", text=lambda e: said_action(e.action), width=140, muted=True, hidden=True),
        Column(key="note", title="What", text=lambda e: e.told, second=lambda e: e.changes, width=220,
               stretch=1),
        Column(key="on", title="On", text=lambda e: e.subject_name or e.subject, width=150, hidden=True),
        Column(key="hash", title="Hash", text=lambda e: e.hash[:16], width=150, mono=True, hidden=True),
    ]
