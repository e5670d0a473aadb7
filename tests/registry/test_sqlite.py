"""SQLite: rows are only added, by our own connection and by anybody's that keeps the triggers; bad files are named."""

from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import exc

from desktop_app.domain.canonical import Id
from desktop_app.domain.person import Person
from desktop_app.domain.use import Use
from desktop_app.errors import NotFound, Unreachable, UserError
from desktop_app.registry import _sqlite
from desktop_app.registry.store import create_store, open_store
from tests.desk import clock


@pytest.fixture
def path(tmp_path):
    return tmp_path / "registry.assay"


@pytest.fixture
def filled(path):
    made = create_store(str(path), "Test registry", clock())
    for n in range(2):
        with made.write(Id("ann"), "use.described", Id("m"), note="n") as write:
            write.add(Use(id=Id(f"u{n}"), model=Id("m"), purpose="Card lending"),
                      Person(id=Id(f"p{n}"), name=write.add_text("Rita")))
            write.add_blob(f"document {n}".encode())
    yield made
    made.close()


def everything(path):
    raw = sqlite3.connect(path)
    found = {t: raw.execute(f"SELECT * FROM {t} ORDER BY 1").fetchall() for t in _sqlite.APPEND_ONLY}
    raw.close()
    return found


ATTACKS = [
    *(f"UPDATE {t} SET {c}='x'" for t, c in (
        ("registry", "name"), ("entry", "note"), ("entry", "hash"), ("fact", "body"), ("fact", "kind"),
        ("blob", "digest"))),
    *(f"DELETE FROM {t}" for t in ("registry", "entry", "fact", "blob")),
    "DELETE FROM entry WHERE seq = 2",
    "INSERT OR REPLACE INTO fact SELECT id, kind, ordinal, seq, position, digest, 'forged' FROM fact",
    "INSERT OR REPLACE INTO entry SELECT seq, at, db_user, command, 'forged', prev, hash, actor, action, subject, note "
    "FROM entry",
    "REPLACE INTO blob SELECT digest, seq, size, x'00' FROM blob",
    "DELETE FROM identity", "UPDATE identity SET text = 'forged'",
    "REPLACE INTO identity SELECT ref, salt, 'forged' FROM identity",
    "REPLACE INTO registry SELECT id, 'forged', schema_version, created FROM registry",
    "INSERT INTO registry SELECT 'another', 'forged', schema_version, created FROM registry",
    # conflicts on another column than the key: only recursive_triggers see what they delete
    "REPLACE INTO entry SELECT 99, at, db_user, command, body, prev, hash, actor, action, subject, note FROM entry "
    "WHERE seq = 1",
    "REPLACE INTO fact SELECT 'other', kind, ordinal, seq, position, digest, body FROM fact WHERE id = 'u0'",
    "INSERT INTO fact SELECT id, kind, ordinal, seq, position, digest, body FROM fact WHERE true "
    "ON CONFLICT DO UPDATE SET body = 'forged'",
]


@pytest.mark.parametrize("statement", ATTACKS)
def test_raw_connections_that_keep_the_triggers_are_refused(filled, path, statement):
    before = everything(path)
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA recursive_triggers = ON")
    with pytest.raises(sqlite3.IntegrityError, match="rows are only"):
        raw.execute(statement)
    raw.close()
    assert everything(path) == before


REFUSED = r"not authorized|rows are only|prohibited|may not be modified"
SCHEMA_ATTACKS = [
    "DROP TABLE entry", "DROP TABLE fact", "DROP TRIGGER fact_no_update", "DROP INDEX entry_subject",
    "ALTER TABLE fact RENAME TO old", "ALTER TABLE fact ADD COLUMN more TEXT", "ATTACH DATABASE ':memory:' AS other",
    "CREATE TRIGGER t AFTER INSERT ON fact BEGIN DELETE FROM about; END", "PRAGMA writable_schema = ON",
    "PRAGMA recursive_triggers = OFF", "PRAGMA journal_mode = OFF", "PRAGMA foreign_keys = OFF",
    "UPDATE sqlite_master SET sql = ''", "DELETE FROM sqlite_master", "UPDATE alembic_version SET version_num = '9'",
    "DELETE FROM alembic_version", "INSERT INTO alembic_version VALUES ('9')",
    "CREATE TEMP TRIGGER t BEFORE INSERT ON fact BEGIN SELECT RAISE(IGNORE); END", "DETACH DATABASE main",
]


@pytest.mark.parametrize("statement", ATTACKS + SCHEMA_ATTACKS)
def test_our_own_connection_is_refused(filled, path, statement):
    before = everything(path)
    with pytest.raises((exc.DatabaseError, sqlite3.DatabaseError), match=REFUSED), \
            filled._database.engine.connect() as connection, connection.begin():
        connection.exec_driver_sql(statement)
    assert everything(path) == before


