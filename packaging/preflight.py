"""Says in plain words what a machine lacks: before the install the Python version, after it Qt's system libraries."""

from __future__ import annotations

import subprocess
import sys

NEEDED = {
    "libEGL.so.1": "libegl1", "libGL.so.1": "libgl1", "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1", "libxcb-cursor.so.0": "libxcb-cursor0", "libxkbcommon-x11.so.0":
    "libxkbcommon-x11-0", "libxcb-icccm.so.4": "libxcb-icccm4", "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libgomp.so.1": "libgomp1", "libglib-2.0.so.0": "libglib2.0-0", "libxcb-image.so.0": "libxcb-image0",
    "libxcb-render-util.so.0": "libxcb-render-util0", "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
}
FOR_A_SCREEN = ("xcb", "x11")  # not needed offscreen


def python_fits() -> bool:
    """Whether this Python is one that Assaydesk runs on."""
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return True
    print(f"Assaydesk needs Python 3.11 to 3.13; this is {sys.version.split()[0]}. "
          "Name another one: make demo PYTHON=python3.12", file=sys.stderr)
    return False


def missing_libraries() -> list[str]:
    """Debian packages of the system libraries that are not there (Linux only)."""
    import ctypes

    missing = []
    for library, package in NEEDED.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(package)
    return missing


def qt_starts() -> bool:
    """Whether Qt's widgets can be used, offscreen."""
    code = """
import os
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PySide6.QtWidgets import QApplication
QApplication([])
"""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def main() -> int:
    """Exit code 1 when something is missing that nothing works without."""
    if not python_fits():
        return 1
    if "--qt" not in sys.argv or not sys.platform.startswith("linux"):
        return 0
    missing = missing_libraries()
    if missing:
        print("Qt may need system libraries that are not here. On Debian or Ubuntu:\n"
              f"    sudo apt-get install -y {' '.join(missing)}", file=sys.stderr)
    if not qt_starts():
        print("Qt does not start without them.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
