"""Record → canonical bytes → digest, and back.

The bytes are RFC 8785 (JCS) on a narrow domain where the standard library's JSON already is canonical:
no floats (a measurement is its shortest `repr` as a string), integers below 2^53, ASCII snake_case keys,
NFC text. Whatever lies outside is refused at the border. Stored bytes are hashed as they are and never
re-encoded, and a field that a later version adds (`later`) is left out while it has its default, so that what is
recorded keeps its digest.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import secrets
import types
import typing
import unicodedata
from collections.abc import Callable, Hashable
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, NewType, TypeVar, cast, dataclass_transform

Id = NewType("Id", str)  # made by the client, never reused: 48 bits of milliseconds, 80 random bits (as ULID)
Digest = NewType("Digest", str)  # SHA-256 in 64 hexadecimal digits
Number = NewType("Number", str)  # shortest repr of a finite float

R = TypeVar("R")
T = TypeVar("T")
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")
_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")
_KEY = re.compile(r"[a-z][a-z0-9_]*\Z")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
FORMAT = 1  # of every fact and entry body

FACTS: dict[str, type[Any]] = {}  # kind → record class


class NotCanonical(ValueError):
    """The value has no canonical form here, or the bytes are not canonical."""


def later(*, default: Any) -> Any:
    """A field that a kind was given after it was first recorded: not in the bytes while it has its default."""
    return field(default=default, metadata={"later": True})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(later, field))
def record(cls: type[T]) -> type[T]:
    """A frozen, keyword-only dataclass: a part of facts."""
    return dataclass(frozen=True, kw_only=True)(cls)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(later, field))
def fact(kind: str) -> typing.Callable[[type[T]], type[T]]:
    """A record that stands by itself in the registry under `kind`; its first field is `id: Id`."""

    def register(cls: type[T]) -> type[T]:
        made = record(cls)
        made.kind = kind  # type: ignore[attr-defined]
        FACTS[kind] = made
        return made

    return register


def new_id(now: datetime) -> Id:
    """A new id: 26 lower-case Crockford base-32 digits, sorted by the millisecond it was made in."""
    n = int(now.timestamp() * 1000) << 80 | secrets.randbits(80)
    return Id("".join(_CROCKFORD[n >> shift & 31] for shift in range(125, -1, -5)))


def number(value: float | None) -> Number | None:
    """A measurement as it is recorded: shortest repr, or None where there is no finite value."""
    return None if value is None or not math.isfinite(value) else Number(repr(float(value)))


def kind_of(what: Any) -> str:
    """The kind of a fact record or of a fact class."""
    return str(what.kind)


def sha256(data: bytes) -> Digest:
    """SHA-256 of bytes, in hexadecimal."""
    return Digest(hashlib.sha256(data).hexdigest())


def file_sha256(file: Path) -> Digest:
    """SHA-256 of a file of any size, in hexadecimal. Raises OSError."""
    with file.open("rb") as opened:
        return Digest(hashlib.file_digest(opened, "sha256").hexdigest())


def utc_text(moment: datetime) -> str:
    """UTC with microseconds, `2026-11-20T17:36:05.123456Z`. Raises NotCanonical for a time without a zone."""
    if moment.tzinfo is None:
        raise NotCanonical("a time needs a zone")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def day_text(day: date) -> str:
    """A day as it is written for people, `12 Mar 2027`: in every locale alike, since paper is drawn again elsewhere."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year:04}"


def parse_utc(text: str) -> datetime:
    """The inverse of `utc_text`. Raises NotCanonical."""
    try:
        if _UTC.match(text):
            return datetime.fromisoformat(text)
    except (ValueError, TypeError) as error:
        raise NotCanonical(f"not a UTC time: {text!r}") from error
    raise NotCanonical(f"not a UTC time: {text!r}")


def _parse_day(text: str) -> date:
    if not _DAY.match(text):
        raise ValueError(f"not a day: {text!r}")
    return date.fromisoformat(text)


def plain(value: Any) -> Any:
    """A record as the plain values (dict, list, str, int, bool, None) that its bytes are made of."""
    kind = type(value)
    if kind is str:
        return unicodedata.normalize("NFC", value)
    if value is None or kind is bool:
        return value
    if kind in (tuple, list):
        return [plain(v) for v in value]
    if is_dataclass(value):
        head = {"kind": kind_of(value), "v": FORMAT} if is_fact(value) else {}
        unsaid = _later(cast(Any, kind))
        said = ((name, getattr(value, name)) for name in _hints(cast(Any, kind)))
        return head | {name: plain(v) for name, v in said if name not in unsaid or v != unsaid[name]}
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, str):
        return unicodedata.normalize("NFC", str(value))
    if isinstance(value, int):
        if abs(value) >= 2**53:
            raise NotCanonical(f"integer out of range: {value}")
        return value
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {_key(k): plain(v) for k, v in value.items()}
    raise NotCanonical(f"no canonical form for {type(value).__name__}")


def is_fact(value: Any) -> bool:
    """Whether this record stands by itself in the registry."""
    return FACTS.get(getattr(value, "kind", "")) is type(value)


def _key(key: Any) -> str:
    if not isinstance(key, str) or not _KEY.match(key):
        raise NotCanonical(f"not an ASCII snake_case key: {key!r}")
    return key


def encode(value: Any) -> bytes:
    """The canonical bytes of a record or of plain values (RFC 8785). Raises NotCanonical."""
    return jcs(plain(value))


def jcs(value: Any) -> bytes:
    """RFC 8785 bytes of JSON values without floats whose keys are ASCII (an in-toto statement has camelCase)."""
    try:
        return json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotCanonical("text holds a lone surrogate") from error


