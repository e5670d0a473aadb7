"""Where a table is: in a file or a folder, or in a database, which its rows do not leave."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from desktop_app.domain.dataset import InDatabase
from desktop_app.errors import UserError
from desktop_app.gui import theme
from desktop_app.gui.dialogs.form import PathField, Radios, required
from desktop_app.gui.widgets.fields import labelled, passphrase_field
from desktop_app.gui.widgets.prose import paragraph

TABLES = "Tables (*.csv *.parquet *.pq *.tsv *.txt);;All files (*)"
PLACES = ((False, "A file or a folder"), (True, "A table in a database"))
LETS_IN = "Never kept. Without one, your .pgpass file, a service file or a certificate lets you in."
LEAVES = ("To choose its columns, their counts, the values of columns with few, and the first rows (by LIMIT) are "
          "fetched. The report fetches counts and sums by group. The rest stays there; nothing is written.")


class TablePlace(QWidget):
    """See the module. Signals: `asked()`, the table is to be looked at; `left()`, the fields say another place than
    the one that was looked at.
    """

    asked = Signal()
    left = Signal()

    def __init__(self, *, folders: bool, databases: bool, parent: QWidget | None = None) -> None:
        """folders: a folder of Parquet files may be the table · databases: it may be in one."""
        super().__init__(parent)
        self.there: Radios[bool] = Radios(PLACES, False)
        self.path = PathField(what="Choose a table", kinds=TABLES, folders=folders)
        self._in_files = labelled("Table", self.path, "CSV (UTF-8), Parquet, or a folder of Parquet files." if folders
                                  else "CSV (UTF-8) or Parquet.")
        self._in_database = self._database()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.M)
        choice = labelled("The table is", self.there)
        choice.setVisible(databases)
        for part in (choice, self._in_files, self._in_database):
            column.addWidget(part)
        self._in_database.hide()
        self.setFocusProxy(self.there if databases else self.path)
        self.path.changed.connect(lambda path: self.asked.emit())
        self.there.changed.connect(self._place_changed)

    def _database(self) -> QWidget:
        self.address, self.password, self.table = QLineEdit(), passphrase_field(), QLineEdit()
        self.address.setPlaceholderText("postgresql://USER@HOST/DATABASE")
        self.table.setPlaceholderText("SCHEMA.NAME")
        self.look_button = QPushButton("Look")
        self.look_button.setAutoDefault(False)
        self.look_button.setAccessibleDescription("Reads the columns of the table and counts their values.")
        self.look_button.clicked.connect(lambda checked=False: self.look())
        for line in (self.address, self.password, self.table):
            line.textEdited.connect(lambda text: self.left.emit())
            line.returnPressed.connect(self.look)
        self.address.editingFinished.connect(self._take_password)
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.M)
        column.addWidget(labelled("Address of the database", self.address,
                                  "Recorded with the report, without a password."))
        column.addWidget(labelled("Password", self.password, LETS_IN))
        row = QHBoxLayout()
        row.setSpacing(theme.S)
        row.addWidget(labelled("Table or view", self.table), 1)
        row.addWidget(self.look_button, 0, Qt.AlignmentFlag.AlignBottom)
        column.addLayout(row)
        column.addWidget(paragraph(LEAVES, "note", selectable=False))
        return holder

    def _place_changed(self) -> None:
        in_database = self.there.value
        if in_database is self._in_database.isHidden():
            self._in_files.setVisible(not in_database)
            self._in_database.setVisible(in_database)
            self.left.emit()
            if not in_database and self.path.line.text().strip():
                self.asked.emit()

    def _take_password(self) -> None:
        """A password typed as a part of the address is shown no longer than that."""
        typed = InDatabase(address=self.address.text().strip(), table="")
        if typed.password:
            self.password.setText(typed.password)
        if "://" in typed.address:
            self.address.setText(typed.plain_address)

    def look(self) -> None:
        """Ask that the table in the database be looked at."""
        self._take_password()
        self.asked.emit()

    def place(self) -> Path | InDatabase:
        """Where the table is. Raises UserError when the fields do not say."""
        if not self.there.value:
            return self.path.path()
        address = required(self.address.text(), "The address of the database")
        table = required(self.table.text(), "The table")
        if " " in address:
            raise UserError("An address has no blanks.", address, "Write it as postgresql://USER@HOST/DATABASE.")
        return InDatabase(address=address, table=table).with_password(self.password.text())


__all__ = ["LETS_IN", "TablePlace"]
