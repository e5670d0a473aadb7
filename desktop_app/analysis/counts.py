"""Confusion cells by group: the rows of a table counted once, so that everything after is arithmetic on counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from desktop_app.analysis.table import Table, texts
from desktop_app.domain.evidence import FairnessSpec
from desktop_app.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import Series

UNKNOWN = "unknown"
MAX_GROUPS = 200
JOIN = " × "
_SOME_VALUE = "Choose which of its values is the event that counts, or a table in which it occurs."
_OWN_VALUE = ("Say which of its values goes with the decision's: --label-positive, or “Value that counts” beside its "
              "column.")


@dataclass(frozen=True)
class Cells:
    """Rows of one group by (label, decision); without a label column everything is counted under label 0."""

    group: str
    tn: int
    fp: int
    fn: int
    tp: int
    labelled: bool

    @property
    def n(self) -> int:
        """All rows."""
        return self.tn + self.fp + self.fn + self.tp

    @property
    def selected(self) -> int:
        """Rows the model selects."""
        return self.fp + self.tp

    @property
    def positives(self) -> int:
        """Rows whose label is the event."""
        return self.fn + self.tp

    def favourable(self, selected_is_good: bool) -> int:
        """Rows with the outcome that is good for the person."""
        return self.selected if selected_is_good else self.n - self.selected

    def rate(self, name: str) -> tuple[int, int, str]:
        """(numerator, denominator, what the denominator counts) of a rate by its fairlearn name."""
        negatives = self.fp + self.tn
        return {
            "selection_rate": (self.selected, self.n, "rows"),
            "true_positive_rate": (self.tp, self.positives, "rows with the event"),
            "false_positive_rate": (self.fp, negatives, "rows without the event"),
            "false_negative_rate": (self.fn, self.positives, "rows with the event"),
            "precision": (self.tp, self.selected, "selected rows"),
            "accuracy": (self.tp + self.tn, self.n, "rows"),
        }[name]


@dataclass(frozen=True)
class Counted:
    """The table as counts: cells of each attribute's groups (unknown last), and what was left out."""

    rows: int
    overall: Cells
    groups: dict[str, tuple[Cells, ...]]
    notes: tuple[str, ...]


def count(table: Table, spec: FairnessSpec) -> Counted:
    """Count the cells of every attribute and intersection. Raises UserError for columns that cannot be used."""
    decision, label = event_column(table, spec.decision, spec.positive), None
    kept = decision.notna()
    if spec.label is not None:
        label = event_column(table, spec.label, spec.label_event, _OWN_VALUE)
        kept &= label.notna()
    if not kept.any():
        raise UserError("No row has both a decision and a label.", f"{len(kept):,} rows were read.",
                        "Choose columns that are filled in.")
    cell = decision[kept].to_numpy(dtype=int)
    if label is not None:
        cell = cell + 2 * label[kept].to_numpy(dtype=int)
    notes = _dropped(spec, decision, label)
    words = {name: _groups(table, name)[kept] for name in dict.fromkeys(
        [*spec.sensitive, *(part for parts in spec.intersections for part in parts)])}
    attributes = {name: words[name] for name in spec.sensitive}
    attributes |= {JOIN.join(parts): _joined([words[p] for p in parts]) for parts in spec.intersections}
    labelled = label is not None
    groups = {name: _cells(values, cell, labelled) for name, values in attributes.items()}
    overall = _overall(cell, labelled)
    notes = [*_opposed(spec, overall), *notes]
    notes += [f"{name}: {c.n:,} rows with no known value, shown as “{UNKNOWN}”, outside the criteria."
              for name, cells in groups.items() for c in cells if c.group == UNKNOWN]
    return Counted(int(kept.sum()), overall, groups, tuple(notes))


def _opposed(spec: FairnessSpec, overall: Cells) -> list[str]:
    if spec.label is None or not opposed(overall):
        return []
    share = (overall.tp + overall.tn) / overall.n
    return [f"Look whether the two events belong together: “{spec.decision}” = {spec.positive} agrees with "
            f"“{spec.label}” = {spec.label_event} in {share:.0%} of the rows. If they mean opposite things, the error "
            "rates by group are turned round: make the report again with the other value of the label."]


