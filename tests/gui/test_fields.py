"""Fields under their labels: every number stands off its frame."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QDoubleSpinBox, QSpinBox

from desktop_app.gui import theme
from desktop_app.gui.widgets.fields import labelled


@pytest.mark.parametrize("kind", [QSpinBox, QDoubleSpinBox])
def test_a_number_stands_off_its_frame(qtbot, kind):
    field = kind()
    holder = labelled("Number", field)
    qtbot.addWidget(holder)
    assert field.lineEdit().textMargins().left() == theme.S


def test_photographs_keep_quiet_about_hints_of_sizes_and_about_nothing_else(capsys):
    from desktop_app.gui.screens import _say

    _say(None, None, "This plugin does not support propagateSizeHints()")
    _say(None, None, "Could not parse stylesheet")
    assert capsys.readouterr().err == "Could not parse stylesheet\n"
