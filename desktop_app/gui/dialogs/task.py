"""The base of dialogs that ask for something and then do it in a job.

    class DescribeUse(TaskDialog):
        def __init__(self, jobs, model, parent):
            super().__init__(jobs, "Describe a use", action="Describe", parent=parent)
            self.purpose = self.add("Purpose", QLineEdit(), "What the model is for.")

        def run(self):                                      # the primary button, or Enter
            purpose = self.purpose.text()
            self.start(lambda ws, progress: models.describe_use(ws, model, purpose), "describing a use")

What goes wrong is said in words inside the dialog and nothing typed is lost. Esc stops a running job, else closes.
A job that is stopped is waited for: only when it has ended does the dialog say so, with what the log holds of it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QCloseEvent, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from desktop_app.errors import Cancelled, UserError
from desktop_app.gui import show_error, theme
from desktop_app.gui.focus import Place
from desktop_app.gui.jobs import Job, Jobs, Lane, Workspace, change_in
from desktop_app.gui.widgets.fields import labelled
from desktop_app.gui.widgets.prose import Prose, Run, paragraph, words
from desktop_app.progress import Progress

MOST_SAID = 5  # entries named of what a stopped job has recorded


class TaskDialog(QDialog):
    """See the module. Signal `succeeded(result)`: the work is done; the dialog closes unless `finish` does not."""

    succeeded = Signal(object)
    records = True  # whether what it does is recorded: then it does nothing in a copy of a registry

    def __init__(
        self, jobs: Jobs, title: str, *, action: str, lead: str = "", width: int = 520, tall: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        """action: the word on the primary button · lead: a sentence under the title · tall: the fields scroll."""
        super().__init__(parent)
        self.jobs = jobs
        self._job: Job | None = None
        self._work: _Work | None = None
        self._stopped = False
        self._came_from: Place | None = None
        self._at: Place | None = None  # where the keyboard was when the work began
        self._first: QWidget | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setMinimumWidth(theme.px(width))
        self._lay_out(title, lead, action, tall)
        jobs.changed.connect(self._show_progress)

    def _lay_out(self, title: str, lead: str, action: str, tall: bool) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.XL, theme.XL, theme.XL, theme.L)
        column.setSpacing(theme.M)
        column.addWidget(paragraph(title, "section", selectable=False))
        if lead:
            column.addWidget(paragraph(lead, "muted", selectable=False))
        self.fields = QWidget()
        self.form = QVBoxLayout(self.fields)
        self.form.setContentsMargins(0, 0, 0, 0)
        self.form.setSpacing(theme.M)
        column.addWidget(_scrolled(self.fields) if tall else self.fields, 1)
        self.error = Prose(line_height=1.4)
        self.error.hide()
        column.addWidget(self.error)
        column.addWidget(self._progress_line())
        column.addWidget(self._button_row(action))

    def _progress_line(self) -> QWidget:
        self._running = QFrame()
        self._bar, self._status = QProgressBar(), words("", "note")
        self._bar.setRange(0, 100)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress")
        column = QVBoxLayout(self._running)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.XS)
        column.addWidget(self._bar)
        column.addWidget(self._status)
        self._running.hide()
        return self._running

    def _button_row(self, action: str) -> QWidget:
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, theme.S, 0, 0)
        layout.setSpacing(theme.S)
        self.left_buttons = QHBoxLayout()
        layout.addLayout(self.left_buttons)
        layout.addStretch(1)
        self.cancel_button, self.primary = QPushButton("Cancel"), QPushButton(action)
        self.cancel_button.setAutoDefault(False)
        self.primary.setDefault(True)
        theme.dress(self.primary, "primary")
        self.cancel_button.clicked.connect(lambda checked=False: self.reject())
        self.primary.clicked.connect(lambda checked=False: self.attempt())
        layout.addWidget(self.cancel_button)
        layout.addWidget(self.primary)
        return row

    # --- what a dialog calls

    def add(self, label: str, field: QWidget, hint: str = "") -> Any:
        """A field under its label, with a hint below; returns the field."""
        self.form.addWidget(labelled(label, field, hint))
        self._first = self._first or field
        return field

    def start(
        self, work: Callable[[Workspace, Progress], Any], title: str, *, lane: Lane = Lane.WRITE,
        then: Callable[[Any], None] | None = None,
    ) -> None:
        """Do it in a job; `then(result)`, by default `finish`, follows. What still runs is stopped: one at a time."""
        if self._job is not None:
            self._job.cancel()
        self.say_nothing()
        self._set_running(True)

        def done(result: Any) -> None:
            current = self._end(job)
            self._stopped = job.cancelled
            (then or self.finish if current else self._say_done)(result)

        def failed(error: Exception) -> None:
            if self._end(job):
                self._failed(error)

        self._work = _Work(work)
        job = self._job = self.jobs.run(self, self._work, then=done, failed=failed, lane=lane, title=title)

    def finish(self, result: Any) -> None:
        """The work is done: tell, and close. Done in spite of Stop: say so, and wait to be closed."""
        if self._stopped:
            self._say_done(result)
            self.fields.setEnabled(False)
            self.primary.hide()
            self.cancel_button.setText("Close")
            self.cancel_button.setFocus()
            return
        self.succeeded.emit(result)
        self.accept()

    def _say_done(self, result: Any) -> None:
        """What was asked to stop was done all the same: tell, and say what is in the log."""
        change = change_in(result)
        said = f"Entry {change.seq:,}: {change.note}." if change is not None else ""
        self.say("It was recorded before it could be stopped.", said, tone="undetermined")
        self.succeeded.emit(result)

    def say(self, title: str, detail: str = "", tone: str = "breached") -> None:
        """Say something above the buttons: what is wrong, or what was found."""
        runs = [Run(title, "strong", tone)]
        if detail:
            runs.append(Run(f"\n{detail}"))
        self.error.set_runs(*runs)
        self.error.show()
        self.fit()
        QAccessible.updateAccessibility(QAccessibleEvent(self.error, QAccessible.Event.Alert))

    def say_nothing(self) -> None:
        """Take back what was said."""
        self.error.hide()

    # --- what a dialog overrides

    def run(self) -> None:
        """The primary button: read the fields (a UserError is said in the dialog) and `start` the work."""

    # --- running

    def attempt(self) -> None:
        """Run, unless something runs already."""
        if self.running:
            return
        try:
            self.run()
        except UserError as error:
            self._failed(error)

    @property
    def running(self) -> bool:
        """Whether the work runs now."""
        return self._job is not None and not self._job.done

    def _set_running(self, running: bool) -> None:
        if running and self._at is None and (at := self.focusWidget()) is not None:
            self._at = Place(at)
        self._running.setVisible(running)
        self.fields.setEnabled(not running)
        self.primary.setEnabled(not running)
        self.cancel_button.setText("Stop" if running else "Cancel")
        self.cancel_button.setEnabled(True)

    def _end(self, job: Job) -> bool:
        """A job has ended; False when another was started since, which goes on."""
        if job is not self._job:
            return False
        self._job = None
        self._set_running(False)
        if self._at is not None:
            self._at.restore()
            self._at = None
        return True

    def _show_progress(self) -> None:
        job = self._job
        if job is None:
            return
        if job.done and job.cancelled and change_in(job.result) is None and isinstance(job.error, Cancelled | None):
            self._end(job)
            self._say_stopped()
            return
        self._bar.setValue(round(100 * job.fraction))
        self._status.setText("Stopping…" if job.cancelled else job.status)

    def _say_stopped(self) -> None:
        left = self._work.recorded if self._work is not None else ()
        if not left:
            self.say("Stopped. Nothing was recorded.", tone="muted")
            return
        more = (f"and {len(left) - MOST_SAID:,} more",) if len(left) > MOST_SAID else ()
        self.say("Stopped before its end.", "\n".join(("What was recorded before stays in the log:",
                                                       *left[:MOST_SAID], *more)), tone="muted")

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, UserError):
            show_error.show_error(self, error)
            return
        self.show_refusal(error)

    def show_refusal(self, error: UserError) -> None:
        """Say an error a person can mend."""
        self.say(error.title, "\n".join(part for part in (error.detail, error.remedy) if part))

    # --- Qt

    def reject(self) -> None:
        """Esc and Cancel: stop what runs; else close."""
        if self.running and self._job is not None:
            self._job.cancel()
            self._status.setText("Stopping…")
            self.cancel_button.setText("Stopping…")
            self.cancel_button.setEnabled(False)
        else:
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing stops the work."""
        if self._job is not None and self.running:
            self._job.cancel()
        super().closeEvent(event)

    def done(self, code: int) -> None:
        """Closed: the keyboard goes back to where it was."""
        super().done(code)
        if self._came_from is not None:
            self._came_from.restore()

    def showEvent(self, event: QShowEvent) -> None:
        """The first field takes the focus; where it was is remembered."""
        if self._came_from is None and (before := QApplication.focusWidget()) is not None:
            self._came_from = Place(before)
        super().showEvent(event)
        if self.records and self.jobs.reads_only:
            self.primary.setEnabled(False)
            self.say("This is a copy of the registry: nothing can be recorded in it.",
                     "Connect again first, at the top of the window.", "undetermined")
        self.fit()
        if self._first is not None:
            self._first.setFocus(Qt.FocusReason.OtherFocusReason)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab walks as one reads, also through fields that came later than those below them."""
        found = _reached_by_tab(self)
        for before, after in pairwise(found):
            QWidget.setTabOrder(before, after)
        return super().focusNextPrevChild(forward)

    def fit(self) -> None:
        """As high as the words need at this width: a layout reckons wrapped lines with another width at first."""
        layout = self.layout()
        needed = layout.totalHeightForWidth(self.width()) if layout is not None else 0
        if needed > self.height():
            self.resize(self.width(), needed)


class _Work:
    """The work of a dialog; where it is stopped, `recorded` says what the log got from it, a line an entry."""

    def __init__(self, work: Callable[[Workspace, Progress], Any]) -> None:
        self._work = work
        self.recorded: tuple[str, ...] = ()

    def __call__(self, ws: Any, progress: Progress) -> Any:
        """Do it."""
        from desktop_app.operations import audit

        before = audit.head_seq(ws) if ws is not None else 0  # None: a registry is only now being made
        try:
            return self._work(ws, progress)
        except Cancelled:
            if ws is not None:
                self.recorded = tuple(f"Entry {e.seq:,}: {e.note}." for e in audit.mine_since(ws, before))
            raise


def _scrolled(inner: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setWidget(inner)
    area.setObjectName("body_scroll")
    area.setMinimumHeight(theme.px(420))
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area


def _reached_by_tab(widget: QWidget) -> list[QWidget]:
    """What Tab reaches in a widget, in the order of its layout."""
    if isinstance(widget, QScrollArea) and (scrolled := widget.widget()) is not None:
        return _reached_by_tab(scrolled)
    layout = widget.layout()
    inside = _in_layout(layout) if layout is not None else []
    return [widget] if not inside and widget.focusPolicy() & Qt.FocusPolicy.TabFocus else inside


def _in_layout(layout: QLayout) -> list[QWidget]:
    found: list[QWidget] = []
    for item in (layout.itemAt(n) for n in range(layout.count())):
        if item is not None and (inner := item.widget()) is not None:
            found += _reached_by_tab(inner)
        elif item is not None and (nested := item.layout()) is not None:
            found += _in_layout(nested)
    return found


class NoteDialog(TaskDialog):
    """Says one thing and closes: a result that deserves more than a line."""

    records = False

    def __init__(self, jobs: Jobs, title: str, detail: str, parent: QWidget | None = None) -> None:
        super().__init__(jobs, title, action="Close", parent=parent)
        self.form.addWidget(paragraph(detail))
        self.cancel_button.hide()

    def run(self) -> None:
        """Close."""
        self.accept()


__all__ = ["NoteDialog", "TaskDialog"]
