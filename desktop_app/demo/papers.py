"""Documents that the demo files: a PDF, a mail, a workbook. Their text is passed in; nothing is invented here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path


def write_pdf(path: Path, title: str, author: str, sections: Sequence[tuple[str, Sequence[str]]]) -> Path:
    """A plain PDF: a title, then headings with their paragraphs."""
    from xml.sax.saxutils import escape

    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

    styles = getSampleStyleSheet()
    flow = [Paragraph(escape(title), styles["Title"])]
    for heading, paragraphs in sections:
        flow.append(Paragraph(escape(heading), styles["Heading2"]))
        flow += [Paragraph(escape(text), styles["BodyText"]) for text in paragraphs]
    flow.append(Spacer(1, 12))
    SimpleDocTemplate(str(path), pagesize=A4, title=title, author=author, invariant=1).build(flow)
    return path


def write_mail(path: Path, sender: str, to: str, subject: str, sent: date, text: str) -> Path:
    """A mail as it would be saved from a mailbox."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Date"] = format_datetime(datetime.combine(sent, time(9, 30)).astimezone())
    mail.set_content(text)
    path.write_bytes(mail.as_bytes())
    return path


def write_comparison(path: Path, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    """A workbook with one table."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Implementation test"
    sheet.append(list(headings))
    for row in rows:
        sheet.append(list(row))
    book.save(path)
    return path
