"""A real MLflow tracking server on loopback, for tests and benchmarks, and a way to drive its own client.

Both run as processes of their own, so that the warnings and the global state of mlflow stay out of the tests.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

START_SECONDS = 90
_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet",
          "PYTHONWARNINGS": "ignore", "MLFLOW_ENABLE_PROGRESS_BAR": "false"}


@contextlib.contextmanager
def mlflow_server(folder: Path, *, workers: int = 1) -> Iterator[str]:
    """Starts a server that keeps its store (`mlflow.db`) and artefacts (`artefacts/`) in `folder`; yields its URI."""
    port = _free_port()
    uri = f"http://127.0.0.1:{port}"
    log = folder / "server.log"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
               "--workers", str(workers), "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}",
               "--artifacts-destination", str(folder / "artefacts")]
    with log.open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out, env=os.environ | _QUIET, cwd=folder,
                                  start_new_session=True)
    try:
        _wait(uri, server, log)
        yield uri
    finally:
        _stop(server)


def drive(uri: str, script: str, *args: str) -> str:
    """Runs a Python script that uses mlflow's own client against `uri`; returns what it printed.

    The script finds `client` (an MlflowClient), `mlflow` and `args` (a list of str) ready.
    """
    head = (f"import sys, mlflow\nmlflow.set_tracking_uri({uri!r})\nclient = mlflow.MlflowClient()\n"
            "args = sys.argv[1:]\n")
    done = subprocess.run([sys.executable, "-c", head + script, *args], env=os.environ | _QUIET,
                          capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return done.stdout


def call(uri: str, path: str, body: dict[str, object], method: str = "POST") -> Any:
    """One call of the server's own API (`path` below /api/2.0/mlflow/), which costs no import of mlflow."""
    request = urllib.request.Request(f"{uri}/api/2.0/mlflow/{path}", json.dumps(body).encode(), method=method,
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(uri: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(f"{uri}/health", timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError(f"the MLflow server did not start:\n{log.read_text(errors='replace')[-3000:]}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Ends the server with its workers: the process group that was started for it."""
    if sys.platform == "win32":
        server.terminate()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(10)
