"""Kill -9 in the middle of sign-offs: nothing that was acknowledged is lost, nothing is half done.

A hundred times by default; `--kills 10000` for a longer run. The kernel's own cache survives a killed process, so this
shows what a crash of the program does, not what a power cut does (for that: synchronous=EXTRA, tests/registry).
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from desktop_app.domain.approval import SignOff, StageChanged
from desktop_app.operations import audit, policies
from desktop_app.registry.store import system_clock
from desktop_app.trust.keys import NoSecretStore
from desktop_app.workspace import open_workspace
from tests.desk import PASSPHRASE, make_desk
from tests.operations.decided import two_decide

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the nursery forks")
LIFE = 0.45  # seconds at most: some are killed while the registry is being opened, most while they sign


@dataclass
class Place:
    """A registry that signers open, and how it is looked into past the program."""

    address: str
    folder: Path

    @property
    def keys(self):
        return self.folder / "keys"

    def raw(self):
        """A connection that sees one moment."""
        if not self.address.startswith("postgresql"):
            return sqlite3.connect(self.address)
        made = psycopg.connect(self.address, options="-csearch_path=assaydesk")
        made.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return made

    def journal(self):
        """Whether a file was left in the middle of a write; a server has no such file."""
        return Path(f"{self.address}-journal").exists()


@pytest.fixture(params=["sqlite", "postgresql"])
def registry(request, tmp_path):
    address = str(tmp_path / "registry.assay")
    if request.param == "postgresql":
        address = request.getfixturevalue("postgres").database()
    desk = make_desk(tmp_path, address=address, now=system_clock)
    policies.publish(desk.as_("Rita Risk"), two_decide(), PASSPHRASE)
    desk.workspace.close()
    return Place(address, tmp_path)


@pytest.fixture
def nursery(registry):
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.attack.signing", registry.address, str(registry.keys)],
        cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    yield process
    process.stdin.close()
    process.wait(10)
    process.stdout.close()


def one_life(nursery, seconds):
    """Let a child be born, sign and be killed; returns what it acknowledged and whether it was inside a transaction."""
    nursery.stdin.write("live\n")
    child = int(next(nursery.stdout).split()[1])
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    acknowledged = []
    for line in nursery.stdout:
        if line == "gone\n":
            return acknowledged
        acknowledged.append(tuple(line.split()[1:]))
    raise AssertionError("the nursery ended")


def look(registry, acknowledged):
    """What must hold after every kill, read by plain SQL: the database rolls back what was left half written."""
    with closing(registry.raw()) as raw:
        entries = dict(raw.execute("SELECT command, seq FROM entry WHERE action = 'promotion.signed_off'"))
        assert [entries.get(command) for command, _ in acknowledged] == [int(seq) for _, seq in acknowledged]
        signed = raw.execute("SELECT seq, count(*) FROM fact WHERE kind = 'promotion.signed_off' GROUP BY seq")
        assert dict(signed.fetchall()) == dict.fromkeys(entries.values(), 1)
        orphans = "SELECT count(*) FROM fact WHERE seq NOT IN (SELECT seq FROM entry)"
        empty = "SELECT count(*) FROM entry WHERE seq NOT IN (SELECT seq FROM fact)"
        assert [raw.execute(q).fetchone()[0] for q in (orphans, empty)] == [0, 0]


def check_decisions(registry):
    """Everything recomputed: no stage changed without two signatures under one request, none twice."""
    workspace = open_workspace(registry.address, keys=registry.keys, secret_store=NoSecretStore())
    try:
        report = audit.verify(workspace)
        assert report.ok, report.problems
        with workspace.store.read() as reader:
            signed = {s.record.id: s for s in reader.all(SignOff)}
            changes = reader.all(StageChanged)
    finally:
        workspace.close()
    for change in changes:
        people = {signed[i].record.person for i in change.record.sign_offs}
        assert len(people) == len(change.record.sign_offs) == 2
        assert {signed[i].record.request for i in change.record.sign_offs} == {change.record.request}
    by_request = [(s.record.request, s.record.person) for s in signed.values()]
    assert len(by_request) == len(set(by_request))
    decided = {r for r, _ in by_request if sum(1 for q, _ in by_request if q == r) == 2}
    assert decided == {c.record.request for c in changes}
    return len(signed), len(changes)


def test_killed_in_the_middle_nothing_is_half_signed(registry, nursery, request, capsys):
    kills = request.config.getoption("--kills")
    chance = random.Random()
    acknowledged, torn = [], 0
    for n in range(1, kills + 1):
        acknowledged += one_life(nursery, chance.uniform(0.0, LIFE))
        torn += registry.journal()
        look(registry, acknowledged)
        if n % max(20, kills // 40) == 0:  # recomputing a log that grows, forty times at most
            check_decisions(registry)
    signed, changes = check_decisions(registry)
    assert signed >= len(acknowledged) > 0
    assert not list(registry.folder.glob("*.making"))
    with capsys.disabled():
        sys.stdout.write(f"\n{kills} kills, {torn} of them left a journal: {len(acknowledged)} signatures "
                         f"acknowledged, {signed} there, {changes} changes of stage\n")
