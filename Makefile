# Commands for development. Each target creates `.venv` if missing.
PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= 2
# Tests that share servers stay in one process (tests/conftest.py).
PARALLEL := -n $(WORKERS) --dist loadscope

.DEFAULT_GOAL := help
.PHONY: help demo up down test long unit check model chaos storm soak mutants cases plans bench audit lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 16

$(READY): requirements/dev.txt pyproject.toml shared/pyproject.toml
	@echo "creating $(VENV) (once; about a minute)" >&2
	@$(PY) -c 'import sys; sys.exit("Python 3.11 or newer is required; this is " + sys.version.split()[0] + ". Select another with PY=python3.12" if sys.version_info < (3, 11) else 0)'
	@$(PY) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e shared -e .
	@touch $(READY)

demo: $(READY) ## run real Regio Deals through all parties, on Kafka and PostgreSQL, and check the result
	@$(BIN)/samenspel demo

up: $(READY) ## start the local system: Kafka, PostgreSQL and the three services
	@$(BIN)/samenspel up

down: $(READY) ## stop the local system; the data is kept
	@$(BIN)/samenspel down

test: $(READY) ## run the tests, on separate Kafka and PostgreSQL servers; WORKERS= processes
	@$(BIN)/python -m pytest $(PARALLEL)

long: $(READY) ## run the tests that `make test` excludes: full disk (as root), older broker, larger models, all services
	@$(BIN)/python -m pytest -m long

unit: $(READY) ## run the tests that need no server; two or three minutes
	@$(BIN)/python -m pytest $(PARALLEL) tests/unit tests/architecture

check: $(READY) ## check format, lint rules, types and import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

model: $(READY) ## check the law of lanes in every interleaving of small systems, also with each rule removed; LIMIT_S=
	@$(BIN)/python -m tests.model

chaos: $(READY) ## kill the services at every fail point: >= 1,500 runs, about half an hour; SEED=, RUNS=, LIMIT_S=
	@$(BIN)/python -m tests.faults.kill

storm: $(READY) ## kill, stop and disconnect processes at random under load: >= 200 kills; SEED=, EVENTS=, LIMIT_S=, HOSTILE=1
	@$(BIN)/python -m tests.faults.storm

soak: $(READY) ## run a constant load for ten minutes and check for memory growth; RATE=, LIMIT_S=
	@$(BIN)/python -m tests.bench.soak

mutants: $(READY) ## remove each protection in turn and check that its test fails; LIMIT_S=
	@$(BIN)/python -m tests.mutants

cases: $(READY) ## try the reproductions of reported faults in ../shared/cases, if that folder exists
	@$(BIN)/python -m tests.cases

plans: $(READY) ## execute every SQL statement on 10,000 and 1,000,000 rows per table and compare the rows read; ROWS=
	@$(BIN)/python -m tests.plans

bench: $(READY) ## measure against baselines of the same run; writes .samenspel/bench.json; ONLY=, COUNT=, ROUNDS=, SIZES=, ORGANISATIONS=
	@$(BIN)/python -m tests.bench

audit: $(READY) ## check dependencies: pins, hashes, licences and known vulnerabilities (pip-audit)
	@$(BIN)/python -m tests.security.audit

lock: ## compile the hashed requirement files (requires uv)
	@for name in runtime dev; do uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command 'make lock' requirements/$$name.in -o requirements/$$name.txt; done

clean: ## delete the virtual environment (`samenspel reset` deletes the data of the local system)
	@rm -rf $(VENV)
