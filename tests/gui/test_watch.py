"""Other people's writes are told once, our own not again, a lost registry is said once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from PySide6.QtWidgets import QWidget

from desktop_app.domain.change import Change
from desktop_app.errors import Unreachable
from desktop_app.gui.watch import Watch
from desktop_app.operations.outbox import Told


def change(seq):
    return Change(kinds=frozenset({"finding"}), subject="f", note="", seq=seq)


class Log:
    """The changes of a log, and whether it can be reached."""

    def __init__(self, *changes):
        self.changes, self.lost = list(changes), False

    def head(self, ws):
        if self.lost:
            raise Unreachable("gone")
        return self.changes[-1].seq if self.changes else 0

    def since(self, ws, seq):
        return [c for c in self.changes if c.seq > seq]


@pytest.fixture
def watched(jobs, qtbot):
    owner = QWidget()
    qtbot.addWidget(owner)
    log, told, reach = Log(change(1)), [], []
    watch = Watch(jobs, owner, head=log.head, since=log.since, every=10)
    watch.changed.connect(told.append)
    watch.reachable.connect(reach.append)
    watch.start()
    yield jobs, owner, log, told, reach, watch
    watch.stop()


def test_what_was_there_at_the_start_is_no_news(watched, qtbot, finish):
    *_, told, _, _ = watched
    qtbot.wait(60)
    assert told == []


def test_other_peoples_writes_are_told_once_in_order(watched, qtbot):
    _, _, log, told, _, _ = watched
    qtbot.wait(40)
    log.changes += [change(2), change(3)]
    qtbot.waitUntil(lambda: len(told) == 2)
    qtbot.wait(40)
    assert [c.seq for c in told] == [2, 3]


def test_our_own_writes_are_not_told_again(watched, qtbot):
    jobs, owner, log, told, _, _ = watched
    qtbot.wait(40)

    def write(ws, progress):
        log.changes.append(change(2))
        return log.changes[-1]

    with qtbot.waitSignal(jobs.wrote):
        jobs.run(owner, write)
    log.changes.append(change(3))
    qtbot.waitUntil(lambda: bool(told))
    assert [c.seq for c in told] == [3]


def test_losing_the_registry_is_said_once_and_so_is_its_return(watched, qtbot, shown):
    _, _, log, _, reach, _ = watched
    qtbot.wait(40)
    log.lost = True
    qtbot.waitUntil(lambda: reach == [False])
    qtbot.wait(60)
    log.lost = False
    qtbot.waitUntil(lambda: reach == [False, True])
    assert shown == []


def test_a_log_that_became_shorter_is_told_at_once(watched, qtbot):
    _, _, log, told, _, _ = watched
    qtbot.wait(40)
    log.changes += [change(2), change(3)]
    qtbot.waitUntil(lambda: len(told) == 2)
    log.changes.pop()
    qtbot.waitUntil(lambda: len(told) == 3)
    assert (told[-1].seq, told[-1].kinds) == (2, frozenset())
    qtbot.wait(40)
    assert len(told) == 3


def test_what_became_of_pending_writes_is_told_once_for_each_answer(jobs, qtbot):
    owner = QWidget()
    qtbot.addWidget(owner)
    log, found, told = Log(change(1)), [], []
    watch = Watch(jobs, owner, head=log.head, since=log.since, leftovers=lambda ws: tuple(found), every=10)
    watch.left.connect(told.append)
    watch.start()
    qtbot.wait(40)
    assert told == []
    left = Told(command="c", at=datetime.now(UTC), entry=None, sentence="“Approve” was not recorded.")
    found.append(left)
    qtbot.waitUntil(lambda: told == [(left,)])
    found.clear()
    qtbot.waitUntil(lambda: told == [(left,), ()])
    watch.stop()


def test_a_long_reading_does_not_hide_others_work(watched, qtbot):
    jobs, owner, log, told, _, _ = watched
    qtbot.wait(40)
    end = threading.Event()
    jobs.run(owner, lambda ws, progress: end.wait(10))
    log.changes.append(change(2))
    qtbot.waitUntil(lambda: len(told) == 1)
    end.set()
