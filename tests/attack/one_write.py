"""`python -m tests.attack.one_write REGISTRY COMMAND`: one write; prints "done SEQ", or what it said instead."""

from __future__ import annotations

import sys

from desktop_app.domain.canonical import Id
from desktop_app.domain.person import Person
from desktop_app.domain.use import Use
from desktop_app.errors import UserError
from desktop_app.registry.store import open_store


def write(registry: str, command: str) -> int:
    """The shape of a sign-off: two facts, erasable text and a document under one entry. Returns its number."""
    store = open_store(registry)
    try:
        with store.write(Id("ann"), "use.described", Id("m"), note="n", command=command) as write:
            write.add(Use(id=store.new_id(), model=Id("m"), purpose=command),
                      Person(id=store.new_id(), name=write.add_text(f"Name of {command}")))
            write.add_blob(command.encode() * 500)
        return write.change.seq
    finally:
        store.close()


if __name__ == "__main__":
    try:
        sys.stdout.write(f"done {write(*sys.argv[1:3])}\n")
    except UserError as error:
        sys.stdout.write(f"{type(error).__name__}: {error.title}\n")
