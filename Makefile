# Yishe 医社联动. One command each; every command makes what it needs first.
#   make run     the demo community on http://127.0.0.1:8000 (SQLite, nothing to install but Python >= 3.11)
#   make test    all tests, on SQLite and on PostgreSQL
#   make check   style, types, rooms, packs, migrations
# Also: e2e proof crash bench bench-district audit sbom lock clean

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
  if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo $$p; break; fi; done)
HOST ?= 127.0.0.1
PORT ?= 8000
BIN := .venv/bin
YISHE := $(BIN)/yishe
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: help run test test-sqlite test-postgresql check e2e proof crash bench bench-district audit sbom lock clean

help:
	@sed -n '2,5p' Makefile | cut -c3-

# --- the environment -------------------------------------------------------------------------------------

.venv/bin/python:
	@if [ -z "$(PYTHON)" ]; then echo "Yishe needs Python 3.11 or newer (需要 Python 3.11 或更高版本)." >&2; exit 1; fi
	@echo "making .venv with $(PYTHON) …"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
	  echo "Python's venv module is missing; on Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }

.venv/ready-run: requirements.lock pyproject.toml | .venv/bin/python
	@echo "installing what Yishe runs on …"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/ready-dev: requirements-dev.lock pyproject.toml | .venv/bin/python
	@echo "installing what checks and tests need …"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ .venv/ready-run

# --- the product -----------------------------------------------------------------------------------------

run: .venv/ready-run
	@$(YISHE) migrate
	@$(YISHE) demo accounts --json >/dev/null 2>&1 || $(YISHE) demo load
	@$(YISHE) demo accounts
	@exec $(YISHE) serve --host $(HOST) --port $(PORT)

# --- the house -------------------------------------------------------------------------------------------

check: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(YISHE) pack check
	$(YISHE) pack test
	$(BIN)/python -m yishe makemigrations --check --dry-run
	$(BIN)/pytest tests/house -q

# Both databases at once. Rooms and the rest are runs of their own, longest first, so that no core waits for the other.
# `make test-sqlite` and `make test-postgresql` run all on one of them and show it running.
# PostgreSQL is started by the tests themselves; YISHE_TEST_DATABASE_URL names another server to use instead.
ROOMS := tests/rooms
REST := tests --ignore=tests/rooms
PARTS := test-postgresql-rest test-postgresql-rooms test-sqlite-rest test-sqlite-rooms
.PHONY: $(PARTS)

test: .venv/ready-dev
	@echo "testing on SQLite and on PostgreSQL at once; what each of them says comes when it is done, in some minutes …"
	@$(MAKE) --no-print-directory -j2 $(if $(filter output-sync,$(.FEATURES)),--output-sync) $(PARTS)

test-postgresql-rest test-sqlite-rest: ASKED = $(REST)
test-postgresql-rooms test-sqlite-rooms: ASKED = $(ROOMS)
$(PARTS): .venv/ready-dev
	YISHE_TEST_PART=$(lastword $(subst -, ,$@)) YISHE_TEST_DATABASE=$(word 2,$(subst -, ,$@)) $(BIN)/pytest $(ASKED)

test-sqlite test-postgresql: .venv/ready-dev
	YISHE_TEST_DATABASE=$(lastword $(subst -, ,$@)) $(BIN)/pytest tests

e2e: .venv/ready-dev
	$(BIN)/pytest e2e

# Long runs; the dated result is kept in docs/proof and docs/bench.
proof: .venv/ready-dev
	$(BIN)/python -m tests.proof

crash: .venv/ready-dev
	YISHE_PROOF_KILLS=50 $(BIN)/python -m tests.proof crash-points kills

.venv/bench-client: bench/client.c
	$(CC) -O2 -Wall -Wextra -o $@ $<

bench: .venv/ready-dev .venv/bench-client
	$(BIN)/python -m bench $(BENCH)

# Libraries: our own rules first (no network), then the advisory service, asked from an environment of its own.
audit: .venv/ready-dev
	$(BIN)/python -m supply check
	@$(PYTHON) -m venv .venv-audit && .venv-audit/bin/python -m pip --disable-pip-version-check -q install pip-audit \
	  || { echo "pip-audit could not be installed: NOT asked for advisories"; exit 1; }
	@code=0; .venv-audit/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.lock || code=$$?; \
	  [ $$code = 0 ] || echo "NOT all clear: vulnerable libraries, or no advisory service within reach; see above"; exit $$code

sbom: .venv/ready-dev
	$(BIN)/python -m supply sbom

LOCKED := --quiet --generate-hashes --allow-unsafe --strip-extras --build-deps-for editable \
  --no-header --no-annotate --no-emit-index-url --no-emit-trusted-host --no-emit-find-links
lock: .venv/ready-dev
	$(BIN)/pip-compile $(LOCKED) --upgrade -o requirements.lock pyproject.toml
	$(BIN)/pip-compile $(LOCKED) --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml
	$(MAKE) sbom

clean:
	rm -rf .venv .venv-audit .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
