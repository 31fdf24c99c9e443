# Plumbline's two commands are `make run` and `make test`. Everything installs itself, into .venv, when it is needed.

PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
INSTALLED := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: compiled help run test check bench fmt types lock secrets clean

help: ## Show what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  make run PORT=9000 DATA_DIR=/tmp/plumbline    any setting of the environment may be given so'
	@echo '  make test T=tests/domain                      only some tests'
	@echo '  make bench ONLY="append http"                 only some benchmarks'

run: compiled ## Start everything here: servers, API, projector, worker, and a demo project
	@$(BIN)/plumbline up --demo

test: compiled ## Run the tests against real servers of their own
	@$(BIN)/python -m pytest $(T)

check: compiled ## Everything that must hold: style, types, rooms, dependencies, tests, coverage
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/basedpyright
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/deptry .
	@$(BIN)/python -m pytest --cov --cov-report=term

bench: $(INSTALLED) ## Measure, each figure beside a peer's from the same run
	@$(BIN)/python -m benchmarks $(ONLY)

fmt: $(INSTALLED) ## Format the code, and mend what can be mended by itself
	@$(BIN)/ruff check --fix --exit-zero
	@$(BIN)/ruff format

types: $(INSTALLED) ## Write both clients' types out of the server's structs
	@$(BIN)/python web/client/generate.py
	@$(BIN)/python -m transport.client_types > .types && mv .types clients/python/plumbline_client/events.py
	@$(BIN)/python -m transport.client_messages > .types && mv .types clients/python/plumbline_client/messages.py

LOCK := uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate

lock: $(INSTALLED) ## Lock the newest versions that pyproject.toml allows
	$(BIN)/$(LOCK) --upgrade --group dev pyproject.toml -o requirements-dev.lock
	$(BIN)/$(LOCK) -c requirements-dev.lock pyproject.toml -o requirements.lock

secrets: ## Make the secrets that compose.yaml wants, once
	@install -d -m 700 secrets
	@test -f secrets/master_key || head -c 32 /dev/urandom | base64 > secrets/master_key
	@test -f secrets/database_password || head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' > secrets/database_password
	@test -f secrets/database_url || echo "postgresql://plumbline:$$(cat secrets/database_password)@postgres/plumbline" \
		> secrets/database_url
	@chmod 644 secrets/*  # for the containers' accounts; the folder keeps everybody else out

compiled: $(INSTALLED) # bytecode even where Python is told to write none: a start takes a third of the time with it
	@$(BIN)/python -m compileall -q domain eventstore commands projections transport workers runtime clients

clean: ## Remove what was installed and measured, but never .data
	rm -rf .venv .coverage* .hypothesis .import_linter_cache .pytest_cache .ruff_cache

SYNC := $(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements-dev.lock

# uv does not read pip's settings, so a mirror named there is handed over. Where the usual certificates do not do, as
# behind a proxy of one's own, the system's are tried.
$(INSTALLED): pyproject.toml clients/python/pyproject.toml requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Plumbline needs Python 3.11 or newer, but \
	$(PYTHON) is " + sys.version.split()[0] + ": try `make PYTHON=python3.12`")'
	@echo 'Installing into .venv (first time, or what is needed has changed)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@mirror=$$($(BIN)/python -m pip config get global.index-url 2>/dev/null || echo "$$PIP_INDEX_URL"); \
	test -z "$$mirror" || export UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$mirror}"; \
	( $(SYNC) 2>/dev/null || $(SYNC) --system-certs ) && \
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e . -e clients/python
	@touch $@
