"""Which column of an inventory file is which field: one line per column, with values found in it."""

from __future__ import annotations

import json
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QSpinBox, QVBoxLayout, QWidget

from desktop_app.domain.words import counted
from desktop_app.gui import theme
from desktop_app.gui.dialogs.form import Choice, beside
from desktop_app.gui.pages.version_tabs.tab import empty
from desktop_app.gui.widgets.fields import labelled
from desktop_app.gui.widgets.prose import Prose, Run, paragraph

FIELDS = (
    ("number", "Inventory number"), ("name", "Name"), ("version", "Version"), ("purpose", "Purpose"),
    ("entity", "Legal entity"), ("business_line", "Business line"), ("limits", "Limits of use"),
    ("description", "Description"), ("tier", "Tier"), ("use_state", "In use"), ("use_since", "In use since"),
    ("owner", "Owner"), ("developer", "Developer"), ("vendor", "Vendor"), ("origin", "Origin"),
    ("technique", "Technique"), ("nature", "Is it a model"), ("nature_reason", "Reason for the determination"),
    ("opinion", "Validation opinion"), ("validated_on", "Validated on"), ("validated_by", "Validated by"),
    ("approved_on", "Approved on"), ("approved_until", "Approved until"), ("approved_by", "Approved by"),
    ("conditions", "Conditions"), ("conditions_due", "Conditions due"), ("finding_title", "Finding"),
    ("finding_number", "Finding number"), ("finding_severity", "Finding severity"), ("finding_due", "Finding due"),
    ("finding_opened", "Finding opened"), ("finding_owner", "Finding owner"), ("exception_until", "Exception until"),
    ("exception_reason", "Exception reason"), ("overlay", "Overlay"), ("overlay_review", "Overlay review"),
    ("family", "Family"), ("segment", "Segment"), ("next_review", "Next review"), ("retired_on", "Retired on"),
)
ORDERS = (("", "only dates that leave no doubt"), ("day_first", "day first: 3/4 is 3 April"),
          ("month_first", "month first: 3/4 is 4 March"))


class ColumnMapping(QWidget):
    """Signal `changed`: another sheet, header row, order of dates or field was chosen by hand."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fields: dict[str, Choice[str]] = {}
        self._shown: tuple[Any, ...] = ()
        self.sheet: Choice[str] = Choice()
        self.header, self.order = QSpinBox(), Choice(ORDERS)
        self.header.setRange(1, 1_000)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.M)
        column.addWidget(beside(labelled("Sheet", self.sheet), labelled("Row of the titles", self.header),
                                labelled("Dates with slashes", self.order)))
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(theme.L)
        self._grid.setVerticalSpacing(theme.S)
        self._grid.setColumnStretch(0, 3)
        self._grid.setColumnStretch(1, 2)
        column.addLayout(self._grid)
        self.sheet.currentIndexChanged.connect(lambda index: self.changed.emit())
        self.header.editingFinished.connect(self.changed.emit)
        self.order.currentIndexChanged.connect(lambda index: self.changed.emit())

    def show_mapping(self, sheets: tuple[Any, ...], mapping: Any) -> None:
        """Show a mapping over the columns of its sheet."""
        blocked = self.blockSignals(True)
        self.sheet.offer([(s.name, f"{s.name} · {counted(s.rows, 'row')}") for s in sheets])
        self.sheet.choose(mapping.sheet)
        self.header.setValue(mapping.header_row)
        self.order.choose(str(mapping.date_order or ""))
        columns = next((s.columns for s in sheets if s.name == mapping.sheet), ())
        if tuple(columns) != self._shown:
            self._show_columns(tuple(columns))
        field_of = {pair.value: pair.key for pair in mapping.columns}
        for title, choice in self._fields.items():
            choice.choose(field_of.get(title, ""))
        self.blockSignals(blocked)

    def _show_columns(self, columns: tuple[Any, ...]) -> None:
        self._shown = columns
        empty(self._grid)
        self._fields = {}
        offered = [("", "– not one of the fields; kept as a tag"), *FIELDS]
        for row, column in enumerate(columns):
            samples = ", ".join(f"“{s}”" for s in column.samples[:3]) or "empty"
            said = Prose((Run(column.title, "strong"), Run(f"  {column.letter}", "mono", "muted"),
                          Run(f"\n{samples[:110]}", "note", "muted")), line_height=1.3)
            choice: Choice[str] = Choice(offered)
            choice.setAccessibleName(f"Field of column {column.title}")
            choice.setAccessibleDescription(f"Values: {samples[:200]}")
            choice.currentIndexChanged.connect(lambda index, title=column.title: self._chosen(title))
            self._fields[column.title] = choice
            self._grid.addWidget(said, row, 0)
            self._grid.addWidget(choice, row, 1)
        if not columns:
            self._grid.addWidget(paragraph("This sheet has no columns.", "muted"), 0, 0)

    def _chosen(self, title: str) -> None:
        """A field belongs to one column: another that had it lets go."""
        field = self._fields[title].value
        for other, choice in self._fields.items():
            if other != title and field and choice.value == field:
                blocked = choice.blockSignals(True)
                choice.choose("")
                choice.blockSignals(blocked)
        self.changed.emit()

    def field_of(self, title: str) -> Choice[str]:
        """The choice beside a column. Raises KeyError."""
        return self._fields[title]

    def text(self) -> str:
        """The mapping as it is shown, as the JSON of a saved mapping."""
        columns = {choice.value: title for title, choice in self._fields.items() if choice.value}
        return json.dumps({"format": "inventory mapping 1", "sheet": self.sheet.value or "",
                           "header_row": self.header.value(), "date_order": self.order.value or None,
                           "columns": columns}, ensure_ascii=False, indent=2) + "\n"
