"""From pages to an archive: PDF/A-3b (ISO 19005-3) with the pack's own bytes embedded, judged before it leaves."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from desktop_app.domain.pack import Pack
from desktop_app.errors import UserError
from desktop_app.reports.contents import Contents
from desktop_app.reports.text import line

LANGUAGE = "en"
DOSSIER, PACK, STATEMENTS = "dossier.json", "pack.json", "statements.intoto.jsonl"
CHECKPOINT, PROOF = "log.checkpoint", "decision.tlog-proof"
_DESCRIPTIONS = {
    DOSSIER: ("application/json", "The frozen basis of the decision, in the bytes its digest is over"),
    PACK: ("application/json", "Everything these pages are made from, in canonical JSON"),
    STATEMENTS: ("application/jsonl", "The signed statements as DSSE envelopes, one on a line"),
    CHECKPOINT: ("text/plain", "Size and root of the log when this was made, signed (C2SP tlog-checkpoint)"),
    PROOF: ("text/plain", "That the entry of the decision is in that log (C2SP tlog-proof)"),
}


def attachments(pack: Pack, encoded: bytes) -> dict[str, bytes]:
    """The embedded files: the dossier's stored bytes, the canonical bytes of the pack, the envelopes, the
    checkpoint of the log and the proof of the decision's entry under it, where there is one.
    """
    envelopes = "".join(" ".join(s.envelope.splitlines()) + "\n" for s in pack.signatures)
    files = {DOSSIER: pack.dossier.body.encode("utf-8"), PACK: encoded, STATEMENTS: envelopes.encode("utf-8")}
    of_the_log = {CHECKPOINT: pack.checkpoint.encode("utf-8"), PROOF: pack.proof.encode("utf-8")}
    return files | {name: data for name, data in of_the_log.items() if data}


def seal(pages: bytes, contents: Contents, encoded: bytes) -> bytes:
    """The pages as PDF/A-3b with the attachments. Raises UserError when the result is not valid."""
    import pikepdf
    from pikepdf import pdfa

    out = BytesIO()
    with pikepdf.open(BytesIO(pages)) as pdf:
        _describe(pdf, contents.pack)
        for name, data in attachments(contents.pack, encoded).items():
            _attach(pdf, name, data, contents.pack.made_at)
        pdfa.prepare(pdf, "3b")
        _fix_times(pdf, contents.pack.made_at)
        try:
            pdfa.save(pdf, out, "3b", repair=False, deterministic_id=True)
        except pdfa.PdfaError as error:
            raise UserError(
                "The audit PDF could not be made a valid PDF/A-3b, so it was not written.", str(error),
                "This is a fault of the program: please report it with the text above. The registry is unharmed.",
            ) from error
    return out.getvalue()


def _describe(pdf: Any, pack: Pack) -> None:
    """Language, title in the window's bar, bookmarks open; what ReportLab leaves that PDF/A forbids is removed."""
    import pikepdf

    root = pdf.Root
    root.Lang = pikepdf.String(LANGUAGE)
    root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
    root.PageMode = pikepdf.Name.UseOutlines
    for page in pdf.pages:
        if "/Trans" in page:
            del page["/Trans"]
    del pdf.docinfo
    with pdf.open_metadata(set_pikepdf_as_editor=False) as metadata:
        metadata["dc:title"] = title(pack)
        metadata["dc:language"] = {LANGUAGE}
        metadata["xmp:CreatorTool"] = pack.application
        metadata["pdf:Keywords"] = f"dossier sha256 {pack.dossier.digest}"
        metadata["xmp:CreateDate"] = metadata["xmp:ModifyDate"] = _iso(pack.made_at)


def title(pack: Pack) -> str:
    """The title of the document in its metadata."""
    return f"Audit pack: {line(pack.model_name, 200)}, version {line(pack.version_label, 80)}"


def _attach(pdf: Any, name: str, data: bytes, made_at: datetime) -> None:
    import pikepdf

    mime, description = _DESCRIPTIONS[name]
    stamp = made_at.astimezone(UTC).strftime("D:%Y%m%d%H%M%S+00'00'")
    made = pikepdf.AttachedFileSpec(
        pdf, data, description=description, filename=name, mime_type=mime, creation_date=stamp, mod_date=stamp)
    made.relationship = pikepdf.Name.Data
    pdf.attachments[name] = made


def _fix_times(pdf: Any, made_at: datetime) -> None:
    """The preparer notes the moment it ran; the same pack must give the same bytes."""
    with pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
        metadata["xmp:MetadataDate"] = _iso(made_at)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()
