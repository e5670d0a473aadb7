"""The numbered checks of an audit PDF: what is embedded, its digests and signatures, its pages, and the registry."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from desktop_app import __version__
from desktop_app.domain import canonical
from desktop_app.domain.approval import PriorDecision, PromotionRequest, SignOff, StageChanged
from desktop_app.domain.audit import CheckReport, Exported, Problem, Recorded
from desktop_app.domain.canonical import Digest, NotCanonical
from desktop_app.domain.figure import Figure
from desktop_app.domain.pack import Pack, PackRecord, PackSignature
from desktop_app.domain.person import ROLE_TITLES, KeyEnrolled
from desktop_app.errors import Damaged, UserError
from desktop_app.operations import audit, pack_summary
from desktop_app.progress import Progress
from desktop_app.registry.reader import Reader
from desktop_app.trust.decisions import Decisions
from desktop_app.workspace import Workspace

ERASED = "(erased)"
_CHECKS = (
    "1 the file and what is embedded in it", "2 the pack is in canonical form", "3 the dossier and its digest",
    "4 every record fits its digest", "5 the dossier's members are the records shown",
    "6 signatures and what they are about", "7 the pages say what the pack says", "8 the registry holds the same",
    "9 the registry's log", "10 the summary follows from the records",
)


class Checking:
    """Collects what the numbered checks found."""

    def __init__(self, figures: Callable[[Pack], dict[str, tuple[Figure, ...]]]) -> None:
        """figures: draws the pictures of a pack, as its export did."""
        self._figures = figures
        self._problems: list[Problem] = []
        self._done: set[int] = set()
        self._facts: list[Recorded[Any]] = []

    def _note(self, check: int, sentence: str, seq: int = 0) -> None:
        self._problems.append(Problem(check=_CHECKS[check - 1], seq=seq, sentence=sentence))

    def pack(self, embedded: Mapping[str, bytes]) -> Pack | None:
        """Checks 1 and 2."""
        self._done |= {1, 2}
        missing = [n for n in ("pack.json", "dossier.json", "statements.intoto.jsonl") if n not in embedded]
        for name in missing:
            self._note(1, f"{name} is not embedded: this is not an audit PDF of this program, or it was cut")
        if "pack.json" in missing:
            return None
        try:
            return canonical.build(Pack, canonical.parse(embedded["pack.json"]))
        except NotCanonical as error:
            self._note(2, f"pack.json cannot be read: {error}")
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
        try:
            self._members(pack)
        except NotCanonical as error:
            self._note(3, f"the dossier cannot be read: {error}", pack.dossier.seq)

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
            self._note(4, f"{item.kind} of entry {item.seq:,} cannot be read: {error}", item.seq)
            return
        if read.id != item.id or canonical.kind_of(read) != item.kind:
            self._note(4, f"{item.kind} of entry {item.seq:,} is labelled as something it is not", item.seq)

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
        reconsider = any(line.startswith("to reconsider: ") for line in pack.news)
        try:
            wanted = pack_summary.told(self._facts, pack.frozen(), asked, reconsider=reconsider)
        except (UserError, NotCanonical) as error:
            self._note(10, f"it cannot be computed from the records: {error}")
            return
        for name, value in wanted.items():
            if _unlabelled(name, getattr(pack, name)) != _unlabelled(name, value):
                self._note(10, f"the {_WORDS.get(name, name.replace('_', ' '))} is not what the records come to")
        if [(p.text, p.seq) for p in pack.prior_decisions] != [
                (text, p.seq) for text, p in pack_summary.prior_texts(self._facts, asked)]:
            self._note(10, "the prior decisions are not what the records come to")
        self._replay(pack, asked)

    def _replay(self, pack: Pack, asked: PromotionRequest) -> None:
        """The change of stage by this request must follow from its sign-offs."""
        decisions = self._decisions(pack)
        for item in decisions.all(StageChanged):
            if item.record.request == asked.id:
                for seq, sentence in decisions.stage(item):
                    self._note(10, sentence, seq)

    def pages(self, pack: Pack, data: bytes, progress: Progress) -> None:
        """Check 7: draw the pack again and compare page by page."""
        from desktop_app.reports import pack as paper
        from desktop_app.reports import reading

        self._done.add(7)
        if pack.application != f"assaydesk {__version__}":
            self._note(7, f"the pages were drawn by {pack.application}, this is assaydesk {__version__}, which cannot "
                          "draw them again: check the file with that version before relying on a page")
            return
        try:
            again = reading.page_contents(paper.render(pack, self._figures(pack), progress))
        except (NotCanonical, UserError, AttributeError, KeyError, ValueError) as error:
            self._note(7, f"the pages cannot be drawn again: {error}")
            return
        found = reading.page_contents(data)
        if len(found) != len(again):
            self._note(7, f"the file has {len(found)} pages, the pack makes {len(again)}")
        for n, (page, wanted) in enumerate(zip(found, again, strict=False), 1):
            if page != wanted:
                self._note(7, f"page {n} does not say what the pack says")
                return

    def registry(self, workspace: Workspace, pack: Pack, file: Digest, progress: Progress) -> None:
        """Checks 8 and 9."""
        self._done |= {8, 9}
        if pack.registry != workspace.store.info.id:
            self._note(8, f"it was made from another registry, {pack.registry}")
            return
        try:
            self._held_against(workspace, pack, file)
        except Damaged as error:
            self._note(8, f"the registry cannot be read: {error.detail}")
        for problem in audit.verify(workspace, progress).problems:
            self._note(9, f"{problem.check}: {problem.sentence}", problem.seq)

    def _held_against(self, workspace: Workspace, pack: Pack, file: Digest) -> None:
        with workspace.store.read() as reader:
            for item in (*pack.records, pack.dossier):
                self._held(reader, item)
            known = {e.seq: e.hash for e in reader.entries(until=pack.head_seq)}
            if not any(e.record.sha256 == file for e in reader.all(Exported)):
                self._note(8, "this very file was never exported from the registry: its bytes differ")
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
        failed = {p.check for p in self._problems}

        def came_to(n: int, name: str) -> str:
            return "mismatch" if name in failed else "in order" if n in self._done else "not checked"

        missing = () if with_registry else (
            "the registry: none was given, so the file was only checked by itself",
            "whether news or records were left out that the dossier does not list: only the registry knows")
        return CheckReport(
            checks=tuple((name, came_to(n, name)) for n, name in enumerate(_CHECKS, 1)), problems=tuple(self._problems),
            entries=pack.head_seq if pack else 0, head=pack.head_hash if pack else Digest("0" * 64),
            not_checked=(*missing, "who the people behind the keys are",
                         "what happened after the PDF was made"))


def _as_recorded(item: PackRecord) -> Recorded[Any] | None:
    try:
        return Recorded(record=item.read(), digest=item.digest, seq=item.seq, at=item.at, by=item.by, ordinal=0)
    except NotCanonical:
        return None


_WORDS = {"outcome_state": "colour of the outcome", "effective_from": "date it takes effect from",
          "review_by": "date of review", "blobs": "list of files", "open_findings": "list of open findings"}


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
    return printed.text == ERASED or _view_digest(printed.envelope) == canonical.sha256(printed.text.encode("utf-8"))


def _view_digest(envelope: str) -> str:
    try:
        payload = base64.b64decode(json.loads(envelope)["payload"])
        return str(json.loads(payload)["predicate"]["view"]["sha256"])
    except (ValueError, KeyError, TypeError):
        return ""

