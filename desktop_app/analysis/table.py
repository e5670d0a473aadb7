"""Tables that evidence is computed on: CSV or Parquet, told by content, bounded, with the digest of what was read.

A CSV keeps the text of every value (01 stays 01); numbers are made where numbers are needed. The digest and
the values are read through one open file, so they are of the same bytes.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from desktop_app.analysis.columns import as_text, named
from desktop_app.domain.canonical import Digest
from desktop_app.domain.dataset import TableInput
from desktop_app.errors import UserError
from desktop_app.progress import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame, Series

MAX_COLUMNS = 2_000
MAX_ROWS = 5_000_000
MAX_CELLS = 250_000_000
MAX_FILE = 4 << 30  # bytes
MAX_FIELD = 1 << 20  # characters
_CHUNK = 100_000  # rows read at a time


@dataclass(frozen=True)
class Table:
    """A table in memory. `frame`: all text from a CSV, typed from a Parquet file."""

    frame: DataFrame
    input: TableInput

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns, in order."""
        return tuple(str(name) for name in self.frame.columns)

    @property
    def numeric(self) -> frozenset[str]:
        """Columns that are stored as numbers."""
        from pandas.api.types import is_bool_dtype, is_numeric_dtype

        return frozenset(str(name) for name, kind in self.frame.dtypes.items()
                         if is_numeric_dtype(kind) and not is_bool_dtype(kind))


@dataclass(frozen=True)
class ColumnPreview:
    """What a column holds: `type` is number, text, time or yes/no; `top` its most frequent values with counts."""

    name: str
    type: str
    distinct: int
    missing: int
    top: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class TablePreview:
    """What a mapping dialog shows of a table: its columns and its first rows as text."""

    input: TableInput
    columns: tuple[ColumnPreview, ...]
    head: tuple[tuple[str, ...], ...]


# ---- reading


def load(path: Path, progress: Progress | None = None) -> Table:
    """Read a CSV (UTF-8; comma, semicolon, tab or bar between values) or a Parquet file.

    Raises UserError: not there, empty, another format, another encoding, damaged, or too large.
    """
    progress = progress or Progress()
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{path.name} is not a file.", "A table is one CSV or Parquet file.", "Choose the file.")
        with path.open("rb") as file:
            size = path.stat().st_size
            _check_size(path, size)
            digest = digest_of(file, size, progress.part(0, 0.2))
            head = file.read(1 << 16)
            file.seek(0)
            read = _read_parquet if head.startswith(b"PAR1") else _read_csv
            if read is _read_csv:
                check_text(path, head)
            frame = read(path, file, progress.part(0.2, 1))
    except OSError as error:
        raise UserError(f"{path.name} cannot be read.", error.strerror or str(error),
                        "Check that the file is there and that you may read it.") from error
    if frame.empty:
        raise UserError(f"{path.name} has no rows.", "There is a header and nothing below it.",
                        "Choose the file that holds the data.")
    return Table(frame, TableInput(name=path.name, digest=digest, rows=len(frame), columns=len(frame.columns),
                                   location=str(path.absolute())))


def check_empty(path: Path, size: int) -> None:
    """A file holds something. Raises UserError."""
    if size == 0:
        raise UserError(f"{path.name} is empty.", "The file has no bytes.", "Choose the file that holds the data.")


def _check_size(path: Path, size: int) -> None:
    check_empty(path, size)
    if size > MAX_FILE:
        raise too_large(path.name, f"{size:,} bytes; up to {MAX_FILE:,} are read.")


def too_large(name: str, detail: str) -> UserError:
    """The error for a file beyond the limits."""
    return UserError(f"{name} is too large to be read here.", detail,
                     "Export only the columns that are needed, or a random sample of the rows.")


def digest_of(file: BinaryIO, size: int, progress: Progress) -> Digest:
    """SHA-256 of an open file, which is then at its beginning again. Raises Cancelled."""
    sha, done = hashlib.sha256(), 0
    while block := file.read(1 << 22):
        sha.update(block)
        done += len(block)
        progress.step(done / size, "Reading the digest")
    file.seek(0)
    return Digest(sha.hexdigest())


