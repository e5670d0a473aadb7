"""Takes in an existing inventory: the file, the columns, what is wrong, what would change; then the import itself.

Nothing is written before “Import” is pressed. Every change of the mapping is checked against the file at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFileDialog, QLineEdit, QPushButton, QVBoxLayout, QWidget

from desktop_app.errors import UserError
from desktop_app.gui import theme
from desktop_app.gui.dialogs.column_mapping import ColumnMapping
from desktop_app.gui.dialogs.form import Choice, PathField
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.jobs import Jobs, Lane, Workspace
from desktop_app.gui.pages.version_tabs.short_table import ShortTable
from desktop_app.gui.pages.version_tabs.tab import empty, say, section
from desktop_app.gui.record_table import Column
from desktop_app.gui.widgets.fields import labelled
from desktop_app.progress import Progress

FILES = "Inventories (*.xlsx *.xlsm *.csv *.tsv *.txt);;All files (*)"
BELONGS = (("", "The inventory that has them already: they stay the models they are"),
           ("new", "Another inventory: every row becomes a new model"))
PAUSE = 350  # milliseconds after a change of the mapping before it is checked


class ImportInventory(TaskDialog):
    """See the module. Signal `succeeded(ImportReport)`; the dialog stays to say what was done."""

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(jobs, "Import an inventory", action="Import", width=860, tall=True, parent=parent,
                         lead="An Excel or CSV file. The import can be repeated, under whatever name the file has: "
                              "only rows that differ are recorded.")
        self.preview: Any = None
        self._read: Path | None = None  # the file that the preview is of
        self._last_known: Any = None
        self.path: PathField = self.add("File", PathField(what="Choose the inventory", kinds=FILES))
        self.path.changed.connect(lambda path: self._read_anew())
        self.mapping = ColumnMapping()
        self.mapping.changed.connect(self._wait)
        self.mapping.hide()
        self._found = QVBoxLayout()
        self._found.setSpacing(theme.M)
        self.form.addLayout(self._found)
        self.belongs: Choice[str] = Choice(BELONGS)
        self.belongs.currentIndexChanged.connect(lambda index: self.check(self.mapping.text()))
        self._belongs = labelled("These rows belong to", self.belongs, "")
        self._belongs.hide()
        self.form.addWidget(self._belongs)
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

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter in the line of the file reads it and does no more: nothing is imported that was not looked at."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.path.line.hasFocus():
            event.accept()
            return
        super().keyPressEvent(event)

    def _read_anew(self) -> None:
        blocked = self.belongs.blockSignals(True)
        self.belongs.choose("")
        self.belongs.blockSignals(blocked)
        self.check("")

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
        self.primary.setEnabled(False)
        self.preview, known, as_new = None, self.preview, self.belongs.value == "new"
        mapping_type = type(known.mapping) if known is not None else None

        def work(ws: Workspace, progress: Progress) -> Any:
            from desktop_app.operations import importing

            mapping = mapping_type.from_json(mapping_text) if mapping_text and mapping_type else None
            return importing.preview(ws, path, mapping, as_new=as_new, progress=progress)

        self.say_nothing()
        self._last_known, self._read = known, path
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
        self._belongs.setVisible(bool(preview.overlaps))
        self._sign.setVisible(preview.decisions > 0)
        self.save_button.setEnabled(True)
        self.primary.setEnabled(bool(preview.read.entries))

    def _show_found(self, preview: Any) -> None:
        """What an import would do, and what is wrong in the file."""
        empty(self._found)
        section(self._found, "What the import would do")
        say(self._found, preview.counts.sentence)
        if preview.whence:
            say(self._found, preview.whence, "undetermined" if preview.as_new else "body")
        for note in preview.read.notes:
            say(self._found, note, "muted")
        if preview.missing:
            some = ", ".join(preview.missing[:12]) + (" …" if len(preview.missing) > 12 else "")
            say(self._found, f"In an earlier import and not in this file: {some}. Nothing is deleted.", "undetermined")
        if preview.decisions:
            say(self._found, f"{preview.approvals} With your passphrase those not recorded yet are signed as recorded "
                "prior decisions: by you as the one who recorded them, not as the approver. Without it they are left "
                "out.")
        elif preview.approvals:
            say(self._found, preview.approvals)
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
            return importing.preview(ws, path, mapping, as_new=as_new, progress=progress)

        try:
            path = self.path.path()
        except UserError as error:
            self.show_refusal(error)
            return
        self._last_known, self._read, as_new = self.preview, path, self.belongs.value == "new"
        self.jobs.run(self, work, then=self._checked, failed=self._not_checked, lane=Lane.READ, key="check")

    # --- the import itself

    def run(self) -> None:
        """Import with the mapping that was checked."""
        if self.preview is None or self._read is None or self._read != self.path.path():
            raise UserError("The file has not been read yet.", "", "Choose a file and wait until it is checked.")
        path, mapping, passphrase = self._read, self.preview.mapping, self.passphrase.text() or None
        as_new = self.preview.as_new

        def work(ws: Workspace, progress: Progress) -> Any:
            from desktop_app.operations import importing

            return importing.run(ws, path, mapping, as_new=as_new, passphrase=passphrase, progress=progress)

        self.start(work, f"import of {path.name}", lane=Lane.COMPUTE, then=self._tell)

    def _tell(self, report: Any) -> None:
        """What was done; the dialog stays until it is closed."""
        self.passphrase.clear()
        self.succeeded.emit(report)
        self.cancel_button.setText("Close")
        self.primary.setEnabled(False)
        self.fields.setEnabled(False)
        self.say("The inventory is imported.", report.sentence, "met")


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
