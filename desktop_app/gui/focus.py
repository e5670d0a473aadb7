"""Where the keyboard is, kept: a dialog gives it back, and a page that is filled again does not lose it.

Qt gives the keyboard to the next widget when the one that has it goes away; after the last comes the first of the
window, the wordmark. `Place` finds what took the place of a widget that is gone; `Keeper` watches a window for it.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from shiboken6 import isValid

from desktop_app.gui.page import Page


class Place:
    """A widget that has the keyboard, and how the one that takes its place is known: its page, kind and words."""

    def __init__(self, widget: QWidget) -> None:
        self._widget, self._kind, self._words = widget, type(widget), _words(widget)
        self.page: Page[object] | None = _page_of(widget)

    @property
    def gone(self) -> bool:
        """Whether it was taken away or hidden."""
        return not isValid(self._widget) or not self._widget.isVisible()

    def restore(self) -> None:
        """Give the keyboard back to it, to what took its place, or to the first thing of its page."""
        if not self.gone and self._widget.isEnabled():
            self._widget.setFocus()
        elif self.page is not None and isValid(self.page) and self.page.isVisible():
            alike = [w for w in self.page.findChildren(self._kind)
                     if w.isVisible() and w.isEnabled() and _words(w) == self._words]
            if alike:
                alike[0].setFocus()
            else:
                self.page.take_keyboard()


class Keeper(QObject):
    """Gives the keyboard back to the page shown when what had it there went away and something outside got it."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._place: Place | None = None
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._changed)

    def _changed(self, old: QWidget | None, new: QWidget | None) -> None:
        if new is None or new.window() is not self.parent():
            return
        place = self._place
        if place is not None and place.page is not None and place.gone and isValid(place.page) \
                and place.page.isVisible() and not place.page.isAncestorOf(new):
            QTimer.singleShot(0, self, lambda: self._give_back(place, new))
        else:
            self._place = Place(new)

    def _give_back(self, place: Place, went_to: QWidget) -> None:
        if isValid(went_to) and went_to.hasFocus():  # nobody moved it since
            place.restore()


def _words(widget: QWidget) -> str:
    return widget.text() if isinstance(widget, QAbstractButton) else widget.accessibleName()


def _page_of(widget: QWidget | None) -> Page[object] | None:
    while widget is not None and not isinstance(widget, Page):
        widget = widget.parentWidget()
    return widget
