"""What was asked and by whom, and what validation found: the request and the opinions given on the version."""

from __future__ import annotations

from typing import Any

from desktop_app.domain.approval import PromotionRequest
from desktop_app.domain.canonical import day_text
from desktop_app.domain.evidence import Evidence
from desktop_app.domain.pack import PackRecord
from desktop_app.domain.requirements import OPINION_TEXT
from desktop_app.domain.validation import Validation, ValidationConcluded
from desktop_app.reports.contents import Contents
from desktop_app.reports.numbers import moment, words
from desktop_app.reports.tables import Cell, facts, heading, section
from desktop_app.reports.text import NONE, bold, line, muted, paragraph, paragraphs

Facts = list[tuple[str, list[Cell]]]


def asked(contents: Contents) -> tuple[PackRecord, PromotionRequest] | None:
    """The request that the dossier was frozen for."""
    found = contents.all(PromotionRequest)
    return next(((s, r) for s, r in found if r.dossier == contents.dossier.id), None)


def request(contents: Contents) -> list[Any]:
    """Who asked for what, why, and until when it is to be decided."""
    found = asked(contents)
    if found is None:
        return []
    stored, r = found
    rows: Facts = [
        ("Requested by", [(bold(line(contents.pack.name(stored.by), 160)), f", {moment(stored.at)}",
                           muted(f"  entry {stored.seq:,}"))]),
        ("Asked for", [f"From {line(contents.stage_title(r.from_stage), 80)} to "
                       f"{line(contents.stage_title(r.to_stage), 80)}, {line(contents.pack.use_text, 600)}"]),
        ("Kind of change", [words(r.change_class.value)]),
        ("To be decided by", [day_text(r.decide_by) if r.decide_by else "No date was asked for."]),
    ]
    head = section("The request", f"{line(contents.pack.request_label, 200)}: what was asked for, and why.")
    return [*head, facts(rows), *heading("Rationale"), *(paragraphs(r.rationale) or [paragraph("None was given.")])]


def validation(contents: Contents) -> list[Any]:
    """The opinions of validation on the version in this use, the newest first: scope, what was tested, what not."""
    use = contents.dossier.use
    found = [(s, v) for s, v in contents.all(ValidationConcluded) if v.use == use]
    given = {v.id: v for _, v in contents.all(Validation) if v.use == use}
    out = section("Validation", "What validation was asked to look at, what it rests on, and its opinion.")
    for stored, v in reversed(found):
        out += _opinion(contents, stored, v, given.pop(v.validation, None) if v.validation else None)
    for waiting in given.values():
        out += [*heading("Assigned, without an opinion so far"), facts(_assigned(contents, waiting))]
    return out if found or given else [*out, paragraph("No validation of this use is recorded.")]


def _assigned(contents: Contents, given: Validation | None) -> Facts:
    if given is None:
        return [("Scope", ["No assignment with a scope is recorded."])]
    due = f", due {day_text(given.due)}" if given.due else ""
    return [("Assigned to", [f"{line(contents.pack.name(given.validator), 160)}{due}"]),
            ("Scope", [line(given.scope, 4000) or "None was stated."])]


def _opinion(
    contents: Contents, stored: PackRecord, v: ValidationConcluded, given: Validation | None,
) -> list[Any]:
    by = contents.pack.name(v.given_by if v.basis == "inventory" else stored.by)
    on = day_text(v.concluded_on or stored.at.date())
    taken = "; taken over from an inventory, not concluded here" if v.basis == "inventory" else ""
    report = contents.listed_as(v.report) if v.report else ""
    label = contents.listed_as(v.id).removeprefix("Validation ")
    return [*heading(OPINION_TEXT[v.opinion].capitalize(), muted(f"  {line(label, 20)}".rstrip())), facts([
        ("Concluded by", [(bold(line(by, 160)), f", {on}{taken}", muted(f"  entry {stored.seq:,}"))]),
        *_assigned(contents, given),
        ("Opinion", [line(v.summary, 6000) or NONE]),
        ("Tested", _tested(contents)),
        ("Not tested", [line(t, 1200) for t in v.not_tested] or ["Nothing is recorded as left out."]),
        ("Conditions", [line(c, 1200) for c in v.conditions] or ["None."]),
        ("Report", [line(report, 300) or "None is in the frozen basis."]),
    ])]


def _tested(contents: Contents) -> list[Cell]:
    """The evidence of the frozen basis, by the name of who brought it in."""
    made = [(s, e) for s, e in contents.all(Evidence) if contents.in_basis(e.id) and e.document is None]
    return [(line(contents.listed_as(e.id) or e.title, 300),
             muted(f"  by {line(contents.pack.name(s.by), 120)}, {day_text(s.at.date())}")) for s, e in made] or [
        "No computed evidence is in the frozen basis."]
