"""How fast an MLflow registry of 2,000 models × 5 versions is read, against mlflow's own client.

Run by hand: `python benchmarks/mlflow_sync.py [--models 2000] [--versions 5] [--rounds 3]`. It fills a store in a
temporary folder with SQL, starts a real server on loopback, and prints milliseconds (best of the rounds) and ratios.
Both sides read the same server one after the other in each round, so that a busy machine is busy for both.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from desktop_app.operations import syncing
from desktop_app.progress import Progress
from desktop_app.sources.http_wire import Wire
from desktop_app.sources.mlflow import MlflowSource
from tests.desk import make_desk
from tests.mlflow_server import call, mlflow_server

PARAMS, METRICS, TAGS = 10, 5, 4  # of a run, as a small training script logs them
SECOND = 1_000


def fill(store: Path, models: int, versions: int) -> None:
    """A new store: every model with an alias and a tag, every version with two tags and a run of its own."""
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking

    Tracking(f"sqlite:///{store}", "mlflow-artifacts:/")
    Registry(f"sqlite:///{store}")
    start = int(time.time() * SECOND) - models * versions * SECOND - 3600 * SECOND
    names = [f"model-{m:05}" for m in range(models)]
    made = [(name, v, f"{m:016x}{v:016x}", start + (m * versions + v) * SECOND)  # one a second
            for m, name in enumerate(names) for v in range(1, versions + 1)]
    with sqlite3.connect(store) as db:
        def insert(table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
            marks = ", ".join("?" * len(columns.split(",")))
            db.executemany(f"insert into {table} ({columns}) values ({marks})", rows)

        insert("registered_models", "name, creation_time, last_updated_time, description",
               ((n, start, start + (m + 1) * versions * SECOND, f"Model {m}") for m, n in enumerate(names)))
        insert("registered_model_aliases", "name, alias, version", ((n, "champion", versions) for n in names))
        insert("registered_model_tags", "name, key, value", ((n, "owner", "risk") for n in names))
        insert("model_versions", "name, version, creation_time, last_updated_time, description, user_id, current_stage,"
               " source, run_id, status, run_link",
               ((n, v, t, t, "", "u", "None", f"runs:/{r}/model", r, "READY", "") for n, v, r, t in made))
        insert("model_version_tags", "name, version, key, value",
               ((n, v, k, "x") for n, v, _, _ in made for k in ("data", "team")))
        insert("runs", "run_uuid, name, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri,"
               " experiment_id, source_type, source_name, entry_point_name, source_version",
               ((r, f"run {n} {v}", "u", "FINISHED", t, t + 1, "active", f"mlflow-artifacts:/0/{r}/artifacts", 0,
                 "LOCAL", "", "", "") for n, v, r, t in made))
        insert("params", "run_uuid, key, value", ((r, f"p{k}", "1") for _, _, r, _ in made for k in range(PARAMS)))
        insert("tags", "run_uuid, key, value", ((r, f"t{k}", "1") for _, _, r, _ in made for k in range(TAGS)))
        insert("latest_metrics", "run_uuid, key, value, timestamp, step, is_nan",
               ((r, f"m{k}", 0.5, t, 0, False) for _, _, r, t in made for k in range(METRICS)))
    db.close()


def with_client(uri: str) -> tuple[int, int]:
    """Models and versions by mlflow's client at its default page sizes."""
    import mlflow

    client = mlflow.MlflowClient(uri)

    def every(search: Callable[..., Any]) -> int:
        page = search()
        count = len(page)
        while page.token:
            page = search(page_token=page.token)
            count += len(page)
        return count

    return every(client.search_registered_models), every(client.search_model_versions)


def ours(uri: str) -> tuple[int, int]:
    """Models and versions by our source, into our records."""
    with MlflowSource(uri) as source:
        return len(source._models(Progress())), len(source._versions(None, Progress()))


