# Everything a newcomer types. Each target makes `.venv` when it is not there.
PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo up down test long unit check model chaos storm soak mutants bench audit lock clean

help: ## what there is to type
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 16

$(READY): requirements/dev.txt pyproject.toml shared/pyproject.toml
	@echo "making $(VENV) (once; about a minute)" >&2
	@$(PY) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Name another with PY=python3.12" if sys.version_info < (3, 11) else 0)'
	@$(PY) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e shared -e .
	@touch $(READY)

demo: $(READY) ## play real programmes through all parties on a real Kafka and PostgreSQL
	@$(BIN)/samenspel demo

up: $(READY) ## start the local system and leave it running
	@$(BIN)/samenspel up

down: $(READY) ## stop it; its data stays
	@$(BIN)/samenspel down

test: $(READY) ## the tests, on a real Kafka and a real PostgreSQL of their own
	@$(BIN)/python -m pytest

long: $(READY) ## the tests that `make test` leaves out: a full disk (as root), a broker of an older day, larger models
	@$(BIN)/python -m pytest -m long

unit: $(READY) ## the tests that need no server: one folder per folder of the source; about a minute
	@$(BIN)/python -m pytest tests/unit tests/architecture

check: $(READY) ## format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

model: $(READY) ## the law of lanes, tried in every interleaving of small worlds, and each of its rules left out; LIMIT_S=
	@$(BIN)/python -m tests.model

chaos: $(READY) ## kill the services at every point of the path of a fact: >= 1,500 runs, about half an hour; SEED=, RUNS=, LIMIT_S=
	@$(BIN)/python -m tests.faults.kill

storm: $(READY) ## kill, stop and cut off everything at random under load: >= 200 kills; SEED=, EVENTS=, LIMIT_S=
	@$(BIN)/python -m tests.faults.storm

soak: $(READY) ## the same load for ten minutes, and whether memory stays flat; RATE=, LIMIT_S=
	@$(BIN)/python -m tests.bench.soak

mutants: $(READY) ## switch every protection off, one at a time: its test must turn red; LIMIT_S=
	@$(BIN)/python -m tests.mutants

bench: $(READY) ## measure against floors of the same run; writes .samenspel/bench.json; COUNT=, ROUNDS=, SIZES=
	@$(BIN)/python -m tests.bench

audit: $(READY) ## what we depend on: pinned, hashed, freely licensed, and known weaknesses (pip-audit)
	@$(BIN)/python -m tests.security.audit

lock: ## compile the hashed requirement files again (needs uv)
	@for name in runtime dev; do uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command 'make lock' requirements/$$name.in -o requirements/$$name.txt; done

clean: ## remove the virtual environment (the local system's data: `samenspel reset`)
	@rm -rf $(VENV)
