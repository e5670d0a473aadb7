"""A statement as the document it is: serif, wide leading, on a white sheet, nothing else competing."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QFont, QResizeEvent, QTextBlockFormat, QTextCharFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QSizePolicy, QTextEdit, QWidget

from desktop_app.gui import theme

MEASURE = 640  # the widest line, in logical pixels: about 75 characters


class StatementSheet(QTextEdit):
    """Shows exactly the text given, first paragraph as the title. It is read, selected and copied, never edited."""

    def __init__(self, text: str = "", *, strong: tuple[str, ...] = (), parent: QWidget | None = None) -> None:
        """strong: words set in semibold wherever they stand (a name, a model): look only, the text stays as it is."""
        super().__init__(parent, readOnly=True)
        self._text, self._strong = "", strong
        self.setObjectName("statement_sheet")
        self.setAcceptRichText(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        self.setTabChangesFocus(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        theme.dress(self, "document")
        theme.changed.connect(self._set)
        self.show_text(text)

    @property
    def text(self) -> str:
        """The statement, byte for byte as it was given."""
        return self._text

    def show_text(self, text: str, strong: tuple[str, ...] | None = None) -> None:
        """Show another statement: a title line, then paragraphs separated by blank lines."""
        self._text = text
        self._strong = self._strong if strong is None else strong
        self.setAccessibleName("Statement to be signed: " + text.partition("\n")[0])
        self._set()

    def _set(self) -> None:
        """Set the text in type; it is never read as markup."""
        self.setPlainText(self._text.replace("\n\n", "\n"))
        step = theme.type_size("statement_line")
        document = self.document()
        document.setDocumentMargin(0)
        block = document.begin()
        first = True
        while block.isValid():
            cursor = QTextCursor(block)
            look = QTextBlockFormat()
            look.setLineHeight(step, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
            look.setBottomMargin(theme.M if first else theme.S)
            cursor.setBlockFormat(look)
            cursor.setBlockCharFormat(_letters(theme.font("title" if first else "statement")))
            cursor.select(QTextCursor.SelectionType.BlockUnderCursor)
            cursor.setCharFormat(_letters(theme.font("title" if first else "statement")))
            first, block = False, block.next()
        self._embolden()
        self.setTextCursor(QTextCursor(document))

    def _embolden(self) -> None:
        body = self.document().begin().next()
        for word in self._strong:
            cursor = QTextCursor(body) if body.isValid() else QTextCursor()
            flag = QTextDocument.FindFlag.FindCaseSensitively
            while word and not (cursor := self.document().find(word, cursor, flag)).isNull():
                cursor.setCharFormat(_letters(theme.font("statement_strong")))

    # --- Qt

    def sizeHint(self) -> QSize:
        """As tall as the statement; where there is less room, it scrolls."""
        return QSize(theme.px(MEASURE) + 2 * theme.XXL, round(self.document().size().height()) + 2 * theme.XXL)

    def loadResource(self, kind: int, name: QUrl | str) -> None:
        """Nothing is ever loaded for a text."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the measure readable: wide margins on a wide sheet."""
        side = max(theme.XL, (self.width() - theme.px(MEASURE)) // 2)
        self.setViewportMargins(side, theme.XXL, side - theme.S, theme.L)
        super().resizeEvent(event)
        self.updateGeometry()


def _letters(font: QFont) -> QTextCharFormat:
    letters = QTextCharFormat()
    letters.setFont(font)
    letters.setForeground(theme.colour("ink"))
    return letters
