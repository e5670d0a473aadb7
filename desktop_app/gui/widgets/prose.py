"""Words on the page, always as plain text: nothing a person typed is read as markup.

`paragraph` and `words` are labels (label.py). `Prose` sets runs of words in several fonts and colours on one flowing
line (a bold verdict in a sentence, a muted suffix after a title) without any markup language.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent, QTextCharFormat, QTextLayout, QTextOption
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop_app.gui import theme
from desktop_app.gui.widgets.label import paragraph, tip, words

__all__ = ["Prose", "Run", "paragraph", "words"]


@dataclass(frozen=True)
class Run:
    """Some words in one font role and one colour token."""

    text: str
    role: str = "body"
    tone: str = "ink"


class Prose(QWidget):
    """Runs of words that wrap as one paragraph."""

    def __init__(self, runs: tuple[Run, ...] = (), *, line_height: float = 1.4, parent: QWidget | None = None) -> None:
        """line_height: distance of lines as a multiple of the size of the first run's font."""
        super().__init__(parent)
        self._runs, self._line_height = runs, line_height
        self.most_lines = 0  # what does not fit into so many lines is cut and said in a tooltip; 0: nothing is
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme.changed.connect(self._reset)
        self._reset()

    def set_runs(self, *runs: Run) -> None:
        """Show these words instead."""
        self._runs = runs
        self._reset()

    def text(self) -> str:
        """All the words."""
        return "".join(run.text for run in self._runs)

    def _reset(self) -> None:
        self.setAccessibleName(self.text())
        self.updateGeometry()
        self.update()

    def _lay_out(self, width: float) -> tuple[QTextLayout, float, float]:
        """The layout at a width, its height and the width it uses."""
        made = self._lines(self.text(), width)
        while 0 < self.most_lines < made[0].lineCount():
            last = made[0].lineAt(self.most_lines - 1)
            units = made[0].text().encode("utf-16-le", "surrogatepass")
            end = 2 * (last.textStart() + last.textLength()) - 4
            made = self._lines(units[:end].decode("utf-16-le", "ignore").rstrip(" ,…") + "…", width)
        return made

    def _lines(self, text: str, width: float) -> tuple[QTextLayout, float, float]:
        first = self._runs[0].role if self._runs else "body"
        layout = QTextLayout(text.replace("\n", "\u2028"), theme.font(first))
        layout.setTextOption(QTextOption(Qt.AlignmentFlag.AlignLeft))
        layout.setFormats(self._formats())
        step = max(theme.font(first).pixelSize() * self._line_height, theme.metrics(first).height())
        y = used = 0.0
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(width)
            line.setPosition(QPointF(0.0, y + (step - line.height()) / 2))
            used = max(used, line.naturalTextWidth())
            y += step
        layout.endLayout()
        return layout, y, used

    def _formats(self) -> list[QTextLayout.FormatRange]:
        formats, start = [], 0
        for run in self._runs:
            one = QTextLayout.FormatRange()
            one.start, one.length = start, _utf16(run.text)
            look = QTextCharFormat()
            look.setFont(theme.font(run.role))
            look.setForeground(QColor(theme.colour(run.tone)))
            one.format = look
            formats.append(one)
            start += one.length
        return formats

    # --- Qt

    def sizeHint(self) -> QSize:
        _, height, used = self._lay_out(theme.px(720))
        return QSize(int(used) + 2, int(height) + 1)

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(60), int(self._lay_out(max(float(self.width()), 60.0))[1]) + 1)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return int(self._lay_out(float(width))[1]) + 1

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        cut = self.most_lines and self._lines(self.text(), float(self.width()))[0].lineCount() > self.most_lines
        self.setToolTip(tip(self.text()) if cut else "")

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        layout, height, _ = self._lay_out(float(self.width()))
        spare = (self.height() - height) / 2 if layout.lineCount() == 1 else 0.0
        layout.draw(painter, QPointF(0.0, max(0.0, spare)))
        painter.end()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()
        super().changeEvent(event)


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
