"""Findings: what is wrong with which version, worst and oldest first; one of them with all that happened to it."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from desktop_app.domain.canonical import Id, day_text, record
from desktop_app.domain.finding import SEVERITIES, FindingState, Severity
from desktop_app.gui import theme
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.page import Page
from desktop_app.gui.pages.approvals import filtered
from desktop_app.gui.pages.basis import finding_parts
from desktop_app.gui.pages.review import label_text
from desktop_app.gui.record_table import Column, RecordTable
from desktop_app.gui.state import AppState
from desktop_app.gui.widgets.column import Column as Parts
from desktop_app.gui.widgets.column import ListAndDetail, beside, button, heading
from desktop_app.gui.widgets.empty_state import EmptyState
from desktop_app.gui.widgets.prose import Run
from desktop_app.gui.widgets.search_field import SearchField
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.operations.findings import FindingLine

STATES = {FindingState.OPEN: "breached", FindingState.ANSWERED: "pending", FindingState.ACCEPTED: "attention",
          FindingState.CLOSED: "met"}
TONES = {Severity.CRITICAL: "breached", Severity.HIGH: "breached", Severity.MEDIUM: "undetermined",
         Severity.LOW: "ink"}
_STEPS = {FindingState.ANSWERED: "Answer…", FindingState.ACCEPTED: "Accept until…", FindingState.CLOSED: "Close…",
          FindingState.OPEN: "Reopen…"}


@record
class Shown:
    """The findings, on a day."""

    lines: tuple[FindingLine, ...]
    today: date


class FindingsPage(Page[Shown]):
    """Opened with `finding`, an id, it chooses that one."""

    key, title = "findings", "Findings"
    kinds = frozenset({"finding", "finding.event", "model", "version"})

    def __init__(self, jobs: Jobs, state: AppState) -> None:
        super().__init__(jobs, state)
        self.today = date.min
        self.add_button("Raise a finding…", self.raise_finding)
        self.table: RecordTable[FindingLine] = RecordTable(
            self._columns(), name="Findings", identity=lambda line: line.now.finding.id)
        self.table.chosen.connect(self._show)
        self.table.opened.connect(self._open_version)
        self.filter = SearchField("Filter findings")
        self.filter.setMaximumWidth(theme.px(300))
        self.filter.searched.connect(self.table.set_filter)
        self.detail = Parts()
        self.set_content(ListAndDetail(filtered(self.filter, self.table), self.detail, 330))

    def load(self, ws: Workspace, progress: Progress) -> Shown:
        """Every finding, in the order the operation gives."""
        from desktop_app.operations import findings

        return Shown(lines=findings.listing(ws), today=ws.today())

    def show_data(self, data: Shown) -> None:
        """Show them; say what is past due first."""
        self.today = data.today
        is_open = [line for line in data.lines if line.now.is_open]
        late = sum(bool(line.now.due and line.now.due < data.today) for line in is_open)
        words = [Run(f"{late} past due", "strong", "breached"), Run(" · ", tone="muted")] if late else []
        closed = len(data.lines) - len(is_open)
        self.set_subline(*words, Run(f"{len(is_open)} open · {closed} closed", tone="muted"))
        self.table.set_records(data.lines)
        wanted = self.arguments.get("finding")
        found = bool(wanted) and self.table.choose(lambda line: line.now.finding.id == wanted)
        if not found and self.table.current is None:
            self.table.selectRow(0)
        self._show(self.table.current)

    def is_empty(self, data: Shown) -> bool:
        """Whether nothing was ever raised."""
        return not data.lines

    def empty_state(self) -> EmptyState:
        """Say who raises findings."""
        return EmptyState("No findings", "Validators, model risk managers, compliance and auditors raise them.",
                          action=("Raise a finding…", self.raise_finding))

    def _show(self, line: FindingLine | None) -> None:
        if line is None:
            self.detail.show_parts()
            return
        finding = line.now.finding
        self.detail.show_parts(
            heading(line.now.label, f"{line.model_name} {label_text(line.version_label)}"), *finding_parts(line),
            theme.S, *self._steps(line), theme.XS, beside(button("Open the version", lambda: self._open_version(line))),
            theme.S)
        self.detail.setAccessibleName(f"Finding {line.now.label}, {finding.title}")

    def _steps(self, line: FindingLine) -> list[QWidget]:
        steps = (FindingState.ANSWERED, FindingState.ACCEPTED, FindingState.CLOSED) if line.now.is_open \
            else (FindingState.OPEN,)
        return [beside(*(button(_STEPS[step], partial(self.take_step, line, step)) for step in steps))]

    def take_step(self, line: FindingLine, state: FindingState) -> None:
        """Ask for a step of a finding."""
        from desktop_app.gui.dialogs.move_finding import MoveFinding

        MoveFinding(self.jobs, line, state, self).open()

    def raise_finding(self) -> None:
        """Ask for another finding."""
        from desktop_app.gui.dialogs.raise_finding import RaiseFinding

        chosen = self.table.current.now.finding.version if self.table.current else self.state.selection("version")
        RaiseFinding(self.jobs, about=Id(str(chosen)) if chosen else None, parent=self).open()

    def _open_version(self, line: FindingLine) -> None:
        finding = line.now.finding
        self.open("version", version=finding.version, **({"use": Id(finding.use)} if finding.use else {}))

    def _columns(self) -> list[Column[FindingLine]]:
        return [
            Column(key="finding", title="Finding", text=lambda f: f.now.finding.title, strong=True, width=280,
                   stretch=3, second=lambda f: f"{f.now.label} · {f.model_name} {label_text(f.version_label)}"),
            Column(key="severity", title="Severity", text=lambda f: f.now.finding.severity.value, width=84,
                   tone=lambda f: TONES[f.now.finding.severity] if f.now.is_open else "muted",
                   sort=lambda f: -SEVERITIES.index(f.now.finding.severity)),
            Column(key="state", title="State", text=lambda f: f.now.state.value, width=116,
                   chip=lambda f: (STATES[f.now.state], f.now.state.value)),
            Column(key="owner", title="Owner", text=lambda f: f.owner or "nobody yet", width=130, stretch=1,
                   tone=lambda f: "ink" if f.owner else "muted"),
            Column(key="due", title="Due", text=lambda f: day_text(f.now.due) if f.now.due else "–", width=100,
                   sort=lambda f: f.now.due, tone=self._due_tone),
            Column(key="age", title="Open for", align="right", width=76, sort=lambda f: f.now.opened_on,
                   text=lambda f: f"{(self.today - f.now.opened_on).days} d" if f.now.is_open else "–"),
        ]

    def _due_tone(self, line: FindingLine) -> str:
        return "breached" if line.now.is_open and line.now.due and line.now.due < self.today else "ink"
