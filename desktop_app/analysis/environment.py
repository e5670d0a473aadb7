"""Where and with what a computation ran."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from desktop_app.domain.evidence import Environment
from desktop_app.domain.model import Pair


def environment(seed: int | None, libraries: tuple[str, ...]) -> Environment:
    """Versions of these distributions as installed now, the interpreter, the platform and this program."""
    return Environment(python=platform.python_version(), platform=f"{platform.system()} {platform.machine()}",
                       libraries=tuple(Pair(key=name, value=_version(name)) for name in libraries), seed=seed,
                       application=f"assaydesk {_version('assaydesk')}")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
