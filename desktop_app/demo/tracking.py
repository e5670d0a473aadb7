"""A real MLflow tracking server on loopback for the time of the build, and the demo's runs and versions in it.

MLflow is optional (extra “demo”) and slow to import: the server is a process of its own, and what is logged goes
through its REST API. `serve` gives None with a reason where there is no server to be had.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from desktop_app.demo.training import Trained
from desktop_app.domain import canonical
from desktop_app.errors import UserError
from desktop_app.progress import Progress

START_SECONDS = 60
_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet",
          "PYTHONWARNINGS": "ignore"}


_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open  # loopback never goes through a proxy


class NoServer(Exception):
    """Why there is no MLflow server."""


@dataclass(frozen=True)
class Tracking:
    """A running server and how to log to it."""

    uri: str

    def log(self, trained: Trained, developer: str, metrics: dict[str, float]) -> None:
        """Log a finished run with its model file and its training data, and register it as the next version."""
        experiment = self._experiment(trained.plan.model)
        now = int(time.time() * 1000)
        run = self._call("runs/create", {
            "experiment_id": experiment, "run_name": f"fit {trained.label}", "start_time": now, "user_id": developer,
            "tags": [{"key": "mlflow.user", "value": developer}]})["run"]["info"]
        params = trained.plan.params | {"target": trained.plan.target, "features": ", ".join(trained.plan.features)}
        self._call("runs/log-batch", {
            "run_id": run["run_id"], "params": [{"key": k, "value": str(v)} for k, v in params.items()],
            "metrics": [{"key": k, "value": v, "timestamp": now, "step": 0} for k, v in metrics.items()]})
        self._log_data(run["run_id"], trained)
        self._upload(run["artifact_uri"], trained.artefact)
        self._call("runs/update", {"run_id": run["run_id"], "status": "FINISHED", "end_time": int(time.time() * 1000)})
        self._register(trained, run["run_id"], run["artifact_uri"], developer)

    def point(self, model: str, alias: str, label: str) -> None:
        """Set an alias of a registered model to a version."""
        self._call("registered-models/alias", {"name": model, "alias": alias, "version": label})

    def _experiment(self, name: str) -> str:
        query = urllib.parse.urlencode({"experiment_name": name})
        with suppress(urllib.error.HTTPError):
            return str(self._call(f"experiments/get-by-name?{query}")["experiment"]["experiment_id"])
        return str(self._call("experiments/create", {"name": name})["experiment_id"])

    def _log_data(self, run: str, trained: Trained) -> None:
        digest = canonical.sha256(trained.train.read_bytes())
        self._call("runs/log-inputs", {"run_id": run, "datasets": [{
            "tags": [{"key": "mlflow.data.context", "value": "training"}],
            "dataset": {"name": trained.train.name, "digest": digest[:16], "source_type": "local",
                        "source": json.dumps({"uri": trained.train.name}),
                        "profile": json.dumps({"num_rows": trained.train_rows})}}]})

    def _upload(self, artifact_uri: str, file: Path) -> None:
        root = urllib.parse.urlsplit(artifact_uri).path.strip("/")
        path = urllib.parse.quote(f"{root}/model/{file.name}")
        self._send("PUT", f"mlflow-artifacts/artifacts/{path}", file.read_bytes())

    def _register(self, trained: Trained, run: str, artifact_uri: str, developer: str) -> None:
        with suppress(urllib.error.HTTPError):  # it is there already
            self._call("registered-models/create", {"name": trained.plan.model})
        self._call("model-versions/create", {
            "name": trained.plan.model, "source": f"{artifact_uri}/model", "run_id": run,
            "description": f"{trained.plan.technique}, fitted to {trained.plan.target}",
            "tags": [{"key": "developer", "value": developer}]})

    def _call(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = json.dumps(body).encode() if body is not None else None
        said: dict[str, Any] = json.loads(self._send("POST" if data else "GET", f"mlflow/{path}", data))
        return said

    def _send(self, method: str, path: str, data: bytes | None) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - our own server on loopback
            f"{self.uri}/api/2.0/{path}", data, method=method, headers={"Content-Type": "application/json"})
        try:
            with _open(request, timeout=60) as reply:
                return bytes(reply.read())
        except urllib.error.HTTPError:
            raise
        except OSError as error:
            raise UserError("The demo's MLflow server stopped answering.", str(error),
                            "Run the command again: the half-made demo is made anew.") from error


class Starting:
    """A server that was started and is not yet waited for: it comes up while models are trained."""

    def __init__(self, folder: Path) -> None:
        if find_spec("mlflow") is None:
            raise NoServer("MLflow is not installed (extra “demo”)")
        folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        self.uri, self._log = f"http://127.0.0.1:{port}", folder / "server.log"
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers",
                   "1", "--backend-store-uri", f"sqlite:///{(folder / 'mlflow.db').as_posix()}",
                   "--artifacts-destination", str(folder / "artefacts")]
        with self._log.open("wb") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out, env=_environment(), cwd=folder,
                                             start_new_session=sys.platform != "win32")

    def wait(self, progress: Progress) -> Tracking:
        """The server, once it answers. Raises NoServer, Cancelled."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            progress.step(0.0, "waiting for the MLflow server")
            with suppress(OSError), _open(f"{self.uri}/health", timeout=2):
                return Tracking(self.uri)
            time.sleep(0.1)
        last = self._log.read_text("utf-8", errors="replace").strip().splitlines()[-1:]
        raise NoServer(f"the MLflow server did not start: {' '.join(last)[:200]}")

    def stop(self) -> None:
        """End the server with its workers."""
        with suppress(ProcessLookupError):
            if sys.platform == "win32":
                self._process.terminate()
            else:
                os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


def _environment() -> dict[str, str]:
    """The environment without the user's own MLflow settings."""
    return {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")} | _QUIET


@contextmanager
def serve(folder: Path) -> Iterator[Starting | NoServer]:
    """A server that keeps everything in `folder`, or why there is none; it ends with the block."""
    try:
        starting = Starting(folder)
    except (NoServer, OSError) as reason:
        yield reason if isinstance(reason, NoServer) else NoServer(str(reason))
        return
    try:
        yield starting
    finally:
        starting.stop()
