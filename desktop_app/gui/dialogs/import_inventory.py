"""Takes in an existing inventory: the file, the columns, what is wrong, what would change; then the import itself.

Nothing is written before “Import” is pressed. Every change of the mapping is checked against the file at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog, QLineEdit, QPushButton, QVBoxLayout, QWidget

from desktop_app.errors import UserError
from desktop_app.gui import theme
from desktop_app.gui.dialogs.column_mapping import ColumnMapping
from desktop_app.gui.dialogs.form import PathField
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.jobs import Jobs, Lane, Workspace
from desktop_app.gui.pages.version_tabs.short_table import ShortTable
from desktop_app.gui.pages.version_tabs.tab import empty, say, section
from desktop_app.gui.record_table import Column
from desktop_app.gui.widgets.fields import labelled
from desktop_app.progress import Progress

FILES = "Inventories (*.xlsx *.xlsm *.csv *.tsv *.txt);;All files (*)"
PAUSE = 350  # milliseconds after a change of the mapping before it is checked


class ImportInventory(TaskDialog):
    """See the module. Signal `succeeded(ImportReport)`; the dialog stays to say what was done."""

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(jobs, "Import an inventory", action="Import", width=860, tall=True, parent=parent,
                         lead="An Excel or CSV file. The import can be repeated: only rows that differ are recorded.")
        self.preview: Any = None
        self._last_known: Any = None
        self.path: PathField = self.add("File", PathField(what="Choose the inventory", kinds=FILES))
        self.path.changed.connect(lambda path: self.check(""))
        self.mapping = ColumnMapping()
        self.mapping.changed.connect(self._wait)
        self.mapping.hide()
        self._found = QVBoxLayout()
        self._found.setSpacing(theme.M)
        self.form.addLayout(self._found)
        self.passphrase = QLineEdit()
        self.passphrase.setEchoMode(QLineEdit.EchoMode.Password)
        self._sign = labelled("Your passphrase", self.passphrase, "")
        self._sign.hide()
        self.form.addWidget(self._sign)
        self.form.addWidget(self.mapping)
        self.form.addStretch(1)
        self._pause = QTimer(self, singleShot=True, interval=PAUSE)
        self._pause.timeout.connect(lambda: self.check(self.mapping.text()))
        self.save_button = self._left_button("Save mapping…", self.save_mapping)
        self._left_button("Load mapping…", self.load_mapping)
        self.primary.setEnabled(False)
        self.save_button.setEnabled(False)
        self.resize(theme.px(900), theme.px(760))

    def _left_button(self, text: str, run: Any) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        button.clicked.connect(lambda checked=False: run())
        self.left_buttons.addWidget(button)
        return button

    # --- checking

    def _wait(self) -> None:
        self.primary.setEnabled(False)
        self._pause.start()

    def check(self, mapping_text: str) -> None:
        """Read the file with a mapping ("" for a suggestion) and show what an import would do."""
        try:
            path = self.path.path()
        except UserError as error:
            self.show_refusal(error)
            return
        self.preview, known = None, self.preview
        mapping_type = type(known.mapping) if known is not None else None

        def work(ws: Workspace, progress: Progress) -> Any:
            from desktop_app.operations import importing

            mapping = mapping_type.from_json(mapping_text) if mapping_text and mapping_type else None
            return importing.preview(ws, path, mapping, progress=progress)

        self.say_nothing()
        self._last_known = known
        self.jobs.run(self, work, then=self._checked, failed=self._not_checked, lane=Lane.READ, key="check")

    def _not_checked(self, error: Exception) -> None:
        """The mapping does not fit: say why; the mapping stays to be corrected."""
        self.preview = self._last_known
        self._failed(error)
        self.primary.setEnabled(False)

    def _checked(self, preview: Any) -> None:
        self.preview = preview
        self.mapping.show_mapping(preview.sheets, preview.mapping)
        self.mapping.show()
        self._show_found(preview)
        self._sign.setVisible(preview.decisions > 0)
        self.save_button.setEnabled(True)
        self.primary.setEnabled(bool(preview.read.entries))

    def _show_found(self, preview: Any) -> None:
        """What an import would do, and what is wrong in the file."""
        empty(self._found)
        counts = preview.read.counts
        section(self._found, "What the import would do")
        say(self._found, reconciliation(counts.rows, preview.added, preview.updated, preview.unchanged, counts.refused,
                                        counts.blank + counts.passed_over))
        for note in preview.read.notes:
            say(self._found, note, "muted")
        if preview.missing:
            some = ", ".join(preview.missing[:12]) + (" …" if len(preview.missing) > 12 else "")
            say(self._found, f"In an earlier import and not in this file: {some}. Nothing is deleted.", "undetermined")
        if preview.decisions:
            say(self._found, f"Approvals in the file: {preview.decisions:,}. With your passphrase they are signed as "
                "recorded prior decisions: by you as the one who recorded them, not as the approver. Without it they "
                "are left out.")
        if preview.read.problems:
            say(self._found, f"Problems found: {len(preview.read.problems):,}", "strong")
            table = problems_table(preview.read.problems)
            self._found.addWidget(table)
            whole = say(self._found, "Choose a line to read it whole.", "muted")
            table.chosen.connect(lambda p: whole.setText(
                f"Row {p.row}, {p.column}, “{p.value}”: {p.what}." if p else ""))

    # --- mappings

    def save_mapping(self) -> None:
        """Keep the mapping as a file, to repeat the import with it."""
        chosen, _ = QFileDialog.getSaveFileName(self, "Save the mapping", "inventory mapping.json", "Mapping (*.json)")
        if chosen:
            self.save_mapping_to(Path(chosen))

    def save_mapping_to(self, target: Path) -> None:
        """Write the mapping to a file, in a job."""
        data = self.mapping.text().encode("utf-8")

        def work() -> None:
            from desktop_app.operations.saving import save_bytes

            save_bytes(target, data)

        self.jobs.run(self, lambda ws, progress: work(), lane=Lane.READ, failed=self._failed,
                      then=lambda done: self.say(f"The mapping is saved in {target.name}.", tone="met"))

    def load_mapping(self) -> None:
        """Use a mapping that was saved."""
        chosen, _ = QFileDialog.getOpenFileName(self, "Load a mapping", "", "Mapping (*.json)")
        if chosen:
            self.load_mapping_from(Path(chosen))

    def load_mapping_from(self, source: Path) -> None:
        """Read a saved mapping and check the file with it."""
        def work(ws: Workspace, progress: Progress) -> Any:
            from desktop_app.operations import importing

            mapping = importing.load_mapping(source)
            return importing.preview(ws, path, mapping, progress=progress)

        try:
            path = self.path.path()
        except UserError as error:
            self.show_refusal(error)
            return
        self._last_known = self.preview
        self.jobs.run(self, work, then=self._checked, failed=self._not_checked, lane=Lane.READ, key="check")

    # --- the import itself

    def run(self) -> None:
        """Import with the mapping that was checked."""
        if self.preview is None:
            raise UserError("The file has not been read yet.", "", "Choose a file and wait until it is checked.")
        path, mapping, passphrase = self.path.path(), self.preview.mapping, self.passphrase.text() or None

        def work(ws: Workspace, progress: Progress) -> Any:
            from desktop_app.operations import importing

            return importing.run(ws, path, mapping, passphrase=passphrase, progress=progress)

        self.start(work, f"import of {path.name}", lane=Lane.COMPUTE, then=self._tell)

    def _tell(self, report: Any) -> None:
        """What was done; the dialog stays until it is closed."""
        self.passphrase.clear()
        self.succeeded.emit(report)
        self.cancel_button.setText("Close")
        self.primary.setEnabled(False)
        self.fields.setEnabled(False)
        done = report.added + report.updated + report.unchanged + report.refused + report.blank
        decisions = f" {report.decisions:,} prior decisions were signed as recorded by you." if report.decisions else ""
        left = f" {report.decisions_left_out:,} decisions were left out, unsigned." if report.decisions_left_out else ""
        self.say("The inventory is imported.", reconciliation(
            done, report.added, report.updated, report.unchanged, report.refused, report.blank) + decisions + left,
            "met")


def reconciliation(rows: int, added: int, updated: int, unchanged: int, refused: int, blank: int) -> str:
    """Every row once: “41 rows: 38 added, 0 updated, 0 unchanged, 2 refused, 1 blank.”"""
    return (f"{rows:,} rows: {added:,} added, {updated:,} updated, {unchanged:,} unchanged, {refused:,} refused, "
            f"{blank:,} blank or passed over.")


def problems_table(problems: tuple[Any, ...]) -> ShortTable[Any]:
    """What is wrong, where, and what is done about it."""
    return ShortTable([
        Column(key="row", title="Row", text=lambda p: str(p.row), align="right", width=56, sort=lambda p: p.row),
        Column(key="column", title="Column", text=lambda p: p.column, width=160),
        Column(key="value", title="Value", text=lambda p: p.value, width=130, muted=True),
        Column(key="what", title="What is wrong", text=lambda p: p.what, width=260, stretch=1),
        Column(key="done", title="Done", text=lambda p: str(getattr(p.done, "value", p.done)), width=120,
               tone=lambda p: "breached" if "refused" in str(p.done) else "undetermined"),
    ], problems, name="Problems in the file", most=7)
