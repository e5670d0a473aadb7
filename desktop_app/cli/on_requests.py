"""request, sign, gate, validate, record: judging and deciding."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.cli.command import Call, Result, arg, command, find_labelled, find_use, find_version
from desktop_app.domain.canonical import utc_text
from desktop_app.errors import UserError

if TYPE_CHECKING:
    from desktop_app.domain.approval import TypedCondition
    from desktop_app.domain.canonical import Id
    from desktop_app.operations.approvals import Review
    from desktop_app.operations.dossiers import Basis
    from desktop_app.operations.signing import Prepared
    from desktop_app.workspace import Workspace

_VERSION = arg("version", metavar="NAME@LABEL", help="the version, by its model's name and its label")
_USE = arg("--use", help="which use, when the model has several")
_REQUEST = arg("request", metavar="R-N", help="the request, by its number")


@command(
    "request make",
    "request a promotion: freezes what the decision will rest on",
    _VERSION,
    _USE,
    arg("--rationale", required=True, help="why this version should be promoted"),
    arg("--change", default="new", choices=["new", "cosmetic", "minor", "material", "redevelopment"],
        help="how much it differs from the version before it; default: new"),
    arg("--to", metavar="STAGE", help="the stage asked for; default: the next one"),
    arg("--decide-by", type=date.fromisoformat, metavar="YYYY-MM-DD", help="until when a decision is wished for"),
    arg("--anyway", action="store_true", help="request it although requirements are not met: nobody can approve it "
                                              "then, only return or reject it"),
)  # fmt: skip
def request_make(call: Call) -> Result:
    """One version, one use, one stage, one dossier with one digest."""
    from desktop_app.domain.approval import ChangeClass
    from desktop_app.operations import approvals

    a = call.args
    with call.workspace() as ws:
        model, version = find_version(ws, a.version)
        use = find_use(ws, model, a.use)
        if not a.anyway:
            _check_met(call, approvals.outlook(ws, version, use, a.to))
        made = approvals.request(
            ws,
            version,
            use,
            rationale=a.rationale,
            to_stage=a.to,
            change_class=ChangeClass(a.change),
            decide_by=a.decide_by,
        )
        seen = approvals.review(ws, made)
    return Result(
        [f"{seen.request.label}: dossier sha256 {seen.dossier.digest}", *_check_lines(seen)], _request_data(seen)
    )


def _check_met(call: Call, now: Basis) -> None:
    """Raises Refused where nobody could approve the request, unless who is asked wants it all the same."""
    from desktop_app.errors import Refused

    if not now.blocking:
        return
    lines = [f"{c.title}: {c.sentence}" for c in now.blocking]
    if call.at_a_terminal:
        print("The policy's requirements are not met:", *lines, sep="\n", file=sys.stderr)
        print("Nobody can approve this request: what is frozen now stays unmet.", file=sys.stderr)
        if input("Request it all the same? Type yes: ").strip().lower() == "yes":
            return
    raise Refused("Nothing is requested: the policy's requirements are not met.", "\n".join(lines),
                  "Meet them first. With --anyway it is requested all the same, to be returned or rejected.")


@command("request list", "promotion requests, those that wait for you first")
def request_list(call: Call) -> Result:
    """With how many decisions are made."""
    from desktop_app.operations import approvals

    with call.workspace() as ws:
        found = approvals.listing(ws)
    lines = [
        f"{r.request.label:6} {r.model_name}@{r.version_label}, {r.use}: {r.decided} of {r.asked} decided, {r.outcome}"
        f"{'  ← waits for you' if r.waits_for_me else ''}"
        for r in found
    ]
    return Result(
        lines,
        {
            "requests": [
                {
                    "label": r.request.label,
                    "model": r.model_name,
                    "version": r.version_label,
                    "decided": r.decided,
                    "asked": r.asked,
                    "outcome": r.outcome,
                    "waits_for_me": r.waits_for_me,
                }
                for r in found
            ]
        },
    )


@command("request show", "what a request rests on, who decided, what is in the way", _REQUEST)
def request_show(call: Call) -> Result:
    """As whoever acts sees it."""
    from desktop_app.domain.person import ROLE_TITLES
    from desktop_app.operations import approvals

    with call.workspace() as ws:
        seen = approvals.review(ws, _find(ws, call.args.request))
    decided = [f"{s.name}, {ROLE_TITLES[s.role]}: {s.meaning.value.replace('_', ' ')}" for s in seen.sign_offs]
    why = [f"You may not decide: {seen.refusal.title} {seen.refusal.detail}"] if seen.refusal else ["You may decide."]
    news = [*(f"to reconsider: {n}" for n in seen.news.reconsider), *(f"later: {n}" for n in seen.news.later)]
    return Result([*_check_lines(seen), "", *decided, *news, *why], _request_data(seen))


@command("request withdraw", "take back your own request", _REQUEST,
         arg("--reason", required=True, help="why it is taken back"))  # fmt: skip
def request_withdraw(call: Call) -> Result:
    """Only the requester may."""
    from desktop_app.operations import approvals

    with call.workspace() as ws:
        change = approvals.withdraw(ws, _find(ws, call.args.request), call.args.reason)
    return Result([f"{change.note}, entry {change.seq:,}."], {"entry": change.seq})


def _find(workspace: Workspace, text: str) -> Id:
    from desktop_app.domain.approval import PromotionRequest

    return find_labelled(workspace, PromotionRequest, text)


def _check_lines(seen: Review) -> list[str]:
    return [f"{c.state.value.replace('_', ' '):11} {c.title}: {c.sentence}" for c in seen.dossier.record.checks]


def _request_data(seen: Review) -> dict[str, object]:
    return {
        "label": seen.request.label,
        "id": seen.request.record.id,
        "outcome": seen.outcome,
        "dossier_sha256": seen.dossier.digest,
        "decided": seen.quorum.decided,
        "asked": seen.quorum.asked,
        "checks": [{"key": c.key, "state": c.state.value, "sentence": c.sentence} for c in seen.dossier.record.checks],
        "reconsider": list(seen.news.reconsider),
        "later": list(seen.news.later),
        "may_decide": seen.refusal is None,
        "refusal": seen.refusal.title if seen.refusal else None,
    }


@command(
    "sign",
    "read the statement of a decision, declare, and sign it with your key",
    arg("request", nargs="+", metavar="R-N", help="the request, as R-12; several, each with a statement of its "
        "own under one passphrase, where the policy allows it"),
    arg("meaning", choices=["approve", "approve_with_conditions", "concur", "conclude", "reject", "return", "recuse"],
        help="what your signature says"),
    arg("--declare", action="store_true", help="I make the declaration that the statement ends with"),
    arg("--conflicts", default="none", help="conflicts to be stated"),
    arg("--comment", default="", help="why; needed to reject and to return"),
    arg("--condition", action="append", default=[], metavar="TEXT|OWNER|YYYY-MM-DD",
        help="a condition of the approval, who meets it, and until when; may be given again"),
)  # fmt: skip
def sign(call: Call) -> Result:
    """What is printed is what is signed: on standard error with --json and --quiet. Without --declare it is asked.

    Whoever may not sign reads why before anything is asked.
    """
    from desktop_app.operations import approvals, signing

    a = call.args
    with call.workspace() as ws:
        if len(a.request) > 1:
            return _sign_schedule(call, ws)
        seen = approvals.review(ws, _find(ws, a.request[0]))
        prepared = _read_and_declared(call, ws, seen)
        change = signing.sign_off(ws, seen, prepared, call.passphrase() if prepared.ready else "")
        after = approvals.review(ws, seen.request.record.id)
    return Result(
        [f"Signed: {change.note}, entry {change.seq:,}. {after.quorum.decided} of {after.quorum.asked} decided."],
        {
            "entry": change.seq,
            "outcome": after.outcome,
            "decided": after.quorum.decided,
            "asked": after.quorum.asked,
            "statement": prepared.text,
        },
    )


def _read_and_declared(call: Call, ws: Workspace, seen: Review) -> Prepared:
    """The statement, printed and perhaps declared."""
    from desktop_app.domain.policy import Meaning
    from desktop_app.operations import signing

    a = call.args
    prepared = signing.prepare(ws, seen, signing.Decision(
        meaning=Meaning(a.meaning), conditions=tuple(map(_condition, a.condition)), conflicts=a.conflicts,
        comment=a.comment))  # fmt: skip
    print(prepared.text + "\n", file=sys.stderr if a.json or a.quiet else sys.stdout)  # nothing is signed unseen
    if a.declare or (a.meaning != "recuse" and _asked_to_declare(call)):
        prepared = prepared.declare()
    return prepared


def _sign_schedule(call: Call, ws: Workspace) -> Result:
    from desktop_app.operations import approvals, signing

    seen = [approvals.review(ws, _find(ws, label)) for label in call.args.request]
    signing.check_schedule(seen)
    schedule = [(one, _read_and_declared(call, ws, one)) for one in seen]
    ready = all(prepared.ready for _, prepared in schedule)
    outcomes = signing.sign_schedule(ws, schedule, call.passphrase() if ready else "")
    lines = [f"{o.label}: {f'signed, {o.change.note}, entry {o.change.seq:,}.' if o.change else o.refused}"
             for o in outcomes]  # fmt: skip
    data = [{"request": o.label, "entry": o.change.seq if o.change else None, "refused": o.refused,
             "statement": prepared.text} for o, (_, prepared) in zip(outcomes, schedule, strict=True)]  # fmt: skip
    return Result(lines, {"decisions": data}, 0 if all(o.change for o in outcomes) else 1)


def _asked_to_declare(call: Call) -> bool:
    if not call.at_a_terminal:
        return False
    sys.stdout.flush()
    return input("Do you make the declaration that the statement ends with? Type yes: ").strip().lower() == "yes"


def _condition(text: str) -> TypedCondition:
    from desktop_app.domain.approval import TypedCondition

    try:
        what, owner, due = (part.strip() for part in text.split("|"))
        return TypedCondition(text=what, owner=owner, due=date.fromisoformat(due))
    except ValueError as error:
        raise UserError("A condition is TEXT|OWNER|YYYY-MM-DD.", text, "Write all three.") from error


@command(
    "gate",
    "may this version be used? exit code 0 allowed, 1 refused",
    _VERSION,
    _USE,
    arg("--stage", default="production", help="the stage it must be in; default: production"),
)
def gate(call: Call) -> Result:
    """For pipelines: an approval in force, not to be reconsidered, that verifies; where there is none, an exception."""
    from desktop_app.operations import gates

    with call.workspace() as ws:
        model, version = find_version(ws, call.args.version)
        answer = gates.gate(ws, version, find_use(ws, model, call.args.use), call.args.stage)
        copied = ws.store.copied
    as_of = f", as it was on {copied.taken_at}" if copied else ""
    return Result(
        [f"{'Allowed' if answer.allowed else 'Refused'}{as_of}.", *answer.reasons],
        {"allowed": answer.allowed, "reasons": list(answer.reasons),
         "as_of": utc_text(copied.taken) if copied else None},
        0 if answer.allowed else 1,
    )


@command(
    "validate",
    "record the opinion of validation",
    _VERSION,
    _USE,
    arg("opinion", choices=["fit", "fit_with_conditions", "not_fit"], help="whether it is fit for this use"),
    arg("--summary", required=True, help="the reasons, in a few sentences"),
    arg("--not-tested", action="append", default=[], metavar="TEXT", help="what was not tested; may be given again"),
)
def validate(call: Call) -> Result:
    """A validator without a part in building the version may."""
    from desktop_app.domain.validation import Opinion
    from desktop_app.operations import validations

    a = call.args
    with call.workspace() as ws:
        model, version = find_version(ws, a.version)
        change = validations.conclude(
            ws,
            version,
            find_use(ws, model, a.use),
            opinion=Opinion(a.opinion),
            summary=a.summary,
            not_tested=tuple(a.not_tested),
        )
    return Result([f"{change.note}, entry {change.seq:,}."], {"entry": change.seq})


@command(
    "record decision",
    "record a decision made before this registry, from its document",
    _VERSION,
    _USE,
    arg("--outcome", required=True, choices=["approved", "approved_with_conditions", "rejected"],
        help="what was decided"),
    arg("--on", required=True, type=date.fromisoformat, metavar="YYYY-MM-DD", help="the day of the decision"),
    arg("--by", required=True, help="who decided"),
    arg("--review-by", type=date.fromisoformat, metavar="YYYY-MM-DD", help="until when it holds"),
    arg("--document", type=Path, metavar="FILE", help="the document it is written in; a copy is kept"),
    arg("--source", required=True, help="minutes, e-mail or report it is taken from"),
    arg("--stage", default="production", help="the stage it was about; default: production"),
)  # fmt: skip
def record_decision(call: Call) -> Result:
    """Signed by you as the recorder; never shown as the approver's own signature."""
    from desktop_app.operations import prior_decisions

    a = call.args
    with call.workspace() as ws:
        model, version = find_version(ws, a.version)
        given = prior_decisions.Taken(
            version=version,
            use=find_use(ws, model, a.use),
            to_stage=a.stage,
            decided_on=a.on,
            decided_by=a.by,
            outcome=a.outcome,
            review_by=a.review_by,
            source=a.source,
            document=a.document,
        )
        change = prior_decisions.record_prior(ws, given, call.passphrase())
    return Result([f"{change.note}, entry {change.seq:,}."], {"entry": change.seq})
