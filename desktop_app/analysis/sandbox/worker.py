"""The worker's side: set limits, read one request, do it, answer, end.

Limits are set before the model is opened. What libraries print goes nowhere, so that it cannot be taken for
an answer. Started as `python -I -m desktop_app.analysis.sandbox.worker`, or as `sandbox-worker` when frozen.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any, BinaryIO

from desktop_app.analysis.sandbox import channel
from desktop_app.errors import UserError
from desktop_app.progress import Progress


def main(stdin: BinaryIO, stdout: BinaryIO) -> int:
    """Serve one request. Returns the exit code: 0 answered, 1 answered with an error, 2 no request."""
    out = _own_output(stdout)
    try:
        request = channel.receive(stdin, channel.MAX_REQUEST)
    except channel.BadMessage:
        return 2
    if request is None:
        return 2
    try:
        _limit(request.get("limits", {}))
        warnings.simplefilter("ignore")
        progress = Progress(lambda f, s: channel.send(out, {"progress": round(f, 4), "status": s}))
        channel.send(out, {"result": _tasks()[str(request["task"])](request, progress)})
    except UserError as error:
        channel.send(out, {"error": [error.title, error.detail, error.remedy]})
    except MemoryError:
        channel.send(out, {"error": ["There is not enough memory for this model and table.", "The limit was reached.",
                                     "Choose fewer rows or a smaller background."]})
    except Exception as error:  # noqa: BLE001  # whatever a model or library raises is the answer
        channel.send(out, {"error": ["The model could not be run.", f"{type(error).__name__}: {error}"[:900],
                                     "Check that the file is whole and that the table has the model's features."]})
    else:
        return 0
    return 1


def _tasks() -> dict[str, Callable[[dict[str, Any], Progress], dict[str, Any]]]:
    from desktop_app.analysis.sandbox import explaining

    return {"check": explaining.check, "explain": explaining.explain, "features": explaining.features,
            "score": explaining.score}


def _own_output(stdout: BinaryIO) -> BinaryIO:
    """A copy of the answer pipe; descriptor 1 and 2 then lead nowhere."""
    try:
        number = stdout.fileno()
    except (io.UnsupportedOperation, AttributeError):
        return stdout
    own = os.fdopen(os.dup(number), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    return own


def _limit(limits: dict[str, Any]) -> None:
    """Address space, size of files, processor time, no core dumps (POSIX). A limit that cannot be set is an error."""
    if os.name != "posix" or not limits:
        return
    import resource

    wanted = {resource.RLIMIT_FSIZE: int(limits["file"]), resource.RLIMIT_CORE: 0,
              resource.RLIMIT_CPU: 2 * int(limits["seconds"])}
    if sys.platform != "darwin":  # macOS does not hold this limit
        wanted[resource.RLIMIT_AS] = int(limits["memory"])
    for what, most in wanted.items():
        _, hard = resource.getrlimit(what)
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (value, value))


if __name__ == "__main__":
    sys.exit(main(sys.stdin.buffer, sys.stdout.buffer))
