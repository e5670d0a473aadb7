"""A window whose registry is lost says so, keeps what it shows with its age, and goes on by itself when it is back."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime

import pytest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from desktop_app.errors import Lost
from desktop_app.gui import app as gui_app
from desktop_app.gui import watch
from desktop_app.gui.jobs import Jobs, Lane
from desktop_app.gui.main_window import PageSpec
from desktop_app.gui.page import Page
from desktop_app.gui.state import Acting
from desktop_app.gui.widgets.prose import words
from desktop_app.operations.outbox import Told

ANN = Acting(id="a", name="Ann", role="Owner")


class Registry:
    """What the window asks of one, and whether it is away."""

    def __init__(self):
        self.away, self.value, self.left = False, "one", []

    def ask(self, answer):
        if self.away:
            raise Lost("The registry's server cannot be reached.", "here", "Try again.")
        return answer

    def open(self, url, person):
        return self.ask("workspace")


@pytest.fixture
def registry():
    return Registry()


@pytest.fixture
def window(qapp, qtbot, settings, registry, monkeypatch):
    class Shows(Page):
        key, title = "shows", "Shows"

        def __init__(self, jobs, state):
            super().__init__(jobs, state)
            self.set_content(words("content"))
            self.seen = []

        def load(self, ws, progress):
            return registry.ask((self.arguments.get("of"), registry.value))

        def show_data(self, data):
            self.seen.append(data)

    def told(ws, commands):
        registry.left = [left for left in registry.left if left.command not in commands]

    monkeypatch.setattr(watch.Watch.__init__, "__kwdefaults__", watch.Watch.__init__.__kwdefaults__ | {"every": 10})
    desk = gui_app.Desk(
        pages=[PageSpec(key="shows", title="Shows", make=Shows)], start="shows", open=registry.open,
        identity=lambda ws: registry.ask(("The registry", ANN, (ANN,))), act_as=lambda ws, who: ws,
        head=lambda ws: registry.ask(1), since=lambda ws, seq: (), leftovers=lambda ws: tuple(registry.left), told=told)
    made = gui_app.build(QApplication.instance(), "here", None, desk, settings)
    qtbot.addWidget(made)
    yield made
    made.close()


def start(window, qtbot):
    window.show()
    qtbot.waitUntil(lambda: bool(window.page_key))


def lose(window, registry, qtbot):
    registry.away = True
    qtbot.waitUntil(lambda: window.away.text != "")


def test_a_lost_registry_is_said_and_forgotten_when_it_is_back(window, registry, qtbot):
    start(window, qtbot)
    qtbot.waitUntil(lambda: len(window.page.seen) == 1)
    assert window.away.text == ""
    lose(window, registry, qtbot)
    assert re.match(r"Not connected to the registry since \d\d:\d\d; trying again…", window.away.text)
    page = window.page
    assert re.fullmatch(r"As it was at \d\d:\d\d:\d\d", page._age.text())
    assert page._age.isVisible()
    window.reload()
    qtbot.waitUntil(lambda: window.jobs.running == ())
    qtbot.wait(30)
    assert (page._panel, len(page.seen)) == (None, 1)  # what was read stays
    registry.away, registry.value = False, "two"
    qtbot.waitUntil(lambda: page.seen[-1] == (None, "two"))
    qtbot.waitUntil(lambda: window.away.text == "")
    assert not page._age.isVisible()


def test_what_was_read_on_another_day_says_which(window, registry, qtbot):
    start(window, qtbot)
    qtbot.waitUntil(lambda: len(window.page.seen) == 1)
    window.page._shown_at = datetime(2026, 1, 2, 23, 30).astimezone()
    lose(window, registry, qtbot)
    assert window.page._age.text() == "As it was on 02 Jan 2026 at 23:30:00"


def test_a_window_that_is_closed_waits_for_no_registry(qtbot, qapp):
    class Away:
        def __init__(self):
            self.given_up, self.closed = threading.Event(), False

        def give_up(self):
            self.given_up.set()

        def close(self):
            self.closed = self.given_up.is_set()

    away, started, owner = Away(), threading.Event(), QWidget()
    qtbot.addWidget(owner)

    def sign(ws, progress):
        started.set()
        assert ws.given_up.wait(30)

    jobs = Jobs(lambda: away, lambda parent, error: None)
    jobs.run(owner, sign, lane=Lane.WRITE)
    assert started.wait(10)
    jobs.shut_down()
    assert away.closed


def test_what_is_of_something_else_is_never_shown_as_old(window, registry, qtbot):
    start(window, qtbot)
    qtbot.waitUntil(lambda: len(window.page.seen) == 1)
    lose(window, registry, qtbot)
    window.open_page("shows", of="another model")
    page = window.page
    qtbot.waitUntil(lambda: page._panel is not None and page._panel.accessibleName() != "")
    assert page._panel.accessibleName() == "The registry's server cannot be reached."
    registry.away = False
    qtbot.waitUntil(lambda: page.seen[-1] == ("another model", "one"))  # without a click
    assert page._panel is None


def test_a_window_opened_while_it_is_away_opens_by_itself(window, registry, qtbot):
    registry.away = True
    start(window, qtbot)
    qtbot.waitUntil(lambda: window.away.text.startswith("Not connected to the registry; trying again…"))
    registry.away = False
    qtbot.waitUntil(lambda: window.state.acting == ANN)
    qtbot.waitUntil(lambda: window.page.seen == [(None, "one")])
    assert window.away.text == ""


def test_what_became_of_a_write_stays_until_it_was_read(window, registry, qtbot):
    registry.left = [Told(command="c", at=datetime.now(UTC), entry=12, sentence="“Approve” was recorded after all.")]
    start(window, qtbot)
    qtbot.waitUntil(lambda: window.notice.text == "“Approve” was recorded after all.")
    button = window.notice.findChild(QPushButton)
    assert button.text() == "I have read this"
    button.click()
    qtbot.waitUntil(lambda: registry.left == [])
    qtbot.wait(40)
    assert window.notice.text == ""
