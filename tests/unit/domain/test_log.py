"""Frame, chain and tree of the log, against hashlib by hand and against pymerkle (RFC 9162)."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from desktop_app.domain import audit, canonical
from desktop_app.domain.audit import CheckReport, Entry, EntryBody, Problem, Recorded
from desktop_app.domain.canonical import Digest, Id, NotCanonical
from desktop_app.domain.use import Use
from tests.unit.domain.records import sample

AT = datetime(2026, 11, 20, 17, 36, 5, 123456, tzinfo=UTC)
DIGESTS = st.lists(st.binary(min_size=32, max_size=32), max_size=40)


def test_the_frame_by_hand():
    framed = audit.message(7, AT, "ann", "cmd1", '{"a":"é"}')
    assert framed == 'assaydesk-event/v1\n7\n2026-11-20T17:36:05.123456Z\nann\ncmd1\n{"a":"é"}'.encode()


def test_the_chain_by_hand():
    first = hashlib.sha256(b"\x02" + b"\x00" * 32 + b"frame one").digest()
    second = hashlib.sha256(b"\x02" + first + b"frame two").digest()
    assert audit.chain_hash(audit.GENESIS, b"frame one") == first
    assert audit.chain_hash(first, b"frame two") == second


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=6), st.data())
def test_any_change_to_any_frame_changes_the_end(frames, data):
    def end(of):
        last = audit.GENESIS
        for frame in of:
            last = audit.chain_hash(last, frame)
        return last

    at = data.draw(st.integers(0, len(frames) - 1))
    changed = [*frames[:at], frames[at] + b"!", *frames[at + 1:]]
    assert len({end(frames), end(changed), end(frames[:at] + frames[at + 1:]), end([*frames, b""])}) == 4


def test_small_trees_by_hand():
    def leaf(digest):
        return hashlib.sha256(b"\x00" + digest).digest()

    def node(left, right):
        return hashlib.sha256(b"\x01" + left + right).digest()

    a, b, c = (bytes([n]) * 32 for n in (1, 2, 3))
    assert audit.facts_root([]) == hashlib.sha256(b"").hexdigest()
    assert audit.facts_root([Digest(a.hex())]) == leaf(a).hex()
    assert audit.facts_root(Digest(x.hex()) for x in (a, b, c)) == node(node(leaf(a), leaf(b)), leaf(c)).hex()


@pytest.mark.parametrize("size", [*range(34), 63, 64, 65, 127, 128, 129, 255, 500, 999, 1000])
def test_roots_are_those_of_pymerkle(size):
    digests = [hashlib.sha256(n.to_bytes(4, "big")).digest() for n in range(size)]
    oracle = InmemoryTree.init_from_entries(digests)
    assert audit.facts_root(Digest(d.hex()) for d in digests) == oracle.get_root().hex()


@given(DIGESTS)
def test_any_root_is_that_of_pymerkle(digests):
    oracle = InmemoryTree.init_from_entries(digests)
    assert audit.facts_root(Digest(d.hex()) for d in digests) == oracle.get_root().hex()


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=20, unique=True), st.data())
def test_a_root_notices_every_change_of_its_facts(digests, data):
    at = data.draw(st.integers(0, len(digests) - 1))
    other = data.draw(st.binary(min_size=32, max_size=32).filter(lambda d: d not in digests))
    changes = [digests[:at] + digests[at + 1:], [*digests[:at], other, *digests[at + 1:]],
               [*digests[:at], other, *digests[at:]], [*digests, digests[-1]]]
    if len(digests) > 1:
        changes.append([*digests[1:], digests[0]])

    def root(of):
        return audit.facts_root(Digest(d.hex()) for d in of)

    assert root(digests) not in {root(changed) for changed in changes}


def test_an_entry_reads_its_body():
    body = sample(EntryBody)
    entry = Entry(seq=1, at=AT, user="u", command="c", body=canonical.encode(body).decode(), prev=Digest("0" * 64),
                  hash=Digest("1" * 64))
    assert entry.read() == body
    for bad in ("", "{}", entry.body + " ", "[]"):
        with pytest.raises(NotCanonical):
            replace(entry, body=bad).read()


def test_labels_are_letters_where_people_use_them():
    def recorded(record, ordinal):
        return Recorded(record=record, digest=Digest(""), seq=1, at=AT, by=Id("p"), ordinal=ordinal)

    assert recorded(sample(canonical.FACTS["finding"]), 118).label == "F-118"
    assert recorded(Use(id=Id("u"), model=Id("m"), purpose="x"), 2).label == "use 2"
    assert set(audit.LETTERS) <= set(canonical.FACTS)
    assert len(set(audit.LETTERS.values())) == len(audit.LETTERS)


def test_a_report_is_ok_when_nothing_was_found():
    report = CheckReport(checks=(), problems=(), entries=0, head=Digest(""), not_checked=())
    assert report.ok
    assert not replace(report, problems=(Problem(check="3", seq=4, sentence="edited"),)).ok
