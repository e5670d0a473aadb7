"""Verify an Assaydesk registry without Assaydesk: a second implementation, written from FORMAT.md beside this file.

    python -I verify_registry.py REGISTRY.assay | EXPORT.jsonl [--checkpoint FILE ...] [--key LINE ...] [--json]

It needs Python 3.11 and the package `cryptography`, nothing else. It reads the registry once, writes nothing, and walks
the log from the first entry to the last, keeping what an entry may rely on: the keys, roles and policies that somebody
with the authority signed for *before* it. Exit code: 0 everything in order, 1 a mismatch, 2 it could not be read.

Sources: FORMAT.md (§ numbers below are of that page), RFC 9162 (trees), RFC 8785 (canonical JSON), RFC 8032 (Ed25519),
DSSE v1.0.2, in-toto Statement v1, C2SP signed-note, tlog-checkpoint, tlog-cosignature and tlog-proof.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sqlite3
import sys
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

CHECKS = {
    1: "order of entries", 2: "canonical form", 3: "chain of hashes", 4: "times", 5: "commands", 6: "facts of entries",
    7: "facts without an entry", 8: "documents", 9: "keys, roles and mandates", 10: "signed statements",
    11: "decisions: separation, quorum, stages", 12: "lists against what was rebuilt", 13: "checkpoints",
    14: "erasable texts",
}
ONLY_IN_A_REGISTRY = (8, 12, 14)  # an export holds no documents, no lists and no erasable texts
GENESIS = "0" * 64
FIVE_MINUTES = timedelta(minutes=5)
PAYLOAD, STATEMENT = "application/vnd.in-toto+json", "https://in-toto.io/Statement/v1"
APPROVAL = "urn:assaydesk:attestation:model-approval:v1"
PRIOR = "urn:assaydesk:attestation:recorded-prior-decision:v1"
MANDATE = "urn:assaydesk:attestation:mandate:v1"


class Unusable(Exception):
    """The input is no registry and no export, or cannot be read: exit code 2."""


# ---- bytes (§1, §2)


def sha256(data: bytes) -> str:
    """SHA-256 in 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> bytes:
    """RFC 8785 for values without floats and with ASCII keys, where the standard library's JSON is that already."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def parsed(text: str) -> Any:
    """The value of canonical JSON of §2. Raises ValueError for any other text."""
    value = json.loads(text, object_pairs_hook=_object, parse_float=_refuse, parse_constant=_refuse)
    _narrow(value)
    if canonical(value) != text.encode():
        raise ValueError("it is not canonical JSON")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _refuse(text: str) -> Any:
    raise ValueError(f"a number that is no whole number: {text}")


def _narrow(value: Any) -> None:
    """§2: keys in ASCII snake_case, text in NFC, whole numbers below 2^53."""
    if isinstance(value, dict):
        if odd := [k for k in value if not re.fullmatch(r"[a-z][a-z0-9_]*", k, re.ASCII)]:
            raise ValueError(f"a key that is not snake_case: {odd[0]!r}")
        for item in value.values():
            _narrow(item)
    elif isinstance(value, list):
        for item in value:
            _narrow(item)
    elif isinstance(value, str) and unicodedata.normalize("NFC", value) != value:
        raise ValueError("text that is not NFC")
    elif isinstance(value, int) and abs(value) >= 2**53:
        raise ValueError("a number of 2^53 or more")


def moment(text: Any) -> datetime:
    """A time, `2026-11-20T17:36:05.123456Z`. Raises ValueError."""
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z", text):
        raise ValueError(f"not a time: {text!r}")
    return datetime.fromisoformat(text)


def day(text: Any) -> date:
    """A day, `2026-11-20`. Raises ValueError."""
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(f"not a day: {text!r}")
    return date.fromisoformat(text)


def tree_root(leaves: list[bytes]) -> bytes:
    """RFC 9162 §2.1.1 over leaf hashes: nodes SHA-256(1 ‖ left ‖ right), split at the largest power of two below."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = leaves
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        level = [hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)] + odd
    return level[0]


def facts_root(digests: list[str]) -> str:
    """§4: the root over SHA-256(0 ‖ digest) of the facts of an entry."""
    return tree_root([hashlib.sha256(b"\x00" + bytes.fromhex(d)).digest() for d in digests]).hex()


