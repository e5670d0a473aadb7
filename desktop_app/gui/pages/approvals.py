"""Approvals: every promotion request, those that wait for whoever acts first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop_app.domain.canonical import day_text
from desktop_app.errors import UserError
from desktop_app.gui import theme
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.page import Page
from desktop_app.gui.pages.review import CHANGES, label_text, outcome_chip
from desktop_app.gui.record_table import Column, RecordTable
from desktop_app.gui.show_error import show_error
from desktop_app.gui.state import AppState
from desktop_app.gui.widgets.empty_state import EmptyState
from desktop_app.gui.widgets.prose import Run
from desktop_app.gui.widgets.search_field import SearchField
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.operations.approvals import RequestLine, Review

Lines = tuple["RequestLine", ...]


class ApprovalsPage(Page[Lines]):
    """Enter opens a request."""

    key, title = "approvals", "Approvals"
    kinds = frozenset({"promotion.requested", "promotion.signed_off", "promotion.closed", "stage.changed",
                       "role.granted", "role.revoked", "prior_decision"})

    def __init__(self, jobs: Jobs, state: AppState) -> None:
        super().__init__(jobs, state)
        self.add_button("Sign several…", self.sign_several)
        self.add_button("Record an earlier decision…", self.record_prior)
        self.table: RecordTable[RequestLine] = RecordTable(
            _columns(), name="Promotion requests", identity=lambda line: line.request.record.id)
        self.table.opened.connect(lambda line: self.open("review", request=line.request.record.id))
        self.filter = SearchField("Filter requests")
        self.filter.setMaximumWidth(theme.px(300))
        self.filter.searched.connect(self.table.set_filter)
        self.set_content(filtered(self.filter, self.table))

    def load(self, ws: Workspace, progress: Progress) -> Lines:
        """Every request, in the order the operation gives."""
        from desktop_app.operations import approvals

        return approvals.listing(ws)

    def show_data(self, data: Lines) -> None:
        """Show them, and say how many wait for whom."""
        mine = sum(line.waits_for_me for line in data)
        waiting = sum(line.outcome == "open" for line in data)
        words = Run(f"{mine} wait{'s' if mine == 1 else ''} for you", "strong", "accent") if mine else Run(
            "Nothing waits for you", tone="muted")
        self.set_subline(words, Run(f" · {waiting} open · {len(data) - waiting} decided or closed", tone="muted"))
        self.table.set_records(data)
        if data and self.table.current is None:
            self.table.selectRow(0)

    def is_empty(self, data: Lines) -> bool:
        """Whether nothing was ever requested."""
        return not data

    def empty_state(self) -> EmptyState:
        """Say how a request comes to be."""
        return EmptyState("No promotion was requested yet", "A request freezes what a version rests on and asks the "
                          "people whom the policy names.", "Open a version in the inventory and request its promotion.",
                          action=("Open the inventory", lambda: self.open("inventory")))

    def sign_several(self) -> None:
        """Read the chosen requests, and sign a decision on each under one passphrase where the policy allows it."""
        chosen = [line.request.record.id for line in self.table.selected if line.waits_for_me]
        if len(chosen) < 2:
            show_error(self, UserError("Fewer than two requests that wait for you are chosen.", "",
                                       "Choose several rows with Ctrl or Shift, then try again."))
            return

        def read(ws: Workspace) -> tuple[Review, ...]:
            from desktop_app.operations import approvals, signing

            seen = tuple(approvals.review(ws, request) for request in chosen)
            signing.check_schedule(seen)
            return seen

        self.jobs.run(self, lambda ws, progress: read(ws), then=self._open_schedule, key="schedule")

    def _open_schedule(self, seen: tuple[Review, ...]) -> None:
        from desktop_app.gui.dialogs.sign_schedule import SignSchedule

        SignSchedule(self.jobs, seen, self).open()

    def record_prior(self) -> None:
        """Take in a decision made before this registry."""
        from desktop_app.gui.dialogs.prior_decision import PriorDecisionDialog

        PriorDecisionDialog(self.jobs, self).open()


def filtered(field: SearchField, table: RecordTable[Any]) -> QWidget:
    """A filter field above a table."""
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(theme.M)
    column.addWidget(field)
    column.addWidget(table, 1)
    field.leads_to(table)
    return holder


def _columns() -> list[Column[RequestLine]]:
    return [
        Column(key="model", title="Model, version, use", text=lambda r: r.model_name, strong=True, width=300, stretch=3,
               suffix=lambda r: label_text(r.version_label), second=lambda r: r.use),
        Column(key="tier", title="Tier", text=lambda r: str(r.tier), align="right", width=54, sort=lambda r: r.tier),
        Column(key="stage", title="To", text=lambda r: r.request.record.to_stage, width=130,
               second=lambda r: CHANGES[r.request.record.change_class].lower()),
        Column(key="asked", title="Asked by", text=lambda r: r.requested_by, width=150, stretch=1,
               second=lambda r: f"{r.request.label} · {day_text(r.request.at.astimezone().date())}",
               sort=lambda r: r.request.seq),
        Column(key="state", title="State", chip=lambda r: outcome_chip(r.outcome, r.decided, r.asked), width=150,
               text=lambda r: outcome_chip(r.outcome, r.decided, r.asked)[1]),
        Column(key="waits", title="Waits for", text=_waits, width=170, stretch=1, second=_blocks,
               tone=lambda r: "accent" if r.waits_for_me else "muted", sort=lambda r: not r.waits_for_me),
        Column(key="due", title="Decide by", width=120, sort=lambda r: r.request.record.decide_by,
               text=lambda r: day_text(r.request.record.decide_by) if r.request.record.decide_by else "–"),
    ]


def _waits(line: RequestLine) -> str:
    if line.outcome != "open":
        return "–"
    return "you" if line.waits_for_me else "somebody else"


def _blocks(line: RequestLine) -> str:
    if line.outcome != "open" or not line.blocking:
        return ""
    return f"{line.blocking} requirement{'s' if line.blocking > 1 else ''} not met"
