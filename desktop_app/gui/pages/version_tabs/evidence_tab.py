"""What the tabs of computed evidence share: which report is shown, what can be done with it, how it was made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Id, day_text
from desktop_app.domain.evidence import Criterion, CriterionResult, Evidence, EvidenceKind, Standing
from desktop_app.gui import theme
from desktop_app.gui.jobs import Workspace
from desktop_app.gui.pages.filter_button import FilterButton
from desktop_app.gui.pages.version_tabs.measures import number_words
from desktop_app.gui.pages.version_tabs.tab import ColumnTab, Loaded, button, nothing, say, section
from desktop_app.gui.widgets.chip import Chip
from desktop_app.gui.widgets.facts_list import Fact, FactsList
from desktop_app.gui.widgets.prose import Prose, Run, words
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from PySide6.QtWidgets import QPushButton

    from desktop_app.gui.pages.version import VersionPage
    from desktop_app.operations.evidence import EvidenceLine

STANDING = {
    Standing.COMPUTED: "computed here", Standing.REPERFORMED: "re-performed",
    Standing.ASSERTED: "asserted, not recomputed",
}
RULES = {
    "interval": "judged by the whole interval", "point": "judged by the point, ignoring uncertainty",
    "four_fifths_and_significant": "judged by four fifths and significance together",
}


class EvidenceTab(ColumnTab):
    """The newest report of a kind that stands, or an earlier one that is chosen."""

    evidence_kind: ClassVar[EvidenceKind]
    reads = True
    none_title = "No report yet"
    none_detail = ""

    def __init__(self, page: VersionPage) -> None:
        super().__init__(page)
        self._chosen: Id | None = None

    # --- what a tab overrides

    def pictures(self, item: Evidence) -> Any:
        """What is drawn of a report; on a worker."""

    def show_report(self, item: Recorded[Evidence], pictures: Any) -> None:
        """Fill the column with a report."""

    def offers(self, item: Evidence | None) -> list[QPushButton]:
        """What can be done: with a report, or without one."""
        return []

    # --- loading

    def load(self, ws: Workspace, progress: Progress, loaded: Loaded) -> tuple[tuple[EvidenceLine, ...], Any, Any]:
        """(the reports of this kind, newest first; the one shown; its pictures)."""
        from desktop_app.operations import evidence

        lines = tuple(line for line in evidence.listing(ws, loaded.version)
                      if line.item.record.evidence_kind is self.evidence_kind)
        shown = next((line for line in lines if line.item.record.id == self._chosen), None) \
            or next((line for line in lines if line.stands), None) or next(iter(lines), None)
        return lines, shown, self.pictures(shown.item.record) if shown else None

    def show_data(self, loaded: Loaded, data: tuple[tuple[EvidenceLine, ...], EvidenceLine | None, Any]) -> None:
        """The report, or what can be done to have one."""
        lines, shown, pictures = data
        self.begin()
        if shown is None:
            self.column.addWidget(nothing(self.none_title, self.none_detail, *self.offers(None)), 1)
            return
        self._heading(lines, shown)
        self.show_report(shown.item, pictures)
        self.column.addStretch(1)

    def _heading(self, lines: tuple[EvidenceLine, ...], shown: EvidenceLine) -> None:
        item = shown.item.record
        row = QHBoxLayout()
        row.setSpacing(theme.S)
        row.addWidget(words(f"{shown.item.label} {item.title}", "section"))
        if not shown.stands:
            row.addWidget(Chip("attention", "withdrawn or superseded"))
        if len(lines) > 1:
            which: FilterButton[Id] = FilterButton(
                "Report", [(line.item.record.id, _line_words(line)) for line in lines])
            which.show_value(item.id)
            which.changed.connect(lambda: self.choose(which.value))
            row.addWidget(which)
        row.addStretch(1)
        for made in self.offers(item):
            row.addWidget(made)
        self.column.addLayout(row)
        say(self.column, _made_words(shown), "muted")

    def choose(self, evidence: Id | None) -> None:
        """Show another report of this kind."""
        self._chosen = evidence
        self._fill()

    # --- parts

    def show_verdicts(self, item: Evidence) -> None:
        """Each verdict with its mark and its sentence, what it is about in semibold."""
        for verdict in item.verdicts:
            row = QHBoxLayout()
            row.setSpacing(theme.M)
            state = verdict.verdict.value
            chip = Chip(state, state.replace("_", " "))
            chip.setMinimumWidth(chip.sizeHint().width())
            row.addWidget(chip, 0, Qt.AlignmentFlag.AlignTop)
            row.addWidget(Prose(_sentence_runs(verdict)), 1)
            self.column.addLayout(row)

    def show_notes(self, notes: tuple[str, ...]) -> None:
        """What a reader should know of the data before the numbers."""
        if notes:
            section(self.column, "About the data")
        for note in notes:
            say(self.column, f"– {note}")

    def how_made(self, item: Evidence, column: QVBoxLayout) -> None:
        """Inputs, environment and libraries: what it takes to make the numbers again."""
        facts = []
        for table in item.inputs:
            facts += [Fact("Table", f"{table.name}: {table.rows:,} rows, {table.columns} columns"),
                      Fact("Its digest", table.digest, "digest"),
                      Fact("Kept", f"{table.location or 'not stated'}, until {table.retained_until}")]
        if item.artefact:
            facts.append(Fact("Artefact", item.artefact, "digest"))
        if item.environment:
            made = item.environment
            seed = f", seed {made.seed}" if made.seed is not None else ""
            facts += [Fact("Made with", f"{made.application}, Python {made.python}, {made.platform}{seed}"),
                      Fact("Libraries", ", ".join(f"{p.key} {p.value}" for p in made.libraries))]
        if item.period_from or item.period_to:
            ends = [day_text(d) if d else "…" for d in (item.period_from, item.period_to)]
            facts.append(Fact("Period covered", f"{ends[0]} to {ends[1]}"))
        column.addWidget(FactsList(facts, label_width=130))

    def withdraw(self, item: Evidence) -> None:
        """Withdraw a report that was found wrong."""
        from desktop_app.gui.dialogs.give_reason import GiveReason

        def do(ws: Workspace, reason: str) -> Any:
            from desktop_app.operations import evidence

            return evidence.withdraw(ws, item.id, reason)

        GiveReason(self.jobs, "Withdraw the report", "Decisions that rest on it will say that they are to be "
                   "reconsidered. The report itself stays in the record.", "Withdraw", do, parent=self).open()

    def reperform(self, item: Evidence) -> None:
        """Compute a report again on its table."""
        from desktop_app.gui.dialogs.reperform import Reperform

        known = Path(item.inputs[0].location) if item.inputs and item.inputs[0].location else None
        Reperform(self.jobs, item, known, parent=self).open()

    def withdraw_button(self, item: Evidence) -> QPushButton:
        """The button for it."""
        return button("Withdraw…", lambda: self.withdraw(item))


def criterion_words(criterion: Criterion, on: str) -> str:
    """The threshold of a report, how it is judged, and that it was there before the numbers."""
    sign = "≥" if criterion.direction == "at_least" else "≤"
    said = f"{sign} {number_words(criterion.threshold)}, {RULES[criterion.rule]}"
    return f"{said}, recorded on {on} before the run."


def _sentence_runs(verdict: CriterionResult) -> tuple[Run, ...]:
    about = f"{verdict.criterion.attribute}"
    if about and verdict.sentence.startswith(about):
        return Run(about, "strong"), Run(verdict.sentence[len(about):])
    return (Run(verdict.sentence),)


def _line_words(line: EvidenceLine) -> str:
    gone = "" if line.stands else ", no longer stands"
    return f"{line.item.label} {line.item.record.title}, {day_text(line.item.at.date())}{gone}"


def _made_words(line: EvidenceLine) -> str:
    item = line.item.record
    table = f" on {item.inputs[0].rows:,} rows of {item.inputs[0].name}" if item.inputs else ""
    return f"{STANDING[item.standing].capitalize()}{table} · {line.by}, {day_text(line.item.at.date())}"
