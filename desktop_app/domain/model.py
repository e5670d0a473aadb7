"""Registered models, their exact versions, and what their source says of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum

from desktop_app.domain.canonical import Digest, Id, fact, record
from desktop_app.domain.person import naming


class Nature(StrEnum):
    """Whether the thing is a model at all (SR 26-2, SS1/23 1.1)."""

    MODEL = "model"
    NOT_A_MODEL = "not_a_model"
    UNDETERMINED = "undetermined"


class Origin(StrEnum):
    """Who made it."""

    INTERNAL = "internal"
    VENDOR = "vendor"
    OPEN_SOURCE = "open_source"
    HYBRID = "hybrid"


@record
class Pair:
    """A foreign key with its value, as text (tags, parameters, metrics of a source)."""

    key: str
    value: str


LEFT_OUT = "(left out: it may name a person)"
_OF_PEOPLE = frozenset((
    "user", "owner", "author", "creator", "developer", "contact", "mail", "email", "approver", "reviewer", "validator",
    "assignee", "person", "delegate", "steward", "manager", "custodian"))


def unnamed(pairs: Iterable[Pair], *people: str) -> tuple[Pair, ...]:
    """Foreign pairs as facts may hold them, which can never be erased: values under a key that is one of people
    (mlflow.user, "Contact person"), that name one of `people`, or that hold a mail address are left out, and say so.
    """
    names = naming(*people)
    return tuple(Pair(key=p.key, value=LEFT_OUT) if p.value and (
        _OF_PEOPLE & set(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", p.key).lower()))
        or re.search(r"\w@\w", p.value) or names(p.value)) else p for p in pairs)


@fact("model")
class RegisteredModel:
    """One revision of what is known of a registered model; `model` is the same for all of them."""

    id: Id
    model: Id
    revision: int
    name: str
    description: str = ""
    nature: Nature = Nature.MODEL
    nature_reason: str = ""
    origin: Origin = Origin.INTERNAL
    technique: str = ""
    vendor: str = ""
    entity: str = ""
    business_line: str = ""
    owner: Id | None = None
    developer: Id | None = None
    family: Id | None = None  # the model this one is a segment of
    segment: str = ""
    inventory_number: str = ""  # its id in the inventory it came from
    tags: tuple[Pair, ...] = ()


class DigestOf(StrEnum):
    """What a version's digest was taken over; the record always says which."""

    ARTEFACT = "artefact"
    DOCUMENTS = "documents"
    RECORD = "inventory_record"
    SOURCE = "source_record"


@record
class Artefact:
    """What exactly a version is."""

    digest: Digest
    of: DigestOf
    uri: str = ""
    format: str = ""  # skops | onnx | xgboost | lightgbm | pickle | unknown
    size: int = 0


@record
class SourceIdentity:
    """Which thing at a source: a deleted model can be made again as version 1, hence the creation time."""

    source: str  # e.g. "mlflow:<digest of the tracking URI>" or "inventory:<name>"
    name: str
    version: str
    created: str

    @property
    def natural_keys(self) -> tuple[Id, ...]:
        """What facts about this thing are indexed by besides their ids."""
        return (Id("\n".join((self.source, self.name, self.version, self.created))),)


@fact("version")
class ModelVersion:
    """One exact version of a registered model."""

    id: Id
    model: Id
    label: str
    artefact: Artefact
    source: SourceIdentity
    created: datetime | None = None
    run: Id | None = None
    developers: tuple[Id, ...] = ()
    change_of: Id | None = None
    description: str = ""
    params: tuple[Pair, ...] = ()
    metrics: tuple[Pair, ...] = ()
    tags: tuple[Pair, ...] = ()


@fact("version.revised")
class VersionRevised:
    """What a source says of a version has changed since; what the version exactly is has not."""

    id: Id
    model: Id
    version: Id
    description: str
    tags: tuple[Pair, ...]


@fact("artefact.resolved")
class ArtefactResolved:
    """The bytes of a version were read and digested; from now on this is what the version exactly is."""

    id: Id
    model: Id
    version: Id
    artefact: Artefact


@fact("run")
class SourceRun:
    """A training or evaluation run as its source recorded it."""

    id: Id
    model: Id | None
    source: SourceIdentity
    name: str
    status: str
    started: datetime | None = None
    ended: datetime | None = None
    user: Id | None = None
    params: tuple[Pair, ...] = ()
    metrics: tuple[Pair, ...] = ()
    tags: tuple[Pair, ...] = ()


@fact("alias.moved")
class AliasMoved:
    """An alias of a source points elsewhere than when we last looked (the source keeps no history)."""

    id: Id
    model: Id
    alias: str
    before: str | None  # version label
    after: str | None


class UseState(StrEnum):
    """What is really done with a version, apart from what was decided about it."""

    IN_USE = "in_use"
    PARALLEL_RUN = "parallel_run"
    PILOT = "pilot"
    NOT_IN_USE = "not_in_use"
    RETIRED = "retired"


@fact("in_use")
class InUse:
    """What is really in use: stated by a person or seen at a source."""

    id: Id
    model: Id
    version: Id
    use: Id
    state: UseState
    since: date | None = None
    basis: str = "asserted"  # asserted | observed
    note: str = ""