def check_text(path: Path, head: bytes) -> None:
    """The first bytes are those of a text. Raises UserError for a workbook, another encoding, anything else."""
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UserError(f"{path.name} is a workbook or an archive.", "Tables are read from CSV or Parquet.",
                        "Save the sheet as “CSV UTF-8” and choose that file.")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _encoding(path, "It is in UTF-16.")
    if b"\0" in head:
        raise UserError(f"{path.name} is neither CSV nor Parquet.", "It holds bytes that no text has.",
                        "Export the table as CSV (UTF-8) or Parquet.")


def _encoding(path: Path, detail: str) -> UserError:
    return UserError(f"{path.name} is not in UTF-8.", detail, "Save the table as “CSV UTF-8” and choose that file.")


def _read_csv(path: Path, file: BinaryIO, progress: Progress) -> DataFrame:
    import pandas as pd

    delimiter, names = header(path, file)
    check_names(path, names)
    size, parts, rows = path.stat().st_size, [], 0
    try:
        reader = pd.read_csv(file, sep=delimiter, dtype=str, na_filter=False, header=0, names=names,
                             encoding="utf-8-sig", chunksize=_CHUNK, on_bad_lines="error")
        with reader:
            for part in reader:
                if len(part) and not isinstance(part.index, pd.RangeIndex):  # a surplus first value became a label
                    raise ValueError("Its rows have more values than the header has names.")
                rows += len(part)
                _check_shape(path, rows, len(names))
                _check_fields(path, part)
                parts.append(part)
                progress.step(min(1.0, file.tell() / size), f"{rows:,} rows read")
    except UnicodeDecodeError as error:
        raise _encoding(path, f"Near row {rows + 1:,}: {error.reason}.") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise UserError(f"{path.name} is not a well-formed CSV file.", _parser_words(str(error)),
                        "Open the file at that line, correct it, or export it again.") from error
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)


def _parser_words(message: str) -> str:
    message = message.removeprefix("Error tokenizing data. C error: ").strip()
    if message.startswith("EOF inside string"):
        return f"A quotation mark is opened and never closed ({message})."
    return message[:300]


def header(path: Path, file: BinaryIO) -> tuple[str, list[str]]:
    """The delimiter of a CSV and the names of its columns. Raises UserError."""
    line = file.readline(MAX_FIELD)
    file.seek(0)
    try:
        text = line.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise _encoding(path, f"In the header: {error.reason}.") from error
    delimiter = max(",;\t|", key=text.count)
    try:
        return delimiter, next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise UserError(f"The header of {path.name} cannot be read.", str(error),
                        "The first line must hold the names of the columns.") from error


def check_names(path: Path, names: list[str]) -> None:
    """Every column has a name of its own, and there are not too many. Raises UserError."""
    twice = sorted({name for name in names if names.count(name) > 1}) if len(names) <= MAX_COLUMNS else []
    if len(names) > MAX_COLUMNS:
        raise too_large(path.name, f"{len(names):,} columns; up to {MAX_COLUMNS:,} are read.")
    if not names or not all(name.strip() for name in names):
        raise UserError(f"A column of {path.name} has no name.", "The first line must name every column.",
                        "Add the missing name to the first line.")
    if twice:
        raise UserError(f"Two columns of {path.name} have one name.", "Twice: " + ", ".join(twice[:5]) + ".",
                        "Rename one of them.")


def _check_shape(path: Path, rows: int, columns: int) -> None:
    if rows > MAX_ROWS:
        raise too_large(path.name, f"More than {MAX_ROWS:,} rows.")
    if rows * columns > MAX_CELLS:
        raise too_large(path.name, f"{rows:,} rows × {columns:,} columns; up to {MAX_CELLS:,} values are read.")


def _check_fields(path: Path, part: DataFrame) -> None:
    if len(part) and max(int(part[name].str.len().max()) for name in part.columns) > MAX_FIELD:
        raise too_large(path.name, f"One value has more than {MAX_FIELD:,} characters.")


def _read_parquet(path: Path, file: BinaryIO, progress: Progress) -> DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        parquet = pq.ParquetFile(file)
        rows, names = parquet.metadata.num_rows, list(parquet.schema_arrow.names)
        check_names(path, names)
        _check_shape(path, rows, len(names))  # before reading: two megabytes can hold 500 million rows
        check_flat(path, parquet)
        return _batches(path, parquet, progress)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowMemoryError, OSError) as error:
        raise damaged(path) from error


