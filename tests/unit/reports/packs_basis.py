"""The rest of a basis: lineage, card, policy, dossier, statements, a log that chains."""
from __future__ import annotations

import base64
import json
from datetime import date, timedelta
from typing import Any

from packs_evidence import (
    ARTEFACT,
    DEVELOPER,
    DOSSIER,
    MODEL,
    NAMES,
    OWNER,
    POLICY,
    REGISTRY,
    REQUEST,
    START,
    USE,
    VERSION,
    digest,
    explanation,
    id_,
)

from desktop_app.domain import audit, canonical
from desktop_app.domain.approval import (
    Condition,
    PromotionRequest,
    SignOff,
    StatementMatter,
    StatementParty,
    statement,
    statement_text,
)
from desktop_app.domain.audit import Entry, EntryBody
from desktop_app.domain.canonical import Digest, Id, sha256
from desktop_app.domain.dossier import Check, CheckState, Dossier, Member, MemberRole
from desktop_app.domain.evidence import (
    Evidence,
)
from desktop_app.domain.figure import Box, Curve, Dot, Figure, Line, Text
from desktop_app.domain.finding import Finding, Severity
from desktop_app.domain.lineage import Edge, Graph, Node, NodeKind
from desktop_app.domain.pack import PackCardField, PackSignature
from desktop_app.domain.person import Erasable, Role, Unkept
from desktop_app.domain.policy import DecisionRule, Meaning, Policy, Stage, Transition


def graph() -> Graph:
    nodes = (
        Node(key="d1", kind=NodeKind.DATASET, name="applicants_2026q2", detail="310,221 rows"),
        Node(key="d2", kind=NodeKind.UNKNOWN, name="not known", detail="source of bureau_scores"),
        Node(key="d3", kind=NodeKind.DATASET, name="bureau_scores", detail="as delivered"),
        Node(key="f1", kind=NodeKind.FEATURES, name="affordability features", detail="31 columns"),
        Node(key="c1", kind=NodeKind.CODE, name="train.py", detail="commit 4f1c2e9"),
        Node(key="r1", kind=NodeKind.RUN, name="train 2026-10-02", detail="finished"),
        Node(key=VERSION, kind=NodeKind.VERSION, name="Mortgage affordability v3", detail="ONNX"),
    )
    edges = (
        Edge(effect="d3", relation="derived_from", cause="d2", basis="inferred"),
        Edge(effect="f1", relation="derived_from", cause="d1"),
        Edge(effect="f1", relation="derived_from", cause="d3", basis="asserted"),
        Edge(effect="r1", relation="used", cause="f1", role="train"), Edge(effect="r1", relation="used", cause="c1"),
        Edge(effect=VERSION, relation="generated_by", cause="r1"),
    )
    return Graph(nodes=nodes, edges=edges)


def lineage_figure() -> Figure:
    at = {"d1": (0, 20), "d2": (0, 80), "c1": (160, 150), "d3": (160, 80), "f1": (320, 40), "r1": (480, 80),
          VERSION: (640, 80)}
    marks: list[Any] = []
    for edge in graph().edges:
        (x1, y1), (x2, y2) = at[edge.cause], at[edge.effect]
        marks.append(Curve(x1=x1 + 130, y1=y1 + 20, x2=x2, y2=y2 + 20, dashed=edge.basis != "observed", colour="muted"))
    for node in graph().nodes:
        x, y = at[node.key]
        unknown = node.kind is NodeKind.UNKNOWN
        marks += [Box(x=x, y=y, width=130, height=40, fill="" if unknown else "accent_ground",
                      stroke="muted" if unknown else "",
                      radius=4, dashed=unknown),
                  Text(x=x + 8, y=y + 17, text=node.name[:20], bold=True),
                  Text(x=x + 8, y=y + 31, text=node.detail[:22], size=9, colour="muted")]
    return Figure(width=770, height=200, marks=tuple(marks),
                  alt="Two tables and one source not known lead to version 3.")


def bar_figure() -> Figure:
    marks: list[Any] = [Line(x1=150, y1=0, x2=150, y2=170, colour="hairline")]
    for i, feature in enumerate(explanation().explanation_spec.features):
        marks += [Text(x=142, y=15 + 20 * i, text=feature, anchor="end", size=10),
                  Box(x=150, y=6 + 20 * i, width=280 / (i + 1), height=11, fill="accent"),
                  Dot(x=150 + 280 / (i + 1), y=11.5 + 20 * i, radius=2, colour="breached")]
    return Figure(width=460, height=172, marks=tuple(marks), alt="Income to instalment matters most, region least.")


