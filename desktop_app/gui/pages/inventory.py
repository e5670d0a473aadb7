"""The inventory: every model in every use, what is wrong across them, and the way to one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop_app.domain import inventory as rules
from desktop_app.domain.canonical import Id, day_text
from desktop_app.domain.inventory import InventoryRow
from desktop_app.domain.listing import ATTENTION, EVERYTHING, USED, WAITING, InventoryFilter
from desktop_app.domain.model import Nature
from desktop_app.domain.requirements import OPINION_TEXT
from desktop_app.domain.words import counted
from desktop_app.gui import theme
from desktop_app.gui.jobs import Jobs, Lane, Workspace
from desktop_app.gui.page import Page
from desktop_app.gui.pages.counter_line import Count, CounterLine
from desktop_app.gui.pages.filter_button import FilterButton
from desktop_app.gui.record_table import Column, RecordTable
from desktop_app.gui.state import AppState
from desktop_app.gui.widgets.empty_state import EmptyState
from desktop_app.gui.widgets.prose import paragraph, words
from desktop_app.gui.widgets.search_field import SearchField
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.operations.inventory import InventoryList

KINDS = frozenset({
    "model", "version", "use", "tier", "in_use", "validation", "validation.concluded", "finding", "finding.event",
    "promotion.requested", "promotion.signed_off", "promotion.closed", "stage.changed", "prior_decision", "condition",
    "condition.event", "exception", "overlay", "inventory.imported", "source.synced", "evidence", "card",
    "evidence.withdrawn", "artefact.resolved", "policy",
})
CHIPS = {"waiting": "pending"}  # approval state → chip state, where the words differ
VIEWS = ((EVERYTHING, "Everything"), (ATTENTION, "Needs attention"), (USED, "In use"), (WAITING, "Waiting"))
MOST = 5_000  # rows that a reload keeps shown


class InventoryPage(Page["InventoryList"]):
    """See the module."""

    key, title, kinds = "inventory", "Inventory", KINDS

    def __init__(self, jobs: Jobs, state: AppState, parent: QWidget | None = None) -> None:
        super().__init__(jobs, state, parent)
        self._view: InventoryList | None = None
        self._rows: tuple[InventoryRow, ...] = ()
        self._more = False
        self._wanted = InventoryFilter()
        self.add_button("Register…", self.register)
        self.add_button("Import…", self.import_file)
        self.add_button("Sync…", self.sync)
        self.add_button("Export", self.export)
        self._make_content()

    def _make_content(self) -> None:
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.L)
        self.counters = CounterLine()
        self.counters.chosen.connect(lambda key: self._refilter())
        column.addWidget(self.counters)
        column.addLayout(self._filter_row())
        self.table: RecordTable[InventoryRow] = RecordTable(
            self._columns(), name="Models and their uses", paged=True, identity=lambda r: (r.version, r.use))
        self.table.order_wanted.connect(self._order)
        self.table.more_wanted.connect(self._load_more)
        self.table.opened.connect(self._open)
        self.table.chosen.connect(self._select)
        self.search.leads_to(self.table)
        column.addWidget(self.table, 1)
        self.set_content(content)
        layout = self.layout()
        assert layout is not None
        layout.setSpacing(theme.XS)  # the counters stand right under the title

    def _filter_row(self) -> QHBoxLayout:
        self.search = SearchField("Filter the list…", shortcut="Ctrl+F")
        self.search.searched.connect(self.table_filter)
        self.search.setMinimumWidth(theme.px(160))
        self.search.setMaximumWidth(theme.px(280))
        self.tiers: FilterButton[int] = FilterButton("Tier", [(0, "All tiers")])
        self.entities: FilterButton[str] = FilterButton("Entity", [("", "All entities")])
        row = QHBoxLayout()
        row.setSpacing(theme.S)
        row.addWidget(self.search, 4)
        QShortcut(QKeySequence("Ctrl+F"), self, self.search.setFocus)
        for button in (self.tiers, self.entities):
            button.changed.connect(self._refilter)
            row.addWidget(button)
        self.how_many = words("", "muted")
        row.addSpacing(theme.S)
        row.addWidget(self.how_many)
        row.addStretch(1)
        self.views: FilterButton[str] = FilterButton("View", VIEWS)
        self.views.changed.connect(self._refilter)
        row.addWidget(words("View", "note"))
        row.addWidget(self.views)
        return row

    def _columns(self) -> list[Column[InventoryRow]]:
        return [
            Column(key="model", title="Model, version, use", text=lambda r: r.name, second=use_words,
                   suffix=lambda r: label_text(r.label), strong=True, stretch=3, width=250),
            Column(key="tier", title="Tier", text=lambda r: str(r.tier or "–"), align="right", width=52),
            Column(key="status", title="Status", text=_status, width=104),
            Column(key="validation", title="Validation", text=_opinion, width=150, stretch=1,
                   second=lambda r: day_text(r.opinion_on) if r.opinion_on else "—"),
            Column(key="approval", title="Approval", text=lambda r: rules.approval(r, self.today).text,
                   chip=lambda r: approval_chip(r, self.today), width=176, stretch=1),
            Column(key="finding", title="Worst open finding", text=lambda r: _finding(r, self.today), width=156,
                   stretch=1),
            Column(key="due", title="Next due", text=lambda r: _due(r, self.today)[0], width=130, stretch=1,
                   second=lambda r: _due(r, self.today)[2],
                   tone=lambda r: "breached" if _due(r, self.today)[1] else "ink"),
            Column(key="owner", title="Owner", text=self._owner, width=130, hidden=True),
            Column(key="number", title="Inventory number", text=lambda r: r.number, width=120, mono=True, hidden=True),
            Column(key="technique", title="Technique", text=lambda r: r.technique, width=130, hidden=True),
            Column(key="vendor", title="Vendor", text=lambda r: r.vendor, width=120, hidden=True),
        ]

    def _owner(self, row: InventoryRow) -> str:
        return self._view.names.get(row.owner, "") if self._view and row.owner else ""

    @property
    def today(self) -> date:
        """The day of what is shown, by the registry's clock."""
        return self._view.today if self._view else date.today()  # noqa: DTZ011 - nothing is shown yet

    # --- loading

    def load(self, ws: Workspace, progress: Progress) -> InventoryList:
        """The first rows that pass, as many as were shown, with the counters."""
        from desktop_app.operations import inventory

        return inventory.page(ws, self._wanted, max(inventory.PAGE, min(len(self._rows), MOST)))

    def is_empty(self, data: InventoryList) -> bool:
        """A registry without a model."""
        return not data.uses

    def empty_state(self) -> EmptyState:
        """The ways to bring models in."""
        return Beginning(self)

    def show_data(self, data: InventoryList) -> None:
        """Show the rows, the counters and what there is to choose from."""
        self._view, self._rows, self._more = data, data.rows, data.more
        counts = [Count(c.key, c.sentence, c.severity, strong=c.severity == "breached") for c in data.counters]
        total = f"{counted(data.models, 'model')} in {counted(data.uses, 'use')}"
        self.counters.show_counts([*counts, Count("", total)])
        self.tiers.offer([(0, "All tiers"), *((t, f"Tier {t}") for t in data.tiers)])
        self.entities.offer([("", "All entities"), *((e, e) for e in data.entities)])
        self.table.set_records(self._rows)
        self._say_how_many()
        if self.table.current is None and self.isVisible() and self.window().focusWidget() in (None, self):
            self.table.setFocus()
        self._refilter()  # what was chosen may be there no more

    # --- filtering

    def table_filter(self, typed: str) -> None:
        """Show only rows that say every word typed."""
        self._ask(replace(self._wanted, words=" ".join(typed.split())))

    def _refilter(self) -> None:
        self._ask(replace(
            self._wanted, tier=self.tiers.value or None, entity=self.entities.value or "",
            view=self.views.value or EVERYTHING, alarm=self.counters.current or ""))

    def _order(self, key: str, descending: bool) -> None:
        self._ask(replace(self._wanted, order=key or "model", descending=descending and bool(key)))

    def _ask(self, wanted: InventoryFilter) -> None:
        if wanted != self._wanted:
            self._wanted, self._rows, self._more = wanted, (), False
            self.table.awaits = True
            self.reload()

    def _load_more(self) -> None:
        if not self._more:
            return
        self._more = False  # until they are there
        wanted, after = self._wanted, self._rows[-1]

        def load(ws: Workspace) -> tuple[tuple[InventoryRow, ...], bool]:
            from desktop_app.operations import inventory

            return inventory.more(ws, wanted, after)

        self.jobs.run(self, lambda ws, progress: load(ws), key="more",
                      then=lambda found: self._add(*found, wanted, after))

    def _add(self, rows: tuple[InventoryRow, ...], more: bool, wanted: InventoryFilter, after: InventoryRow) -> None:
        if wanted == self._wanted and self._rows and self._rows[-1] == after:  # nothing else was loaded meanwhile
            self._rows, self._more = (*self._rows, *rows), more
            self.table.set_records(self._rows)

    def _say_how_many(self) -> None:
        assert self._view is not None
        shown, every = self._view.passing, self._view.uses
        self.how_many.setText("" if shown == every else "No row passes" if not shown else f"{shown:,} of {every:,}")

    # --- what can be done

    def _select(self, row: InventoryRow | None) -> None:
        if row is not None:
            self.state.select("version", row.version)

    def _open(self, row: InventoryRow) -> None:
        self.open("version", version=row.version, use=row.use)

    def register(self) -> None:
        """Register a model by hand."""
        from desktop_app.gui.dialogs.register_model import RegisterModel

        dialog = RegisterModel(self.jobs, parent=self)
        dialog.succeeded.connect(self._registered)
        dialog.open()

    def _registered(self, made: tuple[Id, Id]) -> None:
        self.forget()
        self.open("version", version=made[0], use=made[1])

    def import_file(self) -> None:
        """Take an inventory file in."""
        from desktop_app.gui.dialogs.import_inventory import ImportInventory

        dialog = ImportInventory(self.jobs, parent=self)
        dialog.succeeded.connect(lambda result: self.forget())
        dialog.open()

    def sync(self) -> None:
        """Read an MLflow server."""
        from desktop_app.gui.dialogs.sync_mlflow import SyncMlflow

        dialog = SyncMlflow(self.jobs, parent=self)
        dialog.succeeded.connect(lambda result: self.forget())
        dialog.open()

    def export(self) -> None:
        """Write the inventory as CSV; the export is recorded."""
        chosen, _ = QFileDialog.getSaveFileName(self, "Export the inventory", "inventory.csv", "CSV (*.csv)")
        if chosen:
            self.export_to(Path(chosen))

    def export_to(self, target: Path) -> None:
        """Write the inventory to a file, in a job."""
        def work(ws: Workspace) -> str:
            from desktop_app.operations import inventory

            return inventory.export_csv(ws, target)

        self.jobs.run(
            self, lambda ws, progress: work(ws), lane=Lane.WRITE, title="export of the inventory",
            then=lambda digest: self.how_many.setText(f"Exported to {target.name}, SHA-256 {digest[:8]}…"))


