"""Sign: the decision, the exact statement on a sheet, its digests, the declaration, the passphrase, in this order.

The decision stays in sight at the top, the passphrase and the buttons at the bottom; between them the document
scrolls, and as long as something of it is below the edge, a link says so and leads there.

What is on the sheet is `Prepared.text`; it is signed as it is. Whatever changes it (decision, conditions, conflicts)
has it built again first, and nothing can be signed until it is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QCheckBox, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from desktop_app.domain import canonical
from desktop_app.domain.approval import TypedCondition
from desktop_app.domain.change import Change
from desktop_app.domain.policy import Meaning
from desktop_app.domain.words import counted
from desktop_app.errors import StaleError, UserError
from desktop_app.gui import theme
from desktop_app.gui.dialogs.conditions import Conditions
from desktop_app.gui.dialogs.drafts import Draft
from desktop_app.gui.dialogs.form import Choice, GrowingText, hairline
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.jobs import Jobs, Lane, Workspace
from desktop_app.gui.widgets.column import scrolling
from desktop_app.gui.widgets.facts_list import Fact, FactsList
from desktop_app.gui.widgets.fields import labelled, passphrase_field
from desktop_app.gui.widgets.prose import Prose, Run, paragraph, words
from desktop_app.gui.widgets.statement_sheet import StatementSheet

if TYPE_CHECKING:
    from desktop_app.operations.approvals import Review
    from desktop_app.operations.signing import Decision, Prepared

PAUSE = 250  # milliseconds without a key before the statement is built again
WORDS = {
    Meaning.APPROVE: "Approve", Meaning.APPROVE_WITH_CONDITIONS: "Approve, with conditions", Meaning.CONCUR: "Concur",
    Meaning.CONCLUDE: "Conclude, as validation", Meaning.REJECT: "Reject",
    Meaning.RETURN: "Return without a decision", Meaning.RECUSE: "Recuse myself",
}
AGAINST = (Meaning.REJECT, Meaning.RETURN, Meaning.RECUSE)
WITH_CONDITIONS = (Meaning.APPROVE_WITH_CONDITIONS, Meaning.CONCUR)


def held_up(seen: Review) -> str:
    """Why nothing in favour can be signed, "" when it can."""
    blocking = [f"{check.title}: {check.sentence}" for check in seen.blocking]
    if blocking:
        return "The policy's requirements are not met: " + " ".join(blocking)
    if seen.news.reconsider:
        return "The basis is no longer what was frozen: " + "; ".join(seen.news.reconsider) + "."
    return ""


def meanings(seen: Review) -> tuple[Meaning, ...]:
    """What the reader's role may sign now: nothing in favour while something blocks or must be reconsidered."""
    rule = next((rule for rule in seen.transition.decisions if rule.role is seen.my_role), None)
    if rule is None:
        return ()
    if held_up(seen):
        return AGAINST
    more = (Meaning.APPROVE_WITH_CONDITIONS,) if rule.meaning is Meaning.APPROVE else ()
    return (rule.meaning, *more, *AGAINST)


