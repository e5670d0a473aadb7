"""What whoever owns the database can do to a registry past the program, on either engine."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from contextlib import contextmanager
from pathlib import Path

from desktop_app.domain import audit as rules
from desktop_app.domain import canonical

LOG = ("registry", "entry", "fact", "blob")


class File:
    """A registry in a file: whoever may write it owns it."""

    engine = "sqlite"

    def __init__(self, address: str) -> None:
        self.address = address
        self.raw = sqlite3.connect(address, isolation_level=None)
        self.raw.row_factory = sqlite3.Row
        self._guards: list[str] = []

    def run(self, statement: str, *values) -> list:
        return self.raw.execute(statement, values).fetchall()

    def unguard(self) -> None:
        triggers = self.run("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        self._guards = [row["sql"] for row in triggers]
        for row in triggers:
            self.run(f"DROP TRIGGER {row['name']}")

    def guard(self) -> None:
        for statement in self._guards:
            self.run(statement)

    @contextmanager
    def undone(self):
        self.run("BEGIN")
        try:
            yield
        finally:
            self.run("ROLLBACK")

    def copy(self, to: Path) -> File:
        return File(shutil.copy(self.address, to / f"copy-{len(list(to.iterdir()))}.assay"))

    def put_back(self, earlier: File) -> None:
        """An old backup in the place of the registry."""
        self.raw.close()
        shutil.copy(earlier.address, self.address)
        self.__init__(self.address)

    def head_follows(self) -> None:
        """There is no head of its own in a file."""

    def close(self) -> None:
        self.raw.close()


class Server:
    """A registry on a server, by its superuser."""

    engine = "postgresql"

    def __init__(self, server, name: str, user: str | None = None) -> None:
        import psycopg
        from psycopg.rows import dict_row

        self.server, self.name = server, name
        self.address = server.address(name, "registrar")
        self.raw = psycopg.connect(host=str(server.folder), user=user or server.user, dbname=name, autocommit=True,
                                   row_factory=dict_row, options="-c search_path=assaydesk")

    def run(self, statement: str, *values) -> list:
        found = self.raw.execute(statement.replace("?", "%s") if values else statement, values or None)
        return found.fetchall() if found.description else []

    def unguard(self) -> None:
        for table in LOG:
            self.run(f"ALTER TABLE {table} DISABLE TRIGGER ALL")

    def guard(self) -> None:
        for table in LOG:
            self.run(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
            for moment in ("no_update", "no_delete", "no_truncate"):
                self.run(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_{moment}")

    @contextmanager
    def undone(self):
        import psycopg

        with self.raw.transaction():
            yield
            raise psycopg.Rollback

    def copy(self, _to: Path) -> Server:
        new = self.server.database().split("@/")[1].split("?")[0]
        self._becomes(new, self.name)
        return Server(self.server, new)

    def _becomes(self, name: str, template: str) -> None:
        self.server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('{name}', "
                            f"'{template}') AND pid <> pg_backend_pid()")
        self.server.execute(f"DROP DATABASE {name}")
        self.server.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER registrar")

    def put_back(self, earlier: Server) -> None:
        self.raw.close()
        earlier.raw.close()
        self._becomes(self.name, earlier.name)
        self.__init__(self.server, self.name)
        earlier.__init__(self.server, earlier.name)

    def head_follows(self) -> None:
        self.run("UPDATE head SET seq = e.seq, hash = e.hash, at = e.at FROM "
                 "(SELECT seq, hash, at FROM entry ORDER BY seq DESC LIMIT 1) e")

    def close(self) -> None:
        self.raw.close()


# ---- the tools of the trade


def last(raw) -> int:
    return raw.run("SELECT max(seq) AS n FROM entry")[0]["n"]


def rewrite(raw) -> None:
    """Every root and every hash made again, and the head."""
    prev, rows = "0" * 64, raw.run("SELECT * FROM entry ORDER BY seq")
    raw.run("UPDATE entry SET prev = 'p' || seq, hash = 'h' || seq")  # no two are the same on the way
    for row in rows:
        facts = [r["digest"] for r in raw.run("SELECT digest FROM fact WHERE seq = ? ORDER BY position", row["seq"])]
        body = json.loads(row["body"]) | {"facts_root": rules.facts_root(facts), "facts": len(facts)}
        text = canonical.encode(body).decode()
        framed = rules.message(row["seq"], canonical.parse_utc(row["at"]), row["db_user"], row["command"], text)
        digest = rules.chain_hash(bytes.fromhex(prev), framed).hex()
        raw.run("UPDATE entry SET body = ?, prev = ?, hash = ? WHERE seq = ?", text, prev, digest, row["seq"])
        prev = digest
    raw.head_follows()


def edit(raw, kind: str, ordinal: int, **changes) -> None:
    """Other words in a fact, and the digest that fits them."""
    row = raw.run("SELECT id, body FROM fact WHERE kind = ? AND ordinal = ?", kind, ordinal)[0]
    body = canonical.jcs(json.loads(row["body"]) | changes).decode()
    raw.run("UPDATE fact SET body = ?, digest = ? WHERE id = ?", body, hashlib.sha256(body.encode()).hexdigest(),
            row["id"])


def move(raw, old: int, new: int) -> None:
    """An entry and its facts to another number."""
    for table in ("fact", "entry"):
        raw.run(f"UPDATE {table} SET seq = ? WHERE seq = ?", new, old)


def remove(raw, seq: int) -> None:
    for table in ("fact", "blob", "entry"):
        raw.run(f"DELETE FROM {table} WHERE seq = ?", seq)


# ---- the attacks of issue 3; TAIL unsigned entries stand after the last signature

TAIL = 4


def edited_fact(raw):
    raw.run("UPDATE fact SET body = replace(body, 'Small sample', 'Nothing here') WHERE kind = 'finding'")


def edited_entry(raw):
    raw.run("UPDATE entry SET body = replace(body, 'low finding', 'big finding') WHERE action = 'finding.raised'")


def rechained_before_a_signature(raw):
    edit(raw, "finding", 1, title="Nothing here")
    rewrite(raw)


def rechained_after_the_signatures(raw):
    edit(raw, "use", 3, purpose="Everything")
    rewrite(raw)


def deleted(raw):
    remove(raw, raw.run("SELECT seq FROM fact WHERE kind = 'finding'")[0]["seq"])


def deleted_and_renumbered(raw):
    end = last(raw)
    remove(raw, end - 2)
    raw.run("UPDATE fact SET ordinal = ordinal - 1 WHERE seq = ? AND kind = 'use'", end - 1)
    raw.run("UPDATE fact SET ordinal = ordinal - 1 WHERE seq = ? AND kind = 'use'", end)
    move(raw, end - 1, end - 2)
    move(raw, end, end - 1)
    rewrite(raw)


def reordered(raw):
    end = last(raw)
    a, b = (raw.run("SELECT ordinal FROM fact WHERE seq = ?", n)[0]["ordinal"] for n in (end - 1, end))
    times = [raw.run("SELECT at FROM entry WHERE seq = ?", n)[0]["at"] for n in (end - 1, end)]
    for old, new in ((end - 1, -1), (end, end - 1), (-1, end)):
        move(raw, old, new)
    raw.run("UPDATE fact SET ordinal = -1 WHERE seq = ?", end - 1)
    raw.run("UPDATE fact SET ordinal = ? WHERE seq = ?", b, end)
    raw.run("UPDATE fact SET ordinal = ? WHERE seq = ?", a, end - 1)
    for seq, at in zip((end - 1, end), times, strict=True):
        raw.run("UPDATE entry SET at = ? WHERE seq = ?", at, seq)
    rewrite(raw)


def inserted(raw):
    end = last(raw)
    move(raw, end, end + 1)
    raw.run("UPDATE fact SET ordinal = ordinal + 1 WHERE seq = ?", end + 1)
    row = dict(raw.run("SELECT * FROM entry WHERE seq = ?", end - 1)[0])
    fact = dict(raw.run("SELECT * FROM fact WHERE seq = ?", end - 1)[0])
    row |= {"seq": end, "command": "forged", "prev": "f" * 64, "hash": "f" * 64}
    body = canonical.jcs(json.loads(fact["body"]) | {"id": "forged"}).decode()
    fact |= {"id": "forged", "seq": end, "ordinal": fact["ordinal"] + 1, "body": body,
             "digest": hashlib.sha256(body.encode()).hexdigest()}
    for table, values in (("entry", row), ("fact", fact)):
        raw.run(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", *values.values())
    rewrite(raw)


def backdated(raw):
    end = last(raw)
    before = raw.run("SELECT at FROM entry WHERE seq = ?", end - 1)[0]["at"]
    raw.run("UPDATE entry SET at = ? WHERE seq = ?", before, end)
    rewrite(raw)


def tail_cut(raw):
    end = last(raw)
    for seq in (end, end - 1):
        remove(raw, seq)
    raw.head_follows()


def decision_moved(raw):
    edit(raw, "promotion.signed_off", 1, version="another")
    rewrite(raw)


def key_swapped(raw):
    first = json.loads(raw.run("SELECT body FROM fact WHERE kind = 'key.enrolled' AND ordinal = 1")[0]["body"])
    edit(raw, "key.enrolled", 6, public_key=first["public_key"])
    rewrite(raw)


def role_granted_afterwards(raw):
    """The role of a signer moves behind the decision."""
    end = last(raw)
    count = raw.run("SELECT max(ordinal) AS n FROM fact WHERE kind = 'role.granted'")[0]["n"]
    raw.run("UPDATE fact SET seq = ?, position = 9 WHERE kind = 'role.granted' AND ordinal = ?", end, count)
    rewrite(raw)


def nothing_but_the_guards(raw):
    """Disabled and enabled again: what that leaves is nothing."""


def projection(raw):
    raw.run("""UPDATE inventory SET body = replace(body, '"findings_open":1', '"findings_open":0')""")


def fact_without_entry(raw):
    raw.run("INSERT INTO fact SELECT 'forged', kind, 99, 9999, 0, digest, body FROM fact WHERE kind = 'finding'")
