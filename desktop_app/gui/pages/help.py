"""Help in the application: one page per task, read from resources/help as plain text."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QListWidget, QVBoxLayout, QWidget

from desktop_app.domain.canonical import record
from desktop_app.gui import theme
from desktop_app.gui.jobs import Jobs, Workspace
from desktop_app.gui.page import Page
from desktop_app.gui.state import AppState
from desktop_app.gui.widgets.column import Scrolling
from desktop_app.gui.widgets.prose import words
from desktop_app.progress import Progress

WIDEST = 640


@record
class Topic:
    """A help page: its title, and its text in paragraphs."""

    title: str
    paragraphs: tuple[str, ...]


def topics() -> tuple[Topic, ...]:
    """Every help page, in order."""
    from desktop_app.settings import resource

    found = []
    for path in sorted(resource("help").glob("*.txt")):
        title, _, text = path.read_text("utf-8").partition("\n")
        found.append(Topic(title=title, paragraphs=tuple(text.strip().split("\n"))))
    return tuple(found)


class HelpPage(Page[tuple[Topic, ...]]):
    """Topics at the left, the text of the chosen one at the right. Needs no registry."""

    key, title = "help", "Help"

    def __init__(self, jobs: Jobs, state: AppState, parent: QWidget | None = None) -> None:
        super().__init__(jobs, state, parent)
        self._topics: tuple[Topic, ...] = ()
        self.topics = QListWidget()
        self.topics.setAccessibleName("Topics")
        self.topics.setFixedWidth(theme.px(260))
        self.topics.currentRowChanged.connect(self._show)
        self._area = Scrolling(name="The topic")
        content = QWidget()
        row = QHBoxLayout(content)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.XL)
        row.addWidget(self.topics)
        row.addWidget(self._area, 1)
        self.set_content(content)

    def load(self, ws: Workspace, progress: Progress) -> tuple[Topic, ...]:
        """Read the files."""
        return topics()

    def show_data(self, data: tuple[Topic, ...]) -> None:
        """List the topics; keep the one that is open."""
        row = max(0, self.topics.currentRow())
        self._topics = data
        self.topics.clear()
        self.topics.addItems([topic.title for topic in data])
        self.topics.setCurrentRow(row)

    def _show(self, row: int) -> None:
        if not 0 <= row < len(self._topics):
            return
        topic, sheet = self._topics[row], QWidget()
        column = QVBoxLayout(sheet)
        column.setContentsMargins(0, 0, theme.L, theme.L)
        column.setSpacing(theme.S)
        column.addWidget(words(topic.title, "section"))
        for before, text in zip(("", *topic.paragraphs), topic.paragraphs, strict=False):
            column.addWidget(_paragraph(text, heading=not before and _is_heading(text)))
        column.addStretch(1)
        self._area.setWidget(sheet)


def _is_heading(text: str) -> bool:
    return len(text) < 50 and not text.endswith((".", ":")) and "·" not in text


def _paragraph(text: str, *, heading: bool) -> QLabel:
    made = words(text, "strong" if heading else "body")
    made.setWordWrap(True)
    made.setMaximumWidth(theme.px(WIDEST))
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse
                                 | Qt.TextInteractionFlag.TextSelectableByKeyboard)
    return made
