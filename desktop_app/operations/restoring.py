"""Restoring a registry from a backup: a ceremony that the log tells of, never a silent replacement."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import closing
from datetime import datetime
from pathlib import Path

from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Digest, Id, file_sha256, record
from desktop_app.domain.person import Role
from desktop_app.domain.registry import RegistryRestored
from desktop_app.domain.words import counted
from desktop_app.errors import Refused, Unreachable, UserError
from desktop_app.operations import mandates, people
from desktop_app.operations.registries import check_in_order
from desktop_app.progress import Progress
from desktop_app.registry import restoring
from desktop_app.registry.reader import Head, Reader
from desktop_app.registry.store import Store, open_store
from desktop_app.trust.authority import Authority
from desktop_app.workspace import Workspace, keys_folder, open_workspace


@record
class Restored:
    """What a restoration did: where what was there is kept now ("" where nothing was), and what is not in the log."""

    entry: int
    backup_entries: int
    replaced_entries: int
    lost: int  # entries that the replaced log had and this one has not
    aside: str


def restore(
    source: Path, place: Path, person: str | None, passphrase: str, *, reason: str, anyway: bool = False,
    keys: Path | None = None, progress: Progress | None = None,
) -> Restored:
    """Put a backup in a registry's place. Its next entry says so, signed by an administrator.

    person: who restores, as the backup knows them · anyway: although entries are lost by it. The backup's whole log is
    recomputed first. What was at `place` is kept beside it. Raises UserError, Refused, Damaged.
    """
    progress = progress or Progress()
    _check_source(source, place, reason)
    with tempfile.TemporaryDirectory(prefix=".restoring-", dir=place.parent) as folder:
        prepared = Path(folder) / "registry.assay"
        shutil.copyfile(source, prepared)
        with closing(open_workspace(prepared, person, keys=keys or keys_folder(place.parent))) as backup:
            report = check_in_order(backup, progress.part(0.0, 0.8))
            there, lost = _there(place, backup.store)
            _check_lost(lost, there, anyway)
            made = RegistryRestored(
                id=backup.store.new_id(), backup_seq=report.entries, backup_hash=report.head,
                replaced_seq=there.seq if there else 0, replaced_hash=there.hash if there else "",
                file_sha256=file_sha256(source), reason=reason.strip())
            entry = _record(backup, made, passphrase)
        progress.step(0.9, "putting it in its place")
        aside = _aside(place, backup.store.clock()) if place.exists() else None
        if there is not None and aside is not None:
            restoring.replace(place, prepared, aside, there.hash if there.seq else "")
        else:
            restoring.put(place, prepared, aside or _aside(place, backup.store.clock()))
    return Restored(entry=entry, backup_entries=report.entries, replaced_entries=made.replaced_seq, lost=lost,
                    aside=str(aside or ""))


def restore_to_server(
    source: Path, address: str, person: str | None, passphrase: str, *, reason: str, keys: Path | None = None,
    progress: Progress | None = None,
) -> Restored:
    """Put a backup into a database of a server that holds no registry, with the rights that making one there takes.

    The entry that says so is made and signed in a copy of the backup; then every row goes to the server in one
    transaction: bytes, order, times and users of the entries stay what they were. Raises as `restore` does.
    """
    progress = progress or Progress()
    _check_file(source, reason)
    with tempfile.TemporaryDirectory(prefix="assaydesk-") as folder:
        prepared = Path(folder) / "registry.assay"
        shutil.copyfile(source, prepared)
        with closing(open_workspace(prepared, person, keys=keys or keys_folder(None))) as backup:
            report = check_in_order(backup, progress.part(0.0, 0.7))
            made = RegistryRestored(
                id=backup.store.new_id(), backup_seq=report.entries, backup_hash=report.head, replaced_seq=0,
                replaced_hash="", file_sha256=file_sha256(source), reason=reason.strip())
            entry = _record(backup, made, passphrase)
        progress.step(0.7, "copying it to the server")
        restoring.load(prepared, address)
    return Restored(entry=entry, backup_entries=report.entries, replaced_entries=0, lost=0, aside="")


def _check_source(source: Path, place: Path, reason: str) -> None:
    _check_file(source, reason)
    if place.exists() and source.samefile(place):
        raise UserError("This is the registry itself.", str(source), "Give a backup of it.")
    if not place.parent.is_dir():
        raise UserError("There is no such folder.", str(place.parent), "Make it first.")


def _check_file(source: Path, reason: str) -> None:
    if not source.is_file():
        raise UserError("There is no such file.", str(source), "Give the file that `registry backup` wrote.")
    if source.with_name(source.name + "-journal").exists():
        raise UserError("This file was left in the middle of a write, or is in use.", str(source),
                        "Give a file that `registry backup` wrote.")
    if not reason.strip():
        raise UserError("Say why the registry is restored.", "The log will tell.", "Give --reason.")


def _there(place: Path, backup: Store) -> tuple[Head | None, int]:
    """The end of the log that would be replaced, None where there is none to read; entries that would be lost."""
    try:
        opened = open_store(str(place))
    except Unreachable:
        return None, 0
    with closing(opened), opened.read() as reader, backup.read() as kept:
        if opened.info.id != backup.info.id:
            raise Refused("This is a backup of another registry.",
                          f"It is of “{backup.info.name}”; at {place} is “{opened.info.name}”.",
                          "Restore it to a path of its own: --registry PATH.")
        head = reader.head()
        low, high = 0, min(head.seq, kept.head().seq)
        while low < high:  # a log is a chain: what is the same at one place is the same before it
            middle = (low + high + 1) // 2
            same = _hash_at(reader, middle) == _hash_at(kept, middle)
            low, high = (middle, high) if same else (low, middle - 1)
        return head, head.seq - low


def _hash_at(reader: Reader, seq: int) -> Digest:
    return next(iter(reader.entries(seq - 1, seq))).hash


def _check_lost(lost: int, there: Head | None, anyway: bool) -> None:
    if lost and not anyway and there is not None:
        raise Refused(
            "The registry that is there holds entries that the backup does not.",
            f"It has {there.seq:,} entries; {lost:,} of them would be lost.",
            "Keep the registry. If it must be: --anyway; it is then kept beside the restored one, and the log tells.")


def _record(backup: Workspace, made: RegistryRestored, passphrase: str) -> int:
    was = f"; the log it replaced had {made.replaced_seq:,}" if made.replaced_seq else ""
    return mandates.record(
        backup, "registry.restored", Id(backup.store.info.id), [made], passphrase,
        note=f"Restored from a backup of {made.backup_seq:,} entries{was}: {made.reason}",
        check=lambda reader: people.require(reader, backup, Role.ADMINISTRATOR)).seq


def _aside(place: Path, now: datetime) -> Path:
    """A name beside the registry that nothing has."""
    name = f"{place.stem}.replaced-{now.astimezone():%Y%m%d-%H%M%S}"
    found = place.with_name(f"{name}{place.suffix}")
    number = 1
    while found.exists():
        number += 1
        found = place.with_name(f"{name}-{number}{place.suffix}")
    return found


@record
class Discontinuity:
    """The newest restoration: entries before it are a backup's, and what was recorded after the backup is not there.

    signed: "valid", or why its signature is not.
    """

    entry: int
    at: datetime
    person: str
    backup_entries: int
    replaced_entries: int
    reason: str
    signed: str

    @property
    def told(self) -> str:
        """One notice for people."""
        gone = f"; the log it replaced had {counted(self.replaced_entries, 'entry', 'entries')}" \
            if self.replaced_entries else ""
        doubt = "" if self.signed == "valid" else f" Do not rely on it: {self.signed}."
        return (f"This registry was restored at entry {self.entry:,} by {self.person}, from a backup of "
                f"{counted(self.backup_entries, 'entry', 'entries')}{gone}. Reason: {self.reason.rstrip('.')}. "
                f"What was recorded after the backup is not here.{doubt}")


def discontinuity(workspace: Workspace) -> Discontinuity | None:
    """The newest restoration of the registry, for a notice that stays; None where there was none."""
    with workspace.store.read() as reader:
        found = reader.all(RegistryRestored)
        if not found:
            return None
        last = found[-1]
        return Discontinuity(
            entry=last.seq, at=last.at, person=reader.names().get(last.by, last.by),
            backup_entries=last.record.backup_seq, replaced_entries=last.record.replaced_seq,
            reason=last.record.reason, signed=_judged(reader, workspace.store.info.id, last))


def _judged(reader: Reader, registry: str, item: Recorded[RegistryRestored]) -> str:
    return Authority(registry, mandates.behind(reader, (), [item])).mandated(item)
