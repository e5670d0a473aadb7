"""Reading PDFs that may be hostile: embedded files, page digests, and the page that was changed."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import packs
import pikepdf
import pytest
from page_words import words

from desktop_app.errors import UserError
from desktop_app.progress import Progress
from desktop_app.reports import reading
from desktop_app.reports.pack import render
from desktop_app.reports.reading import extract, first_difference, page_contents


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return render(packs.ordinary(), packs.figures(), Progress())


def changed(pdf: bytes, change: Callable[[pikepdf.Pdf], None], **save: object) -> bytes:
    out = BytesIO()
    with pikepdf.open(BytesIO(pdf)) as opened:
        change(opened)
        opened.save(out, **save)  # type: ignore[arg-type]
    return out.getvalue()


def nothing(_: pikepdf.Pdf) -> None:
    return None


def rewrite(number: int, old: bytes, new: bytes) -> Callable[[pikepdf.Pdf], None]:
    def change(pdf: pikepdf.Pdf) -> None:
        page = pdf.pages[number - 1]
        before = page.Contents.read_bytes()
        assert old in before
        page.Contents = pdf.make_stream(before.replace(old, new, 1))

    return change


def test_each_page_of_a_pack_has_its_own_digest(pdf: bytes) -> None:
    pages = page_contents(pdf)
    assert len(set(pages)) == len(pages) > 15


@pytest.mark.parametrize(
    "save",
    [
        {"object_stream_mode": pikepdf.ObjectStreamMode.generate},
        {"linearize": True},
        {"recompress_flate": True},
        {"qdf": True},
    ],
)
def test_how_a_file_is_written_does_not_matter(pdf: bytes, save: dict[str, object]) -> None:
    again = changed(pdf, nothing, **save)
    assert again != pdf
    assert first_difference(page_contents(again), page_contents(pdf)) is None
    assert extract(again) == extract(pdf)


@pytest.mark.parametrize(
    ("number", "old", "new"),
    [(1, b"(with one condition", b"(with no conditions"), (5, b"0.81 [0.74", b"0.91 [0.74"), (2, b"0.874", b"0.974")],
)
def test_a_changed_word_is_found_on_its_page(pdf: bytes, number: int, old: bytes, new: bytes) -> None:
    with pikepdf.open(BytesIO(pdf)) as opened:
        found = next((i for i, p in enumerate(opened.pages, 1) if old.lstrip(b"(") in p.Contents.read_bytes()), number)
    forged = changed(pdf, rewrite(found, old.lstrip(b"("), new.lstrip(b"(")))
    assert new.lstrip(b"(").decode() in words(forged, found)
    assert first_difference(page_contents(forged), page_contents(pdf)) == found


def test_every_page_is_watched(pdf: bytes) -> None:
    ours = page_contents(pdf)
    for number in range(1, len(ours) + 1):
        forged = changed(pdf, rewrite(number, f"(Page {number} of ".encode(), f"(page {number} of ".encode()))
        assert first_difference(page_contents(forged), ours) == number


def overlay(pdf: pikepdf.Pdf) -> None:
    form = pdf.make_stream(b"1 1 1 rg 0 0 500 500 re f")
    form.Type, form.Subtype, form.BBox = pikepdf.Name.XObject, pikepdf.Name.Form, [0, 0, 500, 500]
    pdf.pages[2].Annots = pdf.make_indirect(
        [
            pikepdf.Dictionary(
                Type=pikepdf.Name.Annot,
                Subtype=pikepdf.Name.Stamp,
                Rect=[0, 0, 500, 500],
                F=4,
                AP=pikepdf.Dictionary(N=form),
            )
        ]
    )


def font_swap(pdf: pikepdf.Pdf) -> None:
    fonts = pdf.pages[0].Resources.Font
    first, second, *_ = list(fonts.keys())
    fonts[first].FontDescriptor.FontFile2 = fonts[second].FontDescriptor.FontFile2


@pytest.mark.parametrize(
    ("change", "page"),
    [
        (overlay, 3),
        (font_swap, 1),
        (lambda p: p.pages.insert(3, p.pages[1]), 4),
        (lambda p: p.pages.__delitem__(-1), None),
        (lambda p: p.pages[4].__setattr__("Rotate", 180), 5),
        (lambda p: p.pages[1].__setattr__("MediaBox", [0, 0, 300, 300]), 2),
    ],
)
def test_other_ways_of_changing_what_is_seen(
    pdf: bytes, change: Callable[[pikepdf.Pdf], None], page: int | None
) -> None:
    ours = page_contents(pdf)
    assert first_difference(page_contents(changed(pdf, change)), ours) == (page or len(ours))


def test_embedded_files_come_out_of_a_path_too(pdf: bytes, tmp_path: Path) -> None:
    file = tmp_path / "pack.pdf"
    file.write_bytes(pdf)
    assert extract(file) == extract(str(file)) == extract(pdf)


def test_a_pdf_without_embedded_files_has_none() -> None:
    out = BytesIO()
    with pikepdf.new() as empty:
        empty.add_blank_page()
        empty.save(out)
    assert extract(out.getvalue()) == {}
    assert len(page_contents(out.getvalue())) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        b"%PDF-1.7",
        b"%PDF-1.7\n" + b"\xff" * 5000,
        b"%PDF-1.4\n1 0 obj<</A 1 0 R>>endobj trailer<</Root 1 0 R>>",
        b"%PDF-1.7\n" + b"[" * 100_000,
    ],
)
def test_what_is_no_pdf_is_refused_in_words(data: bytes) -> None:
    for read in (extract, page_contents):
        with pytest.raises(UserError) as refused:
            read(data)
        assert refused.value.remedy


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9, 0.999])
def test_a_torn_file_is_refused(pdf: bytes, keep: float) -> None:
    with pytest.raises(UserError, match="broken"):
        page_contents(pdf[: int(len(pdf) * keep)])


@pytest.mark.parametrize("owner", ["", "secret"])
def test_an_encrypted_file_is_refused(pdf: bytes, owner: str) -> None:
    locked = changed(pdf, nothing, encryption=pikepdf.Encryption(owner="o", user=owner))
    for read in (extract, page_contents):
        with pytest.raises(UserError, match="encrypted"):
            read(locked)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        extract(tmp_path / "none.pdf")


def test_a_file_beyond_its_cap_is_refused(pdf: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reading, "MAX_FILE", 1000)
    (tmp_path / "big.pdf").write_bytes(pdf)
    for source in (pdf, tmp_path / "big.pdf"):
        with pytest.raises(UserError, match="too large"):
            extract(source)


def bomb(pdf: pikepdf.Pdf) -> None:
    stream = pikepdf.Stream(pdf, b"")
    stream.write(zlib.compress(bytes(40_000_000), 9), filter=pikepdf.Name.FlateDecode)
    pdf.attachments["dossier.json"].get_file().obj.write(stream.read_raw_bytes(), filter=pikepdf.Name.FlateDecode)


def test_a_bomb_is_not_unpacked(pdf: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_ATTACHMENT", 1_000_000)
    armed = changed(pdf, bomb)
    assert len(armed) < 2 * len(pdf)
    with pytest.raises(UserError, match="holds too much"):
        extract(armed)


def test_other_filters_are_not_undone(pdf: bytes) -> None:
    def hexed(opened: pikepdf.Pdf) -> None:
        page = opened.pages[1]
        page.Contents.write(page.Contents.read_bytes().hex().encode() + b">", filter=pikepdf.Name.ASCIIHexDecode)

    forged = changed(pdf, hexed, stream_decode_level=pikepdf.StreamDecodeLevel.none, compress_streams=False)
    with pytest.raises(UserError, match="not as this program"):
        page_contents(forged)


def test_too_many_files_or_pages_are_refused(pdf: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_ATTACHMENTS", 2)
    monkeypatch.setattr(reading, "MAX_PAGES", 3)
    with pytest.raises(UserError, match="too many embedded"):
        extract(pdf)
    with pytest.raises(UserError, match="too many pages"):
        page_contents(pdf)


def test_random_damage_never_escapes(pdf: bytes) -> None:
    for at in range(50, len(pdf), len(pdf) // 60):
        torn = bytearray(pdf)
        torn[at : at + 3] = b"\x00\xff("
        for read in (page_contents, extract):
            with contextlib.suppress(UserError):
                assert read(bytes(torn)) is not None
