"""The schema's history: what the scripts make is what the program expects; older and newer registries are named; a
registry that is killed while it is made or upgraded is the old or the new one, never something between."""

from __future__ import annotations

import hashlib
import itertools
import os
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect
from sqlmodel import SQLModel

from desktop_app.domain import audit
from desktop_app.domain.canonical import Id
from desktop_app.domain.listing import InventoryFilter
from desktop_app.domain.registry import RegistryUpgraded
from desktop_app.domain.use import Use
from desktop_app.errors import Damaged, Refused, Unreachable
from desktop_app.registry import migrations
from desktop_app.registry.store import create_store, open_store
from tests.registry.upgrading import NEXT

pytestmark = pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def next_format(monkeypatch):
    """This program knows one more format than the registries that were made before."""
    monkeypatch.setattr(migrations, "KNOWN", ("0001", "0002", "0003"))
    monkeypatch.setattr(migrations, "FOLDERS", (*migrations.FOLDERS, NEXT))


def describe(store, count=3):
    for n in range(count):
        with store.write(Id("ann"), "use.described", Id("m"), note=f"n{n}") as write:
            write.add(Use(id=store.new_id(), model=Id("m"), purpose="Card lending"))


def chained(store):
    """The number of entries, each of which follows from the one before."""
    with store.read() as reader:
        entries = list(reader.entries())
    previous = audit.GENESIS
    for entry in entries:
        framed = audit.message(entry.seq, entry.at, entry.user, entry.command, entry.body)
        previous = audit.chain_hash(previous, framed)
        assert entry.hash == previous.hex()
    return len(entries)


@contextmanager
def plain(address):
    """The database without the program's own settings and guards."""
    where = f"sqlite:///{address}"
    if address.startswith("postgresql"):
        where = address.replace("postgresql:", "postgresql+psycopg:") + "&options=-csearch_path%3Dassaydesk"
    engine = create_engine(where)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def schema_of(address):
    """Everything that a migration could leave half done."""
    with closing(open_store(address)) as store, plain(address) as raw:
        look = inspect(raw)
        tables = {t: ([c["name"] for c in look.get_columns(t)], sorted(str(i["name"]) for i in look.get_indexes(t)))
                  for t in sorted(look.get_table_names())}
        rows = {t: raw.exec_driver_sql(f"SELECT count(*) FROM {t}").scalar() for t in tables}
        with store.read() as reader:
            return store.info, reader.revision(), reader.guards_missing(), tables, rows


# ---- what the scripts make


def test_every_script_is_known_and_no_other(next_format):
    history = ScriptDirectory(str(ROOT / "desktop_app/registry/migrations")).walk_revisions()
    assert [s.revision for s in history] == list(migrations.KNOWN[-2::-1])


def shape(connection):
    """The tables as the database describes them."""
    look = inspect(connection)
    return {
        table: (
            {c["name"]: (str(c["type"]), c["nullable"]) for c in look.get_columns(table)},
            look.get_pk_constraint(table)["constrained_columns"],
            sorted(u["column_names"] for u in look.get_unique_constraints(table)),
            sorted((f["constrained_columns"], f["referred_table"], f["referred_columns"])
                   for f in look.get_foreign_keys(table)),
            sorted((i["name"], i["column_names"]) for i in look.get_indexes(table)
                   if i["name"] not in ("signed_once", "listing_words") and not i.get("duplicates_constraint")))
        for table in look.get_table_names() if table not in (migrations.TABLE, "head")}


def test_the_scripts_make_what_the_program_reads_and_writes(store, engine, address, tmp_path, postgres):
    empty = f"sqlite:///{tmp_path / 'plain.db'}"
    if engine == "postgresql":
        empty = postgres.database().replace("postgresql:", "postgresql+psycopg:")
    made = create_engine(empty)
    with made.begin() as connection:
        SQLModel.metadata.create_all(connection)
        wanted = shape(connection)
    made.dispose()
    with plain(address) as connection:
        assert shape(connection) == wanted


def test_a_new_registry_has_todays_format(store):
    with store.read() as reader:
        assert reader.revision() == migrations.KNOWN[-1]
        assert reader.guards_missing() == ()


def test_alembic_is_not_loaded_to_open_or_write(tmp_path):
    place = tmp_path / "registry.assay"
    create_store(str(place), "x").close()
    script = ("import sys; from desktop_app.registry.store import open_store; s = open_store(sys.argv[1]); "
              "s.close(); sys.exit('alembic' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", script, str(place)], cwd=ROOT, check=False).returncode == 0


# ---- older and newer


def test_a_registry_of_a_newer_program_is_not_opened(address, now, next_format, monkeypatch):
    create_store(address, "x", now).close()
    monkeypatch.setattr(migrations, "KNOWN", ("0001", "0002"))
    with pytest.raises(Unreachable, match="written by a newer version") as refused:
        open_store(address, now)
    assert "format 0003; this program knows formats up to 0002" in refused.value.detail


def test_an_older_registry_is_read_but_not_written_and_not_upgraded_by_itself(store, address, now, next_format):
    with closing(open_store(address, now)) as opened:
        with opened.read() as reader:
            assert reader.revision() == "0002"
        with pytest.raises(Refused, match="older format; nothing was written") as refused:
            describe(opened, 1)
        assert "assaydesk registry upgrade" in refused.value.remedy
        assert chained(opened) == 0
        with opened.read() as reader:
            assert reader.revision() == "0002"


