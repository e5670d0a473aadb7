"""Where things are kept on this machine."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder() -> Path:
    """Where this user's registry and keys are: ASSAYDESK_HOME, or the system's place for application data."""
    if home := os.environ.get("ASSAYDESK_HOME"):
        return Path(home).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("assaydesk", appauthor=False)


def default_registry() -> Path:
    """The registry that is opened when none is named."""
    return data_folder() / "registry.assay"


def witness_folder() -> Path | None:
    """Where auditors keep checkpoints, out of the registry's owner's reach: ASSAYDESK_WITNESS_FOLDER, if it is set."""
    named = os.environ.get("ASSAYDESK_WITNESS_FOLDER")
    return Path(named).expanduser().absolute() if named else None


def resource(path: str) -> Path:
    """A file of the program's own resources."""
    import sys

    root = Path(getattr(sys, "_MEIPASS", Path(__file__).parent.parent))
    return root / "resources" / path
