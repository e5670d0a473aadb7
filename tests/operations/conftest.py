"""A registry with six people, one model, one version and one use."""

from __future__ import annotations

import pytest

from tests.desk import make_desk


@pytest.fixture
def desk(tmp_path):
    made = make_desk(tmp_path)
    yield made
    made.workspace.close()
