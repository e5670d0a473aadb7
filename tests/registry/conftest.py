"""One registry per engine: a new engine joins the suite by a line in ENGINES."""

from __future__ import annotations

import pytest

from desktop_app.registry.store import create_store, system_clock
from tests.desk import clock

ENGINES = {
    "sqlite": lambda request: str(request.getfixturevalue("tmp_path") / "registry.assay"),
    "postgresql": lambda request: request.getfixturevalue("postgres").database(),
}


@pytest.fixture(params=sorted(ENGINES))
def engine(request):
    return request.param


@pytest.fixture
def address(request, engine):
    return ENGINES[engine](request)


@pytest.fixture
def now(engine):
    """A clock: on a server it is the server's that counts, and ours must agree with it."""
    return clock() if engine == "sqlite" else system_clock


@pytest.fixture
def store(address, now):
    made = create_store(address, "Test registry", now)
    yield made
    made.close()
