# `make demo` and `make test` need nothing but Python 3.11 or later; each makes .venv if there is none.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# Processes that share the tests. The order of tests is random: the seed is printed, and repeats it by
# `make test PYTEST="--randomly-seed=SEED"`, which takes any other option of pytest too.
WORKERS ?= 2
PYTEST ?=

.PHONY: demo test test-slow coverage lint lowest docs install bench-env clean

demo: $(INSTALLED)
	$(BIN)/sparseeg demo --out demo

test: $(INSTALLED)
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not slow" $(PYTEST)

test-slow: $(INSTALLED)
	$(BIN)/pytest -m slow $(PYTEST)

coverage: $(INSTALLED)
	$(BIN)/pytest -n $(WORKERS) --dist worksteal --cov --cov-report=term --cov-report=html $(PYTEST)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The tests with the lowest versions that pyproject.toml allows, in an environment of their own.
lowest:
	PYTHON=$(PYTHON) tools/lowest.sh -n $(WORKERS) --dist loadfile $(PYTEST)

# The site, in docs/_build/html. Every tutorial is run, and any warning is an error.
docs: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	$(BIN)/python -m sphinx -W --keep-going -j 1 docs docs/_build/html

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

# braindecode and eegdash, for comparisons only. torchaudio's compiled part doesn't load beside a CPU build of
# torch; without it, torchaudio uses its Python paths.
bench-env:
	test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	rm -f .venv-bench/lib/python*/site-packages/torchaudio/lib/_torchaudio.abi3.so

clean:
	rm -rf $(VENV) .venv-bench .venv-lowest .venv-uv demo build dist .pytest_cache .mypy_cache .ruff_cache
	rm -rf .coverage* htmlcov docs/_build docs/learn docs/api docs/copied docs/_static/drawn