class Beginning(EmptyState):
    """What a new registry says: the three ways to bring models in."""

    def __init__(self, page: InventoryPage) -> None:
        super().__init__("No model is registered yet", "There are three ways to bring models in.")
        column = self.layout()
        assert isinstance(column, QVBoxLayout)
        ways: tuple[tuple[str, str, Callable[[], None]], ...] = (
            ("Import…", "An inventory kept in Excel or CSV: columns are matched, mistakes shown before anything is "
             "written.", page.import_file),
            ("Sync…", "An MLflow server: its registered models, versions, runs and aliases.", page.sync),
            ("Register…", "One model by hand: a vendor model, a spreadsheet, anything that lives in no system.",
             page.register),
        )
        holder = QWidget()
        holder.setMaximumWidth(theme.px(560))
        rows = QVBoxLayout(holder)
        rows.setSpacing(theme.M)
        for title, said, run in ways:
            rows.addLayout(_way(title, said, run))
        column.insertSpacing(column.count() - 1, theme.L)
        column.insertWidget(column.count() - 1, holder, 0)
        column.setAlignment(holder, Qt.AlignmentFlag.AlignHCenter)


def _way(title: str, said: str, run: Callable[[], None]) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(theme.L)
    button = QPushButton(title)
    button.setFixedWidth(theme.px(112))
    button.setAccessibleDescription(said)
    button.clicked.connect(lambda checked=False: run())
    row.addWidget(button)
    row.addWidget(paragraph(said, "muted", selectable=False), 1)
    return row


