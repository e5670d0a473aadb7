"""The numbered checks of an audit PDF: what is embedded, its digests and signatures, its pages, and the registry."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from typing import Any

from desktop_app import __version__
from desktop_app.domain import canonical
from desktop_app.domain.approval import PriorDecision, PromotionRequest, SignOff, StageChanged
from desktop_app.domain.audit import CheckReport, Exported, Problem, Recorded, chain_hash, message
from desktop_app.domain.canonical import Digest, Id, NotCanonical
from desktop_app.domain.figure import Figure
from desktop_app.domain.pack import Pack, PackRecord, PackSignature
from desktop_app.domain.person import ERASED, ROLE_TITLES, KeyEnrolled, fits
from desktop_app.errors import Damaged, UserError
from desktop_app.operations import audit, pack_summary
from desktop_app.operations.called import Called
from desktop_app.progress import Progress
from desktop_app.registry.reader import Reader
from desktop_app.trust.checkpoint import read_proof
from desktop_app.trust.decisions import Decisions
from desktop_app.trust.log import leaf_hash
from desktop_app.trust.verify import Held
from desktop_app.workspace import Workspace

_CHECKS = (
    "1 the file and what is embedded in it", "2 the pack is in canonical form", "3 the dossier and its digest",
    "4 every record and entry fits its digest", "5 the dossier's members are the records shown",
    "6 signatures and what they are about", "7 the pages say what the pack says", "8 the registry holds the same",
    "9 the registry's log", "10 the summary follows from the records", "11 nothing else was changed in the file",
    "12 the checkpoint of the log, and the decision under it",
)
_OURS = f"assaydesk {__version__}"


class Checking:
    """Collects what the numbered checks found."""

    def __init__(self, figures: Callable[[Pack], dict[str, tuple[Figure, ...]]]) -> None:
        """figures: draws the pictures of a pack, as its export did."""
        self._figures = figures
        self._problems: list[Problem] = []
        self._unclear: list[Problem] = []
        self._maker = ""  # who made the file, where it was another version of the program
        self._done: set[int] = set()
        self._facts: list[Recorded[Any]] = []
        self._checkpoint: Held | None = None

    def _note(self, check: int, sentence: str, seq: int = 0) -> None:
        self._problems.append(Problem(check=_CHECKS[check - 1], seq=seq, sentence=sentence))

    def _differs(self, check: int, sentence: str, seq: int = 0) -> None:
        """What cannot be made again: a mismatch, unless another version of the program made it, which may well differ.

        Then it is unclear, and never in order: a forger may name any version.
        """
        if not self._maker:
            self._note(check, sentence, seq)
        elif not any(p.check == _CHECKS[check - 1] for p in self._unclear):
            self._unclear.append(Problem(check=_CHECKS[check - 1], seq=seq, sentence=(
                f"{sentence}; but the file was made by {self._maker}, which this program is not: it may differ by that "
                "alone, or be forged. Check the file with the version that made it before relying on it")))

    def pack(self, embedded: Mapping[str, bytes]) -> Pack | None:
        """Checks 1 and 2."""
        self._done |= {1, 2}
        if "pack.json" not in embedded:
            self._done.remove(2)
            self._note(1, "this is not an audit PDF of this program, or what it was made from, pack.json, was cut out")
            return None
        for name in _FILES - set(embedded):
            self._note(1, f"{name[:80]} is not embedded: it was cut out")
        for name in set(embedded) - _FILES - _OF_THE_LOG:
            self._note(1, f"{name[:80]} is embedded, which this program does not do: it was added")
        try:
            value = canonical.parse(embedded["pack.json"])
            self._maker = _maker(value)
            return self._built(value)
        except NotCanonical as error:
            self._note(2, f"pack.json cannot be read: {error}")
            return None

    def _built(self, value: Any) -> Pack | None:
        """The pack; without what a newer version added to it, if that can be left out. Raises NotCanonical."""
        try:
            return canonical.build(Pack, value)
        except NotCanonical as error:
            if not self._maker:
                raise
            self._differs(2, f"pack.json is in a form that this program does not know ({str(error)[:200]})")
        known = {f.name for f in fields(Pack)}
        with suppress(NotCanonical):
            return canonical.build(Pack, {k: v for k, v in value.items() if k in known})
        return None

    def records(self, pack: Pack, embedded: Mapping[str, bytes]) -> None:
        """Checks 3 to 5."""
        self._done |= {3, 4, 5}
        if embedded.get("dossier.json", b"") != pack.dossier.body.encode("utf-8"):
            self._note(3, "dossier.json is not the dossier that the pages show")
        if canonical.sha256(pack.dossier.body.encode("utf-8")) != pack.dossier.digest:
            self._note(3, "the dossier does not fit its digest", pack.dossier.seq)
        for item in pack.records:
            self._record(item)
        self._entries(pack)
        envelopes = "".join(" ".join(s.envelope.splitlines()) + "\n" for s in pack.signatures)
        if embedded.get("statements.intoto.jsonl", b"") != envelopes.encode("utf-8"):
            self._note(6, "statements.intoto.jsonl is not the statements that the pages show")
        try:
            self._members(pack)
        except NotCanonical as error:
            self._note(3, f"the dossier cannot be read: {error}", pack.dossier.seq)

    def checkpoint(self, pack: Pack, embedded: Mapping[str, bytes]) -> None:
        """Check 12: the entry of the last decision leads to the root of the checkpoint, and both are as embedded."""
        if (embedded.get("log.checkpoint", b""), embedded.get("decision.tlog-proof", b"")) != (
                pack.checkpoint.encode("utf-8"), pack.proof.encode("utf-8")):
            self._note(12, "the checkpoint or the proof that is embedded is not the one that the pages show")
        if not pack.checkpoint and not pack.proof:
            return  # made by an older version, or of a log that was not in order
        self._done.add(12)
        try:
            proof = read_proof(pack.proof)
        except ValueError as error:
            self._note(12, f"the proof cannot be read: {error}")
            return
        decided = max([s.seq for s in pack.signatures], default=proof.index + 1)
        shown = next((e for e in pack.entries if e.seq == proof.index + 1), None)
        if proof.index + 1 != decided or shown is None or proof.leaf != leaf_hash(
                message(shown.seq, shown.at, shown.user, shown.command, shown.body)):
            self._note(12, "the proof is not of the entry of the decision", decided)
        if (proof.checkpoint.note.write(), proof.checkpoint.registry) != (pack.checkpoint, pack.registry) \
                or not proof.holds:
            self._note(12, "the proof does not lead to the checkpoint", decided)
        if proof.checkpoint.registry == pack.registry:
            self._checkpoint = Held("the checkpoint in this file", proof.checkpoint.size, proof.checkpoint.root)

    def _members(self, pack: Pack) -> None:
        shown = {item.id: item.digest for item in pack.records}
        members = [m for m in pack.frozen().members if m.role not in ("artefact", "lineage")]
        for member in members:
            if shown.get(member.id) != member.digest:
                self._note(5, f"{member.title} is not the record that was frozen")

    def _record(self, item: PackRecord) -> None:
        if canonical.sha256(item.body.encode("utf-8")) != item.digest:
            self._note(4, f"{item.kind} of entry {item.seq:,} does not fit its digest", item.seq)
        try:
            read = item.read()
        except NotCanonical as error:
            self._differs(4, f"{item.kind} of entry {item.seq:,} cannot be read: {error}", item.seq)
            return
        if read.id != item.id or canonical.kind_of(read) != item.kind:
            self._note(4, f"{item.kind} of entry {item.seq:,} is labelled as something it is not", item.seq)

    def _entries(self, pack: Pack) -> None:
        """The log as the pages show it: each entry fits its hash, and what is said to be of an entry is of it."""
        by_seq = {e.seq: e for e in pack.entries}
        actors = {}
        for entry in pack.entries:
            framed = message(entry.seq, entry.at, entry.user, entry.command, entry.body)
            try:
                fits = chain_hash(bytes.fromhex(entry.prev), framed).hex() == entry.hash
                actors[entry.seq] = entry.read().actor
            except ValueError:  # NotCanonical is one
                fits = False
            if not fits:
                self._note(4, f"entry {entry.seq:,} of the log does not fit its hash", entry.seq)
            if (after := by_seq.get(entry.seq + 1)) and after.prev != entry.hash:
                self._note(4, f"entry {after.seq:,} of the log does not continue the entry before it", after.seq)
        for item in (*pack.records, pack.dossier):
            if item.seq in actors and (item.at, item.by) != (by_seq[item.seq].at, actors[item.seq]):
                self._note(4, f"{item.kind} is not dated and named as entry {item.seq:,} is", item.seq)

    def signatures(self, pack: Pack) -> None:
        """Check 6, with the keys and roles that the pack itself carries."""
        self._done.add(6)
        self._facts = [i for i in (_as_recorded(r) for r in (*pack.records, pack.dossier)) if i is not None]
        decisions = self._decisions(pack)
        keys = {k.record.key_id: k.record.public_key for k in decisions.all(KeyEnrolled)}
        printed = {s.sign_off: s for s in pack.signatures}
        for item in decisions.all(SignOff):
            shown = printed.pop(item.record.id, None)
            self._signature(item, shown, decisions.sign_off(item), keys)
        for prior in decisions.all(PriorDecision):
            if (verdict := decisions.prior(prior)) != "valid":
                self._note(6, f"the recorder's signature under a prior decision: {verdict}", prior.seq)
        for left in printed.values():
            self._note(6, f"the signature of {left.printed_name} is printed but not in the pack", left.seq)

    def _decisions(self, pack: Pack) -> Decisions:
        return Decisions(pack.registry, self._facts, {e.seq: e.command for e in pack.entries})

    def _signature(
        self, item: Recorded[SignOff], printed: PackSignature | None, verdict: str, keys: Mapping[str, str],
    ) -> None:
        if printed is None:
            self._note(6, "a signature in the pack is not printed", item.seq)
        elif verdict != "valid":
            self._note(6, f"the signature of {printed.printed_name}: {verdict}", item.seq)
        elif printed.envelope != item.record.envelope or not _shows(printed):
            self._note(6, f"the printed statement of {printed.printed_name} is not the text that was signed", item.seq)
        elif wrong := _printed_otherwise(item, printed, keys):
            self._note(6, f"the {wrong} beside the signature of {printed.printed_name} is not its own", item.seq)

    def summary(self, pack: Pack) -> None:
        """Check 10: what the pack says in its own words is computed again from its records; after `signatures`."""
        self._done.add(10)
        about = [f for f in self._facts
                 if isinstance(f.record, PromotionRequest) and f.record.dossier == pack.dossier.id]
        if len(about) != 1 or about[0].record.dossier_digest != pack.dossier.digest:
            self._note(10, "no request in the pack, or more than one, is about its dossier", pack.dossier.seq)
            return
        asked = about[0].record
        names = {Id(p.key): p.value for p in pack.names}
        reconsider = any(line.startswith("to reconsider: ") for line in pack.news)
        try:
            wanted = pack_summary.told(self._facts, pack.frozen(), asked, names, reconsider=reconsider)
        except (UserError, NotCanonical) as error:
            self._differs(10, f"it cannot be computed from the records: {error}")
            return
        for name, value in wanted.items():
            if _unlabelled(name, getattr(pack, name)) != _unlabelled(name, value):
                say = self._note if name in _NOT_WORDED else self._differs
                say(10, f"the {_WORDS.get(name, name.replace('_', ' '))} is not what the records come to")
        if [(p.text, p.seq) for p in pack.prior_decisions] != [
                (text, p.seq) for text, p in pack_summary.prior_texts(self._facts, asked, names)]:
            self._differs(10, "the prior decisions are not what the records come to")
        self._replay(pack, asked)

    def _replay(self, pack: Pack, asked: PromotionRequest) -> None:
        """The change of stage by this request must follow from its sign-offs."""
        decisions = self._decisions(pack)
        for item in decisions.all(StageChanged):
            if item.record.request == asked.id:
                for seq, sentence in decisions.stage(item):
                    self._note(10, sentence, seq)

    def pages(self, pack: Pack, data: bytes, progress: Progress) -> None:
        """Checks 7 and 11: draw the pack again, and compare page by page and byte by byte."""
        from desktop_app.reports import pack as paper
        from desktop_app.reports import reading

        self._done.add(7)
        try:
            made = paper.render(pack, self._figures(pack), progress)
        except (NotCanonical, UserError, AttributeError, KeyError, ValueError) as error:
            self._differs(7, f"the pages cannot be drawn again: {error}")
            return
        wanted, found = reading.page_contents(made), reading.page_contents(data)
        if len(found) != len(wanted):
            self._differs(7, f"the file has {len(found)} pages, the pack makes {len(wanted)}")
        if first := reading.first_difference(found[:len(wanted)], wanted[:len(found)]):
            self._differs(7, f"page {first} does not say what the pack says")
        if found == wanted:
            self._bytes(data, made)

    def _bytes(self, data: bytes, made: bytes) -> None:
        self._done.add(11)
        if data != made:
            added = len(data) - len(made)
            self._differs(11, f"{added:,} bytes were added at its end" if data.startswith(made) else
                          "the pages are as they were made, but the file around them is not")

    def registry(self, workspace: Workspace, pack: Pack, file: Digest, progress: Progress) -> None:
        """Checks 8 and 9."""
        self._done |= {8, 9}
        if pack.registry != workspace.store.info.id:
            self._note(8, f"it was made from another registry, {pack.registry}")
            return
        if (copied := workspace.store.copied) is not None and copied.entries <= pack.head_seq:
            said = f"the PDF is newer than this copy of the registry, which was taken on {copied.taken_at}"
            self._unclear += [Problem(check=name, seq=0, sentence=said) for name in _CHECKS[7:9]]
            return
        try:
            self._held_against(workspace, pack, file)
        except Damaged as error:
            self._note(8, f"the registry cannot be read: {error.detail}")
        log = audit.verify(workspace, progress, also=(self._checkpoint,) if self._checkpoint else ())
        for problem in log.problems:
            self._note(9, f"{problem.check}: {problem.sentence}", problem.seq)
        self._unclear += [Problem(check=_CHECKS[8], seq=p.seq, sentence=f"{p.check}: {p.sentence}")
                          for p in log.unclear]

    def _held_against(self, workspace: Workspace, pack: Pack, file: Digest) -> None:
        with workspace.store.read() as reader:
            for item in (*pack.records, pack.dossier):
                self._held(reader, item)
            known = {e.seq: e.hash for e in reader.entries(until=pack.head_seq)}
            if any(e.record.sha256 == file for e in reader.all(Exported)):
                self._unclear = [p for p in self._unclear if p.check != _CHECKS[10]]  # its bytes are those that left
                self._done.add(11)
            else:
                self._note(8, "this very file was never exported from the registry: its bytes differ")
            called = Called(reader)
        for entry, about in zip(pack.entries, pack.about, strict=False):
            with suppress(NotCanonical):
                if _LABEL.findall(about) != _LABEL.findall(called.about(entry.seq, entry.read().subject)):
                    self._note(8, f"entry {entry.seq:,} is not about {about}", entry.seq)
        for entry in pack.entries:
            if known.get(entry.seq) != entry.hash:
                self._note(8, f"entry {entry.seq:,} is not, or no longer, what the PDF shows", entry.seq)
        if known.get(pack.head_seq) != pack.head_hash:
            self._note(8, f"the log no longer contains entry {pack.head_seq:,} as the PDF shows it", pack.head_seq)

    def _held(self, reader: Reader, item: PackRecord) -> None:
        try:
            body = reader.body(item.id)
        except UserError:
            self._note(8, f"the registry does not hold the {item.kind} of entry {item.seq:,}", item.seq)
            return
        if body != item.body or not any(f.record.id == item.id and (f.at, f.by) == (item.at, item.by)
                                        for f in reader.at(item.seq)):
            self._note(8, f"the registry holds another {item.kind} of entry {item.seq:,}", item.seq)

    def report(self, pack: Pack | None, with_registry: bool) -> CheckReport:
        """The numbered checks with what they came to."""
        failed, unclear = {p.check for p in self._problems}, {p.check for p in self._unclear}

        def came_to(n: int, name: str) -> str:
            clear = n in self._done and name not in unclear
            return "mismatch" if name in failed else "in order" if clear else "not checked"

        missing = ("everything else: there is nothing in the file to check it by",) if pack is None else (
            ) if with_registry else (
            "the registry: none was given, so the file was only checked by itself",
            "whether news or records were left out that the dossier does not list: only the registry knows",
            "the names of people and the labels in the log (E-7, F-3): only the registry knows them")
        return CheckReport(
            checks=tuple((name, came_to(n, name)) for n, name in enumerate(_CHECKS, 1) if pack or n in self._done),
            problems=tuple(self._problems),
            entries=pack.head_seq if pack else 0, head=pack.head_hash if pack else Digest("0" * 64),
            unclear=tuple(self._unclear),
            not_checked=(*missing, "who the people behind the keys are",
                         "what happened after the PDF was made"))


def _as_recorded(item: PackRecord) -> Recorded[Any] | None:
    try:
        return Recorded(record=item.read(), digest=item.digest, seq=item.seq, at=item.at, by=item.by, ordinal=0)
    except NotCanonical:
        return None


_WORDS = {"outcome_state": "colour of the outcome", "effective_from": "date it takes effect from",
          "review_by": "date of review", "blobs": "list of files", "open_findings": "list of open findings"}


_NOT_WORDED = {"model_name", "version_label", "use_limits", "outcome_state", "effective_from", "review_by",
               "not_tested", "blobs"}  # no version of the program puts these in words of its own
_FILES = {"pack.json", "dossier.json", "statements.intoto.jsonl"}
_OF_THE_LOG = {"log.checkpoint", "decision.tlog-proof"}
_LABEL = re.compile(r"\b[A-Z]-\d+\b")


def _maker(value: Any) -> str:
    """The version of the program that a pack says it was made by, where that is not this one; else empty."""
    from desktop_app.reports import renderer

    said = value if isinstance(value, dict) else {}
    if said.get("made_with") == renderer.digest() and said.get("application") == _OURS:
        return ""
    name = str(said.get("application", ""))[:80]
    return f"another build of {name}" if name == _OURS else name


def _unlabelled(name: str, value: Any) -> Any:
    """Without the numbers that people call records by, which a record does not hold itself."""
    if name == "opinion":
        return re.sub(r"^V-\d+, ", "", value)
    return [re.sub(r"^F-\d+ ", "", line) for line in value] if name == "open_findings" else value


def _printed_otherwise(item: Recorded[SignOff], printed: PackSignature, keys: Mapping[str, str]) -> str:
    """What is printed beside a signature and is not its own; empty when all is."""
    signed, role = item.record, ROLE_TITLES[item.record.role]
    named = f"I, {printed.printed_name}, {role}, "
    beside = {
        "role": (printed.role, role), "meaning": (printed.meaning, signed.meaning.value),
        "key id": (printed.key_id, signed.key_id), "public key": (printed.public_key, keys.get(signed.key_id, "")),
        "statement digest": (printed.statement_digest, signed.statement_digest),
        "time": ((printed.signed_at, printed.seq), (item.at, item.seq)), "verdict": (printed.check, "valid"),
        "name": (ERASED in (printed.text, printed.printed_name) or named in printed.text, True),
    }
    return next((name for name, (found, wanted) in beside.items() if found != wanted), "")


def _shows(printed: PackSignature) -> bool:
    """Whether the printed text is the one whose digest was signed, unless it was erased since."""
    if printed.text == ERASED:
        return True
    try:
        payload = base64.b64decode(json.loads(printed.envelope)["payload"])
        said = json.loads(payload)["predicate"]["view"]["digest"]
        return fits(printed.salt, printed.text, said)
    except (ValueError, KeyError, TypeError):
        return False
