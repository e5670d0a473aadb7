"""The job tray in the footer: what runs, how far it is, and a button to stop it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from desktop_app.gui import theme
from desktop_app.gui.jobs import Job, Jobs
from desktop_app.gui.widgets.label import words


def sentence(running: tuple[Job, ...]) -> str:
    """“1 job running: bias report, 62 %”."""
    if not running:
        return ""
    first = running[0]
    done = f", {first.fraction:.0%}".replace("%", " %") if first.fraction else ""
    return f"{len(running)} job{'s' if len(running) > 1 else ''} running: {first.title}{done}"


class JobTray(QPushButton):
    """The words in the footer; pressed, they open the list."""

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._list = _JobList(self)
        theme.dress(self, "footer")
        jobs.changed.connect(self._show)
        self.clicked.connect(self.open_list)
        self._show()

    def open_list(self) -> None:
        """Show what runs, above the footer."""
        self._list.show_jobs(self._jobs.running)
        self._list.adjustSize()
        footer = self.parentWidget() or self
        corner = self.mapToGlobal(QPoint(self.width() - self._list.width(), 0))
        top = footer.mapToGlobal(QPoint(0, 0)).y() - self._list.height() - theme.XS
        self._list.move(corner.x(), top)
        self._list.show()

    def _show(self) -> None:
        said = sentence(self._jobs.running)
        if said != self.text():
            self.setText(said)
            self.setAccessibleName(said or "No job running")
        self.setVisible(bool(said))
        if self._list.isVisible():
            self._list.show_jobs(self._jobs.running)


class _JobList(QFrame):
    """One row per job."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAccessibleName("Running jobs")
        theme.dress(self, "popover")
        self._rows: dict[Job, _JobRow] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(theme.L, theme.M, theme.L, theme.M)
        self._column.setSpacing(theme.M)

    def show_jobs(self, running: tuple[Job, ...]) -> None:
        """List these jobs; without any the list closes."""
        for job in set(self._rows) - set(running):
            row = self._rows.pop(job)
            self._column.removeWidget(row)
            row.deleteLater()
        for job in running:
            if job not in self._rows:
                self._rows[job] = _JobRow(job)
                self._column.addWidget(self._rows[job])
            self._rows[job].show_job(job)
        if not running:
            self.hide()


class _JobRow(QWidget):
    """Title, progress, status and Cancel of one job."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._status: QLabel = words("", "note")
        self._bar = QProgressBar(textVisible=False, maximum=1000)
        self._bar.setAccessibleName(f"Progress of {job.title}")
        self._bar.setFixedWidth(theme.px(260))
        stop = QPushButton("Cancel")
        stop.setAccessibleName(f"Cancel {job.title}")
        stop.clicked.connect(lambda checked=False: job.cancel())
        column = QVBoxLayout()
        column.setSpacing(theme.XS)
        for part in (words(job.title, "strong"), self._bar, self._status):
            column.addWidget(part)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.L)
        row.addLayout(column)
        row.addWidget(stop)

    def show_job(self, job: Job) -> None:
        """How far it is now; before the first step the bar says nothing."""
        self._bar.setMaximum(1000 if job.fraction else 0)
        self._bar.setValue(round(job.fraction * 1000))
        self._status.setText("stopping…" if job.cancelled else job.status or "waiting its turn")
