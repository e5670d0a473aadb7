"""Foundations for tests of the window: the look is on, jobs are shut down, settings live in memory."""

from __future__ import annotations

import pytest

from desktop_app.gui import theme
from desktop_app.gui.jobs import Jobs


def pytest_collection_modifyitems(items):
    """The offscreen screen cannot do some things of a real one and says so; every other Qt message fails a test."""
    for item in items:
        item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support", extend=True))


@pytest.fixture(autouse=True)
def _look(qapp):
    theme.apply(qapp, "light", 1.0)


class Memory(dict):
    """Settings that are nobody's own."""

    def value(self, key, default=None):
        return self.get(key, default)

    def setValue(self, key, value):
        self[key] = value


@pytest.fixture
def settings():
    return Memory()


class FakeWorkspace:
    """Opaque to the window; remembers who acts and that it was closed."""

    def __init__(self, actor="ann"):
        self.actor, self.closed = actor, False

    def close(self):
        self.closed = True


@pytest.fixture
def shown():
    """Errors that reached the one presenter: (parent, error)."""
    return []


@pytest.fixture
def jobs(qtbot, shown):
    made = Jobs(FakeWorkspace, lambda parent, error: shown.append((parent, error)))
    yield made
    made.shut_down()


@pytest.fixture
def finish(qtbot, jobs):
    """Waits until no job runs."""
    return lambda: qtbot.waitUntil(lambda: jobs.idle, timeout=5000)
