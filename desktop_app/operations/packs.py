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
from desktop_app.domain import approval, canonical
from desktop_app.domain.approval import PriorDecision, PromotionRequest, SignOff, StageChanged
from desktop_app.domain.audit import CheckReport, Exported, Recorded
from desktop_app.domain.canonical import Digest, Id, day_text, record
from desktop_app.domain.card import CardRevision
from desktop_app.domain.dossier import Dossier
from desktop_app.domain.evidence import Evidence, EvidencePlanned
from desktop_app.domain.exception import Overlay, PolicyException
from desktop_app.domain.figure import Figure
from desktop_app.domain.finding import Finding, FindingEvent
from desktop_app.domain.history import History
from desktop_app.domain.model import Pair
from desktop_app.domain.pack import Pack, PackCardField, PackPrior, PackRecord, PackSignature
from desktop_app.domain.person import ROLE_TITLES, KeyEnrolled, Person, RoleGranted, RoleRevoked
from desktop_app.errors import Refused, UserError
from desktop_app.operations import approvals, audit, cards
from desktop_app.operations.approvals import Review
from desktop_app.operations.pack_checks import ERASED, Checking
from desktop_app.operations.saving import save_bytes
from desktop_app.progress import Progress
from desktop_app.registry.reader import Reader
from desktop_app.trust.verify import check_sign_off
from desktop_app.workspace import Workspace

_BESIDE = (Finding, FindingEvent, PolicyException, Overlay, PriorDecision, EvidencePlanned)


@record
class ExportReport:
    """A PDF that was written."""

    path: Path
    sha256: Digest
    size: int
    request: Id


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
    return ExportReport(path=target, sha256=digest, size=len(data), request=request)


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
    progress = progress or Progress()
    integrity = audit.verify(workspace, progress)
    seen = approvals.review(workspace, request)
    asked, dossier = seen.request.record, seen.dossier.record
    with workspace.store.read() as reader:
        history, names = History(reader.of(asked.model)), reader.names()
        items = _records(reader, history, seen)
        signatures = _signatures(reader, history, seen, names, workspace.store.info.id)
        entries = tuple(reader.entries(about=asked.model))
        packed = tuple(_packed(reader, item) for item in items)
        head = reader.head()
        frozen = _packed(reader, seen.dossier)
    effective = seen.effective
    outcome, state = _outcome(seen)
    return Pack(
        registry=workspace.store.info.id, registry_name=workspace.store.info.name, made_at=workspace.store.clock(),
        made_by=names.get(workspace.me, ""), application=f"assaydesk {__version__}", model_name=seen.model.name,
        version_label=seen.version.label, use_text=approvals.use_text(seen.use), use_limits=seen.use.limits,
        stage=seen.policy.record.stage_title(history.stage(asked.version, asked.use, seen.policy.record.stages[0].key)),
        request_label=seen.request.label, outcome=outcome, outcome_state=state, authority=_authority(seen),
        effective_from=effective.effective_from if effective else None,
        review_by=effective.review_by if effective else None,
        conditions=tuple(f"{c.text} (owner {c.owner}, due {day_text(c.due)})" for c in _conditions(history, seen)),
        opinion=seen.matter.opinion, open_findings=seen.matter.open_findings, not_tested=dossier.not_tested,
        news=(*(f"to reconsider: {line}" for line in seen.news.reconsider), *seen.news.later),
        dossier=frozen, records=packed, blobs=_blobs(items), card=_card(items, dossier),
        names=tuple(Pair(key=i, value=n) for i, n in sorted(names.items())), signatures=signatures,
        prior_decisions=_priors(history, asked, names), entries=entries, head_seq=head.seq, head_hash=head.hash,
        integrity=integrity)


def _records(reader: Reader, history: History, seen: Review) -> list[Recorded[Any]]:
    """The facts that the pages and the signatures need, in the order of the log."""
    asked, listed = seen.request.record, {m.id for m in seen.dossier.record.members}
    found: dict[Id, Recorded[Any]] = {seen.request.record.id: seen.request, seen.policy.record.id: seen.policy}
    for item in reader.of(asked.model):
        decided = isinstance(item.record, (SignOff, StageChanged)) and item.record.request == asked.id
        beside = isinstance(item.record, _BESIDE) and getattr(item.record, "version", asked.version) == asked.version
        if item.record.id in listed or decided or beside:
            found[item.record.id] = item
    for person in {s.record.person for s in history.sign_offs(asked.id)}:
        found |= {f.record.id: f for f in _of_person(reader, person)}
    return sorted(found.values(), key=lambda f: (f.seq, f.ordinal, f.record.id))


def _of_person(reader: Reader, person: Id) -> list[Recorded[Any]]:
    """What an outsider needs to judge a person's signature: who, with which key, in which roles."""
    about: tuple[type[Any], ...] = (KeyEnrolled, RoleGranted, RoleRevoked)
    found: list[Recorded[Any]] = [reader.get(Person, person)]
    return found + [f for cls in about for f in reader.all(cls, person)]


