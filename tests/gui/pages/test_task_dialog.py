"""Stopping what a dialog does: what is said afterwards is what the log holds."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from shiboken6 import isValid

from desktop_app.domain.finding import Severity
from desktop_app.errors import Cancelled, UserError
from desktop_app.gui.dialogs.task import TaskDialog
from desktop_app.gui.dialogs.written import written
from desktop_app.gui.jobs import Lane
from desktop_app.operations import audit, findings


class Step:
    """Work that waits to be let through; then it looks whether it should stop, or does not."""

    def __init__(self, version, *, before="", looks=True, error=None):
        self.version, self.before, self.looks, self.error = version, before, looks, error
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self, ws, progress):
        if self.before:
            self.raised(ws, self.before)
        self.begun.set()
        assert self.open.wait(10)
        if self.error is not None:
            raise self.error
        if self.looks:
            progress.step(0.5, "going on")
        return written(ws, self.raised(ws, "After"), about=self.version)

    def raised(self, ws, title):
        return findings.raise_finding(ws, self.version, title=title, description="x", severity=Severity.LOW)


class Ask(TaskDialog):
    """Starts the steps it is given, one at each press."""

    def __init__(self, jobs, steps):
        super().__init__(jobs, "Ask", action="Compute")
        self.steps, self.told = list(steps), []
        self.line = self.add("Line", QLineEdit())
        self.succeeded.connect(self.told.append)

    def run(self):
        self.start(self.steps.pop(0), "asking", lane=Lane.COMPUTE)


@pytest.fixture
def ask(office):
    made = []

    def make(*steps):
        made.append(Ask(office.jobs("Val Idris"), steps))
        made[-1].open()
        return made[-1]

    yield make
    office.settle()
    for dialog in filter(isValid, made):
        dialog.accept()


def stopped(qtbot, dialog, step):
    """Pressed, begun, and asked to stop."""
    dialog.attempt()
    qtbot.waitUntil(step.begun.is_set)
    dialog.cancel_button.click()


def titles(desk):
    return [line.now.finding.title for line in findings.listing(desk.workspace)]


def test_until_a_stopped_job_has_ended_nothing_else_begins(ask, desk, qtbot):
    step, other = Step(desk.version), Step(desk.version)
    dialog = ask(step, other)
    stopped(qtbot, dialog, step)
    assert (dialog.cancel_button.text(), dialog.cancel_button.isEnabled()) == ("Stopping…", False)
    assert dialog._status.text() == "Stopping…"
    dialog.jobs.changed.emit()  # what the job says meanwhile does not cover it
    assert dialog._status.text() == "Stopping…"
    assert not dialog.primary.isEnabled()
    dialog.attempt()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    assert dialog.error.isHidden()
    step.open.set()
    qtbot.waitUntil(lambda: dialog.error.text() == "Stopped. Nothing was recorded.")
    assert titles(desk) == []
    assert (dialog.cancel_button.text(), dialog.cancel_button.isEnabled()) == ("Cancel", True)
    assert dialog.primary.isEnabled()
    other.open.set()
    dialog.attempt()
    qtbot.waitUntil(lambda: bool(dialog.told))
    assert titles(desk) == ["After"]


def test_what_a_stopped_job_recorded_before_is_named(ask, desk, qtbot):
    step = Step(desk.version, before="Planned")
    dialog = ask(step)
    stopped(qtbot, dialog, step)
    findings.raise_finding(desk.as_("Rita Risk"), desk.version, title="Of another", description="x",
                           severity=Severity.LOW)
    step.open.set()
    qtbot.waitUntil(lambda: "Stopped before its end." in dialog.error.text())
    entry = next(e for e in audit.listing(desk.workspace) if "Planned" in e.note)
    assert f"Entry {entry.seq:,}: {entry.note}." in dialog.error.text()
    assert "Of another" not in dialog.error.text()


def test_what_was_filed_in_spite_of_stop_is_said_and_the_dialog_waits(ask, desk, qtbot):
    step = Step(desk.version, looks=False)
    dialog = ask(step)
    stopped(qtbot, dialog, step)
    step.open.set()
    qtbot.waitUntil(lambda: "recorded before it could be stopped" in dialog.error.text())
    seq = audit.head_seq(desk.workspace)
    assert f"Entry {seq:,}:" in dialog.error.text()
    assert [made.change.seq for made in dialog.told] == [seq]
    assert dialog.isVisible()
    assert dialog.primary.isHidden()
    assert dialog.cancel_button.text() == "Close"
    with qtbot.waitSignal(dialog.finished):
        dialog.cancel_button.click()


def test_the_end_of_a_job_that_another_replaced_does_not_reset_it(ask, desk, qtbot):
    late, current = Step(desk.version, looks=False), Step(desk.version)
    dialog = ask()
    dialog.start(late, "first", lane=Lane.COMPUTE)
    qtbot.waitUntil(late.begun.is_set)
    dialog.start(current, "second", lane=Lane.COMPUTE)
    late.open.set()
    qtbot.waitUntil(lambda: "recorded before it could be stopped" in dialog.error.text())
    assert dialog.running
    assert not dialog.primary.isEnabled()
    assert dialog.cancel_button.text() == "Stop"
    told = dialog.told
    current.open.set()
    qtbot.waitUntil(lambda: len(told) == 2)


@pytest.mark.parametrize(("error", "said"), [(UserError("It is too large."), "It is too large."),
                                             (Cancelled(), "Stopped. Nothing was recorded.")])
def test_an_error_while_stopping_is_said_once(ask, desk, qtbot, error, said):
    step = Step(desk.version, error=error)
    dialog = ask(step)
    stopped(qtbot, dialog, step)
    step.open.set()
    qtbot.waitUntil(lambda: dialog.error.text() == said)
    assert dialog.primary.isEnabled()