def verified(algorithm: str, public: bytes, signature: bytes, message: bytes) -> bool:
    """§5: whether a signature is good under a key enrolled for this algorithm."""
    if algorithm == "ed25519":
        return signed_by(public, signature, message)
    try:
        if algorithm != "ecdsa-p256-sha256" or len(public) != 65 or 2 * decode_dss_signature(signature)[1] > P256_ORDER:
            return False
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
        key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def signed_by(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 signature (RFC 8032) is good."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def b64(text: Any) -> bytes:
    """Base64 in its one right writing. Raises ValueError."""
    data = base64.b64decode(str(text).encode("ascii", "replace"), validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("not base64 as it is written")
    return data


def at(value: Any, *path: str | int) -> Any:
    """What lies at a path in parsed JSON; None where there is nothing."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


# ---- what is read (§1, §3, §4)


@dataclass
class Entry:
    """One line of the log, as stored. columns: what SQLite lists beside the body; None in an export."""

    seq: int
    at: str
    user: str
    command: str
    body: str
    prev: str
    hash: str
    columns: tuple[str, ...] | None = None

    @property
    def message(self) -> bytes:
        """§3: what is hashed."""
        return f"assaydesk-event/v1\n{self.seq}\n{self.at}\n{self.user}\n{self.command}\n{self.body}".encode()


@dataclass
class Fact:
    """One fact: its stored text, and what is listed beside it (None in an export). read: its value, once it is read.

    by, when: of its entry.
    """

    seq: int
    body: str
    beside: dict[str, Any] | None = None
    read: dict[str, Any] = field(default_factory=dict)
    by: str = ""
    when: str = ""

    def __getitem__(self, name: str) -> Any:
        return self.read.get(name)

    @property
    def digest(self) -> str:
        """§4: over the bytes as they are stored."""
        return sha256(self.body.encode())


@dataclass
class Source:
    """All that is read.

    documents: (listed digest, real digest, entry, listed size, real size) · texts: ref → (salt, text).
    """

    whole: bool
    registry: str = ""
    entries: list[Entry] = field(default_factory=list)
    facts: dict[int, list[Fact]] = field(default_factory=lambda: defaultdict(list))
    documents: list[tuple[str, str, int, int, int]] = field(default_factory=list)
    texts: dict[str, tuple[str, str]] = field(default_factory=dict)
    inventory: list[tuple[str, ...]] = field(default_factory=list)
    about: set[tuple[str, str, str]] = field(default_factory=set)


def read(path: Path) -> Source:
    """A registry file or an export. Raises Unusable."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
        return _from_sqlite(path) if start == b"SQLite format 3\x00" else _from_export(path)
    except (OSError, sqlite3.Error) as error:
        raise Unusable(f"{path}: {error}") from error


def _from_sqlite(path: Path) -> Source:
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")  # what is not UTF-8 fits no hash
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("BEGIN")  # one moment of the registry
    source = Source(whole=True, registry=str(connection.execute("SELECT id FROM registry").fetchone()[0]))
    for row in connection.execute(
            "SELECT seq, at, db_user, command, body, prev, hash, actor, action, subject, note FROM entry ORDER BY seq"):
        when, user, command, body, prev, digest, *columns = map(str, row[1:])
        source.entries.append(Entry(_number(row[0]), when, user, command, body, prev, digest, tuple(columns)))
    for row in connection.execute(
            "SELECT seq, body, id, kind, ordinal, position, digest FROM fact ORDER BY seq, position"):
        beside = dict(zip(("id", "kind", "ordinal", "position", "digest"), row[2:], strict=True))
        source.facts[_number(row[0])].append(Fact(_number(row[0]), str(row[1]), beside))
    for digest, seq, size, data in connection.execute("SELECT digest, seq, size, data FROM blob"):
        raw = data if isinstance(data, bytes) else str(data).encode()
        source.documents.append((str(digest), sha256(raw), _number(seq), _number(size), len(raw)))
    source.texts = {str(r): (str(s), str(t)) for r, s, t in connection.execute("SELECT ref, salt, text FROM identity")}
    rows = connection.execute("SELECT version, use, model, name, body FROM inventory")
    source.inventory = [tuple(map(str, row)) for row in rows]
    rows = connection.execute("SELECT subject, fact, kind FROM about")
    source.about = {(str(s), str(f), str(k)) for s, f, k in rows}
    connection.close()
    return source


def _number(value: Any) -> int:
    return value if isinstance(value, int) else -1


def _from_export(path: Path) -> Source:
    source = Source(whole=False)
    try:
        for line in path.read_text("utf-8").split("\n"):
            if line:
                value = json.loads(line)
                seq, *texts = (value[n] for n in ("seq", "at", "user", "command", "body", "prev", "hash"))
                if type(seq) is not int or not all(isinstance(text, str) for text in (*texts, *value["facts"])):
                    raise ValueError("a part of a line is of another form")
                "".join((*texts, *value["facts"])).encode()  # half a character has no bytes
                source.entries.append(Entry(seq, *texts))
                source.facts[seq] += [Fact(seq, body) for body in value["facts"]]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise Unusable(f"{path}: no registry, and no export of entries with their facts: {error!r}") from error
    if not source.entries:
        raise Unusable(f"{path}: there is nothing in it")
    named = re.search(r'"registry":"([^"]*)"', str(source.entries[0].body))
    source.registry = named[1] if named else ""
    return source


# ---- what the kinds that decide must hold (§4): "?" may be null, a second word is the form of each part; what other
# kinds say is not judged, only their bytes

_DECISION = {"model": "text", "version": "text"}
_PLACE = _DECISION | {"use": "text"}
SHAPES: dict[str, dict[str, str]] = {
    "erasable": {"ref": "text", "digest": "text"},
    "member": {"role": "text", "id": "text", "digest": "text"},
    "check": {"state": "text"},
    "rule": {"role": "text", "meaning": "text", "count": "int"},
    "transition": {"to_stage": "text", "tiers": "list", "decisions": "list rule", "holds_days": "int"},
    "person": {"name": "map erasable"},
    "role.granted": {"person": "text", "role": "text", "valid_from": "time", "valid_to": "time?"},
    "role.revoked": {"grant": "text", "person": "text", "role": "text"},
    "key.enrolled": {"person": "text", "key_id": "text", "algorithm": "text", "public_key": "text", "proof": "text"},
    "key.revoked": {"person": "text", "key_id": "text", "compromised_since": "time?"},
    "mandate": {"person": "text", "key_id": "text", "act": "text", "statement_digest": "text", "envelope": "text"},
    "policy": {"policy": "text", "stages": "list", "transitions": "list transition"},
    "person.erased": {"person": "text", "refs": "list"}, "hold.placed": {"person": "text"},
    "hold.released": {"hold": "text", "person": "text"},
    "registry.restored": {"backup_seq": "int", "backup_hash": "text"},
    "model": {"model": "text", "name": "text", "owner": "text?", "developer": "text?"},
    "version": {"model": "text", "developers": "list", "run": "text?", "source": "map", "artefact": "map"},
    "artefact.resolved": _DECISION | {"artefact": "map"},
    "run": {"user": "text?"},
    "use": {"model": "text"},
    "tier": {"model": "text", "use": "text", "tier": "int"},
    "card": _DECISION,
    "evidence": _DECISION | {"supersedes": "text?"},
    "evidence.withdrawn": _DECISION | {"evidence": "text"},
    "finding": _DECISION | {"use": "text?"},
    "finding.event": {"model": "text", "finding": "text", "state": "text"},
    "validation": _PLACE, "validation.concluded": _PLACE, "in_use": _PLACE, "exception": _PLACE, "overlay": _PLACE,
    "dossier": _PLACE | {"to_stage": "text", "tier": "int", "policy": "text", "artefact": "text",
                         "members": "list member", "lineage": "map", "lineage_digest": "text", "checks": "list check"},
    "promotion.requested": _PLACE | {"from_stage": "text", "to_stage": "text", "dossier": "text",
                                     "dossier_digest": "text", "policy": "text"},
    "promotion.signed_off": _DECISION | {
        "request": "text", "person": "text", "role": "text", "meaning": "text", "key_id": "text",
        "statement_digest": "text", "envelope": "text", "text": "map erasable", "review_by": "day",
        "comment": "map? erasable", "conflicts": "map? erasable", "conditions": "list"},
    "promotion.closed": _DECISION | {"request": "text", "outcome": "text"},
    "stage.changed": _PLACE | {"request": "text", "from_stage": "text", "to_stage": "text", "sign_offs": "list",
                               "effective_from": "day", "review_by": "day", "conditions": "list"},
    "prior_decision": _PLACE | {"to_stage": "text", "decided_on": "day", "decided_by": "text", "outcome": "text",
                                "review_by": "day?", "source_document": "text?", "source": "text",
                                "recorded_by": "text", "key_id": "text", "envelope": "text", "conditions": "list"},
}
_TYPES = {"text": str, "int": int, "list": list, "map": dict, "time": str, "day": str}


def misshapen(kind: str, value: dict[str, Any]) -> str:
    """The first field of a fact, or a part of one, that is missing or of another form; empty when all is as it must."""
    for name, wanted in SHAPES.get(kind, {}).items():
        outer, _, inner = wanted.partition(" ")
        form, item = outer.rstrip("?"), value.get(name)
        if name in value and item is None and outer != form:
            continue
        if type(item) is not _TYPES[form]:
            return name
        try:
            _ = moment(item) if form == "time" else day(item) if form == "day" else None
        except ValueError:
            return name
        parts: list[Any] = item if isinstance(item, list) else [item]
        if inner and not all(isinstance(part, dict) and not misshapen(inner, part) for part in parts):
            return name
    return ""


# ---- what a person signed (§5)


@dataclass
class Said:
    """A statement whose signature was verified."""

    payload: bytes
    statement: Any

    def __call__(self, *path: str | int) -> Any:
        """What it says at a path."""
        return at(self.statement, *path)


def opened(envelope: str, key_id: str, public: bytes, algorithm: str) -> Said:
    """The statement in a DSSE envelope, once its signature is good. Raises ValueError."""
    try:
        value = json.loads(envelope)
        (signature,) = value["signatures"]
        payload, sig = b64(value["payload"]), b64(signature["sig"])
        statement = json.loads(payload)
        if canonical(value).decode() != envelope or canonical(statement) != payload:
            raise ValueError("the envelope or its statement is not canonical JSON")
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ValueError(f"not an envelope with one signature: {error}") from error
    if (value["payloadType"], signature["keyid"]) != (PAYLOAD, key_id):
        raise ValueError("the envelope names another key or type")
    encoded = b"DSSEv1 %d %b %d %b" % (len(PAYLOAD), PAYLOAD.encode(), len(payload), payload)
    if not verified(algorithm, public, sig, encoded):
        raise ValueError("the signature does not fit the statement")
    return Said(payload, statement)


# ---- the replay


@dataclass
class Request:
    """A promotion request as it stands at a place in the log. over: how it ended, "" while it waits."""

    fact: Fact
    dossier: Fact | None
    policy: Fact | None
    sign_offs: list[Fact] = field(default_factory=list)
    over: str = ""
    owed: str = ""  # what its newest sign-off must lead to in the same entry


class Verifier:
    """Walks the log once; `mismatches` are what does not hold: (check, entry, sentence)."""

    def __init__(self, source: Source) -> None:
        self.source, self.registry = source, source.registry
        self.mismatches: list[tuple[int, int, str]] = []
        self.doubts: list[str] = []
        self.leaves: list[bytes] = []
        self.hashes: dict[int, str] = {0: GENESIS}
        self.bodies: dict[int, dict[str, Any]] = {}
        self.facts: dict[str, Fact] = {}
        self.kinds: dict[str, list[Fact]] = defaultdict(list)
        self.index: dict[tuple[str, str, str], list[Fact]] = defaultdict(list)  # by kind, field and value
        self.keys: dict[str, Fact] = {}
        self.revoked: set[str] = set()
        self.stolen: dict[str, str] = {}  # key → since when
        self.statements: set[bytes] = set()  # each is recorded once
        self.grants: dict[str, Fact] = {}
        self.policies: dict[str, Fact] = {}
        self.requests: dict[str, Request] = {}
        self.owing: list[Request] = []  # whose newest sign-off leads to something
        self.stages: dict[tuple[str, str], Fact] = {}  # (version, use) → the last stage change
        self.priors: dict[tuple[str, str], Fact] = {}

    def wrong(self, check: int, seq: int, sentence: str) -> None:
        """Note a mismatch."""
        self.mismatches.append((check, seq, sentence))

    def run(self) -> None:
        """Every check but the checkpoints kept outside."""
        before, commands, waiting = None, set[str](), dict(self.source.facts)
        for entry in self.source.entries:
            self._entry(entry, before, commands)
            body = self._body(entry)
            facts = self._facts(entry, body, waiting.pop(entry.seq, []))
            if body is not None:
                self._replay(entry, body, facts)
            before = entry
        for seq, orphans in waiting.items():
            for fact in orphans:
                self.wrong(7, seq, f"a fact has no entry: {fact.body[:80]}")
        self._stolen()
        if self.source.whole:
            self._documents()
            self._texts()
            check_lists(self)

    # ---- entries (§3)

    def _entry(self, entry: Entry, before: Entry | None, commands: set[str]) -> None:
        seq, expected = entry.seq, len(self.leaves) + 1 if before is None else before.seq + 1
        if seq != expected:
            self.wrong(1, seq, f"entry {expected} is missing: it is followed by {seq}")
        self.leaves.append(hashlib.sha256(b"\x00" + entry.message).digest())
        if entry.prev != (before.hash if before else GENESIS):
            self.wrong(3, seq, "it does not continue the entry before it")
        linked = bytes.fromhex(entry.prev) if re.fullmatch("[0-9a-f]{64}", str(entry.prev)) else b""
        if sha256(b"\x02" + linked + entry.message) != entry.hash:
            self.wrong(3, seq, "its content does not fit its hash")
        self.hashes[seq] = entry.hash
        if not entry.command or "\n" in f"{entry.command}{entry.user}":
            self.wrong(5, seq, "its command is empty, or its command or user holds a line break")
        if entry.command in commands:
            self.wrong(5, seq, f"command {entry.command} was done before")
        commands.add(entry.command)
        try:
            moment(entry.at)
            if before and entry.at < before.at:
                self.wrong(4, seq, "it is dated before the entry in front of it")
        except ValueError as error:
            self.wrong(2, seq, f"its time cannot be read: {error}")

    def _body(self, entry: Entry) -> dict[str, Any] | None:
        texts = ("registry", "actor", "action", "subject", "client_time", "application", "note", "facts_root")
        try:
            body = parsed(entry.body)
            lists = [at(body, n) for n in ("kinds", "blobs")]
            if not isinstance(body, dict) or body.get("v") != 1 or {type(body[n]) for n in ("v", "facts")} != {int} \
                    or not all(isinstance(body.get(n), str) for n in texts) \
                    or not all(isinstance(many, list) and all(isinstance(i, str) for i in many) for many in lists):
                raise ValueError("it does not have the form of one")
            apart = abs(moment(body["client_time"]) - moment(entry.at))
        except (ValueError, RecursionError) as error:
            self.wrong(2, entry.seq, f"its body cannot be read: {error}")
            return None
        if body["registry"] != self.registry:
            self.wrong(2, entry.seq, f"it belongs to another registry, {body['registry']}")
        if apart > FIVE_MINUTES:
            self.wrong(4, entry.seq, "the writer's clock and the registry's were more than five minutes apart")
        listed = tuple(body[n] for n in ("actor", "action", "subject", "note"))
        if entry.columns is not None and entry.columns != listed:
            self.wrong(12, entry.seq, "who, what or on what is listed otherwise than in its body")
        self.bodies[entry.seq] = body
        return body

    # ---- facts (§4)

    def _facts(self, entry: Entry, body: dict[str, Any] | None, facts: list[Fact]) -> list[Fact]:
        good = [fact for place, fact in enumerate(facts) if self._fact(entry, body, fact, place)]
        if body is None:
            return good
        if len(facts) != body["facts"] or not 1 <= len(facts) <= 1000:
            self.wrong(6, entry.seq, f"it added {body['facts']} facts, {len(facts)} are there")
        elif facts_root([f.digest for f in facts]) != body["facts_root"]:
            self.wrong(6, entry.seq, "its facts are not those it was written with")
        if body["kinds"] != sorted({f["kind"] for f in good}) and len(good) == len(facts):
            self.wrong(6, entry.seq, "the kinds that it names are not those of its facts")
        return good

    def _fact(self, entry: Entry, body: dict[str, Any] | None, fact: Fact, place: int) -> bool:
        try:
            value = parsed(fact.body)
            forms = {name: type(value.get(name)) for name in ("id", "kind", "v")} if isinstance(value, dict) else {}
            if forms != {"id": str, "kind": str, "v": int} or value["v"] != 1:
                raise ValueError("it does not have the form of a fact")
        except (ValueError, RecursionError) as error:
            self.wrong(2, entry.seq, f"a fact cannot be read: {error}")
            return False
        fact.read, fact.by, fact.when = value, body["actor"] if body else "", entry.at
        called = f"{value['kind']} {len(self.kinds[value['kind']]) + 1}"
        if odd := misshapen(value["kind"], value):
            self.wrong(2, entry.seq, f"{called}: “{odd}” is missing or of another form")
            return False
        if value["id"] in self.facts:
            self.wrong(6, entry.seq, f"{called} has the id of an earlier fact")
            return False
        self.facts[value["id"]] = fact
        self.kinds[value["kind"]].append(fact)
        for name in ("model", "version", "use"):
            if isinstance(value.get(name), str):
                self.index[value["kind"], name, value[name]].append(fact)
        if fact.beside is not None:
            self._beside(fact, called, place)
        return True

    def _beside(self, fact: Fact, called: str, place: int) -> None:
        beside = fact.beside or {}
        if beside["digest"] != fact.digest:
            self.wrong(6, fact.seq, f"{called} does not fit its digest")
        expected = {"id": fact["id"], "kind": fact["kind"], "ordinal": len(self.kinds[fact["kind"]]), "position": place}
        if any(beside[name] != value for name, value in expected.items()):
            self.wrong(12, fact.seq, f"{called} is listed as something else: {beside['kind']} {beside['ordinal']}")

    # ---- one entry, on what was before it

    def _replay(self, entry: Entry, body: dict[str, Any], facts: list[Fact]) -> None:
        named = self._mandates(entry, body, [f for f in facts if f["kind"] in GOVERNING], facts)
        for fact in facts:
            match fact["kind"]:
                case "promotion.requested":
                    self._request(fact)
                case "promotion.signed_off":
                    self._sign_off(fact, entry)
                case "promotion.closed":
                    self._closed(fact)
                case "stage.changed":
                    self._stage(fact)
                case "prior_decision":
                    self._prior(fact)
        for request in self.owing:
            if request.owed:
                self.wrong(11, entry.seq, f"its sign-offs lead to “{request.owed}”, which was not recorded with them")
                request.owed = ""
        self.owing.clear()
        for fact in named:
            self._governs(fact)

    # ---- keys, roles and mandates (§6)

    def _mandates(self, entry: Entry, body: dict[str, Any], governing: list[Fact], facts: list[Fact]) -> list[Fact]:
        """The governing facts of an entry that somebody with the authority signed for."""
        named: dict[str, str] = {}  # digest of a fact → who signed for it
        for mandate in (f for f in facts if f["kind"] == "mandate"):
            keys = self.keys if entry.seq > 1 else {f["key_id"]: f for f in governing if f["kind"] == "key.enrolled"}
            said = self._signed(mandate, mandate["person"], keys, 9)
            if said is None:
                continue
            self._compare(9, mandate, [
                ("form", [said("_type"), said("predicateType")], [STATEMENT, MANDATE]),
                ("registry", said("predicate", "registry"), self.registry),
                ("person", [said("predicate", "person"), mandate.by], [mandate["person"]] * 2),
                ("key", said("predicate", "keyId"), mandate["key_id"]),
                ("act", [said("predicate", "act"), mandate["act"]], [body["action"]] * 2),
                ("command", said("predicate", "commandId"), entry.command),
                ("digest", mandate["statement_digest"], sha256(said.payload)),
            ], [(f, mandate["person"]) for f in self._subjects(said, mandate, facts)], named)
            self._saw(said, mandate)
        return [f for f in governing if self._allowed(f, named)]

    def _subjects(self, said: Said, mandate: Fact, facts: list[Fact]) -> list[Fact]:
        """The facts of the entry that a mandate names; what it names must be there."""
        found = []
        subjects = said("subject")
        for subject in subjects if isinstance(subjects, list) else []:
            same = [f for f in facts if at(subject, "name") == f"{f['kind']}:{f['id']}"
                    and at(subject, "digest", "sha256") == f.digest]
            if not same:
                self.wrong(9, mandate.seq, f"{at(subject, 'name')} was signed for, and is not there as it was signed")
            found += same
        return found

    def _allowed(self, fact: Fact, named: dict[str, str]) -> bool:
        who = named.get(fact["id"])
        if who is None:
            self.wrong(9, fact.seq, f"nobody whose word counts signed for {fact['kind']} {fact['id']}")
            return False
        own = fact["kind"] in ("key.enrolled", "key.revoked") and fact["person"] == who
        roles = ("administrator", *MAY_ALSO.get(fact["kind"], ()))
        if fact.seq > 1 and not own and not self._held(who, roles, fact.when):
            self.wrong(9, fact.seq, f"who signed for {fact['kind']} {fact['id']} had no authority to")
            return False
        return True

    def _governs(self, fact: Fact) -> None:
        """From the next entry on this counts."""
        match fact["kind"]:
            case "key.enrolled":
                text = f"assaydesk-key/v1\n{self.registry}\n{fact['person']}\n{fact['key_id']}\n".encode()
                try:
                    public, proof = b64(fact["public_key"]), b64(fact["proof"])
                except ValueError:
                    public = proof = b""
                algorithm = str(fact["algorithm"])
                if sha256(algorithm.encode() + public)[:16] != fact["key_id"] or fact["key_id"] in self.keys \
                        or not verified(algorithm, public, proof, text):
                    self.wrong(9, fact.seq, f"key {fact['key_id']} is another, was enrolled before, or has no proof")
                self.keys.setdefault(fact["key_id"], fact)
            case "key.revoked":
                key = self.keys.get(fact["key_id"])
                if key is None or key["person"] != fact["person"]:
                    self.wrong(9, fact.seq, "the key that it revokes is not that person's")
                    return
                self.revoked.add(fact["key_id"])
                if since := fact["compromised_since"]:
                    self.stolen[fact["key_id"]] = min(since, self.stolen.get(fact["key_id"], since))
            case "role.granted":
                self.grants[fact["id"]] = fact
            case "role.revoked":
                grant = self.grants.pop(fact["grant"], None)
                if grant is None or (grant["person"], grant["role"]) != (fact["person"], fact["role"]):
                    self.wrong(9, fact.seq, "the grant that it ends is not there, or is another's")
            case "policy":
                self.policies[fact["id"]] = fact
            case "registry.restored":
                if self.hashes.get(fact["backup_seq"]) != fact["backup_hash"] or fact["backup_seq"] >= fact.seq:
                    self.wrong(9, fact.seq, "the backup that it was restored from is not what stands before it")

    def _stolen(self) -> None:
        """§6: what a key signed since it may have been in other hands stays recorded, and is doubted."""
        for fact in (f for kind in ("mandate", "promotion.signed_off", "prior_decision") for f in self.kinds[kind]):
            if (since := self.stolen.get(fact["key_id"])) and fact.when >= since:
                self.doubts.append(f"whether the {fact['kind']} in entry {fact.seq} is its signer's: the key may have "
                                   f"been in other hands since {since}")

    def _held(self, person: str, roles: tuple[str, ...], when: str) -> bool:
        return any(g["person"] == person and g["role"] in roles and g["valid_from"] <= when
                   and (g["valid_to"] is None or when < g["valid_to"]) for g in self.grants.values())

    # ---- signed statements (§5)

    def _signed(self, fact: Fact, person: str, keys: dict[str, Fact], check: int) -> Said | None:
        """What a person signed with a key that counts at this place in the log."""
        key, wrong = keys.get(fact["key_id"]), ""
        if fact.by != person:
            wrong = "it was recorded by somebody else than who signed it"
        elif key is None or key["person"] != person:
            wrong = "the key is not that person's, or was not enrolled before"
        elif fact["key_id"] in self.revoked:
            wrong = "the key had been revoked"
        else:
            try:
                public = b64(key["public_key"])
                algorithm = str(key["algorithm"])
                if sha256(algorithm.encode() + public)[:16] != fact["key_id"]:
                    raise ValueError("the key is not the one its id names")
                said = opened(fact["envelope"], fact["key_id"], public, algorithm)
                if said.payload in self.statements:
                    self.wrong(check, fact.seq, f"{fact['kind']}: the same signed statement was recorded before")
                self.statements.add(said.payload)
                return said
            except ValueError as error:
                wrong = str(error)
        self.wrong(check, fact.seq, f"{fact['kind']}: {wrong}")
        return None

    def _compare(self, check: int, fact: Fact, expected: list[tuple[str, Any, Any]],
                 subjects: list[tuple[Fact, str]] | None = None, named: dict[str, str] | None = None) -> None:
        """Hold what was said against what is recorded. subjects, named: noted when all of it agrees."""
        different = [name for name, said, wanted in expected if said != wanted]
        for name in different:
            self.wrong(check, fact.seq, f"{fact['kind']}: the statement names another {name}")
        if not different and subjects and named is not None:
            named.update({f["id"]: who for f, who in subjects})

    def _saw(self, said: Said, fact: Fact) -> None:
        """§7: the end of the log that a signer quotes is a checkpoint: it must be in this log, before the signature."""
        quoted = re.fullmatch(r"(0|[1-9][0-9]*):([0-9a-f]{64})", str(said("predicate", "checkpoint")), re.ASCII)
        if quoted is None or int(quoted[1]) >= fact.seq or self.hashes.get(int(quoted[1])) != quoted[2]:
            self.wrong(13, fact.seq, f"{fact['kind']}: its signer had seen another log than this one")

    def _not_later(self, said: Any, fact: Fact) -> list[tuple[str, Any, Any]]:
        try:
            return [("time", moment(said) <= moment(fact.when) + FIVE_MINUTES, True)]
        except ValueError:
            return [("time", said, "a time")]

    def _request(self, fact: Fact) -> None:
        """§8: a request rests on a dossier that says what the log said when it was made."""
        dossier, policy = self._of("dossier", fact["dossier"]), self.policies.get(fact["policy"])
        self.requests[fact["id"]] = Request(fact, dossier, policy)
        if dossier is None or policy is None:
            self.wrong(11, fact.seq, "the dossier or the policy of a request is not there")
            return
        same = ("model", "version", "use", "to_stage", "policy")
        tiers = [t["tier"] for t in self.index["tier", "use", fact["use"]]]
        place = (fact["version"], fact["use"])
        open_before = [r for r in self.requests_of(*place) if not r.over and r.fact is not fact]
        expected = [
            ("dossier", fact["dossier_digest"], dossier.digest),
            ("subject", [dossier[n] for n in same], [fact[n] for n in same]),
            ("policy than the newest", fact["policy"], list(self.policies)[-1]),
            ("tier than its use has", dossier["tier"], tiers[-1] if tiers else None),
            ("stage than the version is in", fact["from_stage"], self.stage(*place, policy)),
            ("lineage", sha256(canonical(dossier["lineage"])), dossier["lineage_digest"]),
            ("requester than one who may", self._held(fact.by, ("developer", "owner", "model_risk"), fact.when), True),
            ("number of waiting requests", len(open_before), 0),
        ]
        for name, said, wanted in expected:
            if said != wanted:
                self.wrong(11, fact.seq, f"the request names another {name}")
        self._members(fact, dossier)

    def _members(self, fact: Fact, dossier: Fact) -> None:
        version, use, listed = fact["version"], fact["use"], set()
        for member in dossier["members"]:
            role, digest, found = member["role"], member["digest"], self.facts.get(member["id"])
            listed.add(member["id"])
            if role == "artefact":
                there = digest == dossier["artefact"] == self._artefact(version)
            elif role == "lineage":
                there = digest == dossier["lineage_digest"]
            else:
                there = found is not None and found.digest == digest
            if not there:
                self.wrong(11, fact.seq, f"the dossier rests on a record that is not there as it says: {role}")
        of_version = {kind: self.index[kind, "version", version] for kind in
                      ("evidence", "evidence.withdrawn", "finding")}
        gone = {w["evidence"] for w in of_version["evidence.withdrawn"]} \
            | {e["supersedes"] for e in of_version["evidence"]}
        wanted = [e for e in of_version["evidence"] if e["id"] not in gone] \
            + [f for f in of_version["finding"] if f["use"] in (None, use)]
        for left_out in (f for f in wanted if f["id"] not in listed):
            self.wrong(11, fact.seq, f"the dossier leaves out {left_out['kind']} {left_out['id']}")

    def _artefact(self, version: str) -> Any:
        resolved = self.index["artefact.resolved", "version", version]
        exact = resolved[-1] if resolved else self._of("version", version)
        return at(exact["artefact"], "digest") if exact else None

    def _of(self, kind: str, fact_id: str) -> Fact | None:
        found = self.facts.get(fact_id)
        return found if found is not None and found["kind"] == kind else None

    # ---- sign-offs (§5, §8)

    def _sign_off(self, fact: Fact, entry: Entry) -> None:
        request = self.requests.get(fact["request"])
        if request is None or request.dossier is None or request.policy is None:
            self.wrong(10, fact.seq, "the request of a sign-off, or what that rests on, is not there")
            return
        said = self._signed(fact, fact["person"], self.keys, 10)
        if said is not None:
            self._compare(10, fact, self._stated(said, fact, request, request.dossier, request.policy, entry))
            self._saw(said, fact)
            self._view(said, fact)
        self._may_sign(fact, request, request.dossier, request.policy)

    def _stated(self, said: Said, fact: Fact, request: Request, dossier: Fact, policy: Fact, entry: Entry) \
            -> list[tuple[str, Any, Any]]:
        asked, person = request.fact, self._of("person", fact["person"])
        predicate = at(said.statement, "predicate")
        subjects = [{"name": f"version:{asked['version']}", "digest": {"sha256": dossier["artefact"]}},
                    {"name": f"dossier:{dossier['id']}", "digest": {"sha256": dossier.digest}}]
        moved = {"from": asked["from_stage"], "to": asked["to_stage"], "use": asked["use"],
                 "version": asked["version"], "request": asked["id"], "requestDigest": asked.digest}
        signer = {"person": fact["person"], "role": fact["role"],
                  "nameDigest": at(person["name"], "digest") if person else None,
                  "nameRef": at(person["name"], "ref") if person else None}
        return [
            ("form", [said("_type"), said("predicateType")], [STATEMENT, APPROVAL]),
            ("subject", said("subject"), subjects), ("transition", at(predicate, "transition"), moved),
            ("signer", [at(predicate, "signer"), bool(person)], [signer, True]),
            ("model or version", [fact["model"], fact["version"]], [asked["model"], asked["version"]]),
            ("policy", at(predicate, "policy"), {"id": policy["id"], "sha256": policy.digest}),
            ("registry", at(predicate, "registry"), self.registry),
            ("command", at(predicate, "commandId"), entry.command),
            ("meaning", at(predicate, "meaning"), fact["meaning"]),
            ("date of review", at(predicate, "reviewBy"), fact["review_by"]),
            ("set of conditions", at(predicate, "conditionsDigest"), sha256(canonical(fact["conditions"]))),
            ("comment", at(predicate, "commentDigest"), at(fact["comment"], "digest")),
            ("statement of conflicts", at(predicate, "conflictsDigest"), at(fact["conflicts"], "digest")),
            ("digest", fact["statement_digest"], sha256(said.payload)),
            *self._not_later(at(predicate, "signedAt"), fact)]

    def _view(self, said: Said, fact: Fact) -> None:
        """§5: the text that a sign-off refers to as what was read is the one that its statement names."""
        if [said("predicate", "view", name) for name in ("ref", "digest")] != [
                fact["text"]["ref"], fact["text"]["digest"]]:
            self.wrong(9, fact.seq, "the text shown as what was signed is not the text that was signed")

    def _may_sign(self, fact: Fact, request: Request, dossier: Fact, policy: Fact) -> None:
        """§8: who may put which meaning under a request, and what follows from it."""
        rules = at(transition(policy, request.fact["to_stage"], dossier["tier"]), "decisions") or []
        mine = [r for r in rules if r["role"] == fact["role"]]
        wrong, meaning, verb = [], fact["meaning"], at(mine, 0, "meaning")
        if request.over:
            wrong.append(f"its request was already {request.over}")
        if any(s["person"] == fact["person"] for s in request.sign_offs):
            wrong.append("its signer had decided before")
        if not self._held(fact["person"], (fact["role"],), fact.when):
            wrong.append(f"the role of {fact['role']} was not held")
        if not mine:
            wrong.append("the policy does not ask this role")
        if meaning not in FILLS["all"]:
            wrong.append("its meaning is none")
        if meaning != "recuse":
            if request.fact.by == fact["person"]:
                wrong.append("its signer made the request")
            parts = self._parts(fact["version"], fact["model"], fact["person"], fact.seq)
            wrong += [f"its signer had a part: {act} (entry {seq})" for part, act, seq in parts
                      if not (verb == "conclude" and part in ("testing", "validating"))]
        if meaning in FILLS["in favour"] and mine and meaning not in FILLS.get(verb, ()):
            wrong.append(f"the policy asks this role to {verb}")
        if meaning in FILLS["in favour"]:
            if any(c["state"] == "blocking" for c in dossier["checks"]):
                wrong.append("the dossier says that something stands in the way")
            holds = at(transition(policy, request.fact["to_stage"], dossier["tier"]), "holds_days") or 0
            if (day(fact["review_by"]) - moment(fact.when).date()).days > holds + 1:  # a signer's day may not be UTC's
                wrong.append("it holds longer than the policy allows")
        for sentence in wrong:
            self.wrong(11, fact.seq, f"{meaning} by {fact['person']}: {sentence}")
        if not request.over:
            request.sign_offs.append(fact)
            request.owed = {"reject": "rejected", "return": "returned"}.get(meaning, "")
            if not request.owed and quorum_met(rules, request.sign_offs):
                request.owed = "in effect"
            self.owing.append(request)

    def _parts(self, version: str, model: str, person: str, before: int) -> list[tuple[str, str, int]]:
        """§8: what a person did in a version before an entry: (part, act, entry)."""
        found, exact = [], self._of("version", version)
        if exact is not None:
            if person in exact["developers"]:
                found.append(("building", "developer of the version", exact.seq))
            if exact.by == person and at(exact["source"], "source") == "by_hand":
                found.append(("building", "added the version", exact.seq))
            run = self._of("run", exact["run"] or "")
            if run is not None and run["user"] == person:
                found.append(("building", "ran its training", run.seq))
        found += [("building", "developer or owner of the model", f.seq) for f in self.index["model", "model", model]
                  if person in (f["developer"], f["owner"])]
        for kind, part in (("card", "documenting"), ("evidence", "testing"), ("promotion.requested", "requesting"),
                           ("validation.concluded", "validating")):
            found += [(part, f"recorded {kind}", f.seq) for f in self.index[kind, "version", version]
                      if f.by == person and f["basis"] != "inventory"]
        return [each for each in found if each[2] < before]

    # ---- what follows (§8)

    def _closed(self, fact: Fact) -> None:
        request = self.requests.get(fact["request"])
        if request is None or request.over:
            self.wrong(11, fact.seq, "a request was closed that is not there or was over")
            return
        withdrawn = fact["outcome"] == "withdrawn" and fact.by == request.fact.by and not request.owed
        same = all(fact[n] == request.fact[n] for n in ("model", "version"))
        if not same or not (withdrawn or (request.owed and request.owed == fact["outcome"])):
            self.wrong(11, fact.seq, "a request was closed otherwise than its sign-offs or its requester say")
        request.over, request.owed = str(fact["outcome"]), ""

    def _stage(self, fact: Fact) -> None:
        self.stages[fact["version"], fact["use"]] = fact
        request = self.requests.get(fact["request"])
        if request is None or request.over or request.owed != "in effect":
            self.wrong(11, fact.seq, "the stage changed without a quorum of its request, decided in the same entry")
            return
        moved, signed = ("model", "version", "use", "from_stage", "to_stage"), request.sign_offs
        conditions: list[Any] = []
        for condition in (c for s in signed for c in s["conditions"]):
            conditions += [condition] if condition not in conditions else []
        expected = [
            ("the transition", [fact[n] for n in moved], [request.fact[n] for n in moved]),
            ("the sign-offs", fact["sign_offs"], [s["id"] for s in signed]),
            ("the conditions", fact["conditions"], conditions),
            ("the date of review", fact["review_by"], min(s["review_by"] for s in signed)),
            ("the day", abs((day(fact["effective_from"]) - moment(fact.when).date()).days) <= 1, True),
        ]
        for name, recorded, wanted in expected:
            if recorded != wanted:
                self.wrong(11, fact.seq, f"the stage changed otherwise than was signed: {name}")
        request.over, request.owed = "in effect", ""

    def _prior(self, fact: Fact) -> None:
        """§5: a decision from before the registry, signed by who took it in: never a quorum."""
        place = (fact["version"], fact["use"])
        self.priors[place] = fact
        said = self._signed(fact, fact["recorded_by"], self.keys, 10)
        if said is None:
            return
        predicate = at(said.statement, "predicate")
        subject = [{"name": f"version:{fact['version']}", "digest": {"sha256": fact["source_document"] or GENESIS}}]
        nfc = unicodedata.normalize("NFC", canonical({n: at(predicate, n) for n in ("decidedBy", "source")}).decode())
        self._compare(10, fact, [
            ("form", [said("_type"), said("predicateType")], [STATEMENT, PRIOR]), ("subject", said("subject"), subject),
            ("registry or recorder", [at(predicate, "registry"), at(predicate, "recorder")],
             [self.registry, fact["recorded_by"]]),
            ("decision", [at(predicate, n) for n in ("use", "stage", "outcome", "decidedOn", "reviewBy")],
             [fact[n] for n in ("use", "to_stage", "outcome", "decided_on", "review_by")]),
            ("author or source", nfc, canonical({"decidedBy": fact["decided_by"], "source": fact["source"]}).decode()),
            ("set of conditions", at(predicate, "conditionsDigest"), sha256(canonical(fact["conditions"]))),
            *self._not_later(at(predicate, "recordedAt"), fact)])
        if not self._held(fact["recorded_by"], ("administrator", "model_risk", "validator", "compliance"), fact.when):
            self.wrong(11, fact.seq, "who recorded a prior decision held no role to do so")

    def requests_of(self, version: str, use: str) -> list[Request]:
        """The requests for a version in a use, in their order."""
        asked = self.index["promotion.requested", "version", version]
        return [self.requests[f["id"]] for f in asked if f["use"] == use and f["id"] in self.requests]

    def stage(self, version: str, use: str, policy: Fact | None = None) -> str:
        """§8: the stage of a version in a use, rebuilt."""
        changed, prior = self.stages.get((version, use)), self.priors.get((version, use))
        if changed is not None:
            return str(changed["to_stage"])
        if prior is not None and prior["outcome"] != "rejected":
            return str(prior["to_stage"])
        return str(at(policy["stages"], 0, "key")) if policy else "development"

    # ---- beside the log

    def _documents(self) -> None:
        named = {digest for body in self.bodies.values() for digest in body["blobs"]}
        for listed, real, seq, size, length in self.source.documents:
            if listed != real or size != length:
                self.wrong(8, seq, f"document {listed[:16]} does not fit its digest or size")
            elif listed not in (at(self.bodies, seq, "blobs") or ()):
                self.wrong(8, seq, f"document {listed[:16]} is not named by the entry that it claims")
        for missing in sorted(named - {d[0] for d in self.source.documents}):
            first = min(seq for seq, body in self.bodies.items() if missing in body["blobs"])
            self.wrong(8, first, f"document {missing[:16]} is not there")

    def _texts(self) -> None:
        """§9: a text that is there must fit the salted digest that a fact holds of it, one that is gone must be named
        by an erasure, and nobody is erased while a hold stands.
        """
        of = {kind: [f for f in self.facts.values() if f["kind"] == kind]
              for kind in ("person.erased", "hold.placed", "hold.released")}
        erased = {ref for fact in of["person.erased"] for ref in fact["refs"] if isinstance(ref, str)}
        ends = {fact["hold"]: fact.seq for fact in of["hold.released"]}
        for fact in of["person.erased"]:
            if any(h["person"] == fact["person"] and h.seq < fact.seq <= ends.get(h["id"], fact.seq)
                   for h in of["hold.placed"]):
                self.wrong(14, fact.seq, "somebody was erased while a legal hold stood")
        for fact in self.facts.values():
            for part in _erasable(fact.read):
                salt, text = self.source.texts.get(part["ref"], ("", None))
                if (text is None) != (part["ref"] in erased):
                    self.wrong(14, fact.seq, f"the text beside a {fact['kind']} " + (
                        "is gone, and no erasure names it" if text is None else "was erased, and is there again"))
                if text is None:
                    continue
                raw = bytes.fromhex(salt) if re.fullmatch(r"([0-9a-f]{2})*", salt) else b""
                if sha256(raw + text.encode()) != part["digest"]:
                    self.wrong(14, fact.seq, f"the text beside a {fact['kind']} is another than was recorded")


MAY_ALSO = {  # besides administrators
    "policy": ("model_risk",), "recertification.opened": ("model_risk",), "recertification.answered": ("model_risk",),
    "recertification.closed": ("model_risk",), "hold.placed": ("compliance",), "hold.released": ("compliance",),
    "retention.set": ("compliance",),
}
GOVERNING = (
    "role.granted", "role.revoked", "key.enrolled", "key.revoked", "registry.restored", "person.erased", *MAY_ALSO)
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # SP 800-186 §3.2.1.3
FILLS = {
    "approve": ("approve", "approve_with_conditions"), "concur": ("concur",), "conclude": ("conclude",),
    "in favour": ("approve", "approve_with_conditions", "concur", "conclude"),
    "all": ("approve", "approve_with_conditions", "concur", "conclude", "reject", "return", "recuse"),
}


# ---- policies (§8)


def transition(policy: Fact, to_stage: str, tier: int) -> Any:
    """What a policy asks of a tier for a stage; None where it provides no way."""
    return next((t for t in policy["transitions"] if t["to_stage"] == to_stage and tier in t["tiers"]), None)


def quorum_met(rules: list[Any], sign_offs: list[Fact]) -> bool:
    """Whether every rule has its number of sign-offs by distinct persons; in order, and each person counts once."""
    used: set[str] = set()
    for rule in rules:
        fitting = dict.fromkeys(s["person"] for s in sign_offs if s["role"] == rule["role"]
                                and s["meaning"] in FILLS.get(rule["meaning"], ()) and s["person"] not in used)
        if len(fitting) < rule["count"]:
            return False
        used.update(list(fitting)[:rule["count"]])
    return bool(rules)


# ---- lists that a registry file keeps beside its log (§9)


def _erasable(value: Any) -> list[dict[str, str]]:
    """Every {digest, ref} in a fact: what it holds of an erasable text."""
    if isinstance(value, dict) and value.keys() == {"digest", "ref"} and isinstance(value["ref"], str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [found for part in parts for found in _erasable(part)]


POINTERS = ("model", "version", "use", "request", "person", "dossier", "policy", "finding", "grant", "evidence")
OF_A_USE = ("in_use", "validation.concluded", "stage.changed", "prior_decision", "promotion.requested", "exception",
            "overlay", "validation")


def check_lists(log: Verifier) -> None:
    """The index and the inventory against the facts: stage, approval, tier, request and findings of each version."""
    last = len(log.leaves)
    kinds = {f["id"]: f["kind"] for f in log.facts.values()}
    for subject, about, kind in sorted(log.source.about):
        first = canonical(subject.partition("\n")[0]).decode()  # a thing at a source is found by four names of it
        if kinds.get(about) != kind or first not in log.facts[about].body:
            log.wrong(12, last, f"the index says that {kind} {about} is about {subject}, which it is not")
    indexed = {(subject, about) for subject, about, _ in log.source.about}
    for fact in log.facts.values():
        missing = [name for name in POINTERS if isinstance(fact[name], str) and fact[name] not in ("", fact["id"])
                   and (fact["kind"], name) != ("policy", "version") and (fact[name], fact["id"]) not in indexed]
        if missing:
            log.wrong(12, fact.seq, f"the index leaves out the {missing[0]} of {fact['kind']} {fact['id']}")
    listed = {(row[0], row[1]): row for row in log.source.inventory}
    named = {place: model for model in {m["model"] for m in log.kinds["model"]} for place in recorded_of(log, model)}
    for place in sorted(named.keys() - listed.keys()):
        log.wrong(12, last, f"the inventory leaves out version {place[0]} in use “{place[1]}”")
    for place, (version, use, model, name, body) in sorted(listed.items()):
        try:
            row = parsed(body)
        except (ValueError, RecursionError) as error:
            log.wrong(12, last, f"the inventory row of version {version} cannot be read: {error}")
            continue
        known = named.get(place) == model or (place not in named and listable(log, model, version, use))
        wanted = expected_row(log, model, version, use, name) if known else {}
        different = [n for n, value in wanted.items() if at(row, n) != value or not isinstance(row, dict)]
        if different or not known:
            log.wrong(12, last, f"the inventory row of version {version} in use “{use}” is not what the facts say: "
                      f"{', '.join(different) or 'there is no such row'}")


def recorded_of(log: Verifier, model: str) -> set[tuple[str, str]]:
    """(version, use) of a model that the inventory must list: whatever anything was recorded of."""
    versions = {v["id"] for v in log.index["version", "model", model]}
    return {(f["version"], f["use"]) for kind in OF_A_USE for f in log.index[kind, "model", model]
            if f["version"] in versions}


def listable(log: Verifier, model: str, version: str, use: str) -> bool:
    """Whether the inventory may list a version in a use though nothing was recorded of it: both are the model's."""
    exact, purpose = log.facts.get(version), log.facts.get(use)
    return bool(log.index["model", "model", model]) and exact is not None and exact["model"] == model \
        and (use == "" or (purpose is not None and purpose["model"] == model))


def expected_row(log: Verifier, model: str, version: str, use: str, name: str) -> dict[str, Any]:
    """What the facts say of a version in a use, as far as this verifier rebuilds it."""
    changed, prior = log.stages.get((version, use)), log.priors.get((version, use))
    prior = prior if prior is not None and prior["outcome"] != "rejected" else None
    tiers = [t["tier"] for t in log.index["tier", "use", use] if t["model"] == model]
    asked = log.requests_of(version, use)
    states = {e["finding"]: e["state"] for e in log.index["finding.event", "model", model]}
    still = [f for f in log.index["finding", "version", version] if f["use"] in (None, use)
             and states.get(f["id"]) != "closed"]
    outcome = (asked[-1].over or "open") if asked else ""
    called = log.index["model", "model", model][-1]["name"]
    return {
        "model": model, "version": version, "use": use, "name": name if name == called else None,
        "stage": log.stage(version, use), "tier": tiers[-1] if tiers else None,
        "approval_basis": "signed" if changed else "prior_decision" if prior else "",
        "approved_on": changed["effective_from"] if changed else prior["decided_on"] if prior else None,
        "approved_until": changed["review_by"] if changed else prior["review_by"] if prior else None,
        "request": asked[-1].fact["id"] if asked else None,
        "request_outcome": "" if outcome == "in effect" else outcome, "findings_open": len(still)}


# ---- checkpoints kept outside (§7)


def hold(log: Verifier, path: Path, keys: list[tuple[str, bytes]]) -> str:
    """Hold the log against a checkpoint or a proof in a file. Returns what could not be judged. Raises Unusable."""
    try:
        text = path.read_bytes()[:1_000_001].decode("utf-8")
    except OSError as error:
        raise Unusable(f"{path}: {error}") from error
    except ValueError:
        text = ""
    try:
        proof, note = text.partition("\n\n")[::2] if text.startswith("c2sp.org/tlog-proof@v1\n") else ("", text)
        body, blank, under = note.rpartition("\n\n")
        origin, size, root = (body + "\n").split("\n")[:3]
        if not blank or not re.fullmatch("0|[1-9][0-9]{0,15}", size) or len(b64(root)) != 32:
            raise ValueError("it is no checkpoint")
        by = signers(body + "\n", under, keys)
        entries, found = int(size), tree_root(log.leaves[:int(size)])
        if origin != f"assaydesk/{log.registry}":
            raise ValueError(f"it is of another registry, {origin}")
        if keys and not by:
            raise ValueError("none of the keys given has signed it")
        if entries > len(log.leaves):
            raise ValueError(f"it holds {size} entries and the log {len(log.leaves)}: "
                             "this is an older copy, or its end was cut off")
        if found != b64(root):
            raise ValueError(f"the first {size} entries are not those it was made of")
        if proof:
            proved(log, proof, entries, b64(root))
    except (ValueError, IndexError) as error:
        log.wrong(13, 0, f"{path.name}: {error}")
        return ""
    return "" if by else f"who signed {path.name}: no key was given"


def key_of(line: str) -> tuple[str, bytes]:
    """Name and public key from the line of a key (C2SP signed-note). Raises Unusable."""
    try:
        name, short, key = line.strip().split("+", 2)
        data = b64(key)
        if len(data) != 33 or hashlib.sha256(name.encode() + b"\n" + data).hexdigest()[:8] != short:
            raise ValueError("it does not fit itself")
    except ValueError as error:
        raise Unusable(f"this is not the line of a key: {line} ({error})") from error
    return name, data[1:]


def signers(text: str, under: str, keys: list[tuple[str, bytes]]) -> list[str]:
    """Which of the keys given have signed or cosigned a note. Raises ValueError for a bad signature of one of them."""
    good = []
    for name, public in keys:
        for kind, stamp in ((1, 0), (4, 8)):  # signed-note; tlog-cosignature, whose signature follows a time
            number = hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]
            for dash, who, data in (line.split(" ") for line in under.split("\n") if line):
                raw = b64(data)
                if (dash, who, raw[:4]) == ("—", name, number):
                    before = f"cosignature/v1\ntime {int.from_bytes(raw[4:12], 'big')}\n" if stamp else ""
                    if len(raw) != 68 + stamp or not signed_by(public, raw[-64:], (before + text).encode()):
                        raise ValueError(f"the signature of {name} does not fit it")
                    good.append(name)
    return good


def proved(log: Verifier, proof: str, size: int, root: bytes) -> None:
    """RFC 9162 §2.1.3.2: the way from an entry's leaf to the root. Raises ValueError."""
    lines = proof.split("\n")
    if not re.fullmatch("index (0|[1-9][0-9]{0,15})", lines[2]) or int(lines[2][6:]) >= size:
        raise ValueError("its proof is of no entry under its checkpoint")
    leaf, index = b64(lines[1].removeprefix("extra ")), int(lines[2][6:])
    place, last, found = index, size - 1, leaf
    for line in lines[3:]:
        node, right = b64(line), place % 2 == 0 and place != last
        found = hashlib.sha256(b"\x01" + (found + node if right else node + found)).digest()
        while not right and place % 2 == 0 and place:
            place, last = place // 2, last // 2
        place, last = place // 2, last // 2
    if last != 0 or found != root:
        raise ValueError("its proof does not lead to its checkpoint")
    if log.leaves[index] != leaf:
        raise ValueError(f"entry {index + 1} is not the one that it proves")


# ---- what is said


def report(log: Verifier, held: int) -> dict[str, Any]:
    """Everything that was found, as plain values."""
    found = {number: [(seq, s) for check, seq, s in log.mismatches if check == number] for number in CHECKS}
    skipped = {} if log.source.whole else dict.fromkeys(ONLY_IN_A_REGISTRY, "not checked: an export holds none")
    if not held:
        skipped[13] = "in order as far as signers quote the log; no checkpoint was given"
    checks = [{"number": n, "name": name, "result": "mismatch" if found[n] else skipped.get(n, "in order"),
               "mismatches": [{"entry": seq, "sentence": s} for seq, s in found[n]]} for n, name in CHECKS.items()]
    others = sorted(log.kinds.keys() - SHAPES.keys())
    stages = [{"version": v, "use": u, "stage": log.stage(v, u), "basis": "signed" if (v, u) in log.stages else
               "prior decision"} for v, u in sorted({*log.stages, *log.priors})]
    return {
        "ok": not log.mismatches, "registry": log.registry, "entries": len(log.leaves), "facts": len(log.facts),
        "head": log.source.entries[-1].hash if log.source.entries else GENESIS, "root": tree_root(log.leaves).hex(),
        "checks": checks, "stages": stages, "not_checked": [
            "whether entries newer than every checkpoint given were cut from the end or rewritten",
            "whether the people behind the keys are who they were enrolled as; trust begins with entry 1",
            "the guards (triggers) of the tables: they keep nobody out who owns the file",
            "the tables listing and alarm, by which the program finds, orders and counts the rows of the inventory",
            f"what facts of these kinds say, beyond their bytes: {', '.join(others) or 'none'}", *log.doubts]}


def told(found: dict[str, Any]) -> str:
    """The report for people."""
    lines = [f"Registry {found['registry']}: {found['entries']:,} entries, {found['facts']:,} facts",
             f"head {found['head']}", f"root {found['root']}", ""]
    for check in found["checks"]:
        lines.append(f"{check['number']:>3}  {check['name']:<42} {check['result']}")
        lines += [f"       entry {m['entry']:,}: {m['sentence']}" for m in check["mismatches"]]
    counted = Counter((s["stage"], s["basis"]) for s in found["stages"])
    lines += ["", "Rebuilt: " + ("; ".join(f"{n} in {stage} ({basis})" for (stage, basis), n in sorted(counted.items()))
                                 or "no stage was decided"), "", "Not checked:"]
    lines += [f"  - {line}" for line in found["not_checked"]]
    first = min((m["entry"], c["number"], m["sentence"]) for c in found["checks"] for m in c["mismatches"]) \
        if not found["ok"] else None
    lines += ["", f"MISMATCH. The first is at entry {first[0]:,}: {first[2]}" if first else "In order."]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """The command. Returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("source", type=Path, help="a registry file, or an export of the log as JSON lines")
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], metavar="FILE",
                        help="a checkpoint or a proof of an entry, kept outside the registry")
    parser.add_argument("--key", action="append", default=[], metavar="LINE",
                        help="the line of a public key that must have signed each checkpoint")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    try:
        keys = [key_of(line) for line in given.key]
        log = Verifier(read(given.source))
        log.run()
        log.doubts += filter(None, [hold(log, path, keys) for path in given.checkpoint])
    except Unusable as error:
        print(f"It cannot be verified: {error}", file=sys.stderr)
        return 2
    found = report(log, len(given.checkpoint))
    print(json.dumps(found, indent=1, ensure_ascii=False) if given.json else told(found))
    return 0 if found["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
