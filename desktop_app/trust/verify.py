"""The verifier: numbered checks over what a registry holds. Decides without I/O; the caller brings the rows.

1 order · 2 canonical form · 3 chain (security.md §1.4) · 4 time · 5 commands · 6 facts against entries (RFC 9162 root)
· 7 orphans · 8 documents · 9 keys and signatures (DSSE) · 10 decisions (separation, quorum) · 11 projections
· 12 guards of the tables (what keeps others from editing them) · 13 checkpoints kept outside the registry: the root of
the tree (RFC 9162) over as many entries must be theirs · 14 names and texts kept beside the log: each fits the
digest that a fact holds of it, and is gone only where a signed erasure says so.

Not checked here: whether entries newer than every checkpoint given were cut from the end or rewritten; and whether the
keys' holders were who they said.
"""

from __future__ import annotations

import base64
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from desktop_app.domain import audit, canonical
from desktop_app.domain.approval import PriorDecision, PromotionRequest, SignOff, StageChanged
from desktop_app.domain.audit import CheckReport, Entry, EntryBody, Problem, Recorded
from desktop_app.domain.canonical import Digest, Id, NotCanonical
from desktop_app.domain.mandate import GOVERNING, Mandate
from desktop_app.domain.person import (
    HoldPlaced,
    HoldReleased,
    KeyEnrolled,
    PersonErased,
    RoleGranted,
    RoleRevoked,
    erasables,
    fits,
)
from desktop_app.domain.registry import RegistryRestored
from desktop_app.progress import Progress
from desktop_app.trust.authority import VALID, proved
from desktop_app.trust.decisions import Decisions
from desktop_app.trust.log import Tree, leaf_hash

