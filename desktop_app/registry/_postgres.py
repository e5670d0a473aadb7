"""A registry in a PostgreSQL database: for teams. People log in as themselves; every write ends in one function of the
server (`_postgres_schema`). A registry is the schema `assaydesk` of its database.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, create_engine, event, exc, insert, select, text

from desktop_app.domain import canonical
from desktop_app.domain.registry import Admission
from desktop_app.errors import Damaged, Lost, Refused, Unreachable, UserError
from desktop_app.registry import _postgres_schema as schema
from desktop_app.registry import migrations
from desktop_app.registry._database import ALREADY, Condition, Draft, check_format, older_format
from desktop_app.registry._sqlite import SQLite
from desktop_app.registry._tables import ABOUT, ALARM, BLOB, ENTRY, FACT, IDENTITY, INVENTORY, LISTING, REGISTRY

_SETTINGS = (
    f"SET search_path = {schema.SCHEMA_NAME}, pg_catalog; SET statement_timeout = '120s'; SET lock_timeout = '30s'; "
    "SET idle_in_transaction_session_timeout = '60s'; SET client_encoding = 'UTF8'; SET synchronous_commit = on; "
    "SET timezone = 'UTC'")

_TAKE_LOG = (
    f"SELECT set_config('idle_in_transaction_session_timeout', '20s', true), {schema.SCHEMA_NAME}.lock_log()")


class PostgreSQL:
    """A registry on a server. Its order and time are the server's, its user is who logged in."""

    def __init__(self, url: URL) -> None:
        url = _protected(url)
        self.address = url.set(drivername="postgresql").render_as_string(hide_password=True)
        self.engine = create_engine(
            url, pool_pre_ping=True, pool_size=4, max_overflow=8,
            execution_options={"schema_translate_map": {None: schema.SCHEMA_NAME}},
            connect_args={"connect_timeout": 10, "application_name": "assaydesk", "keepalives_idle": 10,
                          "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000})
        event.listen(self.engine, "connect", _settle)
        self._guards_seen = False

    @property
    def folder(self) -> Path | None:
        """It is not a file."""
        return None

    def make(self, fill: Callable[[Connection], None]) -> None:
        """Roles, schema, tables, functions and guards in one transaction; who does it may use the registry."""
        with self._translated(), self.engine.connect() as connection, connection.begin():
            if _there(connection):
                raise UserError("There is already a registry in this database.", self.address,
                                "Open it, or make another database.")
            _make_roles(connection)
            _offer_trigrams(connection)
            connection.exec_driver_sql(f"CREATE SCHEMA {schema.SCHEMA_NAME} AUTHORIZATION {schema.OWNER}")
            connection.exec_driver_sql(f"SET LOCAL ROLE {schema.OWNER}")
            migrations.migrate(connection)
            fill(connection)

    def revision(self, connection: Connection) -> str:
        """The format of the registry."""
        there = connection.exec_driver_sql(f"SELECT to_regclass('{schema.SCHEMA_NAME}.{migrations.TABLE}')").scalar()
        if there is None:
            return migrations.KNOWN[0]
        query = f"SELECT version_num FROM {schema.SCHEMA_NAME}.{migrations.TABLE}"  # noqa: S608 - our own names
        return str(connection.exec_driver_sql(query).scalar())

    @contextmanager
    def upgrading(self) -> Iterator[tuple[Connection, str]]:
        """One transaction: nobody appends, nobody else upgrades, and what fails leaves the registry as it was."""
        with self._translated(), self.engine.connect() as connection, connection.begin():
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock(hashtext('{schema.SCHEMA_NAME} upgrade'))")
            connection.exec_driver_sql(f"SELECT {schema.SCHEMA_NAME}.lock_log()")
            since = older_format(self.revision(connection))
            _make_roles(connection)
            _offer_trigrams(connection)
            connection.exec_driver_sql(f"SET LOCAL ROLE {schema.OWNER}")
            migrations.migrate(connection, since)
            connection.exec_driver_sql(f"GRANT SELECT ON {migrations.TABLE} TO {schema.APP}, {schema.AUDITOR}")
            connection.exec_driver_sql("RESET ROLE")
            yield connection, since

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent moment, by the server's snapshot: nobody waits for it."""
        with self._translated(), self.engine.connect() as plain:
            connection = plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    def snapshot(self) -> AbstractContextManager[Connection]:
        """The same as `reading`."""
        return self.reading()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that holds the head of the log from its beginning; a client that vanished loses it soon."""
        with self._translated(), self.engine.connect() as connection, connection.begin():
            self._check_guards(connection)
            connection.exec_driver_sql(_TAKE_LOG)
            yield connection

    def append(self, connection: Connection, draft: Draft) -> int:
        """Append with the server's time and user."""
        body = canonical.jcs(draft.body).decode("utf-8")
        found = connection.execute(text("SELECT assaydesk.append(:command, :body, :facts, :blobs)"), {
            "command": draft.command, "body": body, "facts": [f.body for f in draft.facts],
            "blobs": list(draft.blobs.values())})
        return int(found.scalar_one())

    def condition(self, connection: Connection) -> Condition:
        """How the server is, and this connection to it."""
        found = connection.exec_driver_sql(_CONDITION).mappings().one()
        settings = {name: str(found[name]) for name in ("fsync", "synchronous_commit", "full_page_writes", "tls")}
        warnings = tuple(f"{name} is off: {what}." for name, what in _PROMISES.items() if settings[name] == "off")
        return Condition(engine=f"PostgreSQL {found['version']}", size=found["size"], login=found["login"],
                         settings=settings, warnings=warnings)

    def backup(self, target: Path) -> None:
        """Every row, as it is at one moment, into a new registry file: the same entries, hashes and facts."""
        with self.snapshot() as source:
            check_format(self.revision(source))
            made = SQLite(target)
            try:
                made.make(lambda fresh: copy_rows(source, fresh))
            finally:
                made.engine.dispose()

    def admit(self, login: str, may: Admission) -> None:
        """Grant what a role needs to a login of the server."""
        roles = {Admission.READ: [schema.AUDITOR], Admission.WRITE: [schema.APP],
                 Admission.ERASE: [schema.APP, schema.ERASER]}[may]
        with self._translated(), self.engine.connect() as connection, connection.begin():
            query = text("SELECT format('GRANT %s TO %I', CAST(:roles AS text), CAST(:login AS text)), "
                         "(SELECT rolcanlogin FROM pg_roles WHERE rolname = :login)")
            grant, may_log_in = connection.execute(query, {"roles": ", ".join(roles), "login": login}).one()
            if not may_log_in:
                raise UserError(f"There is no login “{login}” on this server.", self.address,
                                "Whoever runs the server makes it first, with CREATE ROLE … LOGIN or its own tools.")
            try:
                connection.exec_driver_sql(grant.replace("%", "%%"))
            except exc.ProgrammingError as error:
                if getattr(error.orig, "sqlstate", "") != "42501":
                    raise
                raise Refused("Your login may not admit others.", f"{self.address}: {_said(error.orig)}",
                              f"Ask whoever made the registry or runs the server to run: {grant};") from error

    def sweep(self) -> None:
        """The server does this itself (autovacuum); only the owner of a table may ask for it."""

    def guards_missing(self, connection: Connection) -> tuple[str, ...]:
        """Names of functions, triggers, indexes and rights that are not as they were made."""
        rows = connection.exec_driver_sql(schema.GUARDS_QUERY).all()
        there = {row.name: row.what for row in rows}
        wanted = schema.expected_guards(self.revision(connection))
        twice = {name for name, count in Counter(row.name for row in rows).items() if count > 1}
        odd = twice | {name for name in there if name not in wanted and name.endswith("()")}
        return tuple(sorted({name for name, what in wanted.items() if there.get(name) != what} | odd))

    def _check_guards(self, connection: Connection) -> None:
        """Nothing is written to a registry whose guards were changed. Looked at once for each time it is opened."""
        if self._guards_seen:
            return
        if missing := self.guards_missing(connection):
            raise Damaged("What guards this registry is not as it was made; nothing was written.",
                          f"{self.address}: {', '.join(missing)}",
                          "Tell whoever audits the registry, and have them run: assaydesk audit verify.")
        self._guards_seen = True

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except exc.DBAPIError as error:
            raise _ours(error, self.address) from error


_CONDITION = f"""
SELECT current_setting('server_version') AS version, session_user::text AS login,
       current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
       current_setting('full_page_writes') AS full_page_writes,
       coalesce((SELECT version FROM pg_stat_ssl WHERE ssl AND pid = pg_backend_pid()), 'no') AS tls,
       (SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
        WHERE relnamespace = '{schema.SCHEMA_NAME}'::regnamespace AND relkind = 'r') AS size
"""  # noqa: S608 - our own name
_PROMISES = {
    "fsync": "the server does not wait for its disk, and a power cut loses what was acknowledged",
    "full_page_writes": "a power cut can leave half-written pages",
}


def copy_rows(source: Connection, fresh: Connection) -> None:
    """Every row of every table, in an order in which references hold; what numbers itself is numbered anew."""
    for table, key in ((REGISTRY, "id"), (ENTRY, "seq"), (FACT, "seq"), (BLOB, "seq"), (IDENTITY, "ref"),
                       (ABOUT, "subject"), (INVENTORY, "version"), (LISTING, "place"), (ALARM, "version")):
        at_once = 1 if table is BLOB else 1000
        columns = [column for column in table.c if column is not LISTING.c.place]
        query = select(*columns).order_by(table.c[key]).execution_options(yield_per=at_once)
        for rows in source.execute(query).mappings().partitions():
            fresh.execute(insert(table), [dict(row) for row in rows])


def _protected(url: URL) -> URL:
    """The address with TLS whose name is verified, unless the server is this machine. Raises Refused."""
    query = dict(url.query)
    unprotected = query.pop("unprotected", "no") == "yes"
    local = not url.host or url.host.startswith("/") or url.host in ("localhost", "127.0.0.1", "::1")
    mode = query.setdefault("sslmode", "prefer" if local or unprotected else "verify-full")
    if mode != "verify-full" and not local and not unprotected:
        raise Refused(
            "This connection would not be protected.",
            f"sslmode={mode} does not make sure that {url.host} is the server it says it is.",
            "Leave sslmode out (then it is verify-full), or add unprotected=yes to the address if you answer for it.")
    known = Path("~/.postgresql/root.crt").expanduser()
    if mode == "verify-full" and "PGSSLROOTCERT" not in os.environ and not known.exists():
        query.setdefault("sslrootcert", "system")
    return url.set(drivername="postgresql+psycopg", query=query)


def _settle(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SETTINGS)
    connection.commit()


def _there(connection: Connection) -> bool:
    query = text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
    return connection.execute(query, {"name": schema.SCHEMA_NAME}).scalar() is not None


def _make_roles(connection: Connection) -> None:
    for role in (schema.OWNER, schema.APP, schema.AUDITOR, schema.ERASER):
        there = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).scalar()
        if not there:
            connection.exec_driver_sql(f"CREATE ROLE {role} NOLOGIN")
    user = connection.execute(text("SELECT quote_ident(session_user)")).scalar_one()
    for role in (schema.OWNER, schema.APP, schema.ERASER):
        member = connection.execute(text("SELECT pg_has_role(session_user, :role, 'MEMBER')"), {"role": role}).scalar()
        if not member:
            connection.exec_driver_sql(f"GRANT {role} TO {user}")


def _offer_trigrams(connection: Connection) -> None:
    """Have the server find words by their trigrams, where it knows them and this login may; without, it reads rows."""
    with suppress(exc.DBAPIError), connection.begin_nested():
        connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public")


_BY_STATE = {
    "28P01": ("The password is not right.", "Type it again, or ask whoever runs the server."),
    "28000": ("The server does not let you in.", "Ask whoever runs the server for a login of your own."),
    "3D000": ("There is no such database on the server.", "Check the address."),
    "3F000": ("There is no registry in this database.", "Check the address, or make one with: assaydesk init."),
    "42P01": ("There is no registry in this database.", "Check the address, or make one with: assaydesk init."),
    "55P03": ("Others are writing to the registry.", "Wait a moment and try again."),
    "57014": ("The server took too long and was stopped; nothing was changed.", "Try again."),
    "53100": ("The server's disk is full; nothing was written.", "Tell whoever runs the server."),
    "53300": ("The server has no connection left.", "Wait a moment and try again."),
    "25006": ("The server only lets you read.", "It may be a copy of the server: check the address."),
    "AD004": ("This can only be added to, never changed.", "Nothing was changed."),
}

_PASSING = {"40001", "40P01", "53300", "55P03", "57P01", "57P02", "57P03"}  # what passes by itself (security.md §5.4)


def _ours(error: exc.DBAPIError, where: str) -> Exception:
    """What the environment did wrong, in a person's terms; programming errors stay what they are: bugs."""
    found = error.orig
    state = getattr(found, "sqlstate", None) or ""
    said = _said(found)
    if state == "42501":
        return Unreachable("Your login does not allow this.", f"{where}: {said}",
                           "Ask an administrator to admit it: assaydesk registry admit LOGIN. To make, restore or "
                           "upgrade a registry it must be allowed to create schemas and roles (CREATE, CREATEROLE).")
    if state == "AD005":
        return Refused("Your login may not erase anybody; nothing was recorded.", f"{where}: {said}",
                       "Ask whoever made the registry for: assaydesk registry admit LOGIN --may-erase.")
    if state == "AD002":
        return _clocks(said, getattr(getattr(found, "diag", None), "message_detail", "") or said)
    if state == "23505" and "signed_once" in said:
        return Refused(ALREADY, where, "Nothing was recorded a second time.")
    if state in _BY_STATE:
        title, remedy = _BY_STATE[state]
        return (Lost if state in _PASSING else Unreachable)(title, f"{where}: {said}", remedy)
    if error.connection_invalidated or state in _PASSING or state[:2] == "08":
        return _lost(said, where)
    if isinstance(found, psycopg.OperationalError):
        return _unreached(said, where)
    return error


def _clocks(said: str, detail: str) -> Refused:
    if "ran back" in said:
        return Refused("The server's clock ran back; nothing was written.", detail,
                       "Tell whoever runs the server, who sets its clock.")
    return Refused("The clocks of this machine and of the server differ; nothing was written.", detail,
                   "Set the clock of this machine. If it is right, tell whoever runs the server.")


def _lost(said: str, where: str) -> Lost:
    return Lost("The registry's server cannot be reached.", f"{where}: {said.partition(chr(10))[0]}",
                "Check the network and the address, then try again. What was acknowledged is kept.")


def _unreached(said: str, where: str) -> Unreachable:
    lower = said.lower()
    if "certificate" in lower or "ssl" in lower:
        return Unreachable("The server cannot prove that it is the one in the address.", f"{where}: {said}",
                           "Do not go on. Check the address with whoever runs the server.")
    if any(word in lower for word in ("password", "authentication", "pg_hba")):
        return Unreachable("The server does not let you in.", f"{where}: {said}",
                           "Check user and password, or ask whoever runs the server.")
    if "does not exist" in lower:
        return Unreachable("There is no such database or user on the server.", f"{where}: {said}", "Check the address.")
    return _lost(said, where)


def _said(found: BaseException | None) -> str:
    diag = getattr(found, "diag", None)
    return (getattr(diag, "message_primary", None) or str(found)).strip()
