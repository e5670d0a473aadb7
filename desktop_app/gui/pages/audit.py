"""The audit log: every entry, newest first, with the exact bytes it holds; and its verification."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPlainTextEdit, QProgressBar, QVBoxLayout, QWidget

from desktop_app.domain.canonical import record
from desktop_app.gui import theme
from desktop_app.gui.dialogs.form import Choice
from desktop_app.gui.jobs import Job, Jobs, Lane, Workspace
from desktop_app.gui.page import Page
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
    from desktop_app.operations.audit import EntryView
    from desktop_app.operations.entries import EntryLine

DAYS = (("any time", 0), ("today", 1), ("last 7 days", 7), ("last 30 days", 30), ("last 365 days", 365))


@record
class Shown:
    """The log at a moment."""

    lines: tuple[EntryLine, ...]
    now: datetime
    agrees: tuple[str, str]  # how it stands against what this computer saw: state, sentence


class AuditPage(Page[Shown]):
    """Opened with `entry`, a number, it chooses that entry. Signal `verified`: a verification ended and is shown."""

    key, title = "audit", "Audit log"
    verified = Signal()

    def __init__(self, jobs: Jobs, state: AppState) -> None:
        super().__init__(jobs, state)
        self._shown: Shown | None = None
        self._verifying: Job | None = None
        self.verify_button = self.add_button("Verify the log", self.verify)
        self.add_button("Export…", self._ask_export)
        self.table: RecordTable[EntryLine] = RecordTable(
            _columns(), name="Entries of the log", dense=True, identity=lambda line: line.seq)
        self.table.chosen.connect(self._choose)
        self.detail = Parts()
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.M)
        column.addWidget(self._filters())
        column.addWidget(self.table, 1)
        self.set_content(ListAndDetail(holder, self.detail, 400))
        jobs.changed.connect(self._show_progress)

    def _filters(self) -> QWidget:
        self.filter = SearchField("Filter entries")
        self.filter.searched.connect(self.table.set_filter)
        self.filter.leads_to(self.table)
        self.person: Choice[str] = Choice([("", "anybody")])
        self.action: Choice[str] = Choice([("", "any action")])
        self.days: Choice[int] = Choice([(days, text) for text, days in DAYS])
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.S)
        row.addWidget(self.filter, 2)
        for field, name in ((self.person, "Who"), (self.action, "Action"), (self.days, "Time")):
            field.setAccessibleName(name)
            field.currentIndexChanged.connect(lambda index: self._filter())
            row.addWidget(field, 1)
        holder = QWidget()
        holder.setLayout(row)
        return holder

    # --- the log

    def load(self, ws: Workspace, progress: Progress) -> Shown:
        """Every entry."""
        from desktop_app.gui.pages.standing import agreement
        from desktop_app.operations import audit, checkpoints

        return Shown(lines=audit.listing(ws), now=ws.store.clock(), agrees=agreement(checkpoints.check_head(ws)))

    def show_data(self, data: Shown) -> None:
        """Show them under the filters that hold."""
        self._shown = data
        self.person.offer([("", "anybody"), *((name, name) for name in sorted({line.actor for line in data.lines}))])
        self.action.offer([("", "any action"), *((a, said_action(a)) for a in sorted({e.action for e in data.lines}))])
        self._filter()
        wanted = self.arguments.get("entry")
        if wanted is not None:
            self.table.choose(lambda line: line.seq == int(wanted))
        elif self.table.current is None and data.lines and self._verifying is None:
            self.table.selectRow(0)

    def registry_changed(self, change: object) -> None:
        """Every write is an entry."""
        self.forget()

    def _filter(self) -> None:
        if self._shown is None:
            return
        days, who, what = self.days.value or 0, self.person.value, self.action.value
        since = self._shown.now - timedelta(days=days)
        lines = [line for line in self._shown.lines
                 if (not who or line.actor == who) and (not what or line.action == what)
                 and (not days or line.at >= since)]
        self.table.set_records(lines)
        total = len(self._shown.lines)
        shown = f"{len(lines):,} of {total:,} entries" if len(lines) < total else f"{total:,} entries"
        state, agrees = self._shown.agrees
        wrong = state != "note"
        runs = [Run(f"{shown}, each chained to the one before it.", tone="muted"),
                Run(f"! {agrees} " if wrong else f" {agrees}", tone=state if wrong else "muted")]
        self.set_subline(*(reversed(runs) if wrong else runs))

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
        if self._busy():
            return
        line, entry = view.line, view.entry
        on = Fact("On", line.subject_name) if line.subject_name else Fact("On", line.subject, "mono")
        facts = [
            Fact("Time", f"{line.at.astimezone():%d %b %Y, %H:%M:%S}"), Fact("Who", line.actor),
            Fact("Action", said_action(line.action)), on,
            Fact("Database user", line.user), Fact("Command", entry.command, "mono"),
            Fact("Chained to", entry.prev, "digest"), Fact("Its hash", entry.hash, "digest")]
        parts: list[QWidget | int] = [heading(f"Entry {line.seq:,}"), paragraph(line.told),
                                      theme.XS, FactsList(facts, label_width=104), theme.S,
                                      heading("Its exact bytes"), exact(entry.body, "Exact bytes of the entry")]
        if view.facts:
            parts += [theme.S, heading("What it recorded", f"{len(view.facts):,}")]
        for label, digest, text in view.facts[:50]:
            parts += [paragraph(said_action(label), "strong"), exact(text, f"{label}, exact text"),
                      FactsList([Fact("Digest", digest, "digest")], label_width=104)]
        if len(view.facts) > 50:
            parts.append(muted(f"… and {len(view.facts) - 50:,} more; all are in the export."))
        self.detail.show_parts(*parts, theme.L)

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
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Export the log", "log.jsonl", "Exact entries, JSON lines (*.jsonl);;For reading, CSV (*.csv)")
        if chosen:
            self.export_to(Path(chosen))

    def export_to(self, target: Path) -> None:
        """Write the log to a file in a job. The export is an entry itself."""
        from desktop_app.gui.dialogs.task import NoteDialog

        def work(ws: Workspace, progress: Progress) -> str:
            from desktop_app.operations import audit

            return audit.export(ws, target, progress)

        def done(digest: str) -> None:
            NoteDialog(self.jobs, "The log is written.", f"{target}\n\nSHA-256 {digest}", self).open()
            self.forget()

        self.jobs.run(self, work, then=done, lane=Lane.WRITE, title="export of the log")


def exact(text: str, name: str) -> QWidget:
    """Text as it is stored, to read and copy."""
    box = QPlainTextEdit(text, readOnly=True)
    theme.dress(box, "mono")
    box.setAccessibleName(name)
    box.setTabChangesFocus(True)
    lines = min(12, text.count("\n") + 1 + len(text) // 60 * (text.count("\n") < 2))
    box.setFixedHeight(round(theme.metrics("mono").lineSpacing() * max(3, lines)) + theme.L)
    return box


def said_action(action: str) -> str:
    """An action in words: “promotion signed off”."""
    return action.replace(".", " ").replace("_", " ")


def _columns() -> list[Column[EntryLine]]:
    return [
        Column(key="seq", title="Entry", text=lambda e: f"{e.seq:,}", align="right", width=64, sort=lambda e: e.seq),
        Column(key="at", title="Time", text=lambda e: f"{e.at.astimezone():%d %b %Y %H:%M}".lstrip("0"), width=140,
               sort=lambda e: e.at),
        Column(key="who", title="Who", text=lambda e: e.actor, width=120),
        Column(key="action", title="Action", text=lambda e: said_action(e.action), width=140, muted=True, hidden=True),
        Column(key="note", title="What", text=lambda e: e.told, width=220, stretch=1),
        Column(key="on", title="On", text=lambda e: e.subject_name or e.subject, width=150, hidden=True),
        Column(key="hash", title="Hash", text=lambda e: e.hash[:16], width=150, mono=True, hidden=True),
    ]
