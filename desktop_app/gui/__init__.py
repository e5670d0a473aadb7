"""The window. The only room that imports Qt.

Qt is imported here first: PySide6 then puts a function of its own in the place of `import`, which reads the source of
every module imported afterwards to see whether it uses `from __feature__ import …`. Nothing here does, so the usual
function is put back; what is imported on workers (SQL, pandas, shap) comes in a fifth faster.
"""

import builtins

_usual = builtins.__import__
import PySide6.QtCore  # noqa: E402, F401

builtins.__import__ = _usual
