"""Copies of shared registries that this installation keeps for reading offline, in the user's own folder.

Each is a registry file and, beside it, what it is, sealed by the installation: the seal covers the digest of the file,
so that a copy that was changed since is not shown as what it was.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from desktop_app.domain import canonical
from desktop_app.domain.canonical import Digest, file_sha256
from desktop_app.domain.local_copy import LocalCopy
from desktop_app.errors import NotFound, Refused, Unreachable, UserError
from desktop_app.trust.installation import Installation, save_private

FORMAT = "assaydesk-copy/v1"
SUFFIX = ".assay"


class Copies:
    """See the module."""

    def __init__(self, installation: Installation) -> None:
        self._installation, self.folder = installation, installation.folder / "copies"

    def glance(self, address: str) -> LocalCopy | None:
        """What is kept of a registry, as it says itself: for an offer only. None where nothing readable is."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            return _read(json.loads(self._place(address).read_bytes()))
        return None

    def find(self, address: str) -> tuple[LocalCopy, Path]:
        """The copy of a registry and its file, which is as it was made.

        Raises NotFound where none is kept, Refused when the copy or what is said of it was changed or damaged.
        """
        place = self._place(address)
        try:
            text = json.loads(place.read_bytes())
            seal = str(text.pop("mac"))
            found = _read(text)
        except FileNotFoundError:
            raise NotFound("There is no copy of this registry on this computer.", address,
                           "Take one while the registry can be reached: assaydesk registry copy.") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _changed(place, str(error)) from error
        if found.address != address or not self._installation.sealed(text, seal):
            raise _changed(place, "it does not fit its seal")
        file = self._file(found)
        if not file.is_file() or file_sha256(file) != found.sha256:
            raise _changed(file, "it is not the file that was made" if file.exists() else "it is not there")
        return found, file

    def keep(self, copy: LocalCopy, made: Path) -> None:
        """Keep a registry file as the copy of its registry, in place of an older one. Raises Unreachable."""
        place, file = self._place(copy.address), self._file(copy)
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            making = file.with_suffix(".making")
            making.touch(mode=0o600)
            shutil.copyfile(made, making)
            making.replace(file)
        except OSError as error:
            raise Unreachable("The copy cannot be kept on this computer.", f"{file}: {error.strerror or error}",
                              "Free some space, or check who may write there.") from error
        text = _written(copy)
        save_private(place, canonical.jcs(text | {"mac": self._installation.seal(text)}))
        self._sweep(copy.address, but=file)

    def remove(self, address: str) -> bool:
        """Delete the copy of a registry; whether there was one. Raises Unreachable."""
        place = self._place(address)
        there = place.exists()
        try:
            place.unlink(missing_ok=True)
            self._sweep(address)
            if left := [*self.folder.glob(f"{place.stem}-*")]:
                raise OSError(f"{left[0].name} is in use")
        except OSError as error:
            raise Unreachable("The copy cannot be deleted.", f"{place}: {error.strerror or error}",
                              "Close the windows that read it, then try again.") from error
        return there

    def _sweep(self, address: str, but: Path | None = None) -> None:
        """Delete older files of the same registry; one that a window reads is deleted the next time."""
        for older in self.folder.glob(f"{self._place(address).stem}-*"):
            if older != but:
                with suppress(OSError):
                    older.unlink()

    def _place(self, address: str) -> Path:
        return self.folder / f"{hashlib.sha256(address.encode()).hexdigest()[:32]}.json"

    def _file(self, copy: LocalCopy) -> Path:
        return self.folder / f"{self._place(copy.address).stem}-{copy.sha256[:16]}{SUFFIX}"


def _written(copy: LocalCopy) -> dict[str, Any]:
    return {"format": FORMAT, "address": copy.address, "registry": copy.registry, "name": copy.name,
            "taken": canonical.utc_text(copy.taken), "entries": copy.entries, "head": copy.head, "root": copy.root,
            "sha256": copy.sha256, "size": copy.size}


def _read(text: dict[str, Any]) -> LocalCopy:
    if text["format"] != FORMAT:
        raise ValueError("another format")
    return LocalCopy(
        address=str(text["address"]), registry=str(text["registry"]), name=str(text["name"]),
        taken=canonical.parse_utc(text["taken"]), entries=int(text["entries"]), head=Digest(text["head"]),
        root=Digest(text["root"]), sha256=Digest(text["sha256"]), size=int(text["size"]))


def _changed(place: Path, detail: str) -> UserError:
    return Refused("The copy of the registry on this computer is damaged, or was changed past the program.",
                   f"{place}: {detail}", "Delete it, and take another when the registry can be reached: "
                   "assaydesk registry copy --delete, then assaydesk registry copy.")
