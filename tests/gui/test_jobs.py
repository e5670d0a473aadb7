"""Jobs: results arrive on the window's thread, stale ones are dropped, errors have one way out."""

from __future__ import annotations

import threading
import time

import pytest
from PySide6.QtCore import SIGNAL
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from desktop_app.domain.change import Change
from desktop_app.errors import Cancelled, UserError
from desktop_app.gui.jobs import Jobs, Lane, change_in

CHANGE = Change(kinds=frozenset({"finding"}), subject="x", note="Raised F-1", seq=7)


@pytest.fixture
def owner(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


def raising(error):
    def work(ws, progress):
        raise error
    return work


class Gate:
    """Work that waits until it is let through, or cancelled."""

    def __init__(self):
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self, ws, progress):
        self.begun.set()
        while not self.open.wait(0.005):
            progress.step(0.5, "waiting")
        return "through"


def test_work_runs_elsewhere_and_the_result_arrives_here(jobs, owner, finish):
    seen = {}
    jobs.run(owner, lambda ws, progress: threading.current_thread(),
             then=lambda thread: seen.update(work=thread, then=threading.current_thread()))
    finish()
    assert seen["then"] is threading.main_thread()
    assert seen["work"] is not threading.main_thread()


def test_writes_keep_their_order(jobs, owner, finish):
    order = []
    for n in range(20):
        jobs.run(owner, lambda ws, progress, n=n: n, then=order.append, lane=Lane.WRITE)
    finish()
    assert order == list(range(20))


def test_a_long_reading_does_not_delay_a_write(jobs, owner, qtbot, finish):
    gate, written = Gate(), []
    jobs.run(owner, gate)
    qtbot.waitUntil(gate.begun.is_set)
    jobs.run(owner, lambda ws, progress: "signed", then=written.append, lane=Lane.WRITE)
    qtbot.waitUntil(lambda: written == ["signed"])
    assert not gate.open.is_set()
    gate.open.set()
    finish()


def test_a_newer_job_with_the_same_key_takes_the_place_of_the_older(jobs, owner, qtbot, finish):
    gate, got = Gate(), []
    older = jobs.run(owner, gate, then=got.append, key="load")
    qtbot.waitUntil(gate.begun.is_set)
    jobs.run(owner, lambda ws, progress: "new", then=got.append, key="load")
    finish()
    assert older.cancelled
    assert got == ["new"]


def test_an_older_write_is_not_cancelled_only_its_result_is_dropped(jobs, owner, qtbot, finish):
    gate, got = Gate(), []
    older = jobs.run(owner, gate, then=got.append, key="save", lane=Lane.WRITE)
    qtbot.waitUntil(gate.begun.is_set)
    jobs.run(owner, lambda ws, progress: "second", then=got.append, key="save", lane=Lane.WRITE)
    gate.open.set()
    finish()
    assert not older.cancelled
    assert got == ["second"]


def test_the_same_key_of_another_owner_is_another_job(jobs, owner, qtbot, finish):
    other = QWidget()
    qtbot.addWidget(other)
    got = []
    jobs.run(owner, lambda ws, progress: 1, then=got.append, key="load")
    jobs.run(other, lambda ws, progress: 2, then=got.append, key="load")
    finish()
    assert sorted(got) == [1, 2]


def test_the_result_of_a_destroyed_owner_is_dropped(jobs, qtbot, finish, shown):
    gate, got, owner = Gate(), [], QWidget()
    jobs.run(owner, gate, then=got.append)
    qtbot.waitUntil(gate.begun.is_set)
    owner.deleteLater()
    qtbot.waitUntil(lambda: not isValid(owner))
    finish()
    assert (got, shown) == ([], [])


def test_jobs_leave_nothing_on_their_owner(jobs, owner, finish):
    before = owner.receivers(SIGNAL("destroyed(QObject*)"))
    for _ in range(50):
        jobs.run(owner, lambda ws, progress: None)
    finish()
    assert owner.receivers(SIGNAL("destroyed(QObject*)")) == before


def test_what_a_destroyed_owner_wrote_is_announced_and_its_error_shown(jobs, qtbot, finish, shown):
    gate, owner, wrote, error = Gate(), QWidget(), [], UserError("No")
    jobs.wrote.connect(wrote.append)

    def write(ws, progress):
        gate(ws, progress)
        return CHANGE

    jobs.run(owner, write, lane=Lane.WRITE)
    jobs.run(owner, raising(error), lane=Lane.WRITE)
    qtbot.waitUntil(gate.begun.is_set)
    owner.deleteLater()
    qtbot.waitUntil(lambda: not isValid(owner))
    gate.open.set()
    finish()
    assert wrote == [CHANGE]
    assert shown == [(None, error)]


def test_cancel_is_shown_nowhere(jobs, owner, qtbot, finish, shown):
    gate, got, failures = Gate(), [], []
    job = jobs.run(owner, gate, then=got.append, failed=failures.append)
    qtbot.waitUntil(gate.begun.is_set)
    job.cancel()
    finish()
    assert job.done
    assert (got, failures, shown) == ([], [], [])


