"""demo: build the demo registry, or open the one that is there."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.cli.command import Call, Result, arg, command
from desktop_app.domain.words import counted
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.demo.build import DemoReport

PLACE = Path("assaydesk-demo")


@command(
    "demo",
    "build a demo registry by real computation, then open the window on it",
    arg("--dir", type=Path, default=PLACE, metavar="DIR", help="where it is kept; default: ./assaydesk-demo"),
    arg("--no-window", action="store_true", help="leave the audit PDFs and a screenshot of every page in the folder"),
)
def demo(call: Call) -> Result:
    """The window opens on who has a decision waiting; without a display every page is left as a picture."""
    from desktop_app.demo.build import build

    a = call.args
    report = build(a.dir, _progress(quiet=a.quiet or a.json))
    why = "--no-window" if a.no_window else _no_display()
    if not why:
        if not (a.json or a.quiet):
            print("\n".join(_lines(report, a.dir)), flush=True)
        return Result([], asdict(report), call.open_window(report.registry, report.person))
    folder = Path(report.registry).parent / "screens"
    folder.mkdir(exist_ok=True)
    screens = call.take_screens(report.registry, report.person, folder)
    lines = [f"No window: {why}. Audit PDFs: {', '.join(Path(p).name for p in report.pdfs)}.",
             f"A picture of every page, {len(screens)} of them: {folder}"]  # fmt: skip
    return Result([*_lines(report, a.dir), *lines], asdict(report) | {"screens": [str(s) for s in screens]})


def _lines(report: DemoReport, folder: Path) -> list[str]:
    made = "Opened" if report.opened else f"Built in {report.seconds:.0f} s:"
    width = max(len(name) for name, _ in report.people)
    return [
        f"{made} {counted(report.rows, 'row')} of {counted(report.models, 'model')}, "
        f"{counted(report.entries, 'entry', 'entries')} in the log.",
        *report.notes,
        *report.counters,
        "",
        *(f"{name:{width}}  {roles}" for name, roles in report.people),
        "",
        f"Everybody's passphrase: {report.passphrase}",
        f"{report.request} waits for {report.person}." if report.request else "Nothing waits for a decision.",
        f"Open it again: assaydesk demo --dir {folder}",
    ]


def _no_display() -> str:
    """Why no window can be opened; empty where one can."""
    if os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        return "Qt is told to draw offscreen"
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return "there is no display"
    return ""


def _progress(*, quiet: bool) -> Progress:
    """One line on stderr for each piece of work."""
    said: list[str] = []

    def say(fraction: float, status: str) -> None:
        if status and status not in said[-1:]:
            said.append(status)
            print(f"{fraction:4.0%}  {status}", file=sys.stderr, flush=True)

    return Progress() if quiet else Progress(say)
