"""Tables that are counted where they lie: a CSV, a Parquet file, a folder of Parquet files, of any size."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from desktop_app.analysis.table import (
    check_empty,
    check_flat,
    check_names,
    check_text,
    damaged,
    digest_of,
    header,
)
from desktop_app.domain.canonical import Digest
from desktop_app.domain.dataset import TableInput
from desktop_app.errors import UserError
from desktop_app.progress import Progress

LARGE, LARGE_ROWS = 64 << 20, 500_000  # bytes of a file, rows of a Parquet file


@dataclass(frozen=True)
class TableFile:
    """A table that is counted where it lies: one CSV or Parquet file, or the Parquet files of a folder.

    delimiter: of a CSV, None for Parquet · input: rows are 0 where they are not known before they are counted.
    """

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    delimiter: str | None
    input: TableInput
    numeric: frozenset[str]  # columns that are stored as numbers
    stamps: tuple[tuple[int, int, int], ...]  # size, time of change and number of each file when it was digested

    def check_unchanged(self) -> None:
        """The files are those that the digest is of. Raises UserError."""
        if self.stamps != tuple(_stamp(path) for path in self.paths):
            raise UserError(f"{self.input.name} was changed while it was read.", "Its digest is of other bytes.",
                            "Wait until whatever writes it has ended, then try again.")


def is_large(path: Path) -> bool:
    """Whether a table is rather looked at where it lies than read into memory: a folder, or a file beyond `LARGE`."""
    try:
        return path.is_dir() or path.stat().st_size > LARGE or _rows_stated(path) > LARGE_ROWS
    except OSError:
        return False  # whoever opens it says what is wrong


def _rows_stated(path: Path) -> int:
    """How many rows a Parquet file says it has; 0 of anything else."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with path.open("rb") as file:
        if file.read(4) != b"PAR1":
            return 0
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowInvalid, OSError):
        return 0


def open_file(path: Path, progress: Progress | None = None) -> TableFile:
    """A CSV or a Parquet file, or a folder of Parquet files, to be counted where it lies: its digest and its columns.

    The digest of a folder is over the names and digests of its files, a line each. Raises UserError as `load`, for
    names that a pattern could be made of, and for files of a folder that do not have the same columns.
    """
    progress = progress or Progress()
    try:
        paths = tuple(sorted(path.glob("*.parquet"))) if path.is_dir() else (path,)
        if not paths:
            raise UserError(f"There is no Parquet file in {path.name}.", str(path), "Choose the file, or its folder.")
        for one in paths:
            _check_pattern(one)
        opened = [_open_one(one, progress.part(i / len(paths), (i + 1) / len(paths))) for i, one in enumerate(paths)]
    except OSError as error:
        raise UserError(f"{path.name} cannot be read.", error.strerror or str(error),
                        "Check that the file is there and that you may read it.") from error
    first = opened[0]
    for one, other in zip(paths, opened, strict=True):
        if other.names != first.names or (len(paths) > 1 and other.delimiter is not None):
            raise UserError(f"{one.name} does not have the columns of {paths[0].name}.", str(path),
                            "A folder holds one table in several Parquet files with the same columns.")
    if len(opened) == 1:
        return first
    lines = "".join(f"{p.name} {o.input.digest}\n" for p, o in zip(paths, opened, strict=True))
    whole = TableInput(name=path.name, digest=Digest(hashlib.sha256(lines.encode()).hexdigest()),
                       rows=sum(o.input.rows for o in opened), columns=len(first.names), location=str(path.absolute()))
    return TableFile(paths=tuple(p for o in opened for p in o.paths), names=first.names, delimiter=None, input=whole,
                     numeric=frozenset.intersection(*(o.numeric for o in opened)),
                     stamps=tuple(s for o in opened for s in o.stamps))


def _check_pattern(path: Path) -> None:
    if found := sorted(set("*?[]{}") & set(str(path.absolute()))):
        raise UserError(f"{path.name} has a name that could mean several files.", f"It contains {' '.join(found)}.",
                        "Rename the file or its folder.")


def _open_one(path: Path, progress: Progress) -> TableFile:
    if path.exists() and not path.is_file():
        raise UserError(f"{path.name} is not a file.", "A table is one CSV or Parquet file.", "Choose the file.")
    with path.open("rb") as file:
        stamp, size = _stamp(path), path.stat().st_size
        check_empty(path, size)
        digest = digest_of(file, size, progress)
        head = file.read(1 << 16)
        file.seek(0)
        numeric: frozenset[str] = frozenset()
        if head.startswith(b"PAR1"):
            names, rows, numeric = _parquet_shape(path, file)
            delimiter = None
        else:
            check_text(path, head)
            delimiter, names = header(path, file)
            check_names(path, names)
            rows = 0
    return TableFile((path.absolute(),), tuple(names), delimiter, TableInput(
        name=path.name, digest=digest, rows=rows, columns=len(names), location=str(path.absolute())), numeric, (stamp,))


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def _parquet_shape(path: Path, file: BinaryIO) -> tuple[list[str], int, frozenset[str]]:
    """Columns and rows of a Parquet file, and which columns hold numbers.

    Raises UserError when it is damaged or has columns within columns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        parquet = pq.ParquetFile(file)
        names = list(parquet.schema_arrow.names)
        check_names(path, names)
        check_flat(path, parquet)
        kinds = zip(names, parquet.schema_arrow.types, strict=True)
        return names, parquet.metadata.num_rows, frozenset(
            name for name, kind in kinds if pa.types.is_integer(kind) or pa.types.is_floating(kind))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowMemoryError, OSError) as error:
        raise damaged(path) from error
