"""What an MLflow tracking server says, as frozen records: nothing of its JSON leaves this room.

Times are milliseconds since 1970 in UTC as the server gives them. Text of unknown origin is cut visibly at
`TEXT_LIMIT` characters. Tags, parameters and metrics are sorted by key, so that equal states compare equal.
"""

from __future__ import annotations

from desktop_app.domain.canonical import record
from desktop_app.domain.model import Pair

TEXT_LIMIT = 5_000


@record
class SourceModel:
    """A registered model with its aliases (alias → version label)."""

    name: str
    description: str
    created: int
    updated: int
    aliases: tuple[Pair, ...] = ()
    tags: tuple[Pair, ...] = ()


@record
class SourceVersion:
    """A version of a registered model. `model_id` is its logged model in MLflow 3, else empty."""

    name: str
    label: str
    run_id: str
    model_id: str
    uri: str
    status: str
    stage: str  # the legacy stage, "None" in MLflow 3
    user: str
    created: int
    updated: int
    description: str = ""
    tags: tuple[Pair, ...] = ()
    params: tuple[Pair, ...] = ()  # only filled by servers that keep them with the version
    metrics: tuple[Pair, ...] = ()


@record
class SourceDataset:
    """A dataset that went into a run; `digest` is what MLflow calls its digest, `context` e.g. "training"."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str
    profile: str
    context: str


@record
class SourceRunRead:
    """A run behind a version. Metrics are the latest values; `deleted` runs are kept by the server for a while."""

    run_id: str
    experiment_id: str
    name: str
    status: str
    user: str
    started: int | None
    ended: int | None
    artifact_uri: str
    deleted: bool
    params: tuple[Pair, ...] = ()
    metrics: tuple[Pair, ...] = ()
    tags: tuple[Pair, ...] = ()
    datasets: tuple[SourceDataset, ...] = ()
    model_inputs: tuple[str, ...] = ()  # ids of logged models
    model_outputs: tuple[str, ...] = ()


@record
class SourceLoggedModel:
    """A logged model (MLflow 3): what a run produced, apart from whether it was registered."""

    model_id: str
    name: str
    run_id: str
    artifact_uri: str
    model_type: str
    status: str
    created: int
    updated: int
    params: tuple[Pair, ...] = ()
    metrics: tuple[Pair, ...] = ()
    tags: tuple[Pair, ...] = ()


@record
class SourceCounts:
    """What was read, and what the server no longer has although something points at it."""

    models: int
    aliases: int
    versions: int
    runs: int
    logged_models: int
    runs_missing: int
    logged_models_missing: int


@record
class Snapshot:
    """What a server said in one fetch. `watermark`: pass it as `since` next time."""

    models: tuple[SourceModel, ...]
    versions: tuple[SourceVersion, ...]
    runs: tuple[SourceRunRead, ...]
    logged_models: tuple[SourceLoggedModel, ...]
    watermark: int
    counts: SourceCounts
