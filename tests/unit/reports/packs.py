"""Packs built from real domain records: an ordinary one, an empty one, a hostile one, a long one."""
from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from typing import Any

from packs_basis import (
    CONDITION,
    MATTER,
    bar_figure,
    card,
    dossier,
    finding,
    lineage_figure,
    log,
    policy,
    request,
    signature,
)
from packs_evidence import (
    ARTEFACT,
    COMMITTEE,
    COMPLIANCE,
    DOSSIER,
    MODEL,
    NAMES,
    OWNER,
    POLICY,
    REGISTRY,
    RISK,
    USE,
    VALIDATOR,
    VERSION,
    digest,
    document,
    explanation,
    fairness,
    id_,
    performance,
    scan,
    stored,
)

from desktop_app.domain.approval import (
    PriorDecision,
)
from desktop_app.domain.audit import CheckReport, Problem
from desktop_app.domain.card import CardRevision
from desktop_app.domain.dossier import Dossier
from desktop_app.domain.exception import ExceptionKind, Overlay, PolicyException
from desktop_app.domain.figure import Figure
from desktop_app.domain.finding import FindingEvent, FindingState, Severity
from desktop_app.domain.lineage import Graph
from desktop_app.domain.model import Artefact, DigestOf, ModelVersion, Pair, RegisteredModel, SourceIdentity
from desktop_app.domain.pack import Pack, PackCardField, PackPrior
from desktop_app.domain.person import Role
from desktop_app.domain.policy import Meaning
from desktop_app.domain.use import Use
from desktop_app.domain.validation import Opinion, Validation, ValidationConcluded

AUTHORITY = "Policy Tier 1 credit, version 2026-09: validation concludes, model risk approves, compliance concurs."


def ordinary(entries: int = 40, findings: int = 3) -> Pack:
    """A version in production with everything a pack can hold."""
    plan, fair = fairness()
    evidence = (fair, explanation(), performance(), scan(), document())
    frozen = dossier(evidence)
    severities = (Severity.HIGH, Severity.MEDIUM, Severity.LOW)
    found = [finding(i + 1, severities[i % 3]) for i in range(findings)]
    signed = [signature(VALIDATOR, Role.VALIDATOR, Meaning.CONCLUDE, frozen, 28),
              signature(RISK, Role.MODEL_RISK, Meaning.APPROVE_WITH_CONDITIONS, frozen, 29),
              signature(COMPLIANCE, Role.COMPLIANCE, Meaning.CONCUR, frozen, 30)]
    facts: list[Any] = [
        RegisteredModel(id=id_("model revision"), model=MODEL, revision=1, name="Mortgage affordability", owner=OWNER),
        ModelVersion(id=VERSION, model=MODEL, label="3",
                     artefact=Artefact(digest=ARTEFACT, of=DigestOf.ARTEFACT, format="onnx"),
                     source=SourceIdentity(source="mlflow:1f2e", name="mortgage_affordability", version="3",
                                           created="1790000000000")),
        Use(id=USE, model=MODEL, purpose=MATTER.use_text, limits="Up to € 750,000"), policy(),
        CardRevision(id=id_("card"), model=MODEL, version=VERSION, revision=4, fields=()),
        plan, *evidence, *found,
        FindingEvent(id=id_("event"), model=MODEL, finding=id_("finding 1"), state=FindingState.ACCEPTED,
                     until=date(2028, 1, 31),
                     comment="Accepted by the Credit Risk Committee, resolution 2026-44."),
        PolicyException(id=id_("exception"), model=MODEL, version=VERSION, use=USE,
                        exception_kind=ExceptionKind.USE_BEFORE_VALIDATION,
                        reason="Pilot with 200 applications.", controls="Every decision was read by two underwriters.",
                        valid_from=date(2026, 11, 1), valid_to=date(2027, 1, 31),
                        authority="Credit Risk Committee, minutes 2026-39"),
        Overlay(id=id_("overlay"), model=MODEL, version=VERSION, use=USE,
                amount="+15 points of probability for interest-only loans",
                reason="Few defaults of interest-only loans in the data.", owner=OWNER, review_by=date(2027, 6, 30),
                exit="Version 4"),
        PriorDecision(id=id_("prior"), model=MODEL, version=VERSION, use=USE, to_stage="production",
                      decided_on=date(2024, 3, 2),
                      decided_by=COMMITTEE, outcome="approved", review_by=None,
                      source_document=digest("minutes"),
                      source="minutes 2024-07", recorded_by=OWNER, key_id="", envelope="{}"),
        Validation(id=id_("validation"), model=MODEL, version=VERSION, use=USE, validator=VALIDATOR,
                   scope="Discrimination, calibration and bias on the hold-out.", due=date(2027, 2, 28)),
        ValidationConcluded(id=id_("opinion"), model=MODEL, version=VERSION, use=USE, validation=id_("validation"),
                            opinion=Opinion.FIT_WITH_CONDITIONS, summary="Ranks well; calibration drifts after a year.",
                            not_tested=("Robustness to rate shocks.",), conditions=("Recalibrate yearly.",),
                            report=id_("document"), concluded_on=date(2027, 2, 9)),
        request(frozen), *[fact for fact, _ in signed],
    ]
    chain = log(entries)
    return Pack(
        registry=REGISTRY, registry_name="Retail credit registry",
        made_at=datetime(2027, 3, 12, 9, 40, 12, 123456, tzinfo=UTC),
        made_by="Ines Auditor", application="Assaydesk 0.1.0", model_name="Mortgage affordability", version_label="3",
        use_text=MATTER.use_text, use_limits="Not for buy-to-let; not above € 750,000.", stage="Production",
        request_label="R-2027-014",
        outcome="Approved with one condition on 20 Feb 2027, by three persons as the policy asks.", outcome_state="met",
        authority=AUTHORITY,
        effective_from=date(2027, 2, 20), review_by=date(2028, 2, 20),
        conditions=(f"{CONDITION.text} (owner {CONDITION.owner}, first due 15 Apr 2027)",),
        opinion="Fit with conditions: T. Vieira, 9 Feb 2027, report V-41.",
        open_findings=tuple(f"{f.number} {f.severity.value}: {f.title}, due 31 May 2027" for f in found),
        not_tested=("Robustness to rate shocks.",),
        news=("to reconsider: Bias report: superseded by Bias report on applicants of the fourth quarter",),
        dossier=stored(frozen, 27), records=tuple(stored(f, i + 2, OWNER if i % 2 else VALIDATOR) for i,
                                                  f in enumerate(facts)),
        blobs=(Pair(key="V-41 validation report.pdf", value=digest("V-41")),
               Pair(key="minutes 2024-07.docx", value=digest("minutes"))),
        card=card(), names=tuple(Pair(key=k, value=v) for k, v in NAMES), signatures=tuple(s for _, s in signed),
        about=tuple(f"E-{e.seq}, Mortgage affordability 3" if e.seq % 2 else "" for e in chain),
        made_with=digest("made"),
        prior_decisions=(PackPrior(text="Credit Risk Committee, 2 Mar 2024: approved version 1 for mortgages.",
                                   recorded_by="Samira Haddad", seq=9),),
        entries=chain, head_seq=len(chain), head_hash=chain[-1].hash,
        integrity=CheckReport(checks=(("1 Facts match their digests", "31 of 31"),
                                      ("2 Entries match their hashes", f"{entries} of {entries}"),
                                      ("3 Signatures verify", "3 of 3")),
                              problems=(), entries=entries, head=chain[-1].hash,
                              not_checked=("Whether input tables still exist at the places named.",)))


