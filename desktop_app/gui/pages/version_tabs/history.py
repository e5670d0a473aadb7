"""History: every entry of the log that concerns the model, newest first; Enter opens the entry.

The page of the log shows the same as a timeline, with what each entry changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QVBoxLayout

from desktop_app.domain.canonical import day_text
from desktop_app.gui import theme
from desktop_app.gui.pages.version_tabs.tab import Loaded, Tab
from desktop_app.gui.record_table import Column, RecordTable
from desktop_app.gui.widgets.column import beside, button

if TYPE_CHECKING:
    from desktop_app.domain.canonical import Id
    from desktop_app.gui.pages.version import VersionPage
    from desktop_app.operations.models import Event


class HistoryTab(Tab):
    """See the module."""

    title, letter = "History", "H"

    def __init__(self, page: VersionPage) -> None:
        super().__init__(page)
        self._model: Id | None = None
        self.table: RecordTable[Event] = RecordTable([
            Column(key="seq", title="Entry", text=lambda e: f"{e.seq:,}", align="right", width=70, sort=lambda e: e.seq,
                   mono=True),
            Column(key="at", title="When", text=lambda e: day_text(e.at.astimezone().date()), width=150,
                   suffix=lambda e: f"{e.at.astimezone():%H:%M}", sort=lambda e: e.at),
            Column(key="who", title="Who", text=lambda e: e.who, width=160),
            Column(key="note", title="What", text=lambda e: e.note or e.action, width=360, stretch=1),
            Column(key="action", title="Action", text=lambda e: e.action, width=180, mono=True),
        ], name="History of the model", dense=True, identity=lambda e: e.seq)
        self.table.opened.connect(lambda event: self.page.open("audit", entry=event.seq))
        self.timeline = button("Everything about this model…", self._open_timeline)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.M, 0, 0)
        column.setSpacing(theme.S)
        column.addWidget(beside(self.timeline))
        column.addWidget(self.table)

    def _open_timeline(self) -> None:
        if self._model is not None:
            self.page.open("audit", model=self._model)

    def show_data(self, loaded: Loaded, data: Any) -> None:
        """The events, newest first."""
        self._model = loaded.view.model.model
        self.timeline.setText(f"Everything about {loaded.view.model.name}…".replace("&", "&&"))
        self.table.set_records(loaded.view.events)
