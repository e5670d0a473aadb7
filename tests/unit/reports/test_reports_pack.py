"""The audit PDF: it says the answer first, holds the pack's own bytes, is the same every time, and is PDF/A-3b."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import packs
import pikepdf
import pytest
from page_words import words
from pikepdf import pdfa

from desktop_app.domain import canonical
from desktop_app.domain.audit import Problem
from desktop_app.domain.canonical import sha256
from desktop_app.domain.pack import Pack
from desktop_app.errors import Cancelled
from desktop_app.progress import Progress
from desktop_app.reports.pack import render
from desktop_app.reports.reading import extract, page_contents


@pytest.fixture(scope="module")
def pack() -> Pack:
    return packs.ordinary()


@pytest.fixture(scope="module")
def pdf(pack: Pack) -> bytes:
    return render(pack, packs.figures(), Progress())


def outline(pdf: bytes) -> list[str]:
    with pikepdf.open(BytesIO(pdf)) as opened, opened.open_outline() as entries:
        return [item.title for item in entries.root]


def archival(pdf: bytes) -> bool:
    return bool(pdfa.validate_written(BytesIO(pdf), "3b").passed)


def test_the_first_page_is_the_answer(pdf: bytes) -> None:
    first = words(pdf, 1)
    for said in (
        "Mortgage affordability version 3",
        "for mortgage applications in the Netherlands",
        "Approved",
        "with one condition on 20 Feb 2027",
        "Not for buy-to-let",
        "Ruth Achterberg , Model risk manager"[:15],
        "approve with conditions",
        "From 20 Feb 2027; to be reviewed by 20 Feb 2028.",
        "Policy Tier 1 credit, version 2026-09",
        "Approvals of applicants under 25",
        "F-118 high",
        "Fit with conditions",
        "Robustness to rate shocks.",
        "superseded by",
        "in 40 entries; the log stands at entry 40",
        "Retail credit registry",
        "by Ines Auditor",
    ):
        assert said in first
    assert "The request" in words(pdf, 2)


def test_the_first_page_says_who_asked_and_why(pack: Pack, pdf: bytes) -> None:
    (stored,) = [r for r in pack.records if r.kind == "promotion.requested"]
    first = words(pdf, 1)
    assert f"{pack.name(stored.by).split()[-1]} " in first.partition("Requested by")[2][:40]
    assert "Rationale Replaces version 2, whose approval ends." in first
    second = words(pdf, 2)
    for said in ("From Validation to Production", "material", "entry ", "Replaces version 2, whose approval ends."):
        assert said in second


def test_what_validation_looked_at_and_left_out_is_said(pdf: bytes) -> None:
    every = words(pdf)
    for said in (
        "Fit with conditions",
        "Assigned to",
        "due 28 Feb 2027",
        "Scope Discrimination, calibration and bias on the hold-out.",
        "Opinion Ranks well; calibration drifts after a year.",
        "Tested Bias report on applicants of the third quarter",
        "Not tested Robustness to rate shocks.",
        "Conditions Recalibrate yearly.",
    ):
        assert said in every, said


def test_an_assignment_without_an_opinion_is_said(pack: Pack) -> None:
    left = tuple(r for r in pack.records if r.kind != "validation.concluded")
    every = words(render(dataclasses.replace(pack, records=left), {}, Progress()))
    assert "Assigned, without an opinion so far" in every
    assert "calibration drifts" not in every


def test_the_log_says_what_an_entry_is_about(pdf: bytes) -> None:
    every = words(pdf)
    assert "E-1, Mortgage affordability 3" in every
    assert "Version added" in every or "version added" in every


def test_an_opinion_that_could_not_be_judged_has_no_tick(pack: Pack) -> None:
    doubt = Problem(check="2 canonical form", seq=7, sentence="it was written by a newer program")
    report = dataclasses.replace(pack.integrity, unclear=(doubt,))
    made = render(dataclasses.replace(pack, integrity=report), {}, Progress())
    assert "no problem found" not in words(made)
    assert "not everything could be judged" in words(made, 1)
    assert "it was written by a newer program" in words(made)


def test_no_page_holds_but_a_few_lines(pdf: bytes) -> None:
    """A section that spills leaves room for the next one; only the last page may be short."""
    pages = len(page_contents(pdf))
    assert [n for n in range(2, pages) if len(words(pdf, n)) < 500] == []


def test_every_part_is_there_in_order(pdf: bytes) -> None:
    assert outline(pdf) == [
        "Summary",
        "The request",
        "Validation",
        "What the policy asks",
        "The card",
        "Where it comes from",
        "Bias report on applicants of the third quarter",
        "Explanation of the gradient-boosted trees",
        "Performance on the hold-out of the third quarter",
        "The model file",
        "Documents",
        "Findings",
        "Exceptions and overlays",
        "Prior decisions",
        "Statements and signatures",
        "The log",
        "Digests in full",
        "How to check this document",
    ]


def test_what_matters_is_said(pdf: bytes) -> None:
    every = words(pdf)
    for said in (
        "Samira Haddad , 1 Feb 2027, 15:30 UTC, before the run",
        "0.81 [0.74, 0.88]",
        "19,984",
        "too few to judge",
        "to 25",
        "Largest |base + contributions",
        "asserted by their authors, not recomputed here",
        "no decision column",
        "Recorded by Samira Haddad, entry 9; not the approver",
        "Concurrence with the use of a model",
        "Read with the validation report.",
        "sha256sum dossier.json",
        "assaydesk verify FILE.pdf --registry URL",
        "A hash chain in a local file shows a later edit only to someone who kept a digest from before",
        "Meeting a criterion is not a legal conclusion.",
        "Nationality: not in the table.",
    ):
        assert said in every, said


def test_the_words_that_were_signed_are_printed_whole(pack: Pack, pdf: bytes) -> None:
    every = words(pdf)
    ascii_words = [w for s in pack.signatures for w in s.text.split() if w.isascii()]
    assert all(w in every for w in ascii_words)
    assert all(s.statement_digest in every for s in pack.signatures)


def test_every_digest_is_printed_in_full(pack: Pack, pdf: bytes) -> None:
    every = words(pdf)
    for digest in (
        pack.dossier.digest,
        pack.head_hash,
        *(r.digest for r in pack.records),
        *(b.value for b in pack.blobs),
        *(m.digest for m in pack.frozen().members),
        *(e.hash for e in pack.entries),
    ):
        assert digest in every


def test_every_page_has_its_number_and_the_pack_its_digest(pack: Pack, pdf: bytes) -> None:
    digest = canonical.digest(pack)
    pages = len(page_contents(pdf))
    for number in (1, 2, pages):
        assert f"Page {number} of" in words(pdf, number)
        assert f"{digest[:4]} {digest[4:8]}" in words(pdf, number)
    with pikepdf.open(BytesIO(pdf)) as opened:
        form = next(iter(opened.pages[0].Resources.XObject.values()))
        assert f"({pages})".encode() in form.read_bytes()


def test_the_pack_travels_inside(pack: Pack, pdf: bytes) -> None:
    inside = extract(pdf)
    assert sorted(inside) == ["dossier.json", "pack.json", "statements.intoto.jsonl"]
    assert sha256(inside["dossier.json"]) == pack.dossier.digest
    assert canonical.build(Pack, canonical.parse(inside["pack.json"])) == pack
    envelopes = [json.loads(row) for row in inside["statements.intoto.jsonl"].splitlines()]
    assert [e["payloadType"] for e in envelopes] == ["application/vnd.in-toto+json"] * 3


def test_it_is_an_archive(pdf: bytes) -> None:
    assert archival(pdf)
    with pikepdf.open(BytesIO(pdf)) as opened:
        assert str(opened.Root.Lang) == "en"
        assert str(opened.docinfo.Title) == "Audit pack: Mortgage affordability, version 3"
        assert opened.pdfa_status == "3B" if hasattr(opened, "pdfa_status") else True
        assert b"20270312094012" in bytes(opened.docinfo.CreationDate)


_AGAIN = (
    "import sys, hashlib; sys.path[:0] = sys.argv[1:]; import packs; from desktop_app.progress import Progress; "
    "from desktop_app.reports.pack import render; "
    "print(hashlib.sha256(render(packs.ordinary(), packs.figures(), Progress())).hexdigest())"
)


@pytest.mark.parametrize("seed", ["0", "4711"])
def test_the_same_pack_gives_the_same_bytes_in_every_process(pdf: bytes, seed: str) -> None:
    here = Path(__file__).parent
    again = subprocess.run(
        [sys.executable, "-c", _AGAIN, str(here), str(here.parents[2])],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Pacific/Auckland"},
    )
    assert again.stdout.strip() == sha256(pdf)


def test_another_pack_gives_other_pages(pack: Pack, pdf: bytes) -> None:
    other = render(dataclasses.replace(pack, outcome="Approved with two conditions."), packs.figures(), Progress())
    assert page_contents(other)[0] != page_contents(pdf)[0]


def test_an_empty_pack_says_what_is_not_there() -> None:
    made = render(packs.empty(), {}, Progress())
    every = words(made)
    for said in (
        "Nobody has decided.",
        "No decision is signed.",
        "No authority is recorded.",
        "Nothing is in force.",
        "No card was written",
        "No lineage is recorded",
        "No statement has been signed.",
        "No check was run.",
        "not checked",
    ):
        assert said in every.replace("\xa0", " "), said
    assert archival(made)


def test_hostile_texts_are_printed_as_they_are() -> None:
    made = render(packs.hostile(), packs.figures(), Progress())
    every = words(made)
    assert "<b>bold</b> & <img src='/etc/passwd'/> <para><font size=90>x" in every
    assert "entry 10:" in every
    assert "cannot be read by this program" in every
    assert archival(made)
    with pikepdf.open(BytesIO(made)) as opened:
        assert not [o for o in opened.objects if isinstance(o, pikepdf.Stream) and o.get("/Subtype") == "/Image"]


def test_numbers_that_are_none_do_not_stop_it(pack: Pack) -> None:
    _, evidence = packs.fairness()
    odd = json.loads(canonical.encode(evidence))
    odd["fairness"]["groups"][0]["ratio"]["value"] = "not a number"
    odd["fairness"]["groups"][1]["ratio"]["low"] = "1e999"
    odd["verdicts"][0]["criterion"]["threshold"] = "nan"
    body = canonical.jcs(odd).decode()
    records = tuple(dataclasses.replace(r, body=body) if r.id == evidence.id else r for r in pack.records)
    assert archival(render(dataclasses.replace(pack, records=records), {}, Progress()))


def test_two_hundred_findings_flow_over_pages() -> None:
    made = render(packs.ordinary(entries=60, findings=200), packs.figures(), Progress())
    assert "F-317" in words(made)
    assert words(made, 1).count("Reject inference") > 15
    assert archival(made)


@pytest.mark.parametrize("steps", [0, 3, 20, 60])
def test_it_can_be_cancelled_at_any_step(pack: Pack, steps: int) -> None:
    seen: list[float] = []
    progress = Progress(lambda fraction, _: seen.append(fraction), lambda: len(seen) >= steps)
    with pytest.raises(Cancelled):
        render(pack, packs.figures(), progress)
    assert len(seen) == steps


def test_progress_only_grows_and_ends_at_one(pack: Pack) -> None:
    seen: list[float] = []
    render(pack, packs.figures(), Progress(lambda fraction, _: seen.append(fraction)))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert len(seen) > 50
