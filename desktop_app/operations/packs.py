"""Packs: the dossier of a request as an audit PDF, and how such a PDF is checked again.

The PDF is a function of one record, the pack, which travels inside it; so checking draws the pages again and
compares them, digests every record again, and holds them against the registry when one is at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from desktop_app import __version__
from desktop_app.domain import canonical
from desktop_app.domain.approval import PriorDecision, PromotionClosed, PromotionRequest, SignOff, StageChanged
from desktop_app.domain.audit import CheckReport, Exported, Recorded
from desktop_app.domain.canonical import Digest, Id, record
from desktop_app.domain.evidence import Evidence, EvidencePlanned
from desktop_app.domain.exception import Overlay, PolicyException
from desktop_app.domain.figure import Figure
from desktop_app.domain.finding import Finding, FindingEvent
from desktop_app.domain.history import History
from desktop_app.domain.model import Pair
from desktop_app.domain.pack import Pack, PackPrior, PackRecord, PackSignature
from desktop_app.domain.person import ERASED, ROLE_TITLES, KeyEnrolled
from desktop_app.domain.validation import Validation, ValidationConcluded
from desktop_app.errors import Refused, UserError
from desktop_app.operations import approvals, audit, checkpoints, mandates, pack_summary
from desktop_app.operations.approvals import Review
from desktop_app.operations.called import Called
from desktop_app.operations.pack_checks import Checking
from desktop_app.operations.saving import save_bytes
from desktop_app.progress import Progress
from desktop_app.registry.reader import Reader
from desktop_app.trust.checkpoint import EntryProof
from desktop_app.trust.decisions import Decisions
from desktop_app.workspace import Workspace

# whatever was recorded of the version, frozen or since
_BESIDE = (Finding, FindingEvent, PolicyException, Overlay, PriorDecision, EvidencePlanned, StageChanged,
           Validation, ValidationConcluded)


@record
class ExportReport:
    """A PDF that was written."""

    path: Path
    sha256: Digest
    size: int
    request: Id
    handling: tuple[str, ...]  # what in it may not be handed on as one likes

    @property
    def words(self) -> str:
        """What whoever exported it should know of that; "" for nothing."""
        return f"Before you hand it on: {' '.join(self.handling)}" if self.handling else ""


def export(workspace: Workspace, request: Id, target: Path, progress: Progress | None = None) -> ExportReport:
    """Write the audit PDF of a request. The export is a fact with the file's digest. Raises UserError, Cancelled."""
    from desktop_app.reports import pack as paper

    progress = progress or Progress()
    pack = build(workspace, request, progress.part(0.0, 0.4))
    data = paper.render(pack, _figures(pack), progress.part(0.4, 0.95))
    digest, store = canonical.sha256(data), workspace.store

    def note() -> None:
        text = f"Exported the audit PDF of {pack.model_name} {pack.version_label}, {pack.request_label}"
        with store.write(workspace.me, "pack.exported", request, note=text) as write:
            write.add(Exported(
                id=store.new_id(), what="audit_pdf", subject=request, file_name=target.name, sha256=digest,
                size=len(data), dossier_digest=pack.dossier.digest, head_seq=pack.head_seq))

    progress.step(0.97, "writing the file")
    save_bytes(target, data, before=note)
    return ExportReport(path=target, sha256=digest, size=len(data), request=request, handling=_handling(pack))


def _handling(pack: Pack) -> tuple[str, ...]:
    found = [stored.read() for stored in pack.records if stored.kind == canonical.kind_of(Evidence)]
    return tuple(f"“{e.title}” holds a search for other cut-offs. {e.handling}" for e in found if e.handling)


def latest_request(workspace: Workspace, version: Id, use: Id) -> Id:
    """The request whose audit PDF stands for a version in a use: the last one. Raises Refused when there is none."""
    with workspace.store.read() as reader:
        found = [r for r in reader.all(PromotionRequest, version) if r.record.use == use]
    if not found:
        raise Refused("Nothing was decided here yet.", "An audit PDF shows what a decision rests on.",
                      "Request a promotion first; the PDF can be exported as soon as it waits.")
    return found[-1].record.id


# ---- building


def build(workspace: Workspace, request: Id, progress: Progress | None = None) -> Pack:
    """Collect everything the PDF says, as one record."""
    from desktop_app.reports import renderer

    progress = progress or Progress()
    integrity = audit.verify(workspace, progress)
    seen = approvals.review(workspace, request)
    asked, dossier = seen.request.record, seen.dossier.record
    with audit.long_read(workspace) as reader:
        history, names = History(reader.of(asked.model)), reader.names()
        items = _records(reader, history, seen)
        signatures = _signatures(reader, history, seen, names, workspace.store.info.id)
        entries, called = tuple(reader.entries(about=asked.model)), Called(reader)
        packed = tuple(_packed(reader, item) for item in items)
        head = reader.head()
        frozen = _packed(reader, seen.dossier)
    proof = _proof(workspace, max([seen.request.seq, *(s.seq for s in signatures)]))
    priors = tuple(PackPrior(text=text, recorded_by=names.get(p.by, ""), seq=p.seq)
                   for text, p in pack_summary.prior_texts(items, asked, names))
    return Pack(
        registry=workspace.store.info.id, registry_name=workspace.store.info.name, made_at=workspace.store.clock(),
        made_by=names.get(workspace.me, ""), application=f"assaydesk {__version__}", request_label=seen.request.label,
        news=(*(f"to reconsider: {line}" for line in seen.news.reconsider), *seen.news.later),
        dossier=frozen, records=packed, names=tuple(Pair(key=i, value=n) for i, n in sorted(names.items())),
        signatures=signatures, prior_decisions=priors, entries=entries, head_seq=head.seq, head_hash=head.hash,
        integrity=integrity, about=tuple(called.about(e.seq, e.read().subject) for e in entries),
        made_with=renderer.digest(),
        checkpoint=proof.checkpoint.note.write() if proof else "", proof=proof.write() if proof else "",
        **pack_summary.told(items, dossier, asked, names, reconsider=bool(seen.news.reconsider)))


