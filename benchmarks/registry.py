"""Writing and paging a large registry, as ratios against a peer in the same process. Run by hand.

    python benchmarks/registry.py [--models 2000] [--postgresql URL]

Facts: writes of up to 1,000 through `Store.write`, against the ORM's commit for each fact with the same settings of the
same engine (full durability). Each model has a use with its tier, an owner, ten versions, each of them in use: a row of
the inventory each. Pages: the last rows of the inventory against its first, by key; the log at its end against its
beginning. Searches, orders, counters. A sign-off's write, without its key.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

from sqlmodel import Session

from desktop_app.domain import canonical
from desktop_app.domain.canonical import Digest, Id
from desktop_app.domain.inventory import InventoryRow
from desktop_app.domain.listing import InventoryFilter
from desktop_app.domain.model import (
    Artefact,
    DigestOf,
    InUse,
    ModelVersion,
    RegisteredModel,
    SourceIdentity,
    UseState,
)
from desktop_app.domain.use import Tiering, Use
from desktop_app.registry._tables import FactRow
from desktop_app.registry.listing import Listing, read_row
from desktop_app.registry.store import Store, create_store

ANN, VERSIONS = Id("ann"), 10
PER_MODEL = 2 * VERSIONS + 3
WORDS = ("cards", "mortgage", "fraud", "churn", "collections", "deposit", "leasing", "pricing")


def portfolio(store: Store, models: int) -> float:
    """Write models with ten versions and a use each, a thousand facts at a time. Returns seconds."""
    began, at_once = time.perf_counter(), 1000 // PER_MODEL
    for start in range(0, models, at_once):
        with store.write(ANN, "inventory.imported", Id("benchmark")) as write:
            for number in range(start, min(start + at_once, models)):
                write.add(*model_facts(store, number))
    return time.perf_counter() - began


def model_facts(store: Store, number: int) -> list[object]:
    """A model with its use and tier, and its versions, all of them in use."""
    model, use, word = store.new_id(), store.new_id(), WORDS[number % len(WORDS)]
    made: list[object] = [
        RegisteredModel(id=store.new_id(), model=model, name=f"{word.title()} model {number:06}", revision=1,
                        technique="XGBoost", owner=Id(f"owner{number % 40}")),
        Use(id=use, model=model, purpose=f"{word} lending", entity=("NL", "DE", "BE")[number % 3]),
        Tiering(id=store.new_id(), model=model, use=use, tier=number % 3 + 1, basis="judgement")]
    for label in range(1, VERSIONS + 1):
        version = store.new_id()
        source = SourceIdentity(source="mlflow", name=f"model_{number}", version=str(label), created="2026-01-01")
        made.append(ModelVersion(
            id=version, model=model, label=str(label), source=source,
            artefact=Artefact(digest=Digest("ab" * 32), of=DigestOf.SOURCE)))
        made.append(InUse(id=store.new_id(), model=model, version=version, use=use, since=date(2026, 1, 1),
                          state=UseState.IN_USE if label == VERSIONS else UseState.RETIRED))
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
        inventory(store)
        store.close()


def inventory(store: Store) -> None:
    """The pages of the inventory, as the window asks for them."""
    today, people = date(2026, 11, 20), {Id(f"owner{n}"): f"Owner {n:02}" for n in range(40)}

    def ask(what: Callable[[Listing], object]) -> float:
        def run() -> object:
            with store.read() as reader, reader.listing(today, people) as found:
                return what(found)

        return 1000 * median(run)

    def last_row(wanted: InventoryFilter) -> InventoryRow:
        """The row 200 before the end."""
        with store.read() as reader, reader.listing(today, people) as found:
            back = replace(wanted, descending=not wanted.descending)
            return read_row(found.page(back, None, 201)[-1])

    uses = 0
    with store.read() as reader, reader.listing(today, people) as found:
        uses = found.count(InventoryFilter())
    plain = InventoryFilter()
    first, behind = ask(lambda found: found.page(plain, None, 200)), last_row(plain)
    end = ask(lambda found: found.page(plain, behind, 200))
    print(f"200 rows of {uses:,}: first page {first:.1f} ms, last {end:.1f} ms; ratio {end / first:.2f} (goal 1.5)")
    for words in ("mortgage 0777", "nowhere", "ea", "xgboost owner nl"):
        wanted = InventoryFilter(words=words)
        print(f"“{words}”: first page {ask(lambda f: f.page(wanted, None, 200)):.0f} ms, "  # noqa: B023
              f"count {ask(lambda f: f.count(wanted)):.0f} ms")  # noqa: B023
    for order in ("tier", "due", "owner"):
        wanted = InventoryFilter(order=order, descending=True)
        print(f"by {order}: {ask(lambda f: f.page(wanted, None, 200)):.0f} ms")  # noqa: B023
    wrong = InventoryFilter(view="attention")
    print(f"counters {ask(lambda f: f.counts()):.0f} ms; what needs attention: first page "
          f"{ask(lambda f: f.page(wrong, None, 200)):.0f} ms, count {ask(lambda f: f.count(wrong)):.0f} ms; all "
          f"counted {ask(lambda f: (f.count(plain), f.models(), f.tiers(), f.entities())):.0f} ms")


if __name__ == "__main__":
    main()
