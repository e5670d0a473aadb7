"""The verifier: numbered checks over what a registry holds. Decides without I/O; the caller brings the rows.

1 order · 2 canonical form · 3 chain (security.md §1.4) · 4 time · 5 commands · 6 facts against entries (RFC 9162 root)
· 7 orphans · 8 documents · 9 keys and signatures (DSSE) · 10 decisions (separation, quorum) · 11 projections.

Not checked here: whether entries were cut from the end, or the whole log was rewritten, since the last digest that
somebody kept outside the registry (a printed PDF, a note); and whether the keys' holders were who they said.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from desktop_app.domain import approval, audit, canonical
from desktop_app.domain.approval import PriorDecision, PromotionRequest, SignOff, StageChanged
from desktop_app.domain.audit import CheckReport, Entry, EntryBody, Problem, Recorded
from desktop_app.domain.canonical import Digest, Id, NotCanonical
from desktop_app.domain.dossier import Dossier
from desktop_app.domain.history import History
from desktop_app.domain.person import KeyEnrolled, RoleGranted, RoleRevoked, key_proof_text
from desktop_app.domain.policy import Policy, Transition
from desktop_app.progress import Progress
from desktop_app.trust import dsse

R = TypeVar("R")
SKEW_SECONDS = 300
NOT_CHECKED = (
    "whether entries were cut from the end, or the log rewritten, since the last digest kept outside the registry",
    "whether the people behind the keys are who they were enrolled as",
)
_CHECKS = {
    1: "order of entries", 2: "canonical form", 3: "chain of hashes", 4: "order of times", 5: "commands are unique",
    6: "facts against their entries", 7: "facts without an entry", 8: "documents", 9: "keys and signatures",
    10: "decisions: separation and quorum", 11: "projections against facts",
}


@dataclass(frozen=True)
class StoredFact:
    """A fact row as it lies in the registry."""

    id: str
    kind: str
    ordinal: int
    seq: int
    position: int
    digest: str
    body: str


class LogVerifier:
    """Feed it the entries with their facts in order, then ask for the report."""

    def __init__(self, registry: str) -> None:
        self.registry = registry
        self.problems: list[Problem] = []
        self.facts: dict[Id, Recorded[Any]] = {}
        self.bodies: dict[int, EntryBody] = {}
        self.seq, self._hash, self._at = 0, audit.GENESIS.hex(), ""
        self._commands: set[str] = set()
        self._documents: set[Digest] = set()
        self.models: dict[Id, list[Recorded[Any]]] = defaultdict(list)
        self._ordinals: Counter[str] = Counter()

    def problem(self, check: int, seq: int, sentence: str) -> None:
        """Note a mismatch."""
        self.problems.append(Problem(check=f"{check} {_CHECKS[check]}", seq=seq, sentence=sentence))

    def entry(self, entry: Entry, facts: list[StoredFact]) -> None:
        """Check the next entry with the facts that point to it (checks 1 to 6)."""
        if entry.seq != self.seq + 1:
            self.problem(1, entry.seq, f"entry {self.seq + 1:,} is missing: after {self.seq:,} comes {entry.seq:,}")
        framed = audit.message(entry.seq, entry.at, entry.user, entry.command, entry.body)
        if entry.prev != self._hash:
            self.problem(3, entry.seq, "it does not continue the entry before it")
        if not _follows(entry.prev, framed, entry.hash):
            self.problem(3, entry.seq, "its content does not fit its hash: it was edited")
        if canonical.utc_text(entry.at) < self._at:
            self.problem(4, entry.seq, "it is dated before the entry in front of it")
        if entry.command in self._commands:
            self.problem(5, entry.seq, f"command {entry.command} was already done")
        self._commands.add(entry.command)
        self.seq, self._hash, self._at = entry.seq, entry.hash, canonical.utc_text(entry.at)
        self._body(entry, facts)

    def _body(self, entry: Entry, facts: list[StoredFact]) -> None:
        try:
            body = entry.read()
        except NotCanonical as error:
            self.problem(2, entry.seq, f"its body cannot be read: {error}")
            return
        self.bodies[entry.seq] = body
        if body.registry != self.registry:
            self.problem(2, entry.seq, f"it belongs to another registry, {body.registry}")
        if abs((body.client_time - entry.at).total_seconds()) > SKEW_SECONDS:
            self.problem(4, entry.seq, "the writer's clock was more than five minutes off")
        for stored in facts:
            self._fact(entry, body, stored)
        if len(facts) != body.facts:
            self.problem(6, entry.seq, f"it added {body.facts} facts, {len(facts)} are there")
        elif audit.facts_root(canonical.sha256(f.body.encode("utf-8")) for f in facts) != body.facts_root:
            self.problem(6, entry.seq, "its facts are not those it was written with")

    def _fact(self, entry: Entry, body: EntryBody, stored: StoredFact) -> None:
        data = stored.body.encode("utf-8")
        if canonical.sha256(data) != stored.digest:
            self.problem(6, entry.seq, f"{stored.kind} {stored.ordinal} does not fit its digest: it was edited")
        try:
            record = canonical.load(data)
        except NotCanonical as error:
            self.problem(2, entry.seq, f"{stored.kind} {stored.ordinal} cannot be read: {error}")
            return
        self._ordinals[stored.kind] += 1
        found = (record.id, canonical.kind_of(record), self._ordinals[stored.kind])
        if found != (stored.id, stored.kind, stored.ordinal):
            self.problem(11, entry.seq, f"{stored.kind} {stored.ordinal} is indexed as something it is not")
        recorded = Recorded(record=record, digest=Digest(stored.digest), seq=entry.seq, at=entry.at, by=body.actor,
                            ordinal=stored.ordinal)
        self.facts[record.id] = recorded
        if model := getattr(record, "model", None):
            self.models[model].append(recorded)

    def orphan(self, stored: StoredFact) -> None:
        """A fact whose entry is not in the log (check 7)."""
        self.problem(7, stored.seq, f"{stored.kind} {stored.ordinal} has no entry: it was added past the log")

    def blob(self, digest: Digest, seq: int, data: bytes) -> None:
        """A stored document (check 8)."""
        self._documents.add(digest)
        if canonical.sha256(data) != digest:
            self.problem(8, seq, f"document {digest[:16]} does not fit its digest")
        elif seq not in self.bodies or digest not in self.bodies[seq].blobs:
            self.problem(8, seq, f"document {digest[:16]} is not named by the entry it claims")

    def missing_blobs(self) -> None:
        """Documents that entries name and that are not there (check 8); after the last `blob`."""
        for seq, body in self.bodies.items():
            for digest in body.blobs:
                if digest not in self._documents:
                    self.problem(8, seq, f"document {digest[:16]} is not there")

    def decisions(self, progress: Progress) -> None:
        """Replay keys, signatures, separation and quorum over the facts that were fed (checks 9 and 10)."""
        keys = self._keys()
        signed = [f for f in self.facts.values() if isinstance(f.record, SignOff)]
        for n, item in enumerate(signed):
            progress.step(n / len(signed), "checking signatures")
            verdict = check_sign_off(item, self.facts, keys, self.registry)
            if verdict != "valid":
                self.problem(9, item.seq, f"the signature of {item.record.meaning.value}: {verdict}")
        for item in self.facts.values():
            if isinstance(item.record, PriorDecision) and (wrong := check_prior(item, keys, self.registry)) != "valid":
                self.problem(9, item.seq, f"the recorder's signature under a prior decision: {wrong}")
        for item in self.facts.values():
            if isinstance(item.record, StageChanged):
                self._stage(item)

    def _keys(self) -> dict[str, Recorded[KeyEnrolled]]:
        keys = {}
        for item in self.facts.values():
            if isinstance(item.record, KeyEnrolled):
                keys[item.record.key_id] = item
                if not _proved(item.record, self.registry):
                    self.problem(9, item.seq, f"key {item.record.key_id} does not prove that its holder asked for it")
        return keys

    def _stage(self, item: Recorded[StageChanged]) -> None:
        change, request = item.record, self._found(PromotionRequest, item.record.request)
        signed = [s for i in change.sign_offs if (s := self._found(SignOff, i))]
        if request is None or len(signed) != len(change.sign_offs):
            self.problem(10, item.seq, "the request or a sign-off behind a change of stage is missing")
            return
        policy, dossier = self._found(Policy, request.record.policy), self._found(Dossier, request.record.dossier)
        if policy is None or dossier is None:
            self.problem(10, item.seq, "the policy or the dossier behind a change of stage is missing")
            return
        asked = request.record
        if (change.version, change.use, change.to_stage) != (asked.version, asked.use, asked.to_stage) \
                or any(s.record.request != asked.id for s in signed):
            self.problem(10, item.seq, "the stage changed otherwise than the request and its sign-offs say")
        transition = policy.record.transition(asked.to_stage, dossier.record.tier)
        if transition is None or not approval.quorum(transition, [s.record for s in signed]).met:
            self.problem(10, item.seq, "the policy's quorum was not met when the stage changed")
            return
        for sign_off in signed:
            self._separated(transition, request, sign_off)

    def _separated(self, transition: Transition, request: Recorded[PromotionRequest], item: Recorded[SignOff]) -> None:
        signed = item.record
        before = History(f for f in self.models[signed.model] if f.seq < item.seq)
        refusal = approval.check_may_sign(
            transition, frozenset({signed.role}), signed.meaning, before.involvement(signed.version, signed.person),
            already=False, requested_by_me=request.by == signed.person)
        if refusal:
            self.problem(10, item.seq, f"who signed might not: {refusal.title} {refusal.detail}")

    def _found(self, cls: type[R], fact_id: Id) -> Recorded[R] | None:
        found = self.facts.get(fact_id)
        return found if found is not None and isinstance(found.record, cls) else None

    def report(self) -> CheckReport:
        """What was checked and what was found."""
        failed = {p.check for p in self.problems}
        names = [f"{n} {name}" for n, name in _CHECKS.items()]
        return CheckReport(
            checks=tuple((name, "mismatch" if name in failed else "in order") for name in names),
            problems=tuple(self.problems), entries=self.seq, head=Digest(self._hash), not_checked=NOT_CHECKED)


def _follows(prev: str, framed: bytes, hash_text: str) -> bool:
    try:
        return audit.chain_hash(bytes.fromhex(prev), framed).hex() == hash_text
    except ValueError:
        return False


def _proved(key: KeyEnrolled, registry: str) -> bool:
    try:
        raw = base64.b64decode(key.public_key, validate=True)
        text = key_proof_text(key.person, key.key_id, registry)
        Ed25519PublicKey.from_public_bytes(raw).verify(base64.b64decode(key.proof, validate=True), text)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def check_sign_off(
    item: Recorded[SignOff], facts: Mapping[Id, Recorded[Any]], keys: Mapping[str, Recorded[KeyEnrolled]],
    registry: str,
) -> str:
    """Whether a sign-off is what it says: "valid", or what is wrong with it.

    The key must be its person's and enrolled before; the statement must be about this request, dossier and version.
    """
    signed = item.record
    key, request = keys.get(signed.key_id), facts.get(signed.request)
    if key is None or key.record.person != signed.person:
        return "the key is not that person's"
    if key.seq >= item.seq:
        return "the key was enrolled after the signature"
    if request is None or not isinstance(request.record, PromotionRequest):
        return "its request is missing"
    try:
        opened = dsse.open_envelope(signed.envelope, approval.PAYLOAD_TYPE,
                                    {signed.key_id: base64.b64decode(key.record.public_key)})
    except (dsse.BadEnvelope, binascii.Error) as error:
        return str(error)
    if canonical.sha256(opened.payload) != signed.statement_digest:
        return "the statement is not the one that was recorded"
    try:
        return _check_statement(opened.statement, item, request, facts, registry)
    except (AttributeError, TypeError):
        return "the statement does not have the form of one"


def _check_statement(
    said: Mapping[str, Any], item: Recorded[SignOff], request: Recorded[PromotionRequest],
    facts: Mapping[Id, Recorded[Any]], registry: str,
) -> str:
    signed, dossier = item.record, facts.get(request.record.dossier)
    policy = facts.get(request.record.policy)
    if dossier is None or not isinstance(dossier.record, Dossier) or policy is None \
            or not isinstance(policy.record, Policy):
        return "its dossier or policy is missing"
    predicate = said.get("predicate", {})
    expected: list[tuple[str, Any, Any]] = [
        ("registry", predicate.get("registry"), registry),
        ("meaning", predicate.get("meaning"), signed.meaning.value),
        ("request", predicate.get("transition", {}).get("request"), request.record.id),
        ("version", predicate.get("transition", {}).get("version"), signed.version),
        ("person", predicate.get("signer", {}).get("person"), signed.person),
        ("role", predicate.get("signer", {}).get("role"), signed.role.value),
        ("policy", predicate.get("policy", {}).get("sha256"), policy.digest),
        ("dossier", request.record.dossier_digest, dossier.digest),
        ("subjects", [s.get("digest", {}).get("sha256") for s in said.get("subject", [])],
         [dossier.record.artefact, dossier.digest]),
    ]
    wrong = [name for name, found, wanted in expected if found != wanted]
    if wrong:
        return f"the statement names another {wrong[0]}"
    if not _held(facts.values(), signed.person, signed.role, item):
        return f"the role of {signed.role.value} was not held at that moment"
    return "valid"


def check_prior(
    item: Recorded[PriorDecision], keys: Mapping[str, Recorded[KeyEnrolled]], registry: str,
) -> str:
    """Whether a prior decision was signed, as it stands, by whoever recorded it: "valid", or what is wrong."""
    taken, key = item.record, keys.get(item.record.key_id)
    if key is None or key.record.person != taken.recorded_by or key.seq >= item.seq:
        return "the key is not the recorder's"
    try:
        said = dsse.open_envelope(taken.envelope, approval.PAYLOAD_TYPE,
                                  {taken.key_id: base64.b64decode(key.record.public_key)}).statement
        subject, predicate = said["subject"][0], said["predicate"]
        found = canonical.plain([subject["name"], subject["digest"]["sha256"], *(predicate[name] for name in _PRIOR)])
    except (dsse.BadEnvelope, binascii.Error) as error:
        return str(error)
    except (LookupError, TypeError, NotCanonical):
        return "the statement does not have the form of one"
    wanted = canonical.plain([
        f"version:{taken.version}", taken.source_document or "0" * 64, taken.recorded_by, registry, taken.use,
        taken.to_stage, taken.outcome, taken.decided_by, taken.decided_on, taken.review_by, taken.source])
    return "valid" if found == wanted else "the statement says something else"


_PRIOR = ("recorder", "registry", "use", "stage", "outcome", "decidedBy", "decidedOn", "reviewBy", "source")


def _held(facts: Iterable[Recorded[Any]], person: Id, role: str, at: Recorded[SignOff]) -> bool:
    before = [f for f in facts if f.seq < at.seq]
    ended = {f.record.grant for f in before if isinstance(f.record, RoleRevoked)}
    return any(
        isinstance(f.record, RoleGranted) and f.record.person == person and f.record.role == role
        and f.record.id not in ended and (f.record.valid_to is None or at.at < f.record.valid_to) for f in before)
