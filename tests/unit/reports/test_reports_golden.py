"""The words of the whole audit PDF, as they were once read and found right.

After a wanted change of words: `python tests/unit/reports/test_reports_golden.py` writes them anew; read the diff.
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

_MASKED = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b|\b01[0-9a-z]{24}\b|\b[0-9a-f]{4}( [0-9a-f]{4}){3}")
GOLDEN = Path(__file__).parents[2] / "golden" / "audit_pack.txt"


def told() -> str:
    """Page by page, digests and ids masked, what is not ASCII as a dot."""
    import packs
    from page_words import words

    from desktop_app.progress import Progress
    from desktop_app.reports.pack import render
    from desktop_app.reports.reading import page_contents

    pdf = render(packs.ordinary(entries=12), packs.figures(), Progress())
    pages = [_MASKED.sub("#", words(pdf, n)) for n in range(1, len(page_contents(pdf)) + 1)]
    seen = ("".join(c if " " <= c <= "~" else "." for c in page) for page in pages)
    return "\n\n".join(textwrap.fill(page, 110, break_on_hyphens=False) for page in seen) + "\n"


def test_the_audit_pdf_says_what_it_said() -> None:
    assert told() == GOLDEN.read_text(encoding="ascii")


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[3])]
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(told(), encoding="ascii")
