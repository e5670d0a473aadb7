"""A nursery of processes that make or upgrade a registry and are killed at a chosen moment.

`python -m tests.registry.upgrading`: each line on standard input is "make|upgrade NUMBER ADDRESS"; the child that is
forked for it kills itself at that moment, counted before each statement and each commit. What is printed
is "killed" or "done".
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from pathlib import Path

import alembic.command
import psycopg
from sqlalchemy import Engine, event

from desktop_app.domain.canonical import Id
from desktop_app.registry import migrations
from desktop_app.registry.store import create_store, open_store

NEXT = Path(__file__).parent / "next_format"


def know_the_next_format() -> None:
    """As the program after this one will."""
    migrations.KNOWN = ("0001", "0002", "0003")
    migrations.FOLDERS = (*migrations.FOLDERS, NEXT)


def die_at(number: int) -> None:
    """From now on, end this process at its n-th moment."""
    moments = itertools.count(1)

    def moment(*_arguments: object) -> None:
        if next(moments) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in ("before_cursor_execute", "commit"):
        event.listen(Engine, name, moment)


def live(what: str, number: int, address: str) -> None:
    if what == "make":
        die_at(number)
        create_store(address, "Test registry").close()
        return
    store = open_store(address)
    die_at(number)
    with store.upgrading(Id("ann")):
        pass
    store.close()


assert alembic.command  # loaded once, before any child is born
assert psycopg


def main() -> None:
    know_the_next_format()
    for line in sys.stdin:
        what, number, address = line.split(maxsplit=2)
        child = os.fork()
        if child == 0:
            try:
                live(what, int(number), address.strip())
                os._exit(0)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        said = "killed" if os.WIFSIGNALED(status) else f"done {os.WEXITSTATUS(status)}"
        os.write(1, said.encode() + b"\n")


if __name__ == "__main__":
    main()
