"""PostgreSQL: a login adds through one function and can do nothing else; changed guards are named; bad servers too."""

from __future__ import annotations

import hashlib
import itertools
import json
import threading
from contextlib import closing

import psycopg
import pytest

from desktop_app.domain import audit, canonical
from desktop_app.domain.canonical import Id
from desktop_app.domain.person import Person, PersonErased
from desktop_app.domain.registry import Admission
from desktop_app.domain.use import Use
from desktop_app.errors import Damaged, Refused, Unreachable, UserError
from desktop_app.registry import _postgres_schema as schema
from desktop_app.registry.store import create_store, open_store


@pytest.fixture
def server(postgres):
    return postgres


@pytest.fixture
def place(server):
    return server.database()


@pytest.fixture
def name(place):
    return place.split("@/")[1].split("?")[0]


@pytest.fixture
def filled(place):
    made = create_store(place, "Test registry")
    for n in range(2):
        with made.write(Id("ann"), "use.described", Id("m"), note="n") as write:
            write.add(Use(id=Id(f"u{n}"), model=Id("m"), purpose="Card lending"))
            write.add_blob(f"document {n}".encode())
    yield made
    made.close()


@pytest.fixture
def joost(server, filled, name):
    """Somebody who may use the registry and is nothing else on the server."""
    server.login("joost")
    server.execute("GRANT assaydesk_app TO joost")
    return server.address(name, "joost")


def raw(server, name, user, statement):
    return server.execute(f"SET search_path = assaydesk; {statement}", name, user)


ATTACKS = [
    *(f"UPDATE {t} SET {c} = {c}" for t, c in (
        ("registry", "name"), ("entry", "note"), ("fact", "body"), ("blob", "size"), ("head", "seq"))),
    *(f"DELETE FROM {t}" for t in ("registry", "entry", "fact", "blob", "head")),
    *(f"TRUNCATE {t} CASCADE" for t in ("registry", "entry", "fact", "blob", "head")),
    "INSERT INTO entry SELECT 9, at, db_user, 'c', body, 'p', 'h', actor, action, subject, note FROM entry LIMIT 1",
    "INSERT INTO fact SELECT 'f', kind, 9, seq, 9, digest, body FROM fact LIMIT 1",
    "INSERT INTO blob SELECT 'd', seq, size, data FROM blob LIMIT 1",
    "INSERT INTO fact SELECT * FROM fact ON CONFLICT (id) DO UPDATE SET body = 'forged'",
    "ALTER TABLE fact DISABLE TRIGGER ALL", "DROP TRIGGER fact_no_update ON fact", "DROP TABLE about",
    "SET session_replication_role = replica", "SET ROLE assaydesk_owner", "DROP INDEX signed_once",
    "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE FUNCTION more() RETURNS integer LANGUAGE sql AS 'SELECT 1'", "CREATE TABLE more (n integer)",
    "ALTER FUNCTION append(text, text, text[], bytea[]) SECURITY INVOKER", "UPDATE identity SET text = 'forged'",
    "DELETE FROM identity", "ALTER ROLE joost SUPERUSER",
]


def everything(server, name):
    return [server.execute(f"SELECT * FROM assaydesk.{t} ORDER BY 1", name) for t in (*schema.GUARDED, "head")]


@pytest.mark.parametrize("statement", ATTACKS)
def test_a_login_of_the_registry_can_change_nothing(server, name, joost, statement):
    before = everything(server, name)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw(server, name, "joost", statement)
    assert everything(server, name) == before


@pytest.mark.parametrize("statement", [a for a in ATTACKS if a.split()[0] in ("UPDATE", "DELETE", "TRUNCATE")
                                       and not any(t in a for t in ("head", "identity"))])
def test_not_even_the_owner_changes_rows_while_the_guards_are_there(server, name, filled, statement):
    before = everything(server, name)
    with pytest.raises(psycopg.Error, match="only added"):
        raw(server, name, "postgres", f"SET ROLE assaydesk_owner; {statement}")
    with pytest.raises(psycopg.Error, match="only added"):  # ENABLE ALWAYS: replicas are refused too
        raw(server, name, "postgres", f"SET session_replication_role = replica; {statement}")
    assert everything(server, name) == before


def test_a_login_writes_in_its_own_name(joost):
    with closing(open_store(joost)) as store:
        with store.write(Id("joost"), "use.described", Id("m")) as write:
            write.add(Use(id=store.new_id(), model=Id("m"), purpose="Mortgages"))
        with store.read() as reader:
            assert [e.user for e in reader.entries()] == ["registrar", "registrar", "joost"]
            assert reader.guards_missing() == ()


