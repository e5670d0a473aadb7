"""What is decided of the three models: one version approved and in use, one rejected, one that waits for signatures."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from desktop_app.demo import dossiers
from desktop_app.demo.cast import COMPLIANCE, DEVELOPER, OWNER, PASSPHRASE, RISK, VALIDATOR, Cast
from desktop_app.demo.dossiers import Prepared
from desktop_app.demo.measuring import Measured
from desktop_app.domain.approval import ChangeClass, TypedCondition
from desktop_app.domain.canonical import Id
from desktop_app.domain.finding import FindingState, Severity
from desktop_app.domain.model import UseState
from desktop_app.domain.policy import Meaning
from desktop_app.domain.validation import Opinion
from desktop_app.operations import approvals, findings, models, signing


def approve_first(cast: Cast, made: Prepared, folder: Path) -> Id:
    """Version 1: everything is there, three people sign, it goes into use. Returns the request."""
    dossiers.file_papers(cast, made, folder, lines=("development", "monitoring", "implementation"))
    dossiers.conclude(cast, made, folder, Opinion.FIT, f"Every criterion was looked at. {_of(made.measured)}")
    request = _request(cast, made, ChangeClass.NEW, "First statistical scorecard for cards; replaces review by hand.")
    due = cast.workspace.today() + timedelta(days=90)
    report = TypedCondition(text="Report the impact ratio by sex and age on matured applications", owner=OWNER, due=due)
    sign(cast, VALIDATOR, request, Meaning.CONCLUDE)
    sign(cast, RISK, request, Meaning.APPROVE_WITH_CONDITIONS, conditions=(report,))
    sign(cast, COMPLIANCE, request, Meaning.CONCUR)
    models.state_use(cast.acting(OWNER), made.version, made.use, UseState.IN_USE, note="Live with the approval")
    return request


def reject_second(cast: Cast, made: Prepared, folder: Path) -> Id:
    """Version 2: the bias report is breached, findings are raised, the request is rejected. Returns the request."""
    dossiers.file_papers(cast, made, folder, lines=("development",))
    _raise_findings(cast, made)
    dossiers.conclude(cast, made, folder, Opinion.NOT_FIT, f"Two high findings. {_of(made.measured)}")
    request = _request(cast, made, ChangeClass.REDEVELOPMENT,
                       "Collections expects fewer referrals from a model fitted to referrals.")
    sign(cast, RISK, request, Meaning.REJECT,
         comment="Rejected for its bias report and the two findings: the target measures how agents treated part-time "
                 "workers, and part_time stands in for sex.")
    models.state_use(cast.acting(OWNER), made.version, made.use, UseState.NOT_IN_USE)
    return request


def wait_for_third(cast: Cast, made: Prepared, folder: Path) -> Id:
    """Version 3: validation has signed, model risk and compliance have not. Returns the request."""
    dossiers.file_papers(cast, made, folder, lines=("development", "monitoring"))
    low = findings.raise_finding(
        cast.acting(VALIDATOR), made.version, use=made.use, title="No implementation test filed", severity=Severity.LOW,
        description="The scores of the production system were not compared with those of the model file.",
        owner=cast.people[DEVELOPER], due=cast.workspace.today() + timedelta(days=30))
    findings.move(cast.acting(DEVELOPER), low, FindingState.ANSWERED, "Planned with the next release.")
    dossiers.conclude(cast, made, folder, Opinion.FIT, f"Fit, without an implementation test. {_of(made.measured)}")
    request = _request(cast, made, ChangeClass.REDEVELOPMENT,
                       "Boosted trees see that high debt and high utilisation together are worse than each alone.",
                       days=14)
    sign(cast, VALIDATOR, request, Meaning.CONCLUDE)
    models.state_use(cast.acting(OWNER), made.version, made.use, UseState.NOT_IN_USE, note="Waits for its approval")
    return request


def approve_arrears(cast: Cast, made: Prepared, folder: Path) -> Id:
    """Collections early arrears: approved by two people. Returns the request."""
    dossiers.file_papers(cast, made, folder, lines=("development",))
    dossiers.conclude(cast, made, folder, Opinion.FIT, f"Good enough to order a list. {_of(made.measured)}")
    request = _request(cast, made, ChangeClass.NEW, "Calls reach the customers first who need them.")
    sign(cast, RISK, request, Meaning.APPROVE)
    sign(cast, COMPLIANCE, request, Meaning.CONCUR)
    models.state_use(cast.acting(OWNER), made.version, made.use, UseState.IN_USE)
    return request


def run_in_parallel(cast: Cast, made: Prepared) -> None:
    """Thin-file applicants: runs beside the reviewers and decides nothing; nobody asked for an approval yet."""
    models.state_use(cast.acting(OWNER), made.version, made.use, UseState.PARALLEL_RUN,
                     note="Scores beside the reviewers, who do not see them")


def sign(cast: Cast, name: str, request: Id, meaning: Meaning, **decision: Any) -> None:
    """Read the request as this person, declare, and sign the statement with their key."""
    acting = cast.acting(name)
    seen = approvals.review(acting, request)
    decided = signing.Decision(meaning=meaning, declared=True, **decision)
    signing.sign_off(acting, seen, signing.prepare(acting, seen, decided), PASSPHRASE)


def _request(cast: Cast, made: Prepared, change: ChangeClass, rationale: str, days: int = 30) -> Id:
    return approvals.request(
        cast.acting(OWNER), made.version, made.use, rationale=rationale, change_class=change, to_stage="production",
        decide_by=cast.workspace.today() + timedelta(days=days))


def _raise_findings(cast: Cast, made: Prepared) -> None:
    validator, due = cast.acting(VALIDATOR), cast.workspace.today() + timedelta(days=30)
    found, owner = made.measured, cast.people[DEVELOPER]
    findings.raise_finding(
        validator, made.version, use=made.use, title="Women are declined more often without defaulting more often",
        description=f"Declined on the hold-out: F {found.rate('F', 'selection_rate')}, "
                    f"M {found.rate('M', 'selection_rate')}. {found.sentences(bias=True)[0]} "
                    "part_time is strongly related to sex and is an input.",
        severity=Severity.HIGH, owner=owner, due=due, evidence=found.fairness.id,
        remediation="Drop part_time; show that no other input takes its place")
    findings.raise_finding(
        validator, made.version, use=made.use, title="The target is not what the model is for",
        description="It is fitted to referrals to collections, which agents decide, and judged on defaults. "
                    f"{found.sentences(bias=False)[0]}",
        severity=Severity.HIGH, owner=owner, due=due, evidence=found.performance.id,
        remediation="Fit to defaults within twelve months")


def _of(found: Measured) -> str:
    return f"AUC {found.measure('auc')}; " + " ".join(found.sentences(bias=True))
