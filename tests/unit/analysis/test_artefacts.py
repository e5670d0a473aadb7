"""Model files told by content; hostile files made here; nothing is ever loaded."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import warnings
import zipfile
import zlib

import numpy as np
import onnx
import pytest
import skops.io
from onnx import TensorProto, helper
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from desktop_app.analysis import artefacts, onnx_graph
from desktop_app.domain import canonical
from desktop_app.errors import UserError

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)


class Bomb:
    def __reduce__(self):
        return (os.abort, ())


def write(tmp_path, data, name="model.bin"):
    (tmp_path / name).write_bytes(data)
    return tmp_path / name


def scan(tmp_path, data, name="model.bin"):
    return artefacts.inspect(write(tmp_path, data, name))[1]


def zipped(members, name_of=lambda n: n):
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # duplicate names are meant
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def onnx_model(domain="", external=False):
    weights = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    if external:
        weights.ClearField("float_data")
        weights.data_location = TensorProto.EXTERNAL
        entry = weights.external_data.add()
        entry.key, entry.value = "location", "../../etc/passwd"
    node = helper.make_node("Add", ["x", "w"], ["y"], domain=domain)
    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in "xy"]
    graph = helper.make_graph([node], "g", value[:1], value[1:], [weights])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()


@pytest.mark.parametrize("wrap", [
    bytes, gzip.compress, zlib.compress, bz2.compress, lzma.compress, lambda d: zipped([("archive/data.pkl", d)]),
    lambda d: zipped([("weights.bin", gzip.compress(d))]), lambda d: gzip.compress(zlib.compress(d))])
@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_pickles_are_refused_in_any_wrapping_and_never_run(tmp_path, wrap, protocol):
    found = scan(tmp_path, wrap(pickle.dumps(Bomb(), protocol)), "model.onnx")
    assert (found.format, found.loadable, found.reason) == ("pickle", False, artefacts.PICKLE)


@pytest.mark.parametrize("data", [b"hello world.\n" * 10, b"a,b\n1,2\n", os.urandom(64), b"\x89PNG\r\n" + bytes(40),
                                  b"{}", b'{"learner": 3}', b"PK\x05\x06" + bytes(18), b"\x08\x08"])
def test_unknown_files(tmp_path, data):
    assert (scan(tmp_path, data).format, scan(tmp_path, data).loadable) == ("unknown", False)


def test_skops(tmp_path):
    for model in (RandomForestClassifier(5, random_state=0), make_pipeline(StandardScaler(), LogisticRegression())):
        found = scan(tmp_path, skops.io.dumps(model.fit(X, Y)))
        assert (found.format, found.loadable) == ("skops", True)


def custom(x):
    return x


def test_skops_with_other_types_is_refused(tmp_path):
    model = make_pipeline(FunctionTransformer(custom), LogisticRegression()).fit(X, Y)
    found = scan(tmp_path, skops.io.dumps(model))
    assert not found.loadable
    assert "custom" in found.reason


@pytest.mark.parametrize("node", [
    {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "content": {}},
    {"__class__": "x", "__module__": "builtins", "__loader__": "MethodNode", "content": {}},
    {"__class__": "x", "__module__": "builtins", "__loader__": "OperatorFuncNode", "content": {}},
    {"content": {"module_path": "subprocess", "function": "run"}, "__loader__": "ListNode"},
    {"__class__": "Nothing", "__module__": "sklearn.nowhere", "__loader__": "ObjectNode", "content": None},
])
def test_hostile_skops_schemas(tmp_path, node):
    found = scan(tmp_path, zipped([("schema.json", json.dumps(node | {"protocol": 2}))]))
    assert (found.format, found.loadable) == ("skops", False)


@pytest.mark.parametrize("schema", ["[" * 100_000, "{", "\xff"])
def test_broken_skops_schemas(tmp_path, schema):
    assert not scan(tmp_path, zipped([("schema.json", schema)])).loadable


@pytest.mark.parametrize("members", [
    [("../evil", b"x")], [("/abs", b"x")], [("a", b"1"), ("a", b"2")], [("big", bytes(30_000_000))],
    [("c:\\x", b"1")]])
def test_archives_that_are_not_opened(tmp_path, members):
    with pytest.raises(UserError, match="not opened"):
        scan(tmp_path, zipped(members))


def test_damaged_archive(tmp_path):
    with pytest.raises(UserError, match="damaged"):
        scan(tmp_path, b"PK\x03\x04" + os.urandom(100))


def test_onnx(tmp_path):
    found = scan(tmp_path, onnx_model())
    assert (found.format, found.loadable) == ("onnx", True)
    assert ("operators", "ai.onnx 17") in [(p.key, p.value) for p in found.details]
    assert not scan(tmp_path, onnx_model(domain="com.evil")).loadable
    assert not scan(tmp_path, onnx_model(external=True)).loadable


def test_onnx_external_data_inside_a_subgraph(tmp_path):
    inner = onnx.ModelProto.FromString(onnx_model(external=True)).graph
    node = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    graph = helper.make_graph([node], "outer", [], [])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
    assert onnx_graph.read(model).external_data


def test_xgboost_and_lightgbm(tmp_path):
    import lightgbm
    import xgboost

    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(X, Y), 3)
    for encoding in ("json", "ubj"):
        found = scan(tmp_path, bytes(booster.save_raw(encoding)))
        assert (found.format, found.loadable) == ("xgboost", True)
        assert ("encoding", encoding) in [(p.key, p.value) for p in found.details]
    text = lightgbm.train({"verbose": -1}, lightgbm.Dataset(X, Y), 3).model_to_string()
    assert scan(tmp_path, text.encode()).format == "lightgbm"


def test_a_folder_has_one_digest_over_its_manifest(tmp_path):
    folder = tmp_path / "model"
    (folder / "data").mkdir(parents=True)
    write(folder, b"flavors: {}\n", "MLmodel")
    write(folder / "data", onnx_model(), "model.onnx")
    write(folder, b"", "empty")
    digest, found = artefacts.inspect(folder)
    manifest = [{"path": n, "sha256": canonical.sha256((folder / n).read_bytes()), "size": (folder / n).stat().st_size}
                for n in ("MLmodel", "data/model.onnx", "empty")]
    assert digest == canonical.digest(manifest)
    assert found.loadable
    assert artefacts.model_file(folder, found) == folder / "data/model.onnx"
    write(folder, pickle.dumps(3), "python_model.pkl")
    assert ("pickle beside it, not opened", "python_model.pkl") in [
        (p.key, p.value) for p in artefacts.inspect(folder)[1].details]
    (folder / "data" / "model.onnx").unlink()
    assert artefacts.inspect(folder)[1].reason == artefacts.PICKLE


def test_links_empty_and_missing(tmp_path):
    target = write(tmp_path, onnx_model(), "m.onnx")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(target)
    (tmp_path / "link").symlink_to(target)
    write(tmp_path, b"", "empty")
    for name in ("folder", "link", "empty", "missing"):
        with pytest.raises(UserError):
            artefacts.inspect(tmp_path / name)