def card() -> tuple[PackCardField, ...]:
    said = "The score estimates the probability that a mortgage is in arrears for three months within two years. "
    return tuple(PackCardField(section=s, label=label, text=text) for s, label, text in (
        ("Purpose", "Intended use", said + "It supports, and does not replace, the judgement of an underwriter."),
        ("Purpose", "Out of scope", "Buy-to-let; applications by companies; loans above € 750,000."),
        ("Data", "Training data", said * 3 + "\n\nRefusals are not in the data: reject inference was not done."),
        ("Data", "Known gaps", ""),
        ("Method", "Algorithm", "Gradient-boosted trees, monotone in income. Σ of 300 trees; λ = 0.1; Δ ≤ 10⁻⁶."),
        ("Limits", "When it fails", "Self-employed applicants with less than two years of accounts.")))


def policy() -> Policy:
    return Policy(
        id=POLICY, policy=id_("policy line"), name="Tier 1 credit", version="2026-09", effective_from=date(2026, 9, 1),
        stages=(Stage(key="validation", title="Validation"), Stage(key="production", title="Production")),
        transitions=(Transition(to_stage="production", tiers=(1,), decisions=(
            DecisionRule(role=Role.VALIDATOR, meaning=Meaning.CONCLUDE),
            DecisionRule(role=Role.MODEL_RISK, meaning=Meaning.APPROVE),
            DecisionRule(role=Role.COMPLIANCE, meaning=Meaning.CONCUR, scope="consumer protection"))),),
        conflict_text="I did not develop, own or validate this version and know of no conflict under policy § 7.")


CHECKS = (
    Check(key="validation", title="Validation opinion", state=CheckState.SATISFIED,
          sentence="Fit with conditions, T. Vieira, 9 Feb 2027."),
    Check(key="performance", title="Performance on hold-out", state=CheckState.SATISFIED,
          sentence="AUC 0.874 [0.866, 0.882], at least 0.85; 4 days old."),
    Check(key="fairness", title="Adverse impact ratio", state=CheckState.ATTENTION,
          sentence="Under 25: 0.81 [0.74, 0.88], undetermined."),
    Check(key="stability", title="Explanation stability", state=CheckState.BLOCKING,
          sentence="No evidence of this kind is filed."),
    Check(key="stress", title="Robustness to rate shocks", state=CheckState.NOT_TESTED, sentence="Nobody tested it."),
)


def finding(n: int, severity: Severity = Severity.HIGH, title: str = "Reject inference is missing") -> Finding:
    return Finding(id=id_(f"finding {n}"), model=MODEL, version=VERSION, title=title, number=f"F-{117 + n}",
                   severity=severity,
                   description="Refused applicants are not in the data; the effect on thin files is not known.",
                   owner=DEVELOPER, due=date(2027, 5, 31), remediation="Sample refusals at random for a quarter.")


def dossier(evidence: tuple[Evidence, ...]) -> Dossier:
    members = [Member(role=MemberRole.VERSION, id=VERSION, subject=VERSION, digest=digest("version"),
                      title="version 3"),
               Member(role=MemberRole.ARTEFACT, id=VERSION, subject="artefact", digest=ARTEFACT, title="model.onnx")]
    members += [Member(role=MemberRole.EVIDENCE, id=e.id, subject=e.id, digest=canonical.digest(e), title=e.title,
                       state="met")
                for e in evidence]
    members.append(Member(role=MemberRole.POLICY, id=POLICY, subject="policy", digest=canonical.digest(policy()),
                          title="Tier 1 credit, 2026-09"))
    return Dossier(id=DOSSIER, model=MODEL, version=VERSION, use=USE, to_stage="production", tier=1, policy=POLICY,
                   artefact=ARTEFACT,
                   members=tuple(members), lineage=graph(), lineage_digest=canonical.digest(graph()), checks=CHECKS,
                   not_tested=("Robustness to rate shocks.",), frozen_on=date(2027, 2, 14))


