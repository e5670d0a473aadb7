"""Photographs of every page, light and dark, of a registry: for the README, and where there is no display."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QWidget

from desktop_app.gui import app as window_app
from desktop_app.gui import theme
from desktop_app.gui.jobs import Workspace
from desktop_app.gui.main_window import MainWindow
from desktop_app.gui.pages import catalogue

SIZE = (1440, 900)
TABS = ("Overview", "Card", "Lineage", "Performance", "Fairness", "Explanation", "Documents", "Approvals", "History")
PATIENCE = 60.0  # seconds a page may load


class _Forgetful:
    """Settings that are never written anywhere."""

    def __init__(self, **known: Any) -> None:
        self._known = known

    def value(self, key: str, defaultValue: Any = None) -> Any:  # noqa: N803 - as QSettings
        """What was given, or the default."""
        return self._known.get(key, defaultValue)

    def setValue(self, key: str, value: Any) -> None:
        """Remember until the end."""
        self._known[key] = value


def take(
    address: str, person: str, folder: Path, themes: tuple[str, ...] = ("light", "dark"), size: tuple[int, int] = SIZE
) -> list[Path]:
    """Photograph every page of a registry, as `person` sees it in a window of `size` logical pixels, into `folder`.

    Returns the files.
    """
    application = window_app.application()
    before = qInstallMessageHandler(_say)
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    window = window_app.build(application, address, person, catalogue.DESK, _Forgetful(theme=themes[0]))
    window.resize(*size)
    window.show()
    try:
        _settle(window, lambda: bool(window.page_key))
        shots = list(_shots(window))
        for name in themes:
            theme.apply(application, name)
            for title, key, arguments in shots:
                page = window.open_page(key, **arguments)
                _settle(window, lambda page=page: page.isVisible())
                made.append(_photograph(window, folder / f"{title}-{name}.png"))
    finally:
        window.close()
        window.jobs.shut_down()
        window.deleteLater()
        application.processEvents()
        qInstallMessageHandler(before)
    return made


def _say(_kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
    """What Qt says goes to standard error; not that a screen which is none cannot take hints of sizes."""
    if "propagateSizeHints" not in message:
        sys.stderr.write(f"{message}\n")


def _shots(window: MainWindow) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(file name, page, arguments): every page of the rail, one version with all its tabs, one review of each kind."""
    found: dict[str, Any] = {}
    window.jobs.run(window, lambda ws, progress: _examples(ws), then=found.update)
    _settle(window, lambda: bool(found))
    for n, spec in enumerate(s for s in catalogue.PAGES if s.group is not None):
        yield f"{n:02}-{spec.key}", spec.key, {}
    for n, tab in enumerate(TABS):
        if "version" in found:
            yield f"20-version-{n}-{tab.lower()}", "version", {**found["version"], "tab": tab}
    for label, request in found.get("requests", []):
        yield f"30-review-{label.lower()}", "review", {"request": request}


def _examples(ws: Workspace) -> dict[str, Any]:
    """The version with most evidence, and the newest request of each outcome."""
    from desktop_app.operations import approvals, evidence

    lines = evidence.listing(ws)
    counts: dict[str, int] = {}
    for line in lines:
        counts[line.item.record.version] = counts.get(line.item.record.version, 0) + line.stands
    requests = approvals.listing(ws)
    waiting = [r for r in requests if r.outcome == "open"] or list(requests)
    example: dict[str, Any] = {"requests": list({r.outcome: (f"{r.outcome}-{r.request.label}", r.request.record.id)
                                                 for r in reversed(requests)}.values())}
    if waiting:
        asked = waiting[0].request.record
        example["version"] = {"version": asked.version, "use": asked.use}
    elif counts:
        example["version"] = {"version": max(counts, key=lambda v: counts[v])}
    return example


def _settle(window: MainWindow, ready: Any) -> None:
    """Run the window until its jobs are done and `ready()` holds."""
    application = window_app.application()
    until, calm = time.monotonic() + PATIENCE, 0
    while calm < 5 and time.monotonic() < until:
        application.processEvents()
        time.sleep(0.02)
        calm = calm + 1 if window.jobs.idle and ready() else 0


def _photograph(widget: QWidget, path: Path) -> Path:
    widget.grab().save(str(path))
    return path
