"""A verification as numbered checks with their results, what does not match, and what was not checked."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from desktop_app.domain.audit import CheckReport
from desktop_app.gui import theme
from desktop_app.gui.widgets.column import heading, muted, said
from desktop_app.gui.widgets.facts_list import Fact, FactsList
from desktop_app.gui.widgets.prose import Run

MOST = 200  # problems listed


def report_parts(report: CheckReport, what: str) -> list[QWidget | int]:
    """The parts of a column; what: “The log”, “The file”."""
    parts: list[QWidget | int] = [_verdict(report, what)]
    if report.problems:
        parts += [theme.S, heading("What does not match", f"{len(report.problems):,}")]
        parts += [said(Run(f"! {p.check}", "strong", "breached"), Run(f", entry {p.seq:,}: " if p.seq else ": "),
                       Run(f"{p.sentence}.")) for p in report.problems[:MOST]]
    if report.unclear:
        parts += [theme.S, heading("What could not be judged", f"{len(report.unclear):,}")]
        parts += [said(Run(f"? {p.check}", "strong", "undetermined"), Run(f", entry {p.seq:,}: " if p.seq else ": "),
                       Run(f"{p.sentence}.")) for p in report.unclear[:MOST]]
    checks = [_check(report, *check) for check in report.checks]
    parts += [theme.S, heading("Checks"), FactsList(checks, label_width=190)]
    if report.entries:
        parts += [FactsList([Fact("Last entry", f"{report.entries:,}"), Fact("Its digest", report.head, "digest")],
                            label_width=190)]
    if report.not_checked:
        parts += [theme.S, heading("Not checked"), *(muted(f"– {line}") for line in report.not_checked)]
    return parts


def _verdict(report: CheckReport, what: str) -> QWidget:
    if report.ok:
        return said(Run(f"✓ {what} verifies.", "section", "met"))
    if not report.problems:
        return said(Run(f"? {what} could not be checked wholly.", "section", "undetermined"),
                    Run(" Nothing was found wrong in what could be."))
    first = report.problems[0]
    return said(Run(f"! {what} does not verify.", "section", "breached"), Run(f" First: {first.sentence}."))


def _check(report: CheckReport, name: str, came_to: str) -> Fact:
    if any(problem.check == name for problem in report.problems):
        return Fact(name, came_to, chip="breached")
    return Fact(name, came_to, chip="not_computable" if came_to.startswith("not ") else "met")