def test_what_may_change_may_change(filled, path):
    with filled._database.engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("UPDATE about SET kind = kind")


def test_the_settings_that_were_found_safe_are_on(filled):
    wanted = {"journal_mode": "delete", "synchronous": 3, "foreign_keys": 1, "recursive_triggers": 1,
              "trusted_schema": 0, "cell_size_check": 1, "busy_timeout": 30000}
    with filled._database.engine.connect() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
    assert found == wanted


def test_tables_are_strict(filled, path):
    raw = sqlite3.connect(path)
    strict = {name for (_, name, *_, is_strict) in raw.execute("PRAGMA table_list") if is_strict}
    raw.close()
    assert strict == {"registry", "entry", "fact", "about", "blob", "identity", "inventory", "listing", "alarm"}


def test_a_read_cannot_hold_a_write_up_for_ever(filled):
    with filled.read() as reader:
        assert reader.head().seq == 2
    with filled.write(Id("ann"), "a", Id("m")) as write:
        write.add(Use(id=Id("u9"), model=Id("m"), purpose=""))
    assert write.change.seq == 3


def test_triggers_that_are_gone_or_changed_are_named(filled, path):
    with filled.read() as reader:
        assert reader.guards_missing() == ()
    raw = sqlite3.connect(path)
    raw.execute("DROP TRIGGER fact_no_update")
    raw.execute("DROP TRIGGER entry_once")
    raw.execute("CREATE TRIGGER entry_once BEFORE INSERT ON entry WHEN 0 BEGIN SELECT RAISE(ABORT, 'x'); END")
    raw.close()
    with filled.read() as reader:
        assert reader.guards_missing() == ("entry_once", "fact_no_update")


# ---- a snapshot


def test_a_snapshot_is_one_moment_and_holds_nobody_up(filled):
    held, let_go = threading.Event(), threading.Event()

    def look():
        with filled.snapshot() as reader:
            rows = reader.raw_facts()
            next(rows)
            held.set()
            let_go.wait(3)
            return 1 + len(list(rows)), reader.head().seq, sorted(data for _, _, data in reader.blobs())

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        assert held.wait(10)
        began = time.monotonic()
        attempt(filled)
        assert time.monotonic() - began < 1
        let_go.set()
        assert looking.result() == (4, 2, [b"document 0", b"document 1"])
    with filled.snapshot() as reader:
        assert reader.head().seq == 3


def test_nothing_is_left_of_a_snapshot(filled, tmp_path, monkeypatch):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with pytest.raises(NotFound), filled.snapshot() as reader:
        reader.body(Id(next(place.glob("*/snapshot.assay")).name))
    assert list(place.iterdir()) == []


def test_a_snapshot_does_not_wait_for_ever(filled, path):
    use_pragma(filled, "PRAGMA busy_timeout = 20")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Unreachable, match="Another program is writing"), filled.snapshot():
        pass
    other.execute("ROLLBACK")
    other.close()


def test_a_damaged_file_gives_no_snapshot(filled, path):
    filled._database.engine.dispose()
    path.write_bytes(b"not a database " * 1000)
    with pytest.raises(Unreachable, match="not a registry"), filled.snapshot():
        pass


# ---- what is not a registry


def test_a_registry_of_a_newer_program_is_refused(path):
    create_store(str(path), "x").close()
    raw = sqlite3.connect(path)
    raw.execute("UPDATE alembic_version SET version_num = '0099'")
    raw.commit()
    raw.close()
    with pytest.raises(Unreachable, match="written by a newer version of Assaydesk") as refused:
        open_store(str(path))
    assert "format 0099; this program knows formats up to 0002" in refused.value.detail
    assert "Nothing was changed" in refused.value.remedy


def make_text(path):
    path.write_text("this is a text file, " * 400)


def make_empty(path):
    path.touch()


def make_other_database(path):
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE other (a)")
    raw.commit()
    raw.close()


def make_empty_tables(path):
    create_store(str(path), "x").close()
    raw = sqlite3.connect(path)
    raw.execute("DROP TRIGGER registry_no_delete")
    raw.execute("DELETE FROM registry")
    raw.commit()
    raw.close()


def make_damaged(path):
    create_store(str(path), "x").close()
    data = bytearray(path.read_bytes())
    data[100:4000] = b"\xff" * 3900
    path.write_bytes(data)


