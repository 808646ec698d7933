# Everything here runs in .venv, which the first target that needs it creates. `make` alone prints the targets.

.DEFAULT_GOAL := help
SHELL := /bin/bash

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Stamps: made once, remade when pyproject.toml changes. The development install includes the plain one.
PLAIN := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
# Set PYTHON to choose the interpreter; otherwise the first of these that is new enough and can make an environment.
CANDIDATES := $(or $(PYTHON),python3 python3.11 python3.12 python3.13 python3.14)

.PHONY: help demo test test-all lint evidence rules-docs bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(PLAIN) ## scan, clean and verify the sample data
	@$(BIN)/dataaudit --help >/dev/null # a broken installation exits 1 too, and must not pass for a failed gate
	@echo '$$ dataaudit scan sample_data --max-contamination 1%'
	@status=0; $(BIN)/dataaudit scan sample_data --max-contamination 1% || status=$$?; \
	if [ $$status -ne 1 ]; then echo "the gate should have failed with exit 1, got exit $$status" >&2; exit 1; fi; \
	echo "the gate failed, as it should: exit 1"
	@echo
	@echo '$$ dataaudit clean sample_data -o out/demo --drop contamination --drop exact-duplicates --overwrite'
	@$(BIN)/dataaudit clean sample_data -o out/demo --drop contamination --drop exact-duplicates --overwrite
	@echo
	@echo '$$ dataaudit verify out/demo'
	@$(BIN)/dataaudit verify out/demo

test: $(DEV) ## run the tests that take seconds
	$(BIN)/python -m pytest -m "not slow" -n 2

test-all: $(DEV) ## run all tests
	$(BIN)/python -m pytest -n 2

lint: $(DEV) ## check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

evidence: $(PLAIN) ## measure the shipped rules: evidence.json, synthetic-share.json, docs (needs the corpora of docs/evidence.md)
	$(BIN)/python benchmarks/human_prose.py out/prose
	$(BIN)/python benchmarks/evidence.py out/prose $(EVIDENCE)
	$(BIN)/dataaudit rules docs docs/rules
	$(BIN)/python benchmarks/formal_prose.py out/formal
	$(BIN)/python benchmarks/unseen_prose.py out/unseen
	$(BIN)/python benchmarks/evidence_page.py out/prose out/formal out/unseen
	$(BIN)/python benchmarks/refusals.py out/prose
	$(BIN)/python benchmarks/synthetic_share.py out/prose out/formal

rules-docs: $(PLAIN) ## write docs/rules from the packs and their evidence
	$(BIN)/dataaudit rules docs docs/rules

bench: $(PLAIN) ## measure beside other tools and write docs/benchmarks.md (BENCH="--mb 33" for a short run)
	$(BIN)/python benchmarks/run.py $(BENCH)

clean: ## remove the environment and everything that was built
	rm -rf $(VENV) out dist build benchmarks/.venvs benchmarks/.work

$(PLAIN): pyproject.toml | $(BIN)/python
	$(PIP) -e .
	@touch $@

$(DEV): pyproject.toml | $(BIN)/python
	$(PIP) -e '.[dev]'
	@touch $(PLAIN) $@

$(BIN)/python:
	@for python in $(CANDIDATES); do \
	  if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "creating $(VENV) with $$python"; exec $$python -m venv $(VENV); \
	  fi; \
	done; \
	echo "Python 3.11 or newer with the venv module is needed; none of these is: $(CANDIDATES)." >&2; \
	echo "Install one (on Debian and Ubuntu: python3-venv), or name it: make PYTHON=/path/to/python3.12 ..." >&2; \
	exit 1
