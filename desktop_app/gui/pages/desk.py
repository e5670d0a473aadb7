"""My desk: what waits for whoever acts, what they must mend, what is due soon in their models, what changed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop_app.domain.canonical import day_text, record
from desktop_app.domain.words import counted
from desktop_app.gui import theme
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.page import Page
from desktop_app.gui.pages.review import label_text
from desktop_app.gui.state import AppState
from desktop_app.gui.widgets.checklist import CheckItem, Checklist
from desktop_app.gui.widgets.column import Column, heading, muted, scrolling, upright
from desktop_app.gui.widgets.prose import Run
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.domain.inventory import InventoryRow
    from desktop_app.operations.approvals import RequestLine
    from desktop_app.operations.entries import EntryLine
    from desktop_app.operations.findings import FindingLine

SOON = 60  # days
RECENT = 12


@record
class Shown:
    """What concerns one person."""

    waiting: tuple[RequestLine, ...]
    asked: tuple[RequestLine, ...]
    findings: tuple[FindingLine, ...]
    due: tuple[tuple[InventoryRow, date, str], ...]
    recent: tuple[EntryLine, ...]
    today: date


class DeskPage(Page[Shown]):
    """Everything on it opens where it is dealt with."""

    key, title = "desk", "My desk"

    def __init__(self, jobs: Jobs, state: AppState) -> None:
        super().__init__(jobs, state)
        self._places: dict[str, tuple[str, dict[str, object]]] = {}
        self.lists: dict[str, Checklist] = {}
        self.left, self.right = Column(), Column()
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.XL)
        for part, stretch in ((scrolling(self.left), 3), (upright(), 0), (scrolling(self.right), 2)):
            row.addWidget(part, stretch)
        self.set_content(holder)

    def load(self, ws: Workspace, progress: Progress) -> Shown:
        """Requests, findings, due dates and the last entries."""
        from desktop_app.operations import approvals, audit, findings, inventory

        requests, me, today = approvals.listing(ws), ws.actor, ws.today()
        soon = today + timedelta(days=SOON)
        mine = inventory.owned(ws, me) if me is not None else ()
        due = sorted(((row, d.on, d.what) for row in mine for d in row.due if d.on <= soon), key=lambda each: each[1])
        return Shown(
            waiting=tuple(r for r in requests if r.waits_for_me), due=tuple(due), today=today,
            asked=tuple(r for r in requests if me is not None and r.request.by == me and r.outcome == "open"),
            findings=tuple(f for f in findings.listing(ws) if f.now.is_open and me is not None
                           and f.now.finding.owner == me),
            recent=audit.listing(ws, after=max(0, audit.head_seq(ws) - RECENT)))

    def registry_changed(self, change: object) -> None:
        """Every change is on the desk."""
        self.forget()

    def show_data(self, data: Shown) -> None:
        """Sections that hold something; in words what there is to do."""
        self._places, self.lists = {}, {}
        acting = self.state.acting
        todo = len(data.waiting) + len(data.findings)
        words = Run(f"{todo} thing{'s' if todo > 1 else ''} to do", "strong", "accent") if todo else Run(
            "Nothing waits for you.", tone="muted")
        self.set_subline(words, Run(f" · {acting.name}, {acting.role.lower()}" if acting else
                                    " Choose who acts at the top right.", tone="muted"))
        filled = {"Waits for you": [self._request(r) for r in data.waiting],
                  "You asked for": [self._request(r) for r in data.asked],
                  "Findings you own": [self._finding(f, data.today) for f in data.findings],
                  "Due soon in your models": [self._due(*each, data.today) for each in data.due]}
        parts: list[QWidget | int] = []
        for name, items in filled.items():
            if items:
                parts += [heading(name, str(len(items))), self._list(name, items), theme.L]
        if not parts:
            parts = [heading("A clear desk"), muted(
                "Requests that ask for your decision, findings that you must mend and dates that come near in your "
                "models appear here.")]
        self.left.show_parts(*parts)
        recent = self._list("What changed", [self._entry(e) for e in data.recent])
        self.right.show_parts(heading("What changed"), recent)

    def _list(self, name: str, items: list[CheckItem]) -> Checklist:
        self.lists[name] = made = Checklist(name=name)
        made.chosen.connect(self._open)
        made.show_items(items)
        return made

    def _open(self, key: str) -> None:
        page, arguments = self._places[key]
        self.open(page, **arguments)

    # --- lines

    def _place(self, key: str, page: str, **arguments: object) -> str:
        self._places[key] = (page, arguments)
        return key

    def _request(self, line: RequestLine) -> CheckItem:
        asked = line.request.record
        blocks = f"; {counted(line.blocking, 'requirement')} not met" if line.blocking else ""
        return CheckItem(
            key=self._place(f"request {asked.id}", "review", request=asked.id), state="pending",
            title=f"{line.model_name} {label_text(line.version_label)}, to {asked.to_stage}",
            sub=f"{line.use} · asked by {line.requested_by}, {line.decided} of {line.asked} decided{blocks}",
            note=f"by {day_text(asked.decide_by)}" if asked.decide_by else "")

    def _finding(self, line: FindingLine, today: date) -> CheckItem:
        finding, due = line.now.finding, line.now.due
        late = due is not None and due < today
        return CheckItem(
            key=self._place(f"finding {finding.id}", "findings", finding=finding.id),
            state="breached" if late else "attention", title=f"{line.now.label} {finding.title}",
            sub=f"{finding.severity.value}, {line.now.state.value} · {line.model_name} "
            f"{label_text(line.version_label)}", note=_when(due, today))

    def _due(self, row: InventoryRow, on: date, what: str, today: date) -> CheckItem:
        use = {"use": row.use} if row.use else {}
        return CheckItem(
            key=self._place(f"due {row.version} {row.use} {what} {on}", "version", version=row.version, **use),
            state="breached" if on < today else "pending", title=f"{row.name} {label_text(row.label)}: {what}",
            sub=row.purpose, note=_when(on, today))

    def _entry(self, line: EntryLine) -> CheckItem:
        return CheckItem(key=self._place(f"entry {line.seq}", "audit", entry=line.seq), state="note",
                         title=line.told, sub=line.actor,
                         note=f"{line.at.astimezone():%d %b %H:%M}".lstrip("0"))


def _when(day: date | None, today: date) -> str:
    if day is None:
        return ""
    return f"{(today - day).days} d past due" if day < today else f"due {day_text(day)}"
