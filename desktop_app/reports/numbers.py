"""Numbers, dates and digests as they are printed: with their interval, their n, and never as a bare blank."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from desktop_app.domain.canonical import Number, day_text
from desktop_app.domain.evidence import Measure
from desktop_app.reports.text import NONE

MINUS = "−"


def real(value: Number | str | None) -> float | None:
    """A recorded number as a float; None for none, and for text in its place that is no finite number."""
    try:
        number = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def figure(value: Number | str | None, digits: int = 3) -> str:
    """A recorded number with `digits` decimals (three significant when it is smaller), "–" when there is none."""
    number = real(value)
    if number is None:
        return NONE
    if number and not 1e-4 <= abs(number) < 1e9:
        shown = f"{number:.2e}"
    else:
        small = number and abs(number) < 10 ** -digits
        shown = f"{number:.3g}" if small else f"{number:,.{digits}f}"
    return shown.replace("-", MINUS)


def interval(measure: Measure, digits: int = 3) -> str:
    """"[0.74, 0.88]", or nothing where no interval was computed."""
    if measure.low is None and measure.high is None:
        return ""
    return f"[{figure(measure.low, digits)}, {figure(measure.high, digits)}]"


def measured(measure: Measure, digits: int = 3) -> str:
    """A measure with its interval, or "–" with the reason why there is none."""
    if measure.value is None:
        return f"{NONE} {measure.reason}".strip()
    return f"{figure(measure.value, digits)} {interval(measure, digits)}".strip()


def count(number: int | None) -> str:
    """A whole number with thousands apart."""
    return NONE if number is None else f"{number:,}"


def bytes_text(size: int) -> str:
    """A file size for people."""
    if size < 10_000:
        return f"{size:,} bytes"
    return f"{size / 1000:,.0f} kB" if size < 10_000_000 else f"{size / 1e6:,.0f} MB"


def moment(at: datetime) -> str:
    """A moment in UTC, "12 Mar 2027, 09:12 UTC"."""
    utc = at.astimezone(UTC)
    return f"{day_text(utc.date())}, {utc:%H:%M} UTC"


def short(digest: str) -> str:
    """The first 16 digits of a digest in groups of four, as on screen."""
    return " ".join(digest[i:i + 4] for i in range(0, min(len(digest), 16), 4)) + ("…" if len(digest) > 16 else "")


_NAMES = {
    "auc": "AUC", "roc_auc": "ROC AUC", "brier": "Brier score", "ks": "KS", "gini": "Gini",
    "tpr": "True positive rate", "fpr": "False positive rate", "fnr": "False negative rate",
    "tnr": "True negative rate", "ppv": "Positive predictive value",
}


def measure_name(name: str) -> str:
    """A measure as it is printed: its abbreviation spelt as the field does, or its key in words."""
    return _NAMES.get(name) or sentence(name)


def words(key: str) -> str:
    """A recorded key as words: "selection_rate" → "selection rate"."""
    return key.replace("_", " ")


def sentence(key: str) -> str:
    """A recorded key as the beginning of a sentence."""
    text = words(key)
    return text[:1].upper() + text[1:]
