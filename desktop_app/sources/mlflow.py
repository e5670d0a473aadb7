"""A real MLflow tracking server (2.x and 3.x), read over its REST API: models, versions, runs, logged models.

What was found of the API (3.17), and what follows from it:

- Moving an alias touches no time stamp, and no request asks for aliases alone, so every fetch pulls all
  registered models; this is nearly all of the cost of a fetch that finds nothing new (for 2,000 models × 5 versions
  with runs some 1/12 of a full fetch; `changed`, which cannot see aliases, is below 1/300).
- Setting a tag on a version touches no time stamp either: only a full fetch (`since=None`) sees it.
- The server's time goes into its object mapper, some 0.2 ms a version and 0.4 ms a model, so two requests go on
  side by side: the models from both ends of the alphabet, the versions in ranges of their number.
- A page token is an offset and outlives another page size; a time stamp is set before its row is committed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from desktop_app.errors import UserError
from desktop_app.progress import Progress
from desktop_app.sources import mlflow_reply as reply
from desktop_app.sources.http_wire import Lines, Wire, parse_address
from desktop_app.sources.mlflow_api import API, Pages, ask
from desktop_app.sources.mlflow_artefact import bring
from desktop_app.sources.records import Snapshot, SourceCounts, SourceModel, SourceVersion

T = TypeVar("T")
CONNECTIONS = 2  # more does not help a server of few processes
MODELS_PAGE = 1_000  # the most a server allows
VERSIONS_PAGE = 5_000
RECENT_PAGE = 100
RUNS_PAGE = 500
FEW = 8  # up to here asking one by one is cheaper than a search over all experiments
GRACE_MS = 2_000  # what was stamped this long before `since` may have been committed after it
PIECES = ("version_number = 1", "version_number = 2", "version_number > 2 AND version_number <= 4",
          "version_number > 4 AND version_number <= 16", "version_number > 16")  # every version is in one of them
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}\Z")


class MlflowSource:
    """An MLflow tracking server. A context manager, for one thread at a time.

    Credentials are taken from the URI, else from MLFLOW_TRACKING_TOKEN or MLFLOW_TRACKING_USERNAME and
    MLFLOW_TRACKING_PASSWORD, and appear nowhere else. Every method raises UserError for a server that answers
    nonsense or refuses, Unreachable for one that is down, slow or wants other credentials.
    """

    def __init__(self, tracking_uri: str, *, timeout: float = 30.0) -> None:
        """`timeout`: seconds without a sign of life. Raises UserError when the URI is not http(s)."""
        try:
            self.address, self._auth = parse_address(tracking_uri.strip())
        except ValueError as error:
            raise _unusable(tracking_uri, str(error)) from error
        self._timeout = timeout
        self._headers: dict[str, str] = {}
        if self._auth is None and (token := os.environ.get("MLFLOW_TRACKING_TOKEN")):
            self._headers["Authorization"] = f"Bearer {token}"
        elif self._auth is None and (user := os.environ.get("MLFLOW_TRACKING_USERNAME")):
            self._auth = user, os.environ.get("MLFLOW_TRACKING_PASSWORD", "")
        self._open: Lines | None = None

    @property
    def identity(self) -> str:
        """Which source this is, without credentials: "mlflow:" and 16 hexadecimal digits."""
        return f"mlflow:{self.address.digest16}"

    def __enter__(self) -> MlflowSource:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        if self._open is not None and not self._open.broken:
            self._open.close()
        self._open = None

    def fetch(self, since: int | None, progress: Progress) -> Snapshot:
        """All registered models, and the versions updated at or after `since` (ms; None: all) with what made them.

        Versions updated up to 2 s before `since` come again. A model or version that is absent from a full fetch
        was deleted, or moved between pages while they were read. Raises Cancelled.
        """
        a, b = (0.2, 0.5) if since is None else (0.7, 0.8)
        models = self._models(progress.part(0, a))
        versions = self._versions(since, progress.part(a, b))
        run_ids = _ids(v.run_id for v in versions)
        runs = self._read_all("runs", run_ids, reply.run, progress.part(b, 0.9))
        model_ids = _ids([v.model_id for v in versions], *((*r.model_inputs, *r.model_outputs) for r in runs))
        logged = self._read_all("logged-models", model_ids, reply.logged_model, progress.part(0.9, 1))
        return Snapshot(
            models=models, versions=versions, runs=tuple(runs), logged_models=tuple(logged),
            watermark=max([since or 0, *(m.updated for m in models), *(v.updated for v in versions)]),
            counts=SourceCounts(
                models=len(models), aliases=sum(len(m.aliases) for m in models), versions=len(versions),
                runs=len(runs), logged_models=len(logged), runs_missing=len(run_ids) - len(runs),
                logged_models_missing=len(model_ids) - len(logged)))

    def changed(self, since: int, progress: Progress | None = None) -> bool:
        """Whether a model or version was updated after `since` (ms). False says nothing about aliases and tags."""
        newest: dict[str, Any] = {"max_results": 1, "order_by": "last_updated_timestamp DESC"}
        listings = [Pages("/model-versions/search", "model_versions", lambda v: reply.version(v).updated, **newest),
                    Pages("/registered-models/search", "registered_models", lambda m: reply.model(m).updated, **newest)]
        read = self._lines.together([p.next for p in listings], progress or Progress(), "Looking for changes")
        return any(updated > since for part in read for updated in part)

    def download_artifact(self, version: SourceVersion, dest: Path, progress: Progress, *,
                          allowed_root: Path | None = None) -> Path:
        """Brings a version's artefact, a file or folder, into the folder `dest`; returns its new path there.

        A `file:` location is read only inside `allowed_root`. Nothing is left behind on failure. Raises UserError
        for a location that cannot be read, a name that is taken or unsafe, more than 2 GiB; Cancelled.
        """
        return self._lines.alone(lambda wire: bring(wire, version, dest, progress, allowed_root))

    @property
    def _lines(self) -> Lines:
        if self._open is None or self._open.broken:
            self._open = Lines(partial(Wire, self.address, "MLflow server", timeout=self._timeout,
                                       headers=self._headers, auth=self._auth), CONNECTIONS)
        return self._open

    def _models(self, progress: Progress) -> tuple[SourceModel, ...]:
        """From A and from Z at once, until the next model from A is one that came from Z."""
        status, make = "Reading registered models", partial(
            Pages, "/registered-models/search", "registered_models", reply.model, max_results=MODELS_PAGE)
        rising, falling = make(order_by="name ASC"), make(order_by="name DESC")
        first: dict[str, SourceModel] = {}
        last: dict[str, SourceModel] = {}
        while True:
            a, z = self._lines.together([rising.next, falling.next], progress.part(0, 0.9), status)
            first.update((m.name, m) for m in a)
            last.update((m.name, m) for m in z)
            if not (rising.token and falling.token) or all(
                    m.name in last for m in self._lines.together([rising.peek], progress.part(0.9, 1), status)[0]):
                found = last | first
                return tuple(found[name] for name in sorted(found))

    def _versions(self, since: int | None, progress: Progress) -> tuple[SourceVersion, ...]:
        make = partial(Pages, "/model-versions/search", "model_versions", reply.version)
        if since is None:
            tasks = [make(max_results=VERSIONS_PAGE, filter=piece).all for piece in PIECES]
            read = self._lines.together(tasks, progress, "Reading model versions")
            found = [v for part in read for v in part]
        else:
            recent, start = make(max_results=RECENT_PAGE, order_by="last_updated_timestamp DESC"), since - GRACE_MS
            task = partial(recent.all, until=lambda page: page[-1].updated < start)
            read = self._lines.together([task], progress, "Reading new model versions")
            found = [v for v in read[0] if v.updated >= start]
        unique = {(v.name, v.label): v for v in found}
        return tuple(unique[k] for k in sorted(unique))

    def _read_all(self, noun: str, ids: list[str], parse: Callable[[dict[str, Any]], T],
                  progress: Progress) -> list[T]:
        """Runs or logged models by their ids; those that the server lacks are left out."""
        status = f"Reading {noun.replace('-', ' ')}"
        if len(ids) <= FEW:
            tasks = [_one(noun, i, parse) for i in ids]
        else:
            experiments = self._lines.together([_experiments], progress.part(0, 0.1), status)[0]
            tasks = [_some(noun, ids[n:n + RUNS_PAGE], experiments, parse) for n in range(0, len(ids), RUNS_PAGE)]
        return [x for part in self._lines.together(tasks, progress.part(0.1, 1), status) for x in part]


def _one(noun: str, an_id: str, parse: Callable[[dict[str, Any]], T]) -> Callable[[Wire], list[T]]:
    """The task that reads one run or logged model."""
    path, params = ("/runs/get", {"run_id": an_id}) if noun == "runs" else (f"/logged-models/{an_id}", None)
    key = "run" if noun == "runs" else "model"

    def read(said: Any) -> list[T]:
        return [parse(reply.mapping(reply.mapping(said, "the reply").get(key), key))]

    return lambda wire: ask(wire, API + path, read, params=params, absent=list)


def _some(noun: str, ids: list[str], experiments: list[str],
          parse: Callable[[dict[str, Any]], T]) -> Callable[[Wire], list[T]]:
    """The task that reads many runs or logged models in one search."""
    asked: dict[str, Any] = {"run_view_type": "ALL"} if noun == "runs" else {}
    key, column = ("runs", "attributes.run_id") if noun == "runs" else ("models", "model_id")
    quoted = ", ".join(f"'{i}'" for i in ids)  # only ids that match _ID come here
    return Pages(f"/{noun}/search", key, parse, post=True, experiment_ids=experiments, max_results=RUNS_PAGE,
                 filter=f"{column} IN ({quoted})", **asked).all


def _experiments(wire: Wire) -> list[str]:
    return Pages("/experiments/search", "experiments", lambda said: reply.name(said, "experiment_id", required=True),
                 post=True, max_results=MODELS_PAGE, view_type="ALL").all(wire)


def _ids(*groups: Iterable[str]) -> list[str]:
    """Each id once, sorted, so that the same question is asked of the same state; empty and odd ones left out."""
    return sorted({i for group in groups for i in group if _ID.match(i)})


def _unusable(uri: str, why: str) -> UserError:
    """The error for a tracking URI that is not an http(s) address. What is shown of it holds no credentials."""
    scheme = uri.strip().partition(":")[0].lower()
    if scheme in ("http", "https"):
        return UserError("The tracking URI cannot be used.", f"As an address of a server {why}.",
                         "Write it like http://host:5000 or https://host/mlflow.")
    if scheme.startswith("databricks"):
        return UserError("Databricks workspaces are not read directly.", "The tracking URI is not an http(s) address.",
                         "Export the models to an MLflow server, or take them in as an inventory file.")
    return UserError(
        "The tracking URI is not the address of a server.",
        "Only http:// and https:// are read; a folder or a database of MLflow is not opened directly.",
        "Start a server on it: mlflow server --backend-store-uri <folder or database URI> --host 127.0.0.1 "
        "--port 5000, then use http://127.0.0.1:5000.")
