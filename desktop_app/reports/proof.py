"""The proof: prior decisions, statements as they were signed, the log, every digest in full, how to check."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from desktop_app.domain.audit import Entry, told
from desktop_app.domain.canonical import NotCanonical
from desktop_app.domain.dossier import Member
from desktop_app.domain.pack import PackSignature
from desktop_app.reports.contents import Contents
from desktop_app.reports.numbers import moment, sentence, words
from desktop_app.reports.tables import Cell, Column, bullets, facts, heading, rule, section, table
from desktop_app.reports.text import NONE, Run, bold, line, mono, muted, paragraph, paragraphs, verdict


def prior(contents: Contents) -> list[Any]:
    """Decisions made before this registry."""
    found = contents.pack.prior_decisions
    if not found:
        return []
    intro = ("Made before this registry and taken in from documents. Whoever recorded them signed the record; it is "
             "never the approver’s own signature.")
    out = section("Prior decisions", intro)
    for p in found:
        out += [*paragraphs(p.text, style="statement"),
                paragraph(f"Recorded by {line(p.recorded_by, 120)}, entry {p.seq:,}; not the approver’s own signature.",
                          style="note"), rule()]
    return out


def statements(contents: Contents) -> list[Any]:
    """The exact text of every statement, and who signed it."""
    from reportlab.platypus import KeepTogether, Spacer

    signed = contents.pack.signatures
    out = section("Statements and signatures", "The words that were signed, exactly as their signers read them.")
    if not signed:
        return [*out, paragraph("No statement has been signed.")]
    for s in signed:
        out += [KeepTogether(_statement(s)), Spacer(1, 26)]
    return out[:-1]


def _statement(s: PackSignature) -> list[Any]:
    title, _, body = s.text.partition("\n\n")
    check = verdict("met", "valid") if s.check == "valid" else verdict("breached", line(s.check, 400))
    return [
        paragraph(line(title, 400), style="statement-title"), *paragraphs(body, style="statement"),
        facts([
            ("Signed by", [(bold(line(s.printed_name, 160)), f", {line(s.role, 120)}")]),
            ("Meaning", [words(line(s.meaning, 120))]),
            ("Time", [(moment(s.signed_at), muted(f"  entry {s.seq:,}"))]),
            ("Signature", [check]),
            ("Comment", [line(s.comment, 2000) or NONE]),
            ("Key", [(mono(line(s.key_id, 80)), muted("  public key  "), mono(line(s.public_key, 120)))]),
            ("Statement digest", [mono(s.statement_digest)]),
        ])]


def entries(contents: Contents) -> list[Any]:
    """The entries of the log about this model."""
    pack = contents.pack
    out = section("The log", f"{len(pack.entries):,} of its entries are about this model; it stands at entry "
                  f"{pack.head_seq:,}. Times are the registry’s, in UTC.")
    columns = (
        Column("Entry", 36, right=True, wrap=False), Column("Time", 94, wrap=False), Column("By", 78),
        Column("What was done", 216), Column("Hash", 60, style="digest", wrap=False))
    about = pack.about if len(pack.about) == len(pack.entries) else ("",) * len(pack.entries)
    rows = [_entry(contents, e, a) for e, a in zip(pack.entries, about, strict=True)]
    return [*out, *table(columns, rows, empty="No entry is about this model."),
            paragraph(muted("Head of the log  "), mono(pack.head_hash), style="note"),
            *[paragraph(verdict("breached", f"{line(p.check, 80)}, entry {p.seq:,}: "), line(p.sentence, 600))
              for p in pack.integrity.problems]]


def _entry(contents: Contents, entry: Entry, about: str) -> tuple[str, ...]:
    try:
        body = entry.read()
        said = contents.pack.name(body.actor), told(body, about or contents.title(body.subject))
    except NotCanonical:
        said = NONE, "cannot be read"
    return (f"{entry.seq:,}", _utc(entry.at), *said, entry.hash[:10])


def _utc(at: datetime) -> str:
    return moment(at).removesuffix(" UTC")


def annex(contents: Contents) -> list[Any]:
    """Every digest in full."""
    pack, dossier = contents.pack, contents.dossier
    columns = (Column("What", 170), Column("SHA-256, and the id", 297, style="digest"))
    members = [(_member(m), _digest(m.digest, m.id)) for m in dossier.members]
    records = [((bold(r.kind.replace(".", " ").replace("_", " ")), muted(f"  entry {r.seq:,}, {_utc(r.at)}")),
                _digest(r.digest, r.id)) for r in (pack.dossier, *pack.records)]
    files = [(bold(line(b.key, 200)), b.value) for b in pack.blobs]
    chain = [((bold(f"Entry {e.seq:,}"), muted(f"  {_utc(e.at)}, {line(e.user, 60)}")), _digest(e.hash, e.command))
             for e in pack.entries]
    unread = f" {len(contents.unread)} of the records cannot be read by this program: they are listed here only." \
        if contents.unread else ""
    return [
        *section("Digests in full",
                 "What a printed page can be checked against, digit by digit. Times are in UTC." + unread),
        *heading("Members of the dossier"), *table(columns, members, empty="The dossier has no members."),
        *heading("Records in pack.json"), *table(columns, records),
        *([*heading("Files"), *table(columns, files)] if files else []),
        *([*heading("Entries of the log"), *table(columns, chain)] if chain else []),
    ]


def _member(member: Member) -> Cell:
    role = sentence(member.role.value)
    title = member.title.removeprefix(role).lstrip(":, ")
    return bold(role), f" {line(title, 200)}", muted(f" {line(member.state, 60)}")


def _digest(digest: str, id_: str) -> Cell:
    return (digest, Run(f" {line(id_, 60)}", "mono", "muted"))


_PROVES = (
    "That the embedded dossier is the one the signers signed: its digest is in every statement.",
    "That each statement was signed with the key printed beside it, and not changed since.",
    "That these pages say what pack.json holds: they can be made again from it, byte for byte.",
)
_DOES_NOT = (
    "That a key belongs to the person named: that is the registry’s word, written down when the key was enrolled.",
    "That the log was not rewritten as a whole. A hash chain in a local file shows a later edit only to someone who "
    "kept a digest from before: keep this document, or its digest, where its makers cannot reach it.",
    "That documents marked as asserted are right, or that the inputs of a computation were what they were called.",
    "That a model is lawful, fair or fit for any other use than the one named.",
)


def how_to_check(contents: Contents) -> list[Any]:
    """The commands, what each shows, and what none of them can show."""
    report = contents.pack.integrity
    columns = (Column("Check", 180), Column("What it came to", 290))
    return [
        *section("How to check this document", "No account and no trust in us is needed for the first three steps."),
        *_steps(contents),
        *_checkpoint(contents),
        *heading("What was checked when this was made"), *table(columns, report.checks, empty="No check was run."),
        *_problems(contents),
        *heading("What this proves"), *bullets(_PROVES),
        *heading("What it does not prove"), *_together(
            *bullets((*_DOES_NOT, *report.not_checked)),
            paragraph("pack.json digests to ", mono(contents.digest), ". A character that these fonts lack is printed "
                      "as �; the embedded files hold it.", style="note")),
    ]


def _together(*parts: Any) -> list[Any]:
    """Kept on one page, unless there is too much for one: the last page is not a few lines."""
    from reportlab.platypus import KeepTogether

    return [KeepTogether(list(parts))] if len(parts) < 20 else list(parts)


def _steps(contents: Contents) -> list[Any]:
    return [
        *_step("1. Take the embedded files out", "With either of two public programs:",
               "pdfdetach -saveall FILE.pdf", "qpdf --show-attachment=dossier.json FILE.pdf > dossier.json"),
        *_step("2. Digest the dossier", "This prints the digest below; every signed statement names it as its subject.",
               "sha256sum dossier.json", contents.pack.dossier.digest),
        *_step("3. Check the signatures", "Each line of statements.intoto.jsonl is a DSSE envelope around an in-toto "
               "statement, signed over “DSSEv1”, the lengths, the payload type and the payload. The keys are printed "
               "beside the signatures; any DSSE verifier will do. Decoded, a payload digests to its statement digest:",
               "head -1 statements.intoto.jsonl | jq -r .payload | base64 -d | sha256sum"),
        *_step("4. Compare with the registry", "Digests every record again, replays the log, and makes these pages "
               "again from pack.json; the first page that differs is named.",
               "assaydesk verify FILE.pdf --registry URL"),
    ]


def _checkpoint(contents: Contents) -> list[Any]:
    """The log's size and root when this was made, as they are signed."""
    if not contents.pack.checkpoint:
        return []
    return _step(
        "5. Hold the log against this checkpoint", "The number of entries, the root of the tree over them, and a "
        "signature of the installation that made this document (C2SP tlog-checkpoint), also embedded. A log that was "
        "cut or rewritten since does not fit it. decision.tlog-proof shows that the decision's entry is under it.",
        *contents.pack.checkpoint.rstrip("\n").replace("\n\n", "\n").split("\n"),
        "assaydesk audit verify --from log.checkpoint")


def _step(title: str, says: str, *commands: str) -> list[Any]:
    return [*heading(title), paragraph(says), *[paragraph(c, style="command") for c in commands]]


def _problems(contents: Contents) -> list[Any]:
    found = contents.pack.integrity.problems
    if contents.pack.integrity.unclear and not found:
        return [paragraph(verdict("undetermined", "not everything could be judged: "),
                          line("; ".join(p.sentence for p in contents.pack.integrity.unclear), 2000))]
    if not found:
        return [paragraph(verdict("met", "no problem found"))] if contents.pack.integrity.checks else []
    rows = [(line(p.check, 120), f"{p.seq:,}", p.sentence) for p in found]
    return [paragraph(verdict("breached", f"{len(found):,} found")),
            *table((Column("Check", 110), Column("Entry", 50, right=True), Column("What is wrong", 300)), rows)]