MATTER = StatementMatter(
    model_name="Mortgage affordability", version_label="3",
    use_text="mortgage applications in the Netherlands up to € 750,000",
    from_stage="Validation", to_stage="Production", opinion="fit with conditions (V-41)",
    open_findings=("F-118, high, accepted until 31 Jan 2028",), breached=(),
    undetermined=("adverse impact ratio, under 25",),
    not_tested=("robustness to rate shocks",), policy_name="Tier 1 credit, 2026-09")
CONDITION = Condition(text="Approvals of applicants under 25 are reported monthly", owner=OWNER,
                      due=date(2027, 4, 15))
REVIEW_BY = date(2028, 2, 20)


def signature(person: Id, role: Role, meaning: Meaning, frozen: Dossier, seq: int) -> tuple[SignOff, PackSignature]:
    printed = dict(NAMES)[person]
    party = StatementParty(person=person, printed_name=printed, role=role,
                           name=Erasable(ref=f"name:{person}", digest=digest(printed)),
                           scope="consumer protection" if role is Role.COMPLIANCE else "")
    conditions = (CONDITION,) if meaning is Meaning.APPROVE_WITH_CONDITIONS else ()
    text = statement_text(party, MATTER, meaning, conditions, REVIEW_BY, policy().conflict_text, dict(NAMES))
    signed_at, kept = START + timedelta(hours=seq), Unkept(ref=f"text:{seq}", salt="5a" * 16, text=text)
    payload = canonical.jcs(statement(
        party=party, text=kept.reference(), meaning=meaning, conditions=conditions, review_by=REVIEW_BY,
        request=request(frozen), request_digest=canonical.digest(request(frozen)),
        dossier=frozen, dossier_digest=canonical.digest(frozen),
        policy_digest=canonical.digest(policy()), registry=REGISTRY, command=id_(f"command {seq}"), checkpoint="48210",
        signed_at=signed_at, conflicts=None, comment=None))
    envelope = json.dumps({"payloadType": "application/vnd.in-toto+json", "payload": base64.b64encode(payload).decode(),
                           "signatures": [{"keyid": digest(printed)[:16],
                                           "sig": base64.b64encode(bytes(64)).decode()}]})
    fact = SignOff(id=id_(f"sign-off {seq}"), model=MODEL, version=VERSION, request=REQUEST, person=person, role=role,
                   meaning=meaning, text=kept.reference(),
                   key_id=digest(printed)[:16], statement_digest=sha256(payload), envelope=envelope,
                   review_by=REVIEW_BY, conditions=conditions)
    return fact, PackSignature(
        sign_off=fact.id, text=text, printed_name=printed, role=role.value.replace("_", " ").capitalize(),
        meaning=meaning.value,
        signed_at=signed_at, key_id=fact.key_id, public_key=base64.b64encode(bytes.fromhex(digest(printed))).decode(),
        statement_digest=fact.statement_digest, envelope=envelope,
        comment="Read with the validation report." if seq == 30 else "",
        seq=seq, check="valid", salt=kept.salt)


def request(frozen: Dossier) -> PromotionRequest:
    from desktop_app.domain.approval import ChangeClass

    return PromotionRequest(id=REQUEST, model=MODEL, version=VERSION, use=USE, from_stage="validation",
                            to_stage="production",
                            change_class=ChangeClass.MATERIAL, rationale="Replaces version 2, whose approval ends.",
                            dossier=frozen.id,
                            dossier_digest=canonical.digest(frozen), policy=POLICY)


def log(count: int) -> tuple[Entry, ...]:
    """A chain of entries as the registry would make it."""
    actions = ("model.registered", "version.added", "card.saved", "evidence.planned", "evidence.computed",
               "promotion.requested",
               "promotion.signed_off", "stage.changed")
    prev, out = audit.GENESIS, []
    for i in range(count):
        at = START + timedelta(hours=i)
        body = EntryBody(v=1, registry=REGISTRY, actor=NAMES[i % 5][0], action=actions[i % len(actions)],
                         subject=VERSION,
                         client_time=at, application="Assaydesk 0.1.0", note="", facts=1,
                         facts_root=digest(f"root {i}"), kinds=("card",))
        text = canonical.encode(body).decode()
        framed = audit.message(i + 1, at, "assaydesk", id_(f"command {i}"), text)
        now = audit.chain_hash(prev, framed)
        out.append(Entry(seq=i + 1, at=at, user="assaydesk", command=id_(f"command {i}"), body=text,
                         prev=Digest(prev.hex()), hash=Digest(now.hex())))
        prev = now
    return tuple(out)
