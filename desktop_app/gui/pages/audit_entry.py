"""One entry of the log, whole: who, when, what it changed in words, its exact bytes, the facts it added."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QPlainTextEdit, QWidget

from desktop_app.domain.audit import said_action
from desktop_app.gui import theme
from desktop_app.gui.widgets.column import beside, button, heading, muted, said
from desktop_app.gui.widgets.facts_list import Fact, FactsList
from desktop_app.gui.widgets.prose import Run, paragraph

if TYPE_CHECKING:
    from desktop_app.domain.canonical import Id
    from desktop_app.operations.audit import EntryView
    from desktop_app.operations.entries import Changed

MOST_FACTS = 50
MOST_CHANGES = 60


def entry_parts(view: EntryView, open_model: Callable[[Id], None]) -> list[QWidget | int]:
    """The parts of a column; open_model: show everything about a model."""
    line, entry = view.line, view.entry
    on = Fact("On", line.subject_name) if line.subject_name else Fact("On", line.subject, "mono")
    facts = [
        Fact("Time", f"{line.at.astimezone():%d %b %Y, %H:%M:%S}"), Fact("Who", line.actor),
        Fact("Action", said_action(line.action)), on,
        Fact("Database user", line.user), Fact("Command", entry.command, "mono"),
        Fact("Chained to", entry.prev, "digest"), Fact("Its hash", entry.hash, "digest")]
    parts: list[QWidget | int] = [heading(f"Entry {line.seq:,}"), paragraph(line.told)]
    if (model := view.model) is not None:
        name = f"Everything about {view.model_name}…".replace("&", "&&")
        parts.append(beside(button(name, lambda: open_model(model))))
    parts += [theme.XS, *_changes(view.changes), FactsList(facts, label_width=104), theme.S,
              heading("Its exact bytes"), exact(entry.body, "Exact bytes of the entry")]
    if view.facts:
        parts += [theme.S, heading("What it recorded", f"{len(view.facts):,}")]
    for label, digest, text in view.facts[:MOST_FACTS]:
        parts += [paragraph(said_action(label), "strong"), exact(text, f"{label}, exact text"),
                  FactsList([Fact("Digest", digest, "digest")], label_width=104)]
    if len(view.facts) > MOST_FACTS:
        parts.append(muted(f"… and {len(view.facts) - MOST_FACTS:,} more; all are in the export."))
    return [*parts, theme.L]


def _changes(changes: tuple[Changed, ...]) -> list[QWidget | int]:
    if not changes:
        return []
    parts: list[QWidget | int] = [heading("What it changed" if any(not c.new for c in changes) else "What is new")]
    every = [(changed, difference) for changed in changes for difference in changed.differences]
    last: Changed | None = None
    for changed, difference in every[:MOST_CHANGES]:
        if changed is not last and len(changes) > 1:
            parts.append(paragraph(", ".join(filter(None, (said_action(changed.label), changed.of))), "strong"))
        last = changed
        runs = [Run(f"{difference.what}: ", tone="muted")]
        if difference.before:
            runs += [Run(difference.before), Run(" → ", tone="muted")]
        runs.append(Run(difference.after or "nothing"))
        parts.append(said(*runs))
    if len(every) > MOST_CHANGES:
        parts.append(muted(f"… and {len(every) - MOST_CHANGES:,} more; all with: assaydesk audit show"))
    return [*parts, theme.S]


def exact(text: str, name: str) -> QWidget:
    """Text as it is stored, to read and copy."""
    box = QPlainTextEdit(text, readOnly=True)
    theme.dress(box, "mono")
    box.setAccessibleName(name)
    box.setTabChangesFocus(True)
    lines = min(12, text.count("\n") + 1 + len(text) // 60 * (text.count("\n") < 2))
    box.setFixedHeight(round(theme.metrics("mono").lineSpacing() * max(3, lines)) + theme.L)
    return box
