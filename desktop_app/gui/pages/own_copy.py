"""The part of the settings about the copy of a shared registry on this computer, for reading without a connection."""

from __future__ import annotations

from datetime import UTC, datetime

from desktop_app.domain.local_copy import LocalCopy
from desktop_app.gui import theme
from desktop_app.gui.dialogs.form import Choice
from desktop_app.gui.jobs import Job, Jobs, Lane, Workspace
from desktop_app.gui.offline import Renewal
from desktop_app.gui.widgets.column import Column, beside, button, heading
from desktop_app.gui.widgets.facts_list import Fact, FactsList
from desktop_app.gui.widgets.fields import labelled
from desktop_app.gui.widgets.prose import Prose, Run
from desktop_app.progress import Progress


class OwnCopy(Column):
    """Take it, delete it, have it renewed. For a registry in a file there is nothing to do, and it says so."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._jobs = jobs
        self._address = ""
        self._running: Job | None = None
        self._renewal: Renewal | None = None
        self.facts = FactsList(label_width=160)
        self.take_button = button("Take a copy now", self.take)
        self.delete_button = button("Delete the copy", self.delete)
        self.renew: Choice[bool] = Choice([(False, "Only when I ask"), (True, "Each day, while this window is open")])
        self.renew.setMaximumWidth(theme.px(260))
        self.renew.currentIndexChanged.connect(lambda index: self._set_renewal())
        self._buttons = beside(self.take_button, self.delete_button)
        self._words = Prose()
        self._renewed = labelled("Take it anew", self.renew)
        self.show_parts(heading("Reading without a connection"), self.facts, self._buttons, self._renewed, self._words)

    def show_copy(self, address: str, kept: LocalCopy | None, *, in_a_file: bool, reads_copy: bool) -> None:
        """What is kept of the registry at an address."""
        self._address = address
        now = datetime.now(UTC)
        self.facts.show_facts([Fact("Copy on this computer", "none")] if kept is None else [
            Fact("Copy on this computer", f"taken on {kept.taken_at}, {kept.age(now)}"),
            Fact("It holds", f"{kept.entries:,} entries, {kept.size / (1 << 20):,.1f} MB")])
        shared = not in_a_file
        for part in (self.facts, self._buttons, self._renewed):
            part.setVisible(shared)
        self.take_button.setEnabled(not reads_copy and self._running is None)
        self.delete_button.setEnabled(kept is not None and not reads_copy)
        self._words.set_runs(Run(
            "The log is recomputed as the copy is taken, the copy is sealed, and the log says that it left. It holds "
            "names and texts too: what is erased in the registry later stays in it until it is taken anew or deleted."
            if shared else "This registry is a file on this computer: it is read without any connection.",
            tone="muted"))

    def show_renewal(self, renewal: Renewal | None) -> None:
        """Whether it is taken anew by itself."""
        self._renewal = renewal
        blocked = self.renew.blockSignals(True)
        self.renew.choose(renewal is not None and renewal.on)
        self.renew.blockSignals(blocked)
        self.renew.setEnabled(renewal is not None)

    def _set_renewal(self) -> None:
        if self._renewal is not None:
            self._renewal.set_on(self.renew.value is True)

    def take(self) -> None:
        """Take a copy, in a job."""
        def work(ws: Workspace, progress: Progress) -> LocalCopy:
            from desktop_app.operations import copies

            return copies.take(ws, progress)

        self.take_button.setEnabled(False)
        self._running = self._jobs.run(self, work, then=self._taken, failed=self._failed, lane=Lane.COMPUTE,
                                       title="taking a copy for reading offline")

    def _taken(self, copy: LocalCopy) -> None:
        self._running = None
        self.show_copy(copy.address, copy, in_a_file=False, reads_copy=False)

    def _failed(self, error: Exception) -> None:
        from desktop_app.gui.show_error import show_error

        self._running = None
        self.take_button.setEnabled(True)
        show_error(self, error)

    def delete(self) -> None:
        """Delete the copy, in a job: it can be taken again."""
        address = self._address

        self._jobs.run(self, lambda ws, progress: _delete(address), then=self._show_none, lane=Lane.WRITE)

    def _show_none(self, address: str) -> None:
        self.show_copy(address, None, in_a_file=False, reads_copy=False)


def _delete(address: str) -> str:
    from desktop_app.operations import copies

    copies.delete(address)
    return address
