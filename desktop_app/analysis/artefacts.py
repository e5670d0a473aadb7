"""What a model file is, by its content and without loading it, and whether it is data only (security.md §4.3).

Loadable, apart from our process: skops with types of a fixed list, ONNX without external data or foreign
operators, XGBoost JSON or UBJ, LightGBM text. Pickles in any wrapping run code when opened: refused.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from desktop_app.analysis import onnx_graph, pickles
from desktop_app.domain import canonical
from desktop_app.domain.canonical import Digest
from desktop_app.domain.evidence import ArtefactScan
from desktop_app.domain.model import Pair
from desktop_app.errors import UserError

PICKLE = ("pickles can run code when opened; refused until they can be opened in a sandbox; export it as skops, "
          "ONNX, XGBoost or LightGBM")
UNKNOWN = "not a model format that is known to hold data only (skops, ONNX, XGBoost JSON or UBJ, LightGBM text)"
MODEL_FILE = "model file"  # key of the detail that names the file inside a folder
MAX_MODEL = 2 << 30
_MAX_MEMBERS, _MAX_RATIO, _MAX_FILES = 10_000, 200, 10_000
_MAX_SCHEMA = 64 << 20

# What skops does not trust by itself, looked at one by one: trees, boosters and optimisers that hold arrays only.
SKOPS_TRUSTED = frozenset({
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn._loss.link.Interval", "sklearn._loss.link.LogitLink", "sklearn._loss.link.MultinomialLogit",
    "sklearn._loss.link.HalfLogitLink", "sklearn._loss.link.IdentityLink", "sklearn._loss.link.LogLink",
    "sklearn._loss.loss.HalfBinomialLoss", "sklearn._loss.loss.HalfMultinomialLoss",
    "sklearn._loss.loss.ExponentialLoss", "sklearn._loss.loss.HalfSquaredError",
    "sklearn._loss._loss.CyHalfBinomialLoss", "sklearn._loss._loss.CyHalfMultinomialLoss",
    "sklearn._loss._loss.CyExponentialLoss",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.compose._column_transformer._RemainderColsList",
    "xgboost.core.Booster", "xgboost.sklearn.XGBClassifier",
    "lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier",
    "collections.OrderedDict", "collections.defaultdict", "numpy.dtype",
})
_SKOPS_ROOTS = frozenset({"sklearn", "numpy", "scipy", "builtins", "collections", "xgboost", "lightgbm"})
_SKOPS_LOADERS = frozenset({
    "DictNode", "DefaultDictNode", "ListNode", "SetNode", "TupleNode", "BytesNode", "BytearrayNode", "SliceNode",
    "FunctionNode", "TypeNode", "ObjectNode", "JsonNode", "NdArrayNode", "MaskedArrayNode", "DTypeNode",
    "RandomStateNode", "RandomGeneratorNode", "SparseMatrixNode", "TreeNode", "LossNode", "CachedNode",
})


def inspect(path: Path) -> tuple[Digest, ArtefactScan]:
    """Digest and format of a model file or of a folder such as MLflow's.

    The digest of a folder is over the canonical list of (relative path, SHA-256, size), sorted by path.
    Raises UserError: not there, not readable, a symbolic link, too large, an archive that is not to be trusted.
    """
    try:
        if path.is_symlink():
            raise _link(path.name)
        if path.is_dir():
            return _inspect_folder(path)
        with path.open("rb") as file:
            if not path.is_file():
                raise UserError(f"{path.name} is not a file.", "", "Choose a model file or an MLflow model folder.")
            size = _check_size(path.name, os.fstat(file.fileno()).st_size)
            digest = Digest(hashlib.file_digest(file, "sha256").hexdigest())
            file.seek(0)
            return digest, _scan(path.name, file, size)
    except OSError as error:
        raise UserError(f"{path.name} cannot be read.", error.strerror or str(error),
                        "Check that it is there and that you may read it.") from error


def model_file(path: Path, scan: ArtefactScan) -> Path:
    """The data-only file to load: the file itself, or the one inside a folder that the scan found."""
    inside = next((pair.value for pair in scan.details if pair.key == MODEL_FILE), "")
    return path / inside if inside else path


def _link(name: str) -> UserError:
    return UserError(f"{name} is a symbolic link.", "It may point anywhere, and elsewhere tomorrow.",
                     "Give the file itself.")


def _check_size(name: str, size: int) -> int:
    if size == 0:
        raise UserError(f"{name} is empty.", "The file has no bytes.", "Choose the file that holds the model.")
    if size > MAX_MODEL:
        raise UserError(f"{name} is too large to be looked at.", f"{size:,} bytes; up to {MAX_MODEL:,} are read.",
                        "Record its documents instead of the file.")
    return size


# ---- folders


def _inspect_folder(folder: Path) -> tuple[Digest, ArtefactScan]:
    manifest, scans = [], dict[str, ArtefactScan]()
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if path.stat().st_size:
            digest, scans[name] = inspect(path)
        else:
            digest = canonical.sha256(b"")
        manifest.append({"path": name, "sha256": digest, "size": path.stat().st_size})
    total = sum(int(str(item["size"])) for item in manifest)
    if not manifest:
        raise UserError(f"{folder.name} is an empty folder.", "", "Choose the folder that holds the model.")
    _check_size(folder.name, total or 1)
    return canonical.digest(manifest), _folder_scan(scans, total)


def _files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for root, folders, names in os.walk(folder):
        for name in itertools.chain(folders, names):
            if (Path(root) / name).is_symlink():
                raise _link(name)
        found += [Path(root) / name for name in names]
        if len(found) > _MAX_FILES:
            raise UserError(f"{folder.name} has more than {_MAX_FILES:,} files.", "", "Choose the model's own folder.")
    return sorted(found, key=lambda p: p.relative_to(folder).as_posix())


def _folder_scan(scans: dict[str, ArtefactScan], total: int) -> ArtefactScan:
    loadable = {name: scan for name, scan in scans.items() if scan.loadable}
    pickled = [name for name, scan in scans.items() if scan.format == "pickle"]
    refused = [scan for scan in scans.values() if scan.format not in ("unknown", "pickle") and not scan.loadable]
    files = (Pair(key="files", value=str(len(scans))),)
    if len(loadable) == 1:
        name, scan = next(iter(loadable.items()))
        beside = tuple(Pair(key="pickle beside it, not opened", value=p) for p in pickled)
        return ArtefactScan(format=scan.format, size=total, loadable=True, reason=scan.reason,
                            details=(Pair(key=MODEL_FILE, value=name), *files, *beside, *scan.details))
    if loadable:
        return ArtefactScan(format="unknown", size=total, loadable=False, details=files,
                            reason=f"several model files: {', '.join(loadable)}; give one of them")
    if pickled:
        return ArtefactScan(format="pickle", size=total, loadable=False, reason=PICKLE,
                            details=(*files, *(Pair(key="pickle", value=p) for p in pickled)))
    scan = refused[0] if refused else ArtefactScan(format="unknown", size=total, loadable=False, reason=UNKNOWN)
    return ArtefactScan(format=scan.format, size=total, loadable=False, reason=scan.reason, details=files)


# ---- files


def _scan(name: str, file: BinaryIO, size: int) -> ArtefactScan:
    head = file.read(4096)
    file.seek(0)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _scan_zip(name, file, size)
    if head.startswith(b"tree\nversion=v"):
        return _data("lightgbm", size, "LightGBM text: numbers only")
    if re.match(rb'\s*\{\s*"(learner|version)"\s*:', head) and b"gradient_booster" in head + _tail(file, size):
        return _data("xgboost", size, "XGBoost JSON: numbers only", encoding="json")
    if re.match(rb"\{[LlIiUu].{1,8}?(learner|version)[\{\[]", head, re.DOTALL):
        return _data("xgboost", size, "XGBoost UBJ: numbers only", encoding="ubj")
    if pickles.is_pickle(file):
        return ArtefactScan(format="pickle", size=size, loadable=False, reason=PICKLE)
    file.seek(0)
    if head[:1] != b"\x08":  # protobuf writes ONNX's first field first
        return _refused("unknown", size, UNKNOWN)
    return _scan_onnx(file, size)


def _tail(file: BinaryIO, size: int) -> bytes:
    file.seek(max(0, size - 4096))
    tail = file.read(4096)
    file.seek(0)
    return tail + file.read(1 << 20)


def _data(kind: str, size: int, reason: str, **details: str) -> ArtefactScan:
    return ArtefactScan(format=kind, size=size, loadable=True, reason=reason,
                        details=tuple(Pair(key=k, value=v) for k, v in details.items()))


def _refused(kind: str, size: int, reason: str, details: tuple[Pair, ...] = ()) -> ArtefactScan:
    return ArtefactScan(format=kind, size=size, loadable=False, reason=reason, details=details)


def _scan_onnx(file: BinaryIO, size: int) -> ArtefactScan:
    try:
        model = onnx_graph.read(file.read())
    except onnx_graph.NotOnnx:
        return _refused("unknown", size, UNKNOWN)
    details = (Pair(key="IR version", value=str(model.ir_version)), Pair(key="operators", value=", ".join(
        f"{domain or 'ai.onnx'} {version}" for domain, version in model.opsets)))
    if model.external_data:
        return _refused("onnx", size, "its weights are in other files, which are not read", details)
    if model.foreign_domains:
        return _refused("onnx", size, f"it needs operators of {', '.join(model.foreign_domains)}, which are code",
                        details)
    return ArtefactScan(format="onnx", size=size, loadable=True, reason="ONNX: a graph of known operators",
                        details=details)


# ---- archives


def _scan_zip(name: str, file: BinaryIO, size: int) -> ArtefactScan:
    try:
        with zipfile.ZipFile(file) as archive:
            _check_members(name, archive)
            names = archive.namelist()
            if "schema.json" in names:
                return _scan_skops(archive, file, size)
            for member in archive.infolist():
                if not member.is_dir():
                    with archive.open(member) as inside:
                        if pickles.is_pickle(inside):
                            return _refused("pickle", size, PICKLE, (Pair(key="inside", value=member.filename[:200]),))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise UserError(f"{name} is a damaged or encrypted archive.", str(error)[:300],
                        "Export the model again.") from error
    return _refused("unknown", size, UNKNOWN)


def _check_members(name: str, archive: zipfile.ZipFile) -> None:
    """Limits of security.md §6: members, total, ratio, and names that lead elsewhere."""
    members = archive.infolist()
    names = [m.filename for m in members]
    bad = next((n for n in names if n.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", n) or ":" in n[:3]), None)
    linked = next((m.filename for m in members if (m.external_attr >> 16) & 0o170000 == 0o120000), None)
    wrong = ""
    if len(members) > _MAX_MEMBERS:
        wrong = f"It has {len(members):,} members."
    elif len(set(names)) != len(names):
        wrong = "Two members have one name."
    elif bad or linked:
        wrong = f"A member leads elsewhere: {(bad or linked or '')[:100]}."
    elif sum(m.file_size for m in members) > MAX_MODEL or any(
            m.file_size > _MAX_RATIO * max(m.compress_size, 4096) for m in members):
        wrong = "It unpacks to far more than it holds."
    if wrong:
        raise UserError(f"{name} is an archive that is not opened.", wrong, "Export the model again.")


def _scan_skops(archive: zipfile.ZipFile, file: BinaryIO, size: int) -> ArtefactScan:
    with archive.open("schema.json") as inside:
        text = inside.read(_MAX_SCHEMA + 1)
    if len(text) > _MAX_SCHEMA:
        return _refused("skops", size, f"its schema is larger than {_MAX_SCHEMA:,} bytes")
    try:
        types, loaders = _skops_nodes(json.loads(text))
    except (ValueError, RecursionError):
        return _refused("skops", size, "its schema is not well-formed")
    foreign = sorted(t for t in types if t.partition(".")[0] not in _SKOPS_ROOTS)
    strange = sorted(loaders - _SKOPS_LOADERS)
    if not foreign and not strange:
        foreign = _untrusted(file)
    details = tuple(Pair(key="type", value=t[:200]) for t in sorted(types)[:60])
    if foreign or strange:
        named = ", ".join(n[:80] for n in (foreign or strange)[:5])
        return _refused("skops", size, f"it holds types that are not on the trusted list: {named}", details)
    return ArtefactScan(format="skops", size=size, loadable=True, reason="skops: only types of the trusted list",
                        details=details)


def _skops_nodes(schema: Any) -> tuple[set[str], set[str]]:
    """All module.class and function names in a schema, and the kinds of nodes that would be built."""
    types, loaders, todo = set[str](), set[str](), [schema]
    while todo:
        node = todo.pop()
        if isinstance(node, list):
            todo += node
        elif isinstance(node, dict):
            todo += node.values()
            if "__module__" in node or "__class__" in node:
                types.add(f"{node.get('__module__')}.{node.get('__class__')}")
            if "module_path" in node:
                types.add(f"{node['module_path']}.{node.get('function', node.get('type', ''))}")
            if "__loader__" in node:
                loaders.add(str(node["__loader__"]))
    return types, loaders


def _untrusted(file: BinaryIO) -> list[str]:
    """What skops itself finds beyond its own list and ours; it builds nothing for this."""
    import skops.io

    file.seek(0)
    try:
        found = skops.io.get_untrusted_types(data=file.read())
    except Exception as error:  # noqa: BLE001  # whatever it stumbles over is a reason not to load
        return [f"unreadable ({type(error).__name__})"]
    return sorted(set(found) - SKOPS_TRUSTED)
