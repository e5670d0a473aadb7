"""The disk under a PostgreSQL server is full: what was acknowledged stays, the rest is refused in words, and when there
is room again it goes on."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from desktop_app.domain.canonical import Id
from desktop_app.domain.use import Use
from desktop_app.errors import Unreachable
from desktop_app.operations import audit
from desktop_app.registry.outbox import Patience
from desktop_app.registry.store import create_store
from desktop_app.workspace import open_workspace
from tests import postgres as throw_away

SIZE = 140  # megabytes
ROOM = 3_000_000  # bytes left when the ballast is there


@contextmanager
def small_disk():
    """A folder on a small disk of its own, in memory."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}m,mode=755", "none", str(folder)],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        folder.rmdir()
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


@pytest.fixture
def server():
    if (reason := throw_away.why_not()) or os.name == "nt":
        pytest.skip(reason)
    with small_disk() as folder:
        made = throw_away.Server(folder, ("max_wal_size=32MB", "wal_recycle=off"))
        made.make()
        made.start()
        yield made
        made.stop()


def write(store, command):
    """A document of 300 kB under one entry."""
    with store.write(Id("ann"), "use.described", Id("m"), note="n", command=command) as change:
        change.add(Use(id=store.new_id(), model=Id("m"), purpose=command))
        change.add_blob(secrets.token_bytes(300_000))
    return change.change.seq


def until_refused(store, acknowledged):
    """Write until it is refused; returns the command that was, and what the person was told."""
    for _ in range(100):
        command = store.new_id()
        try:
            acknowledged[command] = write(store, command)
        except Unreachable as refused:
            return command, refused.title
    raise AssertionError("the disk is not small")


def test_a_full_disk_refuses_and_loses_nothing(server, capsys):
    address, acknowledged = server.database(), {}
    with closing(create_store(address, "Full")) as store:
        store.patience = Patience(total=1.0)
        first = store.new_id()
        acknowledged[first] = write(store, first)
        free = os.statvfs(server.folder)
        ballast = server.folder / "ballast"
        ballast.write_bytes(bytes(free.f_bavail * free.f_frsize - ROOM))
        command, told = until_refused(store, acknowledged)
        ballast.unlink()
        if server.process.poll() is not None:  # it ends itself when its journal finds no room
            server.process = None
            server.start()
        throw_away.wait_until(server.answers)
        if store.outcome(command) is None:
            write(store, command)
        with store.read() as reader:
            there = {e.command: e.seq for e in reader.entries()}
    assert {c: there.get(c) for c in acknowledged} == acknowledged
    assert set(there) == {*acknowledged, command}
    with closing(open_workspace(address)) as workspace:
        assert audit.recompute(workspace).ok
    with capsys.disabled():
        sys.stdout.write(f"\n{len(acknowledged)} writes acknowledged, then: {told}\n")
