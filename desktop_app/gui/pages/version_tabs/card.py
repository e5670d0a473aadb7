"""Card: read by section, edited as a form, saved as a revision; drafts survive a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from desktop_app.domain.audit import Recorded
from desktop_app.domain.canonical import Id, day_text
from desktop_app.domain.card import CardField, CardRevision, Completeness, completeness
from desktop_app.gui import theme
from desktop_app.gui.dialogs.drafts import Draft
from desktop_app.gui.jobs import Workspace
from desktop_app.gui.pages.version_tabs.card_form import CardForm
from desktop_app.gui.pages.version_tabs.short_table import ShortTable
from desktop_app.gui.pages.version_tabs.tab import (
    READING,
    ColumnTab,
    Loaded,
    Tab,
    button,
    buttons,
    nothing,
    say,
    section,
)
from desktop_app.gui.record_table import Column
from desktop_app.gui.widgets.chip import Chip
from desktop_app.gui.widgets.prose import paragraph
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from desktop_app.gui.pages.version import VersionPage

Revisions = tuple[Recorded[CardRevision], ...]
USUAL_TIER = 1  # what completeness is told against where no tier is set


class CardTab(Tab):
    """See the module."""

    title, letter, reads = "Card", "C", True

    def __init__(self, page: VersionPage) -> None:
        super().__init__(page)
        self.reading = Reading(page, self)
        self.form = CardForm(self.save, self.discard)
        self.form.edited.connect(self._keep_draft)
        self._revisions: Revisions = ()
        self._fields: tuple[CardField, ...] = ()
        self._draft: Draft | None = None
        self._drafted: dict[str, Any] = {}
        self._edited_version = Id("")
        self._seen = 0
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.reading)
        self._stack.addWidget(self.form)

    # --- loading

    def load(self, ws: Workspace, progress: Progress, loaded: Loaded) -> tuple[tuple[CardField, ...], Revisions]:
        """The fields of a card, and its revisions, newest first."""
        from desktop_app.operations import cards

        return cards.definition(), cards.revisions(ws, loaded.version)

    def show_data(self, loaded: Loaded, data: tuple[tuple[CardField, ...], Revisions]) -> None:
        """The newest revision to read. A form that is being filled in stays."""
        self._fields, self._revisions = data
        if self.editing and self._edited_version == loaded.version:
            self.form.note_newer(self._revisions[0] if self._newest > self._seen else None, loaded.view.names)
            return
        self._stack.setCurrentWidget(self.reading)
        self._draft = Draft(self.jobs, self.page, f"card-{loaded.version}")
        self._draft.load(self._found_draft)

    def _found_draft(self, kept: dict[str, Any]) -> None:
        self._drafted = kept if isinstance(kept.get("texts"), dict) else {}
        self._read()

    def _read(self) -> None:
        assert self.loaded is not None
        self.reading.show_card(self.loaded, self._fields, self._revisions, bool(self._drafted))

    @property
    def editing(self) -> bool:
        """Whether the form is shown."""
        return self._stack.currentWidget() is self.form

    @property
    def _newest(self) -> int:
        return self._revisions[0].record.revision if self._revisions else 0

    # --- editing

    def edit(self) -> None:
        """Fill the form with the newest revision."""
        newest = self._revisions[0].record if self._revisions else None
        self._open_form({p.key: p.value for p in newest.fields} if newest else {}, self._newest)

    def continue_draft(self) -> None:
        """Fill the form with the draft that was kept."""
        texts = {str(k): str(v) for k, v in self._drafted["texts"].items()}
        self._open_form(texts, int(self._drafted.get("seen", 0)))

    def _open_form(self, texts: dict[str, str], seen: int) -> None:
        assert self.loaded is not None
        self._seen, self._edited_version = seen, self.loaded.version
        tier = self.loaded.view.tier or USUAL_TIER
        self.form.show_fields(self._fields, texts, tier)
        if self._newest > seen:
            self.form.note_newer(self._revisions[0], self.loaded.view.names)
        self._stack.setCurrentWidget(self.form)
        self.form.focus_first()

    def _keep_draft(self) -> None:
        if self._draft is not None:
            self._draft.save({"texts": self.form.texts(), "seen": self._seen})

    def discard(self) -> None:
        """Back to reading, without the draft."""
        self.forget_draft()
        self._stack.setCurrentWidget(self.reading)
        self._read()

    def forget_draft(self) -> None:
        """The draft is not wanted any more."""
        self._drafted = {}
        self.form.quiet()
        if self._draft is not None:
            self._draft.forget()

    def drop_draft(self) -> None:
        """Forget the draft that was found, and say so by showing the card without it."""
        self.forget_draft()
        self._read()

    def save(self) -> None:
        """Ask for a note and whether the change is editorial, then save a revision."""
        from desktop_app.gui.dialogs.save_card import SaveCard

        dialog = SaveCard(self.jobs, self._edited_version, self.form.texts(), self._seen, parent=self)
        dialog.succeeded.connect(self._saved)
        dialog.open()

    def _saved(self, change: object) -> None:
        self.forget_draft()
        self._stack.setCurrentWidget(self.reading)
        self.refresh()

    def compare(self) -> None:
        """Two revisions side by side."""
        from desktop_app.gui.pages.version_tabs.card_compare import CompareRevisions

        assert self.loaded is not None
        CompareRevisions(self._fields, self._revisions, self.loaded.view.names, parent=self).open()


class Reading(ColumnTab):
    """The card as a document: sections and fields at the left, how complete it is and its revisions at the right."""

    title = "Card, to read"

    def __init__(self, page: VersionPage, tab: CardTab) -> None:
        super().__init__(page)
        self._tab = tab

    def show_card(self, loaded: Loaded, fields: tuple[CardField, ...], revisions: Revisions, drafted: bool) -> None:
        """Show the newest revision, or what an empty card asks for."""
        self.begin()
        if drafted:
            self._show_draft_notice()
        newest = revisions[0].record if revisions else None
        if newest is None:
            self.column.addWidget(nothing(
                "This version has no card yet", "The card is the structured documentation of the version: purpose, "
                "data, method, limits. Every save is a revision.",
                button("Write the card…", self._tab.edit, primary=True)), 1)
            return
        left, right = self.halves()
        tier = loaded.view.tier or USUAL_TIER
        full = completeness(newest, fields, tier)
        _show_fields(left, fields, newest, tier)
        left.addStretch(1)
        self._show_standing(right, full, tier)
        self._show_revisions(right, revisions, loaded.view.names)
        right.addStretch(1)

    def _show_draft_notice(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(theme.S)
        row.addWidget(Chip("attention", "draft"))
        row.addWidget(paragraph("What was typed and not saved has been kept on this machine.", selectable=False))
        row.addWidget(button("Continue editing", self._tab.continue_draft))
        row.addWidget(button("Discard the draft", self._tab.drop_draft))
        row.addStretch(1)
        self.column.addLayout(row)

    def _show_standing(self, column: QVBoxLayout, full: Completeness, tier: int) -> None:
        section(column, f"{full.filled} of {full.required} fields", f"that tier {tier} asks for are filled.")
        if full.missing:
            say(column, f"Empty: {', '.join(full.missing)}.", "undetermined")
        buttons(column, button("Edit the card…", self._tab.edit, primary=True))

    def _show_revisions(self, column: QVBoxLayout, revisions: Revisions, names: dict[Id, str]) -> None:
        section(column, "Revisions")
        table = ShortTable([
            Column(key="revision", title="No.", text=lambda r: str(r.record.revision), align="right", width=44),
            Column(key="note", title="What changed", text=lambda r: r.record.note or "no note", width=150, stretch=1,
                   second=lambda r: f"{names.get(r.by, '')}, {day_text(r.at.date())}"
                   + (", editorial" if r.record.editorial else "")),
        ], revisions, name="Revisions of the card", dense=False, most=8)
        table.opened.connect(lambda revision: self._tab.compare())
        column.addWidget(table)
        if len(revisions) > 1:
            buttons(column, button("Compare revisions…", self._tab.compare))


def _show_fields(column: QVBoxLayout, fields: tuple[CardField, ...], newest: CardRevision, tier: int) -> None:
    shown = ""
    for field in fields:
        text, asked = newest.text(field.key), tier in field.tiers
        if not text and not asked:
            continue
        if field.section != shown:
            shown = field.section
            section(column, shown)
        column.addWidget(_field(field.label, text, tier))
    empty_ones = [f.label for f in fields if not newest.text(f.key) and tier not in f.tiers]
    if empty_ones:
        column.addSpacing(theme.S)
        say(column, f"Not filled, and not asked for in tier {tier}: {', '.join(empty_ones)}.", "note")


def _field(label: str, text: str, tier: int) -> QWidget:
    holder = QWidget()
    holder.setMaximumWidth(theme.px(READING))
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2)
    column.addWidget(paragraph(label, "note"))
    column.addWidget(paragraph(text) if text else paragraph(f"Empty; tier {tier} asks for it.", "undetermined"))
    return holder


