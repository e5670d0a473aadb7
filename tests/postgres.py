"""A throw-away PostgreSQL server for the tests, started from the installed binaries; databases of their own in it."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

_NUMBERS = itertools.count(1)


def binary(name: str) -> str | None:
    """Where a program of PostgreSQL is, if it is installed."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return shutil.which(name) or next((str(p / name) for p in places if (p / name).exists()), None)


def why_not() -> str:
    """Why no server can be started here; empty when one can."""
    if os.name == "nt":
        return "the throw-away PostgreSQL needs Unix sockets"
    if not (binary("initdb") and binary("postgres")):
        return "PostgreSQL is not installed here (initdb, postgres)"
    if os.getuid() == 0 and not _unprivileged():
        return "PostgreSQL refuses to run as root, and there is no user postgres or nobody"
    return ""


def _unprivileged() -> pwd.struct_passwd | None:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


class Server:
    """A running server in a folder of its own; `start` and `stop` may be called again and again."""

    def __init__(self, folder: Path, settings: tuple[str, ...] = (), port: int = 5432) -> None:
        self.folder, self.data, self.settings, self.port = folder, folder / "data", settings, port
        self.user = "postgres"
        self.who: dict = {}
        if os.getuid() == 0:
            found = _unprivileged()
            self.who = {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
            os.chown(folder, found.pw_uid, found.pw_gid)
        self.process: subprocess.Popen | None = None

    def make(self) -> None:
        """Make the cluster: everybody on this machine may log in as anybody."""
        self._run("initdb", "-D", self.data, "-U", self.user, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
                  "--no-sync")

    def _run(self, name: str, *arguments: object) -> None:
        subprocess.run([binary(name), *map(str, arguments)], check=True, capture_output=True, cwd=self.folder,
                       **self.who)

    def start(self) -> None:
        """Start it on a socket in its folder and wait until it answers."""
        every = ("listen_addresses=", f"port={self.port}", f"unix_socket_directories={self.folder}", *self.settings)
        options = [o for s in every for o in ("-c", s)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [binary("postgres"), "-D", str(self.data), *options], stdout=log, stderr=log, cwd=self.folder,
                start_new_session=True, **self.who)
        wait_until(self.answers)

    def answers(self) -> bool:
        """Whether it lets somebody in."""
        import psycopg

        try:
            psycopg.connect(host=str(self.folder), port=self.port, user=self.user, dbname="postgres").close()
        except psycopg.OperationalError:
            if self.process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text()) from None
            return False
        return True

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it: SIGQUIT is a crash that loses nothing that was promised, SIGINT a clean end."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    def execute(self, statement: str, database: str = "postgres", user: str | None = None) -> list[tuple]:
        """Run one statement as the superuser, or as somebody else."""
        import psycopg

        with psycopg.connect(host=str(self.folder), port=self.port, user=user or self.user, dbname=database,
                             autocommit=True) as raw:
            found = raw.execute(statement)
            return found.fetchall() if found.description else []

    def database(self, owner: str = "registrar") -> str:
        """A new, empty database; its address for `owner`, who may make roles and logs in without being superuser."""
        name = f"registry_{os.getpid()}_{next(_NUMBERS)}"
        self.login(owner, "CREATEROLE")
        self.execute(f"CREATE DATABASE {name} OWNER {owner}")
        return self.address(name, owner)

    def login(self, name: str, attributes: str = "") -> None:
        """A login, made if it is not there."""
        if not self.execute(f"SELECT 1 FROM pg_roles WHERE rolname = '{name}'"):
            self.execute(f"CREATE ROLE {name} LOGIN {attributes}")

    def address(self, database: str, user: str) -> str:
        """The address of a database for a login."""
        return f"postgresql://{user}@/{database}?host={self.folder}&port={self.port}"


def wait_until(done) -> None:
    """Look again and again for half a minute. Raises TimeoutError."""
    import time

    end = time.monotonic() + 30
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("the server does not answer")
        time.sleep(0.05)


@contextmanager
def running(*settings: str, port: int = 5432):
    """A server that lasts as long as the block."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: the path of a socket has a greatest length
    folder.chmod(0o755)
    server = Server(folder, settings, port)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
