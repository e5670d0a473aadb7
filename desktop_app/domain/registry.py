"""What happened to a registry as a whole: it was brought to a newer format, or restored from a backup."""

from __future__ import annotations

from enum import StrEnum

from desktop_app.domain.canonical import Digest, Id, fact


class Admission(StrEnum):
    """What a login of a database server may do with a registry. To erase people is granted apart: the server deletes
    the texts that a record of an erasure names, and cannot tell whether anybody signed for the record.
    """

    READ = "read"
    WRITE = "write"
    ERASE = "erase"  # and write


@fact("registry.upgraded")
class RegistryUpgraded:
    """The tables were changed from one format to another, in the same transaction as this fact.

    scripts_sha256: over the migration scripts that were run, in their order.
    """

    id: Id
    since: str
    to: str
    scripts_sha256: Digest


@fact("registry.restored")
class RegistryRestored:
    """A backup took the registry's place: what was recorded after `backup_seq` in the registry that was there is gone.

    replaced_seq and replaced_hash: the head of the log that was replaced; 0 and "" where it could not be read, or where
    nothing was there · file_sha256: of the backup. An administrator signs for it (`domain.mandate`).
    """

    id: Id
    backup_seq: int
    backup_hash: Digest
    replaced_seq: int
    replaced_hash: str
    file_sha256: Digest
    reason: str
