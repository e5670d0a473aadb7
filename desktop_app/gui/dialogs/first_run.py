"""The first time: create a registry here, or open one that exists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLineEdit, QWidget

from desktop_app.domain.person import ROLE_TITLES, Role
from desktop_app.errors import UserError
from desktop_app.gui.dialogs.enrol_person import PASSPHRASE_HINT, matching
from desktop_app.gui.dialogs.form import PathField, Radios, Ticks, required
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.jobs import Jobs, Lane
from desktop_app.gui.show_error import show_error
from desktop_app.gui.widgets.fields import labelled, passphrase_field
from desktop_app.progress import Progress
from desktop_app.settings import default_registry

if TYPE_CHECKING:
    from desktop_app.workspace import Workspace as Opened

CREATE, OPEN = "create", "open"


class FirstRun(TaskDialog):
    """`address` is the registry to open, once it is accepted. Its jobs need no open registry."""

    def __init__(self, jobs: Jobs, parent: QWidget | None = None, *, place: Path | None = None) -> None:
        """place: where a new registry is created (the user's own place for it)."""
        super().__init__(
            jobs, "Welcome to Assaydesk", action="Create the registry", width=560, parent=parent,
            lead="A registry holds models, evidence, decisions and the log of everything that was done.")
        self.address: str | None = None
        self._place = place or default_registry()
        self.which = Radios([(CREATE, "Create a registry on this machine"), (OPEN, "Open a registry that exists")],
                            CREATE)
        self.which.changed.connect(self._show_fields)
        self.form.addWidget(self.which)
        self._first = self.which
        self.file = PathField(what="Open a registry", kinds="Registries (*.assay);;All files (*)")
        self._open_part = labelled("The registry file", self.file)
        self._create_parts = self._create_fields()
        for part in (self._open_part, *self._create_parts):
            self.form.addWidget(part)
        self.form.addStretch(1)
        self._show_fields()

    def _create_fields(self) -> list[QWidget]:
        self.registry, self.name = QLineEdit("Model registry"), QLineEdit()
        self.roles = Ticks([ROLE_TITLES[role] for role in Role if role is not Role.ADMINISTRATOR])
        self.passphrase, self.again = passphrase_field(), passphrase_field()
        return [
            labelled("Name of the registry", self.registry, f"It is kept in {self._place}."),
            labelled("Your name, as printed under signatures", self.name),
            labelled("Your roles, besides administrator", self.roles),
            labelled("Passphrase of your key", self.passphrase, PASSPHRASE_HINT),
            labelled("The same passphrase again", self.again)]

    def _show_fields(self) -> None:
        creates = self.which.value == CREATE
        for part in self._create_parts:
            part.setVisible(creates)
        self._open_part.setVisible(not creates)
        self.primary.setText("Create the registry" if creates else "Open")
        self.say_nothing()

    def run(self) -> None:
        """Create or open; the registry is looked into before the dialog closes."""
        if self.which.value == CREATE:
            self._create()
        else:
            path = self.file.path()
            self.start(lambda ws, progress: _look_into(path), "opening a registry", lane=Lane.READ)

    def _create(self) -> None:
        registry = required(self.registry.text(), "The name of the registry")
        name = required(self.name.text(), "Your name")
        passphrase, place = matching(self.passphrase, self.again), self._place
        roles = tuple(role for role in Role if ROLE_TITLES[role] in self.roles.value)

        def work(progress: Progress) -> str:
            return _found(place, registry, name, passphrase, roles, progress)

        self.start(lambda ws, progress: work(progress), "creating a registry")

    def finish(self, result: str) -> None:
        """Keep the address."""
        self.address = result
        super().finish(result)


def _look_into(path: Path) -> str:
    from desktop_app.workspace import open_workspace

    open_workspace(path).close()
    return str(path)


def _found(
    place: Path, registry: str, name: str, passphrase: str, roles: tuple[Role, ...], progress: Progress,
) -> str:
    from desktop_app.operations import registries
    from desktop_app.workspace import create_workspace

    if place.exists():
        raise UserError("There is already a registry here.", str(place), "Open it instead.")
    place.parent.mkdir(parents=True, exist_ok=True)
    progress.step(0.2, "making the registry")
    made: Opened = create_workspace(place, registry)
    try:
        progress.step(0.5, "making your key")
        registries.found(made, name, passphrase, roles)
    except BaseException:
        made.close()
        place.unlink(missing_ok=True)  # nothing is left of a registry that nobody administers
        raise
    made.close()
    return str(place)


def first_run(parent: QWidget | None) -> str | None:
    """Ask, create or open; returns the address of the registry, None when the person goes away.

    Call it after the application and its theme are made and before the window is built.
    """
    jobs = Jobs(lambda: None, show_error)  # type: ignore[arg-type, return-value]  # no registry is open yet
    dialog = FirstRun(jobs, parent)
    dialog.exec()
    jobs.shut_down()
    return dialog.address
