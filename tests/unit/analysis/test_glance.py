"""A large table looked at where it lies says what the same table in memory says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from desktop_app.analysis import table, table_file
from desktop_app.analysis.glance import glance
from desktop_app.errors import Cancelled
from desktop_app.operations import evidence
from desktop_app.progress import Progress


@pytest.fixture
def frame():
    made = np.random.default_rng(1)
    n = 3000
    return pd.DataFrame({
        "g": made.choice(["a", "b b", "NA", ""], n), "n": made.integers(0, 9, n), "s": made.random(n),
        "yes": made.random(n) < .5, "day": pd.Timestamp("2026-01-01"), "id": np.arange(n).astype(str)})


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_it_says_what_the_table_in_memory_says(tmp_path, frame, kind):
    path = tmp_path / f"t.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    theirs, ours = table.preview(path), glance(table_file.open_file(path))
    assert ours.input == theirs.input
    assert len(ours.head) == len(theirs.head)
    for mine, other in zip(ours.columns, theirs.columns, strict=True):
        assert (mine.name, mine.type, mine.missing) == (other.name, other.type, other.missing)
        if other.distinct <= 12:
            assert mine.top == other.top
            assert mine.distinct == other.distinct
        else:
            assert mine.distinct == pytest.approx(other.distinct, rel=.15)


def test_large_files_and_folders_are_looked_at_so(tmp_path, frame, monkeypatch):
    (tmp_path / "whole").mkdir()
    frame.to_parquet(tmp_path / "whole" / "a.parquet")
    frame.to_parquet(tmp_path / "whole" / "b.parquet")
    assert evidence.preview_table(tmp_path / "whole").input.rows == 6000
    small = tmp_path / "whole" / "a.parquet"
    assert not table_file.is_large(small)
    monkeypatch.setattr(table_file, "LARGE_ROWS", 100)
    assert table_file.is_large(small)
    assert evidence.preview_table(small).input.rows == 3000
    assert not table_file.is_large(tmp_path / "nothing")


def test_it_can_be_stopped(tmp_path, frame):
    frame.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(Cancelled):
        glance(table_file.open_file(tmp_path / "t.parquet"), Progress(cancelled=lambda: True))
