"""MLflow's JSON → records, trusting none of it: a reply of the wrong shape raises `Misshapen`.

Field names and forms are those of MLflow's protobuf messages as its REST API prints them (model_registry.proto,
service.proto): int64 may come as a number or as digits in quotes, a double as a number or "NaN"/"Infinity".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from desktop_app.domain.canonical import number
from desktop_app.domain.model import Pair
from desktop_app.sources.records import (
    TEXT_LIMIT,
    SourceDataset,
    SourceLoggedModel,
    SourceModel,
    SourceRunRead,
    SourceVersion,
)

T = TypeVar("T")
NAME_LIMIT = 1_000  # a name or id is never cut, since it would become another one
CONTEXT_TAG = "mlflow.data.context"


class Misshapen(ValueError):
    """A reply is not what MLflow sends; the text says what was wrong."""


def clipped(text: str) -> str:
    """Text as it may be stored: no lone surrogates or NUL, cut visibly at TEXT_LIMIT characters."""
    clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")
    return clean if len(clean) <= TEXT_LIMIT else f"{clean[:TEXT_LIMIT]} … [cut: {len(clean):,} characters]"


def mapping(value: Any, what: str) -> dict[str, Any]:
    """`value` as a JSON object; absent is empty."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Misshapen(f"{what} is not an object")
    return value