def test_a_job_cancelled_before_it_begins_never_begins(jobs, owner, qtbot, finish):
    gate, begun = Gate(), []
    jobs.run(owner, gate)
    qtbot.waitUntil(gate.begun.is_set)
    waiting = jobs.run(owner, lambda ws, progress: begun.append(1))
    waiting.cancel()
    gate.open.set()
    finish()
    assert begun == []


@pytest.mark.parametrize("error", [UserError("Wrong", "why", "do this"), KeyError("bug")])
def test_errors_go_to_the_presenter_or_to_who_asked(jobs, owner, finish, shown, error):
    asked = []
    jobs.run(owner, raising(error))
    jobs.run(owner, raising(error), failed=asked.append)
    finish()
    assert shown == [(owner, error)]
    assert asked == [error]


@pytest.mark.parametrize("result", [CHANGE, ("id", CHANGE), type("Done", (), {"change": CHANGE})()])
def test_a_change_is_announced_after_then(jobs, owner, finish, result):
    order = []
    jobs.wrote.connect(order.append)
    jobs.run(owner, lambda ws, progress: result, then=lambda got: order.append("then"), lane=Lane.WRITE)
    finish()
    assert order == ["then", CHANGE]


def test_change_in_other_results():
    assert change_in(None) is None
    assert change_in(("a", 1)) is None
    assert change_in(type("Done", (), {"change": 3})()) is None


def test_progress_and_running_are_told(jobs, owner, qtbot, finish):
    gate = Gate()
    with qtbot.waitSignal(jobs.changed):
        job = jobs.run(owner, gate, title="bias report")
    jobs.run(owner, lambda ws, progress: None)  # no title: not listed
    qtbot.waitUntil(lambda: job.fraction == 0.5)
    assert [(j.title, j.status) for j in jobs.running] == [("bias report", "waiting")]
    gate.open.set()
    finish()
    assert jobs.running == ()


def test_the_workspace_is_opened_once_lazily_on_the_reader(qtbot, owner):
    opened = []

    def factory():
        opened.append(threading.current_thread().name)
        return "workspace"

    jobs = Jobs(factory, lambda parent, error: None)
    assert opened == []
    got = []
    with qtbot.waitSignal(jobs.opened) as told:
        for lane in (Lane.WRITE, Lane.COMPUTE, Lane.READ):
            jobs.run(owner, lambda ws, progress: ws, then=got.append, lane=lane)
        qtbot.waitUntil(lambda: jobs.idle)
    assert told.args == ["workspace"]
    assert got == ["workspace"] * 3
    assert len(opened) == 1
    assert opened[0].startswith("jobs-read")
    jobs.shut_down()


def test_a_workspace_that_does_not_open_fails_each_job_and_is_tried_again(qtbot, owner):
    attempts = []

    def factory():
        attempts.append(1)
        if len(attempts) == 1:
            raise UserError("No registry")
        return "workspace"

    jobs, failures, got = Jobs(factory, lambda parent, error: None), [], []
    jobs.run(owner, lambda ws, progress: ws, then=got.append, failed=failures.append)
    qtbot.waitUntil(lambda: jobs.idle)
    jobs.run(owner, lambda ws, progress: ws, then=got.append, failed=failures.append)
    qtbot.waitUntil(lambda: jobs.idle)
    assert [str(error) for error in failures] == ["No registry"]
    assert got == ["workspace"]
    jobs.shut_down()


def test_later_jobs_get_the_adopted_workspace(jobs, owner, finish):
    got = []
    jobs.run(owner, lambda ws, progress: ws.actor, then=got.append)
    finish()
    jobs.adopt(lambda ws: type(ws)("bo"))
    jobs.run(owner, lambda ws, progress: ws.actor, then=got.append, lane=Lane.WRITE)
    finish()
    assert got == ["ann", "bo"]


def test_shut_down_cancels_joins_and_closes(qtbot, owner):
    spaces = []

    class Space:
        closed = False

        def close(self):
            self.closed = True

    def factory():
        spaces.append(Space())
        return spaces[0]

    jobs, gate, got = Jobs(factory, lambda parent, error: None), Gate(), []
    jobs.run(owner, gate, then=got.append, lane=Lane.COMPUTE)
    qtbot.waitUntil(gate.begun.is_set)
    began = time.monotonic()
    jobs.shut_down()
    jobs.shut_down()
    assert time.monotonic() - began < 2
    assert spaces[0].closed
    late = jobs.run(owner, lambda ws, progress: "late", then=got.append)
    qtbot.wait(30)
    assert late.done
    assert got == []
    assert [t.name for t in threading.enumerate() if t.name.startswith("jobs-")] == []


def test_cancelled_raised_by_the_work_itself_is_silent(jobs, owner, finish, shown):
    jobs.run(owner, raising(Cancelled()))
    finish()
    assert shown == []


def test_nothing_holds_a_widget_after_a_job(jobs, owner, finish):
    job = jobs.run(owner, lambda ws, progress: owner.objectName())
    finish()
    assert (job.owner, job.work, job.then, job.failed, job.result) == (None,) * 5
