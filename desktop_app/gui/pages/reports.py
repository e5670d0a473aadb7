"""Reports: what left the registry as a file, and a place to check an audit PDF that came back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QProgressBar

from desktop_app.gui import theme
from desktop_app.gui.jobs import Job, Jobs, Lane, Workspace
from desktop_app.gui.page import Page
from desktop_app.gui.pages.approvals import filtered
from desktop_app.gui.record_table import Column, RecordTable
from desktop_app.gui.state import AppState
from desktop_app.gui.widgets.check_report import report_parts
from desktop_app.gui.widgets.column import Column as Parts
from desktop_app.gui.widgets.column import ListAndDetail, beside, button, heading, muted
from desktop_app.gui.widgets.facts_list import Fact, FactsList
from desktop_app.gui.widgets.prose import Run, paragraph
from desktop_app.gui.widgets.search_field import SearchField
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.domain.audit import CheckReport
    from desktop_app.operations.packs import PackExport

Exports = tuple["PackExport", ...]
WHAT = {"audit_pdf": "audit PDF", "audit_log": "audit log", "inventory": "inventory"}


class ReportsPage(Page[Exports]):
    """Every export is a fact; a file can be checked against them and by itself."""

    key, title = "reports", "Reports"
    kinds = frozenset({"exported"})

    def __init__(self, jobs: Jobs, state: AppState) -> None:
        super().__init__(jobs, state)
        self._checking: Job | None = None
        self._file = ""
        self.check_button = self.add_button("Check a PDF…", self._ask_check)
        self.table: RecordTable[PackExport] = RecordTable(_columns(), name="Exports", identity=lambda e: e.seq)
        self.table.chosen.connect(self._show)
        self.table.opened.connect(self._open)
        self.filter = SearchField("Filter exports")
        self.filter.setMaximumWidth(theme.px(300))
        self.filter.searched.connect(self.table.set_filter)
        self.detail = Parts()
        self.set_content(ListAndDetail(filtered(self.filter, self.table), self.detail, 400))
        jobs.changed.connect(self._show_progress)

    def load(self, ws: Workspace, progress: Progress) -> Exports:
        """Everything that was exported."""
        from desktop_app.operations import packs

        return packs.listing(ws)

    def show_data(self, data: Exports) -> None:
        """Show what left."""
        pdfs = sum(e.what == "audit_pdf" for e in data)
        self.set_subline(Run(f"{pdfs} audit PDFs and {len(data) - pdfs} other files left this registry" if data else
                             "Nothing left this registry yet; audit PDFs are exported on the page of a request",
                             tone="muted"))
        self.table.set_records(data)
        if not data and self._checking is None and not self._file:
            self.detail.show_parts(heading("Check a PDF"), muted(
                "A PDF exported here holds the whole dossier. Checking it recomputes every digest and signature in it, "
                "and compares it with this registry."), beside(button("Check a PDF…", self._ask_check)))
        elif self.table.current is None and data:
            self.table.selectRow(0)

    def _show(self, line: PackExport | None) -> None:
        if line is None or self._busy():
            return
        facts = [Fact("File", line.file_name), Fact("What", WHAT.get(line.what, line.what)), Fact("By", line.by),
                 Fact("When", f"{line.at.astimezone():%d %b %Y, %H:%M}"), Fact("Entry", f"{line.seq:,}"),
                 Fact("Its digest", line.sha256, "digest")]
        parts = [beside(button("Open the request", lambda: self._open(line)))] if line.what == "audit_pdf" else []
        self.detail.show_parts(heading(line.file_name), FactsList(facts, label_width=104), theme.S, *parts)

    def _open(self, line: PackExport) -> None:
        if line.what == "audit_pdf":
            self.open("review", request=line.subject)

    # --- checking a file

    def _ask_check(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Check an audit PDF", "", "PDF (*.pdf)")
        if chosen:
            self.check(Path(chosen))

    def _busy(self) -> bool:
        return self._checking is not None and not self._checking.done

    def check(self, path: Path) -> None:
        """Check a file by itself and against this registry, with progress and a way to stop."""
        if self._busy():
            return
        self._file = path.name
        self.check_button.setEnabled(False)
        self._bar, self._status = QProgressBar(), paragraph("Reading the file…", "muted")
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress of the check")

        def work(ws: Workspace, progress: Progress) -> CheckReport:
            from desktop_app.operations import packs

            return packs.verify(ws, path, progress)

        self._checking = self.jobs.run(self, work, then=self._checked, failed=self._not_checked, lane=Lane.COMPUTE,
                                       title=f"check of {path.name}")
        self.detail.show_parts(heading("Checking", path.name), self._bar, self._status,
                               beside(button("Stop", self._checking.cancel)))

    def _show_progress(self) -> None:
        job = self._checking
        if job is not None and not job.done:
            self._bar.setValue(round(job.fraction * 100))
            self._status.setText(job.status or "Reading the file…")
        elif job is not None and job.cancelled:
            self._end()
            self.detail.show_parts(heading("Stopped"), muted("Nothing was concluded."))

    def _end(self) -> None:
        self._checking = None
        self.check_button.setEnabled(True)

    def _checked(self, report: CheckReport) -> None:
        self._end()
        self.detail.show_parts(heading(self._file), *report_parts(report, "The file"), theme.L)

    def _not_checked(self, error: Exception) -> None:
        from desktop_app.gui.show_error import words

        self._end()
        title, detail, remedy = words(error)
        self.detail.show_parts(heading(self._file), paragraph(f"! {title}", "breached"), paragraph(detail),
                               muted(remedy))


def _columns() -> list[Column[PackExport]]:
    return [
        Column(key="file", title="File", text=lambda e: e.file_name, strong=True, width=260, stretch=2,
               second=lambda e: WHAT.get(e.what, e.what)),
        Column(key="by", title="By", text=lambda e: e.by, width=140, stretch=1),
        Column(key="when", title="When", text=lambda e: f"{e.at.astimezone():%d %b %Y %H:%M}".lstrip("0"), width=150,
               second=lambda e: f"entry {e.seq:,}", sort=lambda e: e.seq),
        Column(key="digest", title="SHA-256", text=lambda e: f"{e.sha256[:16]}…", mono=True, muted=True, width=160),
    ]