def damaged(path: Path) -> UserError:
    """The error for a Parquet file that cannot be read to its end."""
    return UserError(f"{path.name} is not a whole Parquet file.", "It is damaged or was cut short.",
                     "Copy or export it again.")


def check_flat(path: Path, parquet: Any) -> None:
    """No column holds columns or lists. Raises UserError."""
    import pyarrow as pa

    if any(pa.types.is_nested(kind) for kind in parquet.schema_arrow.types):
        raise UserError(f"{path.name} has nested columns.", "A table has one value per row and column.",
                        "Flatten the nested columns and export again.")


def _batches(path: Path, parquet: Any, progress: Progress) -> DataFrame:
    import pyarrow as pa

    batches, rows, size = [], 0, 0
    for batch in parquet.iter_batches(batch_size=_CHUNK):
        rows, size = rows + batch.num_rows, size + batch.nbytes
        _check_shape(path, rows, batch.num_columns)
        if size > MAX_FILE:
            raise too_large(path.name, f"Its values take more than {MAX_FILE:,} bytes.")
        batches.append(batch)
        progress.step(rows / max(1, parquet.metadata.num_rows), f"{rows:,} rows read")
    whole = pa.Table.from_batches(batches, schema=parquet.schema_arrow)
    return whole.to_pandas(ignore_metadata=True)  # type: ignore[no-any-return]


# ---- columns


def column(table: Table, name: str) -> Series[Any]:
    """A column by its name. Raises UserError that names the nearest column."""
    found: Series[Any] = table.frame[named(table, name)]
    return found


def texts(table: Table, name: str) -> Series[Any]:
    """A column as text, None where a value is missing; whole numbers without a decimal point."""
    import numpy as np
    import pandas as pd

    values = column(table, name)
    codes, uniques = pd.factorize(values, use_na_sentinel=True)
    words = np.array([*(as_text(value) for value in uniques), None], dtype=object)
    return pd.Series(words[codes], index=values.index, dtype=object)  # code −1, missing, is the last word


def numbers(table: Table, name: str) -> NDArray[Any]:
    """A column as floats, NaN where a value is missing. Raises UserError when a value is not a number."""
    import numpy as np
    import pandas as pd

    values = column(table, name)
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.to_numpy(dtype=float, na_value=np.nan)
    words = texts(table, name)
    made = pd.to_numeric(words, errors="coerce").to_numpy(dtype=float)
    wrong = words[np.isnan(made) & words.notna().to_numpy()]
    if len(wrong):
        first = f"first “{str(wrong.iloc[0])[:60]}” in row {int(wrong.index[0]) + 1:,}"
        raise UserError(f"Column “{name}” is not all numbers.", f"{len(wrong):,} values are not, {first}.",
                        "Choose a numeric column, or correct these values.")
    return made


# ---- preview


def preview(path: Path, progress: Progress | None = None) -> TablePreview:
    """What a table holds, for choosing its columns: up to 12 most frequent values, the first 20 rows. As `load`."""
    return describe(load(path, progress))


def describe(table: Table) -> TablePreview:
    """The preview of a table that is already loaded."""
    names = [str(n) for n in table.frame.columns]
    head = table.frame.head(20).astype(object)
    head = head.where(head.notna(), "")
    rows = tuple(tuple(str(value) for value in row) for row in head.itertuples(index=False, name=None))
    return TablePreview(table.input, tuple(_column_preview(table, name) for name in names), rows)


def _column_preview(table: Table, name: str) -> ColumnPreview:
    words = texts(table, name)
    counts = words.value_counts()
    top = sorted(counts.head(200).items(), key=lambda item: (-item[1], str(item[0])))[:12]
    return ColumnPreview(name, _type(table, name), len(counts), int(words.isna().sum()),
                         tuple((str(value), int(n)) for value, n in top))


def _type(table: Table, name: str) -> str:
    import pandas as pd

    kind = column(table, name).dtype
    if pd.api.types.is_bool_dtype(kind):
        return "yes/no"
    if pd.api.types.is_datetime64_any_dtype(kind):
        return "time"
    try:
        numbers(table, name)
    except UserError:
        return "text"
    return "number"
