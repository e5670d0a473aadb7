"""Files that leave: written whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from desktop_app.errors import Unreachable, UserError


def save_bytes(target: Path, data: bytes, before: Callable[[], object] = lambda: None) -> None:
    """Write a file beside its place, flush it to the disk, then move it there in one step.

    before: done when the bytes are safe and the name is not yet taken (the export's own entry in the log).
    Raises UserError or Unreachable, leaving nothing behind.
    """
    _save(target, lambda out: out.write(data), before)


def save_copy(source: Path, target: Path, before: Callable[[], object] = lambda: None) -> None:
    """The same with the bytes of another file, of any size."""
    with source.open("rb") as opened:
        _save(target, lambda out: shutil.copyfileobj(opened, out, 1 << 20), before)


def _save(target: Path, fill: Callable[[BinaryIO], object], before: Callable[[], object]) -> None:
    if target.is_dir():
        raise UserError("This is a folder.", str(target), "Give a file name.")
    temporary = None
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as out:
            fill(out)
            out.flush()
            os.fsync(out.fileno())
        before()
        temporary.replace(target)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        title = "The disk is full; the file was not written." if full else "The file cannot be written there."
        raise Unreachable(title, f"{target}: {error.strerror or error}",
                          "Free some space and try again." if full else "Choose another folder.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