def timed(what: Callable[[], Any], best: dict[str, float], name: str) -> Any:
    """Runs `what` and keeps its best time under `name`, in ms."""
    start = time.perf_counter()
    result = what()
    best[name] = min(best.get(name, 1e12), (time.perf_counter() - start) * 1000)
    return result


def syncs(uri: str, best: dict[str, float]) -> None:
    """A full fetch, fetches that find nothing new, and one that finds nothing but an alias moved."""
    with MlflowSource(uri) as source:
        full = timed(lambda: source.fetch(None, Progress()), best, "full fetch, with runs")
        again = timed(lambda: source.fetch(full.watermark, Progress()), best, "fetch, nothing new")
        timed(lambda: source.changed(full.watermark), best, "changed(), nothing new")
        model = again.models[-1]
        for version in ("1", model.aliases[0].value):
            call(uri, "registered-models/alias", {"name": model.name, "alias": "champion", "version": version})
            if source.fetch(full.watermark, Progress()).models[-1].aliases[0].value != version:
                raise SystemExit("an alias move was not seen")


def whole_syncs(uri: str, folder: Path, best: dict[str, float]) -> None:
    """What a user waits for: the first sync of a new registry, its facts written, and one that finds nothing."""
    desk = make_desk(folder)
    acting = desk.as_("Dev Patel")
    timed(lambda: syncing.sync(acting, uri), best, "sync into a registry, first")
    for _ in range(3):
        report = timed(lambda: syncing.sync(acting, uri), best, "sync into a registry, nothing new")
    if (report.models, report.versions, report.runs, report.alias_moves) != (0, 0, 0, 0):
        raise SystemExit(f"something was taken in twice: {report.note}")
    desk.workspace.close()


def small_calls(uri: str, best: dict[str, float]) -> None:
    """One small request on a kept-alive connection (median of 40): with quick acknowledgements, and without.

    A connection begins with quick acknowledgements by itself, so the best time would hide what is measured.
    """
    import httpx

    path, asked = "/api/2.0/mlflow/registered-models/get", {"name": "model-00001"}
    with MlflowSource(uri) as source, httpx.Client() as plain:
        wire = Wire(source.address, "server", timeout=30, headers={}, auth=None)
        for name, ask in (("small call, ours", lambda: wire.json("GET", path, params=asked)),
                          ("small call, kept alive, httpx as it is", lambda: plain.get(uri + path, params=asked))):
            took = []
            for _ in range(40):
                start = time.perf_counter()
                ask()
                took.append((time.perf_counter() - start) * 1000)
            best[name] = statistics.median(took)
        wire.close()


def main() -> None:
    """Fills, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("models", 2000), ("versions", 5), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        fill(Path(folder, "mlflow.db"), asked.models, asked.versions)
        with mlflow_server(Path(folder), workers=2) as uri:
            for _ in range(asked.rounds):
                theirs = timed(lambda: with_client(uri), best, "models and versions, MlflowClient")
                mine = timed(lambda: ours(uri), best, "models and versions, ours")
                if theirs != mine:
                    raise SystemExit(f"not the same registry: {theirs} and {mine}")
                syncs(uri, best)
            small_calls(uri, best)
            whole_syncs(uri, Path(folder, "desk"), best)
    for name, ms in best.items():
        print(f"{name:45} {ms:10,.1f} ms")
    print()
    for name, above, below, goal in (
            ("faster than MlflowClient", "models and versions, MlflowClient", "models and versions, ours", "1.8"),
            ("first sync ÷ nothing new", "sync into a registry, first", "sync into a registry, nothing new", "20"),
            ("full fetch ÷ fetch of nothing new", "full fetch, with runs", "fetch, nothing new", "20"),
            ("full ÷ changed()", "full fetch, with runs", "changed(), nothing new", "20"),
            ("small call, kept alive ÷ ours", "small call, kept alive, httpx as it is", "small call, ours", "5")):
        print(f"{name:45} {best[above] / best[below]:10.1f} ×   (goal {goal})")


if __name__ == "__main__":
    main()
