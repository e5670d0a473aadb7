"""The frame: rail, history, palette, footer, person menu, everything by keyboard and with a name."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from PySide6.QtCore import QByteArray, QEvent, QObject, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QMenu, QWidget

from desktop_app.domain.change import Change
from desktop_app.errors import Unreachable
from desktop_app.gui import theme
from desktop_app.gui.actions import Action, lettered, plain
from desktop_app.gui.main_window import MainWindow, PageSpec
from desktop_app.gui.page import Page
from desktop_app.gui.state import Acting, AppState, Hit, Standing
from desktop_app.gui.widgets.empty_state import EmptyState
from desktop_app.gui.widgets.prose import Run, words

ANN, BO = Acting(id="a", name="Ann", role="Owner"), Acting(id="b", name="Bo & Co", role="Validator")


class Recorder(Page):
    """Remembers what it loaded and showed."""

    kinds = frozenset({"finding"})

    def __init__(self, jobs, state, key, title, answer=lambda: "data"):
        self.key, self.title = key, title
        super().__init__(jobs, state)
        self.answer, self.loads, self.seen = answer, 0, []
        self.set_content(words("content"))

    def load(self, ws, progress):
        self.loads += 1
        return self.answer()

    def show_data(self, data):
        self.seen.append((data, self.arguments))
        self.set_subline(Run("3 overdue", "strong", "breached"), Run(" · 8 models", tone="muted"))

    def is_empty(self, data):
        return data == "empty"

    def empty_state(self):
        return EmptyState("No models yet", "Bring some in.", action=("Import", lambda: self.open("desk")))


def spec(key, title, group, **more):
    return PageSpec(key=key, title=title, group=group,
                    make=lambda jobs, state: Recorder(jobs, state, key, title, **more))


SPECS = [spec("desk", "My desk", 0), spec("inventory", "Inventory", 0), spec("findings", "Findings", 1),
         spec("version", "Model version", None)]


@pytest.fixture
def window(qtbot, jobs, settings):
    state = AppState()
    state.offer_people((ANN, BO))
    state.act_as(ANN)
    state.name_registry("Retail credit")
    made = MainWindow(
        jobs, state, pages=SPECS, settings=settings,
        search=lambda ws, typed: [Hit(title="Mortgage v3", detail="version", page="version", arguments={"id": typed})],
        standing=lambda ws, progress: Standing(
            counts={"findings": 7}, log=(("met", "Log verified"), ("breached", "A witness disagrees"))))
    qtbot.addWidget(made)
    with qtbot.waitActive(made):
        made.show()
        made.activateWindow()
    return made


def press(qtbot, window, key, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.keyClick(QApplication.focusWidget() or window, key, modifier)


def test_pages_are_made_when_opened_and_loaded_when_shown(window, finish):
    window.open_page("inventory")
    finish()
    assert list(window._pages) == ["inventory"]
    assert window.page.seen == [("data", {})]
    assert window.windowTitle().startswith("Inventory")
    assert window.rail.item("inventory").isChecked()


class Shown(QObject):
    """Remembers every window that appears, be it for a moment."""

    def __init__(self):
        super().__init__()
        self.windows = []

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.windows.append(repr(watched))
        return False


def test_no_other_window_flashes_up(window, qapp, finish):
    shown = Shown()
    qapp.installEventFilter(shown)
    for key in ("desk", "inventory", "version"):
        window.open_page(key)
        finish()
    window.page.answer = lambda: "empty"
    window.reload()
    finish()
    window.palette_list.open()
    qapp.removeEventFilter(shown)
    assert shown.windows == []


def test_keys_open_pages_and_walk_the_history(window, qtbot, finish):
    alt = Qt.KeyboardModifier.AltModifier
    press(qtbot, window, Qt.Key.Key_1, alt)
    press(qtbot, window, Qt.Key.Key_3, alt)
    assert window.page_key == "findings"
    window.open_page("version", id="v3")
    press(qtbot, window, Qt.Key.Key_Left, alt)
    assert window.page_key == "findings"
    press(qtbot, window, Qt.Key.Key_Right, alt)
    assert (window.page_key, window.page.arguments) == ("version", {"id": "v3"})
    for _ in range(5):
        press(qtbot, window, Qt.Key.Key_Left, alt)
    assert window.page_key == "desk"
    finish()


def test_arrow_keys_walk_the_rail(window, qtbot, finish):
    window.open_page("desk")
    window.rail.item("desk").setFocus()
    press(qtbot, window, Qt.Key.Key_Down)
    assert window.page_key == "inventory"
    press(qtbot, window, Qt.Key.Key_Down)
    assert window.page_key == "findings"
    finish()


def test_other_arguments_load_again_the_same_do_not(window, finish):
    for identity in ("v1", "v1", "v2"):
        window.open_page("version", id=identity)
        finish()
    assert [arguments for _, arguments in window.page.seen] == [{"id": "v1"}, {"id": "v2"}]


def test_a_change_reloads_visible_pages_at_once_and_hidden_ones_when_shown(window, qtbot, finish):
    window.open_page("findings")
    finish()
    window.open_page("inventory")
    finish()
    finding = Change(kinds=frozenset({"finding"}), subject="f", note="", seq=1)
    window.registry_changed(finding)
    window.registry_changed(Change(kinds=frozenset({"card"}), subject="c", note="", seq=2))
    finish()
    assert (window._pages["inventory"].loads, window._pages["findings"].loads) == (2, 1)
    window.open_page("findings")
    finish()
    assert window._pages["findings"].loads == 2


def test_what_a_job_writes_reaches_the_pages(window, jobs, finish):
    window.open_page("inventory")
    finish()
    jobs.run(window, lambda ws, progress: Change(kinds=frozenset({"finding"}), subject="f", note="", seq=1))
    finish()
    assert window.page.loads == 2


def test_loading_error_and_empty_have_a_state_each(window, qtbot, finish):
    def slow():
        time.sleep(0.4)
        return "data"

    page = window.open_page("inventory")
    finish()

    def panel():
        return page._panel.accessibleName() if page._panel else None

    page.answer = lambda: (_ for _ in ()).throw(Unreachable("Cannot be reached.", "No such folder.", "Check it."))
    page.reload()
    finish()
    assert panel() == "Cannot be reached."
    assert [b.text() for b in page._panel.findChildren(QAbstractButton)] == ["Try again"]
    page.answer = lambda: {}["a bug"]
    page.reload()
    finish()
    assert panel() == "This is a mistake of the program"
    page.answer = slow
    page.reload()
    qtbot.waitUntil(lambda: panel() == "")
    finish()
    assert panel() is None
    page.answer = lambda: "empty"
    page.reload()
    finish()
    assert panel() == "No models yet"
    qtbot.mouseClick(page._panel.findChild(QAbstractButton), Qt.MouseButton.LeftButton)
    assert window.page_key == "desk"
    finish()


def test_palette_finds_commands_and_things(window, qtbot, finish):
    window.open_page("desk")
    press(qtbot, window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert window.search_field.hasFocus()
    assert window.palette_list.isVisible()
    qtbot.keyClicks(window.search_field, "finD")
    titles = [entry.title for entry in window.palette_list._model.entries]
    assert titles == ["Findings"]
    qtbot.waitUntil(lambda: window.palette_list._model.entries[0].title == "Mortgage v3")
    press(qtbot, window, Qt.Key.Key_Return)
    assert (window.page_key, window.page.arguments) == ("version", {"id": "finD"})
    assert not window.palette_list.isVisible()
    assert window.search_field.text() == ""
    finish()


def test_enter_before_the_things_are_found_opens_the_first_of_them(window, qtbot, finish):
    window.open_page("desk")
    press(qtbot, window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(window.search_field, "finD")
    press(qtbot, window, Qt.Key.Key_Return)  # only the command “Findings” is shown yet
    qtbot.waitUntil(lambda: window.page_key == "version")
    assert window.page.arguments == {"id": "finD"}
    assert not window.palette_list.isVisible()
    finish()


def test_enter_is_forgotten_when_something_else_is_typed_and_kept_for_what_was_chosen_by_hand(window, qtbot, finish):
    window.open_page("desk")
    press(qtbot, window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(window.search_field, "fi")
    press(qtbot, window, Qt.Key.Key_Return)
    qtbot.keyClicks(window.search_field, "nD")
    qtbot.waitUntil(lambda: window.palette_list._model.entries[0].title == "Mortgage v3")
    assert window.page_key == "desk"
    window.search_field.clear()
    qtbot.keyClicks(window.search_field, "theme")
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Return):
        press(qtbot, window, key)
    assert theme.current() == "light"
    finish()


def test_palette_walks_with_arrows_and_escape_leaves(window, qtbot, finish):
    window.open_page("desk")
    press(qtbot, window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(window.search_field, "theme")
    press(qtbot, window, Qt.Key.Key_Down)
    press(qtbot, window, Qt.Key.Key_Down)
    press(qtbot, window, Qt.Key.Key_Return)
    assert theme.current() == "dark"
    press(qtbot, window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    press(qtbot, window, Qt.Key.Key_Escape)
    assert not window.palette_list.isVisible()
    finish()


def test_every_command_is_in_the_menu_and_in_the_palette(window):
    menu = QMenu(window)
    in_menus = {plain(a.text()) for group in window.actions_table.menus(menu) for a in group.actions()}
    assert in_menus == {a.title for a in window.actions_table}
    assert {a.title for a in window.actions_table.offered()} == in_menus


def test_commands_of_a_page_are_offered_there_only(window, finish):
    ran = []
    window.add_commands([Action(id="raise", title="Raise a finding", shortcut="Ctrl+R", page="findings",
                                run=lambda: ran.append(1))])
    window.open_page("desk")
    assert "raise" not in {a.id for a in window.actions_table.offered()}
    window.open_page("findings")
    window.actions_table.qaction("raise").trigger()
    assert ran == [1]
    for twice in (Action(id="raise", title="x", run=print), Action(id="x", title="x", shortcut="F5", run=print)):
        with pytest.raises(ValueError, match=r"two commands|already runs"):
            window.add_commands([twice])
    finish()


def test_counts_and_the_state_of_the_log_are_shown(window, finish):
    window.refresh_standing()
    finish()
    assert window.rail.item("findings").accessibleName() == "Findings, 7 waiting"
    said = [window._log.itemAt(n).widget().text() for n in range(window._log.count())]
    assert said == ["✓ Log verified", "! A witness disagrees"]
    window.show_reachable(False)
    assert window._log.itemAt(0).widget().text().startswith("! The registry cannot be read")


def test_the_person_menu_changes_person_theme_and_text(window, qtbot, settings):
    assert window.person.text() == "Ann · Owner"
    window.open_person_menu()
    menu = next(m for m in window.findChildren(QMenu) if m.isVisible())
    entries = {a.text(): a for a in menu.actions()}
    assert entries["Ann · Owner"].isChecked()
    entries["Bo && Co · Validator"].trigger()
    assert window.person.text() == "Bo && Co · Validator"
    entries["Theme: high contrast"].trigger()
    entries["Larger text"].trigger()
    assert (theme.shown(), theme.scale()) == ("high_contrast", 1.15)
    assert (settings["theme"], settings["text_scale"]) == ("high_contrast", 1.15)
    menu.close()


def test_the_tray_lists_what_runs_and_stops_it(window, jobs, qtbot, finish):
    def work(ws, progress):
        while True:
            progress.step(0.62, "resampling")
            time.sleep(0.005)

    jobs.run(window, work, title="bias report")
    qtbot.waitUntil(lambda: window.job_tray.text() == "1 job running: bias report, 62 %")
    qtbot.mouseClick(window.job_tray, Qt.MouseButton.LeftButton)
    rows = window.job_tray._list
    assert rows.isVisible()
    qtbot.mouseClick(rows.findChild(QAbstractButton), Qt.MouseButton.LeftButton)
    finish()
    qtbot.waitUntil(lambda: not rows.isVisible())
    assert not window.job_tray.isVisible()


def test_a_window_opened_first_is_no_larger_than_the_screen(window):
    screen = window.screen().availableSize()
    assert window.height() < screen.height()
    assert window.width() <= max(screen.width(), window.minimumWidth())


def test_the_place_of_the_window_is_remembered(window, jobs, settings):
    window.resize(800, 650)  # the offscreen screen is no wider
    window.close()
    assert isinstance(settings["geometry"], QByteArray)
    other = MainWindow(jobs, AppState(), pages=SPECS, settings=settings)
    assert (other.width(), other.height()) == (800, 650)
    other.deleteLater()


def test_everything_that_takes_the_focus_has_a_name(window, finish):
    window.open_page("inventory")
    finish()
    nameless = []
    for widget in window.findChildren(QWidget):
        if widget.isVisible() and widget.focusPolicy() != Qt.FocusPolicy.NoFocus:
            spoken = QAccessible.queryAccessibleInterface(widget)
            if not spoken.text(QAccessible.Text.Name):
                nameless.append(widget)
    assert nameless == []
    assert QAccessible.queryAccessibleInterface(window.rail.item("desk")).role() in (
        QAccessible.Role.RadioButton, QAccessible.Role.CheckBox, QAccessible.Role.PushButton, QAccessible.Role.Button)


def test_tab_reaches_the_rail_and_never_gets_stuck(window, qtbot, finish):
    window.open_page("desk")
    finish()
    seen = []
    window.wordmark.setFocus()
    for _ in range(12):
        press(qtbot, window, Qt.Key.Key_Tab)
        seen.append(QApplication.focusWidget())
    assert window.person in seen
    assert window.rail.item("desk") in seen
    assert not any(isinstance(widget, QLineEdit) for widget in seen)  # Ctrl+K leads there


def test_the_focus_is_visible(window, qtbot, finish):
    window.open_page("desk")
    finish()
    for widget in (window.rail.item("desk"), window.person, window.wordmark):
        window.search_field.setFocus()
        window.palette_list.hide()
        before = widget.grab().toImage()
        widget.setFocus()
        assert widget.grab().toImage() != before


def test_every_entry_of_a_menu_has_a_letter_of_its_own_or_a_key(window, finish):
    window.open_page("inventory")
    finish()
    window.page.add_button("Import && check…", window.reload)
    gone = window.page.add_button("Not now", window.reload)
    gone.setEnabled(False)
    holder = QMenu(window)
    menus = window.actions_table.menus(holder, window._doable())
    assert "Import & check…" in {plain(a.text()) for menu in menus for a in menu.actions()}
    assert "Not now" not in {plain(a.text()) for menu in menus for a in menu.actions()}
    for entries in ([menu.menuAction() for menu in menus], *[menu.actions() for menu in menus]):
        letters = [a.text().replace("&&", "").partition("&")[2][:1].casefold() for a in entries]
        assert all(letter or a.shortcut().toString() for letter, a in zip(letters, entries, strict=True))
        assert len(set(filter(None, letters))) == len(list(filter(None, letters)))


def test_letters_are_the_first_free_ones():
    assert lettered(["Find", "Forward", "My fork", "R&D", "f", "–"]) == [
        "&Find", "F&orward", "&My fork", "&R&&D", "f", "–"]


def test_what_a_button_of_the_page_does_is_found_by_name(window, finish):
    window.open_page("inventory")
    finish()
    done = []
    window.page.add_button("Import…", lambda: done.append("imported"))
    next(action for action in window._to_find() if action.title == "Import…").run()
    assert done == ["imported"]


@pytest.mark.parametrize("width", [800, 1000, 1440])
def test_nothing_in_the_top_bar_covers_anything_else(window, qtbot, width):
    window.state.name_registry("The registry of the models of a bank with a very long name indeed")
    window.resize(width, 560)
    bar = window._top
    qtbot.waitUntil(lambda: bar.width() == width)
    parts = [bar._left, bar.search_field, bar._registry, bar.person]
    edges = [(part.geometry().left(), part.geometry().right()) for part in parts]
    assert all(before[1] < after[0] for before, after in pairwise(edges))
    assert edges[-1][1] < width
    assert bar.search_field.width() >= 220
    assert ("a bank with a very long name" in bar._registry.toolTip()) == bar._registry.text().endswith("…")
