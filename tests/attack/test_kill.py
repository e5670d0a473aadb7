"""Kill -9 in the middle of sign-offs: nothing that was acknowledged is lost, nothing is half done.

A hundred times by default; `--kills 10000` for a longer run, in a fresh registry every few hundred kills, since a
signature reads what was decided before. One client signs in a file; on a server several sign at once, and a random one
is killed. Most kills come while a signature is being recorded. The kernel's own cache survives a killed process, so
this shows what a crash of the program does, not what a power cut does (for that: synchronous=EXTRA, tests/registry).
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
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
ROUND = 400  # kills in one registry
CLIENTS = {"sqlite": 1, "postgresql": 4}
AFTER = 1.5  # times what the last signature took: at most so long after a child is about to sign it is killed


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


def make_registry(folder, address):
    """People, keys, and a policy that wants two signatures."""
    folder.mkdir()
    address = address or str(folder / "registry.assay")
    desk = make_desk(folder, address=address, now=system_clock)
    policies.publish(desk.as_("Rita Risk"), two_decide(), PASSPHRASE)
    desk.workspace.close()
    return Place(address, folder)


@dataclass
class Tally:
    """What was counted: over all registries."""

    kills: int = 0
    in_flight: int = 0
    torn: int = 0
    refused: int = 0
    acknowledged: int = 0
    signed: int = 0
    changes: int = 0


class Nursery:
    """A process that bears one client at a time."""

    def __init__(self, registry):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.attack.signing", registry.address, str(registry.keys)],
            cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.lines, self.took = [], 0.08

    def bear(self):
        """Let a child be born; it may speak before the nursery tells."""
        self.process.stdin.write("live\n")
        self.lines = []
        self.read("born")
        self.child = int(self.lines.pop()[1])

    def read(self, word):
        """Read until it says the word."""
        while not (self.lines and self.lines[-1][0] == word):
            self.lines.append(next(self.process.stdout).split())
            if self.lines[-1][0] == "done":
                self.took = float(self.lines[-1].pop())

    def kill(self, chance):
        """Kill the child: some while they open the registry, most while they sign, for the first time or later."""
        for word in chance.choice(((), ("trying",), ("trying", "done", "trying"))):
            self.read(word)
        time.sleep(chance.uniform(0.0, AFTER * self.took))
        os.kill(self.child, signal.SIGKILL)
        self.read("gone")
        assert self.lines.pop() == ["gone", str(-signal.SIGKILL)]

    def close(self):
        """End it."""
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


@contextmanager
def nurseries(registry, count):
    """So many clients at once, each alive."""
    made = [Nursery(registry) for _ in range(count)]
    for nursery in made:
        nursery.bear()
    try:
        yield made
    finally:
        for nursery in made:
            if nursery.process.poll() is None:
                with suppress(ProcessLookupError):
                    os.kill(nursery.child, signal.SIGKILL)
            nursery.close()


def look(registry, acknowledged):
    """What must hold after every kill, read by plain SQL: the database rolls back what was left half written."""
    with closing(registry.raw()) as raw:
        if not registry.address.startswith("postgresql"):
            raw.execute("BEGIN")
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


def one_registry(registry, clients, kills, tally):
    """Kill a random client so often; look after every kill, recompute everything after every fiftieth."""
    chance, acknowledged = random.Random(), []
    with nurseries(registry, clients) as alive:
        for n in range(1, kills + 1):
            nursery = chance.choice(alive)
            nursery.kill(chance)
            told = nursery.lines
            acknowledged += [tuple(words) for said, *words in told if said == "done"]
            tally.refused += sum(said == "refused" for said, *_ in told)
            tally.in_flight += bool(told and told[-1][0] == "trying")
            tally.torn += registry.journal()
            look(registry, acknowledged)
            nursery.bear()
            if n % 50 == 0:
                check_decisions(registry)
    signed, changes = check_decisions(registry)
    assert signed >= len(acknowledged) > 0
    assert not list(registry.folder.glob("*.making"))
    tally.kills += kills
    tally.acknowledged += len(acknowledged)
    tally.signed += signed
    tally.changes += changes


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_killed_in_the_middle_nothing_is_half_signed(engine, tmp_path, request, capsys):
    kills, tally, began = request.config.getoption("--kills"), Tally(), time.monotonic()
    server = request.getfixturevalue("postgres") if engine == "postgresql" else None
    for first in range(0, kills, ROUND):
        registry = make_registry(tmp_path / f"{first}", server.database() if server else None)
        one_registry(registry, CLIENTS[engine], min(ROUND, kills - first), tally)
        with capsys.disabled():
            sys.stdout.write(f"\n{engine}: {tally}, {time.monotonic() - began:.0f} s\n")
            sys.stdout.flush()
