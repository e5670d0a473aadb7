"""Syncing with a source of models: a real MLflow tracking server.

All registered models are pulled each time, because moving an alias does not touch a version's time stamp; every
alias move seen becomes a fact. Large syncs are several writes, each complete; a broken one is taken up again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from desktop_app.domain import canonical
from desktop_app.domain.canonical import Id, record
from desktop_app.domain.lineage import Edge, LineageRecord, Node, NodeKind
from desktop_app.domain.model import (
    AliasMoved,
    Artefact,
    DigestOf,
    ModelVersion,
    Pair,
    RegisteredModel,
    SourceIdentity,
    SourceRun,
    VersionRevised,
    unnamed,
)
from desktop_app.domain.source import SourceSynced
from desktop_app.domain.words import counted
from desktop_app.errors import Refused
from desktop_app.operations import artefacts
from desktop_app.operations.naming import Named
from desktop_app.operations.turns import Turn
from desktop_app.progress import Progress
from desktop_app.registry.reader import Reader
from desktop_app.registry.writer import Write
from desktop_app.workspace import Workspace

T = TypeVar("T")
FEW = 500  # versions in a snapshot up to which what is known of them is looked up one by one
BATCH = 100  # models or versions a write takes in; each brings a handful of facts


@record
class SyncReport:
    """What a sync found that was new."""

    source: str
    address: str
    models: int
    versions: int
    runs: int
    alias_moves: int
    note: str


class _Known:
    """What the registry already holds of a source, as far as a snapshot asks."""

    def __init__(self, workspace: Workspace, reader: Reader, source: str, snapshot: Any) -> None:
        self._reader, self._source, self._all = reader, source, len(snapshot.versions) > FEW
        self.people = Named(workspace, reader)
        models = [m.record for m in reader.all(RegisteredModel)]
        self.current = {m.model: m for m in models if _tag(m, "assaydesk.source") == source}
        self.models = {(m.name, _tag(m, "assaydesk.created")): m.model for m in self.current.values()}
        self.aliases: dict[Id, dict[str, str | None]] = {}
        for a in reader.all(AliasMoved):
            self.aliases.setdefault(a.record.model, {})[a.record.alias] = a.record.after
        versions = self._facts(ModelVersion, [_version_identity(source, v) for v in snapshot.versions])
        self.versions = {v.source.natural_keys: v.id for v in versions}
        self.said: dict[Id, tuple[str, tuple[Pair, ...]]] = {v.id: (v.description, v.tags) for v in versions}
        for v in versions:
            for revised in reader.all(VersionRevised, v.id):
                self.said[v.id] = (revised.record.description, revised.record.tags)
        runs = self._facts(SourceRun, [_run_identity(source, r) for r in snapshot.runs])
        self.runs = {r.source.name: r.id for r in runs}

    def _facts(self, cls: type[T], wanted: list[SourceIdentity]) -> list[T]:
        """The facts of these things at the source: one by one when they are few, else in one pass."""
        if self._all:
            return [f.record for f in self._reader.all(cls) if f.record.source.source == self._source]  # type: ignore[attr-defined]
        return [f.record for identity in wanted for f in self._reader.all(cls, identity.natural_keys[0])]


def _tag(model: RegisteredModel, key: str) -> str:
    return next((t.value for t in model.tags if t.key == key), "")


def _version_identity(source: str, version: Any) -> SourceIdentity:
    return SourceIdentity(source=source, name=version.name, version=version.label, created=str(version.created))


def _run_identity(source: str, run: Any) -> SourceIdentity:
    return SourceIdentity(source=source, name=run.run_id, version="", created=str(run.started or ""))


def sync(
    workspace: Workspace, tracking_uri: str, progress: Progress | None = None, *, full: bool = False,
) -> SyncReport:
    """Take in what is new on an MLflow tracking server.

    Raises UserError, Unreachable, Cancelled; StaleError when somebody else syncs with it at the same time.

    full: read every version again, not only those with a newer time stamp: a tag set on a version touches none.
    """
    from desktop_app.sources.mlflow import MlflowSource

    progress = progress or Progress()
    with MlflowSource(tracking_uri) as source:
        with workspace.store.read() as reader:
            turn = Turn(workspace, reader, source.identity, "syncing with this server")
            marks = [s.record.watermark for s in reader.all(SourceSynced) if s.record.source == source.identity]
        snapshot = source.fetch(max(marks) if marks and not full else None, progress.part(0.0, 0.7))
        with workspace.store.read() as reader:
            known = _Known(workspace, reader, source.identity, snapshot)
        making = _Making(workspace, source.identity, known, snapshot)
        _take_in(turn, making, progress.part(0.7, 1.0))
        return _conclude(workspace, turn, source.identity, source.address.base, snapshot, making)


def _take_in(turn: Turn, making: _Making, progress: Progress) -> None:
    jobs: list[tuple[str, list[Callable[[Write], None]]]] = [
        ("models", list(making.models())), ("runs", list(making.runs())), ("versions", list(making.versions())),
        ("aliases", list(making.aliases())),
    ]
    total = sum(len(steps) for _, steps in jobs)
    done = 0
    for what, steps in jobs:
        for batch in _batches(steps):
            with turn.write("source.read", f"Took in {what}") as write:
                making.meet(write)
                for step in batch:
                    step(write)
            done += len(batch)
            progress.step(done / max(1, total), f"{done:,} of {total:,} records")


def _batches(steps: list[Callable[[Write], None]]) -> Iterator[list[Callable[[Write], None]]]:
    for start in range(0, len(steps), BATCH):
        yield steps[start:start + BATCH]


def _conclude(
    workspace: Workspace, turn: Turn, identity: str, address: str, snapshot: Any, making: _Making,
) -> SyncReport:
    counts = making.counts
    found = (("models", "model"), ("versions", "version"), ("runs", "run"), ("aliases", "alias move"))
    note = f"Synced {address}: {', '.join(counted(counts[key], one) for key, one in found)} new"
    report = SyncReport(source=identity, address=address, models=counts["models"], versions=counts["versions"],
                        runs=counts["runs"], alias_moves=counts["aliases"], note=note)
    with turn.write("source.synced", note) as write:
        write.add(SourceSynced(
            id=workspace.store.new_id(), source=identity, address=address, watermark=snapshot.watermark,
            models=report.models, versions=report.versions, runs=report.runs, alias_moves=report.alias_moves))
    return report


class _Making:
    """The facts to make of a snapshot, as steps that each add a few to a write."""

    def __init__(self, workspace: Workspace, source: str, known: _Known, snapshot: Any) -> None:
        self._new_id, self._source, self._known, self._snapshot = workspace.store.new_id, source, known, snapshot
        self.counts = {"models": 0, "versions": 0, "runs": 0, "aliases": 0}
        self._model_ids = {m.name: self._model_id(m) for m in snapshot.models}
        self._logged = {m.model_id: m for m in snapshot.logged_models}
        self._run_names = {r.run_id: r.name or r.run_id for r in snapshot.runs}

    def _model_id(self, model: Any) -> Id:
        return self._known.models.get((model.name, str(model.created))) or self._new_id()

    def meet(self, write: Write) -> None:
        """Know everybody whom others have named since."""
        self._known.people.meet(write.reader)

    def models(self) -> Iterator[Callable[[Write], None]]:
        """A revision for every registered model that is new, or whose description or tags changed."""
        for model in self._snapshot.models:
            model_id = self._model_ids[model.name]
            before = self._known.current.get(model_id)
            if before is None or _differs(before, model, self._source):
                self.counts["models"] += before is None
                yield self._model_step(model, model_id, before)

    def _model_step(self, model: Any, model_id: Id, before: RegisteredModel | None) -> Callable[[Write], None]:
        tags = _source_tags(model, self._source)
        new = RegisteredModel(id=self._new_id(), model=model_id, revision=1, name=model.name,
                              description=model.description, tags=tags)
        if before:
            new = replace(before, id=new.id, revision=before.revision + 1, description=model.description, tags=tags)
        return lambda write: write.add(new)

    def runs(self) -> Iterator[Callable[[Write], None]]:
        """Every run behind a version that is new or changed."""
        model_of = {v.run_id: self._model_ids[v.name] for v in self._snapshot.versions if v.name in self._model_ids}
        for run in self._snapshot.runs:
            if run.run_id in self._known.runs:
                continue
            self.counts["runs"] += 1
            run_id = self._new_id()
            yield self._run_step(run, run_id, model_of.get(run.run_id))
            self._known.runs[run.run_id] = run_id

    def _run_step(self, run: Any, run_id: Id, model: Id | None) -> Callable[[Write], None]:
        def add(write: Write) -> None:
            user = self._known.people.add(write, run.user, "source")
            write.add(SourceRun(
                id=run_id, model=model, name=run.name or run.run_id, status=run.status, started=_time(run.started),
                ended=_time(run.ended), user=user, params=run.params, metrics=run.metrics,
                tags=_foreign(run.tags, run.user), source=_run_identity(self._source, run)))
            if run.datasets:
                write.add(self._datasets(run, run_id, model))
        return add

    def _datasets(self, run: Any, run_id: Id, model: Id | None) -> LineageRecord:
        nodes = [Node(key=run_id, kind=NodeKind.RUN, name=run.name or run.run_id, detail=run.status.lower())]
        edges = []
        for data in run.datasets:
            key = f"dataset:{self._source}:{data.name}@{data.digest}"
            nodes.append(Node(key=key, kind=NodeKind.DATASET, name=data.name or "dataset", detail=data.digest))
            edges.append(Edge(effect=run_id, relation="used", cause=key, role=data.context))
        return LineageRecord(id=self._new_id(), model=model, source=self._source, event=run.run_id, nodes=tuple(nodes),
                             edges=tuple(edges))

    def versions(self) -> Iterator[Callable[[Write], None]]:
        """Every version that is new, with its run and its logged model; and what changed of the others."""
        for version in self._snapshot.versions:
            key = _version_identity(self._source, version).natural_keys
            if version.name not in self._model_ids:
                continue
            if key in self._known.versions:
                yield from self._revision(version, self._known.versions[key])
                continue
            self.counts["versions"] += 1
            self._known.versions[key] = self._new_id()
            yield self._version_step(version, self._known.versions[key])

    def _revision(self, version: Any, version_id: Id) -> Iterator[Callable[[Write], None]]:
        """A known version of which the source now says something else."""
        said = (version.description, _foreign(version.tags, version.user))
        if self._known.said.get(version_id) != said:
            revised = VersionRevised(id=self._new_id(), model=self._model_ids[version.name], version=version_id,
                                     description=said[0], tags=said[1])
            yield lambda write: write.add(revised)

    def _version_step(self, version: Any, version_id: Id) -> Callable[[Write], None]:
        model, run = self._model_ids[version.name], self._known.runs.get(version.run_id)
        logged = self._logged.get(version.model_id)
        pairs = {p.key: p for p in (*(logged.metrics if logged else ()), *version.metrics)}
        new = ModelVersion(
            id=version_id, model=model, label=version.label, run=run, created=_time(version.created),
            description=version.description, params=tuple(version.params) or (logged.params if logged else ()),
            metrics=tuple(pairs.values()), tags=_foreign(version.tags, version.user),
            artefact=Artefact(digest=canonical.digest(version), of=DigestOf.SOURCE, uri=version.uri),
            source=_version_identity(self._source, version))
        here = Node(key=version_id, kind=NodeKind.VERSION, name=f"{version.name} {version.label}", detail="mlflow")
        made_by = LineageRecord(
            id=self._new_id(), model=model, source=self._source, event=f"{version.name} {version.label}",
            nodes=(here, self._run_node(version, run)) if run else (here,),
            edges=(Edge(effect=version_id, relation="generated_by", cause=run),) if run else ())

        def add(write: Write) -> None:
            user = self._known.people.add(write, version.user, "source")
            write.add(replace(new, developers=(user,) if user else ()), made_by)
        return add

    def _run_node(self, version: Any, run: Id) -> Node:
        return Node(key=run, kind=NodeKind.RUN, name=self._run_names.get(version.run_id, version.run_id), detail="run")

    def aliases(self) -> Iterator[Callable[[Write], None]]:
        """Every alias that points elsewhere than when we last looked, appeared, or is gone."""
        for model in self._snapshot.models:
            model_id = self._model_ids[model.name]
            before = self._known.aliases.get(model_id, {})
            now = {a.key: a.value for a in model.aliases}
            for alias in sorted(before.keys() | now.keys()):
                if before.get(alias) != now.get(alias):
                    self.counts["aliases"] += 1
                    yield self._alias_step(model_id, alias, before.get(alias), now.get(alias))

    def _alias_step(self, model: Id, alias: str, before: str | None, after: str | None) -> Callable[[Write], None]:
        moved = AliasMoved(id=self._new_id(), model=model, alias=alias, before=before, after=after)
        return lambda write: write.add(moved)


def _source_tags(model: Any, source: str) -> tuple[Pair, ...]:
    ours = (Pair(key="assaydesk.created", value=str(model.created)), Pair(key="assaydesk.source", value=source))
    return (*_foreign(model.tags), *ours)


def _foreign(tags: tuple[Pair, ...], *people: str) -> tuple[Pair, ...]:
    """A source's tags, without any that pretend to be ours, and without what names people."""
    return unnamed((t for t in tags if not t.key.startswith("assaydesk.")), *people)


