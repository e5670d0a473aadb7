"""Records for tests, made from the type hints of their classes: hypothesis strategies and one fixed sample of each.

`python -m tests.unit.domain.records` adds kinds that tests/golden/facts.json does not hold yet. It never rewrites one:
what is recorded stays readable.
"""

from __future__ import annotations

import json
import types
import typing
import unicodedata
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from desktop_app.domain import canonical, kinds
from desktop_app.domain.canonical import Digest, Id, Number

assert kinds.MODULES
FIRST, LAST = datetime.fromisoformat("0001-01-02"), datetime.fromisoformat("9999-12-30")  # a day off, for time zones
GOLDEN = Path(__file__).parents[2] / "golden" / "facts.json"

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(lambda t: unicodedata.normalize("NFC", t))
IDS = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=26, max_size=26).map(Id)
LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    Id: IDS,
    Digest: st.binary(min_size=32, max_size=32).map(lambda b: Digest(b.hex())),
    Number: st.floats(allow_nan=False, allow_infinity=False).map(lambda x: Number(repr(x))),
    str: TEXTS,
    int: st.integers(-(2**53) + 1, 2**53 - 1),
    bool: st.booleans(),
    datetime: st.datetimes(min_value=FIRST, max_value=LAST, timezones=st.just(UTC)),
    date: st.dates(),
}


@cache
def values(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type hint as the domain uses them."""
    if hint in LEAVES:
        return LEAVES[hint]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        inner = [a for a in typing.get_args(hint) if a is not type(None)]
        return st.none() | values(inner[0])
    if typing.get_origin(hint) is tuple:
        args = typing.get_args(hint)
        if args[-1] is Ellipsis:
            return st.lists(values(args[0]), max_size=2).map(tuple)
        return st.tuples(*map(values, args))
    return st.sampled_from(list(hint)) if issubclass(hint, Enum) else records(hint)


@cache
def records(cls: type[Any]) -> st.SearchStrategy[Any]:
    """Any record of a class."""
    hints = typing.get_type_hints(cls)
    return st.builds(cls, **{f.name: values(hints[f.name]) for f in fields(cls)})


SAMPLES: dict[Any, Any] = {
    Id: Id("01kaf3zq0g000000000000test"), Digest: Digest("ab" * 32), Number: Number("0.1"), int: 3, bool: True,
    datetime: datetime(2026, 11, 20, 17, 36, 5, 123456, tzinfo=UTC), date: date(2026, 11, 20),
}


def sample(hint: Any, name: str = "") -> Any:
    """One fixed value: every field filled, every list with one member, every text its field's name and some traps."""
    if hint is str:
        return f"{name} é €𝄞 \"\\/<&>\n\u2028"
    if hint in SAMPLES:
        return SAMPLES[hint]
    args = typing.get_args(hint)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return sample(next(a for a in args if a is not type(None)), name)
    if typing.get_origin(hint) is tuple:
        return tuple(sample(a, name) for a in args if a is not Ellipsis)
    if issubclass(hint, Enum):
        return next(iter(hint))
    assert is_dataclass(hint)
    hints = typing.get_type_hints(hint)
    return hint(**{f.name: sample(hints[f.name], f.name) for f in fields(hint)})


def golden() -> dict[str, dict[str, str]]:
    """kind → {"body", "sha256"} as they were written on the first day."""
    return json.loads(GOLDEN.read_text("utf-8")) if GOLDEN.exists() else {}


def add_missing() -> None:
    """Write down the kinds that are not written down yet."""
    known = golden()
    for kind, cls in canonical.FACTS.items():
        if kind not in known:
            body = canonical.encode(sample(cls))
            known[kind] = {"body": body.decode("utf-8"), "sha256": canonical.sha256(body)}
    text = json.dumps(dict(sorted(known.items())), ensure_ascii=False, indent=1)
    GOLDEN.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    add_missing()
