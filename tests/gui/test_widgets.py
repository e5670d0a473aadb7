"""The parts pages are made of."""

from __future__ import annotations

import datetime as dt

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QImage, QPainter, QTextDocument
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton, QWidget

from desktop_app.domain.figure import Box, Curve, Dot, Figure, Line, Text
from desktop_app.domain.lineage import Edge, Graph, Node, NodeKind
from desktop_app.errors import Cancelled, Refused
from desktop_app.gui import show_error, theme
from desktop_app.gui.widgets.checklist import CheckItem, Checklist
from desktop_app.gui.widgets.chip import STATES, Chip
from desktop_app.gui.widgets.drop_line import dropped_files
from desktop_app.gui.widgets.facts_list import Fact, FactsList, digest_words
from desktop_app.gui.widgets.fields import date_field, day_of, labelled, number_field, passphrase_field
from desktop_app.gui.widgets.figure_view import FigureView, paint_figure
from desktop_app.gui.widgets.lineage_view import LineageView
from desktop_app.gui.widgets.prose import Prose, Run, paragraph
from desktop_app.gui.widgets.statement_sheet import StatementSheet

HOSTILE = "<b>bold</b> <img src='file:///etc/hostname'> & \u202e"


@pytest.fixture
def show(qtbot):
    def shown(widget, width=600, height=400):
        qtbot.addWidget(widget)
        widget.resize(width, height)
        widget.show()
        return widget
    return shown


# --- words


def test_paragraphs_are_plain_text(show):
    label = show(paragraph(HOSTILE))
    assert label.textFormat() == Qt.TextFormat.PlainText
    assert label.text() == HOSTILE


def test_prose_wraps_sets_runs_and_says_everything(show):
    prose = show(Prose((Run("Under 25 is undetermined 🙂. ", "strong"), Run("cannot tell " * 30, tone="undetermined"))))
    assert prose.accessibleName().startswith("Under 25 is undetermined 🙂. cannot")
    assert prose.heightForWidth(200) > prose.heightForWidth(600) > prose.heightForWidth(5000)
    formats = prose._formats()
    assert [(f.start, f.length) for f in formats][1][0] == len("Under 25 is undetermined 🙂. ") + 1  # UTF-16
    assert formats[0].format.font().weight() == 600
    assert formats[1].format.foreground().color() == theme.colour("undetermined")


def test_prose_follows_the_theme(show, qapp):
    prose = show(Prose((Run("words"),)))
    light = prose.grab().toImage()
    theme.apply(qapp, "dark", 1.3)
    prose.resize(600, 400)
    assert prose.grab().toImage() != light


# --- chips


@pytest.mark.parametrize("state", STATES)
def test_chips_are_never_colour_alone(show, state):
    chip = show(Chip(state, "2 of 3"))
    assert chip.accessibleName().startswith("2 of 3")
    if state not in ("note", "reported"):
        assert STATES[state][2]
    assert not chip.grab().isNull()


def test_an_unknown_verdict_is_refused():
    with pytest.raises(KeyError):
        Chip("excellent", "x")


# --- statement


STATEMENT = f"Approval of the use of a model\n\nI, Maya Okafor, approve {HOSTILE}.\n\nOpen: F-118."


def test_the_statement_is_shown_as_it_is_and_never_as_markup(show):
    sheet = show(StatementSheet(STATEMENT, strong=("Maya Okafor", "F-118")))
    assert sheet.text == STATEMENT
    assert sheet.toPlainText() == STATEMENT.replace("\n\n", "\n")
    assert sheet.loadResource(QTextDocument.ResourceType.ImageResource.value, QUrl("file:///etc/hostname")) is None
    assert sheet.isReadOnly()
    assert "Approval of the use of a model" in sheet.accessibleName()


def test_the_statement_is_set_in_the_type_of_a_document(show, qapp):
    sheet = show(StatementSheet(STATEMENT, strong=("Maya Okafor",)))
    title, body = sheet.document().begin(), sheet.document().begin().next()
    assert (title.charFormat().font().family(), title.charFormat().font().pixelSize()) == ("IBM Plex Serif", 22)
    assert body.blockFormat().lineHeight() == 27
    weights = {f.text(): f.charFormat().font().weight() for f in _fragments(body)}
    assert weights["Maya Okafor"] == 600
    theme.apply(qapp, "dark", 1.5)
    assert sheet.document().begin().next().blockFormat().lineHeight() == round(27 * 1.5)
    assert sheet.text == STATEMENT


