"""Re-performing: a report is computed again from its recorded question and the same table; every number is compared."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from desktop_app.domain import canonical
from desktop_app.domain.canonical import Digest, Id, record
from desktop_app.domain.evidence import Evidence
from desktop_app.errors import Refused, UserError
from desktop_app.operations.evidence import Data, compute
from desktop_app.progress import Progress
from desktop_app.workspace import Workspace

DIGITS = 9  # that a number has to have in common: rows are not added in the same order each time
_ALIKE, _NOUGHT = 10.0 ** -DIGITS, 1e-12
_OF_A_MEASURE = ("value", "low", "high")
_NAMES = frozenset({"name", "attribute", "group", "other", "stratum", "rate", "period", "state", "relative_to",
                    "worst_group", "metric", "verdict", "direction", "rule", "reference", "why"})
_WORDS = frozenset({"method", "reason", "sentence", "notes", "not_tested"})  # which a later version may choose better


@record
class Reperformance:
    """What computing a report again came to: which parts are different, and which alike only to so many digits."""

    differences: tuple[str, ...] = ()
    nearly: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether nothing is different."""
        return not self.differences

    @property
    def words(self) -> str:
        """The outcome in a sentence."""
        if self.differences:
            return "The report comes out differently: " + "; ".join(self.differences) + "."
        if self.nearly:
            return (f"Every number and every verdict is the same to {DIGITS} digits. Not identical, because rows are "
                    f"not added in the same order each time: {', '.join(self.nearly)}.")
        return "Every number and every verdict is identical."


def reperform(workspace: Workspace, evidence: Id, table: Data, progress: Progress | None = None) -> Reperformance:
    """Compute a bias or performance report again on its table and compare every number.

    Raises Refused when the table is not the one it was computed on: of a file before, of a table in a database after
    it was counted.
    """
    progress = progress or Progress()
    with workspace.store.read() as reader:
        item = reader.get(Evidence, evidence).record
    spec = item.fairness_spec or item.performance_spec
    if spec is None:
        raise UserError("This kind of evidence is not re-performed here.", item.evidence_kind.value,
                        "Bias and performance reports can be.")
    if isinstance(table, Path):
        _check_same(item, _digest(table, progress.part(0.0, 0.2)))
    result, verdicts, source = compute(table, spec, progress.part(0.2, 1.0))
    _check_same(item, source.digest)
    before: Any = item.fairness or item.performance
    parts = {name: (getattr(before, name), getattr(result, name)) for name in vars(before) if name not in _WORDS}
    told = {name: (_numbers(one), _numbers(other)) for name, (one, other) in parts.items()}
    told["verdicts"] = _numbers(item.verdicts), _numbers(verdicts)
    changed = {name: both for name, both in told.items() if both[0] != both[1]}
    alike = [name for name, both in changed.items() if _agree(*both)]
    return Reperformance(nearly=tuple(_said(name) for name in alike),
                         differences=tuple(_said(name) for name in changed if name not in alike))


def _said(name: str) -> str:
    return name.replace("_", " ")


def _check_same(item: Evidence, digest: Digest) -> None:
    if item.inputs and digest != item.inputs[0].digest:
        raise Refused("This is not the table the evidence was computed on, or it was changed.",
                      f"Recorded: {item.inputs[0].digest}\nThis table: {digest}", "Find the original.")


def _digest(table: Path, progress: Progress) -> Digest:
    from desktop_app.analysis import table_file

    return table_file.open_file(table, progress).input.digest


def _numbers(value: Any) -> Any:
    """A part of a result without its words."""
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items() if key not in _WORDS}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return value if isinstance(value, str | int | None) else _numbers(canonical.plain(value))


def _agree(before: Any, again: Any, key: str = "", scale: float = 0.0) -> bool:
    """Whether two parts of a result are the same to so many digits. key: under which they stand; names are compared
    exactly · scale: the largest number of the measure that they are of, by which what is nought but for the order of
    adding is compared.
    """
    if isinstance(before, dict) and isinstance(again, dict):
        scale = max((abs(_real(before[part]) or 0.0) for part in _OF_A_MEASURE if before.get(part)), default=0.0)
        return before.keys() == again.keys() and all(_agree(before[part], again[part], part, scale) for part in before)
    if isinstance(before, list) and isinstance(again, list):
        return len(before) == len(again) and all(
            _agree(one, other, key) for one, other in zip(before, again, strict=True))
    if isinstance(before, str) and isinstance(again, str) and before != again and key not in _NAMES:
        one, other = _real(before), _real(again)
        near = max(_ALIKE * scale, _NOUGHT if key in _OF_A_MEASURE else 0.0)
        return one is not None and other is not None and math.isclose(one, other, rel_tol=_ALIKE, abs_tol=near)
    return bool(before == again)


def _real(text: str) -> float | None:
    """The number that a measurement says; None for a text that says none."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
