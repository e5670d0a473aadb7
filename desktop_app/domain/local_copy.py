"""A copy of a shared registry on one computer, for reading while the server cannot be reached."""

from __future__ import annotations

from datetime import datetime

from desktop_app.domain.canonical import Digest, record


@record
class LocalCopy:
    """What a copy is of, and when it was taken.

    address: of the registry, without a password · entries, head, root: the end of its log and the Merkle root of it, as
    they were recomputed then · sha256, size: of the copy's file, in bytes.
    """

    address: str
    registry: str
    name: str
    taken: datetime
    entries: int
    head: Digest
    root: Digest
    sha256: Digest
    size: int

    def age(self, now: datetime) -> str:
        """How old it is, in the largest unit that is whole: "3 hours old"."""
        passed = max(0, int((now - self.taken).total_seconds()))
        for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
            if passed >= seconds:
                number = passed // seconds
                return f"{number:,} {unit if number == 1 else unit + 's'} old"
        return "less than a minute old"

    @property
    def taken_at(self) -> str:
        """When it was taken, in local time."""
        return f"{self.taken.astimezone():%d %b %Y at %H:%M}".lstrip("0")

    def told(self, now: datetime) -> str:
        """One sentence for whoever reads it."""
        return (f"You read a copy of “{self.name}” that was taken on {self.taken_at} ({self.age(now)}). What was "
                "recorded since is not in it, and nothing can be recorded in it.")
