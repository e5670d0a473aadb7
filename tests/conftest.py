"""Noise fails: warnings and Qt messages (pyproject), and threads left running. Nothing touches the user's own
registry, keys or keyring: every test has a home of its own."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
import time

import pytest
from hypothesis import settings

from tests import postgres as throw_away
from tests.cutting import Line

settings.register_profile("house", deadline=None)  # a busy machine is not a defect
settings.load_profile("house")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
os.environ["ASSAYDESK_HOME"] = tempfile.mkdtemp(prefix="assaydesk-home-")  # of what outlives one test
atexit.register(shutil.rmtree, os.environ["ASSAYDESK_HOME"], ignore_errors=True)
os.environ.pop("ASSAYDESK_WITNESS_FOLDER", None)


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=100, help="how often tests/attack/test_kill.py ends a process")
    parser.addoption("--crashes", type=int, default=3, help="how often test_server_crash.py ends the server")
    parser.addoption("--simulate", type=int, default=100, help="rounds of tests/unit/analysis/test_honesty.py")
    parser.addoption("--faults", action="store_true", help="all faults of tests/attack/test_disk_faults.py")


@pytest.fixture(scope="session")
def postgres():
    """A throw-away PostgreSQL server for the whole session; it does not wait for the disk."""
    if reason := throw_away.why_not():
        pytest.skip(reason)
    with throw_away.running("fsync=off", "max_connections=200") as server:
        yield server


@pytest.fixture
def line(postgres):
    """A line to that server that can be cut."""
    made = Line(f"{postgres.folder}/.s.PGSQL.5432")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ASSAYDESK_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(autouse=True)
def _no_dangling_threads():
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5

    def left_running():
        return [t for t in threading.enumerate() if t not in before and not t.daemon]

    while (left := left_running()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left, f"threads left running: {left}"