def _fragments(block):
    iterator = block.begin()
    while not iterator.atEnd():
        yield iterator.fragment()
        iterator += 1


def test_the_statement_can_be_copied_by_keyboard(show, qtbot):
    sheet = show(StatementSheet(STATEMENT))
    sheet.setFocus()
    qtbot.keyClick(sheet, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(sheet, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert "Maya Okafor" in QApplication.clipboard().text()


# --- facts


def test_facts_are_selectable_and_digests_are_copied_whole(show):
    digest = "19f03c77a1b852de0c4e" + "0" * 44
    facts = show(FactsList([
        Fact("Artefact", digest, "digest"), Fact("Policy", HOSTILE), Fact("State", "met", chip="met")]))
    labels = {label.text(): label for label in facts.findChildren(QLabel)}
    shown = labels["sha256 19f0 3c77 a1b8 52de 0c4e…"]
    assert digest in shown.accessibleName()
    shown.actions()[0].trigger()
    assert QApplication.clipboard().text() == digest
    assert labels[HOSTILE].textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse
    facts.show_facts([Fact("Only", "one")])
    assert {label.text() for label in facts.findChildren(QLabel)} == {"Only", "one"}


def test_a_short_digest_is_shown_whole():
    assert digest_words("abcd1234", 20) == "sha256 abcd 1234"


# --- checklist


ITEMS = [CheckItem(key="a", state="met", title="Validation report", sub="fit", note="12 Nov"),
         CheckItem(key="b", state="undetermined", title="Adverse impact ratio", takes_files=True),
         CheckItem(key="c", state="none", title="Not tested")]


@pytest.fixture
def checklist(show):
    made = show(Checklist(name="What the policy asks"))
    made.show_items(ITEMS)
    return made


def test_a_line_is_chosen_by_mouse_and_arrows(checklist, qtbot):
    chosen = []
    checklist.chosen.connect(chosen.append)
    qtbot.mouseClick(checklist.line("a"), Qt.MouseButton.LeftButton)
    checklist.line("a").setFocus()
    qtbot.keyClick(checklist.line("a"), Qt.Key.Key_Down)
    assert chosen == ["a", "b"]
    assert checklist.current == "b"
    checklist.show_items(ITEMS)
    assert checklist.current == "b"
    assert chosen == ["a", "b"]
    assert checklist.line("a").accessibleName() == "Validation report: met"
    assert not checklist.grab().isNull()


def test_only_files_are_taken_from_what_is_dropped(tmp_path):
    file = tmp_path / "report.pdf"
    file.write_bytes(b"%PDF")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(file)), QUrl.fromLocalFile(str(tmp_path)), QUrl("https://example.org/a.pdf"),
                  QUrl.fromLocalFile(str(tmp_path / "gone.pdf"))])
    assert dropped_files(data) == (file,)


def test_documents_reach_the_line_by_drop_and_by_enter(checklist, qtbot, tmp_path, monkeypatch):
    from PySide6.QtGui import QDragEnterEvent, QDropEvent
    from PySide6.QtWidgets import QFileDialog

    file = tmp_path / "report.pdf"
    file.write_bytes(b"%PDF")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(file))])
    got, line = [], checklist.line("b")
    checklist.dropped.connect(lambda key, paths: got.append((key, paths)))
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(line, QDragEnterEvent(line.rect().center(), copy, data, left, none))
    assert line.waits_for_drop
    QApplication.sendEvent(line, QDropEvent(QPointF(9, 9), copy, data, left, none))
    assert not line.waits_for_drop
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *a, **k: ([str(file)], ""))
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert got == [("b", (file,))] * 2
    assert not checklist.line("a").acceptDrops()


# --- figures and lineage


