"""Writing and paging a large registry, as ratios against a peer in the same process. Run by hand.

    python benchmarks/registry.py [--models 2000] [--postgresql URL] [--keep FILE]

Facts: writes of up to 1,000 through `Store.write`, against the ORM's commit for each fact with the same settings of the
same engine (full durability). Pages: the log at its end against its beginning. A sign-off's write, without its key.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlmodel import Session

from desktop_app.domain import canonical
from desktop_app.domain.canonical import Digest, Id
from desktop_app.domain.model import Artefact, DigestOf, ModelVersion, RegisteredModel, SourceIdentity
from desktop_app.domain.use import Use
from desktop_app.registry._tables import FactRow
from desktop_app.registry.store import Store, create_store

ANN, VERSIONS = Id("ann"), 10
PER_MODEL = VERSIONS + 2


def portfolio(store: Store, models: int) -> float:
    """Write models with ten versions and a use each, a thousand facts at a time. Returns seconds."""
    began, at_once = time.perf_counter(), 1000 // PER_MODEL
    for start in range(0, models, at_once):
        with store.write(ANN, "inventory.imported", Id("benchmark")) as write:
            for number in range(start, min(start + at_once, models)):
                write.add(*model_facts(store, number))
    return time.perf_counter() - began


def model_facts(store: Store, number: int) -> list[object]:
    """A model with its versions and its use."""
    model = store.new_id()
    made: list[object] = [RegisteredModel(id=store.new_id(), model=model, name=f"Model {number:06}", revision=1),
                          Use(id=store.new_id(), model=model, purpose="Card lending", entity="NL")]
    for label in range(1, VERSIONS + 1):
        source = SourceIdentity(source="mlflow", name=f"model_{number}", version=str(label), created="2026-01-01")
        made.append(ModelVersion(
            id=store.new_id(), model=model, label=str(label), source=source,
            artefact=Artefact(digest=Digest("ab" * 32), of=DigestOf.SOURCE)))
    return made


def one_by_one(address: str, count: int) -> float:
    """The ORM's way: one row, one commit, the same settings. Returns seconds."""
    peer = create_store(address, "peer")
    with peer.write(ANN, "benchmark", Id("benchmark")) as write:
        write.add(Use(id=peer.new_id(), model=Id("m"), purpose="x"))
    engine = peer._database.engine
    rows = []
    for number in range(count):
        body = canonical.encode(Use(id=peer.new_id(), model=Id("m"), purpose="Card lending"))
        rows.append(FactRow(id=peer.new_id(), kind="use", ordinal=number + 2, seq=1, position=number + 1,
                            digest=canonical.sha256(body), body=body.decode()))
    began = time.perf_counter()
    with Session(engine) as session:
        for row in rows:
            session.add(row)
            session.commit()
    took = time.perf_counter() - began
    peer.close()
    return took


def median(run: Callable[[], object], times: int = 15) -> float:
    """Seconds, the median of some runs."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def page(store: Store, after: int) -> int:
    """A page of the log."""
    with store.read() as reader:
        return sum(1 for _ in reader.entries(after, after + 50))


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--models", type=int, default=2000)
    options.add_argument("--postgresql", help="an address of an empty database to use instead of a file")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        address = asked.postgresql or str(Path(folder) / "registry.assay")
        store = create_store(address, "benchmark")
        seconds = portfolio(store, asked.models)
        facts = asked.models * PER_MODEL
        rate = facts / seconds
        print(f"{facts:,} facts of {asked.models:,} models in writes of 1,000: {seconds:.1f} s, {rate:,.0f} facts/s")
        if not asked.postgresql:
            peer = 300 / one_by_one(str(Path(folder) / "peer.assay"), 300)
            print(f"the ORM's commit per fact: {peer:,.0f} facts/s; ratio {rate / peer:.1f}x (goal 10x)")
        with store.read() as reader:
            last = reader.head().seq
        first, end = median(lambda: page(store, 0)), median(lambda: page(store, max(0, last - 50)))
        print(f"50 entries of {last:,}: first page {first * 1000:.1f} ms, last {end * 1000:.1f} ms; "
              f"ratio {end / first:.2f} (goal 1.5)")

        def write() -> None:
            with store.write(ANN, "use.described", Id("m")) as one:
                one.add(Use(id=store.new_id(), model=Id("m"), purpose="Card lending"))

        print(f"one small write: {median(write) * 1000:.1f} ms")
        inventory = median(lambda: len(rows(store)), 3)
        print(f"the inventory's {asked.models:,} rows, whole: {inventory * 1000:.0f} ms")
        store.close()


def rows(store: Store) -> tuple[object, ...]:
    """All rows of the inventory."""
    with store.read() as reader:
        return reader.inventory()


if __name__ == "__main__":
    main()
