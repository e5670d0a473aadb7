"""One registry per engine: a new engine joins the suite by a line in ENGINES."""

from __future__ import annotations

import pytest

from desktop_app.registry.store import create_store
from tests.desk import clock

ENGINES = {"sqlite": lambda folder: str(folder / "registry.assay")}


@pytest.fixture(params=sorted(ENGINES))
def address(request, tmp_path):
    return ENGINES[request.param](tmp_path)


@pytest.fixture
def store(address):
    made = create_store(address, "Test registry", clock())
    yield made
    made.close()