def test_a_figure_is_painted_in_the_colours_of_its_tokens(qapp):
    figure = Figure(width=60, height=40, alt="a test", marks=(
        Box(x=0, y=0, width=60, height=40, fill="sheet"), Box(x=2, y=2, width=10, height=10, fill="breached"),
        Line(x1=0, y1=30, x2=60, y2=30, colour="met", width=4), Dot(x=40, y=10, radius=6, colour="accent"),
        Curve(x1=0, y1=20, x2=60, y2=20, colour="undetermined", width=3), Text(x=30, y=39, text="n", anchor="middle"),
        Line(x1=0, y1=36, x2=60, y2=36, dashed=True)))
    for name in ("light", "dark"):
        theme.apply(qapp, name)
        image = QImage(60, 40, QImage.Format.Format_RGB32)
        painter = QPainter(image)
        paint_figure(painter, figure, QPointF(0, 0))
        painter.end()
        for (x, y), token in {(7, 7): "breached", (30, 30): "met", (40, 10): "accent", (30, 20): "undetermined",
                              (50, 5): "sheet"}.items():
            assert image.pixelColor(x, y) == theme.colour(token), token


def test_a_figure_view_says_its_words_and_shrinks_to_its_room(show):
    view = show(FigureView(Figure(width=300, height=100, marks=(), alt="AUC .87 over time")))
    assert view.accessibleName() == "AUC .87 over time"
    assert (view.heightForWidth(300), view.heightForWidth(150)) == (101, 51)


NODES = [("data", 0, 0), ("other", 0, 100), ("run", 200, 0), ("version", 400, 0)]


def graph():
    boxes = {k: Box(x=x, y=y, width=160, height=46, fill="sheet", stroke="accent") for k, x, y in NODES}
    edges = (Edge(effect="run", relation="used", cause="data"),
             Edge(effect="version", relation="generated_by", cause="run"))
    marks = [*boxes.values(), *(Text(x=x + 12, y=y + 20, text=k) for k, x, y in NODES),
             Curve(x1=160, y1=23, x2=200, y2=23), Curve(x1=360, y1=23, x2=400, y2=23)]
    nodes = tuple(Node(key=k, kind=NodeKind.RUN, name=k, detail="d") for k, _, _ in NODES)
    return Graph(nodes=nodes, edges=edges), Figure(width=560, height=146, marks=tuple(marks), alt="Lineage"), boxes


@pytest.fixture
def lineage(show):
    view = show(LineageView(), 800, 400)
    view.show_graph(*graph())
    return view


def test_arrows_walk_from_node_to_node_and_enter_opens(lineage, qtbot):
    chosen, opened = [], []
    lineage.chosen.connect(chosen.append)
    lineage.opened.connect(opened.append)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left,
                Qt.Key.Key_Return, Qt.Key.Key_Left, Qt.Key.Key_Down, Qt.Key.Key_Escape):
        qtbot.keyClick(lineage, key)
    assert chosen == ["data", "run", "version", "run", "data", "other", ""]
    assert opened == ["run"]
    assert lineage.accessibleName() == "Lineage"


