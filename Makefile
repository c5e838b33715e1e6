# Everything that a developer or CI does; `make` alone explains the targets.
# Needs only Python 3.11 or newer with pip: servers come from the package index.

PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3,11) <= sys.version_info < (3,15))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

TOOLS := build/tools
NO_SECRETS := SECRET-OF-THE-CALLER|user:password@|someone:secret@|4bf92f3577b34da6|8b22a2d4bdd142c6|P01M81ZCVTHWX177E
FAST := tests/unit tests/property tests/reference tests/golden tests/architecture

.DEFAULT_GOAL := help
.PHONY: help run demo setup test test-fast faults fuzz machine audit secrets sbom lint types floors unit stack-files bench scip migrate migration lock openapi clean

help: ## explain the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk 'BEGIN {FS = ":.*## "} {printf "  make %-12s %s\n", $$1, $$2}'

run: $(VENV)/installed ## start everything, rebalance the demo once, serve until Ctrl-C
	@exec $(BIN)/assetmix up

demo: $(VENV)/installed ## the same, but end after the demo
	@exec $(BIN)/assetmix up --once

setup: $(VENV)/installed-dev ## install everything that tests and lint need

test: $(VENV)/installed-dev lint types floors stack-files unit ## everything that CI runs

test-fast: $(VENV)/installed-dev ## tests without servers, in seconds
	$(BIN)/python -m pytest -q -n 2 $(FAST)

unit: test-fast
	$(BIN)/python -m pytest -q -n 2 tests/integration tests/e2e
	$(BIN)/python -m pytest -q -n 2 --dist loadfile tests/stack tests/faults
	SHORT=1 $(BIN)/python -m tests.fuzz.run
	SHORT=1 $(BIN)/python -m tests.faults.storm

lint: $(VENV)/installed-dev ## ruff, formatting, undeclared dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/deptry src

types: $(VENV)/installed-dev ## mypy, strict
	$(BIN)/mypy

floors: $(VENV)/installed-dev ## the floors as contracts
	$(BIN)/lint-imports --no-cache

stack-files: $(VENV)/installed-dev ## lint Dockerfile and compose file, without Docker
	$(BIN)/python scripts/lint_containers.py

faults: $(VENV)/installed-dev ## kill whatever can be killed under load, check the history (SHORT=1: minutes)
	$(BIN)/python -m tests.faults.storm

machine: $(VENV)/installed-dev ## ten thousand steps of two tenants against a model
	MACHINE_EXAMPLES=240 $(BIN)/python -m pytest -q tests/e2e/test_machine.py

fuzz: $(VENV)/installed-dev ## a hundred thousand requests from the service's own OpenAPI document (SHORT=1: a minute)
	$(BIN)/python -m tests.fuzz.run

scip: $(VENV)/installed-dev ## install the optional SCIP and test what it adds
	$(PIP) install "pyscipopt>=6,<7"
	$(BIN)/python -m pytest -q tests/reference/test_scip.py

bench: $(VENV)/installed-dev ## measure solves, batches, rebalances, backtests and uploads against bare solvers and peers
	$(BIN)/python -m benchmarks.kernels
	$(BIN)/python -m benchmarks.large
	$(BIN)/python -m benchmarks.batches
	$(BIN)/python -m benchmarks.rebalance
	$(BIN)/python -m benchmarks.ibm
	$(BIN)/python -m benchmarks.night
	$(BIN)/python -m benchmarks.backtest
	$(BIN)/python -m benchmarks.division
	$(BIN)/python -m benchmarks.uploads

audit: $(TOOLS)/installed ## ask the vulnerability service of PyPI about every pinned package
	$(TOOLS)/bin/pip-audit --require-hashes --disable-pip -r requirements.txt

secrets: $(TOOLS)/installed ## look for secrets in what is committed; what only looks like one is named here
	git ls-files -z | grep -zv '^requirements\|^docs/openapi.json' | \
		xargs -0 $(TOOLS)/bin/detect-secrets-hook --exclude-lines '$(NO_SECRETS)'

sbom: $(TOOLS)/installed ## write build/sbom.json, the bill of materials (CycloneDX)
	@mkdir -p build
	$(TOOLS)/bin/cyclonedx-py requirements requirements.txt --output-file build/sbom.json

migrate: $(VENV)/installed ## apply migrations to DATABASE_URL
	$(BIN)/assetmix migrate

migration: $(VENV)/installed-dev ## write a migration: make migration m="what changes"
	$(BIN)/alembic revision --autogenerate -m "$(m)"

openapi: $(VENV)/installed-dev ## write docs/openapi.json
	$(BIN)/assetmix openapi > docs/openapi.json

lock: $(VENV)/installed-dev ## resolve the requirements anew, with hashes and without addresses (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
		pyproject.toml --group build -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
		pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt

clean: ## remove the environment and build products; the data in .assetmix stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "assetmix: Python 3.11 to 3.14 is needed; install one and say PYTHON=/path/to/python make run"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "assetmix: $(PYTHON) has no venv module; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing pinned packages into $(VENV) (once; about 600 MB)"
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(TOOLS)/installed: | $(VENV)/bin/python
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip --disable-pip-version-check --quiet install "pip-audit>=2.9" "cyclonedx-bom>=7" "detect-secrets>=1.5"
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	@echo "installing what tests and lint need"
	@$(PIP) install --no-deps --require-hashes -r requirements-dev.txt  # complete; a peer's wish for cvxpy is met by cvxpy-base
	@touch $@
