"""Measurements in words: the number with its uncertainty, or the reason why there is none."""

from __future__ import annotations

from desktop_app.domain.evidence import CriterionResult, GroupRow, Measure, Verdict


def number_words(value: str | None, digits: int = 2) -> str:
    """A recorded number for people: 0.81; very small and very large ones with an exponent."""
    if value is None:
        return "–"
    found = float(value)
    small = found != 0 and abs(found) < 10 ** -digits
    return f"{found:.2g}" if small else f"{found:,.{digits}f}".replace("-", "−")


def measure_words(measure: Measure, digits: int = 3) -> tuple[str, str]:
    """(value, interval), or (–, the reason)."""
    if measure.value is None:
        return "–", measure.reason or "not computable"
    if measure.low is None and measure.high is None:
        return number_words(measure.value, digits), ""
    high = number_words(measure.high, digits) if measure.high is not None else "no bound"
    return number_words(measure.value, digits), f"[{number_words(measure.low, digits)}, {high}]"


def row_chip(row: GroupRow, verdicts: tuple[CriterionResult, ...]) -> tuple[str, str] | None:
    """The chip of a group: what its attribute's impact-ratio criterion says of this group, where that is certain.

    Under the interval rule a group meets the criterion exactly when its interval does; when a report is undetermined
    no group breaches it. Where neither settles it, only the worst group has the criterion's own verdict.
    """
    if row.state == "reference":
        return None
    if row.state != "ok":
        return ("not_computable" if row.state == "not computable" else "none"), row.state
    found = next((v for v in verdicts if v.criterion.metric == "impact_ratio" and v.criterion.threshold is not None
                  and v.criterion.attribute == row.attribute), None)
    if found is None or row.ratio.value is None:
        return "reported", "reported"
    if _satisfies(row, found):
        return "met", "met"
    if row.group == found.worst_group or found.verdict is Verdict.UNDETERMINED:
        return found.verdict.value, found.verdict.value.replace("_", " ")
    return "attention", "not met"


def _satisfies(row: GroupRow, found: CriterionResult) -> bool:
    criterion = found.criterion
    at_least = criterion.direction == "at_least"
    edge = (row.ratio.low if at_least else row.ratio.high) if criterion.rule == "interval" else row.ratio.value
    if edge is None or criterion.threshold is None:
        return False
    return float(edge) >= float(criterion.threshold) if at_least else float(edge) <= float(criterion.threshold)