def test_only_a_login_that_may_erase_has_texts_deleted(server, name, filled, joost):
    """Whoever has a login of the application can call `append` by hand with a record of an erasure."""
    with filled.write(Id("ann"), "person.added", Id("p")) as write:
        person = Person(id=filled.new_id(), name=write.add_text("Ann de Vries"))
        write.add(person)
    gone = PersonErased(id=Id("e"), person=person.id, refs=(person.name.ref,), reason="asked")
    with closing(open_store(joost)) as store:
        with pytest.raises(Refused, match="may not erase anybody"), store.write(Id("joost"), "x", Id("p")) as write:
            write.add(gone)
        with store.read() as reader:
            assert reader.text(person.name) == "Ann de Vries"
            assert reader.head().seq == 3
        filled.admit("joost", Admission.ERASE)
        with store.write(Id("joost"), "x", Id("p")) as write:
            write.add(gone)
        with store.read() as reader:
            assert reader.text(person.name) is None
            assert reader.guards_missing() == ()


def test_the_server_hashes_as_the_verifier_does(filled):
    """The chain and the tree over facts are computed by PL/pgSQL; here they are computed again."""
    before = audit.GENESIS
    with filled.read() as reader:
        for entry in reader.entries():
            framed = audit.message(entry.seq, entry.at, entry.user, entry.command, entry.body)
            before = audit.chain_hash(before, framed)
            assert (entry.prev == "0" * 64) == (entry.seq == 1)
            assert entry.hash == before.hex()


@pytest.mark.parametrize("count", [*range(1, 18), 100, 999])
def test_the_server_makes_the_tree_of_rfc9162(server, name, filled, count):
    import pymerkle

    bodies = [f"fact {n}" for n in range(count)]
    (found,) = server.execute(
        f"SELECT assaydesk.facts_root(ARRAY{bodies!r})", name)[0]
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for body in bodies:
        tree.append_entry(hashlib.sha256(body.encode()).digest())
    assert found == tree.get_root().hex()


def offered(store, **changes):
    """The arguments of `append` for one fact, as the program gives them, with something changed in the body."""
    fact = canonical.encode(Use(id=store.new_id(), model=Id("m"), purpose="Forged"))
    body = {"v": 1, "registry": store.info.id, "actor": "ann", "action": "a", "subject": "m", "note": "",
            "client_time": canonical.utc_text(store.clock()), "application": "raw SQL", "facts": 1,
            "facts_root": audit.facts_root([canonical.sha256(fact)]), "kinds": ["use"], "blobs": []} | changes
    return json.dumps(body, sort_keys=True, separators=(",", ":")), fact.decode()


CALL = "SELECT assaydesk.append(%s, %s, %s, %s)"


def append(server, name, user, *arguments):
    with psycopg.connect(host=str(server.folder), user=user, dbname=name) as connection:
        return connection.execute(CALL, arguments).fetchone()[0]


def test_raw_sql_may_append_what_fits(server, name, joost, filled):
    body, fact = offered(filled)
    assert append(server, name, "joost", "c1", body, [fact], []) == 3


@pytest.mark.parametrize("changes", [
    {"registry": "another"}, {"facts": 2}, {"facts": 0}, {"facts_root": "0" * 64}, {"blobs": ["0" * 64]},
])
def test_an_entry_that_does_not_fit_is_refused_by_the_server(server, name, joost, filled, changes):
    body, fact = offered(filled, **changes)
    with pytest.raises(psycopg.Error, match="does not fit"):
        append(server, name, "joost", "c1", body, [fact], [])


def test_what_an_entry_does_not_name_is_refused(server, name, joost, filled):
    body, fact = offered(filled)
    for command, facts, blobs in (
            ("c1", [fact, fact], []), ("c1", [], []), ("c1", [fact], [b"unnamed"]), ("two\nlines", [fact], []),
            ("", [fact], [])):
        with pytest.raises(psycopg.Error, match="does not fit"):
            append(server, name, "joost", command, body, facts, blobs)
    with filled.read() as reader:
        done = next(reader.entries()).command
    with pytest.raises(psycopg.errors.UniqueViolation):
        append(server, name, "joost", done, body, [fact], [])


def test_nobody_decides_twice_on_one_request(server, name, joost, filled):
    def signed(n):
        fact = json.dumps({"id": f"s{n}", "kind": "promotion.signed_off", "person": "p" * 26, "request": "r" * 26},
                          sort_keys=True, separators=(",", ":"))
        body, _ = offered(filled, facts_root=audit.facts_root([canonical.sha256(fact.encode())]))
        return body, [fact], []

    append(server, name, "joost", "c1", *signed(1))
    with pytest.raises(psycopg.errors.UniqueViolation, match="signed_once"):
        append(server, name, "joost", "c2", *signed(2))


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_differs_from_the_servers_writes_nothing(place, days):
    from datetime import UTC, datetime, timedelta

    create_store(place, "x").close()
    clock = datetime.now(UTC) + timedelta(days=days)
    with closing(open_store(place, lambda: clock)) as store:
        with pytest.raises(Refused, match="clocks of this machine and of the server differ") as refused, \
                store.write(Id("ann"), "a", Id("m")) as write:
            write.add(Use(id=store.new_id(), model=Id("m"), purpose="Card lending"))
        assert f"{clock:%Y-%m-%d}" in refused.value.detail
        with store.read() as reader:
            assert reader.head().seq == 0


