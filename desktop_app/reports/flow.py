"""Where pages end: never between a heading and what it heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from desktop_app.reports import look

_HEADS = {"page", "intro", "heading", "label"}  # styles of paragraphs that stand above something
_ROWS = 3  # of a table: its head and two more


def keep_headings(story: Sequence[Any]) -> None:
    """Make every break before a heading ask for room for the heading and for the beginning of what follows."""
    from reportlab.platypus import CondPageBreak

    for at, flowable in enumerate(story):
        if isinstance(flowable, CondPageBreak):
            flowable.height = min(max(flowable.height, _needed(story, at + 1)), look.HEIGHT)


def _needed(story: Sequence[Any], start: int) -> float:
    """The height of the headings from `start` on and of the least that may stand below them, in points."""
    from reportlab.platypus import CondPageBreak

    needed = 0.0
    for flowable in story[start:]:
        if not isinstance(flowable, CondPageBreak):
            needed += flowable.getSpaceBefore() + _least(flowable) + flowable.getSpaceAfter()
            if getattr(getattr(flowable, "style", None), "name", "") not in _HEADS:
                break
    return needed


def _least(flowable: Any) -> float:
    """The height of a flowable, or of the part of it that must not be torn off."""
    from reportlab.platypus import KeepTogether, Paragraph, Table

    if isinstance(flowable, KeepTogether):
        return float(sum(f.getSpaceBefore() + _tall(f) + f.getSpaceAfter() for f in flowable._content))
    height = _tall(flowable)
    if isinstance(flowable, Table):
        return float(sum(flowable._rowHeights[:_ROWS]))
    return float(min(height, 3 * flowable.style.leading)) if isinstance(flowable, Paragraph) else height


def _tall(flowable: Any) -> float:
    return float(flowable.wrap(look.WIDTH, look.HEIGHT)[1])
