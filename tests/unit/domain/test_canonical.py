"""Canonical bytes: RFC 8785 by an independent implementation, nothing outside the narrow domain, final formats."""

from __future__ import annotations

import hashlib
import json
import locale
import math
import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop_app.domain import canonical
from desktop_app.domain.approval import Condition
from desktop_app.domain.canonical import FACTS, Id, NotCanonical
from desktop_app.domain.dossier import Member
from desktop_app.domain.finding import FindingEvent, FindingState
from desktop_app.domain.model import Pair
from desktop_app.domain.person import Role, RoleGranted
from desktop_app.domain.use import Use
from tests.unit.domain.records import FIRST, IDS, LAST, TEXTS, golden, records, sample

WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)
KEYS = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
JSON = st.recursive(st.none() | st.booleans() | WHOLE | TEXTS,
                    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20)
USE = Use(id=Id("u"), model=Id("m"), purpose="Card lending")


@given(JSON)
def test_the_bytes_are_those_of_rfc8785(value):
    assert canonical.encode(value) == rfc8785.dumps(value)


@given(JSON)
def test_what_was_encoded_is_read_back(value):
    assert canonical.parse(canonical.encode(value)) == value


@given(st.dictionaries(st.from_regex(r"[A-Za-z_]{1,8}", fullmatch=True), JSON, max_size=4))
def test_statements_with_camel_case_keys_are_rfc8785_too(value):
    assert canonical.jcs(value) == rfc8785.dumps(value)


def test_the_examples_of_rfc8785_that_lie_in_the_narrow_domain():
    """RFC 8785 §3.2.3 (strings of the sample object) and §3.2.2 (literals), without its numbers and foreign keys."""
    string = "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/"
    given = {"string": string, "literals": [None, True, False]}
    written = r'''{"literals":[null,true,false],"string":"€$\u000f\nA'B\"\\\\\"/"}'''
    assert canonical.encode(given) == written.encode("utf-8")


@pytest.mark.parametrize("kind", sorted(FACTS))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_kind_of_fact_comes_back_as_it_went(kind, data):
    record = data.draw(records(FACTS[kind]))
    body = canonical.encode(record)
    assert body == rfc8785.dumps(json.loads(body))
    assert canonical.load(body) == record
    assert canonical.digest(record) == hashlib.sha256(body).hexdigest()


# ---- what is refused


@pytest.mark.parametrize("value", [
    1.0, 1e300, float("nan"), 2**53, -(2**53), {"Ü": 1}, {"camelCase": 1}, {"1": 1}, {1: 1}, {"": 1}, {"a\n": 1},
    "\ud800", ["\udfff"], {"a": "x\udc80"}, b"bytes", {1, 2}, object(), FIRST,
], ids=repr)
def test_what_lies_outside_has_no_bytes(value):
    with pytest.raises(NotCanonical):
        canonical.encode(value)


def test_the_greatest_whole_numbers_have_bytes():
    assert canonical.encode([2**53 - 1, -(2**53) + 1]) == b"[9007199254740991,-9007199254740991]"


@pytest.mark.parametrize("data", [
    b'{"a":1,"a":1}', b'{"b":1,"a":1}', b'{"a": 1}', b'{"a":1} ', b'{"a":1.0}', b'{"a":1e2}', b'{"a":NaN}',
    b'{"a":Infinity}', b'{"a":-0}', b'{"a":"\\u0041"}', b'{"a":"\\/"}', b'{"a":"\\ud800"}', b'{"\xc3\xa9":1}',
    '"e\u0301"'.encode(), b"\xef\xbb\xbf{}", b'"\xff"', b"", b"{", b"[" * 100_000, b"[" * 600 + b"]" * 600,
    b"9007199254740992", b"1" * 10_000, '{"a":1}'.encode("utf-16"),
], ids=lambda d: repr(d[:24]))
def test_bytes_that_are_not_canonical_are_refused(data):
    with pytest.raises(NotCanonical):
        canonical.parse(data)


def test_text_is_normalised_before_it_is_recorded():
    assert canonical.encode("e\u0301") == canonical.encode("\u00e9") == '"é"'.encode()


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_recorded_text_is_nfc(text):
    assert unicodedata.is_normalized("NFC", json.loads(canonical.encode(text)))


BODY = canonical.plain(USE)


