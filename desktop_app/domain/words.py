"""How numbers are said in sentences."""

from __future__ import annotations


def counted(n: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 model", "1,024 models"; `many` where it is not `one` with an s."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"
