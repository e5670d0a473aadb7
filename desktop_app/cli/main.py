"""Parse, run, print.

Exit codes: 0 done · 1 a check failed or a rule refused · 2 bad input · 3 unreachable · 4 a bug.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop_app import __version__
from desktop_app.errors import Cancelled, UserError
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.cli.command import OpenWindow

GROUPS = {
    "sync": "take in what is new at a source",
    "import": "take in files",
    "card": "the documentation of a version",
    "artefact": "what exactly a version is",
    "evidence": "what was computed and filed",
    "lineage": "where things come from",
    "request": "promotion requests",
    "finding": "what is wrong",
    "policy": "the rules",
    "people": "who may what",
    "audit": "the log",
    "model": "models, versions, uses",
    "record": "decisions made elsewhere",
    "registry": "the database under it all",
}


def run(
    arguments: list[str],
    open_window: OpenWindow,
    take_screens: Callable[[str, str, Path], list[Path]] = lambda registry, person, folder: [],
) -> int:
    """Run a command line.

    open_window: called where there is no subcommand, for `open`, and after `demo` ·
    take_screens(registry, person, folder): photographs every page, for `demo` without a display.
    """
    args = _for_the_window(arguments) or _for_every_command(arguments)
    if args.command in (None, "open"):
        return open_window(getattr(args, "address", None) or args.registry, args.person, offline=args.offline)
    from desktop_app.cli import commands

    chosen = commands.COMMANDS[args.command]
    try:
        result = chosen.run(commands.Call(args, _progress(args), open_window, take_screens))
    except UserError as error:
        return _say_error(args, error)
    except Cancelled:
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - the last resort: say that it is a bug
        return _say_bug(args, error)
    try:
        _say(args, result.lines, result.data)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return result.exit_code


def _for_the_window(arguments: list[str]) -> argparse.Namespace | None:
    """The arguments when they plainly ask for the window, else None: it opens sooner when no command is loaded."""
    parser = argparse.ArgumentParser(
        parents=[_global_options()], add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("command", nargs="?", choices=["open"])
    parser.add_argument("address", nargs="?")
    try:
        args, more = parser.parse_known_args(arguments)
    except argparse.ArgumentError:
        return None
    return None if more else args


def _for_every_command(arguments: list[str]) -> argparse.Namespace:
    from desktop_app.cli import commands

    parser = _parser(commands.COMMANDS)
    for word in arguments:
        if any("\ud800" <= letter <= "\udfff" for letter in word):
            parser.error(f"this is not UTF-8 text and cannot be recorded: {word!a}")
    return parser.parse_args(arguments)


def _parser(commands: dict[str, Any]) -> argparse.ArgumentParser:
    everywhere = _global_options(suppress=True)
    parser = argparse.ArgumentParser(
        prog="assaydesk",
        description="The desk where a model is assayed before it may be used. Without a command the window opens.",
        parents=[_global_options()],
        allow_abbrev=False,  # --passphrase is no option, nor a short form of one
    )
    parser.add_argument("--version", action="version", version=f"assaydesk {__version__}")
    parser.set_defaults(command=None)
    top = parser.add_subparsers(title="commands", metavar="COMMAND")
    groups: dict[str, Any] = {}
    for name, chosen in sorted(commands.items()):
        group, _, rest = name.partition(" ")
        place = top
        if rest:
            if group not in groups:
                made = top.add_parser(group, help=GROUPS[group], allow_abbrev=False)
                groups[group] = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
            place = groups[group]
        sub = place.add_parser(
            rest or name, help=chosen.help, description=chosen.help, parents=[everywhere], allow_abbrev=False)
        for names, options in chosen.arguments:
            sub.add_argument(*names, **options)
        sub.set_defaults(command=name)
    return parser


def _global_options(*, suppress: bool = False) -> argparse.ArgumentParser:
    """Options that may stand before or after the command."""
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS if suppress else None)
    options.add_argument("--registry", metavar="URL", help="address of the registry (or ASSAYDESK_REGISTRY)")
    options.add_argument("--as", dest="person", metavar="PERSON", help="who acts: a name or an id")
    off: dict[str, Any] = {} if suppress else {"default": False}
    options.add_argument("--offline", action="store_true", **off,
                         help="read the copy of the registry that this computer keeps; record nothing")
    options.add_argument("--json", action="store_true", help="print one JSON object and nothing else", **off)
    options.add_argument("--quiet", action="store_true", help="print only what went wrong", **off)
    options.add_argument("--passphrase-fd", type=int, metavar="N", help="read the passphrase from this descriptor")
    return options


def _progress(args: argparse.Namespace) -> Progress:
    if args.quiet or args.json or not sys.stderr.isatty():
        return Progress()
    return Progress(lambda f, s: print(f"\r\033[K{f:4.0%} {s}", end="" if f < 1 else "\r\033[K", file=sys.stderr))


def _say(args: argparse.Namespace, lines: list[str], data: dict[str, Any]) -> None:
    if args.json:
        import json

        print(json.dumps(data, ensure_ascii=False, indent=2))
    elif not args.quiet:
        print("\n".join(_plain(line) for line in lines))


def _plain(text: str) -> str:
    """Without what would steer a terminal: names of columns and groups come from files."""
    return "".join(c if c in "\n\t" or (c >= " " and not "\x7f" <= c <= "\x9f") else "\ufffd" for c in text)


def _say_error(args: argparse.Namespace, error: UserError) -> int:
    if args.json:
        import json

        print(json.dumps({"error": {"title": error.title, "detail": error.detail, "remedy": error.remedy}}))
    print(_plain(str(error)), file=sys.stderr)
    return error.exit_code


def _say_bug(args: argparse.Namespace, error: Exception) -> int:
    import json
    import traceback

    if args.json:
        print(json.dumps({"error": {"title": "This is a bug in Assaydesk.", "detail": repr(error), "remedy": ""}}))
    print("This is a bug in Assaydesk. Nothing was half done. Please report what follows.", file=sys.stderr)
    traceback.print_exception(error)
    return 4
