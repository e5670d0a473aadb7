"""Files documents on a line of the checklist: kept with their digest, asserted, not recomputed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QLineEdit, QWidget

from desktop_app.domain.canonical import Id
from desktop_app.domain.evidence import EvidenceKind
from desktop_app.gui.dialogs.form import Choice, DayField, PathField, beside
from desktop_app.gui.dialogs.resting import RestingNotice
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.dialogs.written import written
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.widgets.fields import labelled
from desktop_app.gui.widgets.prose import paragraph
from desktop_app.progress import Progress

KINDS = "Documents (*.pdf *.docx *.doc *.xlsx *.xls *.pptx *.eml *.msg *.txt *.md *.csv *.html);;All files (*)"


class FileDocument(TaskDialog):
    """See the module."""

    def __init__(
        self, jobs: Jobs, version: Id, titles: dict[str, str], line: str, paths: tuple[Path, ...] = (),
        parent: QWidget | None = None,
    ) -> None:
        """titles: checklist key → title · line: the one chosen · paths: files that were dropped."""
        super().__init__(jobs, "File a document", action="File", parent=parent,
                         lead="The file is kept whole under its digest and marked “asserted, not recomputed”.")
        self._version, self._paths = version, paths
        self.path: PathField | None = None
        if paths:
            self.form.addWidget(paragraph(", ".join(path.name for path in paths), "strong"))
        else:
            self.path = self.add("File", PathField(what="The document", kinds=KINDS))
        self.line: Choice[str] = self.add("Filed as", Choice(titles.items()))
        self.line.choose(line)
        self._resting = RestingNotice(self)
        self.line.currentIndexChanged.connect(lambda index: self._ask_what_rests())
        self._ask_what_rests()
        self.title: QLineEdit = self.add("Title", QLineEdit(), "Empty: as the file says.")
        self.title.setEnabled(len(paths) < 2)
        self.author, self.received = QLineEdit(), DayField()
        self.form.addWidget(beside(
            labelled("Author", self.author), labelled("Received on", self.received, "Empty: today.")))
        self.begin, self.end = DayField(), DayField()
        self.form.addWidget(beside(labelled("Covers from", self.begin), labelled("to", self.end, "May be left empty.")))

    def _ask_what_rests(self) -> None:
        self._resting.ask(self._version, EvidenceKind.DOCUMENT, checklist=self.line.value or "other")

    def run(self) -> None:
        """File it."""
        version, paths = self._version, self._paths or ((self.path.path(),) if self.path else ())
        checklist, period = self.line.value or "other", (self.begin.day(), self.end.day())
        said: dict[str, Any] = {
            "title": self.title.text().strip(), "author": self.author.text().strip(), "received": self.received.day()}

        def work(ws: Workspace, progress: Progress) -> Any:
            from desktop_app.operations import evidence

            made = Id("")
            for n, path in enumerate(paths):
                progress.step(n / len(paths), path.name)
                made = evidence.file_document(ws, version, path, checklist=checklist, period=period, **said)
            return written(ws, made, about=version)

        self.start(work, "filing a document")