class SignDialog(TaskDialog):
    """For one request as it was read. `succeeded(Change)` after the signature is recorded."""

    def __init__(self, jobs: Jobs, seen: Review, parent: QWidget) -> None:
        super().__init__(jobs, "Statement to be signed", action="Sign", width=760, parent=parent)
        self.seen = seen
        self.prepared: Prepared | None = None
        self.signed: Change | None = None
        self._draft = Draft(jobs, parent, f"sign-{seen.request.record.id}")
        self._read_draft = False  # nothing is kept over what was kept before it is read
        self._pause = QTimer(self, singleShot=True, interval=PAUSE)
        self._pause.timeout.connect(self.rebuild)
        self.decision.offer([(m, WORDS[m]) for m in meanings(seen)])
        self.decision.currentIndexChanged.connect(lambda index: self._decided())
        self._listen()
        self._decided()
        if (reason := held_up(seen)) and self.decision.value in AGAINST:
            self.say("Only a rejection or a return can be signed now.", reason, tone="undetermined")
        self._draft.load(self._restore)

    def _listen(self) -> None:
        self.declared.toggled.connect(lambda on: self._show_ready())
        self.passphrase.textChanged.connect(lambda text: self._show_ready())
        self.conflicts.textChanged.connect(lambda text: self._edited())
        self.comment.textChanged.connect(self._edited)
        self.conditions.changed.connect(self._edited)

    # --- laying out

    def _lay_out(self, title: str, lead: str, action: str, tall: bool) -> None:
        """The document scrolls; the decision, what is wrong, the passphrase and the buttons stay in sight."""
        self.fields = QWidget()
        self.fields.setObjectName("page_body")
        self.form = QVBoxLayout(self.fields)
        self.form.setContentsMargins(theme.XXL, theme.XL, theme.XXL, theme.L)
        self.form.setSpacing(theme.M)
        head = self._head(title)
        self._add_document()
        self._add_fields()
        area = scrolling(self.fields)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for part, stretch in ((head, 0), (hairline(), 0), (area, 1), (hairline(), 0), (self._foot(action), 0)):
            column.addWidget(part, stretch)
        self._bar_of_document = area.verticalScrollBar()
        self._bar_of_document.valueChanged.connect(lambda value: self._say_more())
        self._bar_of_document.rangeChanged.connect(lambda least, most: self._say_more())

    def _head(self, title: str) -> QWidget:
        head = QWidget()
        row = QHBoxLayout(head)
        row.setContentsMargins(theme.XXL, theme.L, theme.XXL, theme.M)
        self.eyebrow = words(title.upper(), "eyebrow")
        self.decision: Choice[Meaning] = Choice()
        self.decision.setMinimumContentsLength(24)
        self._decision = labelled("Decision", self.decision)
        row.addWidget(self.eyebrow, 1)
        row.addWidget(self._decision)
        return head

    def _add_document(self) -> None:
        self.sheet = StatementSheet()
        self.sheet.document().documentLayout().documentSizeChanged.connect(lambda size: self._fit_sheet())
        self.missing = paragraph("", "muted")
        self.facts = FactsList(label_width=176)
        self.conditions = Conditions()
        for part in (self.conditions, self.sheet, self.missing, self.facts):
            self.form.addWidget(part)

    def _add_fields(self) -> None:
        self.declared = QCheckBox("I have read the statement, and I declare what it declares, except:")
        self.conflicts = QLineEdit()
        self.conflicts.setMaxLength(500)
        self.conflicts.setPlaceholderText("nothing to state")
        self.conflicts.setAccessibleName("Conflicts of interest to state")
        self.comment = GrowingText(least=1, most=6)
        asked = [self.declared, self.conflicts, labelled("Comment", self.comment)]
        for part in asked:
            self.form.addWidget(part)
        self._decide = [self._decision, self.conditions, *asked]
        self.form.addStretch(1)
        self._first = self.decision

    def _foot(self, action: str) -> QWidget:
        foot = QWidget()
        column = QVBoxLayout(foot)
        column.setContentsMargins(theme.XXL, theme.M, theme.XXL, theme.XL)
        column.setSpacing(theme.S)
        self.error = Prose(line_height=1.4)
        self.error.hide()
        self.more = QPushButton("More below: the digests, the declaration, a comment")
        theme.dress(self.more, "link")
        self.more.setAutoDefault(False)
        self.more.hide()
        self.more.clicked.connect(lambda checked=False: self._read_on())
        column.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.error)
        column.addWidget(self._progress_line())
        self.passphrase = passphrase_field()
        self.passphrase.setMinimumWidth(theme.px(230))
        row = QHBoxLayout()
        self._passphrase = labelled("Passphrase of your key", self.passphrase)
        row.addWidget(self._passphrase)
        row.addStretch(1)
        row.addWidget(self._button_row(action))
        self.cancel_button.setText("Not now")
        self.recuse = QPushButton("Recuse")
        self.recuse.setAutoDefault(False)
        self.recuse.clicked.connect(lambda checked=False: self.decision.choose(Meaning.RECUSE))
        self.left_buttons.addWidget(self.recuse)
        column.addLayout(row)
        return foot

    def _say_more(self) -> None:
        below = self._bar_of_document.maximum() - self._bar_of_document.value() > theme.L
        if not below and self.more.hasFocus():
            self.declared.setFocus(Qt.FocusReason.OtherFocusReason)
        self.more.setVisible(below)

    def _read_on(self) -> None:
        """A page further; the last lines stay in sight."""
        self._bar_of_document.setValue(self._bar_of_document.value() + self._bar_of_document.pageStep() - theme.XXL)

    def _fit_sheet(self) -> None:
        self.sheet.setMinimumHeight(self.sheet.sizeHint().height())

    # --- the statement

    def _decided(self) -> None:
        meaning = self.decision.value
        self.declared.setChecked(False)  # it was made on another statement
        self.conditions.setVisible(meaning in WITH_CONDITIONS)
        if meaning is Meaning.APPROVE_WITH_CONDITIONS and not self.conditions.rows:
            self.conditions.add()
        self.rebuild()
        self._keep()

    def _edited(self) -> None:
        self.prepared = None
        self._show_ready()
        self._pause.start()

    def decided(self) -> Decision:
        """The decision as it is typed, declared as the statement declares. Raises UserError."""
        from desktop_app.operations.signing import Decision

        meaning = self.decision.value
        if meaning is None:
            raise UserError("Your role is not asked to decide here.")
        conditions: tuple[TypedCondition, ...] = self.conditions.value() if meaning in WITH_CONDITIONS else ()
        return Decision(meaning=meaning, conditions=conditions, declared=True, comment=self.comment.toPlainText(),
                        conflicts=self.conflicts.text().strip() or "none")

    def rebuild(self) -> None:
        """Build the statement again for what is typed now; until it is shown, nothing can be signed."""
        self._pause.stop()
        self.prepared = None
        self._show_ready()
        self._keep()
        try:
            decision, seen = self.decided(), self.seen
        except UserError as error:
            self._show_missing(error)
            return

        def work(ws: Workspace) -> Prepared:
            from desktop_app.operations import signing

            return signing.prepare(ws, seen, decision)

        self.jobs.run(self, lambda ws, progress: work(ws), then=self._show_statement, failed=self._not_built,
                      key="statement")

    def _not_built(self, error: Exception) -> None:
        if isinstance(error, UserError):
            self._show_missing(error)
        else:
            self._failed(error)

    def _show_missing(self, error: UserError) -> None:
        """There is no statement to be signed yet: say what it needs, where it will stand."""
        self.sheet.hide()
        self.missing.setText("\n".join(part for part in (error.title, error.detail, error.remedy) if part))
        self.missing.show()
        self._show_ready()

    def _show_statement(self, prepared: Prepared) -> None:
        self.prepared = prepared
        seen, party = self.seen, prepared.party
        strong = (party.printed_name, f"{seen.model.name}, version {seen.version.label}")
        if self.sheet.text != prepared.text:
            self.sheet.show_text(prepared.text, strong)
            self._fit_sheet()
        self.missing.hide()
        self.sheet.show()
        self.primary.setText(f"Sign as {party.printed_name}".replace("&", "&&"))
        self.facts.show_facts(self._digests(prepared))
        self._show_ready()

    def _digests(self, prepared: Prepared) -> list[Fact]:
        dossier, policy = self.seen.dossier, self.seen.policy.record
        return [
            Fact("Model artefact", dossier.record.artefact, "digest"),
            Fact(f"Dossier, {counted(len(dossier.record.members), 'record')}", dossier.digest, "digest"),
            Fact("What you were shown", canonical.sha256(prepared.text.encode("utf-8")), "digest"),
            Fact("Log position, policy", f"after entry {self.seen.head.seq:,} · {policy.name}, {policy.version}")]

    def _show_ready(self) -> None:
        declared = self.declared.isChecked() or self.decision.value is Meaning.RECUSE
        ready = self.prepared is not None and declared and bool(self.passphrase.text()) and not self.running
        self.primary.setEnabled(ready or self.signed is not None)
        lacking = [text for text, lacks in (("read and tick the declaration", not declared),
                                            ("type your passphrase", not self.passphrase.text())) if lacks]
        self.primary.setToolTip(f"First {' and '.join(lacking)}." if lacking else "")
        self.primary.setAccessibleDescription(self.primary.toolTip())

    # --- drafts

    def _keep(self) -> None:
        if self.signed is None and self._read_draft:
            typed = {"comment": self.comment.toPlainText(), "conflicts": self.conflicts.text(),
                     "conditions": self.conditions.texts}
            chosen = {"decision": str(self.decision.value or "")} if any(typed.values()) else {}
            self._draft.save({**typed, **chosen})

    def _restore(self, kept: dict[str, Any]) -> None:
        """Put back what was typed earlier, unless something was typed meanwhile."""
        self._read_draft = True
        if not kept or self.comment.toPlainText() or self.conditions.texts or self.conflicts.text():
            return
        offered = [m for m in meanings(self.seen) if m == kept.get("decision")]
        for texts in kept.get("conditions", []):
            self.conditions.add((str(texts[0]), str(texts[1]), str(texts[2])))
        self.comment.setPlainText(str(kept.get("comment", "")))
        self.conflicts.setText(str(kept.get("conflicts", "")))
        if offered:
            self.decision.choose(offered[0])
        self.say("Your draft from before is back; it was never signed.", tone="muted")

    # --- signing

    def run(self) -> None:
        """Sign what is on the sheet."""
        if self.signed is not None:
            self.accept()
            return
        seen, prepared, passphrase = self.seen, self.prepared, self.passphrase.text()
        if prepared is None or not self.primary.isEnabled():
            return

        def work(ws: Workspace) -> Change:
            from desktop_app.operations import signing

            return signing.sign_off(ws, seen, prepared, passphrase)

        self.start(lambda ws, progress: work(ws), "signature")

    def finish(self, result: Any) -> None:
        """Recorded: say what happened and where, and wait to be closed."""
        self.signed = result
        self._draft.forget()
        self.passphrase.clear()
        for part in (*self._decide, self._passphrase, self.recuse, self.cancel_button):
            part.hide()
        self.eyebrow.setText("SIGNED STATEMENT")
        self.primary.setText("Close")
        self.primary.setEnabled(True)
        self.primary.setFocus()
        self.error.set_runs(Run("✓ Signed and recorded", "strong", "met"),
                            Run(f" as entry {result.seq:,}: {result.note}.", "body"))
        self.error.show()
        self.succeeded.emit(result)

    def _set_running(self, running: bool) -> None:
        super()._set_running(running)
        self.cancel_button.setText("Not now")
        self.passphrase.setEnabled(not running)
        self.recuse.setEnabled(not running)  # else another decision would be built over the one on its way
        if not running:
            self._show_ready()

    def show_refusal(self, error: UserError) -> None:
        """A wrong passphrase keeps everything typed; a basis that changed is shown and read again."""
        super().show_refusal(error)
        if isinstance(error, StaleError):
            self._read_again(error)
        else:
            self.passphrase.setFocus()
            self.passphrase.selectAll()

    def _read_again(self, error: StaleError) -> None:
        self.declared.setChecked(False)
        request = self.seen.request.record.id

        def work(ws: Workspace) -> Review:
            from desktop_app.operations import approvals

            return approvals.review(ws, request)

        def then(seen: Review) -> None:
            self.seen = seen
            self.decision.offer([(m, WORDS[m]) for m in meanings(seen)])
            self._decided()

        self.jobs.run(self, lambda ws, progress: work(ws), then=then, key="read again", lane=Lane.READ)

    # --- Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width, another height of the sheet."""
        super().resizeEvent(event)
        QTimer.singleShot(0, self, self._fit_sheet)

    def open(self) -> None:
        """As tall as the document, within the screen and not taller than the window."""
        parent = self.parentWidget()
        most = QApplication.primaryScreen().availableSize().height() - 2 * theme.XXL
        if parent is not None:
            most = min(most, max(parent.window().height() - theme.XXL, theme.px(560)))
        self.resize(theme.px(760), min(most, theme.px(840)))
        super().open()

    def done(self, code: int) -> None:
        """Whatever closes the dialog, the draft is kept."""
        self._keep()
        super().done(code)
