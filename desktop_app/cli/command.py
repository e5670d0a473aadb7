"""How a subcommand is declared, and what it gives back."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from desktop_app.domain.canonical import Id
from desktop_app.errors import Lost, NotFound, UserError
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.workspace import Workspace


@dataclass(frozen=True)
class Result:
    """What a command came to: lines for people, one object for --json, the exit code."""

    lines: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    exit_code: int = 0


Run = Callable[["Call"], Result]


@dataclass(frozen=True)
class Command:
    """A subcommand of one or two words."""

    name: str
    help: str
    run: Run
    arguments: tuple[tuple[tuple[str, ...], dict[str, Any]], ...]


COMMANDS: dict[str, Command] = {}


def arg(*names: str, **options: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """An argument, as argparse takes it."""
    return names, options


def command(
    name: str,
    help_text: str,
    *arguments: tuple[tuple[str, ...], dict[str, Any]],
) -> Callable[[Run], Run]:
    """Declare the function below as a subcommand."""

    def declare(run: Run) -> Run:
        COMMANDS[name] = Command(name, help_text, run, arguments)
        return run

    return declare


class OpenWindow(Protocol):
    """Opens the window and stays until it is closed. Returns the exit code."""

    def __call__(self, registry: str | None, person: str | None, *, offline: bool = False) -> int:
        """offline: on the copy of the registry that this computer keeps."""


@dataclass(frozen=True)
class Call:
    """One call of a subcommand: its arguments, the registry it is about, and the ways into the window."""

    args: argparse.Namespace
    progress: Progress
    open_window: OpenWindow
    take_screens: Callable[[str, str, Path], list[Path]]

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        """The registry that --registry or ASSAYDESK_REGISTRY names, or the copy of it, with --as acting."""
        opened = self._copy() if self.args.offline else self._original()
        try:
            _tell_leftovers(opened)
            yield opened
        finally:
            opened.close()

    def _original(self) -> Workspace:
        from desktop_app.operations import copies
        from desktop_app.workspace import open_workspace

        try:
            return open_workspace(self.registry, self.args.person)
        except Lost as lost:
            if (kept := copies.kept(self.registry)) is None:
                raise
            raise Lost(lost.title, lost.detail, f"{lost.remedy}\nTo read the copy that was taken here on "
                       f"{kept.taken_at}, and record nothing: --offline.") from lost

    def _copy(self) -> Workspace:
        from desktop_app import settings
        from desktop_app.workspace import open_copy

        opened = open_copy(self.registry or str(settings.default_registry()), self.args.person)
        if (copied := opened.store.copied) is not None:
            print(copied.told(opened.store.clock()), file=sys.stderr, flush=True)
        return opened

    @property
    def registry(self) -> str | None:
        """The address that was named, if one was."""
        return self.args.registry or os.environ.get("ASSAYDESK_REGISTRY") or None

    @property
    def at_a_terminal(self) -> bool:
        """Whether there is somebody to be asked."""
        return not self.args.json and sys.stdin.isatty()

    def passphrase(self, prompt: str = "Passphrase: ", *, twice: bool = False) -> str:
        """From --passphrase-fd, ASSAYDESK_PASSPHRASE or a prompt; never from an argument. Raises UserError."""
        return self._asked(prompt, twice, ("ASSAYDESK_PASSPHRASE",))

    def new_passphrase(self, prompt: str) -> str:
        """One for a new key: from --passphrase-fd, ASSAYDESK_NEW_PASSPHRASE, ASSAYDESK_PASSPHRASE or a prompt, twice.

        Where a command needs two, the new one is asked for first; --passphrase-fd then holds two lines.
        """
        return self._asked(prompt, True, ("ASSAYDESK_NEW_PASSPHRASE", "ASSAYDESK_PASSPHRASE"))

    def new_pin(self, prompt: str) -> str:
        """Of the token that a key is made on: as `new_passphrase`, but asked for once: the token knows it."""
        return self._asked(prompt, False, ("ASSAYDESK_NEW_PASSPHRASE", "ASSAYDESK_PASSPHRASE"))

    def _asked(self, prompt: str, twice: bool, names: tuple[str, ...]) -> str:
        try:
            return self._passphrase(prompt, twice, names)
        except (EOFError, OSError) as error:
            raise UserError(
                "No passphrase was given.", f"It could not be asked for: {str(error) or 'there is no terminal'}.",
                "Use a terminal, --passphrase-fd, or ASSAYDESK_PASSPHRASE.") from error  # fmt: skip

    def _passphrase(self, prompt: str, twice: bool, names: tuple[str, ...]) -> str:
        if (handle := self.args.passphrase_fd) is not None:
            return _line(handle)
        if given := [os.environ[name] for name in names if name in os.environ]:
            return given[0]
        import getpass

        first = getpass.getpass(prompt)
        if twice and getpass.getpass("Again: ") != first:
            raise UserError("The two passphrases differ.", "", "Try again.")
        return first


def _line(handle: int) -> str:
    """One line, byte by byte: the next passphrase stays where it is."""
    read = bytearray()
    while (byte := os.read(handle, 1)) not in (b"", b"\n"):
        read += byte
    return read.decode("utf-8").rstrip("\r")


def _tell_leftovers(workspace: Workspace) -> None:
    """What became of earlier writes whose answer never came, on standard error."""
    from desktop_app.operations import outbox

    for left in outbox.leftovers(workspace):
        print(left.sentence, file=sys.stderr, flush=True)
        outbox.told(workspace, left.command)


# ---- naming things as people do


def find_version(workspace: Workspace, text: str) -> tuple[Id, Id]:
    """(model, version) from "NAME@LABEL" or a version's id. Raises NotFound, UserError."""
    from desktop_app.domain.model import ModelVersion, RegisteredModel

    name, _, label = text.rpartition("@")
    with workspace.store.read() as reader:
        exact = reader.find(ModelVersion, Id(text))
        models = {m.record.model for m in reader.saying(RegisteredModel, "name", name)}
        models = {m for m in models if reader.all(RegisteredModel, m)[-1].record.name == name}  # called so now
        versions = [v.record for model in sorted(models) for v in reader.all(ModelVersion, model)]
    found = [exact.record] if exact else [v for v in versions if v.label == label]
    if not found:
        known = ", ".join(f"{name}@{v.label}" for v in versions[:8])
        raise NotFound(
            f"There is no version {text}.",
            f"Versions are written NAME@LABEL. Known: {known} …" if known else "Versions are written NAME@LABEL.",
            "See them with: assaydesk inventory",
        )
    if len(found) > 1:
        raise UserError(f"More than one version is called {text}.", ", ".join(v.id for v in found), "Give the id.")
    return found[0].model, found[0].id


def find_use(workspace: Workspace, model: Id, text: str | None) -> Id:
    """The use of a model from its purpose or id; without one, its only use."""
    from desktop_app.domain.use import Use

    with workspace.store.read() as reader:
        uses = [u.record for u in reader.all(Use, model)]
    found = [u for u in uses if text is None or text in (u.id, u.purpose)]
    if len(found) != 1:
        purposes = [u.purpose for u in uses]
        known = (
            "; ".join(
                p if purposes.count(p) == 1 else f"{p} ({u.entity or 'no entity'}, {u.id})"
                for p, u in zip(purposes, uses, strict=True)
            )
            or "none"
        )
        raise UserError("Which use?", f"Uses of this model: {known}.", "Name one with --use: its purpose, or its id.")
    return found[0].id


def find_labelled(workspace: Workspace, cls: type[Any], text: str) -> Id:
    """A fact from its label (R-12, F-3) or id."""
    with workspace.store.read() as reader:
        found = [f for f in reader.all(cls) if text in (f.label, f.record.id)]
    if not found:
        raise NotFound(f"There is no {text}.", "", "Labels look like R-12 or F-3.")
    return Id(found[0].record.id)
