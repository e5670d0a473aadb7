"""Reading without a connection: a copy of a shared registry on this computer, verified when it is taken and sealed.

A copy is read and never written. It holds everything that was readable then, names and texts too: what is erased in
the registry later stays in a copy until another is taken or it is deleted.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

from desktop_app import settings
from desktop_app.domain.audit import Exported
from desktop_app.domain.canonical import Id, file_sha256
from desktop_app.domain.local_copy import LocalCopy
from desktop_app.errors import UserError
from desktop_app.operations import checkpoints
from desktop_app.operations.registries import check_in_order
from desktop_app.progress import Progress
from desktop_app.registry.store import plain_address
from desktop_app.trust.copies import Copies
from desktop_app.trust.installation import Installation
from desktop_app.trust.keys import SystemKeyring
from desktop_app.workspace import Workspace, open_workspace


def take(workspace: Workspace, progress: Progress | None = None) -> LocalCopy:
    """Copy a shared registry to this computer, recompute its whole log there and record that it left.

    The log is held against what this computer remembers of it and the auditors' checkpoints. It takes the place of an
    older copy. Raises UserError for a registry in a file, Refused or Damaged when the log is not in order: nothing is
    left then, and an older copy stays.
    """
    store, progress = workspace.store, progress or Progress()
    if store.folder is not None:
        raise UserError("This registry needs no copy: it is a file on this computer.", store.address,
                        "It is read without any connection.")
    workspace.me  # noqa: B018 - refused before anything is copied when nobody acts
    if not (seen := checkpoints.check_head(workspace, progress.part(0.0, 0.1))).ok:
        raise seen.error()
    held = checkpoints.held(workspace)
    with tempfile.TemporaryDirectory(prefix="assaydesk-") as folder:
        made = Path(folder) / "copy.assay"
        progress.step(0.1, "copying the registry")
        at = store.clock()
        store.backup(made)
        with closing(open_workspace(made, keys=workspace.signer.folder)) as opened:
            report = check_in_order(opened, progress.part(0.4, 0.9), held)
        progress.step(0.9, "keeping the copy")
        copy = LocalCopy(
            address=plain_address(store.address), registry=store.info.id, name=store.info.name, taken=at,
            entries=report.entries, head=report.head, root=report.root, sha256=file_sha256(made),
            size=made.stat().st_size)
        _note(workspace, copy)
        Copies(workspace.installation).keep(copy, made)
    return copy


def _note(workspace: Workspace, copy: LocalCopy) -> None:
    """Before it is kept: no copy without its entry."""
    store = workspace.store
    subject = Id(store.info.id)
    with store.write(workspace.me, "registry.copied", subject, note="Copied the registry for reading offline") as write:
        write.add(Exported(id=store.new_id(), what="registry", subject=subject, file_name="a copy on this computer",
                           sha256=copy.sha256, size=copy.size, head_seq=copy.entries))


def kept(address: str | None) -> LocalCopy | None:
    """What this computer says it keeps of a registry, to be offered: whether it is as it was made shows when it is
    opened. Connects to nothing.
    """
    return _copies().glance(plain_address(address or str(settings.default_registry())))


def delete(address: str | None) -> bool:
    """Delete the copy of a registry on this computer; whether there was one. Raises Unreachable."""
    return _copies().remove(plain_address(address or str(settings.default_registry())))


def _copies() -> Copies:
    return Copies(Installation(settings.data_folder(), SystemKeyring()))