def _proof(workspace: Workspace, seq: int) -> EntryProof | None:
    """That an entry is in the log; None for a log that this computer does not agree with, which the checks name."""
    try:
        return checkpoints.prove(workspace, seq)
    except Refused:
        return None


def _records(reader: Reader, history: History, seen: Review) -> list[Recorded[Any]]:
    """The facts that the pages and the signatures need, in the order of the log."""
    asked = seen.request.record
    listed = {m.id for m in seen.dossier.record.members} | {seen.model.id, seen.version.id, seen.use.id}
    found: dict[Id, Recorded[Any]] = {seen.request.record.id: seen.request, seen.policy.record.id: seen.policy}
    for item in reader.of(asked.model):
        decided = isinstance(item.record, (SignOff, PromotionClosed)) and item.record.request == asked.id
        beside = isinstance(item.record, _BESIDE) and getattr(item.record, "version", asked.version) == asked.version
        if item.record.id in listed or decided or beside:
            found[item.record.id] = item
    priors = history.all(PriorDecision, version=asked.version)
    signers = {s.record.person for s in history.sign_offs(asked.id)} | {p.record.recorded_by for p in priors}
    found |= {f.record.id: f for f in mandates.behind(reader, signers, [seen.policy])}
    return sorted(found.values(), key=lambda f: (f.seq, f.ordinal, f.record.id))


def _packed(reader: Reader, item: Recorded[Any]) -> PackRecord:
    return PackRecord(id=item.record.id, kind=canonical.kind_of(item.record), digest=item.digest, seq=item.seq,
                      at=item.at, by=item.by, body=reader.body(item.record.id))


def _signatures(
    reader: Reader, history: History, seen: Review, names: dict[Id, str], registry: str,
) -> tuple[PackSignature, ...]:
    signed = history.sign_offs(seen.request.record.id)
    beside = mandates.behind(reader, {s.record.person for s in signed}, [seen.policy])
    commands = {e.seq: e.command for s in signed for e in reader.entries(s.seq - 1, s.seq)}
    facts: list[Recorded[Any]] = [*reader.of(seen.model.model), *beside]
    decisions = Decisions(registry, facts, commands)
    keys = {k.record.key_id: k for k in reader.all(KeyEnrolled)}
    return tuple(_signature(reader, s, names, decisions.sign_off(s), keys) for s in signed)


def _signature(
    reader: Reader, signed: Recorded[SignOff], names: dict[Id, str], check: str,
    keys: Mapping[str, Recorded[KeyEnrolled]],
) -> PackSignature:
    key = keys.get(signed.record.key_id)
    comment = signed.record.comment
    salt, text = reader.salted(signed.record.text) or ("", ERASED)
    return PackSignature(
        sign_off=signed.record.id, text=text, salt=salt,
        printed_name=names.get(signed.record.person, ""),
        role=ROLE_TITLES[signed.record.role], meaning=signed.record.meaning.value, signed_at=signed.at,
        key_id=signed.record.key_id, public_key=key.record.public_key if key else "",
        statement_digest=signed.record.statement_digest, envelope=signed.record.envelope,
        comment=(reader.text(comment) or ERASED) if comment else "", seq=signed.seq, check=check)


def _figures(pack: Pack) -> dict[str, tuple[Figure, ...]]:
    from desktop_app.analysis import figures
    from desktop_app.operations import evidence
    from desktop_app.reports.bias import OVER_TIME

    drawn: dict[str, tuple[Figure, ...]] = {"lineage": (figures.lineage_chart(pack.frozen().lineage)[0],)}
    for item in pack.records:
        if item.kind != "evidence":
            continue
        found = item.read()
        if charts := evidence.charts(found) if found.explanation else evidence.score_charts(found):
            drawn[item.id] = charts
        if charts := evidence.charts_over_time(found):
            drawn[OVER_TIME.format(item.id)] = charts
    return drawn


# ---- checking


@record
class PackExport:
    """A PDF that left, as the list of reports shows it."""

    at: datetime
    by: str
    what: str
    file_name: str
    sha256: str
    subject: Id
    seq: int


def listing(workspace: Workspace) -> tuple[PackExport, ...]:
    """Everything that was exported, newest first."""
    with workspace.store.read() as reader:
        names, found = reader.names(), reader.all(Exported)
    return tuple(PackExport(at=e.at, by=names.get(e.by, ""), what=e.record.what, file_name=e.record.file_name,
                            sha256=e.record.sha256, subject=e.record.subject, seq=e.seq) for e in reversed(found))


def verify(workspace: Workspace | None, path: Path, progress: Progress | None = None) -> CheckReport:
    """Check an audit PDF by itself, and against a registry when one is open. Raises UserError if it is unreadable."""
    from desktop_app.reports import reading

    progress = progress or Progress()
    checking = Checking(_figures)
    progress.step(0.05, "reading the file")
    data = _read(path)
    embedded = reading.extract(data)
    pack = checking.pack(embedded)
    if pack is not None:
        checking.records(pack, embedded)
        checking.checkpoint(pack, embedded)
        checking.signatures(pack)
        checking.summary(pack)
        progress.step(0.2, "drawing the pages again")
        checking.pages(pack, data, progress.part(0.2, 0.5))
        if workspace is not None:
            checking.registry(workspace, pack, canonical.sha256(data), progress.part(0.5, 1.0))
    return checking.report(pack, workspace is not None)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError("The file cannot be read.", str(error), "Check the path.") from error
