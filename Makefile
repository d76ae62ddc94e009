# Commands for users and developers; `make` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help install train workflow test coverage lint types format clean

help: ## list these commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-9s %s\n", $$1, $$2}'

# Install again if the requirements change; the stamp is written only after success.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 14) else f"roilab needs Python 3.11 to 3.13, this is {v.major}.{v.minor}; use another: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --upgrade pip
	$(BIN)/python -m pip install -c constraints.txt -e '.[dev]'
	touch $@

install: $(VENV)/.installed ## a virtual environment with roilab and its development tools

train: install ## simulate frames, train a small UNet on them, evaluate and export it (a minute or two on 2 cores)
	$(BIN)/python -m roilab.train experiment=demo

# Snakemake needs forty packages, some older than those of roilab, so it has a separate environment.
$(VENV)/workflow/.installed: workflow/requirements.txt | install
	$(BIN)/python -m venv $(VENV)/workflow
	$(VENV)/workflow/bin/python -m pip install -r workflow/requirements.txt
	touch $@

workflow: install $(VENV)/workflow/.installed ## the demo workflow, from simulation to report (minutes)
	$(VENV)/workflow/bin/snakemake -c2 --configfile workflow/demo.yaml --config python=$(abspath $(BIN)/python)

# One thread a test process: threads of several processes would wait for each other.
test: install ## all tests, several at a time
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4

coverage: install ## all tests, with the lines of the package that none of them runs (takes longer)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --cov

lint: install ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install ## mypy, strict
	$(BIN)/mypy

format: install ## format the code with ruff
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove the environment and the caches of tools; outputs/ stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
