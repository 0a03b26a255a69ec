# `make demo` and `make test` work from a bare clone: everything goes into .venv, which is made once.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
EXTRA := import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["bench"])

.PHONY: demo test lint bench clean

demo: $(READY)
	$(BIN)/rules-listener demo

test: lint
	$(BIN)/pytest -n 2

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# What can't be installed is said in the table.
bench: $(READY)
	-$(BIN)/python -c '$(EXTRA)' | xargs -n 1 $(BIN)/python -m pip install --quiet
	$(BIN)/python -m tests.bench

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@
