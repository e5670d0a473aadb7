"""What people call the things that entries of the log are about: labels, persons, models and versions."""

from __future__ import annotations

from collections import defaultdict

from desktop_app.domain.audit import EntryBody, told
from desktop_app.domain.canonical import Id
from desktop_app.domain.model import ModelVersion, RegisteredModel
from desktop_app.domain.use import Use
from desktop_app.domain.validation import Validation
from desktop_app.registry.reader import Reader

MOST = 4  # labels named of one entry


class Called:
    """Read once for a list of entries; `told` then words each."""

    def __init__(self, reader: Reader) -> None:
        self.names = reader.names()
        self.models: dict[Id, str] = {m.record.model: m.record.name for m in reader.all(RegisteredModel)}
        self._called: dict[Id, str] = dict(self.names) | self.models
        for version in reader.all(ModelVersion):
            self._called[version.record.id] = f"{self.models.get(version.record.model, '')} {version.record.label}"
        for use in reader.all(Use):
            self._called[use.record.id] = self.models.get(use.record.model, "")
        for given in reader.all(Validation):
            whom, what = self.names.get(given.record.validator, ""), self._called.get(given.record.version, "")
            self._called[given.record.id] = f"{whom}, {what}"
        self._added: dict[int, list[str]] = defaultdict(list)
        for fact_id, seq, label in reader.labels():
            self._called[fact_id] = label
            self._added[seq].append(label)

    def of(self, subject: Id) -> str:
        """What a thing is called; "" where nothing is known of it."""
        return self._called.get(subject, "")

    def about(self, seq: int, body: EntryBody) -> str:
        """What an entry is about: the labels it gave out, and what its subject is called; "" where nothing is known."""
        subject, added = self.of(body.subject), self._added.get(seq, [])
        more = [f"{len(added) - MOST:,} more"] if len(added) > MOST else []
        return ", ".join(dict.fromkeys(part for part in (*added[:MOST], *more, subject) if part))

    def told(self, seq: int, body: EntryBody) -> str:
        """An entry in words."""
        return told(body, self.about(seq, body))
