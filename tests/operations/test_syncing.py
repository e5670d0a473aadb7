"""Syncing with a real MLflow tracking server on loopback."""

from __future__ import annotations

import pytest

from desktop_app.domain.model import AliasMoved, ModelVersion, RegisteredModel, SourceRun, VersionRevised
from desktop_app.errors import StaleError, Unreachable
from desktop_app.operations import audit, lineage, models, syncing
from desktop_app.progress import Progress
from tests.desk import make_desk
from tests.mlflow_server import drive, mlflow_server

TRAIN = """
import pandas as pd
mlflow.set_experiment("credit")
with mlflow.start_run(run_name="train") as run:
    mlflow.log_param("C", 1.0); mlflow.log_metric("auc", 0.8)
    data = mlflow.data.from_pandas(pd.DataFrame({"x": [1, 2], "y": [0, 1]}), name="applicants")
    mlflow.log_input(data, context="training")
    mlflow.log_text("not a model", "model/readme.txt")
client.create_registered_model("card_default", description="Card default")
client.create_model_version("card_default", f"runs:/{run.info.run_id}/model", run.info.run_id)
client.set_registered_model_alias("card_default", "champion", "1")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as uri:
        drive(uri, TRAIN)
        yield uri


@pytest.fixture
def desk(tmp_path):
    made = make_desk(tmp_path)
    yield made
    made.workspace.close()


def test_versions_runs_datasets_and_aliases_come_in_once(desk, server):
    ws = desk.as_("Dev Patel")
    first = syncing.sync(ws, server)
    assert (first.models, first.versions, first.runs, first.alias_moves) == (1, 1, 1, 1)
    assert first.note.endswith(": 1 model, 1 version, 1 run, 1 alias move new")
    again = syncing.sync(ws, server)
    assert (again.models, again.versions, again.runs, again.alias_moves) == (0, 0, 0, 0)
    with ws.store.read() as reader:
        version = next(v.record for v in reader.all(ModelVersion) if v.record.source.name == "card_default")
        run = reader.get(SourceRun, version.run).record
        assert [p.value for p in run.params if p.key == "C"] == ["1.0"]
    view = models.version(ws, version.id)
    assert view.aliases == ("champion",)
    graph, _, _ = lineage.picture(ws, version.id)
    assert [n.name for n in graph.nodes if n.kind == "dataset"] == ["applicants"]
    assert audit.verify(ws).problems == ()


def test_an_alias_move_becomes_a_fact(desk, server):
    ws = desk.as_("Dev Patel")
    syncing.sync(ws, server)
    drive(server, 'client.delete_registered_model_alias("card_default", "champion")')
    assert syncing.sync(ws, server).alias_moves == 1
    with ws.store.read() as reader:
        moved = [a.record for a in reader.all(AliasMoved)]
        assert [(m.before, m.after) for m in moved] == [(None, "1"), ("1", None)]
        assert len([m for m in reader.all(RegisteredModel) if m.record.name == "card_default"]) == 1
    drive(server, 'client.set_registered_model_alias("card_default", "champion", "1")')


def test_a_tag_changed_at_the_source_becomes_a_fact_once(desk, server):
    ws = desk.as_("Dev Patel")
    syncing.sync(ws, server)
    drive(server, 'client.set_model_version_tag("card_default", "1", "reviewed", "yes")')
    syncing.sync(ws, server)
    syncing.sync(ws, server)
    with ws.store.read() as reader:
        (revised,) = reader.all(VersionRevised)
    assert [(t.key, t.value) for t in revised.record.tags] == [("reviewed", "yes")]
    assert audit.verify(ws).problems == ()


def test_a_sync_during_a_sync_is_told_and_doubles_nothing(desk, server):
    ws, other = desk.as_("Dev Patel"), []

    def report(fraction, _status):
        if fraction >= 0.5 and not other:
            other.append(syncing.sync(ws, server))

    with pytest.raises(StaleError, match="Somebody else is syncing") as told:
        syncing.sync(ws, server, Progress(report))
    assert (other[0].models, other[0].versions) == (1, 1)
    assert "Run it again" in told.value.remedy
    again = syncing.sync(ws, server)
    assert (again.models, again.versions, again.runs, again.alias_moves) == (0, 0, 0, 0)
    assert audit.verify(ws).problems == ()


def test_a_server_that_is_down_is_named_and_leaves_nothing(desk):
    ws = desk.as_("Dev Patel")
    before = audit.head_seq(ws)
    with pytest.raises(Unreachable):
        syncing.sync(ws, "http://127.0.0.1:9")
    assert audit.head_seq(ws) == before