def opposed(cells: Cells) -> bool:
    """Whether decision and label agree in fewer than half of the rows, or their correlation (phi) is under −0.2."""
    spread = math.sqrt(cells.selected * (cells.n - cells.selected) * cells.positives * (cells.n - cells.positives))
    phi = (cells.tp * cells.tn - cells.fp * cells.fn) / spread if spread else 0.0
    return 2 * (cells.tp + cells.tn) < cells.n or phi < -0.2


def event_column(table: Table, name: str, event: str, remedy: str = _SOME_VALUE) -> Series[Any]:
    """True where the column has the event, False where not, None where missing.

    Raises UserError for a column that is empty, has more than two values, or never has the event.
    """
    words = texts(table, name)
    found = sorted({str(w) for w in words.dropna().unique()})
    if not found:
        raise UserError(f"Column “{name}” is empty.", "Every value is missing.", "Choose a column that is filled in.")
    if len(found) > 2:
        shown = ", ".join(found[:6])
        raise UserError(f"Column “{name}” is not a yes-or-no column.",
                        f"It has {len(found):,} different values: {shown}{' …' if len(found) > 6 else ''}.",
                        "Choose a column with two values, for instance a decision made from a score and a threshold.")
    here = next((w for w in found if _same(w, event)), None)
    if here is None:
        only = "only " if len(found) == 1 else ""
        raise UserError(f"Column “{name}” never has the value “{event}”.", f"It has {only}{_quoted(found)}.", remedy)
    return words.map(lambda w: None if w is None else w == here)


def _quoted(found: list[str]) -> str:
    return " and ".join(f"“{word}”" for word in found)


def _same(word: str, positive: str) -> bool:
    """As text, or as numbers, so that 1 and 1.0 are one event."""
    try:
        return word == positive.strip() or float(word) == float(positive)
    except ValueError:
        return False


def _dropped(spec: FairnessSpec, decision: Series[Any], label: Series[Any] | None) -> list[str]:
    missing = [(spec.decision, int(decision.isna().sum()))]
    if label is not None and spec.label is not None:
        missing.append((spec.label, int(label.isna().sum())))
    return [f"{n:,} rows were left out: {name} is missing." for name, n in missing if n]


def _groups(table: Table, name: str) -> Series[Any]:
    words = texts(table, name)
    distinct = words.nunique()
    if distinct == 0:
        raise UserError(f"Column “{name}” has no known value.", "Every value is missing.",
                        "Choose another sensitive attribute.")
    if distinct > MAX_GROUPS:
        raise UserError(f"Column “{name}” has {distinct:,} different values.",
                        f"Groups are compared for up to {MAX_GROUPS} values.",
                        "Put it into bands first, for instance ages into under 25, 25–39, 40–61, 62 and over.")
    return words.fillna(UNKNOWN)


def _joined(parts: list[Series[Any]]) -> Series[Any]:
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + JOIN + part
    for part in parts:
        whole = whole.where(part != UNKNOWN, UNKNOWN)
    if whole.nunique() > MAX_GROUPS + 1:
        raise UserError(f"The intersection has {whole.nunique():,} groups.",
                        f"Groups are compared for up to {MAX_GROUPS} values.", "Choose attributes with fewer values.")
    return whole


def _cells(groups: Series[Any], cell: NDArray[Any], labelled: bool) -> tuple[Cells, ...]:
    import numpy as np
    import pandas as pd

    codes, names = pd.factorize(groups)
    table = np.bincount(codes * 4 + cell, minlength=4 * len(names)).reshape(-1, 4)
    made = [_made(str(name), row, labelled) for name, row in zip(names, table, strict=True)]
    return tuple(sorted(made, key=lambda c: (c.group == UNKNOWN, _natural(c.group))))


def _overall(cell: NDArray[Any], labelled: bool) -> Cells:
    import numpy as np

    return _made("all", np.bincount(cell, minlength=4), labelled)


def _made(group: str, row: NDArray[Any], labelled: bool) -> Cells:
    tn, fp, fn, tp = (int(v) for v in row)
    return Cells(group, tn, fp, fn, tp, labelled)


def _natural(text: str) -> tuple[tuple[int, float, str], ...]:
    """Sorts 2 before 10."""
    out: list[tuple[int, float, str]] = []
    for part in text.split(JOIN):
        try:
            out.append((0, float(part), ""))
        except ValueError:
            out.append((1, 0.0, part))
    return tuple(out)
