"""Documents: the lines of the policy's checklist and what was filed on them. Filed means asserted, not recomputed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from desktop_app.domain.canonical import day_text
from desktop_app.domain.evidence import DocumentInfo
from desktop_app.gui import theme
from desktop_app.gui.jobs import Lane, Workspace
from desktop_app.gui.pages.version_tabs.short_table import ShortTable
from desktop_app.gui.pages.version_tabs.tab import SIDE, Loaded, Tab, button, empty, say, section, upright
from desktop_app.gui.record_table import Column
from desktop_app.gui.widgets.checklist import CheckItem, Checklist
from desktop_app.gui.widgets.column import scrolling
from desktop_app.gui.widgets.facts_list import Fact, FactsList
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.domain.change import Change
    from desktop_app.gui.pages.version import VersionPage
    from desktop_app.operations.evidence import EvidenceLine

OTHER = ("other", "Other documents")


class DocumentsTab(Tab):
    """See the module."""

    title, letter, reads = "Documents", "D", True

    def __init__(self, page: VersionPage) -> None:
        super().__init__(page)
        self._lines: tuple[EvidenceLine, ...] = ()
        self.checklist = Checklist(name="Documents the policy asks for")
        self.checklist.chosen.connect(self._choose_line)
        self.checklist.dropped.connect(self._dropped)
        self.table: ShortTable[EvidenceLine] = ShortTable([
            Column(key="title", title="Document", text=lambda e: _info(e).title, strong=True, width=190, stretch=2,
                   second=lambda e: self._titles().get(_info(e).checklist, "Other")),
            Column(key="author", title="Author", text=lambda e: e.author or "not stated", width=140,
                   second=lambda e: f"received {day_text(_info(e).received)}"),
            Column(key="period", title="Period", text=_period, width=110, muted=True),
            Column(key="standing", title="Standing", text=lambda e: "asserted", width=140,
                   chip=lambda e: ("note", "asserted") if e.stands else ("attention", "no longer stands"),
                   second=lambda e: "not recomputed"),
        ], name="Filed documents", dense=False, most=9, identity=lambda e: e.item.record.id)
        self.table.chosen.connect(lambda line: self._show_details())
        self.table.opened.connect(lambda line: self.save_copy())
        self._lay_out()

    def _lay_out(self) -> None:
        side = QWidget()
        left = QVBoxLayout(side)
        left.setContentsMargins(0, 0, theme.M, theme.M)
        left.setSpacing(theme.S)
        section(left, "What the policy asks")
        left.addWidget(self.checklist)
        say(left, "Drop PDF, Word, Excel or mail files on a line, or choose the line and press Enter.", "note")
        left.addWidget(button("File a document…", self.file_document), 0, Qt.AlignmentFlag.AlignLeft)
        left.addStretch(1)
        filed = QWidget()
        right = QVBoxLayout(filed)
        right.setContentsMargins(0, 0, theme.M, theme.M)
        right.setSpacing(theme.M)
        section(right, "Filed")
        self._none = say(right, "No document is filed yet.", "muted")
        right.addWidget(self.table)
        self._details = QVBoxLayout()
        right.addLayout(self._details)
        right.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, theme.XL, 0, 0)
        row.setSpacing(theme.XL)
        asked = scrolling(side)
        asked.setMinimumWidth(theme.px(SIDE * 2 // 3))
        asked.setMaximumWidth(theme.px(SIDE))
        row.addWidget(asked, 2)
        row.addWidget(upright())
        row.addWidget(scrolling(filed), 3)

    # --- loading

    def load(self, ws: Workspace, progress: Progress, loaded: Loaded) -> tuple[EvidenceLine, ...]:
        """Every filed document, newest first."""
        from desktop_app.operations import evidence

        return tuple(line for line in evidence.listing(ws, loaded.version) if line.item.record.document is not None)

    def show_data(self, loaded: Loaded, data: tuple[EvidenceLine, ...]) -> None:
        """The checklist and the documents."""
        self._lines = data
        filed = {_info(line).checklist: line for line in reversed(data) if line.stands}
        self.checklist.show_items([_item(key, title, filed.get(key)) for key, title in self._titles().items()])
        self.table.set_records(data)
        self.table.setVisible(bool(data))
        self._none.setVisible(not data)
        if self.table.current is None and data:
            self.table.choose(lambda line: True)
        self._show_details()

    def _titles(self) -> dict[str, str]:
        """The lines of the policy for the tier, over all stages, and one for the rest."""
        policy = self.loaded.view.policy if self.loaded else None
        tier = self.loaded.view.tier if self.loaded else None
        lines = [line for t in policy.transitions if tier is None or tier in t.tiers for line in t.documents] \
            if policy else []
        return {line.key: line.title for line in lines} | dict([OTHER])

    # --- showing one

    def _choose_line(self, key: str) -> None:
        self.table.choose(lambda line: _info(line).checklist == key)

    def _show_details(self) -> None:
        empty(self._details)
        line = self.table.current
        if line is None:
            return
        info = _info(line)
        self._details.addWidget(FactsList([
            Fact("File", info.file_name), Fact("SHA-256 of the file", info.blob, "digest"),
            Fact("Size", f"{info.size:,} bytes, {info.media_type}"),
            Fact("Filed", f"{line.item.label}, {day_text(line.item.at.date())}, by {line.by}"),
        ], label_width=150))
        row = QHBoxLayout()
        row.setSpacing(theme.S)
        row.addWidget(button("Save a copy…", self.save_copy))
        if line.stands:
            row.addWidget(button("Withdraw…", self.withdraw))
        row.addStretch(1)
        self._details.addSpacing(theme.S)
        self._details.addLayout(row)

    # --- what can be done

    def _dropped(self, key: str, paths: tuple[Path, ...]) -> None:
        self._ask(paths, key)

    def file_document(self) -> None:
        """File a document on the chosen line."""
        self._ask((), self.checklist.current or OTHER[0])

    def _ask(self, paths: tuple[Path, ...], key: str) -> None:
        from desktop_app.gui.dialogs.file_document import FileDocument

        assert self.loaded is not None
        dialog = FileDocument(self.jobs, self.loaded.version, self._titles(), key, paths, parent=self)
        dialog.succeeded.connect(lambda result: self.refresh())
        dialog.open()

    def save_copy(self) -> None:
        """Write the chosen document to a file, exactly as it was filed."""
        line = self.table.current
        if line is None:
            return
        chosen, _ = QFileDialog.getSaveFileName(self, "Save a copy", _info(line).file_name)
        if chosen:
            self.save_copy_to(line, Path(chosen))

    def save_copy_to(self, line: EvidenceLine, target: Path) -> None:
        """Write a document to a file, in a job."""
        def work(ws: Workspace) -> Change:
            from desktop_app.operations import evidence

            return evidence.save_document(ws, line.item.record.id, target)

        self.jobs.run(self, lambda ws, progress: work(ws), lane=Lane.WRITE, title=f"copy of {target.name}")

    def withdraw(self) -> None:
        """Withdraw the chosen document."""
        from desktop_app.gui.dialogs.give_reason import GiveReason

        line = self.table.current
        if line is None:
            return
        evidence_id = line.item.record.id

        def do(ws: Workspace, reason: str) -> object:
            from desktop_app.operations import evidence

            return evidence.withdraw(ws, evidence_id, reason)

        GiveReason(self.jobs, "Withdraw the document", "Decisions that rest on it will say that they are to be "
                   "reconsidered. The file stays in the record.", "Withdraw", do, parent=self).open()


def _info(line: EvidenceLine) -> DocumentInfo:
    assert line.item.record.document is not None
    return line.item.record.document


def _period(line: EvidenceLine) -> str:
    item = line.item.record
    if not item.period_from and not item.period_to:
        return "not stated"
    return " – ".join(day_text(d) if d else "…" for d in (item.period_from, item.period_to))


def _item(key: str, title: str, filed: EvidenceLine | None) -> CheckItem:
    if filed is None:
        state = "note" if key == OTHER[0] else "none"
        sub = "" if key == OTHER[0] else "Not filed"
        return CheckItem(key=key, state=state, title=title, sub=sub, takes_files=True)
    info = _info(filed)
    return CheckItem(key=key, state="met", title=title, sub=info.file_name, note=day_text(info.received),
                     takes_files=True)
