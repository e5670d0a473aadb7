"""Describing documents: recognised by content, guesses from metadata, programs refused, broken files accepted."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date
from email.message import EmailMessage
from pathlib import Path

import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from desktop_app.domain.canonical import encode, sha256
from desktop_app.errors import UserError
from desktop_app.sources.documents import describe

OLE = bytes.fromhex("D0CF11E0A1B11AE1")


def pdf(password: str = "") -> bytes:
    out = io.BytesIO()
    with pikepdf.new() as made:
        made.add_blank_page()
        made.docinfo["/Title"] = "Validation report: Ärger"
        made.docinfo["/Author"] = "Model Validation"
        made.docinfo["/ModDate"] = "D:20260512101500+02'00'"
        made.save(out, encryption=pikepdf.Encryption(owner=password, user=password) if password else False)
    return out.getvalue()


def office(part: str, core: str = "", extra: str = "") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr(f"{part}/document.xml", "<x/>")
        if core:
            packed.writestr("docProps/core.xml", core)
        if extra:
            packed.writestr(extra, "x")
    return out.getvalue()


CORE = ('<cp:coreProperties xmlns:cp="urn:cp" xmlns:dc="urn:dc" xmlns:t="urn:t"><dc:title>Minutes</dc:title>'
        "<dc:creator>Ann</dc:creator><t:modified>2026-02-03T04:05:06Z</t:modified></cp:coreProperties>")


def mail() -> bytes:
    message = EmailMessage()
    message["Subject"] = "Genehmigung für PD"
    message["From"] = "Ann Example <ann@bank.example>"
    message["To"] = "bo@bank.example"
    message["Date"] = "Tue, 03 Feb 2026 23:30:00 -0500"
    message.set_content("approved")
    return message.as_bytes()


def put(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(("name", "data", "media", "title", "author", "dated"), [
    ("r.pdf", pdf(), "application/pdf", "Validation report: Ärger", "Model Validation", date(2026, 5, 12)),
    ("wrong name.txt", pdf(), "application/pdf", "Validation report: Ärger", "Model Validation", date(2026, 5, 12)),
    ("m.docx", office("word", CORE), "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
     "Minutes", "Ann", date(2026, 2, 3)),
    ("a.eml", mail(), "message/rfc822", "Genehmigung für PD", "Ann Example <ann@bank.example>", date(2026, 2, 4)),
    ("a mail.txt", mail(), "message/rfc822", "Genehmigung für PD", "Ann Example <ann@bank.example>", date(2026, 2, 4)),
    ("s.pptx", office("ppt", CORE), "application/vnd.openxmlformats-officedocument.presentationml.presentation",
     "Minutes", "Ann", date(2026, 2, 3)),
    ("p.png", b"\x89PNG\r\n\x1a\nxx", "image/png", "", "", None),
    ("p.jpg", b"\xff\xd8\xff\xe0", "image/jpeg", "", "", None),
    ("n.txt", b"From: here to there", "text/plain", "", "", None), ("t.csv", b"a,b\n1,2", "text/csv", "", "", None),
    ("o.msg", OLE + "__substg1.0_".encode("utf-16-le"), "application/vnd.ms-outlook", "", "", None),
    ("o.doc", OLE + "WordDocument".encode("utf-16-le"), "application/msword", "", "", None),
    ("unknown.bin", b"\0\1\2\3", "application/octet-stream", "", "", None)])
def test_documents_are_recognised_by_content(
        tmp_path: Path, name: str, data: bytes, media: str, title: str, author: str, dated: date | None) -> None:
    found = describe(put(tmp_path, name, data))
    assert (found.media_type, found.title, found.author, found.dated) == (media, title, author, dated)
    assert (found.file_name, found.size, found.digest) == (name, len(data), sha256(data))
    assert encode(found)


def test_a_real_workbook(tmp_path: Path) -> None:
    book = Workbook()
    book.properties.title, book.properties.creator = "Inventory", "Bo"
    book.save(tmp_path / "i.xlsx")
    found = describe(tmp_path / "i.xlsx")
    assert found.what == "Excel workbook"
    assert (found.title, found.author) == ("Inventory", "Bo")
    assert found.dated is not None  # openpyxl writes the time of saving


@pytest.mark.parametrize(("name", "data", "note"), [
    ("locked.pdf", pdf("secret"), "password"), ("broken.pdf", b"%PDF-1.7 nothing more", "damaged"),
    ("broken.docx", b"PK\x03\x04 no", "damaged"), ("none.docx", office("word"), "damaged or unusual"),
    ("locked.docx", OLE + "EncryptedPackage".encode("utf-16-le"), "password"), ("z.zip", office("a"), "archive"),
    ("bomb.docx", office("word", "<x>" + " " * 2**21 + "</x>"), "damaged or unusual"),
    ("evil.docx", office("word", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'), "Forbidden"),
    ("bad.eml", b"Date: never\nFrom: x\nSubject: y\n\n", "damaged or unusual")])
def test_locked_and_broken_files_are_documents_with_a_note(tmp_path: Path, name: str, data: bytes, note: str) -> None:
    found = describe(put(tmp_path, name, data))
    assert note.lower() in " ".join(found.notes).lower()
    assert found.digest == sha256(data)


@pytest.mark.parametrize(("name", "data"), [
    ("a.exe", b"x"), ("report.pdf", b"MZ\x90\0"), ("report.pdf.exe", pdf()), ("a.txt", b"#!/bin/sh\n"),
    ("a.pdf", b"\x7fELF"), ("a.docm", office("word")), ("a.docx", office("word", extra="word/vbaProject.bin")),
    ("a.zip", office("x", extra="META-INF/MANIFEST.MF")), ("a.lnk", b"x"), ("model.pkl", b"x"), ("empty.pdf", b"")])
def test_programs_and_empty_files_are_refused(tmp_path: Path, name: str, data: bytes) -> None:
    with pytest.raises(UserError, match="not taken in") as caught:
        describe(put(tmp_path, name, data))
    assert caught.value.remedy


def test_what_is_no_file_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop_app.sources.documents.SIZE_LIMIT", 10)
    with pytest.raises(UserError, match="not taken in"):
        describe(put(tmp_path, "big.txt", b"x" * 11))
    with pytest.raises(UserError, match="not taken in"):
        describe(tmp_path)
    with pytest.raises(UserError, match="cannot be read"):
        describe(tmp_path / "none.pdf")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.sampled_from([pdf, mail, lambda: office("word", CORE), lambda: OLE]), st.binary(max_size=200),
       st.integers(0, 2000))
def test_any_damage_is_described_or_refused(tmp_path: Path, make: Callable[[], bytes], noise: bytes, at: int) -> None:
    data = make()
    path = put(tmp_path, "x.dat", data[:at] + noise + data[at + len(noise):])
    try:
        assert encode(describe(path))
    except UserError as error:
        assert "not taken in" in error.title  # noqa: PT017
