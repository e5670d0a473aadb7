"""The idle lock: after some minutes without input the window hides what it shows and forgets who acts.

Jobs go on. Dialogs are put away with what was typed in them, and come back when the person who opened them acts
again. The passphrase of a key on this machine unlocks. It keeps an eye off an empty desk, no more: the registry's own
file and the keys are as safe as before, and nobody could have signed without a passphrase anyway.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QAccessible, QAccessibleEvent, QGuiApplication, QWindow
from PySide6.QtWidgets import QApplication, QDialog, QFrame, QGridLayout, QStackedWidget, QToolTip, QVBoxLayout, QWidget
from shiboken6 import isValid

from desktop_app.errors import UserError
from desktop_app.gui import theme
from desktop_app.gui.actions import Action
from desktop_app.gui.dialogs.form import Choice
from desktop_app.gui.jobs import Jobs, Lane
from desktop_app.gui.show_error import words as error_words
from desktop_app.gui.state import Acting, AppState
from desktop_app.gui.widgets.column import beside, button
from desktop_app.gui.widgets.fields import labelled, passphrase_field
from desktop_app.gui.widgets.prose import Prose, Run, paragraph

if TYPE_CHECKING:
    from desktop_app.gui.main_window import MainWindow

MINUTES = {0: "Never", 5: "After 5 minutes", 15: "After 15 minutes", 30: "After 30 minutes", 60: "After an hour"}
USUAL = 15
SETTING = "lock_after"  # minutes; 0: never
TITLE = "Locked – Assaydesk"
_INPUT = frozenset({
    QEvent.Type.KeyPress, QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.Wheel,
    QEvent.Type.TouchBegin, QEvent.Type.TouchUpdate, QEvent.Type.TabletPress, QEvent.Type.TabletMove})


class LockedPage(QWidget):
    """“Locked”, whose passphrase is asked for, the field. `unlock` is what the button and Enter do."""

    def __init__(self, unlock: Callable[[], None]) -> None:
        super().__init__()
        self.setAccessibleName("Locked")
        self.heading = Prose(line_height=1.3)
        self.note = paragraph("", "muted", selectable=False)
        self.who: Choice[Acting] = Choice()
        self.passphrase = passphrase_field()
        self.error = Prose(line_height=1.4)
        self.button = button("Unlock", unlock, primary=True)
        self._chooser = labelled("Who", self.who)
        self.passphrase.returnPressed.connect(unlock)
        inner = QFrame()
        inner.setFixedWidth(theme.px(360))
        column = QVBoxLayout(inner)
        column.setSpacing(theme.M)
        for part in (self.heading, self.note, self._chooser, labelled("Passphrase", self.passphrase), self.error,
                     beside(self.button)):
            column.addWidget(part)
        outer = QGridLayout(self)
        outer.addWidget(inner, 1, 1)
        for place, (across, down) in {0: (1, 2), 2: (1, 3)}.items():
            outer.setColumnStretch(place, across)
            outer.setRowStretch(place, down)

    def ask(self, was: Acting | None, people: tuple[Acting, ...]) -> None:
        """Ask anew: for the passphrase of who acted, or of somebody else with a key here."""
        self.heading.set_runs(Run("Locked. ", "title"), Run(was.name if was else "", "title_light", "muted"))
        self.note.setText("Running jobs go on. What was open or typed comes back"
                          + (f" when {was.name} acts again." if was and len(people) > 1 else "."))
        self.who.offer([(person, f"{person.name} · {person.role}") for person in people])
        self.who.choose(was)
        self._chooser.setVisible(len(people) > 1)
        self.passphrase.clear()
        self.passphrase.setAccessibleDescription(f"Locked. {was.name if was else ''}")
        self.say()
        self.passphrase.setFocus(Qt.FocusReason.OtherFocusReason)

    def say(self, title: str = "", detail: str = "") -> None:
        """Say what is wrong; nothing takes it back."""
        self.error.set_runs(*([Run(title, "strong", "breached"), Run(f"\n{detail}")] if title else []))
        self.error.setVisible(bool(title))
        if title:
            QAccessible.updateAccessibility(QAccessibleEvent(self.error, QAccessible.Event.Alert))

    def wait(self, waits: bool) -> None:
        """While the passphrase is looked at."""
        for part in (self.button, self.passphrase, self.who):
            part.setEnabled(not waits)
        if not waits:
            self.passphrase.selectAll()
            self.passphrase.setFocus(Qt.FocusReason.OtherFocusReason)


class IdleLock(QObject):
    """See the module. Made once, for a window that is shown."""

    def __init__(
        self, window: MainWindow, jobs: Jobs, state: AppState, act_as: Callable[[Acting | None], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """act_as: from now on somebody else acts, or nobody · clock: seconds; it goes on while a machine sleeps."""
        super().__init__(window)
        self._window, self._jobs, self._state, self._act_as, self._clock = window, jobs, state, act_as, clock
        self.locked = False
        self._was: Acting | None = None
        self._title = ""
        self._away: list[tuple[str, QDialog, QWidget | None]] = []  # whose, the dialog, what had the keyboard in it
        content = window.takeCentralWidget()
        assert content is not None
        self.page = LockedPage(self.unlock)
        self._stack = QStackedWidget()
        self._stack.addWidget(content)
        self._stack.addWidget(self.page)
        window.setCentralWidget(self._stack)
        self._last = clock()
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.look)
        QGuiApplication.instance().focusWindowChanged.connect(self._watch)  # type: ignore[union-attr]
        self._watch(window.windowHandle())
        state.acting_changed.connect(self._bring_back)
        window.add_commands([Action(id="lock", title="Lock now", menu="File", shortcut="Ctrl+L", run=self._lock_now)])
        self.set_minutes(self.minutes)

    # --- how long

    @property
    def minutes(self) -> int:
        """Minutes without input until it locks; 0: never."""
        try:
            found = int(self._window.settings.value(SETTING, USUAL))
        except (TypeError, ValueError):
            found = USUAL
        return found if found >= 0 else USUAL

    def set_minutes(self, minutes: int) -> None:
        """Lock after so many minutes from now on, and remember it."""
        if minutes != self.minutes:
            self._window.settings.setValue(SETTING, minutes)
        self._timer.stop()
        if minutes:
            self._timer.start(min(60_000 * minutes, 2**31 - 1))

    def look(self) -> None:
        """Lock when nobody did anything for long enough; else look again when that may be."""
        left = 60 * self.minutes - abs(self._clock() - self._last)
        if not self.minutes or self.locked:
            return
        if left <= 0 and self._state.people:
            self.lock()
        else:
            self._timer.start(max(1_000, round(1_000 * left)) if left > 0 else 60_000)

    def _watch(self, window: QWindow | None) -> None:
        if window is not None:
            window.removeEventFilter(self)  # once is enough
            window.installEventFilter(self)

    # --- locking

    def _lock_now(self) -> None:
        if not self._state.people:
            from desktop_app.gui.show_error import show_error

            show_error(self._window, UserError("The window cannot be locked.", "No key of anybody is on this machine: "
                                               "nobody could unlock it.", "Close the window instead."))
            return
        self.lock()

    def lock(self) -> None:
        """Hide what is shown and forget who acts."""
        if self.locked:
            return
        self.locked, self._was = True, self._state.acting
        while (popup := QApplication.activePopupWidget()) is not None:
            popup.close()
        QToolTip.hideText()
        if "palette_list" in vars(self._window):
            self._window.palette_list.close_list()
        for dialog in _dialogs():
            self._put_away(dialog)
        self._title = self._window.windowTitle()
        self._window.setWindowTitle(TITLE)
        self._window.actions_table.suspend(True)
        self._stack.setCurrentWidget(self.page)
        self.page.ask(self._was, self._state.people)
        application = QApplication.instance()
        assert application is not None
        application.installEventFilter(self)
        self._act_as(None)

    def _put_away(self, dialog: QDialog) -> None:
        if not isValid(dialog) or not dialog.isVisible():
            return
        whose = self._was.id if self._was else ""
        self._away.append((whose, dialog, dialog.focusWidget()))
        dialog.hide()
        dialog.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen, False)
        dialog.finished.connect(lambda code: self._forget(dialog))

    def _forget(self, dialog: QDialog) -> None:
        self._away = [kept for kept in self._away if kept[1] is not dialog]

    # --- unlocking

    def unlock(self) -> None:
        """Look at the passphrase typed; whose it is acts from now on."""
        who, passphrase = self.page.who.value, self.page.passphrase.text()
        if who is None or not passphrase or not self.page.button.isEnabled():
            return
        self.page.say()
        self.page.wait(True)

        def opens(ws: object) -> None:
            from desktop_app.operations import people

            people.recognise(ws, who.id, passphrase)  # type: ignore[arg-type]

        self._jobs.run(self.page, lambda ws, progress: opens(ws), then=lambda done: self._unlocked(who),
                       failed=self._refused, lane=Lane.UNLOCK)

    def _refused(self, error: Exception) -> None:
        self.page.wait(False)
        title, detail, remedy = error_words(error)
        self.page.say(title, "\n".join(part for part in (detail.replace("Nothing was signed.", "").strip(), remedy)
                                       if part))

    def _unlocked(self, who: Acting) -> None:
        self.page.wait(False)
        self.page.passphrase.clear()
        application = QApplication.instance()
        assert application is not None
        application.removeEventFilter(self)
        self.locked, self._last = False, self._clock()
        self._window.actions_table.suspend(False)
        self._window.setWindowTitle(self._title)
        self._act_as(who)  # before anything is shown: what loads now loads for them
        self._stack.setCurrentIndex(0)
        if self._was is None or who.id != self._was.id:
            self._window.reload_all()
        else:
            self._window.refresh_standing()
        self._bring_back()
        self.set_minutes(self.minutes)

    def _bring_back(self) -> None:
        """Show the dialogs of who acts again, with the keyboard where it was."""
        if self.locked:
            return
        whose = self._state.acting.id if self._state.acting else ""
        back = [kept for kept in self._away if kept[0] == whose]
        self._away = [kept for kept in self._away if kept[0] != whose]
        for _, dialog, focused in back:
            if isValid(dialog):
                dialog.show()
                if focused is not None and isValid(focused):
                    focused.setFocus(Qt.FocusReason.OtherFocusReason)

    # --- Qt

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Note input in a window of ours; while locked, let no dialog be seen and no title of a page."""
        if isinstance(watched, QWindow):
            return self._input(event)
        if self.locked and event.type() == QEvent.Type.Show and isinstance(watched, QDialog) and watched.isWindow():
            watched.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
            QTimer.singleShot(0, watched, lambda: self._put_away(watched))
        elif self.locked and event.type() == QEvent.Type.WindowTitleChange and watched is self._window \
                and self._window.windowTitle() != TITLE:
            self._title = self._window.windowTitle()
            self._window.setWindowTitle(TITLE)
        return False

    def _input(self, event: QEvent) -> bool:
        if event.type() not in _INPUT:
            return False
        now, limit = self._clock(), 60 * self.minutes
        late = bool(limit) and not self.locked and abs(now - self._last) >= limit and bool(self._state.people)
        if late:  # the machine slept past the time
            self.lock()
        self._last = now
        return late


def _dialogs() -> list[QDialog]:
    """The dialogs shown, those that others stand on first."""
    def depth(widget: QWidget | None) -> int:
        return 0 if widget is None else 1 + depth(widget.parentWidget())

    return sorted((w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()), key=depth)


__all__ = ["MINUTES", "IdleLock", "LockedPage"]
