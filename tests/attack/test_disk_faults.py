"""A fault at every file system call of a write to a registry file (strace): killed there, EIO, ENOSPC. What was
acknowledged is there, what was refused is not half there, and the same command sent again is done once.

One fault of each sort at each kind of call by default; `--faults` for all of them (some hundred, minutes).
"""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from desktop_app.domain import audit
from desktop_app.registry.store import create_store, open_store
from tests.attack.one_write import write

CALLS = ("openat", "pwrite64", "fdatasync", "fsync", "unlink", "ftruncate", "pread64")
FAULTS = ("signal=KILL", "error=EIO", "error=ENOSPC")


def traced(registry: Path, command: str, *inject: str) -> tuple[str, Counter]:
    """One write under strace: what it said, and its calls on the registry's files."""
    listed = registry.with_name("trace")
    paths = [word for p in (registry, Path(f"{registry}-journal"), registry.parent) for word in ("-P", str(p))]
    done = subprocess.run(
        ["strace", "-f", "-o", str(listed), *paths, *inject, sys.executable, "-m", "tests.attack.one_write",
         str(registry), command], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    if not listed.exists():
        pytest.skip(f"strace cannot look into processes here: {done.stderr.strip()}")
    calls = Counter(re.findall(r"^\d+ +(\w+)\(", listed.read_text(errors="replace"), re.MULTILINE))
    listed.unlink()
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout.strip(), calls


def whole(registry: Path) -> int:
    """The number of entries, each chained to the one before and with all that it brought."""
    with closing(open_store(str(registry))) as store, store.read() as reader:
        entries, previous = list(reader.entries()), audit.GENESIS
        for entry in entries:
            framed = audit.message(entry.seq, entry.at, entry.user, entry.command, entry.body)
            previous = audit.chain_hash(previous, framed)
            assert entry.hash == previous.hex()
    with closing(sqlite3.connect(registry)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        counts = [raw.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("fact", "blob", "identity")]
    assert counts == [2 * len(entries), len(entries), len(entries)]
    return len(entries)


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed here")
def test_a_fault_at_any_call_loses_and_halves_nothing(tmp_path, request, capsys):
    registry = tmp_path / "registry.assay"
    create_store(str(registry), "x").close()
    said, calls = traced(registry, "first")
    assert said == "done 1"
    chosen = [(call, n, fault) for call in CALLS for fault in FAULTS for n in (
        range(1, calls[call] + 1) if request.config.getoption("--faults")
        else random.sample(range(1, calls[call] + 1), min(1, calls[call])))]
    came_to: Counter = Counter()
    for number, (call, n, fault) in enumerate(chosen, 2):
        command = f"{call}-{n}-{fault}"
        said, _ = traced(registry, command, "-e", f"inject={call}:{fault}:when={n}")
        there = whole(registry)
        if said.startswith("done"):
            assert (said, there) == (f"done {number}", number), command
            came_to["done"] += 1
            continue
        assert there in (number - 1, number), command
        came_to["killed" if not said else "refused", "done" if there == number else "not done"] += 1
        with closing(open_store(str(registry))) as store:
            known = store.outcome(command)
        assert (known is not None) == (there == number), command
        if known is None:
            assert write(str(registry), command) == number, command
        assert whole(registry) == number
    with capsys.disabled():
        sys.stdout.write(f"\n{len(chosen)} faults at {sum(calls[c] for c in CALLS)} calls: {dict(came_to)}\n")
