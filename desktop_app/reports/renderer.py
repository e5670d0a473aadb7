"""What draws the pages, as one digest: nobody has to remember to count a version up.

Two programs with the same digest make the same bytes of the same pack; of two with different ones that is not known.
"""

from __future__ import annotations

import platform
import unicodedata
import zlib
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from desktop_app import __version__
from desktop_app.domain.canonical import Digest
from desktop_app.reports import look

_PROGRAM = Path(__file__).resolve().parents[1]
_FILES = (  # what the words, the figures and the pages are made by
    (_PROGRAM, "domain/*.py"), (_PROGRAM, "reports/*.py"), (_PROGRAM, "analysis/figures.py"),
    (_PROGRAM, "analysis/graph_*.py"), (_PROGRAM, "analysis/lettering.py"), (_PROGRAM, "operations/pack*.py"),
    (_PROGRAM, "operations/approvals.py"), (_PROGRAM, "operations/called.py"), (_PROGRAM, "operations/cards.py"),
    (_PROGRAM, "operations/evidence.py"), (look.RESOURCES, "card/*"), (look.RESOURCES, "fonts/*.ttf"),
    (look.RESOURCES, "themes/tokens.json"),
)
_LIBRARIES = ("reportlab", "pikepdf", "lxml", "numpy", "scipy")


@cache
def digest() -> Digest:
    """SHA-256 over the program's files that draw a pack, its fonts, and the versions of the libraries it draws with."""
    made = sha256("\n".join(_libraries()).encode())
    for name, path in _files():
        data = path.read_bytes()
        if path.suffix in (".py", ".json"):
            data = data.replace(b"\r\n", b"\n")  # as a checkout on another system may write it
        made.update(name.encode() + b"\x00" + sha256(data).digest())
    return Digest(made.hexdigest())


def _files() -> Iterator[tuple[str, Path]]:
    for root, pattern in _FILES:
        for path in sorted(root.glob(pattern)):
            yield path.relative_to(root).as_posix(), path


def _libraries() -> Iterator[str]:
    import pikepdf

    yield f"assaydesk {__version__}"
    for name in _LIBRARIES:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            yield f"{name} none"
    yield f"qpdf {pikepdf.__libqpdf_version__}"
    yield f"zlib {zlib.ZLIB_RUNTIME_VERSION}"
    yield f"Unicode {unicodedata.unidata_version}"
    yield "Python {}.{}".format(*platform.python_version_tuple())
