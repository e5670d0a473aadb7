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
        self._page, self._suspended = "", False

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
        self._page = page
        for action, made in self._made.values():
            offered = not action.page or action.page == page
            made.setEnabled(offered and not self._suspended)
            made.setVisible(offered)

    def suspend(self, suspended: bool) -> None:
        """While the window is locked no command can be given, by a shortcut or otherwise."""
        self._suspended = suspended
        self.show_page(self._page)

    def offered(self) -> tuple[Action, ...]:
        """What can be done now."""
        return tuple(action for action, made in self._made.values() if made.isEnabled())

    def menus(self, parent: QWidget, here: Iterable[Action] = ()) -> list[QMenu]:
        """One menu per group that has commands, each with a letter of its own. here: what the page shown can do."""
        found: dict[str, list[QAction]] = {title: [] for title in MENUS}
        for action in here:
            entry = QAction(action.title.replace("&", "&&"), parent)
            entry.triggered.connect(lambda checked=False, run=action.run: run())
            found[action.menu].append(entry)
        for action, made in self._made.values():
            found.setdefault(action.menu, []).append(made)
        groups = {title: entries for title, entries in found.items() if entries}
        menus = [QMenu(said, parent) for said in lettered(groups)]
        for menu, entries in zip(menus, groups.values(), strict=True):
            for entry, said in zip(entries, lettered([plain(e.text()) for e in entries]), strict=True):
                entry.setText(said)
            menu.addActions(entries)
        return menus


def plain(text: str) -> str:
    """The words of an entry without the mark of its letter."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&")


def lettered(titles: Iterable[str]) -> list[str]:
    """Titles with an ampersand before the letter that chooses each: the first of a word, else any that is free."""
    taken: set[str] = set()
    said = []
    for title in titles:
        firsts = [n for n, c in enumerate(title) if not n or title[n - 1] == " "]
        free = [n for n in (*firsts, *range(len(title))) if title[n].isalnum() and title[n].casefold() not in taken]
        place = free[0] if free else len(title)
        taken.update(title[place:place + 1].casefold())
        before, after = (part.replace("&", "&&") for part in (title[:place], title[place:]))
        said.append(f"{before}&{after}" if free else before)
    return said
