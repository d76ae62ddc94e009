# Everything a newcomer or a developer needs; `make` alone lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help install train workflow test lint types format clean

help: ## list these commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-9s %s\n", $$1, $$2}'

# Installed anew when what is to be installed changes; the stamp is left only after success.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 14) else f"roilab needs Python 3.11 to 3.13, this is {v.major}.{v.minor}; name another: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --upgrade pip
	$(BIN)/python -m pip install -c constraints.txt -e '.[dev]'
	touch $@

install: $(VENV)/.installed ## a virtual environment with roilab and its development tools

train: install ## simulate frames, train MobileNetV3-UNet on them, export it (minutes on 2 cores)
	$(BIN)/python -m roilab.train experiment=demo

# Snakemake brings forty packages of its own, some of them older than ours: it gets its own environment.
$(VENV)/workflow/.installed: workflow/requirements.txt | install
	$(BIN)/python -m venv $(VENV)/workflow
	$(VENV)/workflow/bin/python -m pip install -r workflow/requirements.txt
	touch $@

workflow: install $(VENV)/workflow/.installed ## simulate, train a grid, export, evaluate, report: the demo, minutes
	$(VENV)/workflow/bin/snakemake -c2 --configfile workflow/demo.yaml --config python=$(abspath $(BIN)/python)

test: install ## all tests, with the coverage of the package
	$(BIN)/python -m pytest --cov

lint: install ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install ## mypy, strict
	$(BIN)/mypy

format: install ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove the environment and what tools leave behind; outputs/ stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