@pytest.mark.parametrize("value", [
    BODY | {"kind": "unheard_of"}, BODY | {"kind": None}, BODY | {"kind": ["use"]}, BODY | {"v": 2}, BODY | {"v": True},
    {k: v for k, v in BODY.items() if k != "v"}, {k: v for k, v in BODY.items() if k != "purpose"},
    BODY | {"colour": "red"}, BODY | {"purpose": 1}, BODY | {"purpose": None}, BODY | {"purpose": ["x"]},
    [BODY], "use", None,
], ids=repr)
def test_what_is_no_fact_of_ours_is_not_loaded(value):
    with pytest.raises(NotCanonical):
        canonical.load(canonical.encode(value))


GRANT = canonical.plain(RoleGranted(id=Id("g"), person=Id("p"), role=Role.OWNER,
                                    valid_from=datetime(2026, 11, 20, tzinfo=UTC)))
EVENT = canonical.plain(FindingEvent(id=Id("e"), model=Id("m"), finding=Id("f"), state=FindingState.OPEN, comment=""))


@pytest.mark.parametrize("value", [
    GRANT | {"role": "emperor"}, GRANT | {"role": 5}, GRANT | {"role": ["owner"]}, GRANT | {"valid_from": 5},
    GRANT | {"valid_from": "yesterday"}, GRANT | {"valid_from": "2026-1-2T3:4:5.1Z"},
    GRANT | {"valid_to": "2026-11-20"}, EVENT | {"until": "20261120"}, EVENT | {"until": "2026-W47-5"},
    EVENT | {"until": 20261120}, EVENT | {"due": "soon"},
], ids=lambda v: repr(list(v.values())[-3:]))
def test_values_that_do_not_fit_their_field_are_refused(value):
    with pytest.raises(NotCanonical):
        canonical.load(canonical.encode(value))


def test_lists_and_parts_that_do_not_fit_are_refused():
    card = canonical.plain(sample(FACTS["card"]))
    for fields in ("x", [1], [{"key": "a"}], [{"key": "a", "value": "b", "more": "c"}], [["a", "b"]], None):
        with pytest.raises(NotCanonical):
            canonical.load(canonical.encode(card | {"fields": fields}))
    with pytest.raises(NotCanonical):
        canonical.build(Pair, ["key", "value"])


def test_tuples_of_fixed_length_keep_it():
    report = canonical.plain(sample(FACTS["dossier"]))
    assert canonical.build(Fixed, {"pairs": [["a", 1]]}).pairs == (("a", 1),)
    with pytest.raises(NotCanonical):
        canonical.build(Fixed, {"pairs": [["a", 1, 2]]})
    assert report["kind"] == "dossier"


@canonical.record
class Fixed:
    """A record with a tuple of fixed length, as a check report has."""

    pairs: tuple[tuple[str, int], ...]


@canonical.record
class Unreadable:
    """A record with a hint that the reader does not know."""

    what: dict[str, int]


def test_a_hint_without_a_reading_is_a_refusal_not_a_guess():
    with pytest.raises(NotCanonical, match="no reading"):
        canonical.build(Unreadable, {"what": {"a": 1}})


def test_a_kind_of_text_is_recorded_as_text():
    class Name(str):
        """As NumPy and pandas have them."""

        __slots__ = ()

    assert canonical.encode(Name("e\u0301")) == '"é"'.encode()


# ---- formats are final


@pytest.mark.parametrize("kind", sorted({*FACTS, *golden()}))
def test_what_was_recorded_on_the_first_day_is_still_read(kind):
    kept = golden()[kind]
    body = kept["body"].encode("utf-8")
    assert hashlib.sha256(body).hexdigest() == kept["sha256"]
    now = canonical.plain(canonical.load(body))
    assert now | json.loads(body) == now


def test_a_kind_says_what_it_is():
    assert json.loads(canonical.encode(USE)) == {
        "kind": "use", "v": 1, "id": "u", "model": "m", "purpose": "Card lending", "entity": "", "business_line": "",
        "limits": "", "prohibited": ""}
    assert canonical.is_fact(USE)
    assert not canonical.is_fact(Pair(key="a", value="b"))


# ---- times, ids, numbers


@given(st.datetimes(min_value=FIRST, max_value=LAST), st.integers(-14, 14))
def test_a_time_is_written_in_utc_and_read_back(naive, hours):
    moment = naive.replace(tzinfo=timezone(timedelta(hours=hours)))
    text = canonical.utc_text(moment)
    assert canonical.parse_utc(text) == moment
    assert len(text) == len("2026-11-20T17:36:05.123456Z")


def test_a_time_by_example():
    moment = datetime(2026, 11, 20, 18, 36, 5, 123456, tzinfo=timezone(timedelta(hours=1)))
    assert canonical.utc_text(moment) == "2026-11-20T17:36:05.123456Z"


