"""What a document is that someone brings in as evidence: recognised by content, never run, never rendered.

A file that is encrypted or damaged is still a document, with a note; a program is refused. What its metadata say
of title, author and date are guesses for a person to confirm.
"""

from __future__ import annotations

import email
import email.header
import email.utils
import hashlib
import io
import re
import stat
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from email.message import Message
from pathlib import Path
from typing import Any

from desktop_app.domain.canonical import Digest, record
from desktop_app.errors import UserError

SIZE_LIMIT = 200 * 2**20
PROPERTIES_LIMIT = 2**20
HEADERS_LIMIT = 2**20
TEXT_LIMIT = 500
_OFFICE = {"word/": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "Word document"),
           "xl/": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Excel workbook"),
           "ppt/": ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "PowerPoint slides")}
_OLD = (("__substg1.0_", ".msg", "application/vnd.ms-outlook", "Outlook mail"),
        ("WordDocument", ".doc", "application/msword", "Word document (old format)"),
        ("Workbook", ".xls", "application/vnd.ms-excel", "Excel workbook (old format)"),
        ("PowerPoint Document", ".ppt", "application/vnd.ms-powerpoint", "PowerPoint slides (old format)"),
        ("EncryptedPackage", "", "application/octet-stream", "encrypted Office document"))
_IMAGES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF87a", "image/gif"),
           (b"GIF89a", "image/gif"), (b"II*\0", "image/tiff"), (b"MM\0*", "image/tiff"), (b"BM", "image/bmp"))
_PROGRAMS = (b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"#!",
             b"L\0\0\0\x01\x14\x02\0", b"\0asm", b"dex\n")
_PROGRAM_NAMES = frozenset(re.findall(r"\w+", """
    exe com scr pif msi msp bat cmd ps1 psm1 vbs vbe js jse wsf wsh hta lnk url reg cpl dll sys jar class app dmg pkg
    sh bash zsh command py pyc pyw pyz rb pl php so dylib deb rpm apk appimage iso img vhd xll xla xlam docm dotm
    xlsm xltm pptm potm ppam chm scf inf gadget desktop pickle pkl joblib"""))
_MAIL_HEADERS = re.compile(rb"(?im)^(from|to|date|subject|message-id|received|mime-version):[ \t]")


@record
class DocumentRead:
    """What a document is. `dated` is when its metadata say it was last changed or sent; guesses may be empty."""

    file_name: str
    media_type: str
    what: str  # for a person: "PDF", "Word document", …
    size: int
    digest: Digest  # SHA-256 of the file
    title: str = ""
    author: str = ""
    dated: date | None = None
    notes: tuple[str, ...] = ()


_Guess = dict[str, Any]  # any of title, author, dated, notes


def describe(path: Path) -> DocumentRead:
    """What the file is. Raises UserError for programs, empty files, more than 200 MB and what cannot be read."""
    if path.suffix.lower().lstrip(".") in _PROGRAM_NAMES:
        raise _refused(path, f"Files that end in {path.suffix} can run as a program or hold macros.")
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _refused(path, "It is not a file.")
        if path.stat().st_size > SIZE_LIMIT:
            raise _refused(path, f"It is larger than {SIZE_LIMIT // 2**20} MB.")
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"The file {path.name} cannot be read.", str(error.strerror or error),
                        "Check that it exists and may be read; close it in other programs.") from error
    if not data:
        raise _refused(path, "It is empty.")
    if data.startswith(_PROGRAMS):
        raise _refused(path, "By its content it is a program or a script, whatever its name says.")
    media_type, what, guess = _recognised(path, data)
    return DocumentRead(file_name=_clean(path.name), media_type=media_type, what=what, size=len(data),
                        digest=Digest(hashlib.sha256(data).hexdigest()), **guess)


def _refused(path: Path, why: str) -> UserError:
    return UserError(f"{path.name} is not taken in as a document.", why,
                     "Bring in a PDF, an Office document, a mail, an image or a text file; pack many small files "
                     "into one PDF.")


def _recognised(path: Path, data: bytes) -> tuple[str, str, _Guess]:
    """Media type, name for a person, and what the metadata say."""
    if b"%PDF-" in data[:1024]:
        return "application/pdf", "PDF", _safely(_pdf, data)
    if data.startswith(b"PK\x03\x04"):
        return _zipped(path, data)
    if data.startswith(bytes.fromhex("D0CF11E0A1B11AE1")):
        return _old_office(path, data)
    for mark, media_type in (*_IMAGES, *(((b"RIFF", "image/webp"),) if data[8:12] == b"WEBP" else ())):
        if data.startswith(mark):
            return media_type, "image", {}
    if path.suffix.lower() == ".eml" or len(_MAIL_HEADERS.findall(data[:8192])) >= 3:
        return "message/rfc822", "mail", _safely(_mail, data)
    if b"\0" not in data[:65536] or data.startswith((b"\xff\xfe", b"\xfe\xff")):
        kind = {".csv": "text/csv", ".html": "text/html", ".htm": "text/html", ".json": "application/json",
                ".xml": "application/xml", ".md": "text/markdown"}.get(path.suffix.lower(), "text/plain")
        return kind, "text", {}
    return "application/octet-stream", "file of an unknown kind", {
        "notes": ("What kind of file this is could not be told; it is filed as it is.",)}


