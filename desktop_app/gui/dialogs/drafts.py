"""Drafts: what was typed but not signed yet, kept in a file of one's own until it is; never a passphrase."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QWidget

from desktop_app.gui.jobs import Jobs, Lane
from desktop_app.settings import data_folder

LARGEST = 1_000_000  # bytes


class Draft:
    """One draft under a name of letters, digits and hyphens. Files are read and written on a worker, in order."""

    def __init__(self, jobs: Jobs, owner: QWidget, name: str) -> None:
        """owner: a widget that outlives the dialog (its page), so that the last save is not dropped."""
        self._jobs, self._owner = jobs, owner
        self._path = data_folder() / "drafts" / f"{''.join(c for c in name if c.isalnum() or c == '-')}.json"

    def load(self, then: Callable[[dict[str, Any]], None]) -> None:
        """Hand over what was kept, or an empty dict."""
        path = self._path
        self._run(lambda: _read(path), then)

    def save(self, content: dict[str, Any]) -> None:
        """Keep this instead; nothing filled in keeps nothing."""
        path = self._path
        if any(content.values()):
            self._run(lambda: _write(path, content), None)
        else:
            self.forget()

    def forget(self) -> None:
        """It was signed or is not wanted: keep nothing."""
        path = self._path
        self._run(lambda: path.unlink(missing_ok=True), None)

    def _run(self, do: Callable[[], Any], then: Callable[[Any], None] | None) -> None:
        # a draft that cannot be kept must never be in the way of a decision
        self._jobs.run(self._owner, lambda ws, progress: do(), then=then or (lambda done: None),
                       failed=lambda error: None, lane=Lane.WRITE)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file() or path.stat().st_size > LARGEST:
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        json.dump(content, out, ensure_ascii=False)
    beside.replace(path)
