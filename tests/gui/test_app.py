"""The start: painted before anything heavy is imported or opened; bugs are shown; the binding keeps its references."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest
from PySide6.QtCore import QObject

from desktop_app.domain.change import Change
from desktop_app.gui import app as gui_app
from desktop_app.gui import theme
from desktop_app.gui.main_window import PageSpec
from desktop_app.gui.page import Page
from desktop_app.gui.state import Acting

HEAVY = ("sqlmodel", "sqlalchemy", "pydantic", "pandas", "numpy", "scipy", "sklearn", "fairlearn", "shap", "mlflow",
         "pyarrow", "reportlab", "pikepdf", "openpyxl", "httpx", "cryptography", "argon2", "keyring", "asyncio",
         "xgboost", "lightgbm", "onnxruntime", "skops", "duckdb")
ANN, BO = Acting(id="a", name="Ann", role="Owner"), Acting(id="b", name="Bo", role="Validator")

START = f"""
import json, sys
from PySide6.QtCore import QTimer
from desktop_app.gui.app import Desk, application, build
from desktop_app.gui.main_window import PageSpec
opened = []
def make(jobs, state):
    from desktop_app.gui.page import Page
    class First(Page):
        key, title = "inventory", "Inventory"
    return First(jobs, state)
class Settings(dict):
    def value(self, key, default=None): return default
    def setValue(self, key, value): pass
app = application()
desk = Desk(pages=[PageSpec(key="inventory", title="Inventory", make=make)], start="inventory",
            open=lambda url, person: opened.append(url), identity=lambda ws: ("R", None, ()), act_as=lambda ws, who: ws)
window = build(app, "here", None, desk, Settings())
def painted():
    print(json.dumps([[m for m in {HEAVY!r} if m in sys.modules], opened, window.page_key]))
    sys.stdout.flush()
    QTimer.singleShot(0, app.quit)
import desktop_app.gui.app as gui
real = gui._begin
def begin(*args, **more):
    painted()
    real(*args, **more)
gui._begin = begin
window.show()
app.exec()
window.close()
"""


def test_the_window_is_painted_before_anything_heavy_is_loaded_or_opened():
    done = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, timeout=60, check=True,
                          env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})
    heavy, opened, page = json.loads(done.stdout.splitlines()[0])
    assert (heavy, opened, page) == ([], [], "")


class Who(Page):
    """Shows who the workspace says acts."""

    key, title = "who", "Who"

    def load(self, ws, progress):
        return ws.actor

    def show_data(self, data):
        self.said = data


class Space:
    """A workspace for one person."""

    def __init__(self, actor):
        self.actor, self.thread = actor, threading.current_thread()


def desk(**more):
    return gui_app.Desk(**{
        "pages": [PageSpec(key="who", title="Who", make=Who)], "start": "who",
        "open": lambda url, person: Space(person or "a"),
        "identity": lambda ws: ("Retail", ANN, (ANN, BO)), "act_as": lambda ws, who: Space(who.id), **more})


@pytest.fixture
def started(qapp, qtbot, settings):
    windows = []

    def start(**more):
        window = gui_app.build(qapp, None, None, desk(**more), settings)
        qtbot.addWidget(window)
        windows.append(window)
        window.show()
        qtbot.waitUntil(lambda: bool(window.page_key) and window.jobs.idle)
        return window

    yield start
    for window in windows:
        window.close()


def test_the_registry_introduces_itself_and_a_change_of_person_reaches_jobs_and_pages(started, qtbot):
    window = started()
    assert window.person.text() == "Ann · Owner"
    assert window._top._registry.text() == "Retail"
    assert window.page.said == "a"
    window._act_as(BO)
    qtbot.waitUntil(lambda: window.page.said == "b")
    assert window.person.text() == "Bo · Validator"


def test_the_look_comes_from_the_settings_and_nonsense_is_ignored(started, settings):
    settings |= {"theme": "dark", "text_scale": "1.3"}
    started()
    assert (theme.current(), theme.scale()) == ("dark", 1.3)
    settings |= {"theme": "sepia", "text_scale": "huge"}
    started()
    assert (theme.current(), theme.scale()) == ("system", 1.0)


def test_a_mistake_in_a_slot_is_shown_as_one(started, monkeypatch, capsys):
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)  # the suite's own catches everything
    window, shown = started(), []
    monkeypatch.setattr(gui_app, "_show", lambda parent, error: shown.append(error))
    error = KeyError("slot")
    sys.excepthook(KeyError, error, None)
    assert shown == [error]
    assert window.isVisible()
    assert "KeyError" in capsys.readouterr().err


def test_other_peoples_writes_reach_the_window(started, qtbot):
    from desktop_app.domain.change import Change

    log = [1]

    class Watched(Who):
        kinds = frozenset({"person"})
        loads = 0

        def load(self, ws, progress):
            Watched.loads += 1
            return "a"

    started(
        pages=[PageSpec(key="who", title="Who", make=Watched)], head=lambda ws: log[-1],
        since=lambda ws, seq: [
            Change(kinds=frozenset({"person"}), subject="p", note="", seq=n) for n in log if n > seq])
    before = Watched.loads
    log.append(2)
    qtbot.waitUntil(lambda: Watched.loads > before, timeout=6000)


def test_the_binding_does_not_lose_references_to_none():
    """PySide6 6.12.0 on Python 3.11 drops one reference to None per call and then ends the process."""
    thing, before = QObject(), sys.getrefcount(None)
    for _ in range(20_000):
        thing.setObjectName("x")
    assert abs(sys.getrefcount(None) - before) < 1_000


def test_somebody_enrolled_meanwhile_may_act_without_a_restart(started, qtbot):
    here = [ANN]
    window = started(identity=lambda ws: ("Retail", here[0], tuple(here)))
    qtbot.waitUntil(lambda: window.state.people == (ANN,))
    here[:] = [Acting(id="a", name="Ann", role="Administrator"), BO]
    window.registry_changed(Change(kinds=frozenset({"finding"}), subject="x", note="", seq=5))
    qtbot.wait(50)
    assert window.state.people == (ANN,)
    window.registry_changed(Change(kinds=frozenset({"key.enrolled", "mandate"}), subject="b", note="", seq=6))
    qtbot.waitUntil(lambda: window.state.people == tuple(here))
    assert window.state.acting == here[0]