def items(said: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The list of objects under `key`; absent is empty."""
    value = said.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Misshapen(f"“{key}” is not a list")
    return [mapping(v if v is not None else "", f"an entry of “{key}”") for v in value]


def text(said: dict[str, Any], key: str) -> str:
    """The text under `key`, clipped; absent is empty."""
    value = said.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Misshapen(f"“{key}” is not text")
    return value if value.isascii() and len(value) <= TEXT_LIMIT and "\0" not in value else clipped(value)


def name(said: dict[str, Any], key: str, *, required: bool = False) -> str:
    """The name or id under `key`, which must be short and printable."""
    value = said.get(key)
    value = str(value) if type(value) is int else value
    if value is None or value == "":
        if required:
            raise Misshapen(f"“{key}” is missing")
        return ""
    if not isinstance(value, str) or len(value) > NAME_LIMIT or clipped(value) != value:
        raise Misshapen(f"“{key}” is not a usable name")
    return value


def milliseconds(said: dict[str, Any], key: str) -> int | None:
    """The time (or another int64 that is not negative) under `key`; absent or 0 is None."""
    value = said.get(key)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 17:
        value = int(value)
    if value is None or value == 0:
        return None
    if type(value) is not int or not 0 < value < 2**53:
        raise Misshapen(f"“{key}” is not a number as expected")
    return value


def pairs(said: dict[str, Any], key: str, label: str = "key", value: str = "value") -> tuple[Pair, ...]:
    """Tags, parameters or aliases, sorted by key; of a key given twice the last counts."""
    found = {name(entry, label, required=True): text(entry, value) for entry in items(said, key)}
    return tuple(Pair(key=k, value=found[k]) for k in sorted(found))


def metrics(said: dict[str, Any], key: str = "metrics") -> tuple[Pair, ...]:
    """Latest metrics as shortest reprs; of a key given for several datasets each is kept, the dataset in the key."""
    found: dict[str, str] = {}
    for entry in items(said, key):
        label = name(entry, "key", required=True)
        dataset = name(entry, "dataset_name")
        found[f"{label} [{dataset}]" if dataset else label] = _double(entry.get("value", 0.0))
    return tuple(Pair(key=k, value=found[k]) for k in sorted(found))


def _double(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            plain = number(float(value))
        except OverflowError:
            plain = None
        return plain or ("NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity")
    if value in ("NaN", "Infinity", "-Infinity"):
        return str(value)
    raise Misshapen("a metric is not a number")


def model(said: dict[str, Any]) -> SourceModel:
    """A registered model."""
    return SourceModel(
        name=name(said, "name", required=True), description=text(said, "description"),
        created=milliseconds(said, "creation_timestamp") or 0,
        updated=milliseconds(said, "last_updated_timestamp") or 0,
        aliases=pairs(said, "aliases", "alias", "version"), tags=pairs(said, "tags"))


def version(said: dict[str, Any]) -> SourceVersion:
    """A model version; in MLflow 3 its logged model is named by its source `models:/m-…`."""
    uri = text(said, "source")
    created = milliseconds(said, "creation_timestamp") or 0
    return SourceVersion(
        name=name(said, "name", required=True), label=name(said, "version", required=True),
        run_id=name(said, "run_id"), model_id=name(said, "model_id") or model_id_in(uri), uri=uri,
        status=text(said, "status"), stage=text(said, "current_stage"), user=text(said, "user_id"),
        created=created, updated=milliseconds(said, "last_updated_timestamp") or created,
        description=text(said, "description"), tags=pairs(said, "tags"),
        params=pairs(said, "model_params", "name"), metrics=metrics(said, "model_metrics"))


def model_id_in(uri: str) -> str:
    """The id of the logged model that a `models:/m-…` URI names, else empty."""
    rest = uri.removeprefix("models:/")
    return rest if rest != uri and rest.startswith("m-") and "/" not in rest and len(rest) <= NAME_LIMIT else ""


def run(said: dict[str, Any]) -> SourceRunRead:
    """A run with its inputs and outputs (as `runs/get` and `runs/search` give it)."""
    info, data = mapping(said.get("info"), "info"), mapping(said.get("data"), "data")
    inputs, outputs = mapping(said.get("inputs"), "inputs"), mapping(said.get("outputs"), "outputs")
    return SourceRunRead(
        run_id=name(info, "run_id") or name(info, "run_uuid", required=True),
        experiment_id=name(info, "experiment_id"), name=text(info, "run_name"), status=text(info, "status"),
        user=text(info, "user_id"), started=milliseconds(info, "start_time"), ended=milliseconds(info, "end_time"),
        artifact_uri=text(info, "artifact_uri"), deleted=info.get("lifecycle_stage") == "deleted",
        params=pairs(data, "params"), metrics=metrics(data), tags=pairs(data, "tags"),
        datasets=tuple(dataset(d) for d in items(inputs, "dataset_inputs")),
        model_inputs=tuple(name(m, "model_id", required=True) for m in items(inputs, "model_inputs")),
        model_outputs=tuple(name(m, "model_id", required=True) for m in items(outputs, "model_outputs")))


def dataset(said: dict[str, Any]) -> SourceDataset:
    """A dataset input; its context is a tag of the input."""
    what = mapping(said.get("dataset"), "dataset")
    tags = {p.key: p.value for p in pairs(said, "tags")}
    return SourceDataset(
        name=name(what, "name", required=True), digest=name(what, "digest"), source_type=text(what, "source_type"),
        source=text(what, "source"), schema=text(what, "schema"), profile=text(what, "profile"),
        context=tags.get(CONTEXT_TAG, ""))


def logged_model(said: dict[str, Any]) -> SourceLoggedModel:
    """A logged model (MLflow 3)."""
    info, data = mapping(said.get("info"), "info"), mapping(said.get("data"), "data")
    created = milliseconds(info, "creation_timestamp_ms") or 0
    return SourceLoggedModel(
        model_id=name(info, "model_id", required=True), name=text(info, "name"), run_id=name(info, "source_run_id"),
        artifact_uri=text(info, "artifact_uri"), model_type=text(info, "model_type"), status=text(info, "status"),
        created=created, updated=milliseconds(info, "last_updated_timestamp_ms") or created,
        params=pairs(data, "params"), metrics=metrics(data), tags=pairs(info, "tags"))


def page(reply: Any, key: str, parse: Callable[[dict[str, Any]], T]) -> tuple[list[T], str]:
    """The records of one page and the token of the next, empty on the last."""
    said = mapping(reply, "the reply")
    return [parse(entry) for entry in items(said, key)], name(said, "next_page_token")