@pytest.mark.parametrize("make", [make_text, make_empty, make_other_database, make_damaged, make_empty_tables])
def test_a_file_that_is_no_registry_is_named_and_left_alone(path, make):
    make(path)
    before = path.read_bytes()
    with pytest.raises(Unreachable, match="not a registry") as refused:
        open_store(str(path))
    assert str(path) in refused.value.detail
    assert refused.value.remedy
    assert refused.value.exit_code == 3
    assert path.read_bytes() == before


def test_a_missing_file_and_a_folder_are_told_apart(path):
    with pytest.raises(Unreachable, match="no registry at this address"):
        open_store(str(path))
    with pytest.raises(Unreachable, match="folder, not a registry"):
        open_store(str(path.parent))
    assert not path.exists()


@pytest.mark.parametrize(("address", "title"), [
    ("oracle://host/db", "Registries on oracle cannot be opened"), ("mysql+x://host/db", "cannot be"),
    ("https://example.org/registry", "cannot be"), ("sqlite://", "needs a file"),
    ("sqlite:///:memory:", "needs a file"), ("sqlite://host:notaport/x", "cannot be read"),
])
def test_an_address_that_is_none_is_refused(address, title):
    for door in (open_store, lambda a: create_store(a, "x")):
        with pytest.raises(UserError, match=title) as refused:
            door(address)
        assert refused.value.remedy


def test_a_url_and_a_path_are_the_same_registry(filled, path):
    other = open_store(f"sqlite:///{path}")
    assert other.info == filled.info
    other.close()


def test_a_path_may_start_with_the_home_sign(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    create_store("~/r.assay", "x").close()
    assert (tmp_path / "r.assay").is_file()


def test_nothing_is_written_over(filled, path):
    before = path.read_bytes()
    with pytest.raises(UserError, match="already a file"):
        create_store(str(path), "x")
    assert path.read_bytes() == before


def test_what_a_crash_left_of_a_new_registry_does_not_matter(path):
    Path(f"{path}.making").write_bytes(b"half a registry")
    create_store(str(path), "x").close()
    assert [p.name for p in path.parent.glob("*.making")] == [f"{path.name}.making"]  # ours is gone
    open_store(str(path)).close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Unreachable, match="folder for the registry cannot be written"):
        create_store(str(tmp_path / "file" / "registry.assay"), "x")


# ---- an unfriendly environment


def use_pragma(store, pragma):
    """Make SQLite itself raise what a bad environment makes it raise."""
    store._database.engine.dispose()

    @_sqlite.event.listens_for(store._database.engine, "connect")
    def _set(connection, _record):
        connection.set_authorizer(None)
        connection.execute(pragma)


def attempt(store):
    with store.write(Id("ann"), "a", Id("m")) as write:
        write.add_blob(bytes(200_000))
        write.add(Use(id=store.new_id(), model=Id("m"), purpose="x"))


@pytest.mark.parametrize(("pragma", "title"), [
    ("PRAGMA query_only = ON", "cannot be opened for writing"), ("PRAGMA max_page_count = 1", "disk is full"),
])
def test_a_refusing_disk_is_said_in_words_and_nothing_is_written(filled, path, pragma, title):
    before = everything(path)
    use_pragma(filled, pragma)
    with pytest.raises(Unreachable, match=title) as refused:
        attempt(filled)
    assert refused.value.remedy
    assert everything(path) == before


def test_another_writer_that_does_not_end_is_said(filled, path):
    use_pragma(filled, "PRAGMA busy_timeout = 20")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unreachable, match="Another program is writing"):
        attempt(filled)
    other.execute("ROLLBACK")
    other.close()
    attempt(filled)


def test_any_other_environment_error_says_that_nothing_changed():
    raw = sqlite3.OperationalError("disk I/O error")
    with pytest.raises(Unreachable, match="nothing was changed"), _sqlite.translated("here"):
        raise exc.OperationalError("SELECT 1", {}, raw)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_without_the_right_to_write_nothing_opens_for_writing(filled, path):
    path.chmod(stat.S_IRUSR)
    path.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with pytest.raises(Unreachable, match="cannot be opened for writing"):
            attempt(filled)
        with pytest.raises(Unreachable, match="cannot be"):
            create_store(str(path.parent / "sub" / "r.assay"), "x")
    finally:
        path.parent.chmod(stat.S_IRWXU)
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)


def test_a_write_of_the_same_program_that_does_not_end_is_said(filled, monkeypatch):
    monkeypatch.setattr(_sqlite, "WAIT", 0.05)
    with filled.write(Id("ann"), "use.described", Id("m")) as write:
        with pytest.raises(Unreachable, match="Another program is writing") as refused:
            attempt(filled)
        write.add(Use(id=Id("u9"), model=Id("m"), purpose="Card lending"))
    assert "another write of this program" in refused.value.detail
    attempt(filled)
