"""What the whole window knows: who acts, which registry, what is selected. Truth lives in the registry.

What the first paint needs is a NamedTuple here and in the other files of the frame: it is made five times as fast as
a dataclass, of which a program that only opens its window needs none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from desktop_app.domain.canonical import Id


class Acting(NamedTuple):
    """The person who acts in this window, as shown at the top right."""

    id: Id
    name: str
    role: str  # the title of the role for a person: "Compliance officer"


class Standing(NamedTuple):
    """What the frame of the window says: numbers in the rail by page key, sentences about the log in the footer."""

    counts: Mapping[str, int]
    log: tuple[tuple[str, str], ...] = ()  # (state of widgets.chip.STATES, sentence)
    alarm: str = ""  # what stands across every page until it is over


class Hit(NamedTuple):
    """Something found: what it is called, what it is, and the page that shows it."""

    title: str
    detail: str
    page: str
    arguments: Mapping[str, Any]


class AppState(QObject):
    """Who acts, where, on what.

    Signals: `acting_changed` · `registry_changed` (its name) · `selected(key, value)`: something was chosen
    (`select("version", id)`), for pages that follow the selection · `log_verified`: the log was just verified
    · `log_recomputed(sentence)`: how far it was recomputed in the background.
    """

    acting_changed = Signal()
    registry_changed = Signal()
    selected = Signal(str, object)
    log_verified = Signal()
    log_recomputed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._acting: Acting | None = None
        self._people: tuple[Acting, ...] = ()
        self._registry = ""
        self._selection: dict[str, object] = {}

    @property
    def acting(self) -> Acting | None:
        """Who acts; None until the workspace is open."""
        return self._acting

    @property
    def people(self) -> tuple[Acting, ...]:
        """Who may act in this window: the choices of the person menu."""
        return self._people

    @property
    def registry(self) -> str:
        """The name of the registry, as people call it."""
        return self._registry

    def act_as(self, person: Acting | None) -> None:
        """From now on `person` acts."""
        if person != self._acting:
            self._acting = person
            self.acting_changed.emit()

    def offer_people(self, people: tuple[Acting, ...]) -> None:
        """Set the choices of the person menu."""
        self._people = people
        self.acting_changed.emit()

    def name_registry(self, name: str) -> None:
        """Show the name of the registry."""
        self._registry = name
        self.registry_changed.emit()

    def select(self, key: str, value: object) -> None:
        """Remember that `value` is the chosen `key` and tell who follows."""
        if self._selection.get(key) != value:
            self._selection[key] = value
            self.selected.emit(key, value)

    def selection(self, key: str) -> object | None:
        """The chosen `key`, or None."""
        return self._selection.get(key)
