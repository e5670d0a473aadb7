"""Evidence: everything that was computed or filed about any version, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop_app.domain.canonical import day_text
from desktop_app.domain.evidence import EvidenceKind, Standing, Verdict, worst
from desktop_app.gui import theme
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.page import Page
from desktop_app.gui.pages.approvals import filtered
from desktop_app.gui.pages.basis import STANDINGS
from desktop_app.gui.pages.review import label_text
from desktop_app.gui.record_table import Column, RecordTable
from desktop_app.gui.state import AppState
from desktop_app.gui.widgets.empty_state import EmptyState
from desktop_app.gui.widgets.prose import Run
from desktop_app.gui.widgets.search_field import SearchField
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.operations.evidence import EvidenceLine

Lines = tuple["EvidenceLine", ...]
TABS = {EvidenceKind.PERFORMANCE: "Performance", EvidenceKind.FAIRNESS: "Fairness",
        EvidenceKind.EXPLANATION: "Explanation", EvidenceKind.DOCUMENT: "Documents"}


class EvidencePage(Page[Lines]):
    """Enter opens the version it is about."""

    key, title = "evidence", "Evidence"
    kinds = frozenset({"evidence", "evidence.withdrawn", "model", "version"})

    def __init__(self, jobs: Jobs, state: AppState) -> None:
        super().__init__(jobs, state)
        self.add_button("Export…", lambda: self.table.ask_and_export(self.jobs, "evidence"))
        self.table: RecordTable[EvidenceLine] = RecordTable(
            _columns(), name="Evidence", identity=lambda line: line.item.record.id)
        self.table.opened.connect(self._open)
        self.filter = SearchField("Filter evidence")
        self.filter.setMaximumWidth(theme.px(300))
        self.filter.searched.connect(self.table.set_filter)
        self.set_content(filtered(self.filter, self.table))

    def load(self, ws: Workspace, progress: Progress) -> Lines:
        """All evidence."""
        from desktop_app.operations import evidence

        return evidence.listing(ws)

    def show_data(self, data: Lines) -> None:
        """Show it; say first what does not hold."""
        standing = [line for line in data if line.stands]
        breached = sum(worst(line.item.record.verdicts) is Verdict.BREACHED for line in standing)
        unsure = sum(worst(line.item.record.verdicts) is Verdict.UNDETERMINED for line in standing)
        asserted = sum(line.item.record.standing is Standing.ASSERTED for line in standing)
        runs = [Run(f"{breached} breached", "strong", "breached"), Run(" · ", tone="muted")] if breached else []
        self.set_subline(*runs, Run(
            f"{unsure} undetermined · {asserted} asserted, not recomputed · {len(standing)} stand, "
            f"{len(data) - len(standing)} superseded or withdrawn", tone="muted"))
        self.table.set_records(data)
        if self.table.current is None:
            self.table.selectRow(0)

    def is_empty(self, data: Lines) -> bool:
        """Whether nothing was filed."""
        return not data

    def empty_state(self) -> EmptyState:
        """Say where evidence comes from."""
        return EmptyState("No evidence yet", "Bias reports, explanations and documents are made or filed on the page "
                          "of a version.", action=("Open the inventory", lambda: self.open("inventory")))

    def _open(self, line: EvidenceLine) -> None:
        evidence = line.item.record
        tab = {"tab": TABS[evidence.evidence_kind]} if evidence.evidence_kind in TABS else {}
        self.open("version", version=evidence.version, **tab)


def _columns() -> list[Column[EvidenceLine]]:
    return [
        Column(key="title", title="Evidence", text=lambda e: e.item.record.title, strong=True, width=260, stretch=2,
               suffix=lambda e: e.item.label, second=lambda e: e.item.record.evidence_kind.value.replace("_", " "),
               tone=lambda e: "ink" if e.stands else "muted"),
        Column(key="version", title="Model, version", text=lambda e: e.model_name, width=180, stretch=1,
               suffix=lambda e: label_text(e.version_label)),
        Column(key="verdict", title="Verdict", width=140, text=lambda e: "", chip=_verdict),
        Column(key="standing", title="Who vouches", text=lambda e: STANDINGS[e.item.record.standing].split(",")[0],
               width=130, second=lambda e: "" if e.stands else "superseded or withdrawn"),
        Column(key="period", title="Period", text=_period, width=150, muted=True),
        Column(key="by", title="Filed", text=lambda e: e.by, width=150, stretch=1, sort=lambda e: e.item.seq,
               second=lambda e: f"{day_text(e.item.at.astimezone().date())} · entry {e.item.seq:,}"),
    ]


def _verdict(line: EvidenceLine) -> tuple[str, str] | None:
    evidence = line.item.record
    if not evidence.verdicts:
        return None
    verdict = worst(evidence.verdicts)
    return verdict.value, verdict.value.replace("_", " ")


def _period(line: EvidenceLine) -> str:
    evidence = line.item.record
    days = [day_text(day) for day in (evidence.period_from, evidence.period_to) if day]
    return " – ".join(days) or "not stated"
