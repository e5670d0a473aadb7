"""The copies of model files on this machine, each in a folder named by its digest: whole or not there, and looked at
again whenever one is to be opened.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from desktop_app.domain.canonical import Digest
from desktop_app.domain.evidence import ArtefactScan
from desktop_app.errors import Refused, Unreachable, UserError
from desktop_app.settings import data_folder


def keep(path: Path, digest: Digest) -> None:
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


def kept(digest: Digest) -> tuple[Path, ArtefactScan]:
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
