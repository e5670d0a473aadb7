"""Renew one's own key: the old passphrase signs for the new key, the new one is chosen twice."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from desktop_app.gui.dialogs.enrol_person import PASSPHRASE_HINT, matching
from desktop_app.gui.dialogs.mandate import typed
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.widgets.fields import passphrase_field


class RenewKey(TaskDialog):
    """`succeeded(Change)`."""

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(jobs, "Renew my key", action="Renew", parent=parent,
                         lead="A new key is made on this machine; the old one signs for it and ends. For one on a "
                              "smart card or USB token: assaydesk people renew-key --token MODULE")
        self.old = self.add("Present passphrase, or the PIN of your token", passphrase_field())
        self.new = self.add("New passphrase", passphrase_field(), PASSPHRASE_HINT)
        self.again = self.add("The new passphrase again", passphrase_field())

    def run(self) -> None:
        """Make the new key and record it."""
        old, new = typed(self.old, "The present passphrase"), matching(self.new, self.again)

        def work(ws: Workspace) -> object:
            from desktop_app.operations import people

            return people.renew_key(ws, old, new)

        self.start(lambda ws, progress: work(ws), "making a key")
