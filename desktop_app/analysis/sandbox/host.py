"""Starting the worker and listening to it: its own folder, an almost empty environment, limits, a time-out.

Whatever the worker does (crash, hang, fill memory, answer nonsense) ends here as a UserError.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from desktop_app.analysis.sandbox import channel
from desktop_app.errors import UserError
from desktop_app.progress import Progress

ISOLATION = ("separate process, memory and time limits; not a full sandbox" if os.name == "posix"
             else "separate process and time limit; not a full sandbox")
_TITLE = "The model could not be run."


@dataclass(frozen=True)
class Limits:
    """What the worker may use: wall seconds, bytes of address space, bytes of any file it writes."""

    seconds: int = 600
    memory: int = 8 << 30
    file: int = 64 << 20


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for one run, removed afterwards."""
    with TemporaryDirectory(prefix="assaydesk-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def command() -> list[str]:
    """How the worker is started, from a checkout, an installation, or a frozen program."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "sandbox-worker"]
    return [sys.executable, "-I", "-m", "desktop_app.analysis.sandbox.worker"]


def run(
    request: dict[str, Any], folder: Path, progress: Progress, limits: Limits | None = None,
    start: list[str] | None = None,
) -> dict[str, Any]:
    """Send one request to a new worker and return its result.

    folder: its working folder, the only place it should write. Raises UserError, and Cancelled after killing it.
    """
    limits = limits or Limits()
    process = subprocess.Popen(
        start or command(), cwd=folder, env=_environment(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, close_fds=True, creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0))
    try:
        return _converse(process, request | {"limits": vars(limits)}, progress, limits)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR") if name in os.environ}
    places = dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "NUMBA_CACHE_DIR", "MPLCONFIGDIR"),
                           str(folder))
    return kept | places | {"LANG": "C.UTF-8", "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}


def _converse(
    process: subprocess.Popen[bytes], request: dict[str, Any], progress: Progress, limits: Limits,
) -> dict[str, Any]:
    answers: queue.SimpleQueue[dict[str, Any] | Exception | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(process, request, answers), daemon=True).start()
    end, fraction, status = time.monotonic() + limits.seconds, 0.0, "Starting the model's own process"
    while True:
        progress.step(fraction, status)
        try:
            answer = answers.get(timeout=0.1)
        except queue.Empty:
            if time.monotonic() > end:
                raise _failed(f"It took longer than {limits.seconds:,} seconds and was stopped.") from None
            continue
        if answer is None:
            raise _failed(_ending(process))
        if isinstance(answer, Exception):
            raise _failed("Its process answered in a form that is not understood.") from answer
        if "error" in answer:
            raise UserError(*_error_words(answer["error"]))
        if "result" in answer and isinstance(answer["result"], dict):
            return answer["result"]
        fraction, status = _progress_of(answer, fraction, status)


def _listen(
    process: subprocess.Popen[bytes], request: dict[str, Any],
    answers: queue.SimpleQueue[dict[str, Any] | Exception | None],
) -> None:
    try:
        if process.stdin is None or process.stdout is None:
            raise channel.BadMessage("no pipes")
        channel.send(process.stdin, request)  # type: ignore[arg-type]
        while (message := channel.receive(process.stdout, channel.MAX_ANSWER)) is not None:  # type: ignore[arg-type]
            answers.put(message)
        answers.put(None)
    except BrokenPipeError:
        answers.put(None)
    except (channel.BadMessage, OSError, ValueError) as error:
        answers.put(error)


def _failed(detail: str) -> UserError:
    return UserError(_TITLE, detail, "Try fewer rows or a smaller background; if it happens again, look at the file "
                                     "with the people who made it.")


def _ending(process: subprocess.Popen[bytes]) -> str:
    try:
        code = process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return "Its process closed the connection and was stopped."
    if code in (-9, -6, -11, 137):
        return f"Its process was ended by the system (signal {abs(code) % 128}), as when memory or time runs out."
    return f"Its process ended without an answer (code {code})."


def _error_words(error: Any) -> tuple[str, str, str]:
    """Title, detail and remedy as the worker said them, short and printable: they are untrusted."""
    parts = [p for p in error if isinstance(p, str)] if isinstance(error, list) else []
    title, detail, remedy = ([*parts, "", "", ""])[:3]
    return _plain(title, 200) or _TITLE, _plain(detail, 1_000), _plain(remedy, 500)


def _plain(text: str, most: int) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:most])


def _progress_of(answer: dict[str, Any], fraction: float, status: str) -> tuple[float, str]:
    said, words = answer.get("progress"), answer.get("status")
    if isinstance(said, (int, float)) and 0 <= said <= 1:
        fraction = float(said)
    return fraction, _plain(words, 100) if isinstance(words, str) else status
