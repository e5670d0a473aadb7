"""Every setting once: key, type, default, help. Where things are kept on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class Setting(NamedTuple):
    """One setting."""

    key: str
    default: str
    help: str


SETTINGS = (
    Setting("registry", "", "Address of the registry that is opened: a path or sqlite:///PATH"),
    Setting("person", "", "Id or name of the person who acts"),
    Setting("theme", "system", "system, light, dark or high_contrast"),
    Setting("text_scale", "1.0", "Size of text, 1.0 to 1.5 times the usual"),
)


def data_folder() -> Path:
    """Where this user's registry and keys are: ASSAYDESK_HOME, or the system's place for application data."""
    if home := os.environ.get("ASSAYDESK_HOME"):
        return Path(home).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("assaydesk", appauthor=False)


def default_registry() -> Path:
    """The registry that is opened when none is named."""
    return data_folder() / "registry.assay"


def resource(path: str) -> Path:
    """A file of the program's own resources."""
    import sys

    root = Path(getattr(sys, "_MEIPASS", Path(__file__).parent.parent))
    return root / "resources" / path