def test_days_are_written_alike_whatever_the_locale():
    before = locale.setlocale(locale.LC_ALL)
    days = [canonical.day_text(date(2027, month, 12)) for month in range(1, 13)]
    assert days[2] == "12 Mar 2027"
    try:
        for other in ("de_DE.UTF-8", "fr_FR.UTF-8", "nl_NL.UTF-8", "C.UTF-8", "C"):
            try:
                locale.setlocale(locale.LC_ALL, other)
            except locale.Error:
                continue
            assert [canonical.day_text(date(2027, month, 12)) for month in range(1, 13)] == days
    finally:
        locale.setlocale(locale.LC_ALL, before)
    assert " ".join(d.split()[1] for d in days) == "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"


@given(st.lists(st.integers(0, 250_000_000_000_000), min_size=2, max_size=5))
def test_ids_sort_by_their_millisecond(milliseconds):
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    by_time = {ms: canonical.new_id(epoch + timedelta(milliseconds=ms)) for ms in milliseconds}
    assert [by_time[ms] for ms in sorted(by_time)] == sorted(by_time.values())


def test_an_id_is_48_bits_of_time_before_80_of_chance():
    """As ULID counts them: the first ten digits are the milliseconds since 1970, in Crockford's base 32."""
    moment = datetime(2026, 11, 20, 17, 36, 5, 123000, tzinfo=UTC)
    head = canonical.new_id(moment)[:10]
    digits = "0123456789abcdefghjkmnpqrstvwxyz"
    assert sum(digits.index(c) * 32 ** (9 - n) for n, c in enumerate(head)) == int(moment.timestamp() * 1000)


def test_ids_of_one_moment_never_repeat():
    now = datetime(2026, 11, 20, tzinfo=UTC)
    assert len({canonical.new_id(now) for _ in range(20_000)}) == 20_000


@given(st.floats())
def test_a_measurement_is_its_shortest_text(value):
    text = canonical.number(value)
    if not math.isfinite(value):
        assert text is None
    else:
        assert float(text) == value


def test_no_measurement_is_no_text():
    assert canonical.number(None) is None
    assert canonical.number(0.1 + 0.2) == "0.30000000000000004"


# ---- what a fact is about


def test_a_fact_is_about_every_id_it_names_but_its_own():
    stage = sample(FACTS["stage.changed"])
    named = replace(stage, id=Id("own"), model=Id("m"), version=Id("v"), use=Id("u"), request=Id("r"),
                    sign_offs=(Id("s1"), Id("s2")),
                    conditions=(Condition(text="c", owner=Id("o"), due=date(2027, 1, 1)),))
    assert canonical.mentions(named) == {"m", "v", "u", "r", "s1", "s2", "o"}


def test_ids_inside_parts_are_found():
    dossier = sample(FACTS["dossier"])
    members = tuple(replace(m, id=Id(f"member{n}")) for n in range(3) for m in dossier.members)
    named = replace(dossier, id=Id("own"), members=(*members, replace(members[0], id=Id(""))),
                    checks=tuple(replace(c, member=Id("checked")) for c in dossier.checks))
    assert canonical.mentions(named) >= {"member0", "member1", "member2", "checked"}
    assert not canonical.mentions(named) & {"own", ""}
    assert isinstance(members[0], Member)


def test_no_id_is_no_mention():
    found = FACTS["finding"](id=Id("f"), model=Id("m"), version=Id("v"), title="", description="", severity="low")
    assert canonical.mentions(found) == {"m", "v"}


@given(IDS, IDS)
def test_mentions_are_the_same_after_a_round_trip(model, version):
    revision = FACTS["card"](id=Id("c"), model=model, version=version, revision=1, fields=(Pair(key="k", value="v"),))
    again = canonical.load(canonical.encode(revision))
    assert canonical.mentions(again) == canonical.mentions(revision) == {model, version}


@canonical.record
class Grown:
    """A record that was given a field after it was first recorded."""

    name: str
    limit: str = canonical.later(default="none")


def test_a_field_added_later_changes_no_digest_while_it_has_its_default():
    assert canonical.encode(Grown(name="a")) == b'{"name":"a"}'
    assert canonical.build(Grown, {"name": "a"}) == Grown(name="a", limit="none")


def test_a_field_added_later_is_recorded_when_it_says_something():
    said = Grown(name="a", limit="ten")
    assert canonical.encode(said) == b'{"limit":"ten","name":"a"}'
    assert canonical.build(Grown, canonical.parse(canonical.encode(said))) == said
