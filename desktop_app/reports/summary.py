"""The first page: the answer. What is approved for what, by whom, under what authority, what is open."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from desktop_app.domain.canonical import day_text
from desktop_app.domain.evidence import EvidenceKind
from desktop_app.domain.pack import Pack, PackPrior, PackSignature
from desktop_app.domain.words import counted
from desktop_app.reports.asked import asked
from desktop_app.reports.contents import Contents
from desktop_app.reports.numbers import moment, short, words
from desktop_app.reports.tables import Cell, facts
from desktop_app.reports.text import Run, bold, line, mono, muted, paragraph, verdict

_CLAUSE = re.compile(r"[^,:;.]{1,60}(?=[,:;.])")


def pages(contents: Contents) -> list[Any]:
    """The first page, or more when much is open."""
    pack = contents.pack
    version = Run(f"version {line(pack.version_label, 80)}", "serif", "muted")
    title = paragraph(f"{line(pack.model_name, 200)} ", version, style="title")
    title.outline = "Summary"
    return [
        paragraph(f"Audit pack · {line(pack.request_label, 200)}", style="kicker"),
        title,
        paragraph(f"for {line(pack.use_text, 600)}", style="subtitle"),
        paragraph(*_outcome(pack), style="lead"),
        facts([*_request(contents), *_answer(pack), *_open(pack), *_handling(contents), *_standing(contents)]),
    ]


def _outcome(pack: Pack) -> list[str | Run]:
    """The sentence, its first clause in the colour and with the mark of its state."""
    sentence = line(pack.outcome, 1200)
    clause = _CLAUSE.match(sentence)
    lead = clause.group(0) if clause else ""
    mark = verdict(pack.outcome_state, lead or pack.outcome_state)
    if pack.outcome_state == "none" or not mark.colour:
        return [sentence]
    return [Run(mark.text, "serif-bold", mark.colour), sentence[len(lead):] if lead else f". {sentence}"]


def _request(contents: Contents) -> list[tuple[str, list[Cell]]]:
    found = asked(contents)
    if found is None:
        return []
    stored, request = found
    return [
        ("Requested by", [(bold(line(contents.pack.name(stored.by), 120)), f" · {moment(stored.at)}")]),
        ("Rationale", [line(request.rationale, 400) or "None was given."]),
    ]


def _answer(pack: Pack) -> list[tuple[str, list[Cell]]]:
    decisions: list[Cell] = [_decision(s) for s in pack.signatures] + [_prior(p) for p in pack.prior_decisions]
    return [
        ("Limits of the use", [line(pack.use_limits) or "None are stated."]),
        ("Stage now", [line(pack.stage)]),
        ("Decisions", decisions or ["No decision is signed."]),
        ("Authority", [line(pack.authority, 1200) or "No authority is recorded."]),
        ("Valid", [_validity(pack.effective_from, pack.review_by)]),
        ("Conditions", [*pack.conditions] or ["None."]),
    ]


def _decision(signed: PackSignature) -> Cell:
    valid = signed.check == "valid"
    check = verdict("met", "signature valid") if valid else verdict("breached", f"signature: {line(signed.check, 120)}")
    return (bold(line(signed.printed_name, 120)), f", {line(signed.role, 80)}, ",
            f"{words(line(signed.meaning, 60))} · {moment(signed.signed_at)} ", check)


def _prior(prior: PackPrior) -> Cell:
    return (line(prior.text, 400), muted(f" (prior decision, recorded by {line(prior.recorded_by, 120)})"))


def _validity(start: date | None, review: date | None) -> str:
    if start is None and review is None:
        return "Nothing is in force."
    begin = f"From {day_text(start)}" if start else "No date it takes effect from is recorded"
    return f"{begin}; " + (f"to be reviewed by {day_text(review)}." if review else "no review date is recorded.")


def _open(pack: Pack) -> list[tuple[str, list[Cell]]]:
    return [
        ("Open findings", [*pack.open_findings] or ["None."]),
        ("Validation", [line(pack.opinion, 1200) or "No opinion is recorded."]),
        ("Not tested", [*pack.not_tested] or ["Nothing is recorded as left out."]),
        ("News since frozen",
         [_news(line(n)) for n in pack.news] or [f"None known on {day_text(pack.made_at.date())}."]),
    ]


def _news(told: str) -> Cell:
    """What became known since: a reason to reconsider is marked, later information is not."""
    what, colon, rest = told.partition(": ")
    return (verdict("undetermined", what), f" {rest}") if colon and what == "to reconsider" else told


def _handling(contents: Contents) -> list[tuple[str, list[Cell]]]:
    """What this pack holds that its reader may not hand on as they like."""
    found: list[Cell] = [
        f"{line(contents.listed_as(e.id) or e.title, 200)}: its search for other cut-offs. {e.handling}"
        for _, e in contents.evidence(EvidenceKind.FAIRNESS) if e.handling]
    return [("Handling", found)] if found else []


def _standing(contents: Contents) -> list[tuple[str, list[Cell]]]:
    pack, report = contents.pack, contents.pack.integrity
    problems = len(report.problems)
    if problems:
        result = verdict("breached", f"{counted(problems, 'problem')} found")
    elif report.unclear:
        result = verdict("undetermined", "not everything could be judged by the program that made this")
    else:  # a tick is earned by checking
        result = verdict("met", "no problem found") if report.checks else verdict("not_computable", "not checked")
    return [
        ("Integrity", [
            (result, f" in {report.entries:,} entries; the log stands at entry {pack.head_seq:,}"),
            *[(verdict("breached", f"{line(p.check, 60)}, entry {p.seq:,}: "), line(p.sentence, 300))
              for p in report.problems[:5]],
            (muted("Head of the log  "), mono(short(pack.head_hash))),
            (muted("Dossier  "), mono(short(pack.dossier.digest)), muted("   Artefact  "),
             mono(short(contents.dossier.artefact))),
        ]),
        ("Registry", [
            (line(pack.registry_name, 120), muted("  "), mono(line(pack.registry, 80))),
            muted(f"Made {moment(pack.made_at)} by {line(pack.made_by, 120)} with {line(pack.application, 80)}"),
        ]),
    ]
