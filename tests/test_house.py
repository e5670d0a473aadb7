"""The house holds: imports go one way, Qt is in one room, the window starts light."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("sqlmodel", "sqlalchemy", "pandas", "numpy", "scipy", "sklearn", "fairlearn", "shap", "mlflow", "matplotlib",
         "pyarrow", "reportlab", "pikepdf", "xgboost", "lightgbm", "onnxruntime", "skops", "httpx", "openpyxl")


def test_imports_go_one_way():
    from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

    assert lint_imports(no_cache=True) == EXIT_STATUS_SUCCESS


def _loaded_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(','.join(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(filter(None, done.stdout.strip().split(",")))


def test_the_command_line_starts_light():
    assert _loaded_after("from desktop_app.cli import commands, main") == set()


def test_the_window_starts_without_a_heavy_module():
    code = "from desktop_app.gui import app, main_window\nfrom desktop_app.gui.pages import catalogue"
    assert _loaded_after(code) == set()
