"""What became known since a basis was frozen, and what a basis lists."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.domain import basis, dossier
from desktop_app.domain.approval import (
    PromotionRequest,
)
from desktop_app.domain.canonical import Digest, Id
from desktop_app.domain.card import CardRevision
from desktop_app.domain.dossier import CheckState, Dossier, Member, MemberRole, News
from desktop_app.domain.evidence import (
    Evidence,
    EvidenceKind,
    Standing,
)
from desktop_app.domain.exception import ExceptionKind, Overlay, PolicyException
from desktop_app.domain.finding import FindingState
from desktop_app.domain.lineage import Graph
from desktop_app.domain.model import (
    Artefact,
    ArtefactResolved,
    DigestOf,
)
from desktop_app.domain.policy import Policy
from tests.unit.domain.facts import (
    SAME,
    TODAY,
    Facts,
    M,
    U,
    V,
    concluded,
    finding,
    moved,
    started,
)
from tests.unit.domain.records import sample

# ---- news


def member(role=MemberRole.CARD, ident="1", subject="s", state="", title="Card, revision 1"):
    return Member(role=role, id=Id(ident), subject=subject, digest=Digest(ident), title=title, state=state)


NEW_CARD = member(ident="2", title="Card, revision 2")
CLASSES = [
    ("nothing", (member(),), (member(),), frozenset(), News()),
    ("gone", (member(),), (), frozenset(), News(reconsider=("Card, revision 1: withdrawn or no longer there",))),
    ("superseded", (member(),), (NEW_CARD,), frozenset(),
     News(reconsider=("Card, revision 1: superseded by Card, revision 2",))),
    ("editorial", (member(),), (NEW_CARD,), frozenset({Id("2")}),
     News(later=("Card, revision 1: superseded by Card, revision 2",))),
    ("added", (), (NEW_CARD,), frozenset(), News(later=("Card, revision 2: new",))),
    ("finding worse", (member(MemberRole.FINDING, state="closed", title="F-1"),),
     (member(MemberRole.FINDING, state="open", title="F-1"),), frozenset(),
     News(reconsider=("F-1: was closed, is open",))),
    ("finding closed", (member(MemberRole.FINDING, state="open", title="F-1"),),
     (member(MemberRole.FINDING, state="closed", title="F-1"),), frozenset(),
     News(later=("F-1: was open, is closed",))),
    ("evidence closed is no finding", (member(MemberRole.EVIDENCE, title="E-1"),),
     (member(MemberRole.EVIDENCE, state="closed", title="E-1"),), frozenset(),
     News(reconsider=("E-1: was unset, is closed",))),
    *((f"new {role.value}", (member(role, title="a"),), (member(role, "2", title="b"),), frozenset(),
       News(later=("a: superseded by b",))) for role in (MemberRole.POLICY, MemberRole.MODEL, MemberRole.LINEAGE)),
]


@pytest.mark.parametrize(("then", "now", "editorial", "wanted"), [c[1:] for c in CLASSES], ids=[c[0] for c in CLASSES])
def test_news_is_of_two_classes(then, now, editorial, wanted):
    assert dossier.news(then, now, editorial) == wanted


MEMBERS = st.lists(st.builds(member, st.sampled_from(MemberRole), st.sampled_from("123"), st.sampled_from("ab"),
                             st.sampled_from(["", "open", "closed"])), max_size=6, unique_by=lambda m: (m.role,
                             m.subject)
                   ).map(tuple)


@given(MEMBERS)
def test_what_did_not_change_is_no_news(members):
    assert dossier.news(members, members) == News()


@given(MEMBERS, MEMBERS)
def test_every_listed_member_that_differs_is_told_once(then, now):
    found = dossier.news(then, now)
    changed = [m for m in then if m not in now]
    added = [m for m in now if (m.role, m.subject) not in {(t.role, t.subject) for t in then}]
    assert len(found.reconsider) + len(found.later) == len(changed) + len(added)


@given(MEMBERS, MEMBERS)
def test_an_addition_never_asks_to_reconsider(then, now):
    more = tuple(m for m in now if (m.role, m.subject) not in {(t.role, t.subject) for t in then})
    assert dossier.news(then, (*then, *more)).reconsider == ()


def test_a_dossier_knows_what_blocks():
    check = sample(Dossier).checks[0]
    frozen = replace(sample(Dossier), checks=tuple(replace(check, state=s) for s in CheckState))
    assert [c.state for c in frozen.blocking] == [CheckState.BLOCKING]


def test_the_basis_lists_everything_that_was_assessed():
    facts = started()
    facts.add(CardRevision, model=M, version=V, revision=1, fields=())
    facts.add(Evidence, model=M, version=V, evidence_kind=EvidenceKind.PERFORMANCE, standing=Standing.COMPUTED,
        title="Fit")
    concluded(facts)
    found = finding(facts)
    finding(facts, use=Id("another use"), title="not ours")
    moved(facts, found, FindingState.ANSWERED)
    facts.add(PolicyException, **SAME, exception_kind=ExceptionKind.OTHER, reason="", controls="", valid_from=TODAY,
              valid_to=TODAY, authority="")
    facts.add(Overlay, **SAME, amount="1 %", reason="", owner=None, review_by=TODAY, exit="")
    facts.add(ArtefactResolved, model=M, version=V, artefact=Artefact(digest=Digest("b" * 64), of=DigestOf.ARTEFACT))
    policy = sample(Policy)
    facts.add(Policy, **vars(policy))
    members = basis.members(facts.history, V, U, facts.items[-1], Graph(nodes=(), edges=()))
    assert [(m.role.value, m.title, m.state) for m in members] == [
        ("model", "Model Scorecard", ""), ("version", "Version 1", ""), ("artefact", "Digest of the artefact", ""),
        ("use", "Use: Card lending", ""), ("tier", "Tier 2", ""), ("card", "Card, revision 1", ""),
        ("evidence", "E-1 Fit", "reported"), ("validation", "Validation V-1", "fit"),
        ("finding", "Finding F-1 Leakage", "answered"), ("exception", "Exception X-1", ""),
        ("overlay", "Overlay O-1", ""), ("policy", f"Policy {policy.name}, {policy.version}", ""),
        ("lineage", "Lineage, 0 nodes", "")]
    assert members[2].digest == "b" * 64


def test_the_basis_of_nothing_is_empty():
    assert basis.members(Facts().history, V, U, None) == ()


def test_what_is_not_compared_is_no_news():
    facts = started()
    frozen = replace(sample(Dossier), version=V, members=(
        *basis.members(facts.history, V, U, None), member(MemberRole.POLICY), member(MemberRole.LINEAGE)))
    request = replace(sample(PromotionRequest), version=V, use=U)
    assert basis.news_of_request(facts.history, request, frozen) == News()
    assert len(basis.news_since(facts.history, frozen, frozen.members).later) == 0


@given(st.dates(max_value=date(9000, 1, 1)), st.integers(0, 5000))
def test_an_approval_holds_so_many_days(day, days):
    assert basis.review_by(day, days) == day + timedelta(days=days)
