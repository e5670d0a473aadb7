"""Raise a finding: something wrong with a version, with its severity, owner and due day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QLineEdit, QWidget

from desktop_app.domain.canonical import Id
from desktop_app.domain.finding import SEVERITIES, Severity
from desktop_app.gui.dialogs.form import Choice, DayField, GrowingText, beside, required
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.dialogs.written import Written, written
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.widgets.fields import labelled

if TYPE_CHECKING:
    from desktop_app.operations.people import PersonView

NOBODY: tuple[Id | None, str] = (None, "nobody yet")


class RaiseFinding(TaskDialog):
    """`succeeded(Written)`. Offers the versions given, or every version of the inventory.

    about: the version in front of the person, chosen to begin with; without it none is chosen.
    """

    def __init__(
        self, jobs: Jobs, versions: Sequence[tuple[Id, str]] = (), *, about: Id | None = None, use: Id | None = None,
        evidence: Id | None = None, parent: QWidget | None = None,
    ) -> None:
        super().__init__(jobs, "Raise a finding", action="Raise the finding", width=560, parent=parent,
                         lead="It stands against the version until somebody else than its owner closes it.")
        self._about, self._use, self._evidence = about, use, evidence
        self.version: Choice[Id] = Choice(versions)
        if len(versions) == 1:
            self.form.addWidget(labelled("Version", self.version))
            self.version.setEnabled(False)
        else:
            self.add("Version", self.version)
        self.heading = self.add("What is wrong, in a line", QLineEdit())
        self.description = self.add("How you know", GrowingText(least=3, most=10))
        self._add_rest()
        jobs.run(self, lambda ws, progress: _choices(ws), then=self._offer, key="choices")

    def _add_rest(self) -> None:
        self.severity: Choice[Severity] = Choice([(s, s.value) for s in SEVERITIES])
        self.severity.choose(Severity.MEDIUM)
        self.owner: Choice[Id | None] = Choice([NOBODY])
        self.due = DayField()
        self.form.addWidget(beside(labelled("Severity", self.severity), labelled("Due", self.due)))
        self.add("Owner, who must mend it", self.owner)
        self.remediation = self.add("What would mend it", GrowingText(least=1, most=6))

    def _offer(self, found: tuple[Sequence[PersonView], Sequence[tuple[Id, str]]]) -> None:
        people, versions = found
        self.owner.offer([NOBODY, *((p.id, p.name) for p in people)])
        if not self.version.count():
            self.version.offer(versions if len(versions) == 1 else [(Id(""), "choose the version"), *versions])
            self.version.choose(self._about)

    def run(self) -> None:
        """Record it."""
        version = required(self.version.value or "", "The version")
        fields: dict[str, Any] = {
            "title": required(self.heading.text(), "What is wrong"),
            "description": required(self.description.toPlainText(), "How you know"),
            "severity": self.severity.value, "owner": self.owner.value, "due": self.due.day(), "use": self._use,
            "remediation": self.remediation.toPlainText().strip(), "evidence": self._evidence}

        def work(ws: Workspace) -> Written:
            from desktop_app.operations import findings

            return written(ws, findings.raise_finding(ws, Id(version), **fields))

        self.start(lambda ws, progress: work(ws), "raising a finding")


def _choices(ws: Workspace) -> tuple[Sequence[PersonView], list[tuple[Id, str]]]:
    from desktop_app.operations import inventory, people

    rows = inventory.overview(ws).rows
    return people.listing(ws), list({r.version: (r.version, f"{r.name} {r.label}") for r in rows}.values())
