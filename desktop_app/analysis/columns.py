"""What the values of columns mean: which say that there is none, which of two is the event, which name is meant."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Protocol

from desktop_app.domain.dataset import TableInput
from desktop_app.domain.words import counted
from desktop_app.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import Series

MISSING = frozenset({"", "na", "n/a", "nan", "null", "<na>", "?", "unknown", "not known"})
FINE, NONE, NO_NUMBER, OUTSIDE = range(4)  # what a value is that has to be a number in its range
MAX_CELLS = 4_000_000  # combinations of values that are kept of one table
BINS = 1024  # of scores, each 1/1024 wide; the decision itself comes from the exact threshold
ABOVE_MEDIAN = "above_median"  # how a score decides: strictly above the median of the sample


class Named(Protocol):
    """A table, wherever it is."""

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns, in order."""

    @property
    def input(self) -> TableInput:
        """What it is."""


def named(table: Named, name: str) -> str:
    """The name of a column that is there. Raises UserError that names the nearest column."""
    names = list(table.names)
    if name in names:
        return name
    near = get_close_matches(name, names, 1, 0.5) or get_close_matches(name.lower(), [n.lower() for n in names], 1, 0.5)
    meant = next((n for n in names if near and n.lower() == near[0].lower()), None)
    raise UserError(f"There is no column “{name}” in {table.input.name}.",
                    f"Its columns: {', '.join(names[:20])}{' …' if len(names) > 20 else ''}.",
                    f"Did you mean “{meant}”?" if meant else "Choose one of its columns.")


def as_text(value: Any) -> str | None:
    """A value as text, None for one that means missing; a whole number without a decimal point."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    return None if text.lower() in MISSING else text


def coded(column: NDArray[Any]) -> tuple[NDArray[Any], list[str | None]]:
    """Codes of a column's values into its distinct values as text; the last is None, a missing value."""
    import pandas as pd

    codes, uniques = pd.factorize(column, use_na_sentinel=True)
    return codes, [*(as_text(value) for value in uniques), None]



def event_among(column: str, found: list[str], event: str, remedy: str = "") -> str:
    """Which of the one or two values of a yes-or-no column is the event, as text or as a number.

    Raises UserError for a column that is empty, has more than two values, or never has the event.
    """
    if not found:
        raise UserError(f"Column “{column}” is empty.", "Every value is missing.",
                        "Choose a column that is filled in.")
    if len(found) > 2:
        shown = ", ".join(found[:6])
        raise UserError(f"Column “{column}” is not a yes-or-no column.",
                        f"It has {len(found):,} different values: {shown}{' …' if len(found) > 6 else ''}.",
                        "Choose a column with two values, for instance a decision made from a score and a threshold.")
    return one_of(column, found, event, remedy)


def one_of(column: str, found: list[str], event: str, remedy: str = "") -> str:
    """Which of the values of a column an event is, as text or as a number. Raises UserError when it is none."""
    here = next((word for word in found if _same(word, event)), None)
    if here is None:
        only = "only " if len(found) == 1 else ""
        shown = " and ".join(f"“{word}”" for word in found[:6])
        raise UserError(f"Column “{column}” never has the value “{event}”.", f"It has {only}{shown}.", remedy or
                        "Choose which of its values is the event that counts, or a table in which it occurs.")
    return here


def _same(word: str, event: str) -> bool:
    try:
        return word == event.strip() or float(word) == float(event)
    except ValueError:
        return False


def twice_named(column: str, rows: int) -> UserError:
    """That a column which should name each row once does not."""
    return UserError(f"“{column}” does not name each row once.",
                     f"{counted(rows, 'row')} {'has' if rows == 1 else 'have'} an id that another row has.",
                     "Leave out the rows that are there twice, or choose another column.")


def too_many(cells: int) -> UserError:
    """That columns make more combinations than are kept."""
    return UserError("The columns chosen have too many different values together.",
                     f"They make {cells:,} combinations; up to {MAX_CELLS:,} are counted.",
                     "Leave out columns that name single people or things, or put them into bands first.")


def values_of(column: Series[Any]) -> NDArray[Any]:
    """Values as they are in a frame: moments as such, not as numpy writes them."""
    return (column.astype(object) if column.dtype.kind == "M" else column).to_numpy()
