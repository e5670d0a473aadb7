"""Timestamps of checkpoints: an authority that nobody here can order about states when a checkpoint existed.

A timestamp lies beside the file that it is of, under the same name with .tsr, and covers its bytes as they are.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.domain.canonical import record
from desktop_app.errors import UserError
from desktop_app.sources import timestamping
from desktop_app.trust import timestamp

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

SUFFIX = ".tsr"


@record
class Stamped:
    """What the timestamp of a file says. by: "" where it could not be read · judged: whether its signature was held
    against the roots of the authorities that are trusted · flaw: what is wrong with it, "" where nothing is.
    """

    file: str
    at: datetime | None
    by: str
    judged: bool
    flaw: str = ""

    @property
    def told(self) -> str:
        """One line for people."""
        if self.flaw or self.at is None:
            return f"The timestamp of {self.file} is not in order: {self.flaw}."
        said = f"{self.file} existed on {self.at.astimezone():%d %b %Y at %H:%M:%S}, states {self.by}"
        return f"{said}." if self.judged else f"{said}; not judged, as no root was given."


def beside(file: Path) -> Path:
    """Where the timestamp of a file lies."""
    return file.with_name(file.name + SUFFIX)


def roots(files: tuple[Path, ...]) -> tuple[Certificate, ...]:
    """The certificates of authorities that are trusted. Raises UserError."""
    found: list[Certificate] = []
    for file in files:
        try:
            found += timestamp.roots_in(file.read_bytes())
        except (OSError, ValueError) as error:
            raise UserError("This file holds no certificates.", f"{file}: {error}",
                            "Give the root certificates of the authority, as PEM.") from error
    return tuple(found)


def ask(data: bytes, url: str, trusted: tuple[Certificate, ...] = ()) -> tuple[bytes, timestamp.Stamp]:
    """Have some bytes timestamped: the response as it came, and what it says. Raises UserError, Unreachable.

    trusted: roots that its signature is held against at once; without any that is left to whoever verifies it.
    """
    query, nonce = timestamp.request(data)
    response = timestamping.ask(url, query, timestamp.LARGEST)
    try:
        return response, timestamp.read(response, data, nonce, trusted)
    except ValueError as error:
        raise UserError("The timestamping authority gave no timestamp that can be used.", f"{url}: {error}.",
                        "Check the address, and the roots if you gave any.") from error


def of(file: Path, trusted: tuple[Certificate, ...] = ()) -> Stamped | None:
    """What the timestamp beside a file says of its bytes; None where there is none."""
    place = beside(file)
    if not place.exists():
        return None
    judged = bool(trusted)
    try:
        with place.open("rb") as opened:
            stamp = timestamp.read(opened.read(timestamp.LARGEST + 1), file.read_bytes(), None, trusted)
    except (OSError, ValueError) as error:
        return Stamped(file=file.name, at=None, by="", judged=judged, flaw=str(error).rstrip("."))
    return Stamped(file=file.name, at=stamp.at, by=stamp.by, judged=judged)