def _packed(reader: Reader, item: Recorded[Any]) -> PackRecord:
    return PackRecord(id=item.record.id, kind=canonical.kind_of(item.record), digest=item.digest, seq=item.seq,
                      at=item.at, by=item.by, body=reader.body(item.record.id))


def _outcome(seen: Review) -> tuple[str, str]:
    if seen.effective:
        words = f"in {seen.effective.to_stage} from {day_text(seen.effective.effective_from)}"
        if seen.news.reconsider:
            return f"Approved, {words}; to be reconsidered, see what became known since.", "undetermined"
        return f"Approved, {words}, to be reviewed by {day_text(seen.effective.review_by)}.", "met"
    if seen.outcome == "open":
        return f"Not decided: {seen.quorum.decided} of {seen.quorum.asked} decisions are made.", "undetermined"
    state = "breached" if seen.outcome == "rejected" else "none"
    return f"The request was {seen.outcome}: {seen.outcome_reason}.", state


def _authority(seen: Review) -> str:
    seats = [f"{ROLE_TITLES[s.role].lower()} to {approval.VERB_ROLES[s.meaning]}"
             + (f" within {s.scope}" if s.scope else "") for s in seen.seats]
    return f"Policy {seen.policy.record.name}, {seen.policy.record.version}, which asks for: {'; '.join(seats)}."


def _conditions(history: History, seen: Review) -> tuple[approval.Condition, ...]:
    if seen.effective:
        return seen.effective.conditions
    signed = [s.record for s in history.sign_offs(seen.request.record.id)]
    return tuple(dict.fromkeys(c for s in signed for c in s.conditions))


def _blobs(items: list[Recorded[Any]]) -> tuple[Pair, ...]:
    documents = [i.record.document for i in items if isinstance(i.record, Evidence) and i.record.document]
    return tuple(Pair(key=d.file_name, value=d.blob) for d in documents)


def _card(items: list[Recorded[Any]], dossier: Dossier) -> tuple[PackCardField, ...]:
    listed = {m.id for m in dossier.members}
    revisions = [i.record for i in items if isinstance(i.record, CardRevision) and i.record.id in listed]
    return tuple(PackCardField(section=f.section, label=f.label, text=revisions[-1].text(f.key))
                 for f in cards.definition() if revisions[-1].text(f.key)) if revisions else ()


def _signatures(
    reader: Reader, history: History, seen: Review, names: dict[Id, str], registry: str,
) -> tuple[PackSignature, ...]:
    facts = _decision_facts(reader, seen)
    keys = {k.record.key_id: k for k in reader.all(KeyEnrolled)}
    return tuple(_signature(reader, s, names, check_sign_off(s, facts, keys, registry), keys)
                 for s in history.sign_offs(seen.request.record.id))


def _decision_facts(reader: Reader, seen: Review) -> dict[Id, Recorded[Any]]:
    every: list[Recorded[Any]] = [
        seen.request, seen.dossier, seen.policy, *reader.all(RoleGranted), *reader.all(RoleRevoked)]
    return {f.record.id: f for f in every}


def _signature(
    reader: Reader, signed: Recorded[SignOff], names: dict[Id, str], check: str,
    keys: Mapping[str, Recorded[KeyEnrolled]],
) -> PackSignature:
    key = keys.get(signed.record.key_id)
    comment = signed.record.comment
    return PackSignature(
        sign_off=signed.record.id, text=reader.text(signed.record.text) or ERASED,
        printed_name=names.get(signed.record.person, ""),
        role=ROLE_TITLES[signed.record.role], meaning=signed.record.meaning.value, signed_at=signed.at,
        key_id=signed.record.key_id, public_key=key.record.public_key if key else "",
        statement_digest=signed.record.statement_digest, envelope=signed.record.envelope,
        comment=(reader.text(comment) or "(erased)") if comment else "", seq=signed.seq, check=check)


def _priors(history: History, asked: PromotionRequest, names: dict[Id, str]) -> tuple[PackPrior, ...]:
    found = history.all(PriorDecision, version=asked.version, use=asked.use)
    return tuple(PackPrior(
        text=f"{p.record.outcome.replace('_', ' ')} on {day_text(p.record.decided_on)} by {p.record.decided_by}; "
             f"source: {p.record.source}", recorded_by=names.get(p.by, ""), seq=p.seq) for p in found)


def _figures(pack: Pack) -> dict[str, tuple[Figure, ...]]:
    from desktop_app.analysis import figures
    from desktop_app.operations import evidence

    drawn: dict[str, tuple[Figure, ...]] = {"lineage": (figures.lineage_chart(pack.frozen().lineage)[0],)}
    for item in pack.records:
        if item.kind == "evidence" and (found := item.read()).explanation:
            drawn[item.id] = evidence.charts(found)
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
        checking.signatures(pack)
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