def figures() -> dict[str, tuple[Figure, ...]]:
    return {"lineage": (lineage_figure(),), id_("explanation"): (bar_figure(),)}


def empty() -> Pack:
    """Nothing but what a pack must have."""
    frozen = Dossier(id=DOSSIER, model=MODEL, version=VERSION, use=USE, to_stage="production", tier=3, policy=POLICY,
                     artefact=ARTEFACT,
                     members=(), lineage=Graph(nodes=(), edges=()), lineage_digest=digest("none"), checks=(),
                     not_tested=(),
                     frozen_on=date(2027, 2, 14))
    full = ordinary()
    return dataclasses.replace(
        full, use_limits="", outcome="Nobody has decided.", outcome_state="none", authority="", effective_from=None,
        review_by=None,
        conditions=(), opinion="", open_findings=(), not_tested=(), news=(), dossier=stored(frozen, 1), records=(),
        blobs=(), card=(),
        names=(), signatures=(), prior_decisions=(), entries=(),
        integrity=CheckReport(checks=(), problems=(), entries=0, head=digest("none"), not_checked=()))


HOSTILE = (
    "<b>bold</b> & <img src='/etc/passwd'/> <para><font size=90>x", "&lt;&#x41;&nbsp;]]>", "W" * 5000,
    "\u202eevil\u202c\u2066x",
    "نموذج מודל", "模型风险 モデル", "a\x00b\x07c\x1b[31m", "line\n" * 300, "{{7*7}} %s %n ${x}",
    "🦊 e\u0301 \ufdd0", "",
)


def hostile() -> Pack:
    """Every text a person can type is an attack or cannot be printed."""
    full, every = ordinary(), "\n\n".join(HOSTILE)
    texts = tuple(t.replace("\x00", "\x00") for t in HOSTILE)
    signed = tuple(dataclasses.replace(s, text=every, printed_name=texts[i], role=texts[5], comment=every,
                                       check=texts[0], key_id=texts[2])
                   for i, s in enumerate(full.signatures))
    problems = tuple(Problem(check=t, seq=i, sentence=every) for i, t in enumerate(texts))
    bad = finding(9, title=texts[2])
    records = (*full.records, stored(dataclasses.replace(bad, description=every, remediation=every, number=texts[3]),
                                     60),
               dataclasses.replace(full.records[0], body="{broken", kind=texts[0]))
    return dataclasses.replace(
        full, registry_name=every, made_by=every, application="Assaydesk", model_name=every, version_label=texts[0],
        use_text=every,
        use_limits=every, stage=texts[4], request_label=every, outcome=every, outcome_state="undetermined",
        authority=every,
        conditions=texts, opinion=every, open_findings=texts, not_tested=texts, news=texts, records=records,
        blobs=tuple(Pair(key=t or "empty", value=digest(t)) for t in texts),
        card=tuple(PackCardField(section=t, label=t, text=every) for t in texts),
        names=tuple(Pair(key=k, value=texts[i]) for i, (k, _) in enumerate(NAMES)), signatures=signed,
        prior_decisions=(PackPrior(text=every, recorded_by=texts[0], seq=1),),
        integrity=dataclasses.replace(full.integrity, problems=problems, checks=tuple((t, t) for t in texts),
                                      not_checked=texts))