def test_a_server_whose_clock_ran_back_writes_nothing(server, place):
    def write():
        with store.write(Id("ann"), "a", Id("m")) as made:
            made.add(Use(id=store.new_id(), model=Id("m"), purpose="Card lending"))

    with closing(create_store(place, "x")) as store:
        write()
        server.execute("UPDATE assaydesk.head SET at = to_char(now() AT TIME ZONE 'UTC' + interval '1 day', "
                       "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')", place.split("@/")[1].split("?")[0])
        with pytest.raises(Refused, match="server's clock ran back"):
            write()
        with store.read() as reader:
            assert len(list(reader.entries())) == 1


SABOTAGE = {
    "append()": "CREATE OR REPLACE FUNCTION assaydesk.append(p_command text, p_body text, p_facts text[], "
                "p_blobs bytea[]) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN 1; END'",
    "refuse()": "CREATE FUNCTION assaydesk.refuse(text) RETURNS integer LANGUAGE sql AS 'SELECT 1'",  # a second one
    "fact_no_update": "ALTER TABLE assaydesk.fact DISABLE TRIGGER fact_no_update",
    "entry_no_delete": "DROP TRIGGER entry_no_delete ON assaydesk.entry",
    "blob_no_truncate": "ALTER TABLE assaydesk.blob ENABLE TRIGGER blob_no_truncate",
    "signed_once": "DROP INDEX assaydesk.signed_once",
    "rights on fact": "GRANT UPDATE ON assaydesk.fact TO assaydesk_app",
    "rights on head": "ALTER TABLE assaydesk.head OWNER TO postgres",
    "more()": "CREATE FUNCTION assaydesk.more() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
}


@pytest.mark.parametrize("guard", SABOTAGE)
def test_changed_guards_are_named_and_nothing_is_written(server, name, filled, place, guard):
    server.execute(SABOTAGE[guard], name)
    with closing(open_store(place)) as store:
        with store.read() as reader:
            assert reader.guards_missing() == (guard,)
        with pytest.raises(Damaged, match="not as it was made") as refused, \
                store.write(Id("ann"), "a", Id("m")) as write:
            write.add(Use(id=store.new_id(), model=Id("m"), purpose="Card lending"))
        assert guard in refused.value.detail


# ---- bad addresses, logins and servers


def test_a_login_without_the_right_is_told_what_to_do(server, name, filled):
    server.login("stranger")
    with pytest.raises(Unreachable, match="login does not allow") as refused:
        open_store(server.address(name, "stranger"))
    assert "registry admit" in refused.value.remedy


def test_a_database_without_a_registry_is_named(place, server):
    with pytest.raises(Unreachable, match="no registry in this database"):
        open_store(place)
    with pytest.raises(Unreachable, match="no such database"):
        open_store(server.address("nowhere", "postgres"))
    with pytest.raises(Unreachable, match="no such database or user"):
        open_store(server.address("postgres", "nobody_here"))


def test_a_second_registry_is_not_made_in_the_same_database(filled, place):
    with pytest.raises(UserError, match="already a registry"):
        create_store(place, "another")


def test_a_server_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Unreachable, match="server cannot be reached"):
        open_store(f"postgresql://ann@/registry?host={tmp_path}")


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca"])
def test_a_connection_that_is_not_protected_is_refused_unless_asked_for(mode):
    with pytest.raises(Refused, match="would not be protected"):
        open_store(f"postgresql://ann@db.example/registry?sslmode={mode}")


def test_making_a_registry_fails_whole(server, name, place):
    server.execute("CREATE ROLE meek LOGIN")
    server.execute(f"ALTER DATABASE {name} OWNER TO meek")
    server.execute("DROP ROLE IF EXISTS unrelated")
    with pytest.raises(Unreachable, match="login does not allow"):
        create_store(server.address(name, "meek"), "x")
    assert server.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'assaydesk'", name) == []
    server.execute(f"ALTER DATABASE {name} OWNER TO registrar")
    server.execute("DROP ROLE meek")


def test_fifty_clients_leave_a_log_without_gaps(filled, joost):
    def write(count):
        with closing(open_store(joost)) as store:
            for _ in range(count):
                with store.write(Id("joost"), "use.described", Id("m")) as write:
                    write.add(Use(id=store.new_id(), model=Id("m"), purpose="Mortgages"))

    workers = [threading.Thread(target=write, args=(4,)) for _ in range(50)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with filled.read() as reader:
        entries = list(reader.entries())
        assert [e.seq for e in entries] == list(range(1, 203))
        assert all(b.prev == a.hash and a.at <= b.at for a, b in itertools.pairwise(entries))
        assert [f.ordinal for f in reader.all(Use)] == list(range(1, 203))
