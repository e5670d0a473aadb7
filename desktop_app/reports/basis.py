"""What the decision rests on in words: requirements, card, lineage, documents, findings, exceptions, overlays."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from desktop_app.domain.canonical import Id, day_text
from desktop_app.domain.evidence import Evidence, EvidenceKind
from desktop_app.domain.exception import Overlay, PolicyException
from desktop_app.domain.figure import Figure
from desktop_app.domain.finding import SEVERITIES, Finding, FindingEvent
from desktop_app.domain.lineage import COLUMNS, Edge, Graph, Node, NodeKind
from desktop_app.reports import charts
from desktop_app.reports.contents import Contents
from desktop_app.reports.numbers import bytes_text, sentence, words
from desktop_app.reports.tables import Column, bullets, facts, heading, section, table
from desktop_app.reports.text import NONE, Run, bold, line, muted, paragraph, paragraphs, verdict


def requirements(contents: Contents) -> list[Any]:
    """What the policy asks for and what was found."""
    dossier = contents.dossier
    columns = (Column("Requirement", 150), Column("What was found", 235), Column("", 72))
    rows = [(bold(line(c.title, 200)), c.sentence, verdict(c.state.value)) for c in dossier.checks]
    return [
        *section("What the policy asks", f"Found on {day_text(dossier.frozen_on)}, when the basis was frozen, for a "
                 f"model of tier {dossier.tier} that is to reach {line(contents.stage_title(dossier.to_stage), 80)}."),
        *table(columns, rows, empty="The policy asks for nothing here."),
        paragraph(_standing(len(dossier.blocking)), style="note"),
        *([*heading("Not tested"), *bullets(dossier.not_tested)] if dossier.not_tested else []),
    ]


def _standing(blocking: int) -> str:
    if not blocking:
        return "Nothing stood in the way of an approval when the basis was frozen."
    stood = "requirement stood" if blocking == 1 else "requirements stood"
    return f"{blocking} {stood} in the way of an approval when the basis was frozen."


def card(contents: Contents) -> list[Any]:
    """The card of the version, section by section."""
    out = section("The card", "The documentation of this version, as its authors wrote it.")
    if not contents.pack.card:
        return [*out, paragraph("No card was written for this version.")]
    for title, fields in groupby(contents.pack.card, key=lambda f: f.section):
        out += heading(title)
        for field in fields:
            said = paragraphs(field.text) or [paragraph(muted("Not filled in."))]
            label = paragraph(line(field.label, 200), style="label")
            label.keepWithNext = 1
            out += [label, *said]
    return out


# ---- lineage

_LEGEND = (
    "Time runs from left to right, from cause to effect. A solid line was observed in an event of the source or "
    "asserted by a person, as the table says; a dashed line was inferred, or leads to something that is not known. "
    "A dashed outline is something that is not known: it is drawn so that its absence is seen.")


def lineage(contents: Contents, figures: Sequence[Figure]) -> list[Any]:
    """Where the version comes from: the picture, what its marks mean, and every node in words."""
    graph = contents.dossier.lineage
    out = section("Where it comes from", "The upstream lineage of the version as it was frozen: data, code and runs.")
    for figure in figures:
        out += charts.plate(figure)
    unknown = [n for n in graph.nodes if n.kind is NodeKind.UNKNOWN]
    out += [
        paragraph(bold("How to read it. "), _LEGEND, style="note"),
        paragraph(_unknowns(unknown), style="note"),
        *heading("Nodes"),
        *_nodes(graph),
    ]
    return out


def _unknowns(unknown: list[Node]) -> str:
    if not unknown:
        return "Nothing in this lineage is recorded as not known."
    named = "; ".join(line(n.detail or n.name, 120) for n in unknown[:12])
    more = f"; and {len(unknown) - 12} more" if len(unknown) > 12 else ""
    return f"Not known ({len(unknown)}): {named}{more}."


def _nodes(graph: Graph) -> list[Any]:
    names = {n.key: n.name for n in graph.nodes}
    causes: dict[str, list[Edge]] = {}
    for edge in graph.edges:
        causes.setdefault(edge.effect, []).append(edge)
    order = {kind: i for i, kind in enumerate(COLUMNS)}
    rows = [
        (words(n.kind.value), (bold(line(n.name, 160)), muted(f"  {line(n.detail, 160)}")),
         "; ".join(_edge(e, names) for e in causes.get(n.key, ())) or NONE)
        for n in sorted(graph.nodes, key=lambda n: (order.get(n.kind, 9), n.name, n.key))
    ]
    return table((Column("Kind", 62), Column("Name", 180), Column("Made from, or with", 215)), rows,
                 empty="No lineage is recorded for this version.")


def _edge(edge: Edge, names: dict[str, str]) -> str:
    role = f" as {edge.role}" if edge.role else ""
    return f"{words(edge.relation)} {line(names.get(edge.cause, edge.cause), 120)}{role} ({edge.basis})"


# ---- documents, findings, departures from policy


def documents(contents: Contents) -> list[Any]:
    """The documents that were brought in."""
    filed = [e for _, e in contents.all(Evidence) if e.document is not None]
    if not filed and not contents.pack.blobs:
        return []
    listed = {e.document.blob for e in filed if e.document}
    rows = [_document(contents, e) for e in filed] + [
        (bold(line(b.key, 200)), NONE, NONE, NONE, _halves(b.value)) for b in contents.pack.blobs
        if b.value not in listed]
    columns = (Column("Document", 150), Column("Author", 66), Column("Received", 56), Column("Period covered", 62),
               Column("SHA-256 of the file", 140, style="digest"))
    intro = "Brought in and filed: asserted by their authors, not recomputed here."
    return [*section("Documents", intro), *table(columns, rows)]


def _document(contents: Contents, evidence: Evidence) -> tuple[Any, ...]:
    info = evidence.document
    assert info is not None
    period = NONE
    if evidence.period_from or evidence.period_to:
        period = " to ".join(day_text(d) if d else "open" for d in (evidence.period_from, evidence.period_to))
    name = (bold(line(info.title or evidence.title, 160)), f"  {line(info.file_name, 160)}",
            muted(f"  {bytes_text(info.size)}"))
    author = line(contents.pack.name(info.author), 80) if info.author else NONE
    return name, author, day_text(info.received), period, _halves(info.blob)


def _halves(digest: str) -> str:
    """A digest on two lines of equal length; the annex has it in one."""
    return f"{digest[:32]} {digest[32:]}"


def findings(contents: Contents) -> list[Any]:
    """Every finding with where it stands."""
    found = contents.all(Finding)
    if not found:
        return []
    events: dict[Id, FindingEvent] = {e.finding: e for _, e in contents.all(FindingEvent)}  # the last one stands
    rows = [_finding(contents, f, events.get(f.id))
            for _, f in sorted(found, key=lambda sf: (-SEVERITIES.index(sf[1].severity), sf[0].seq))]
    columns = (Column("Finding", 218), Column("Severity", 48), Column("State", 92), Column("Owner", 64),
               Column("Due", 54, right=True))
    intro = "What was found wrong, worst first, with where it stands."
    return [*section("Findings", intro), *table(columns, rows)]


def _finding(contents: Contents, finding: Finding, event: FindingEvent | None) -> tuple[Any, ...]:
    state = event.state.value if event else "open"
    until = f" until {day_text(event.until)}" if event and event.until else ""
    due = (event.due if event and event.due else None) or finding.due
    remedy = (muted(f"  Remediation: {line(finding.remediation, 300)}"),) if finding.remediation else ()
    number = f"{line(finding.number, 40)} " if finding.number else ""
    title = contents.listed_as(finding.id).removeprefix("Finding ") or f"{number}{line(finding.title, 200)}"
    colour = {"critical": "breached", "high": "breached", "medium": "undetermined"}.get(finding.severity.value, "muted")
    return ((bold(line(title, 240)), f"  {line(finding.description, 500)}", *remedy),
            Run(finding.severity.value, "medium", colour),
            (f"{state}{until}", muted(f"  {line(event.comment, 200)}" if event else "")),
            contents.pack.name(finding.owner), day_text(due) if due else NONE)


def departures(contents: Contents) -> list[Any]:
    """Exceptions from policy and overlays."""
    exceptions, overlays = contents.all(PolicyException), contents.all(Overlay)
    if not exceptions and not overlays:
        return []
    out = section("Exceptions and overlays", "Departures from policy with an end, and adjusted outputs.")
    for _, e in exceptions:
        out += [*heading(sentence(e.exception_kind.value)), facts([
            ("In force", [f"{day_text(e.valid_from)} to {day_text(e.valid_to)}"]), ("Reason", [line(e.reason, 2000)]),
            ("Controls", [line(e.controls, 2000) or NONE]), ("Authority", [line(e.authority, 2000) or NONE])])]
    for _, o in overlays:
        out += [*heading(f"Overlay: {line(o.amount, 200)}"), facts([
            ("Reason", [line(o.reason, 2000)]), ("Owner", [contents.pack.name(o.owner)]),
            ("To be reviewed by", [day_text(o.review_by)]), ("Exit", [line(o.exit, 2000) or NONE])])]
    return out


def scans(contents: Contents) -> list[Any]:
    """What the model file is, found without loading it."""
    found = [(s, e, e.scan) for s, e in contents.evidence(EvidenceKind.ARTEFACT_SCAN) if e.scan is not None]
    if not found:
        return []
    out = section("The model file", "Found without loading it: no code of the model ran.")
    for _, evidence, scan in found:
        says = verdict("met", "data only: may be loaded apart from our process") if scan.loadable else verdict(
            "breached", "not loaded")
        out += [*heading(evidence.title), facts([
            ("Format", [f"{line(scan.format, 80)}, {bytes_text(scan.size)}"]),
            ("Result", [says, line(scan.reason, 900)]),
            ("Digest", [Run(evidence.artefact, "mono") if evidence.artefact else NONE]),
            *[(line(key, 80), [line(p.value, 600) for p in pairs])
              for key, pairs in groupby(scan.details, key=lambda p: p.key)]])]
    return out
