# Everything a fresh machine needs: Python 3.11+ and make.
#   make solve   set up what is missing and solve scenarios/70b-chat.yaml
#   make test    set up what is missing and run the tests
#   make lint    ruff and mypy
#   make golden  write the golden files anew; review them as a diff
#   make schema  write the JSON Schemas anew
#   make bench   print how the solvers grow with the fleet, as docs/solver-benchmark.md quotes (minutes)
SHELL := /bin/sh
PYTHON ?= python3
SCENARIO ?= scenarios/70b-chat.yaml
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2

.PHONY: solve test lint golden schema bench wheel clean

solve: $(VENV)/.compiled
	$(BIN)/planner solve $(SCENARIO)

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

golden: $(VENV)/.dev
	$(BIN)/python -m pytest tests --golden-update

schema: $(VENV)/.dev
	$(BIN)/planner schema --write schemas

bench: $(VENV)/.dev
	$(BIN)/python -m tools.bench_fleet

wheel: $(VENV)/.dev
	$(BIN)/python -m build --wheel

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "planner needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

# Where PYTHONDONTWRITEBYTECODE is set an editable install would compile every module at every start.
$(VENV)/.compiled: $(VENV)/.runtime $(shell find planner -name '*.py')
	$(BIN)/python -m compileall -q planner
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.runtime
