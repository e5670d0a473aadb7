"""The audit PDF: a pack in, the bytes of a PDF/A-3b out, the same bytes for the same pack, always."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from itertools import count
from typing import Any

from desktop_app.domain import canonical
from desktop_app.domain.figure import Figure
from desktop_app.domain.pack import Pack
from desktop_app.progress import Progress
from desktop_app.reports import archive, asked, basis, bias, look, measurements, proof, summary
from desktop_app.reports.contents import Contents, read
from desktop_app.reports.flow import keep_headings
from desktop_app.reports.numbers import short
from desktop_app.reports.text import fit, line

_SECTIONS: tuple[tuple[str, Callable[[Contents, Mapping[str, tuple[Figure, ...]]], list[Any]]], ...] = (
    ("the first page", lambda c, _: summary.pages(c)),
    ("the request", lambda c, _: asked.request(c)),
    ("validation", lambda c, _: asked.validation(c)),
    ("what the policy asks", lambda c, _: basis.requirements(c)),
    ("the card", lambda c, _: basis.card(c)),
    ("the lineage", lambda c, f: basis.lineage(c, f.get("lineage", ()))),
    ("bias reports", bias.fairness),
    ("explanations", measurements.explanations),
    ("performance", measurements.performance),
    ("the model file", lambda c, _: basis.scans(c)),
    ("documents", lambda c, _: basis.documents(c)),
    ("findings", lambda c, _: basis.findings(c)),
    ("exceptions and overlays", lambda c, _: basis.departures(c)),
    ("prior decisions", lambda c, _: proof.prior(c)),
    ("statements", lambda c, _: proof.statements(c)),
    ("the log", lambda c, _: proof.entries(c)),
    ("digests", lambda c, _: proof.annex(c)),
    ("how to check", lambda c, _: proof.how_to_check(c)),
)


def render(pack: Pack, figures: Mapping[str, tuple[Figure, ...]], progress: Progress) -> bytes:
    """The audit PDF of a pack, with dossier.json, pack.json and statements.intoto.jsonl embedded.

    figures: "lineage", and the charts of a piece of evidence under its id. Deterministic across processes.
    Raises Cancelled; UserError when the pages cannot be made a valid PDF/A-3b; NotCanonical for a pack that
    cannot be written or whose dossier cannot be read.
    """
    encoded = canonical.encode(pack)
    contents = read(pack, canonical.sha256(encoded))
    story: list[Any] = []
    for i, (name, make) in enumerate(_SECTIONS):
        progress.step(0.25 * i / len(_SECTIONS), f"Setting {name}")
        story += make(contents, figures)
    keep_headings(story)
    pages = _pages(story, contents, progress.part(0.25, 0.8))
    progress.step(0.8, "Sealing as PDF/A-3b")
    sealed = archive.seal(pages, contents, encoded)
    progress.step(1.0, "Done")
    return sealed


def _pages(story: list[Any], contents: Contents, progress: Progress) -> bytes:
    """Lay the story out on A4."""
    from reportlab import rl_config
    from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate
    from reportlab.platypus.flowables import CallerMacro

    rl_config.invariant = 1
    out = BytesIO()
    document = BaseDocTemplate(out, pagesize=look.PAGE, initialFontName=look.font("sans"))
    frame = Frame(look.LEFT, look.BOTTOM, look.WIDTH, look.HEIGHT, 0, 0, 0, 0)
    first = Frame(look.LEFT, look.BOTTOM, look.WIDTH, look.HEIGHT + 22, 0, 0, 0, 0)
    document.addPageTemplates([
        PageTemplate("first", [first], onPage=lambda canvas, _: _foot(canvas, contents), autoNextPageTemplate="next"),
        PageTemplate("next", [frame], onPage=lambda canvas, _: _furniture(canvas, contents)),
    ])
    numbers = count(1)
    document.afterFlowable = lambda flowable: _outline(document.canv, flowable, numbers)
    document.setProgressCallBack(_reporter(document, len(story), progress))
    document.build([*story, CallerMacro(drawCallable=lambda macro: _total(macro.canv))])
    return out.getvalue()


def _reporter(document: Any, flowables: int, progress: Progress) -> Callable[[str, int], None]:
    """What the layout calls after every flowable; flowables kept together are counted again, so the furthest holds."""
    furthest = 0

    def report(kind: str, value: int) -> None:
        nonlocal furthest
        if kind == "PROGRESS":
            furthest = max(furthest, value)
            progress.step(furthest / max(flowables, 1), f"Page {document.page}")

    return report


def _outline(canvas: Any, flowable: Any, numbers: Iterator[int]) -> None:
    """Every section is a bookmark."""
    name = getattr(flowable, "outline", "")
    if name:
        key = f"section-{next(numbers)}"
        canvas.bookmarkPage(key)
        canvas.addOutlineEntry(line(name, 200), key, 0)


# ---- head and foot of a page


_TOTAL = "total"


def _furniture(canvas: Any, contents: Contents) -> None:
    pack = contents.pack
    face, size, _, ink, *_ = look.STYLES["footer"]
    y = look.PAGE[1] - 44
    canvas.setFillColor(look.colour(ink))
    canvas.setFont(look.font(face), size)
    label = fit(pack.request_label, face, size, look.WIDTH / 3)
    canvas.drawRightString(look.PAGE[0] - look.RIGHT, y, label)
    canvas.setFont(look.font("medium"), size)
    name = fit(f"{pack.model_name} · version {pack.version_label}", "medium", size, look.WIDTH * 0.62)
    canvas.drawString(look.LEFT, y, name)
    _hairline(canvas, y - 7)
    _foot(canvas, contents)


def _foot(canvas: Any, contents: Contents) -> None:
    face, size, _, ink, *_ = look.STYLES["footer"]
    y = 36
    _hairline(canvas, y + 14)
    canvas.setFillColor(look.colour(ink))
    canvas.setFont(look.font(face), size)
    before = f"Page {canvas.getPageNumber()} of "
    canvas.drawString(look.LEFT, y, before)
    canvas.saveState()
    canvas.translate(look.LEFT + look.text_width(before, face, size), y)
    canvas.doForm(_TOTAL)
    canvas.restoreState()
    right = look.PAGE[0] - look.RIGHT
    digest = short(contents.digest)
    canvas.setFont(look.font("mono"), size - 0.6)
    canvas.drawRightString(right, y, digest)
    left = right - look.text_width(digest, "mono", size - 0.6) - 5
    canvas.setFont(look.font(face), size)
    canvas.drawRightString(left, y, fit(f"{contents.pack.registry_name} · pack", face, size, look.WIDTH / 2))


def _hairline(canvas: Any, y: float) -> None:
    canvas.setStrokeColor(look.colour("hairline"))
    canvas.setLineWidth(0.5)
    canvas.line(look.LEFT, y, look.PAGE[0] - look.RIGHT, y)


def _total(canvas: Any) -> None:
    """How many pages there are, known only on the last: one small form that every footer draws."""
    face, size, _, ink, *_ = look.STYLES["footer"]
    pages = str(canvas.getPageNumber())
    canvas.beginForm(_TOTAL, 0, -3, 60, 12)
    canvas.setFillColor(look.colour(ink))
    canvas.setFont(look.font(face), size)
    canvas.drawString(0, 0, pages)
    canvas.endForm()
