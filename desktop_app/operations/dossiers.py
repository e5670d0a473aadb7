"""What a decision would rest on now: collected from the registry, held against the policy, frozen as a dossier."""

from __future__ import annotations

from desktop_app.domain import basis, canonical, requirements
from desktop_app.domain.approval import PromotionRequest, StageChanged
from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Digest, Id, record
from desktop_app.domain.dossier import Check, CheckState, Dossier, Member, MemberRole
from desktop_app.domain.evidence import EvidenceKind
from desktop_app.domain.history import History
from desktop_app.domain.lineage import Graph
from desktop_app.domain.model import ModelVersion, RegisteredModel
from desktop_app.domain.policy import Policy, Transition
from desktop_app.domain.use import Tiering, Use
from desktop_app.errors import Refused
from desktop_app.operations import cards, lineage, policies
from desktop_app.registry.reader import Reader
from desktop_app.workspace import Workspace


@record
class Basis:
    """What a decision would rest on at this moment."""

    model: RegisteredModel
    version: ModelVersion
    use: Use
    tier: int
    policy: Recorded[Policy]
    transition: Transition
    stage: str
    members: tuple[Member, ...]
    lineage: Graph
    checks: tuple[Check, ...]
    not_tested: tuple[str, ...]
    digest: Digest  # over the members

    @property
    def blocking(self) -> tuple[Check, ...]:
        """What nobody could approve it over."""
        return tuple(c for c in self.checks if c.state is CheckState.BLOCKING)


def basis_now(workspace: Workspace, reader: Reader, version: Id, use: Id, to_stage: str | None = None) -> Basis:
    """Collect the basis of a promotion. Raises Refused where the policy provides no way or no tier is set."""
    exact = reader.get(ModelVersion, version).record
    history = History(reader.of(exact.model))
    model, what, tier = history.model(), history.find(Use, use), history.last(Tiering, use=use)
    if model is None or what is None:
        raise Refused("This version has no use to be promoted for.", "Decisions are about a version and a use.",
                      "Describe the use first.")
    if tier is None:
        raise Refused("The tier of this use is not set.", "The policy asks different things of different tiers.",
                      "Assess the tier first.")
    policy = policies.current(reader)
    stage = history.stage(version, use, policy.record.stages[0].key)
    target = to_stage or policy.record.next_stage(stage)
    transition = policy.record.transition(target, tier.record.tier) if target else None
    if transition is None:
        raise Refused("The policy provides no such promotion.", f"From {stage} to {target or 'no further stage'}, "
                      f"tier {tier.record.tier}, policy {policy.record.version}.", "Choose another stage.")
    subject = (model.record, exact, what.record, tier.record.tier)
    return _collect(workspace, reader, history, subject, policy, transition, stage)


def _collect(
    workspace: Workspace, reader: Reader, history: History, subject: tuple[RegisteredModel, ModelVersion, Use, int],
    policy: Recorded[Policy], transition: Transition, stage: str,
) -> Basis:
    model, exact, use, tier = subject
    asked = requirements.Question(
        version=exact.id, use=use.id, tier=tier, today=workspace.today(), card=cards.definition())
    graph = lineage.upstream_of(reader, history, exact.id)
    members = basis.members(history, exact.id, use.id, policy, graph)
    checks = requirements.checks(transition, history, asked)
    return Basis(
        model=model, version=exact, use=use, tier=tier, policy=policy, transition=transition, stage=stage,
        members=members, lineage=graph, checks=checks, not_tested=requirements.not_tested(checks, history, asked),
        digest=canonical.digest(members))


def blocking_now(
    workspace: Workspace, history: History, transition: Transition, version: Id, use: Id, tier: int,
) -> tuple[Check, ...]:
    """What stands in the way at this moment: findings raised since, evidence grown old, acceptances ended."""
    asked = requirements.Question(version=version, use=use, tier=tier, today=workspace.today(), card=cards.definition())
    found = requirements.checks(transition, history, asked)
    return tuple(c for c in found if c.state is CheckState.BLOCKING)


@record
class Resting:
    """What rests on evidence that another of its kind would supersede.

    evidence: its label and title · requests: labels of the open requests that list it · decisions: (stage, label of
    the request) of the decisions in force that list it.
    """

    evidence: str
    requests: tuple[str, ...]
    decisions: tuple[tuple[str, str], ...]


def resting_on(
    workspace: Workspace, version: Id, kind: EvidenceKind, *, title: str = "", checklist: str = "",
) -> Resting | None:
    """What would be to reconsider if evidence of this kind, and title or line of the checklist, were filed now."""
    with workspace.store.read() as reader:
        history = History(reader.of(reader.get(ModelVersion, version).record.model))
    standing = next((e for e in reversed(history.evidence(version)) if e.record.evidence_kind is kind and (
        e.record.document.checklist == checklist != "other" if e.record.document else e.record.title == title)), None)
    if standing is None:
        return None
    requests, decisions = [], []
    for asked in history.all(PromotionRequest, version=version):
        dossier, now = history.find(Dossier, asked.record.dossier), history.in_force(version, asked.record.use)
        if dossier is None or all(member.id != standing.record.id for member in dossier.record.members):
            continue
        if isinstance(now, StageChanged) and now.request == asked.record.id:
            decisions.append((now.to_stage, asked.label))
        elif not history.closed(asked.record.id) and not history.effective(asked.record.id):
            requests.append(asked.label)
    named = f"{standing.label} {standing.record.title}"
    return Resting(evidence=named, requests=tuple(requests), decisions=tuple(decisions))


def freeze(workspace: Workspace, now: Basis) -> Dossier:
    """The dossier of a request made now."""
    return Dossier(
        id=workspace.store.new_id(), model=now.model.model, version=now.version.id, use=now.use.id,
        to_stage=now.transition.to_stage, tier=now.tier, policy=now.policy.record.id,
        artefact=next(m.digest for m in now.members if m.role is MemberRole.ARTEFACT), members=now.members,
        lineage=now.lineage, lineage_digest=canonical.digest(now.lineage), checks=now.checks,
        not_tested=now.not_tested, frozen_on=workspace.today())
