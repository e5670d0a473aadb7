"""How long a user waits for the window, against a bare Qt window and against the inventory.

Run by hand: `python benchmarks/start.py [--rounds 7] [--models 45] [--profile]`. It makes a registry in a temporary
folder and starts a fresh process per measurement, bare and ours in turn, offscreen, after one start of each that
warms the page cache. Printed are medians: from starting the process until the window is painted and until the
inventory shows its rows, in milliseconds of the clock and of the processor (the second hardly minds a busy machine),
and the ratios. `--profile` prints which imports take longest before the first paint and in all.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from desktop_app.domain.model import UseState
from desktop_app.domain.person import Role
from desktop_app.operations import models, people, registries
from desktop_app.trust.keys import Cost, NoSecretStore
from desktop_app.workspace import create_workspace

# What a measured process runs. `at` says when something was seen; a paint counts when all of it is on the screen.
MARK = """
import sys, time
def at(what):
    print(what, time.clock_gettime(time.CLOCK_MONOTONIC), time.process_time(), flush=True, file=sys.stderr)
at("begun")
"""
PAINTED = """
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
class Painted(QObject):
    def __init__(self, watched, then):
        super().__init__(watched)
        self.then = then
        watched.installEventFilter(self)
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and self.then is not None:
            then, self.then = self.then, None
            watched.removeEventFilter(self)
            QTimer.singleShot(0, then)
        return False
"""
BARE = MARK + PAINTED + """
app = QApplication([])
window = QMainWindow()
window.resize(1440, 900)
painted = Painted(window, lambda: (at("painted"), window.close()))
window.show()
app.exec()
"""
OURS = MARK + "import desktop_app.gui" + PAINTED + """
real = QApplication.exec
def rows(page):
    at("loaded")
    shown = Painted(page.table.viewport(), lambda: (at("usable"), page.window().close()))
    page.table.viewport().update()
def watched_exec(*app):
    window = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QMainWindow))
    opener = window.open_page
    def open_page(key, **arguments):
        page = opener(key, **arguments)
        page.arrived.connect(lambda: rows(page))
        return page
    window.open_page = open_page
    painted = Painted(window, lambda: at("painted"))
    return real()
QApplication.exec = watched_exec
from desktop_app.__main__ import main
main([])
"""
Marks = dict[str, tuple[float, float]]  # what was seen → (milliseconds since the process was started, of processor)


def fill(folder: Path, count: int) -> None:
    """The registry that is opened when none is named: `count` models, a version each, every third in two uses."""
    made = create_workspace(folder / "registry.assay", "Retail lending", secret_store=NoSecretStore(),
                            cost=Cost(m=64, t=1, p=1))
    ws = registries.found(made, "Rita Risk", "correct horse battery", (Role.MODEL_RISK, Role.OWNER))
    for name in ("Olga Owner", "Val Idris", "Cora Compliance", "Dev Patel"):
        people.enrol(ws, name, (Role.VALIDATOR,), "correct horse battery", "correct horse battery")
    for n in range(count):
        model = models.register(ws, f"Scorecard {n}", description="Scores applicants", owner=ws.me)
        version = models.add_version(ws, model, "1", developers=(ws.me,))
        for place in ("NL", "BE")[: 1 + (n % 3 == 0)]:
            use = models.describe_use(ws, model, "Card lending", entity=place, business_line="Retail")
            models.set_tier(ws, use, 1 + n % 3)
            models.state_use(ws, version, use, UseState.IN_USE)
    made.close()


def started(code: str) -> Marks:
    """Run a process until it ends; when it saw what."""
    from time import CLOCK_MONOTONIC, clock_gettime

    begun = clock_gettime(CLOCK_MONOTONIC)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          timeout=60)
    seen = [line.split() for line in done.stderr.splitlines()]
    return {what: ((float(clock) - begun) * 1000, float(cpu) * 1000) for what, clock, cpu in seen}


def slowest(code: str, top: int = 25) -> list[str]:
    """The modules whose own code takes longest to import, in the order of time, with when they were imported."""
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True,
                          check=True, timeout=60)
    found, when = [], "before the first paint"
    for line in done.stderr.splitlines():
        if line.startswith("painted"):
            when = "after it"
        elif line.startswith("import time:") and "self [us]" not in line:
            own, whole, name = line.removeprefix("import time:").split("|")
            found.append((int(own), f"{int(own) / 1000:8.1f} ms itself {int(whole) / 1000:8.1f} with what it imports"
                                    f"  {name.strip():45} {when}"))
    return [said for _, said in sorted(found, reverse=True)[:top]]


def main() -> None:
    """Fills, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--models", type=int, default=45)
    parser.add_argument("--profile", action="store_true", help="print which imports take longest")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"ASSAYDESK_HOME": folder, "XDG_CONFIG_HOME": folder, "QT_QPA_PLATFORM": "offscreen",
                       "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "PYTHONPYCACHEPREFIX": folder}
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # users have bytecode
        fill(Path(folder), asked.models)
        started(BARE), started(OURS)
        bare, ours = [], []
        for _ in range(asked.rounds):
            bare.append(started(BARE))
            ours.append(started(OURS))
        say(bare, ours)
        if asked.profile:
            print("\n" + "\n".join(slowest(OURS)))


def say(bare: list[Marks], ours: list[Marks]) -> None:
    """Print the medians and ratios."""
    def median(runs: list[Marks], what: str, which: int, since: str = "") -> float:
        return statistics.median(run[what][which] - (run[since][which] if since else 0) for run in runs)

    for name, runs, what in (("bare window painted", bare, "painted"), ("our window painted", ours, "painted"),
                             ("inventory read", ours, "loaded"), ("inventory usable", ours, "usable")):
        print(f"{name:40} {median(runs, what, 0):8,.0f} ms {median(runs, what, 1):8,.0f} ms of processor")
    print()
    ratios: tuple[tuple[str, Callable[[int], float]], ...] = (
        ("painted, ours ÷ bare", lambda which: median(ours, "painted", which) / median(bare, "painted", which)),
        ("the same from the first line of Python", lambda which: (
            median(ours, "painted", which, "begun") / median(bare, "painted", which, "begun"))))
    for name, ratio in ratios:
        print(f"{name:40} {ratio(0):8.2f} ×  {ratio(1):8.2f} × of processor   (goal 1.5)")
    print(f"{'inventory usable':40} {median(ours, 'usable', 0) / 1000:8.2f} s    (goal 1)")


if __name__ == "__main__":
    main()