def test_an_upgrade_is_one_entry_with_the_digest_of_its_scripts(store, address, now, next_format):
    migrations.KNOWN = ("0001", "0002")
    describe(store)
    migrations.KNOWN = ("0001", "0002", "0003")
    with store.upgrading(Id("ann")):
        pass
    describe(store, 1)
    assert chained(store) == 5
    with store.read() as reader:
        assert reader.revision() == "0003"
        assert reader.guards_missing() == ()
        (upgraded,) = reader.all(RegistryUpgraded)
    assert (upgraded.seq, upgraded.record.since, upgraded.record.to) == (4, "0002", "0003")
    script = (NEXT / "r0003_hints.py").read_bytes()
    assert upgraded.record.scripts_sha256 == hashlib.sha256(script).hexdigest()


def test_a_registry_whose_guards_were_changed_is_not_upgraded(store, engine, address, now, next_format, postgres):
    drop = "DROP TRIGGER fact_no_delete"
    if engine == "postgresql":
        postgres.execute(f"{drop} ON assaydesk.fact", address.split("?")[0].split("/")[-1])
    else:
        with closing(sqlite3.connect(address)) as raw:
            raw.execute(drop)
    before = schema_of(address)
    with pytest.raises(Damaged, match="not as it was made; it was not upgraded") as refused, \
            store.upgrading(Id("ann")):
        pass
    assert "fact_no_delete" in refused.value.detail
    assert schema_of(address) == before


def test_nothing_is_upgraded_twice(store, address, now, next_format):
    with store.upgrading(Id("ann")):
        pass
    with pytest.raises(Refused, match="nothing to upgrade"), store.upgrading(Id("ann")):
        pass
    assert chained(store) == 1


def test_what_fails_in_an_upgrade_leaves_the_old_registry(store, address, now, next_format):
    before = schema_of(address)
    with pytest.raises(ZeroDivisionError), store.upgrading(Id("ann")):
        raise ZeroDivisionError
    assert schema_of(address) == before


def test_a_program_that_had_it_open_before_the_upgrade_writes_nothing_wrong(store, address, now, monkeypatch):
    describe(store, 1)
    monkeypatch.setattr(migrations, "KNOWN", ("0001", "0002", "0003"))
    monkeypatch.setattr(migrations, "FOLDERS", (*migrations.FOLDERS, NEXT))
    with closing(open_store(address, now)) as other, other.upgrading(Id("ann")):
        pass
    monkeypatch.setattr(migrations, "KNOWN", ("0001", "0002"))
    with pytest.raises(Refused, match="brought to a newer format"):
        describe(store, 1)
    assert chained(store) == 2


def without_table_of_formats(address, server):
    if address.startswith("postgresql"):
        server.execute(f"DROP TABLE assaydesk.{migrations.TABLE}", address.split("?")[0].split("/")[-1])
    else:
        with closing(sqlite3.connect(address)) as raw:
            raw.execute(f"DROP TABLE {migrations.TABLE}")


@pytest.fixture
def first_format(address, now, postgres, monkeypatch):
    """A registry as it was made before there were formats."""
    with monkeypatch.context() as then:
        then.setattr(migrations, "KNOWN", ("0001",))
        create_store(address, "x", now).close()
    without_table_of_formats(address, postgres)
    return address


def test_a_registry_from_before_there_were_formats_is_read_and_upgraded(first_format, now):
    with closing(open_store(first_format, now)) as store:
        with store.read() as reader:
            assert (reader.revision(), reader.guards_missing()) == ("0001", ())
            with reader.listing(date(2026, 11, 20), {}) as listed:
                assert (listed.page(InventoryFilter(), None, 5), listed.counts()) == ([], {})
        with pytest.raises(Refused, match="older format"):
            describe(store, 1)
        with store.upgrading(Id("ann")):
            pass
        describe(store, 1)
        assert chained(store) == 2


# ---- killed


@contextmanager
def nursery():
    process = subprocess.Popen([sys.executable, "-m", "tests.registry.upgrading"], cwd=ROOT, text=True, bufsize=1,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def life(what, number, address):
        process.stdin.write(f"{what} {number} {address}\n")
        return next(process.stdout).strip()

    yield life
    process.stdin.close()
    process.wait(20)
    process.stdout.close()


forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="the nursery forks")


@forking
def test_killed_at_every_statement_of_an_upgrade_it_is_the_old_or_the_new_registry(store, address, now, next_format):
    migrations.KNOWN = ("0001", "0002")
    describe(store)
    migrations.KNOWN = ("0001", "0002", "0003")
    store.close()
    old, killed = schema_of(address), 0
    with nursery() as life:
        for number in itertools.count(1):
            said = life("upgrade", number, address)
            there = schema_of(address)
            if said == "done 0" or there[1] == "0003":
                break
            assert said == "killed"
            assert there == old
            killed += 1
    assert killed >= 10
    assert there[1] == "0003"
    with closing(open_store(address)) as opened:
        assert chained(opened) == 4
        with opened.read() as reader:
            assert len(reader.all(RegistryUpgraded)) == 1
        describe(opened, 1)


@forking
def test_killed_at_every_statement_while_it_is_made_there_is_none_or_a_whole_one(address, now, next_format):
    with nursery() as life:
        for number in itertools.count(1):
            said = life("make", number, address)
            try:
                with closing(open_store(address, now)):
                    break
            except Unreachable:
                assert said == "killed"
    assert number >= 25
    with closing(open_store(address, now)) as opened:
        describe(opened, 1)
        assert chained(opened) == 1