def digest(value: Any) -> Digest:
    """SHA-256 over the canonical bytes of a record."""
    return sha256(encode(value))


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise NotCanonical("duplicate keys")
    return out


def _no_floats(text: str) -> Any:
    raise NotCanonical(f"a float in a record: {text}")


def parse(data: bytes) -> Any:
    """Plain values from canonical bytes. Raises NotCanonical when the bytes are not exactly canonical."""
    try:
        value = json.loads(
            data, object_pairs_hook=_no_duplicates, parse_float=_no_floats, parse_constant=_no_floats
        )
        again = encode(value)
    except (ValueError, RecursionError) as error:
        raise NotCanonical(str(error)) from error
    if again != data:
        raise NotCanonical("the bytes are not in canonical form")
    return value


def load(data: bytes) -> Any:
    """The fact record in canonical bytes. Raises NotCanonical for an unknown kind or a misfit."""
    return _fact_of(parse(data))


def read(text: str) -> Any:
    """The fact record in text as the registry keeps it. That its bytes are canonical is the verifier's to check."""
    return _fact_of(json.loads(text))


def _fact_of(value: Any) -> Any:
    kind, version = (value.pop("kind", ""), value.pop("v", 0)) if isinstance(value, dict) else ("", 0)
    if not isinstance(kind, str) or kind not in FACTS or type(version) is not int or version != FORMAT:
        raise NotCanonical("not a fact this version of the program knows")
    return build(FACTS[kind], value)


def build(cls: type[R], value: Any) -> R:
    """A record of class `cls` from plain values. Raises NotCanonical when they do not fit."""
    readers, required = _shape(cast(Any, cls))
    if not isinstance(value, dict) or not value.keys() <= readers.keys():
        raise NotCanonical(f"not a {cls.__name__}: {sorted(value) if isinstance(value, dict) else value!r}")
    if missing := required - value.keys():
        raise NotCanonical(f"{cls.__name__} lacks {', '.join(sorted(missing))}")
    return cls(**{name: readers[name](item) for name, item in value.items()})


@cache
def _hints(cls: Hashable) -> dict[str, Any]:
    wanted = {f.name for f in fields(cast(Any, cls))}
    return {name: hint for name, hint in typing.get_type_hints(cls).items() if name in wanted}


@cache
def _later(cls: Hashable) -> dict[str, Any]:
    """The fields made by `later`, with their defaults."""
    return {f.name: f.default for f in fields(cast(Any, cls)) if f.metadata.get("later")}


Read = Callable[[Any], Any]


@cache
def _shape(cls: Hashable) -> tuple[dict[str, Read], frozenset[str]]:
    """How each field of a record is read, and which must be there."""
    every = fields(cast(Any, cls))
    required = frozenset(f.name for f in every if f.default is MISSING and f.default_factory is MISSING)
    return {name: _reader(hint) for name, hint in _hints(cls).items()}, required


@cache
def _reader(hint: Any) -> Read:
    """How a value of an annotated field is read."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        inner = _reader(next(a for a in typing.get_args(hint) if a is not type(None)))
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        return _tuple_reader(typing.get_args(hint))
    plain_type = getattr(hint, "__supertype__", hint)
    if plain_type is datetime:
        return parse_utc
    if is_dataclass(plain_type):
        return lambda value: build(cast(type[Any], plain_type), value)
    if not isinstance(plain_type, type):
        raise NotCanonical(f"no reading for {hint!r}")
    if plain_type is date:
        return _translated(_parse_day)
    if issubclass(plain_type, Enum):
        return _translated(plain_type)
    return _exactly(plain_type)


def _tuple_reader(args: tuple[Any, ...]) -> Read:
    if args[-1] is not Ellipsis:
        each = tuple(_reader(a) for a in args)
        return lambda value: tuple(r(v) for r, v in zip(each, _list(value, len(each)), strict=True))
    one = _reader(args[0])
    return lambda value: tuple(map(one, _list(value, None)))


def _list(value: Any, length: int | None) -> list[Any]:
    if not isinstance(value, list) or (length is not None and len(value) != length):
        raise NotCanonical(f"not a list{f' of {length}' if length is not None else ''}: {value!r}")
    return value


def _translated(read: Read) -> Read:
    def reader(value: Any) -> Any:
        try:
            return read(value)
        except (ValueError, TypeError) as error:
            raise NotCanonical(str(error)) from error

    return reader


def _exactly(wanted: type[Any]) -> Read:
    def reader(value: Any) -> Any:
        if type(value) is not wanted:
            raise NotCanonical(f"{value!r} is not {wanted.__name__}")
        return value

    return reader


def mentions(value: Any) -> frozenset[Id]:
    """The ids of other things that a record names: what the fact is about (its own id is left out).

    A part with `natural_keys` (what a thing is called at its source) is found by those too.
    """
    found: set[Id] = set()
    _collect(value, found)
    return frozenset(found - {getattr(value, "id", None), Id("")})


def _collect(value: Any, found: set[Id]) -> None:
    for name, hint in _hints(cast(Any, type(value))).items():
        item = getattr(value, name)
        if item is None:
            continue
        flat = typing.get_args(hint) or (hint,)
        if Id in flat:
            found.update(item if isinstance(item, tuple) else (item,))
        elif is_dataclass(item):
            found.update(getattr(item, "natural_keys", ()))
            _collect(item, found)
        elif isinstance(item, tuple):
            for part in item:
                if is_dataclass(part):
                    _collect(part, found)
