"""A real SQLite registry behind real pages: `desk` as in tests/desk.py; `office` opens pages on it."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication

from desktop_app.gui import theme
from desktop_app.gui.jobs import Jobs
from desktop_app.gui.state import Acting, AppState
from tests.desk import make_desk


@pytest.fixture
def desk(tmp_path):
    made = make_desk(tmp_path)
    yield made
    made.workspace.close()


class Office:
    """Opens pages on the registry of a desk with somebody acting; every error that no caller handles is kept."""

    def __init__(self, qtbot, desk):
        self.qtbot, self.desk, self.errors, self.made = qtbot, desk, [], []
        theme.apply(QApplication.instance(), "light")

    def jobs(self, name):
        jobs = Jobs(lambda: self.desk.as_(name), lambda owner, error: self.errors.append(error))
        jobs._close_workspace = lambda: None  # the desk closes its own
        self.made.append(jobs)
        return jobs

    def open(self, page_class, name="Rita Risk", /, **arguments):
        """The page, loaded and shown."""
        state = AppState()
        state.act_as(Acting(id=self.desk.people[name], name=name, role=""))
        jobs = self.jobs(name)
        page = page_class(jobs, state)
        jobs.wrote.connect(page.registry_changed)  # as the window does
        self.qtbot.addWidget(page)
        page.resize(1180, 800)
        page.arrive(**arguments)
        with self.qtbot.waitSignal(page.arrived, timeout=10_000):
            page.show()
        return page

    def settle(self):
        """Until nothing runs."""
        for jobs in self.made:
            self.qtbot.waitUntil(lambda jobs=jobs: jobs.idle, timeout=30_000)

    def close(self):
        for jobs in self.made:
            jobs.shut_down()


@pytest.fixture
def office(qtbot, desk):
    made = Office(qtbot, desk)
    yield made
    made.close()
    assert not made.errors, made.errors