# --- the words of a row


def label_text(label: str) -> str:
    """A version as people write it: v7 for MLflow's 7, others as they are."""
    return f"v{label}" if label.isdigit() else label


def use_words(row: InventoryRow) -> str:
    """What it is used for, where."""
    return " · ".join(part for part in (row.purpose, row.entity or row.business_line) if part) or "no use described"


def approval_chip(row: InventoryRow, today: date) -> tuple[str, str]:
    """The approval as a chip: (state of widgets.chip.STATES, words)."""
    found = rules.approval(row, today)
    return CHIPS.get(found.state, found.state), found.text


def _status(row: InventoryRow) -> str:
    return rules.status_text(row)


def _opinion(row: InventoryRow) -> str:
    if row.nature is Nature.NOT_A_MODEL:
        return "not a model"
    if row.opinion:
        return OPINION_TEXT[row.opinion]
    return "in progress" if any(d.what == "validation" for d in row.due) else "—"


def _finding(row: InventoryRow, today: date) -> str:
    if row.finding is None or row.finding_severity is None:
        return "—"
    age = f" · {(today - row.finding_since).days} d" if row.finding_since else ""
    return f"{row.finding_label} {row.finding_severity.value}{age}"


def _due(row: InventoryRow, today: date) -> tuple[str, bool, str]:
    """What is due next, whether it is late, and the day where it is not."""
    from desktop_app.operations.inventory import next_due

    words_due, late = next_due(row, today)
    what, _, day = ("", "", "") if late else words_due.partition(" ")
    return what or words_due or "—", late, day