SKEW_SECONDS = 300
_ALL_UNSEEN = "whether entries were cut from the end, or the log rewritten: no checkpoint kept outside was given"
_NEW_UNSEEN = "whether entries after {:,}, the newest under a checkpoint kept outside, were cut off or rewritten"
_WHO = "whether the people behind the keys are who they were enrolled as"
_CHECKS = {
    1: "order of entries", 2: "canonical form", 3: "chain of hashes", 4: "order of times", 5: "commands are unique",
    6: "facts against their entries", 7: "facts without an entry", 8: "documents", 9: "keys and signatures",
    10: "decisions: separation and quorum", 11: "projections against facts", 12: "guards of the tables",
    13: "checkpoints", 14: "names and texts, and what was erased",
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


@dataclass(frozen=True)
class Held:
    """A checkpoint kept outside the registry: whose or which file, how many entries, and the root over them.

    flaw: what is wrong with it by itself ("" when nothing is) · out_of_reach: the flaw is only that it cannot be read
    now, which speaks neither for nor against the log · entry: (seq, leaf hash) of the entry that it proves · stamped:
    when a timestamping authority saw it, at the latest.
    """

    where: str
    size: int
    root: bytes
    flaw: str = ""
    out_of_reach: bool = False
    entry: tuple[int, bytes] | None = None
    stamped: datetime | None = None


class LogVerifier:
    """Feed it the entries with their facts in order, then ask for the report.

    held: checkpoints to hold the log against.
    """

    def __init__(self, registry: str, held: tuple[Held, ...] = ()) -> None:
        self.registry, self._held = registry, held
        self._tree, self._roots, self._leaves = Tree(), {h.size: b"" for h in held}, dict[int, bytes]()
        self._made: dict[int, datetime] = {}
        self._hashes: dict[int, str] = {}
        self._proved = {h.entry[0] for h in held if h.entry}
        self.problems: list[Problem] = []
        self.unclear: list[Problem] = []
        self.facts: dict[Id, Recorded[Any]] = {}
        self.bodies: dict[int, EntryBody] = {}
        self.seq, self._hash, self._at = 0, audit.GENESIS.hex(), ""
        self.commands: dict[int, str] = {}
        self._done: set[str] = set()
        self._doubts: list[str] = []
        self._documents: set[Digest] = set()
        self.models: dict[Id, list[Recorded[Any]]] = defaultdict(list)
        self._ordinals: Counter[str] = Counter()
        self._strays = 0

    def problem(self, check: int, seq: int, sentence: str) -> None:
        """Note a mismatch."""
        self.problems.append(Problem(check=f"{check} {_CHECKS[check]}", seq=seq, sentence=sentence))

    def doubt(self, check: int, seq: int, sentence: str) -> None:
        """Note what this program cannot judge: it is no mismatch, and it is not in order."""
        self.unclear.append(Problem(check=f"{check} {_CHECKS[check]}", seq=seq, sentence=sentence))

    def entry(self, entry: Entry, facts: list[StoredFact]) -> None:
        """Check the next entry with the facts that point to it (checks 1 to 6)."""
        if entry.seq != self.seq + 1:
            self.problem(1, entry.seq, f"entry {self.seq + 1:,} is missing: after {self.seq:,} comes {entry.seq:,}")
        framed = audit.message(entry.seq, entry.at, entry.user, entry.command, entry.body)
        self._grow(entry, leaf_hash(framed))
        if not (audit.frames(entry.user) and audit.frames(entry.command)):
            self.problem(2, entry.seq, "its user or its command is not one line of text")
        if entry.prev != self._hash:
            self.problem(3, entry.seq, "it does not continue the entry before it")
        if not _follows(entry.prev, framed, entry.hash):
            self.problem(3, entry.seq, "its content does not fit its hash: it was edited")
        if canonical.utc_text(entry.at) < self._at:
            self.problem(4, entry.seq, "it is dated before the entry in front of it")
        if entry.command in self._done:
            self.problem(5, entry.seq, f"command {entry.command} was already done")
        self._done.add(entry.command)
        self.commands[entry.seq] = entry.command
        self._hashes[entry.seq] = entry.hash
        self.seq, self._hash, self._at = entry.seq, entry.hash, canonical.utc_text(entry.at)
        self._body(entry, facts)

    def _grow(self, entry: Entry, leaf: bytes) -> None:
        self._tree.append(leaf)
        if self._tree.size in self._roots:
            self._roots[self._tree.size] = self._tree.root()
            self._made[self._tree.size] = entry.at
        if entry.seq in self._proved:
            self._leaves[entry.seq] = leaf

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
        if body.kinds != tuple(sorted({f.kind for f in facts})):
            self.problem(6, entry.seq, "the kinds of its facts are not those it names")
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
            if _is_canonical(data):
                self.doubt(2, entry.seq, f"{stored.kind} {stored.ordinal} is of a kind or form that this program does "
                           f"not know: it was written by {body.application}, which can judge it")
                self._ordinals[stored.kind] += 1
            else:
                self.problem(2, entry.seq, f"{stored.kind} {stored.ordinal} cannot be read: {error}")
            return
        self._ordinals[stored.kind] += 1
        found = (record.id, canonical.kind_of(record), self._ordinals[stored.kind])
        if found != (stored.id, stored.kind, stored.ordinal):
            self.problem(11, entry.seq, f"{stored.kind} {stored.ordinal} is indexed as something it is not")
        if (first := self.facts.get(record.id)) is not None:
            self.problem(6, entry.seq, f"{stored.kind} {stored.ordinal} was recorded already, in entry {first.seq:,}")
            return
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

    def let_go(self) -> None:
        """Keep nothing of what was fed but the end of the log and its tree: for whoever asks neither for decisions nor
        for projections, and goes on for ever.
        """
        for kept in (self.facts, self.models, self.bodies, self.commands, self._hashes, self._documents):
            kept.clear()

    def decisions(self, progress: Progress) -> None:
        """Replay keys, signatures, separation and quorum over the facts that were fed (checks 9 and 10)."""
        decisions = Decisions(self.registry, self.facts.values(), self.commands)
        for key in decisions.all(KeyEnrolled):
            if not proved(key.record, key.record.person, self.registry):
                self.problem(9, key.seq, f"key {key.record.key_id} does not prove that its holder asked for it")
        for item in self.facts.values():
            if isinstance(item.record, GOVERNING) and (wrong := decisions.authority.mandated(item)) != VALID:
                kind = canonical.kind_of(item.record)
                self.problem(9, item.seq, f"{kind} {item.ordinal} is not signed by anybody who may: {wrong}")
            self._fits_before(item)
        self._holds(decisions)
        there: dict[int, set[Id]] = defaultdict(set)
        for item in self.facts.values():
            there[item.seq].add(item.record.id)
        for signed_for in decisions.all(Mandate):
            self._saw_this(signed_for)
            self._whole(signed_for, there[signed_for.seq])
            if doubt := decisions.authority.doubt(signed_for.record.key_id, signed_for.at):
                self._doubts.append(f"whether the mandate in entry {signed_for.seq:,} is its signer's: {doubt}")
        signed = decisions.all(SignOff)
        for n, item in enumerate(signed):
            progress.step(n / len(signed), "checking signatures")
            if (verdict := decisions.sign_off(item)) != "valid":
                self.problem(9, item.seq, f"the signature of {item.record.meaning.value}: {verdict}")
            elif doubt := decisions.doubt(item):
                self._doubts.append(f"whether the signature in entry {item.seq:,} is its signer's: {doubt}")
            self._saw_this(item)
            for sentence in decisions.in_favour(item):
                self.problem(10, item.seq, f"the signature of {item.record.meaning.value}: {sentence}")
        self._outcomes(decisions)

    def _fits_before(self, item: Recorded[Any]) -> None:
        """What ends a grant, or restores a backup, names what was there."""
        match item.record:
            case RoleRevoked(grant=grant_id, person=person, role=role):
                grant = self.facts.get(grant_id)
                ended = grant.record if grant and grant.seq < item.seq else None
                if not isinstance(ended, RoleGranted) or (ended.person, ended.role) != (person, role):
                    self.problem(9, item.seq, "the grant that it ends is not there, or is another's")
            case RegistryRestored(backup_seq=seq, backup_hash=digest):
                if seq >= item.seq or self._hashes.get(seq) != digest:
                    self.problem(9, item.seq, "the backup that it was restored from is not what stands before it")

    def _outcomes(self, decisions: Decisions) -> None:
        """What was decided elsewhere, how requests ended, and changes of stage."""
        recorded: dict[str, int] = {}
        for prior in decisions.all(PriorDecision):
            if (verdict := decisions.prior(prior)) != "valid":
                self.problem(9, prior.seq, f"the recorder's signature under a prior decision: {verdict}")
            elif doubt := decisions.authority.doubt(prior.record.key_id, prior.at):
                self._doubts.append(f"whether the prior decision in entry {prior.seq:,} is its recorder's: {doubt}")
            first = recorded.setdefault(prior.record.envelope, prior.seq)
            if first != prior.seq:
                self.problem(9, prior.seq, f"a prior decision is recorded again under the signature of entry {first:,}")
        for request in decisions.all(PromotionRequest):
            say = self.doubt if self.unclear else self.problem  # a fact that this program does not know may explain it
            for sentence in decisions.rests_on(request):
                say(10, request.seq, sentence)
            for seq, sentence in decisions.request(request):
                self.problem(10, seq, sentence)
        for change in decisions.all(StageChanged):
            for seq, sentence in decisions.stage(change):
                self.problem(10, seq, sentence)

    def texts(self, kept: Iterable[tuple[str, str, str]]) -> None:
        """Erasable texts as they are kept: (reference, salt in hexadecimal, text), check 14; after the last entry."""
        wanted = {text.ref: (text.digest, item.seq) for item in self.facts.values() for text in erasables(item.record)}
        erased = {ref: item.seq for item in self.facts.values() if isinstance(item.record, PersonErased)
                  for ref in item.record.refs}
        there = set()
        for ref, salt, text in kept:
            there.add(ref)
            if ref in erased:
                self.problem(14, erased[ref], "a text that was erased is there again")
            elif ref not in wanted:
                self._strays += 1
            elif not fits(salt, text, wanted[ref][0]):
                self.problem(14, wanted[ref][1], "a name or text of it was changed")
        for ref, (_, seq) in wanted.items():
            if ref not in there and ref not in erased:
                self.problem(14, seq, "a name or text of it was deleted, and no erasure says so")
        if self._strays:
            say = self.doubt if self.unclear else self.problem  # of a fact that this program does not know
            say(14, 0, f"{self._strays:,} texts are kept that no record refers to")

    def _holds(self, decisions: Decisions) -> None:
        """Nobody is erased while a legal hold on them stands (check 14)."""
        valid = decisions.authority.mandated
        ends = {f.record.hold: f.seq for f in decisions.all(HoldReleased) if valid(f) == VALID}
        holds = [f for f in decisions.all(HoldPlaced) if valid(f) == VALID]
        for item in decisions.all(PersonErased):
            if any(h.record.person == item.record.person and h.seq < item.seq <= ends.get(h.record.id, item.seq)
                   for h in holds):
                self.problem(14, item.seq, "somebody was erased while a legal hold stood")

    def _saw_this(self, signed: Recorded[SignOff] | Recorded[Mandate]) -> None:
        """The end of the log that a signature quotes must be in this one: each is a checkpoint of its own."""
        try:
            said = json.loads(base64.b64decode(json.loads(signed.record.envelope)["payload"]))["predicate"]
            seq, _, digest = str(said["checkpoint"]).partition(":")
            seen = int(seq) if seq.isascii() and seq.isdecimal() else signed.seq
        except (ValueError, LookupError, TypeError):
            return  # not the form of a statement: that is said where the signature is judged
        wanted = self._hashes.get(seen) if seen else audit.GENESIS.hex()
        if seen >= signed.seq or wanted != digest:
            self.problem(9, signed.seq, "its signer had seen another log than this one: what was recorded before was "
                         "rewritten, or this is a copy that went its own way")

    def _whole(self, signed: Recorded[Mandate], there: set[Id]) -> None:
        """Everything that a mandate signs for lies in its entry, and its act is the entry's."""
        try:
            said = json.loads(base64.b64decode(json.loads(signed.record.envelope)["payload"]))
            named = {str(s["name"]).rpartition(":")[2] for s in said["subject"]}
        except (ValueError, LookupError, TypeError):
            return
        if not named <= there:
            self.problem(9, signed.seq, "something that was signed for in this entry is not there")
        body = self.bodies.get(signed.seq)
        if body and body.action != signed.record.act:
            self.problem(9, signed.seq, f"what was signed for is {signed.record.act}, the entry says {body.action}")

    def checkpoints(self) -> None:
        """Hold the tree against the checkpoints kept outside (check 13), the smallest first; after the last entry."""
        size = self._tree.size
        for held in sorted(self._held, key=lambda h: h.size):
            if held.out_of_reach:
                self.unclear.append(Problem(check=f"13 {_CHECKS[13]}", seq=0, sentence=f"{held.where}: {held.flaw}"))
            elif held.flaw:
                self.problem(13, 0, f"{held.where}: {held.flaw}")
            elif held.size > size:
                self.problem(13, held.size, f"{held.where}: it holds {held.size:,} entries and the log {size:,}: "
                             "entries were removed from the end, or an older copy was put in its place")
            elif self._roots[held.size] != held.root:
                self.problem(13, held.size, f"{held.where}: the first {held.size:,} entries are not those it was made "
                             "of: the log was rewritten, or is a copy that went its own way")
            elif held.entry and self._leaves.get(held.entry[0]) != held.entry[1]:
                self.problem(13, held.entry[0], f"{held.where}: this entry is not the one that it proves")
            elif held.stamped and self._made[held.size] - held.stamped > timedelta(seconds=SKEW_SECONDS):
                self.problem(13, held.size, f"{held.where}: a timestamping authority saw it on "
                             f"{canonical.utc_text(held.stamped)}, before the time that its last entry bears")

    def report(self) -> CheckReport:
        """What was checked and what was found."""
        came_to = {p.check: "not checked" for p in self.unclear} | {p.check: "mismatch" for p in self.problems}
        if not self._held:
            came_to[f"13 {_CHECKS[13]}"] = "not checked: none is kept"
        seen = max((h.size for h in self._held if not h.flaw), default=0)
        names = [f"{n} {name}" for n, name in _CHECKS.items()]
        return CheckReport(
            checks=tuple((name, came_to.get(name, "in order")) for name in names), problems=tuple(self.problems),
            entries=self.seq, head=Digest(self._hash), root=Digest(self._tree.root().hex()),
            not_checked=(_NEW_UNSEEN.format(seen) if seen else _ALL_UNSEEN, _WHO, *self._doubts),
            unclear=tuple(self.unclear))


def _is_canonical(data: bytes) -> bool:
    try:
        canonical.parse(data)
    except NotCanonical:
        return False
    return True


def _follows(prev: str, framed: bytes, hash_text: str) -> bool:
    try:
        return audit.chain_hash(bytes.fromhex(prev), framed).hex() == hash_text
    except ValueError:
        return False
