"""Who may sign, when the quorum is met, and the words that are signed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.domain import approval, canonical
from desktop_app.domain.approval import (
    ChangeClass,
    Condition,
    Involvement,
    PromotionRequest,
    Quorum,
    SignOff,
    StatementMatter,
    StatementParty,
)
from desktop_app.domain.canonical import Digest, Id
from desktop_app.domain.person import Erasable, Role, Unkept, erasable_digest, key_proof_text
from desktop_app.domain.policy import DecisionRule, Meaning, Policy, Stage, Transition
from tests.unit.domain.records import records, sample

APPROVER = DecisionRule(role=Role.MODEL_RISK, meaning=Meaning.APPROVE)
CONCURS = DecisionRule(role=Role.COMPLIANCE, meaning=Meaning.CONCUR)
CONCLUDES = DecisionRule(role=Role.VALIDATOR, meaning=Meaning.CONCLUDE)
TIER_ONE = Transition(to_stage="production", tiers=(1,), decisions=(CONCLUDES, APPROVER, CONCURS))
PART = (Involvement(person=Id("p"), part="building", act="ran its training", seq=1234),)
TESTED = (Involvement(person=Id("p"), part="testing", act="brought in evidence", seq=9),
          Involvement(person=Id("p"), part="validating", act="concluded its validation", seq=10))


def sign_off(person: str, role: Role, meaning: Meaning, n: int = 0) -> SignOff:
    return SignOff(
        id=Id(f"s-{person}-{role}-{meaning}-{n}"), model=Id("m"), version=Id("v"), request=Id("r"), person=Id(person),
        role=role, meaning=meaning, key_id="k", statement_digest=Digest(""), envelope="",
        review_by=date(2028, 11, 19),
        text=Erasable(ref="", digest=Digest("")))


RULES = st.builds(DecisionRule, role=st.sampled_from(list(Role)[2:5]), count=st.integers(1, 3),
                  meaning=st.sampled_from([Meaning.APPROVE, Meaning.CONCUR, Meaning.CONCLUDE]))
TRANSITIONS = st.lists(RULES, max_size=4).map(
    lambda rules: Transition(to_stage="production", tiers=(1,), decisions=tuple(rules)))
SIGNED = st.lists(st.builds(sign_off, st.sampled_from("abcde"), st.sampled_from(list(Role)[2:5]),
                            st.sampled_from(Meaning), st.integers(0, 99)), max_size=12, unique_by=lambda s: s.id)


@given(TRANSITIONS, SIGNED)
def test_one_person_never_fills_two_seats(transition, signed):
    by_id = {s.id: s for s in signed}
    seats = approval.quorum(transition, signed).seats
    people = [by_id[i].person for seat in seats for i in seat.signed]
    assert len(people) == len(set(people))


@given(TRANSITIONS, SIGNED)
def test_the_quorum_is_never_met_by_fewer_persons_than_asked(transition, signed):
    found = approval.quorum(transition, signed)
    if found.met:
        assert len({s.person for s in signed}) >= found.asked > 0
    assert 0 <= found.decided <= found.asked
    assert found.met == (found.decided == found.asked > 0)


@given(TRANSITIONS, SIGNED)
def test_seats_hold_only_the_role_and_meaning_they_ask_for(transition, signed):
    by_id = {s.id: s for s in signed}
    for seat in approval.quorum(transition, signed).seats:
        for i in seat.signed:
            assert by_id[i].role is seat.rule.role
            assert by_id[i].meaning not in (Meaning.REJECT, Meaning.RETURN, Meaning.RECUSE)


@given(TRANSITIONS, SIGNED)
def test_what_refuses_or_recuses_changes_nothing(transition, signed):
    against = [s for s in signed if s.meaning in (Meaning.REJECT, Meaning.RETURN, Meaning.RECUSE)]
    assert approval.quorum(transition, signed) == approval.quorum(transition, [s for s in signed if s not in against])


def test_a_quorum_of_nobody_is_never_met():
    assert not Quorum(seats=()).met
    assert not approval.quorum(TIER_ONE, []).met


def test_the_tier_one_quorum_by_hand():
    signed = [sign_off("v", Role.VALIDATOR, Meaning.CONCLUDE), sign_off("r", Role.MODEL_RISK, Meaning.APPROVE)]
    waiting = approval.quorum(TIER_ONE, signed)
    assert (waiting.decided, waiting.asked, waiting.met) == (2, 3, False)
    signed.append(sign_off("c", Role.COMPLIANCE, Meaning.CONCUR))
    assert approval.quorum(TIER_ONE, signed).met
    assert [seat.filled for seat in approval.quorum(TIER_ONE, signed[1:]).seats] == [False, True, True]


def test_approval_with_conditions_fills_the_seat_of_the_approver():
    transition = Transition(to_stage="production", tiers=(3,), decisions=(APPROVER,))
    assert approval.quorum(transition, [sign_off("r", Role.MODEL_RISK, Meaning.APPROVE_WITH_CONDITIONS)]).met


def test_the_same_approver_twice_is_one_of_two():
    two = Transition(to_stage="production", tiers=(1,), decisions=(
        DecisionRule(role=Role.MODEL_RISK, meaning=Meaning.APPROVE, count=2),))
    twice = [sign_off("r", Role.MODEL_RISK, Meaning.APPROVE, n) for n in (1, 2)]
    assert approval.quorum(two, twice).decided == 1
    assert approval.quorum(two, [*twice, sign_off("q", Role.MODEL_RISK, Meaning.APPROVE)]).met


# ---- who may sign


def expected(roles, meaning, involvement, already, requested) -> str | None:
    """The table of DESIGN promise 5 and of the policy, written down anew."""
    asked = {Role.VALIDATOR: "conclude", Role.MODEL_RISK: "approve", Role.COMPLIANCE: "concur"}
    mine = [r for r in (Role.VALIDATOR, Role.MODEL_RISK, Role.COMPLIANCE) if r in roles]
    if already:
        return "You have already decided"
    if not mine:
        return "Your role is not asked"
    if meaning is Meaning.RECUSE:
        return None
    if requested:
        return "You requested"
    counts = involvement is PART or (involvement is TESTED and mine[0] is not Role.VALIDATOR)
    if counts:
        return "You have a recorded part"
    verb = {"approve_with_conditions": "approve"}.get(meaning.value, meaning.value)
    if verb in asked.values() and verb != asked[mine[0]]:
        return "does not"
    return None


ROLE_SETS = [frozenset(), *(frozenset({r}) for r in Role), frozenset({Role.MODEL_RISK, Role.VALIDATOR}),
             frozenset({Role.DEVELOPER, Role.COMPLIANCE}), frozenset(Role)]


@pytest.mark.parametrize("roles", ROLE_SETS, ids=lambda r: "+".join(sorted(r)) or "none")
def test_who_may_sign_what(roles):
    cases = product(Meaning, ((), PART, TESTED), (False, True), (False, True))
    for meaning, involvement, already, requested in cases:
        refusal = approval.check_may_sign(TIER_ONE, roles, meaning, involvement, already, requested)
        wanted = expected(roles, meaning, involvement, already, requested)
        what = (sorted(roles), meaning, involvement, already, requested)
        assert (refusal is None) == (wanted is None), what
        assert refusal is None or (wanted in refusal.title and refusal.detail and refusal.remedy), what


def test_who_has_decided_is_not_told_that_others_must():
    refusal = approval.check_may_sign(TIER_ONE, frozenset({Role.MODEL_RISK}), Meaning.APPROVE, (), True, False)
    assert refusal.remedy == "Nothing is missing from you. The request shows who must still decide, if anybody."


def test_a_refusal_names_the_acts_with_their_entries():
    many = tuple(Involvement(person=Id("p"), part="building", act=f"act {n}", seq=1000 + n) for n in range(9))
    refusal = approval.check_may_sign(TIER_ONE, frozenset({Role.MODEL_RISK}), Meaning.APPROVE, many, False, False)
    assert "act 0 (entry 1,000); act 1 (entry 1,001)" in refusal.detail
    assert "act 5" not in refusal.detail


def test_the_policy_order_decides_in_which_role_somebody_is_asked():
    assert approval.rule_for(TIER_ONE, [Role.COMPLIANCE, Role.MODEL_RISK]) is APPROVER
    assert approval.rule_for(TIER_ONE, [Role.AUDITOR]) is None


# ---- the statement

PARTY = StatementParty(person=Id("p"), printed_name="Rita Risk", name=Erasable(ref="n", digest=Digest("d1")),
                       role=Role.COMPLIANCE, scope="consumer protection")
MATTER = StatementMatter(
    model_name="Scorecard", version_label="4", use_text="Card lending (NL)", from_stage="validation",
    to_stage="production", opinion="V-1, fit", open_findings=("F-1 Leakage (low, open)",), breached=(), undetermined=(),
    not_tested=("drift", "stability"), policy_name="Model approval, 2026-11")
CONDITION = Condition(text="Report monthly", owner=Id("s"), due=date(2027, 3, 1))


def test_the_statement_is_these_words():
    text = approval.statement_text(PARTY, MATTER, Meaning.APPROVE_WITH_CONDITIONS, (CONDITION,), date(2028, 11, 19),
                                   "I know of no conflict. Stated: none.", {Id("s"): "S. Haddad"})
    assert text == (
        "Approval, with conditions, of the use of a model\n\n"
        "I, Rita Risk, Compliance officer, approve, with the conditions below, the use of Scorecard, version 4, for "
        "Card lending (NL), within consumer protection. It moves from validation to production under the policy "
        "Model approval, 2026-11.\n\n"
        "Validation: V-1, fit. Open at signing: F-1 Leakage (low, open). Undetermined: none. "
        "Not tested: drift; stability.\n\n"
        "Conditions: Report monthly (owner S. Haddad, due 1 Mar 2027).\n\n"
        "To be reviewed by 19 Nov 2028.\n\n"
        "I declare: I know of no conflict. Stated: none.")


@pytest.mark.parametrize("meaning", list(Meaning))
def test_only_a_decision_in_favour_has_a_review_date(meaning):
    text = approval.statement_text(PARTY, MATTER, meaning, (), date(2028, 11, 19), "none", {})
    in_favour = meaning not in (Meaning.REJECT, Meaning.RETURN, Meaning.RECUSE)
    assert ("To be reviewed by" in text) == in_favour
    assert text.startswith(approval.TITLES[meaning])
    assert "Conditions:" not in text


def test_the_statement_binds_everything_it_is_about():
    dossier = sample(canonical.FACTS["dossier"])
    request = PromotionRequest(
        id=Id("req"), model=Id("m"), version=Id("ver"), use=Id("use"), from_stage="validation", to_stage="production",
        change_class=ChangeClass.NEW, rationale="", dossier=dossier.id, dossier_digest=Digest("dd"), policy=Id("pol"))
    comment = Unkept(ref="c", salt="00" * 16, text="fine").reference()

    def made(comment):
        return approval.statement(
            party=PARTY, text=Erasable(ref="words", digest=Digest("f" * 64)), meaning=Meaning.CONCUR, conditions=(),
            review_by=date(2028, 11, 19),
            request=request, request_digest=Digest("e" * 64), dossier=dossier,
            dossier_digest=Digest("d" * 64), policy_digest=Digest("p" * 64), registry="reg", command="cmd",
            checkpoint="9:abc", signed_at=datetime(2026, 11, 20, tzinfo=UTC), conflicts=None, comment=comment)

    assert made(comment) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "version:ver", "digest": {"sha256": "ab" * 32}},
                    {"name": f"dossier:{dossier.id}", "digest": {"sha256": "d" * 64}}],
        "predicateType": approval.PREDICATE_TYPE,
        "predicate": {
            "meaning": "concur",
            "transition": {"from": "validation", "to": "production", "use": "use", "version": "ver", "request": "req",
                           "requestDigest": "e" * 64},
            "reviewBy": "2028-11-19", "conditionsDigest": canonical.sha256(b"[]"),
            "signer": {"person": "p", "nameDigest": "d1", "nameRef": "n", "role": "compliance"},
            "policy": {"id": "pol", "sha256": "p" * 64},
            "view": {"digest": "f" * 64, "ref": "words", "renderer": "assaydesk-statement/v1"},
            "registry": "reg", "checkpoint": "9:abc", "commandId": "cmd", "signedAt": "2026-11-20T00:00:00.000000Z",
            "conflictsDigest": None, "commentDigest": canonical.sha256(bytes(16) + b"fine")}}
    assert made(None)["predicate"]["commentDigest"] is None
    assert len(canonical.jcs(made(comment))) > 500


def test_erasable_text_is_a_salted_digest():
    assert erasable_digest(b"\x01" * 16, "Zoë") == canonical.sha256(b"\x01" * 16 + "Zoë".encode())
    kept = Unkept(ref="r", salt="ff" * 16, text="x")
    assert kept.reference() == Erasable(ref="r", digest=canonical.sha256(b"\xff" * 16 + b"x"))
    assert key_proof_text(Id("p"), "k", "reg") == b"assaydesk-key/v1\nreg\np\nk\n"


# ---- policies


def policy(*transitions: Transition) -> Policy:
    return Policy(id=Id("i"), policy=Id("p"), name="n", version="1", effective_from=date(2026, 1, 1), conflict_text="",
                  stages=tuple(Stage(key=k, title=k.upper()) for k in ("dev", "val", "prod")), transitions=transitions)


def test_a_policy_answers_by_stage_and_tier():
    high, low = (Transition(to_stage="prod", tiers=tiers) for tiers in ((1,), (2, 3)))
    asked = policy(high, low)
    assert [asked.transition("prod", tier) for tier in (1, 2, 3, 4)] == [high, low, low, None]
    assert asked.transition("val", 1) is None


def test_stages_follow_each_other():
    asked = policy()
    assert [asked.next_stage(s) for s in ("dev", "val", "prod", "unheard of")] == ["val", "prod", None, "val"]
    assert [asked.stage_title(s) for s in ("dev", "unheard of")] == ["DEV", "unheard of"]


@given(records(Policy), st.sampled_from(["a", ""]), st.integers(1, 3))
def test_a_transition_is_one_of_the_policy_and_for_the_tier(asked, stage, tier):
    found = asked.transition(stage, tier)
    assert found is None or (found in asked.transitions and found.to_stage == stage and tier in found.tiers)
