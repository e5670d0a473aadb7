"""The model file of a version: read once, and kept as a copy in a folder named by its digest.

A copy is whole or not there, and looked at again whenever it is to be opened.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from desktop_app.domain.canonical import Digest, Id, record
from desktop_app.domain.evidence import ArtefactScan, Evidence, EvidenceKind, Standing
from desktop_app.domain.history import History
from desktop_app.domain.model import Artefact, ArtefactResolved, DigestOf, ModelVersion
from desktop_app.errors import Refused, Unreachable, UserError
from desktop_app.progress import Progress
from desktop_app.settings import data_folder
from desktop_app.workspace import Workspace


def inspect(path: Path) -> tuple[Digest, ArtefactScan]:
    """What a model file is, without loading it: its digest and the scan."""
    from desktop_app.analysis import artefacts

    return artefacts.inspect(path)


def resolve(workspace: Workspace, version: Id, path: Path, progress: Progress | None = None) -> Id:
    """Read the bytes of a version: digest them, scan them without loading, keep a copy for explanations.

    Records what the version exactly is and the scan as evidence. Returns the id of the evidence. Raises UserError
    when the version already has another artefact.
    """
    from desktop_app.analysis import artefacts, environment

    progress = progress or Progress()
    progress.step(0.1, "reading the artefact")
    digest, scan = artefacts.inspect(path)
    _keep(path, digest)
    store, evidence = workspace.store, workspace.store.new_id()
    with store.write(workspace.me, "artefact.resolved", version, note=f"Read the artefact: {scan.format}") as write:
        exact = write.reader.get(ModelVersion, version).record
        history = History(write.reader.of(exact.model))
        write.note += f" of {history.called(exact)}"
        now = history.artefact(exact)
        if now.of is DigestOf.ARTEFACT and now.digest != digest:
            raise Refused("This is not the artefact of the version.",
                          f"Recorded: {now.digest}\nThis file: {digest}", "Register it as another version.")
        scans = [e.record.id for e in history.evidence(version)
                 if e.record.evidence_kind is EvidenceKind.ARTEFACT_SCAN]
        write.add(
            ArtefactResolved(id=store.new_id(), model=exact.model, version=version, artefact=Artefact(
                digest=digest, of=DigestOf.ARTEFACT, uri=exact.artefact.uri, format=scan.format, size=scan.size)),
            Evidence(id=evidence, model=exact.model, version=version, evidence_kind=EvidenceKind.ARTEFACT_SCAN,
                     standing=Standing.COMPUTED, title="Artefact scan", artefact=digest, scan=scan,
                     supersedes=scans[-1] if scans else None,
                     environment=environment.environment(None, ())))
    return evidence


def kept(workspace: Workspace, version: Id) -> tuple[Digest, Path, ArtefactScan]:
    """The digest of a version's artefact, its copy on this machine, and what that is when looked at again.

    Raises UserError when its bytes were not read here, Refused when they are no longer those that were.
    """
    with workspace.store.read() as reader:
        exact = reader.get(ModelVersion, version).record
        digest = History(reader.of(exact.model)).artefact(exact).digest
    return digest, *_kept(digest)


@record
class ModelFeatures:
    """What a model takes, held against a table; both empty where the model does not name its features.

    columns: the table's columns that are its features, in the model's order · missing: the features it lacks.
    """

    columns: tuple[str, ...]
    missing: tuple[str, ...]


def model_features(
    workspace: Workspace, version: Id, columns: tuple[str, ...], progress: Progress | None = None,
) -> ModelFeatures:
    """Ask the version's own artefact, apart from this process. Raises UserError where it cannot be opened here."""
    from desktop_app.analysis import explain

    _, model, scan = kept(workspace, version)
    found, missing = explain.among(explain.features(model, scan, progress), columns)
    return ModelFeatures(columns=found, missing=missing)


# ---- the copies


def _keep(path: Path, digest: Digest) -> None:
    """Copy a model file or folder under its digest. Raises Unreachable when it cannot be written; then nothing is left.

    A copy that is there is kept when it is whole, and replaced when it is not.
    """
    place = _place(digest)
    if _intact(place, digest):
        return
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=place.parent) as folder:
            making = Path(folder) / digest
            _copy(path, making)
            if place.exists():
                place.rename(Path(folder) / "replaced")
            making.rename(place)
    except OSError as error:
        raise Unreachable(
            "The model file could not be copied.", f"To {place.parent}: {error}",
            "Check that the disk has room and that the folder is yours to write, then try again. Nothing was recorded.",
        ) from error


def _kept(digest: Digest) -> tuple[Path, ArtefactScan]:
    """The copy with this digest, digested and scanned again.

    Raises UserError when there is none, Refused when its bytes are no longer those that were copied.
    """
    from desktop_app.analysis import artefacts

    place = _place(digest)
    found = sorted(place.iterdir()) if place.is_dir() else []
    if not found:
        raise UserError("The model file of this version is not on this machine.", f"Digest {digest}.",
                        "Bring it in first: on the Overview tab, or with assaydesk artefact resolve.")
    now, scan = artefacts.inspect(found[0])
    if now != digest:
        raise Refused("The copy of the model file on this machine was changed.",
                      f"Recorded: {digest}\nThis file: {now}",
                      "Bring the model file in again: on the Overview tab, or with assaydesk artefact resolve.")
    return found[0], scan


def _place(digest: Digest) -> Path:
    return data_folder() / "artefacts" / digest


def _copy(path: Path, folder: Path) -> None:
    folder.mkdir()
    if path.is_dir():
        shutil.copytree(path, folder / path.name, symlinks=False)
    else:
        shutil.copy2(path, folder / path.name)


def _intact(place: Path, digest: Digest) -> bool:
    from desktop_app.analysis import artefacts

    try:
        found = sorted(place.iterdir())
        return len(found) == 1 and artefacts.inspect(found[0])[0] == digest
    except (OSError, UserError):
        return False
