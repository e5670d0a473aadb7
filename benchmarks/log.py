"""How fast chain and tree of a long log are verified over its stored bytes, against reading and hashing alone.

Run by hand: `python benchmarks/log.py [--entries 1000000] [--rounds 3]`. It fills a registry file in a temporary folder
with synthetic entries of about 420 bytes past the program (the program's guards and fsync are not what is measured),
and prints the best of some rounds: reading the rows with one SHA-256 over the stored text of each, reading them through
the ORM, chain and tree (`trust.log.follow`), the tree alone in memory, what a client does when 1,000 entries are new,
and, apart, a second pass that also parses and re-canonicalises each entry's body. Issue 3 asks for at least 10× the ORM
read and within 1.6× of reading plus SHA-256.
"""

from __future__ import annotations

import argparse
import hashlib
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from sqlmodel import Session, select

from desktop_app.domain import audit, canonical
from desktop_app.domain.audit import EntryBody
from desktop_app.domain.canonical import Id
from desktop_app.registry._tables import EntryRow
from desktop_app.registry.store import Store, create_store
from desktop_app.trust import log

START = datetime(2026, 1, 1, tzinfo=UTC)


def fill(path: Path, entries: int) -> Store:
    store = create_store(str(path), "Benchmark")
    raw = sqlite3.connect(path, isolation_level=None)
    for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        raw.execute(f"DROP TRIGGER {name}")
    raw.execute("PRAGMA synchronous = OFF")
    raw.execute("BEGIN")
    raw.executemany("INSERT INTO entry VALUES (?,?,?,?,?,?,?,?,?,?,?)", rows(store.info.id, entries))
    raw.execute("COMMIT")
    raw.close()
    return store


def rows(registry: str, entries: int):
    prev = audit.GENESIS
    root = audit.facts_root([])
    for seq in range(1, entries + 1):
        at = START + timedelta(seconds=seq)
        said = EntryBody(v=1, registry=registry, actor=Id("person"), action="evidence.recorded", subject=Id("model"),
                         client_time=at, application="0.1.0", note=f"Recorded evidence number {seq}", facts=0,
                         facts_root=root, kinds=("evidence",))
        body = canonical.encode(said).decode()
        framed = audit.message(seq, at, "somebody", f"c{seq}", body)
        digest = audit.chain_hash(prev, framed)
        yield (seq, canonical.utc_text(at), "somebody", f"c{seq}", body, prev.hex(), digest.hex(), said.actor,
               said.action, said.subject, said.note)
        prev = digest


def read_and_hash(store: Store) -> None:
    with store.read() as reader:
        for row in reader.rows():
            hashlib.sha256(log.framed(row)).digest()


def read_with_the_orm(store: Store) -> None:
    with Session(store._database.engine) as session:
        for row in session.exec(select(EntryRow).order_by(EntryRow.seq).execution_options(yield_per=1000)):
            hashlib.sha256(row.body.encode()).digest()


def chain_and_tree(store: Store, after: log.Tree | None = None, head: str = "0" * 64) -> tuple[log.Tree, str]:
    tree = after or log.Tree()
    with store.read() as reader:
        return tree, log.follow(tree, head, reader.rows(tree.size))


def with_canonical_form(store: Store) -> None:
    tree, head = log.Tree(), "0" * 64
    with store.read() as reader:
        def checked():
            for row in reader.rows():
                canonical.build(EntryBody, canonical.parse(row[4].encode()))
                yield row
        log.follow(tree, head, checked())


def best(rounds: int, run: Callable[[], object]) -> float:
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return min(times)


def measured(store: Store, path: Path, entries: int, rounds: int) -> None:
    size = path.stat().st_size / 2**20
    hashed = best(rounds, lambda: read_and_hash(store))
    whole = best(rounds, lambda: chain_and_tree(store))
    orm = best(1, lambda: read_with_the_orm(store))
    second = best(1, lambda: with_canonical_form(store))
    leaves = [hashlib.sha256(n.to_bytes(8, "big")).digest() for n in range(entries)]
    tree = best(rounds, lambda: log.Tree().extend(leaves).root())
    with store.read() as reader:
        known = log.Tree()
        head = log.follow(known, "0" * 64, (row for row in reader.rows() if row[0] <= entries - 1000))
    kept = log.Tree(known.size, list(known.peaks))
    news = best(rounds, lambda: chain_and_tree(store, log.Tree(kept.size, list(kept.peaks)), head))
    print(f"{entries:,} entries, {size:,.0f} MiB; seconds, best of {rounds}")
    for name, seconds in (("read + SHA-256", hashed), ("chain + tree", whole), ("read by the ORM + SHA-256", orm),
                          ("chain + tree + canonical form", second), ("tree alone, in memory", tree),
                          ("chain + tree of 1,000 new entries", news)):
        print(f"  {name:36} {seconds:8.3f}  {(1000 if 'new' in name else entries) / seconds:12,.0f}/s")
    print(f"chain + tree is {whole / hashed:.2f}× read + SHA-256 (asked: within 1.6), "
          f"and {orm / whole:.1f}× as fast as the ORM (asked: 10)")


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--entries", type=int, default=1_000_000)
    given.add_argument("--rounds", type=int, default=3)
    asked = given.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.assay"
        store = fill(path, asked.entries)
        try:
            measured(store, path, asked.entries, asked.rounds)
        finally:
            store.close()


if __name__ == "__main__":
    main()
