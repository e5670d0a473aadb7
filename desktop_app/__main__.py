"""Three entries: the window, the command line, the sandbox worker. The only file that knows all three."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Run Assaydesk. Without a subcommand the window opens. Returns the exit code (DESIGN §7)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments:
        return _open_window(None, None)  # the command line says the same, later
    if arguments[:1] == ["sandbox-worker"]:
        from desktop_app.analysis.sandbox import worker

        return worker.main(sys.stdin.buffer, sys.stdout.buffer)
    from desktop_app.cli import main as command_line

    return command_line.run(arguments, open_window=_open_window, take_screens=_take_screens)


def _open_window(registry: str | None, person: str | None, *, offline: bool = False) -> int:
    from desktop_app.gui.pages import catalogue

    return catalogue.run(registry or os.environ.get("ASSAYDESK_REGISTRY"), person, offline=offline)


def _take_screens(registry: str, person: str, folder: Path) -> list[Path]:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from desktop_app.gui import screens

    return screens.take(registry, person, folder)


if __name__ == "__main__":
    sys.exit(main())
