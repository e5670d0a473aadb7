"""What a policy asks for, held against the facts of a model: one check per requirement, in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Id, day_text, record
from desktop_app.domain.card import CardField, CardRevision, completeness
from desktop_app.domain.dossier import Check, CheckState
from desktop_app.domain.evidence import Evidence, EvidenceKind, Standing, Verdict, worst
from desktop_app.domain.finding import SEVERITIES, FindingState
from desktop_app.domain.history import History
from desktop_app.domain.model import DigestOf, ModelVersion
from desktop_app.domain.policy import DocumentLine, EvidenceRule, Transition
from desktop_app.domain.validation import Opinion, ValidationConcluded
from desktop_app.domain.words import counted

_TITLES = {"auc": "AUC", "ks": "KS", "gini": "Gini"}
_MARK = {True: CheckState.BLOCKING, False: CheckState.ATTENTION}
OPINION_TEXT = {Opinion.FIT: "fit", Opinion.FIT_WITH_CONDITIONS: "fit with conditions", Opinion.NOT_FIT: "not fit"}


@record
class Question:
    """What is asked: this version, in this use and tier, on this day."""

    version: Id
    use: Id
    tier: int
    today: date
    card: tuple[CardField, ...]


def checks(transition: Transition, history: History, asked: Question) -> tuple[Check, ...]:
    """Every requirement of the transition with what was found."""
    return (
        *_exactness(history, asked),
        *(_evidence(rule, history, asked) for rule in transition.evidence),
        *(_document(line, history, asked) for line in transition.documents),
        *_card(transition, history, asked), *_validation(transition, history, asked),
        *_findings(transition, history, asked),
    )


def not_tested(found: tuple[Check, ...], history: History, asked: Question) -> tuple[str, ...]:
    """What nobody tested: requirements without evidence, and what reports and validation say of themselves."""
    lines = [c.title for c in found if c.state is CheckState.NOT_TESTED]
    opinion = history.last(ValidationConcluded, version=asked.version, use=asked.use)
    lines += opinion.record.not_tested if opinion else []
    for e in history.evidence(asked.version):
        lines += e.record.fairness.not_tested if e.record.fairness else []
    return tuple(dict.fromkeys(lines))


def _exactness(history: History, asked: Question) -> Iterator[Check]:
    version = history.find(ModelVersion, asked.version)
    if version is None:
        return
    artefact = history.artefact(version.record)
    exact = artefact.of in (DigestOf.ARTEFACT, DigestOf.DOCUMENTS)
    yield Check(
        key="artefact", title="Exact artefact",
        state=CheckState.SATISFIED if exact else CheckState.ATTENTION,
        sentence=f"The digest is that of the {artefact.of.value.replace('_', ' ')}."
        + ("" if exact else " The bytes of the model itself have not been read."), member=asked.version)


def _evidence(rule: EvidenceRule, history: History, asked: Question) -> Check:
    key = f"evidence:{rule.kind.value}"
    found = [e for e in history.evidence(asked.version) if e.record.evidence_kind is rule.kind]
    if not found:
        state = CheckState.BLOCKING if rule.blocking else CheckState.NOT_TESTED
        return Check(key=key, title=rule.title, state=state, sentence="No such evidence is filed.")
    newest = found[-1]
    verdict, age = worst(newest.record.verdicts), (asked.today - newest.at.astimezone().date()).days
    words = f"{newest.label}: {_headline(newest)}, {_age(age)}."
    standing = [e for e in found[:-1] if worst(e.record.verdicts) not in rule.accept]
    if standing:  # a newer report does not undo another that still stands
        other = standing[-1]
        return Check(key=key, title=rule.title, state=_MARK[rule.blocking], member=other.record.id,
                     sentence=f"{other.label} still stands: {_headline(other)}. {words}")
    if age > rule.max_age_days:
        return Check(key=key, title=rule.title, state=_MARK[rule.blocking], member=newest.record.id,
                     sentence=f"{words} The policy takes none older than {rule.max_age_days} days.")
    if verdict not in rule.accept:
        return Check(key=key, title=rule.title, state=_MARK[rule.blocking], member=newest.record.id, sentence=words)
    quiet = verdict in (Verdict.MET, Verdict.REPORTED) and newest.record.standing is not Standing.ASSERTED
    return Check(key=key, title=rule.title, state=CheckState.SATISFIED if quiet else CheckState.ATTENTION,
                 sentence=words, member=newest.record.id)


def _age(days: int) -> str:
    return "made today" if days == 0 else f"{counted(days, 'day')} old"


def _headline(item: Recorded[Evidence]) -> str:
    evidence = item.record
    if evidence.verdicts:
        return _verdicts(evidence)
    if evidence.scan:
        return evidence.scan.format + (", data only" if evidence.scan.loadable else f": {evidence.scan.reason}")
    return "asserted, not recomputed" if evidence.standing is Standing.ASSERTED else "no threshold"


def _verdicts(evidence: Evidence) -> str:
    """Each metric with how often each verdict was given: "impact ratio: 1 met, 4 undetermined"; one: "AUC met"."""
    counts: dict[str, dict[str, int]] = {}
    for v in evidence.verdicts:
        of = counts.setdefault(_TITLES.get(v.criterion.metric, v.criterion.metric.replace("_", " ")), {})
        of[v.verdict.value.replace("_", " ")] = of.get(v.verdict.value.replace("_", " "), 0) + 1
    return "; ".join(
        f"{metric} {next(iter(of))}" if sum(of.values()) == 1
        else f"{metric}: " + ", ".join(f"{n} {verdict}" for verdict, n in of.items()) for metric, of in counts.items())


def _document(line: DocumentLine, history: History, asked: Question) -> Check:
    found = [e for e in history.evidence(asked.version)
             if e.record.document and e.record.document.checklist == line.key]
    if not found:
        state = CheckState.BLOCKING if line.blocking else CheckState.NOT_TESTED
        return Check(key=f"document:{line.key}", title=line.title, state=state, sentence="Not filed.")
    document = found[-1].record.document
    name = document.file_name if document else ""
    return Check(key=f"document:{line.key}", title=line.title, state=CheckState.SATISFIED, member=found[-1].record.id,
                 sentence=f"{name}, filed; asserted, not recomputed.")


def _card(transition: Transition, history: History, asked: Question) -> Iterator[Check]:
    revision = history.last(CardRevision, version=asked.version)
    full = completeness(revision.record if revision else None, asked.card, asked.tier)
    missing = f" Empty: {', '.join(full.missing[:4])}{' …' if len(full.missing) > 4 else ''}." if full.missing else ""
    state = CheckState.SATISFIED if not full.missing else _MARK[transition.card_complete]
    yield Check(key="card", title=f"Card complete for tier {asked.tier}", state=state,
                sentence=f"{full.filled} of {full.required} fields.{missing}",
                member=revision.record.id if revision else None)


def _validation(transition: Transition, history: History, asked: Question) -> Iterator[Check]:
    found = history.last(ValidationConcluded, version=asked.version, use=asked.use)
    if not transition.validation and found is None:
        return
    if found is None:
        yield Check(key="validation", title="Validation", state=CheckState.BLOCKING, sentence="No opinion is recorded.")
        return
    good = {Opinion.FIT: CheckState.SATISFIED, Opinion.FIT_WITH_CONDITIONS: CheckState.ATTENTION}
    on = found.record.concluded_on or found.at.date()
    taken_over = found.record.basis != "concluded_here"
    unseen = [] if taken_over else _after(history, found, asked.version)
    state = good.get(found.record.opinion, CheckState.BLOCKING)
    yield Check(key="validation", title=f"Validation {found.label}", member=found.record.id,
                state=CheckState.ATTENTION if (taken_over or unseen) and state is CheckState.SATISFIED else state,
                sentence=f"{OPINION_TEXT[found.record.opinion]}, {day_text(on)}."
                + (" Taken over from an inventory, not concluded here." if taken_over else "")
                + (f" Given before {', '.join(unseen)}." if unseen else ""))


def _after(history: History, opinion: Recorded[ValidationConcluded], version: Id) -> list[str]:
    """What the opinion cannot have looked at: the card and the evidence recorded after it."""
    cards = [c for c in history.all(CardRevision, version=version) if c.seq > opinion.seq and not c.record.editorial]
    found = [f"card revision {cards[-1].record.revision}"] if cards else []
    return found + [e.label for e in history.evidence(version)
                    if e.seq > opinion.seq and e.record.evidence_kind is not EvidenceKind.DOCUMENT]


def _findings(transition: Transition, history: History, asked: Question) -> Iterator[Check]:
    for found in history.findings(asked.version, asked.use):
        if not found.is_open:
            continue
        accepted = found.state is FindingState.ACCEPTED and (found.due is None or found.due >= asked.today)
        blocks = transition.blocking_findings is not None and not accepted and \
            SEVERITIES.index(found.finding.severity) >= SEVERITIES.index(transition.blocking_findings)
        until = f" until {day_text(found.due)}" if accepted and found.due else ""
        yield Check(key=f"finding:{found.finding.id}", title=f"{found.finding.severity.value.capitalize()} finding "
                    f"{found.label}", state=_MARK[blocks], member=found.finding.id,
                    sentence=f"{found.finding.title}: {found.state.value}{until}.")
