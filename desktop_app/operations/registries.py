"""Registries: how one is founded, kept and brought up to date."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

from desktop_app.domain.audit import CheckReport, Exported
from desktop_app.domain.canonical import Digest, Id, file_sha256, record
from desktop_app.domain.person import Role
from desktop_app.domain.registry import Admission
from desktop_app.errors import Damaged, UserError
from desktop_app.operations import audit, people, policies
from desktop_app.operations.saving import save_copy
from desktop_app.progress import Progress
from desktop_app.registry import migrations
from desktop_app.trust.keys import check_passphrase
from desktop_app.trust.verify import Held
from desktop_app.workspace import Workspace, open_workspace

__all__ = ["check_passphrase", "found"]


def found(workspace: Workspace, name: str, passphrase: str, roles: tuple[Role, ...] = ()) -> Workspace:
    """Enrol the first administrator of a new registry and publish its first policy. Returns who acts from now on.

    roles: what they are besides administrator.
    """
    every = (Role.ADMINISTRATOR, *(r for r in roles if r is not Role.ADMINISTRATOR))
    acting = people.found(workspace, name, passphrase, every)
    policies.publish_default(acting, passphrase)
    return acting


# ---- how it is


@record
class Status:
    """How a registry is: what it says it is, where it is, and what the database under it promises.

    format and newest: of its tables, and what this program writes · size: bytes · guards: names of those that are not
    as they were made · settings: (name, value) · warnings: sentences.
    """

    id: str
    name: str
    address: str
    engine: str
    login: str
    size: int
    entries: int
    head: Digest
    last_at: str  # local time of the last entry; "" where there is none
    format: str
    newest: str
    guards: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]


def status(workspace: Workspace) -> Status:
    """How the registry is, without recomputing the log; SQLite's quick check of a file is made."""
    store = workspace.store
    condition = store.condition()
    with store.read() as reader:
        head, there, guards = reader.head(), reader.revision(), reader.guards_missing()
        last = [e.at for e in reader.entries(head.seq - 1)] if head.seq else []
    return Status(
        id=store.info.id, name=store.info.name, address=store.address, engine=condition.engine, login=condition.login,
        size=condition.size, entries=head.seq, head=head.hash,
        last_at=last[0].astimezone().strftime("%Y-%m-%d %H:%M") if last else "", format=there,
        newest=migrations.KNOWN[-1], guards=guards, settings=tuple(condition.settings.items()),
        warnings=condition.warnings)


# ---- keeping it


@record
class Copied:
    """A backup that was verified: where, how large, its digest, and the end of its log."""

    path: Path
    size: int
    sha256: Digest
    entries: int
    head: Digest


def backup(workspace: Workspace, target: Path, progress: Progress | None = None) -> Copied:
    """Copy a registry, of a server too, to a registry file, recompute its whole log there, and record that it left.

    A registry of an older format is copied without a record: nothing is written to it. Raises UserError where
    something is at `target`, Damaged when what was copied is not in order: nothing is left then.
    """
    if target.exists():
        raise UserError("There is already a file at this address.", str(target), "Choose another name.")
    if not target.parent.is_dir():
        raise UserError("There is no such folder.", str(target.parent), "Make it, or choose another.")
    with workspace.store.read() as reader:
        writes = reader.revision() == migrations.KNOWN[-1]
    if writes:
        workspace.me  # noqa: B018 - refused before anything is copied when nobody acts
    progress = progress or Progress()
    with tempfile.TemporaryDirectory(prefix="assaydesk-") as folder:
        made = Path(folder) / "backup.assay"
        progress.step(0.0, "copying the registry")
        workspace.store.backup(made)
        report = _recomputed(workspace, made, progress.part(0.3, 0.9))
        copied = Copied(path=target, size=made.stat().st_size, sha256=file_sha256(made), entries=report.entries,
                        head=report.head)
        progress.step(0.9, "writing the file")
        save_copy(made, target, before=lambda: _note_backup(workspace, copied) if writes else None)
    return copied


def _note_backup(workspace: Workspace, copied: Copied) -> None:
    store = workspace.store
    subject = Id(store.info.id)
    with store.write(workspace.me, "registry.copied", subject, note=f"Backed up as {copied.path.name}") as write:
        write.add(Exported(id=store.new_id(), what="registry", subject=subject, file_name=copied.path.name,
                           sha256=copied.sha256, size=copied.size, head_seq=copied.entries))


def _recomputed(workspace: Workspace, copy: Path, progress: Progress) -> CheckReport:
    """The log of a copy, recomputed. Raises Damaged when it is not in order."""
    with closing(open_workspace(copy, keys=workspace.signer.folder)) as opened:
        return check_in_order(opened, progress)


def check_in_order(copy: Workspace, progress: Progress, held: tuple[Held, ...] = ()) -> CheckReport:
    """Recompute the log of a copy of a registry, and hold it against these checkpoints only. Raises Damaged."""
    report = audit.recompute(copy, progress, held)
    if not report.ok:
        first = (report.problems + report.unclear)[0]
        where = f"entry {first.seq:,}: " if first.seq else ""
        raise Damaged("The registry's log is not in order; nothing was changed.",
                      f"{first.check}: {where}{first.sentence}.", "See all of it with: assaydesk audit verify.")
    return report


def rebuild(workspace: Workspace) -> tuple[str, ...]:
    """Make again from the facts every list and index, roles' among them: it asks for none. Returns what differed.

    A registry file is written anew after that, so that nothing of what was erased is left in its unused space.
    """
    differed = workspace.store.rebuild()
    workspace.store.sweep()
    return differed


def admit(workspace: Workspace, login: str, may: Admission = Admission.WRITE) -> None:
    """Let a login of the database server use the registry. Raises UserError, Refused."""
    workspace.store.admit(login, may)


# ---- bringing it up to date


@record
class Upgraded:
    """An upgrade that was done."""

    since: str
    to: str
    entry: int


def upgrade(workspace: Workspace, progress: Progress | None = None) -> Upgraded:
    """Bring the tables to this program's format, in one transaction with the entry that says so.

    A registry in a file is tried first on a copy, whose whole log is recomputed. Only an administrator may.
    Raises Refused when there is nothing to upgrade, Damaged when the log or the guards are not in order.
    """
    progress = progress or Progress()
    with workspace.store.read() as reader:
        since = reader.revision()
    if workspace.store.folder is not None and since != migrations.KNOWN[-1]:
        with tempfile.TemporaryDirectory(prefix="assaydesk-") as folder:
            copy = Path(folder) / "trial.assay"
            progress.step(0.0, "trying it on a copy")
            workspace.store.backup(copy)
            with closing(open_workspace(copy, keys=workspace.signer.folder)) as trial:
                _upgrade(trial.acting_as(workspace.actor))
                check_in_order(trial, progress.part(0.1, 0.9))
    progress.step(0.9, "changing the tables")
    entry = _upgrade(workspace)
    return Upgraded(since=since, to=migrations.KNOWN[-1], entry=entry)


def _upgrade(workspace: Workspace) -> int:
    with workspace.store.upgrading(workspace.me) as write:
        people.require(write.reader, workspace, Role.ADMINISTRATOR)
    return people.changed(write).seq
