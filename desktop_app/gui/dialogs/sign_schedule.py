"""Sign several decisions under one passphrase: each statement is opened and declared by itself, then all are signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QCheckBox, QWidget

from desktop_app.domain.change import Change
from desktop_app.domain.policy import Meaning
from desktop_app.errors import UserError
from desktop_app.gui.dialogs.form import Choice, GrowingText
from desktop_app.gui.dialogs.mandate import OWN, typed
from desktop_app.gui.dialogs.sign import PAUSE, WORDS, meanings
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.widgets.fields import passphrase_field
from desktop_app.gui.widgets.statement_sheet import StatementSheet

if TYPE_CHECKING:
    from desktop_app.operations.approvals import Review
    from desktop_app.operations.signing import Outcome, Prepared


def in_common(seen: tuple[Review, ...]) -> tuple[Meaning, ...]:
    """What may be signed under all of these, without conditions: those belong to one request."""
    return tuple(m for m in meanings(seen[0]) if m is not Meaning.APPROVE_WITH_CONDITIONS
                 and all(m in meanings(other) for other in seen[1:]))


class SignSchedule(TaskDialog):
    """`succeeded((Change, outcomes))`. Nothing can be signed before every statement is declared."""

    def __init__(self, jobs: Jobs, seen: tuple[Review, ...], parent: QWidget) -> None:
        super().__init__(jobs, f"Sign {len(seen)} decisions", action="Sign all", width=760, tall=True, parent=parent,
                         lead="Each has a statement and a signature of its own. Open and read each, and declare.")
        self.seen = seen
        self.prepared: tuple[Prepared, ...] = ()
        self.declared: set[int] = set()
        self.decision: Choice[Meaning] = self.add("Decision, on all of them", Choice(
            [(m, WORDS[m]) for m in in_common(seen)]))
        self.comment: GrowingText = self.add("Comment", GrowingText(), "Needed to reject and to return.")
        self.which: Choice[int] = self.add("Statement", Choice())
        self.sheet = StatementSheet()
        self.form.addWidget(self.sheet)
        self.tick = QCheckBox("I have read this statement and make the declaration that it ends with")
        self.form.addWidget(self.tick)
        self.form.addStretch(1)
        self.passphrase = self.add(OWN, passphrase_field(), "Asked for once; it signs each statement by itself.")
        self._pause = QTimer(self, singleShot=True, interval=PAUSE)
        self._pause.timeout.connect(self.rebuild)
        self.decision.currentIndexChanged.connect(lambda index: self.rebuild())
        self.comment.textChanged.connect(self._edited)
        self.which.currentIndexChanged.connect(lambda index: self._show())
        self.tick.clicked.connect(self._declare)
        self.rebuild()

    def _edited(self) -> None:
        """What is typed is in no statement yet: nothing can be signed until they are built again."""
        self.prepared, self.declared = (), set()
        self._show()
        self._pause.start()

    def rebuild(self) -> None:
        """Build every statement again: what was declared before is to be declared anew."""
        from_them, meaning, comment = self.seen, self.decision.value, self.comment.toPlainText()
        self.prepared, self.declared = (), set()
        self._show()
        if meaning is None:
            self.say("No decision can be signed on all of these.", "Sign them one by one.")
            return

        def work(ws: Workspace) -> tuple[Prepared, ...]:
            from desktop_app.operations import signing

            said = signing.Decision(meaning=meaning, comment=comment)
            return tuple(signing.prepare(ws, seen, said) for seen in from_them)

        self.jobs.run(self, lambda ws, progress: work(ws), then=self._built, failed=self._failed, key="statements")

    def _built(self, prepared: tuple[Prepared, ...]) -> None:
        if self._pause.isActive():
            return  # typed on since
        self.say_nothing()
        self.prepared = prepared
        self._name()
        self._show()

    def _name(self) -> None:
        self.which.offer([
            (n, f"{seen.request.label} {seen.model.name} {seen.version.label}"
                f"{' · declared' if n in self.declared else ''}") for n, seen in enumerate(self.seen)])

    def _show(self) -> None:
        at = self.which.value if self.prepared else None
        self.sheet.show_text(self.prepared[at].text if at is not None else "")
        self.tick.setEnabled(at is not None)
        self.tick.setChecked(at in self.declared)
        self.primary.setEnabled(bool(self.prepared) and len(self.declared) == len(self.prepared))

    def _declare(self, on: bool) -> None:
        at = self.which.value
        if at is None:
            return
        (self.declared.add if on else self.declared.discard)(at)
        self._name()
        if on and (left := [n for n in range(len(self.prepared)) if n not in self.declared]):
            self.which.choose(left[0])  # the next one, unread
        self._show()

    def run(self) -> None:
        """Sign what is on the sheets, all of it declared."""
        if not self.prepared or len(self.declared) != len(self.prepared):
            raise UserError("Not every statement is declared.", "", "Open each, read it, and make its declaration.")
        passphrase = typed(self.passphrase)
        schedule = [(seen, one.declare()) for seen, one in zip(self.seen, self.prepared, strict=True)]

        def work(ws: Workspace) -> tuple[Change | None, tuple[Outcome, ...]]:
            from desktop_app.operations import signing

            outcomes = signing.sign_schedule(ws, schedule, passphrase)
            changes = [o.change for o in outcomes if o.change]
            kinds = frozenset[str]().union(*(c.kinds for c in changes))
            last = Change(kinds=kinds, subject=changes[-1].subject, note=changes[-1].note, seq=changes[-1].seq) \
                if changes else None
            return last, outcomes

        self.start(lambda ws, progress: work(ws), f"signing {len(schedule)} decisions")

    def finish(self, result: Any) -> None:
        """All recorded: close. Some refused: say which and why, and which are recorded."""
        refused = [o for o in result[1] if o.change is None]
        if not refused:
            super().finish(result)
            return
        done = ", ".join(o.label for o in result[1] if o.change) or "none"
        self.say(f"{len(refused)} of {len(result[1])} were not signed off.",
                 "\n".join(f"{o.label}: {o.refused}" for o in refused) + f"\nRecorded: {done}.")
        self.succeeded.emit(result)
        self.fields.setEnabled(False)
        self.primary.hide()
        self.cancel_button.setText("Close")
