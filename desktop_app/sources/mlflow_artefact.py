"""Bringing a version's artefact into a local folder: where it really is, and the walk over its files.

MLflow names an artefact by `models:/m-…`, `models:/name/version`, `runs:/…`, `mlflow-artifacts:/…`, the http
address of the server's own artefact store, or a place elsewhere (`s3:`, `file:` …). The first five are read through
the server; a `file:` place only inside a folder that the caller allows; the others are named and refused.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import url2pathname

from desktop_app.domain.canonical import record
from desktop_app.errors import UserError
from desktop_app.progress import Progress
from desktop_app.sources import mlflow_reply as reply
from desktop_app.sources.http_wire import HttpStatus, Wire, parse_address, path_quote
from desktop_app.sources.mlflow_api import API, ask, refused
from desktop_app.sources.records import SourceVersion

STORE = "/api/2.0/mlflow-artifacts/artifacts"
SIZE_LIMIT = 2 * 2**30  # bytes of an artefact altogether
FILES_LIMIT = 10_000
DEPTH_LIMIT = 32
HOPS = 6
CHUNK = 1 << 20
_RESERVED = {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(10))}


@record
class _File:
    """A file of an artefact: its path inside it; the path is empty where the artefact is one file."""

    path: str
    size: int


def bring(wire: Wire, version: SourceVersion, dest: Path, progress: Progress, allowed_root: Path | None) -> Path:
    """The artefact of `version` as a file or folder in `dest`, or nothing at all (see MlflowSource)."""
    progress.step(0, "Looking for the artefact")
    place = _resolve(wire, version)
    try:
        if place.startswith("/") or _split(place).scheme == "file":
            source = _allowed(place, allowed_root)
            return _write(dest, source.name, _local_files(source), lambda f: _local_bytes(source / f.path), progress)
        root = _stored_path(wire, place)
        name = PurePosixPath(root).name
        return _write(dest, name, _listed(wire, root, progress), lambda f: _sent(wire, root, f), progress)
    except OSError as error:
        raise UserError("The artefact cannot be written to the folder.", f"{dest}: {error.strerror or error}",
                        "Check that the folder exists, may be written to, and has room.") from error


def _split(uri: str) -> SplitResult:
    try:
        return urlsplit(uri)
    except ValueError as error:
        raise _elsewhere("something that cannot be read") from error


def _resolve(wire: Wire, version: SourceVersion) -> str:
    """Follows the names that MLflow gives an artefact to the place where it is kept."""
    uri = f"models:/{version.model_id}" if version.model_id else version.uri
    for _ in range(HOPS):
        scheme, rest = _split(uri).scheme, _split(uri).path.strip("/")
        if scheme == "models" and (model_id := reply.model_id_in(uri)):
            uri = ask(wire, f"{API}/logged-models/{path_quote(model_id)}", lambda s: _dig(s, "model", "info"))
        elif scheme == "models":
            name, _, label = unquote(rest).rpartition("/")
            uri = ask(wire, f"{API}/model-versions/get-download-uri", _dig, params={"name": name, "version": label})
        elif scheme == "runs":
            run, _, inside = rest.partition("/")
            root = ask(wire, f"{API}/runs/get", lambda s: _dig(s, "run", "info"), params={"run_id": run})
            uri = f"{root.rstrip('/')}/{inside}".rstrip("/")
        else:
            return uri
    raise wire.nonsense(API, "The names of the artefact lead round in circles.")


def _dig(said: Any, *keys: str) -> str:
    inner = reply.mapping(said, "the reply")
    for key in keys:
        inner = reply.mapping(inner.get(key), key)
    found = reply.text(inner, "artifact_uri")
    if not found:
        raise reply.Misshapen("“artifact_uri” is missing")
    return found


def _stored_path(wire: Wire, place: str) -> str:
    """The path inside the server's own artefact store. Raises UserError for a place elsewhere."""
    parts = _split(place)
    if parts.scheme == "mlflow-artifacts" and (not parts.netloc or _same_host(wire, "http://" + parts.netloc)):
        path = parts.path
    elif parts.scheme in ("http", "https") and _same_host(wire, place) and f"{STORE}/" in parts.path:
        path = parts.path.partition(f"{STORE}/")[2]
    else:
        raise _elsewhere(f"{parts.scheme or 'a folder'} ({parts.hostname or 'no host'})")
    names = [unquote(n) for n in path.split("/") if n]
    if not names or parts.query or parts.fragment:
        raise _elsewhere("a name that cannot be used")
    for name in names:
        _check_name(name)
    return "/".join(names)


def _same_host(wire: Wire, url: str) -> bool:
    try:
        return parse_address(urlsplit(url)._replace(query="", fragment="").geturl())[0].host == wire.address.host
    except ValueError:
        return False


def _elsewhere(where: str) -> UserError:
    return UserError(
        "The artefact is not kept where it can be read from.", f"Its place is named as {where}.",
        "Download it with the rights you have there and bring it in as a file, or have the MLflow server pass "
        "artefacts on (--serve-artifacts with --artifacts-destination).")