def test_a_click_chooses_a_double_click_opens_a_drag_pans(lineage, qtbot):
    chosen, opened = [], []
    lineage.chosen.connect(chosen.append)
    lineage.opened.connect(opened.append)
    place = _place(lineage, "run")
    qtbot.mouseClick(lineage, Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseDClick(lineage, Qt.MouseButton.LeftButton, pos=place)
    assert (chosen[0], opened) == ("run", ["run"])
    assert lineage.accessibleDescription() == "run, run, d"
    before = len(chosen)
    qtbot.mousePress(lineage, Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseMove(lineage, place + _point(50, 30))
    qtbot.mouseMove(lineage, place + _point(60, 40))
    qtbot.mouseRelease(lineage, Qt.MouseButton.LeftButton, pos=place + _point(60, 40))
    assert len(chosen) == before
    assert (_place(lineage, "run") - place).manhattanLength() > 40


def test_what_is_not_on_the_way_fades(lineage):
    plain = lineage.grab().toImage()
    lineage.choose("version")
    assert lineage._way == {"data", "run", "version"}
    faded = lineage.grab().toImage()
    corner = _place(lineage, "other") + _point(-80, 0)
    assert faded.pixelColor(corner) != plain.pixelColor(corner)


def test_zoom_and_fit_by_keyboard(lineage, qtbot):
    fitted = lineage._zoom
    qtbot.keyClick(lineage, Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
    assert lineage._zoom == pytest.approx(fitted * 1.25)
    qtbot.keyClick(lineage, Qt.Key.Key_Minus, Qt.KeyboardModifier.ControlModifier)
    for _ in range(40):
        qtbot.keyClick(lineage, Qt.Key.Key_Minus)
    assert lineage._zoom == 0.05
    lineage.pan(5000, 0)
    qtbot.keyClick(lineage, Qt.Key.Key_Home)
    assert lineage._zoom == fitted
    lineage.pan(5000, 0)
    lineage.choose("version")  # brought back into view
    assert lineage.rect().contains(_place(lineage, "version"))
    qtbot.keyClick(lineage, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert lineage.current == "version"


def _place(view, key):
    return (view._shift + view._boxes[key].center() * view._zoom).toPoint()


def _point(x, y):
    return QPointF(x, y).toPoint()


# --- fields and errors


def test_fields_are_labelled_and_give_back_what_was_set(show):
    day = date_field(dt.date(2027, 1, 15))
    form = show(labelled("First due", day, "the first report"))
    assert form.findChild(QLabel).buddy() is day
    assert (day.accessibleName(), day.text(), day_of(day)) == ("First due", "15 Jan 2027", dt.date(2027, 1, 15))
    assert number_field(40, 1, 31).value() == 31
    assert passphrase_field().echoMode() == QLineEdit.EchoMode.Password


def test_error_dialogs_say_title_detail_remedy(show, qtbot):
    dialog = show_error.error_dialog(None, Refused("You may not sign.", HOSTILE, "Ask another validator."))
    qtbot.addWidget(dialog)
    texts = [label.text() for label in dialog.findChildren(QLabel)]
    assert texts == ["You may not sign.", HOSTILE, "Ask another validator."]
    assert {label.textFormat() for label in dialog.findChildren(QLabel)} == {Qt.TextFormat.PlainText}


def test_a_bug_says_it_is_one_and_gives_the_report(qtbot):
    try:
        {}["nothing"]
    except KeyError as error:
        dialog = show_error.bug_dialog(None, error)
    qtbot.addWidget(dialog)
    button = next(b for b in dialog.findChildren(QPushButton) if b.text() == "Copy the report")
    button.click()
    report = QApplication.clipboard().text()
    assert "KeyError: 'nothing'" in report
    assert "Traceback" in report


def test_errors_are_shown_without_blocking_and_cancels_not_at_all(show, qtbot):
    parent = show(QLabel("page"))
    before = set(QApplication.topLevelWidgets())
    show_error.show_error(parent, Cancelled())
    assert set(QApplication.topLevelWidgets()) == before
    show_error.show_error(parent, Refused("No."))
    (dialog,) = set(QApplication.topLevelWidgets()) - before
    assert dialog.isVisible()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_a_tooltip_shows_what_was_typed_as_plain_text(show):
    from desktop_app.gui.pages.version_tabs.tab import button

    typed = "<img src='file:///x'>"
    facts = FactsList([Fact("Digest", typed, "digest")])
    checks = Checklist(name="Checks")
    checks.show_items([CheckItem(key="a", state="met", title="Documents", sub=typed)])
    pressed = button("New", lambda: None, said=typed)
    tips = [w.toolTip() for shown in (facts, checks, pressed) for w in (shown, *show(shown).findChildren(QWidget))
            if w.toolTip()]
    assert len(tips) >= 3
    for written in tips:
        page = QTextDocument()
        page.setHtml(written)
        assert page.toPlainText() == typed


def test_a_wheel_that_passes_over_a_field_changes_nothing(qtbot):
    from PySide6.QtCore import QPoint, QPointF
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QApplication, QComboBox

    from desktop_app.gui.widgets.fields import labelled

    box = QComboBox()
    box.addItems(["a", "b", "c"])
    holder = labelled("Letter", box)
    qtbot.addWidget(holder)
    holder.show()

    def wheel():
        QApplication.sendEvent(box, QWheelEvent(
            QPointF(5, 5), QPointF(5, 5), QPoint(0, -120), QPoint(0, -120), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False))

    wheel()
    assert box.currentText() == "a"
    box.setFocus()
    qtbot.waitUntil(box.hasFocus)
    wheel()
    assert box.currentText() == "b"
