# make demo · make test · make check · make screenshots. Windows: see README.md
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LOCK   := packaging/requirements.txt

.PHONY: demo test check screenshots fix clean

demo: $(VENV)/.installed
	$(BIN)/assaydesk demo --dir demo

test: $(VENV)/.installed
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest

check: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

screenshots: $(VENV)/.installed
	$(BIN)/assaydesk demo --dir build/demo --no-window
	mkdir -p resources/screenshots && cp build/demo/screens/*.png resources/screenshots/

fix: $(VENV)/.installed
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

# The lock (with hashes, all platforms) first, then the project without dependencies.
$(VENV)/.installed: $(LOCK) pyproject.toml packaging/preflight.py
	$(PYTHON) packaging/preflight.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(LOCK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python packaging/preflight.py --qt
	touch $@