def _check_name(name: str) -> None:
    """Raises UserError for a name that could leave its folder, hide, or mean a device on some platform."""
    stem = name.partition(".")[0].rstrip().lower()
    if (not name or name in (".", "..") or len(name.encode("utf-8", "replace")) > 255 or stem in _RESERVED
            or name[-1] in ". " or any(c in '/\\:*?"<>|' or not c.isprintable() for c in name)):
        raise UserError("The artefact holds a file with a name that is not safe.", f"The name is {name!r}.",
                        "Nothing was kept. Ask whoever logged the model to log it again with plain file names.")


def _listed(wire: Wire, root: str, progress: Progress) -> list[_File]:
    """The files below `root` in the server's store; one with an empty path where `root` is a file."""
    found: list[_File] = []
    todo = [""]
    while todo:
        progress.step(0, f"Listing the artefact: {len(found)} files")
        inside = todo.pop()
        for name, is_folder, size in ask(wire, STORE, _entries, params={"path": f"{root}/{inside}".rstrip("/")}):
            _check_name(name)
            path = f"{inside}/{name}".lstrip("/")
            if is_folder:
                todo.append(path)
            else:
                found.append(_File(path=path, size=size))
            if len(found) + len(todo) > FILES_LIMIT or path.count("/") > DEPTH_LIMIT:
                raise _too_much(f"more than {FILES_LIMIT:,} files or {DEPTH_LIMIT} folders inside one another")
    return found or [_File(path="", size=0)]


def _entries(said: Any) -> list[tuple[str, bool, int]]:
    """Name, whether it is a folder, and stated size of what is in a folder."""
    return [(reply.name(entry, "path", required=True), entry.get("is_dir") is True,
             reply.milliseconds(entry, "file_size") or 0)  # an int64 like a time
            for entry in reply.items(reply.mapping(said, "the reply"), "files")]


def _sent(wire: Wire, root: str, file: _File) -> Iterator[bytes]:
    """The bytes of a file in the server's store."""
    path = f"{STORE}/{path_quote(f'{root}/{file.path}'.rstrip('/'))}"
    with wire.open("GET", path) as response:
        if response.status_code >= 400:
            raise refused(wire, path, HttpStatus(response.status_code, "", "The file cannot be had."))
        yield from wire.chunks(response, SIZE_LIMIT, patience=None)


def _allowed(place: str, allowed_root: Path | None) -> Path:
    """The local path of a `file:` place, which must lie inside `allowed_root` with no link on the way."""
    parts = _split(place)
    if allowed_root is None or parts.netloc not in ("", "localhost"):
        raise _elsewhere("a file on a computer that was not allowed")
    path = Path(url2pathname(parts.path))
    roots = [r for r in (allowed_root.absolute(), allowed_root.resolve()) if path.is_relative_to(r)]
    inside = path.relative_to(roots[0]) if roots else None
    if inside is None or not inside.parts or ".." in inside.parts or any(
            (roots[0] / part).is_symlink() for part in (inside, *inside.parents)[:-1]):
        raise _elsewhere("a file outside the folder that was allowed, or behind a link")
    if not path.exists():
        raise UserError("The artefact is no longer there.", f"Its file or folder {path.name} does not exist.",
                        "Ask whoever logged the model where it went.")
    return path


def _local_files(source: Path) -> list[_File]:
    if not source.is_dir():
        return [_File(path="", size=source.stat().st_size)]
    found = []
    for folder, folders, files in os.walk(source):
        for name in (*folders, *files):
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
                raise UserError("The artefact holds something that is not a plain file.", f"It is {name!r}.",
                                "Links and devices are not followed; replace them by the files they stand for.")
            _check_name(name)
        found += [_File(path=Path(folder, f).relative_to(source).as_posix(), size=0) for f in files]
        if len(found) > FILES_LIMIT:
            raise _too_much(f"more than {FILES_LIMIT:,} files")
    return found


def _local_bytes(path: Path) -> Iterator[bytes]:
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _write(dest: Path, name: str, files: list[_File], read: Callable[[_File], Iterator[bytes]],
           progress: Progress) -> Path:
    """All files below a new folder of our own beside the target, which is then renamed into place."""
    _check_name(name)
    expected, done = sum(f.size for f in files), 0
    if expected > SIZE_LIMIT:
        raise _too_much(f"{expected / 2**30:.1f} GiB")
    if len({f.path.casefold() for f in files}) != len(files):
        raise UserError("The artefact holds two files of the same name.", "They differ in upper and lower case.",
                        "Nothing was kept. Ask whoever logged the model to rename one of them.")
    target = dest / name
    if target.exists() or target.is_symlink():
        raise UserError(f"There already is something called {name} in the folder.", f"The folder is {dest}.",
                        "Choose an empty folder.")
    work = Path(tempfile.mkdtemp(prefix=".incoming-", dir=dest))
    try:
        for file in files:
            path = work / name / file.path if file.path else work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as out:
                for chunk in read(file):
                    done += len(chunk)
                    if done > SIZE_LIMIT:
                        raise _too_much("more than 2 GiB")
                    out.write(chunk)
                    progress.step(done / expected if expected else 0.5, f"Reading {file.path or name}")
        (work / name).rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def _too_much(what: str) -> UserError:
    return UserError("The artefact is too large to be brought in.", f"It has {what}.",
                     "Bring in the model file alone, as a file.")
