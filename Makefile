# Set-up and daily commands. Each needs Python 3.11+ and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := pyproject.toml

.PHONY: demo test test-all lint bench estimators wheel clean

demo: $(VENV)/installed
	$(BIN)/chainrule fit digits

test: lint
	$(BIN)/python -m pytest -n 2 -m "not slow" tests
	$(BIN)/python -m pytest --doctest-modules src

test-all: lint
	$(BIN)/python -m pytest -n 2 tests
	$(BIN)/python -m pytest --doctest-modules src

lint: $(VENV)/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/benched
	$(BIN)/python benchmarks/all.py

estimators: $(VENV)/tested
	$(BIN)/python tests/estimators/counts.py

wheel: $(VENV)/tested
	$(BIN)/python -m pip wheel --no-deps --wheel-dir dist .

$(BIN)/python:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "chainrule needs Python 3.11 or newer"'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/tested: $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@ $(VENV)/installed

$(VENV)/benched: $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable '.[test,bench]'
	touch $@

clean:
	rm -rf $(VENV) dist runs .mypy_cache .ruff_cache .pytest_cache .hypothesis