def _differs(before: RegisteredModel, model: Any, source: str) -> bool:
    return (before.description, before.tags) != (model.description, _source_tags(model, source))


def _time(milliseconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None


def fetch_artefact(
    workspace: Workspace, version: Id, tracking_uri: str | None = None, progress: Progress | None = None,
) -> Id:
    """Bring the artefact of an MLflow version here, digest and scan it. Returns the id of the scan.

    tracking_uri: where to ask; else the address of the last sync from that source.
    """
    from desktop_app.sources.mlflow import MlflowSource

    progress = progress or Progress()
    with workspace.store.read() as reader:
        exact = reader.get(ModelVersion, version).record
        synced = [s.record for s in reader.all(SourceSynced) if s.record.source == exact.source.source]
    if not synced:
        raise Refused("This version does not come from a server that was synced.", exact.source.source,
                      "Choose its file by hand.")
    with MlflowSource(tracking_uri or synced[-1].address) as source, tempfile.TemporaryDirectory() as folder:
        snapshot = source.fetch(int(exact.source.created) - 1, progress.part(0.0, 0.4))
        wanted = (exact.source.name, exact.source.version, exact.source.created)
        found = [v for v in snapshot.versions if (v.name, v.label, str(v.created)) == wanted]
        if not found:
            raise Refused("The server no longer has this version.", f"{exact.source.name} {exact.source.version}",
                          "Choose its file by hand.")
        path = source.download_artifact(found[0], Path(folder), progress.part(0.4, 0.8))
        return artefacts.resolve(workspace, version, path, progress.part(0.8, 1.0))


def sources(workspace: Workspace) -> tuple[SourceSynced, ...]:
    """The last sync of every source."""
    with workspace.store.read() as reader:
        last = {s.record.source: s.record for s in reader.all(SourceSynced)}
    return tuple(last.values())
