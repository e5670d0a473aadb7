"""A real MLflow server with one small registered model, once for the whole session; and servers that misbehave."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))
from mlflow_server import drive, mlflow_server

SEED = """
import numpy, pandas
from sklearn.linear_model import LogisticRegression
table = pandas.DataFrame({"income": numpy.arange(20.0), "late": [0, 1] * 10})
mlflow.set_experiment("credit")
with mlflow.start_run(run_name="first fit") as run:
    mlflow.log_params({"C": 1.0})
    mlflow.log_metric("auc", 0.7, step=0)
    mlflow.log_metric("auc", 0.8, step=1)
    mlflow.log_metric("odd", float("nan"))
    mlflow.log_input(mlflow.data.from_pandas(table, name="applicants", targets="late"), context="training")
    mlflow.set_tag("team", "credit risk")
    fitted = LogisticRegression().fit(table[["income"]], table.late)
    mlflow.sklearn.log_model(fitted, name="model", registered_model_name="credit default", params={"depth": "3"})
    mlflow.log_text("a note", "extra/note.txt")
    mlflow.log_text("deep", "extra/deep/er.txt")
client.create_model_version("credit default", f"runs:/{run.info.run_id}/extra", run.info.run_id, tags={"k": "v" * 6000})
client.set_registered_model_alias("credit default", "champion", 1)
client.set_registered_model_tag("credit default", "owner", "risk")
client.update_registered_model("credit default", "Chance of default within a year")
client.create_registered_model("empty one")
mlflow.set_experiment("many")
client.create_registered_model("many")
for n in range(12):
    with mlflow.start_run(run_name=f"run {n}") as one:
        mlflow.log_param("n", n)
    model = client.create_logged_model(one.info.experiment_id, name=f"m{n}", source_run_id=one.info.run_id)
    client.create_model_version("many", f"models:/{model.model_id}", one.info.run_id, model_id=model.model_id)
client.delete_run(one.info.run_id)
print(run.info.run_id)
"""


@pytest.fixture(scope="session")
def mlflow_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the session's MLflow server keeps its store and artefacts."""
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="session")
def mlflow_uri(mlflow_folder: Path) -> Iterator[str]:
    """The tracking URI of a server with two processes, as a real one has."""
    with mlflow_server(mlflow_folder, workers=2) as uri:
        yield uri


@pytest.fixture(scope="session")
def credit_run(mlflow_uri: str) -> str:
    """The run behind "credit default" version 1 (a logged model) and 2 (a folder of the run)."""
    return drive(mlflow_uri, SEED).split()[-1]


Answer = Callable[[BaseHTTPRequestHandler], None]


class _Quiet(ThreadingHTTPServer):
    """Says nothing of clients that hang up."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Silent."""


@pytest.fixture
def answering() -> Iterator[Callable[[Answer], str]]:
    """`answering(handle)` starts a server that leaves every request to `handle`; its URI."""
    servers: list[ThreadingHTTPServer] = []

    def start(handle: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                try:
                    handle(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_POST = do_GET  # noqa: N815

            def log_message(self, *args: object) -> None:
                """Silent."""

        server = _Quiet(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
