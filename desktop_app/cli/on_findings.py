"""finding: what is wrong with a version, and what is done about it."""

from __future__ import annotations

from datetime import date

from desktop_app.cli.command import Call, Result, arg, command, find_labelled, find_version


@command("finding list", "findings, open and worst first",
         arg("--about", metavar="NAME@LABEL", help="only those of one version"))  # fmt: skip
def finding_list(call: Call) -> Result:
    """With their state and due date."""
    from desktop_app.operations import findings

    with call.workspace() as ws:
        about = find_version(ws, call.args.about)[1] if call.args.about else None
        found = findings.listing(ws, about)
    lines = [
        f"{f.now.label:6} {f.now.finding.severity.value:9} {f.now.state.value:9} {f.model_name}@{f.version_label} "
        f"{f.now.finding.title}{f' (due {f.now.due})' if f.now.due else ''}"
        for f in found
    ]
    return Result(
        lines,
        {
            "findings": [
                {
                    "label": f.now.label,
                    "severity": f.now.finding.severity.value,
                    "state": f.now.state.value,
                    "title": f.now.finding.title,
                    "due": f.now.due.isoformat() if f.now.due else None,
                }
                for f in found
            ]
        },
    )


@command(
    "finding raise",
    "record something wrong with a version",
    arg("version", metavar="NAME@LABEL", help="the version, by its model's name and its label"),
    arg("title", help="what is wrong, in a few words"),
    arg("--description", required=True, help="what was seen, and why it matters"),
    arg("--severity", required=True, choices=["low", "medium", "high", "critical"], help="how bad it is"),
    arg("--due", type=date.fromisoformat, metavar="YYYY-MM-DD", help="until when it is to be mended"),
    arg("--remediation", default="", help="how it is to be mended"),
)
def finding_raise(call: Call) -> Result:
    """Validators, model risk, compliance and auditors may."""
    from desktop_app.domain.finding import Severity
    from desktop_app.operations import findings

    a = call.args
    with call.workspace() as ws:
        made = findings.raise_finding(
            ws,
            find_version(ws, a.version)[1],
            title=a.title,
            description=a.description,
            severity=Severity(a.severity),
            due=a.due,
            remediation=a.remediation,
        )
        label = next(f.now.label for f in findings.listing(ws) if f.now.finding.id == made)
    return Result([f"Raised {label}."], {"finding": label})


@command(
    "finding move",
    "answer, accept, close or reopen a finding",
    arg("finding", metavar="F-N", help="the finding, by its number"),
    arg("state", choices=["open", "answered", "accepted", "closed"], help="what it becomes"),
    arg("--comment", required=True, help="what was done, or why"),
    arg("--until", type=date.fromisoformat, metavar="YYYY-MM-DD", help="how long an accepted risk is accepted"),
)
def finding_move(call: Call) -> Result:
    """Its owner, and whoever answered it, cannot close it."""
    from desktop_app.domain.finding import Finding, FindingState
    from desktop_app.operations import findings

    with call.workspace() as ws:
        change = findings.move(
            ws,
            find_labelled(ws, Finding, call.args.finding),
            FindingState(call.args.state),
            call.args.comment,
            until=call.args.until,
        )
    return Result([f"{change.note}, entry {change.seq:,}."], {"entry": change.seq})
