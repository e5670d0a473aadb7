"""Three entries: the window, the command line, the sandbox worker. The only file that knows all three."""

from __future__ import annotations

import sys


def main(arguments: list[str] | None = None) -> int:
    """Run Assaydesk. Without a subcommand the window opens. Returns the exit code (DESIGN §7)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["sandbox-worker"]:
        from desktop_app.analysis.sandbox import worker

        return worker.main(sys.stdin.buffer, sys.stdout.buffer)
    from desktop_app.cli import main as command_line

    return command_line.run(arguments, open_window=_open_window)


def _open_window(registry: str | None, person: str | None) -> int:
    from desktop_app.gui import app

    return app.run(registry, person)


if __name__ == "__main__":
    sys.exit(main())
