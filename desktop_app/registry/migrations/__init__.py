"""The schema's history: one script for each format, in `versions`, run by Alembic in the caller's transaction.

A format is the number of its script. A script is frozen once it was shipped: it holds its own SQL and imports nothing
of today's program. Which format a registry has stands in the table `alembic_version`; a registry that was made before
there was such a table has the first.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

if TYPE_CHECKING:
    from alembic.config import Config

KNOWN = ("0001", "0002")  # oldest first; the last is what this program reads and writes
FIRST = KNOWN[0]
TABLE = "alembic_version"
FOLDERS = (Path(__file__).parent / "versions",)


def migrate(connection: Connection, since: str | None = None) -> None:
    """Run the scripts that lead to today's format, from nothing or from the format that a registry has.

    The transaction, and the right to change the schema, are the caller's.
    """
    from alembic import command

    config = _config(connection)
    if since == KNOWN[0]:  # it may be from before there was a table of formats
        command.stamp(config, since)
    command.upgrade(config, KNOWN[-1])


def digest(since: str) -> str:
    """SHA-256, in hexadecimal, of the scripts after a format, in their order, as they are in this program."""
    scripts = [script for name in KNOWN[KNOWN.index(since) + 1:] for folder in FOLDERS
               for script in folder.glob(f"r{name}_*.py")]
    return hashlib.sha256(b"".join(script.read_bytes() for script in scripts)).hexdigest()


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    for key, value in (("script_location", str(Path(__file__).parent)), ("path_separator", "os"),
                       ("version_locations", os.pathsep.join(map(str, FOLDERS)))):
        config.set_main_option(key, value.replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
