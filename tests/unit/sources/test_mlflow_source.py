"""Reading MLflow: against a real server, and against servers that are down, slow, hostile or no MLflow at all."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow_server import call

from desktop_app.domain.canonical import encode
from desktop_app.domain.model import Pair
from desktop_app.errors import Cancelled, Unreachable, UserError
from desktop_app.progress import Progress
from desktop_app.sources import mlflow_reply
from desktop_app.sources.mlflow import MlflowSource
from desktop_app.sources.records import SourceVersion

Start = Callable[[Callable[[BaseHTTPRequestHandler], None]], str]


def send(request: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    request.send_response(status)
    for key, value in {"Content-Length": str(len(body)), **headers}.items():
        request.send_header(key.replace("_", "-"), value)
    request.end_headers()
    request.wfile.write(body)


def fetch_error(uri: str, timeout: float = 5) -> UserError:
    with MlflowSource(uri, timeout=timeout) as source, pytest.raises(UserError) as caught:
        source.fetch(None, Progress())
    assert caught.value.detail
    assert caught.value.remedy
    return caught.value


def a_version(uri: str) -> SourceVersion:
    return SourceVersion(name="m", label="1", run_id="", model_id="", uri=uri, status="READY", stage="None", user="",
                         created=1, updated=1)


# ---- a real server


def test_everything_about_a_registered_model_is_read(mlflow_uri: str, credit_run: str) -> None:
    with MlflowSource(mlflow_uri) as source:
        read = source.fetch(None, Progress())
    model = next(m for m in read.models if m.name == "credit default")
    assert model.description == "Chance of default within a year"
    assert model.tags == (Pair(key="owner", value="risk"),)
    assert next(m for m in read.models if m.name == "empty one").aliases == ()
    first, second = (v for v in read.versions if v.name == "credit default")
    assert (first.label, first.run_id, first.status) == ("1", credit_run, "READY")
    assert first.model_id.startswith("m-")
    assert second.model_id == ""
    assert second.uri == f"runs:/{credit_run}/extra"
    assert 0 < first.created <= first.updated <= read.watermark
    assert second.tags[0].value.endswith("[cut: 6,000 characters]")
    assert second.tags[0].value.startswith("v" * 5000)
    run = next(r for r in read.runs if r.run_id == credit_run)
    assert (run.run_id, run.name, run.status, run.deleted) == (credit_run, "first fit", "FINISHED", False)
    assert run.started is not None
    assert run.ended is not None
    assert run.started <= run.ended
    assert run.params == (Pair(key="C", value="1.0"),)
    assert run.metrics == (Pair(key="auc", value="0.8"), Pair(key="odd", value="NaN"))
    assert Pair(key="team", value="credit risk") in run.tags
    (data,) = run.datasets
    assert (data.name, data.context) == ("applicants", "training")
    assert data.digest
    assert "income" in data.schema
    assert run.model_outputs == (first.model_id,)
    logged = next(m for m in read.logged_models if m.model_id == first.model_id)
    assert (logged.model_id, logged.run_id, logged.name) == (first.model_id, credit_run, "model")
    assert Pair(key="depth", value="3") in logged.params
    assert (read.counts.versions, read.counts.runs, read.counts.runs_missing) == (14, 13, 0)
    assert encode(read)  # every value has a canonical form


def test_an_alias_move_is_seen_although_nothing_else_changed(mlflow_uri: str, credit_run: str) -> None:
    def champion() -> tuple[Pair, ...]:
        return next(m for m in source.fetch(since, Progress()).models if m.name == "credit default").aliases

    alias: dict[str, object] = {"name": "credit default", "alias": "champion"}
    with MlflowSource(mlflow_uri) as source:
        since = source.fetch(None, Progress()).watermark
        time.sleep(2.1)  # beyond the grace
        assert champion() == (Pair(key="champion", value="1"),)
        call(mlflow_uri, "registered-models/alias", alias | {"version": "2"})
        assert champion() == (Pair(key="champion", value="2"),)
        assert not source.changed(since)  # MLflow stamps nothing: why every fetch pulls all models
        call(mlflow_uri, "registered-models/alias", alias, "DELETE")
        assert champion() == ()
        call(mlflow_uri, "registered-models/alias", alias | {"version": "1"})


def test_only_what_changed_since_comes_again(mlflow_uri: str, credit_run: str) -> None:
    call(mlflow_uri, "registered-models/create", {"name": "later"})
    with MlflowSource(mlflow_uri) as source:
        before = source.fetch(None, Progress())
        time.sleep(2.1)
        call(mlflow_uri, "model-versions/create", {"name": "later", "source": "s3://gone/model", "run_id": "a" * 32})
        assert source.changed(before.watermark)
        after = source.fetch(before.watermark + 1, Progress())
    assert [(v.name, v.label) for v in after.versions] == [("later", "1")]
    assert len(after.models) == len(before.models)
    assert after.watermark > before.watermark
    assert (after.runs, after.counts.runs_missing) == ((), 1)


def test_many_runs_and_logged_models_are_read_in_bulk(mlflow_uri: str, credit_run: str) -> None:
    with MlflowSource(mlflow_uri) as source:
        read = source.fetch(None, Progress())
    runs = {r.run_id: r for r in read.runs}
    many = [v for v in read.versions if v.name == "many"]
    assert [{p.key: p.value for p in runs[v.run_id].params}["n"] for v in sorted(many, key=lambda v: int(v.label))
            ] == [str(n) for n in range(12)]
    assert [r.name for r in read.runs if r.deleted] == ["run 11"]
    assert {v.model_id for v in many} <= {m.model_id for m in read.logged_models}


def test_more_models_than_a_page_are_read_from_both_ends(
        mlflow_uri: str, credit_run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with MlflowSource(mlflow_uri) as source:
        whole = source.fetch(None, Progress())
        for size in (1, 2, 3):
            monkeypatch.setattr("desktop_app.sources.mlflow.MODELS_PAGE", size)
            monkeypatch.setattr("desktop_app.sources.mlflow.VERSIONS_PAGE", size)
            monkeypatch.setattr("desktop_app.sources.mlflow.RECENT_PAGE", size)
            assert source.fetch(None, Progress()) == whole
            assert source.fetch(whole.versions[0].created, Progress()).models == whole.models


@pytest.mark.parametrize(("label", "files"), [
    ("1", {"MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt"}), ("2", {"note.txt", "deep/er.txt"})])
def test_an_artefact_is_brought_in_as_it_was_logged(
        mlflow_uri: str, mlflow_folder: Path, credit_run: str, tmp_path: Path, label: str, files: set[str]) -> None:
    with MlflowSource(mlflow_uri) as source:
        version = next(v for v in source.fetch(None, Progress()).versions
                       if (v.name, v.label) == ("credit default", label))
        folder = source.download_artifact(version, tmp_path, Progress())
        kept = {hashlib.sha256(p.read_bytes()).hexdigest() for p in (mlflow_folder / "artefacts").rglob("*")
                if p.is_file()}
        got = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
        assert files <= got.keys()
        assert {hashlib.sha256(p.read_bytes()).hexdigest() for p in got.values()} <= kept
        assert list(tmp_path.iterdir()) == [folder]
        with pytest.raises(UserError, match="already is something"):
            source.download_artifact(version, tmp_path, Progress())


def test_a_single_file_is_brought_in_and_what_is_gone_is_said(mlflow_uri: str, credit_run: str, tmp_path: Path) -> None:
    with MlflowSource(mlflow_uri) as source:
        note = source.download_artifact(a_version(f"runs:/{credit_run}/extra/note.txt"), tmp_path, Progress())
        assert note.read_text() == "a note"
        with pytest.raises(UserError):
            source.download_artifact(a_version(f"runs:/{credit_run}/nothing"), tmp_path, Progress())
        with pytest.raises(UserError):
            source.download_artifact(a_version("models:/m-unknown"), tmp_path, Progress())
    assert list(tmp_path.iterdir()) == [note]


def test_a_cancelled_download_leaves_nothing(mlflow_uri: str, credit_run: str, tmp_path: Path) -> None:
    asked = iter([False] * 3)
    with MlflowSource(mlflow_uri) as source, pytest.raises(Cancelled):
        source.download_artifact(a_version(f"runs:/{credit_run}/extra"), tmp_path,
                                 Progress(cancelled=lambda: next(asked, True)))
    assert list(tmp_path.iterdir()) == []


# ---- where an artefact may come from


@pytest.mark.parametrize("uri", [
    "s3://bucket/model", "https://evil.example/api/2.0/mlflow-artifacts/artifacts/x", "file:///etc/hostname",
    "mlflow-artifacts:/../../etc", "mlflow-artifacts:/a/%2e%2e/b", "mlflow-artifacts://evil.example/a", "/etc/hostname",
    "mlflow-artifacts:/", "", "c:\\model", "http://[broken", "mlflow-artifacts:/con.txt", "dbfs:/x", "ftp://h/x"])
def test_places_elsewhere_are_refused_without_a_request(answering: Start, tmp_path: Path, uri: str) -> None:
    asked: list[str] = []
    with MlflowSource(answering(lambda request: asked.append(request.path))) as source, pytest.raises(UserError):
        source.download_artifact(a_version(uri), tmp_path, Progress())
    assert asked == []
    assert list(tmp_path.iterdir()) == []


def test_a_local_artefact_is_read_only_inside_the_allowed_folder(answering: Start, tmp_path: Path) -> None:
    root, dest, secret = tmp_path / "root", tmp_path / "dest", tmp_path / "secret"
    for folder in (root / "model" / "data", dest):
        folder.mkdir(parents=True)
    (root / "model" / "data" / "x.bin").write_bytes(b"weights")
    secret.write_text("secret")
    (root / "link").symlink_to(secret)
    (root / "away").symlink_to(tmp_path)
    (root / "tricky").mkdir()
    (root / "tricky" / "link").symlink_to(secret)
    with MlflowSource(answering(lambda request: None)) as source:
        got = source.download_artifact(a_version((root / "model").as_uri()), dest, Progress(), allowed_root=root)
        assert (got / "data" / "x.bin").read_bytes() == b"weights"
        for uri in (secret.as_uri(), str(secret), (root / "link").as_uri(), (root / "away" / "secret").as_uri(),
                    f"{root.as_uri()}/../secret", f"{root.as_uri()}/%2e%2e/secret", (root / "tricky").as_uri(),
                    (root / "none").as_uri(), root.as_uri()):
            with pytest.raises(UserError):
                source.download_artifact(a_version(uri), dest, Progress(), allowed_root=root)
    assert list(dest.iterdir()) == [got]


@pytest.mark.parametrize("name", ["../x", "a/b", "..", ".", "a\\b", "C:x", "nul", "x\x00", "x\n", "", "a" * 300, "x."])
def test_names_that_could_leave_the_folder_are_refused(answering: Start, tmp_path: Path, name: str) -> None:
    listing = json.dumps({"files": [{"path": name, "is_dir": False, "file_size": 1}]}).encode()
    with MlflowSource(answering(lambda request: send(request, listing))) as source, pytest.raises(UserError):
        source.download_artifact(a_version("mlflow-artifacts:/a"), tmp_path, Progress())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("listing", [
    [{"path": "x", "file_size": 3 * 2**30}], [{"path": "a", "file_size": "1"}, {"path": "A", "file_size": "1"}],
    [{"path": "deeper", "is_dir": True}], [{"path": f"f{n}"} for n in range(10_001)], [{"path": 7.5}], "text"])
def test_artefacts_beyond_the_limits_are_refused(answering: Start, tmp_path: Path, listing: object) -> None:
    body = json.dumps({"files": listing}).encode()
    with MlflowSource(answering(lambda request: send(request, body))) as source, pytest.raises(UserError):
        source.download_artifact(a_version("mlflow-artifacts:/a"), tmp_path, Progress())
    assert list(tmp_path.iterdir()) == []


def test_a_size_that_lies_is_found_while_reading(
        answering: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop_app.sources.mlflow_artefact.SIZE_LIMIT", 1000)

    def handle(request: BaseHTTPRequestHandler) -> None:
        listing = {"files": [{"path": f"f{n}", "file_size": 1} for n in range(3)]}
        send(request, json.dumps(listing).encode() if "?" in request.path else b"x" * 400)

    with MlflowSource(answering(handle)) as source, pytest.raises(UserError, match="too large"):
        source.download_artifact(a_version("mlflow-artifacts:/a"), tmp_path, Progress())
    assert list(tmp_path.iterdir()) == []


def test_names_that_lead_in_circles_end(answering: Start, tmp_path: Path) -> None:
    circle = json.dumps({"artifact_uri": "models:/m/1"}).encode()
    with MlflowSource(answering(lambda r: send(r, circle))) as source, pytest.raises(UserError, match="cannot be used"):
        source.download_artifact(a_version("models:/m/1"), tmp_path, Progress())


# ---- addresses


@pytest.mark.parametrize(("uri", "said"), [
    ("sqlite:///mlflow.db", "mlflow server"), ("file:///tmp/mlruns", "mlflow server"), ("./mlruns", "mlflow server"),
    ("databricks://profile", "Databricks"), ("http://", "http://host:5000"), ("http://h:99999", "http://host:5000"),
    ("http://h/?q=1", "http://host:5000"), ("http://h\n/", "http://host:5000"), ("", "mlflow server"),
    ("http://[::1", "http://host:5000"), ("ftp://h", "mlflow server")])
def test_an_address_that_is_no_server_says_what_to_do(uri: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        MlflowSource(uri)
    assert said in str(caught.value)


def test_the_identity_is_that_of_the_normalised_address_without_credentials() -> None:
    same = ["http://Host.example", "http://host.example:80/", "HTTP://user:secret@host.example"]
    assert len({MlflowSource(u).identity for u in same}) == 1
    expected = hashlib.sha256(b"http://host.example").hexdigest()[:16]
    assert MlflowSource(same[0]).identity == f"mlflow:{expected}"
    assert MlflowSource("https://host.example").identity != MlflowSource(same[0]).identity
    assert MlflowSource("http://host.example/mlflow").identity != MlflowSource(same[0]).identity


def test_credentials_go_to_the_server_and_nowhere_else(answering: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str | None] = []

    def handle(request: BaseHTTPRequestHandler) -> None:
        sent.append(request.headers.get("Authorization"))
        send(request, b'{"error_code": "PERMISSION_DENIED", "message": "no"}', 403)

    uri = answering(handle)
    error = fetch_error(uri.replace("//", "//someone:hunter2@"))
    assert isinstance(error, Unreachable)
    assert "hunter2" not in str(error)
    assert "someone" not in str(error)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "abc")
    fetch_error(uri)
    assert {s.split()[0] for s in sent if s} == {"Basic", "Bearer"}


# ---- servers that misbehave


def test_a_server_that_is_down(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    error = fetch_error(f"http://127.0.0.1:{port}")
    assert isinstance(error, Unreachable)
    assert "registered-models/search" in error.detail


def test_a_server_that_does_not_answer_in_time(answering: Start) -> None:
    free = threading.Event()
    error = fetch_error(answering(lambda request: free.wait(5) and None), timeout=0.3)
    free.set()
    assert isinstance(error, Unreachable)
    assert "too long" in error.title


def test_a_server_that_drips(answering: Start) -> None:
    def handle(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        for _ in range(200):
            request.wfile.write(b" ")
            time.sleep(0.02)

    start = time.monotonic()
    assert "too long" in fetch_error(answering(handle), timeout=0.1).title
    assert time.monotonic() - start < 3


def test_a_person_can_stop_waiting(answering: Start) -> None:
    free = threading.Event()
    start = time.monotonic()
    with MlflowSource(answering(lambda request: free.wait(20) and None)) as source, pytest.raises(Cancelled):
        source.fetch(None, Progress(cancelled=lambda: time.monotonic() - start > 0.3))
    assert time.monotonic() - start < 2
    free.set()


@pytest.mark.parametrize(("body", "status", "said"), [
    (b"<html>log in</html>", 200, "a web page"), (b"", 200, "nothing"), (b"OK", 200, "something else"),
    (b"[]", 200, "not an object"), (b"null", 404, "no MLflow server"), (b"<html>", 404, "no MLflow server"),
    (b'{"registered_models": {}}', 200, "not a list"), (b'{"registered_models": [1]}', 200, "not an object"),
    (b'{"registered_models": [{}]}', 200, "missing"), (b'{"registered_models": [{"name": 1.5}]}', 200, "name"),
    (b'{"registered_models": [{"name": "a", "last_updated_timestamp": -1}]}', 200, "number"),
    (b'{"registered_models": [{"name": "a", "tags": [{"key": "k", "value": {}}]}]}', 200, "not text"),
    (b'{"registered_models": [{"name": "' + b"a" * 2000 + b'"}]}', 200, "name"),
    (b"[" * 100_000, 200, "JSON"), (b'{"next_page_token": "again"}', 200, "never comes to an end"),
    (b"\xff\xfe", 200, "JSON"), (b"boom", 500, "failed"), (b'{"error_code": "X", "message": "bad"}', 400, "bad"),
    (b"1" * 5000, 200, "JSON"), (b'{"message": ["x"]}', 429, "failed")])
def test_answers_that_cannot_be_used(answering: Start, body: bytes, status: int, said: str) -> None:
    assert said in str(fetch_error(answering(lambda request: send(request, body, status))))


def test_a_list_that_never_ends(answering: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop_app.sources.mlflow_api.MAX_PAGES", 20)
    count = iter(range(100_000))

    def handle(request: BaseHTTPRequestHandler) -> None:
        n = next(count)
        send(request, json.dumps({"registered_models": [{"name": f"m{n}"}], "next_page_token": f"t{n}"}).encode())

    assert "never comes to an end" in fetch_error(answering(handle)).detail


def test_an_answer_that_is_too_large(answering: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop_app.sources.http_wire.JSON_LIMIT", 2**20)

    def handle(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while True:
            request.wfile.write(b" " * 65536)

    assert "larger than 1 MiB" in fetch_error(answering(handle)).detail


@pytest.mark.parametrize("location", ["https://evil.example/x", "//evil.example/x", "http://127.0.0.1:1/x", "", "::"])
def test_redirects_elsewhere_and_in_circles_are_not_followed(answering: Start, location: str) -> None:
    error = fetch_error(answering(lambda request: send(request, b"", 302, Location=location)))
    assert re.search("elsewhere|round in circles|Invalid URL in location", str(error))


def test_a_redirect_within_the_server_is_followed(answering: Start) -> None:
    def handle(request: BaseHTTPRequestHandler) -> None:
        if request.path.startswith("/old"):
            send(request, b"", 308, Location=request.path.removeprefix("/old"))
        else:
            send(request, b"{}")

    with MlflowSource(answering(handle) + "/old") as source:
        assert source.fetch(None, Progress()).models == ()


def test_a_compressed_answer_is_not_unpacked(answering: Start) -> None:
    error = fetch_error(answering(lambda request: send(request, b"\x1f\x8b", Content_Encoding="gzip")))
    assert "compressed" in error.detail


def test_a_connection_that_breaks(answering: Start) -> None:
    assert isinstance(fetch_error(answering(lambda r: send(r, b"{", Content_Length="50") or r.wfile.close())),
                      Unreachable)


def test_a_server_of_before_logged_models_is_read_all_the_same(answering: Start) -> None:
    """MLflow 2: no logged-models endpoint, so its 404 page says nothing but that it does not exist."""
    def handle(request: BaseHTTPRequestHandler) -> None:
        request.rfile.read(int(request.headers.get("Content-Length", 0)))
        if "registered-models" in request.path:
            send(request, b'{"registered_models": [{"name": "old", "creation_timestamp": "5"}]}')
        elif "model-versions" in request.path and "version_number+%3D+1" in request.path:
            send(request, b'{"model_versions": [{"name": "old", "version": "1", "run_id": "r1", "model_id": "m-1"}]}')
        elif "model-versions" in request.path:
            send(request, b"{}")
        elif "runs/get" in request.path:
            send(request, b'{"run": {"info": {"run_uuid": "r1", "start_time": "17"}, "data": {}}}')
        else:
            send(request, b"<html>Not Found</html>", 404)

    with MlflowSource(answering(handle)) as source:
        read = source.fetch(None, Progress())
    assert [r.started for r in read.runs] == [17]
    assert (read.logged_models, read.counts.logged_models_missing) == ((), 1)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(
        ["info", "data", "key", "value", "name", "version", "tags", "metrics", "params", "aliases", "dataset", "inputs",
         "dataset_inputs", "run_id", "creation_timestamp", "model_id", "source", "next_page_token", "runs"]), inner),
    max_leaves=12)


@given(json_values)
def test_any_json_is_read_or_refused(said: object) -> None:
    for parse in (mlflow_reply.model, mlflow_reply.version, mlflow_reply.run, mlflow_reply.logged_model,
                  lambda s: mlflow_reply.page(s, "runs", mlflow_reply.run)):
        try:
            found = parse(mlflow_reply.mapping(said, "it"))
        except mlflow_reply.Misshapen:
            continue
        assert encode(found if not isinstance(found, tuple) else {"page": found})


@given(st.text(st.characters(exclude_categories=()), max_size=6000))
def test_text_is_stored_whole_or_cut_visibly(text: str) -> None:
    clipped = mlflow_reply.clipped(text)
    assert encode({"t": clipped})
    assert "\0" not in clipped
    assert len(clipped) <= 5_050
