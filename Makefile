# Everything runs in .venv, which the first call creates; PYTHON chooses its interpreter.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help test demo clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 14

test: .venv/.test ## check style, types and behaviour (servers: .ci/packages.txt)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest --numprocesses auto --dist loadfile

demo: .venv/.run ## build a small operator anew in demo/ and walk four requests through it
	rm -rf demo
	$(BIN)/dsr demo demo/

clean: ## remove .venv, demo/ and caches
	rm -rf .venv demo .mypy_cache .pytest_cache .ruff_cache .hypothesis

# A stamp is as new as pyproject.toml: repeated calls install nothing.
.venv/.run: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/.test: pyproject.toml $(wildcard plugins/*/pyproject.toml)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[test]' $(addprefix --editable ,$(wildcard plugins/*))
	@touch .venv/.run $@
