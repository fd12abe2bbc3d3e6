# make help lists what there is.
SHELL := /bin/bash
PYTHON ?= python3
PY := .venv/bin/python
SHARED ?= ../shared
# Two cores are enough; more are used where they are.
TEST_PROCESSES ?= auto
POSTGRES_URL ?= postgresql://postgres@127.0.0.1:5432/airflowsite_test

.PHONY: help setup run test lint types contracts tests tests-sqlite tests-postgres bench conformance compat e2e docs clean

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "airflowsite needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Making the environment in .venv …"
	@$(PYTHON) -m venv .venv || { echo "The venv module is missing. On Debian: apt-get install python3-venv"; exit 1; }
	@touch $@

.venv/runtime: requirements.txt constraints.txt pyproject.toml | .venv/made
	@echo "Installing what the program needs …"
	@$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --requirement requirements.txt
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv/development: requirements-dev.txt .venv/runtime
	@echo "Installing what tests and checks need …"
	@$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --requirement requirements-dev.txt
	@touch $@

setup: .venv/development ## Make the environment, nothing else

run: .venv/runtime ## Start everything on SQLite; prints the address and the first login
	@AIRFLOW__CORE__LOAD_EXAMPLES=$${AIRFLOW__CORE__LOAD_EXAMPLES:-True} exec $(PY) manage.py standalone

test: setup lint types contracts tests ## Lint, types, architecture contracts and all tests, on SQLite and PostgreSQL

lint: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: setup
	$(PY) -m mypy

contracts: setup
	.venv/bin/lint-imports
	$(PY) manage.py makemigrations --check --dry-run

tests: tests-sqlite tests-postgres

tests-sqlite: setup
	$(PY) -m pytest -n $(TEST_PROCESSES) --dist worksteal

tests-postgres: setup
	@if $(PY) -m tests.machine postgres "$(POSTGRES_URL)"; then \
		echo "$(PY) -m pytest (PostgreSQL)"; TEST_DATABASE_URL="$(POSTGRES_URL)" $(PY) -m pytest -n $(TEST_PROCESSES) --dist worksteal; \
	elif [ -n "$$REQUIRE_SERVICES" ]; then \
		echo "PostgreSQL is required here and not reachable at $(POSTGRES_URL)"; exit 1; \
	else \
		echo "SKIPPED: the suite on PostgreSQL, which is not reachable at $(POSTGRES_URL)"; \
	fi

bench: setup ## Measure, aims beside measures; BENCH="api --quick" chooses parts
	$(PY) -m benchmarks $(BENCH)

conformance: setup ## A fresh server against the recorded answers of the reference
	$(PY) -m benchmarks.conformance --kit $(SHARED)/conformance

compat: setup ## Run the reference's example DAGs and compare how they end
	$(PY) -m benchmarks.compat --expected $(SHARED)/reference/example-dags-2.10.5.json

e2e: setup ## Walk the operators' pages in a browser
	$(PY) -m pytest tests/e2e -m browser

docs: setup ## Write the generated documents again
	$(PY) manage.py generate_docs

clean: ## Remove the environment and caches
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
