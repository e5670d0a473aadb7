"""Measurements in words: the number with its uncertainty, or the reason why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop_app.domain.evidence import GroupRow, Measure

if TYPE_CHECKING:
    from desktop_app.domain.figure import Figure
    from desktop_app.operations.evidence import GroupMark

    Marks = dict[tuple[str, str], GroupMark]


def number_words(value: str | None, digits: int = 2) -> str:
    """A recorded number for people: 0.81; very small and very large ones with an exponent."""
    if value is None:
        return "–"
    found = float(value)
    small = found != 0 and abs(found) < 10 ** -digits
    return (f"{found:.2g}" if small else f"{found:,.{digits}f}").replace("-", "−")


def measure_words(measure: Measure, digits: int = 3) -> tuple[str, str]:
    """(value, interval), or (–, the reason)."""
    if measure.value is None:
        return "–", measure.reason or "not computable"
    if measure.low is None and measure.high is None:
        return number_words(measure.value, digits), ""
    high = number_words(measure.high, digits) if measure.high is not None else "no bound"
    return number_words(measure.value, digits), f"[{number_words(measure.low, digits)}, {high}]"


def row_picture(row: GroupRow, marks: Marks) -> Figure | None:
    """The picture of a group's interval."""
    mark = marks.get((row.attribute, row.group))
    return mark.picture if mark else None


def row_chip(row: GroupRow, marks: Marks) -> tuple[str, str] | None:
    """The chip of a group: its own verdict under its attribute's criterion, or why it has none."""
    if row.state == "reference":
        return None
    if row.state != "ok":
        return ("not_computable" if row.state == "not computable" else "none"), row.state
    mark = marks.get((row.attribute, row.group))
    verdict = mark.verdict if mark else None
    return (verdict.value, verdict.value.replace("_", " ")) if verdict else None