def _safely(read: Callable[[bytes], _Guess], data: bytes) -> _Guess:
    """What a reader of metadata finds; a file that it stumbles on is a document all the same."""
    try:
        return read(data)
    except Exception as error:  # noqa: BLE001 - parsers of broken files raise anything
        return {"notes": (f"The file is damaged or unusual: its metadata could not be read ({type(error).__name__}).",)}


def _pdf(data: bytes) -> _Guess:
    import pikepdf

    try:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            info = pdf.docinfo
            said = {key: str(info[name]) for key, name in (("title", "/Title"), ("author", "/Author"),
                                                           ("changed", "/ModDate"), ("made", "/CreationDate"))
                    if name in info}
    except pikepdf.PasswordError:
        return {"notes": ("The PDF needs a password; it is filed as it is.",)}
    when = re.match(r"D:(\d{4})(\d\d)?(\d\d)?", said.get("changed", "") or said.get("made", ""))
    return {"title": _clean(said.get("title", "")), "author": _clean(said.get("author", "")),
            "dated": _day(int(when[1]), int(when[2] or 1), int(when[3] or 1)) if when else None}


def _zipped(path: Path, data: bytes) -> tuple[str, str, _Guess]:
    """An Office document by its parts, or another archive."""
    try:
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return "application/zip", "archive", {"notes": ("The file is damaged; it is filed as it is.",)}
    if any(n.lower().endswith("vbaproject.bin") for n in names):
        raise _refused(path, "It holds macros.")
    if "META-INF/MANIFEST.MF" in names or "AndroidManifest.xml" in names:
        raise _refused(path, "By its content it is a program, whatever its name says.")
    for part, (media_type, what) in _OFFICE.items():
        if "[Content_Types].xml" in names and any(n.startswith(part) for n in names):
            return media_type, what, _safely(_office, data)
    return "application/zip", "archive", {"notes": ("An archive: what is in it was not looked at.",)}


def _office(data: bytes) -> _Guess:
    """Core properties (ECMA-376 part 2): dc:title, dc:creator, dcterms:modified."""
    from defusedxml.ElementTree import fromstring

    with zipfile.ZipFile(io.BytesIO(data)) as packed, packed.open("docProps/core.xml") as part:
        xml = part.read(PROPERTIES_LIMIT + 1)
    if len(xml) > PROPERTIES_LIMIT:
        raise ValueError("too large")
    said = {element.tag.rpartition("}")[2]: element.text or "" for element in fromstring(xml)}
    when = re.match(r"(\d{4})-(\d\d)-(\d\d)", said.get("modified", "") or said.get("created", ""))
    return {"title": _clean(said.get("title", "")), "author": _clean(said.get("creator", "")),
            "dated": _day(int(when[1]), int(when[2]), int(when[3])) if when else None}


def _old_office(path: Path, data: bytes) -> tuple[str, str, _Guess]:
    """An OLE2 file by the names of its streams, which stand in it as UTF-16."""
    for stream, suffix, media_type, what in _OLD:
        if stream.encode("utf-16-le") in data or (suffix and path.suffix.lower() == suffix):
            note = ("needs a password" if what.startswith("encrypted") else "is of a kind whose metadata are not read")
            return media_type, what, {"notes": (f"The file {note}; it is filed as it is.",)}
    return "application/x-ole-storage", "Office document (old format)", {
        "notes": ("The file is of a kind whose metadata are not read; it is filed as it is.",)}


def _mail(data: bytes) -> _Guess:
    """Subject, sender and date (RFC 5322), from the headers alone."""
    head = re.split(rb"\r?\n\r?\n", data[:HEADERS_LIMIT], maxsplit=1)[0]
    message = email.message_from_bytes(head)
    sent = email.utils.parsedate_to_datetime(str(message["date"])) if message["date"] else None
    return {"title": _decoded(message, "subject"), "author": _decoded(message, "from"), "dated": _utc_day(sent)}


def _decoded(message: Message, name: str) -> str:
    return _clean(str(email.header.make_header(email.header.decode_header(str(message[name] or "")))))


def _utc_day(moment: datetime | None) -> date | None:
    return None if moment is None else (moment.astimezone(UTC) if moment.tzinfo else moment).date()


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _clean(text: str) -> str:
    """One line that can be stored and shown as it is."""
    storable = text.encode("utf-8", "replace").decode("utf-8")
    line = " ".join("".join(c if c.isprintable() else " " for c in storable).split())
    return line if len(line) <= TEXT_LIMIT else line[:TEXT_LIMIT] + " …"
