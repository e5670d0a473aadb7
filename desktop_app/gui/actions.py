"""Commands are a table: every one has an id, a title, perhaps a shortcut, a menu and a page.

The menu bar, the menu behind the wordmark and the command palette are all made from it, so nothing that can be
done is missing in one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

MENUS = ("File", "Go", "Do", "View", "Help")


class Action(NamedTuple):
    """One command. page: the page it belongs to ("" for the whole window); it is offered only there."""

    id: str
    title: str
    run: Callable[[], None]
    shortcut: str = ""
    menu: str = "Do"
    page: str = ""


class Actions:
    """The table of commands of one window, with the QAction of each."""

    def __init__(self, window: QWidget) -> None:
        self._window = window
        self._made: dict[str, tuple[Action, QAction]] = {}

    def add(self, actions: Iterable[Action]) -> None:
        """Add commands. Raises ValueError for an id or shortcut that is taken."""
        for action in actions:
            if action.id in self._made:
                raise ValueError(f"two commands are called {action.id!r}")
            taken = [a.id for a in self if action.shortcut and a.shortcut == action.shortcut
                     and (not a.page or not action.page or a.page == action.page)]
            if taken:
                raise ValueError(f"{action.shortcut} already runs {taken[0]!r}, not {action.id!r}")
            self._made[action.id] = (action, self._qaction(action))

    def _qaction(self, action: Action) -> QAction:
        made = QAction(self._window)
        made.setText(action.title.replace("&", "&&"))
        made.setShortcut(QKeySequence(action.shortcut))
        made.triggered.connect(lambda checked=False: action.run())
        self._window.addAction(made)  # so that the shortcut works without an open menu
        return made

    def __iter__(self) -> Iterator[Action]:
        return iter([action for action, _ in self._made.values()])

    def qaction(self, key: str) -> QAction:
        """The QAction of a command. Raises KeyError."""
        return self._made[key][1]

    def show_page(self, page: str) -> None:
        """Offer the commands of `page` and of the window, no others."""
        for action, made in self._made.values():
            offered = not action.page or action.page == page
            made.setEnabled(offered)
            made.setVisible(offered)

    def offered(self) -> tuple[Action, ...]:
        """What can be done now."""
        return tuple(action for action, made in self._made.values() if made.isEnabled())

    def menus(self, parent: QWidget) -> list[QMenu]:
        """One menu per group that has commands."""
        made = []
        for title in (*MENUS, *sorted({a.menu for a in self} - set(MENUS))):
            entries = [q for a, q in self._made.values() if a.menu == title]
            if entries:
                menu = QMenu(title, parent)
                menu.addActions(entries)
                made.append(menu)
        return made
