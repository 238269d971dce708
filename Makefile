# The README's commands, one line each. PYTHON=python3.12 make demo picks another one.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test slow lint bench

demo: $(VENV)/demo
	$(BIN)/python -m track demo

test: $(VENV)/test
	$(BIN)/python -m pytest

slow: $(VENV)/test
	$(BIN)/python -m pytest -m slow -n 0

bench: $(VENV)/demo
	$(BIN)/python -m track bench

lint: $(VENV)/test
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/pyright --pythonpath $(BIN)/python

$(VENV)/demo: pyproject.toml
	$(PYTHON) -m venv $(VENV) && $(BIN)/pip install -q -e . && touch $@

$(VENV)/test: pyproject.toml
	$(PYTHON) -m venv $(VENV) && $(BIN)/pip install -q -e '.[test]' && touch $@ $(VENV)/demo
