"""The PostgreSQL server crashes under clients that write: nothing acknowledged is lost, nothing is half done, nothing
is done twice, and what was unknown when the connection broke is settled by its command id.

Three crashes by default; `--crashes 40` for a longer run. The server waits for its disk (fsync=on). The kernel's cache
survives, so this is not a power cut.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from desktop_app.domain import canonical
from desktop_app.domain.canonical import Id
from desktop_app.domain.person import Person
from desktop_app.domain.use import Use
from desktop_app.errors import Unreachable
from desktop_app.operations import audit
from desktop_app.registry.store import create_store, open_store
from desktop_app.workspace import open_workspace
from tests import postgres as throw_away

CLIENTS = 6


@dataclass
class Client:
    """Somebody who writes again and again, and settles what is unknown before going on."""

    address: str
    number: int
    acknowledged: dict[str, int] = field(default_factory=dict)
    unknown: int = 0
    resent: int = 0
    ended: str = "never"

    def work(self, end: threading.Event) -> None:
        self.ended = "by an error"  # which the thread's own excepthook shows, and pytest takes for a failure
        with closing(open_store(self.address)) as store:
            while not end.is_set():
                self.settle(store, store.new_id())
        self.ended = "as it should"

    def settle(self, store, command) -> None:
        """One command until its outcome is known."""
        known = True
        while True:
            try:
                if not known and (change := store.outcome(command)):
                    self.acknowledged[command] = change.seq
                    return
                self.resent += not known
                self.acknowledged[command] = self.write(store, command)
                return
            except Unreachable:
                self.unknown += known
                known = False
                time.sleep(0.05)

    def write(self, store, command) -> int:
        """A sign-off's shape: two facts, erasable text and a document under one entry."""
        with store.write(Id("ann"), "use.described", Id("m"), note="n", command=command) as write:
            write.add(Use(id=store.new_id(), model=Id(f"m{self.number}"), purpose=command),
                      Person(id=store.new_id(), name=write.add_text(f"Name of {command}")))
            write.add_blob(command.encode())
        return write.change.seq


def crash(server, how) -> None:
    """End the server at once: by its own immediate stop, or with all of its processes by kill -9."""
    if how is signal.SIGQUIT:
        server.stop(signal.SIGQUIT)
        return
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(server.process.pid)], capture_output=True, text=True,
                            check=False).stdout
    server.process.send_signal(signal.SIGSTOP)  # so that it starts nothing between the list and the end
    for pid in map(int, listed.split()):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    server.stop(signal.SIGKILL)


@pytest.fixture
def server():
    if reason := throw_away.why_not():
        pytest.skip(reason)
    with throw_away.running("fsync=on", "max_connections=100") as made:
        yield made


def look(server, name, clients):
    """What must hold after every crash, while the clients go on."""
    acknowledged = {command: seq for c in clients for command, seq in dict(c.acknowledged).items()}
    entries = dict(server.execute("SELECT command, seq FROM assaydesk.entry", name))
    assert {c: entries.get(c) for c in acknowledged} == acknowledged


def check_whole(server, name):
    """No entry without all that it brought, nothing without its entry."""
    ((entries,),) = server.execute("SELECT count(*) FROM assaydesk.entry", name)
    whole = "SELECT seq, count(*) FROM assaydesk.fact GROUP BY seq"
    assert Counter(dict(server.execute(whole, name)).values()) == Counter({2: entries})
    kept = "SELECT count(*) FROM assaydesk.blob UNION ALL SELECT count(*) FROM assaydesk.identity"
    assert server.execute(kept, name) == [(entries,)] * 2


def test_the_server_crashes_and_nothing_acknowledged_is_lost(server, request, capsys):
    crashes, chance = request.config.getoption("--crashes"), random.Random()
    address = server.database()
    name = address.split("@/")[1].split("?")[0]
    create_store(address, "Crashing").close()
    clients, end = [Client(address, n) for n in range(CLIENTS)], threading.Event()
    threads = [threading.Thread(target=c.work, args=(end,)) for c in clients]
    for thread in threads:
        thread.start()
    try:
        for n in range(crashes):
            time.sleep(chance.uniform(0.5, 1.2))
            crash(server, (signal.SIGKILL, signal.SIGQUIT)[n % 2])
            server.start()
            assert all(thread.is_alive() for thread in threads)
            look(server, name, clients)
        time.sleep(0.5)
    finally:
        end.set()
        for thread in threads:
            thread.join(60)
    assert [c.ended for c in clients] == ["as it should"] * CLIENTS
    look(server, name, clients)
    check_whole(server, name)
    check_all(server, address, name, clients)
    unknown, resent = sum(c.unknown for c in clients), sum(c.resent for c in clients)
    with capsys.disabled():
        sys.stdout.write(f"\n{crashes} crashes under {CLIENTS} clients: "
                         f"{sum(len(c.acknowledged) for c in clients)} writes acknowledged, {unknown} unknown when the "
                         f"server died, {resent} sent again\n")


def check_all(server, address, name, clients):
    """Everything that was written is what was asked for, once; the log is recomputed."""
    asked = {command for c in clients for command in c.acknowledged}
    kind = canonical.kind_of(Use)
    told = server.execute(f"SELECT body::json->>'purpose' FROM assaydesk.fact WHERE kind = '{kind}'", name)
    assert Counter(p for (p,) in told) == Counter(asked)
    with closing(open_workspace(address)) as workspace:
        report = audit.recompute(workspace)
    assert report.ok, report.problems
    assert report.entries == len(asked)
