# Assay. `make` alone explains itself; everything else starts from a machine with Python 3.11+ and make.

VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := $(VENV)/.stamps
# Tried in this order after $(PYTHON), if you name one: make setup PYTHON=/opt/python3.12/bin/python3
PYTHONS := python3.13 python3.12 python3.11 python3 python
UV      := $(BIN)/uv
COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11
# Modules are compiled here, once: a service that starts loads a thousand, and some machines keep no bytecode.
INSTALL := $(UV) pip install --quiet --compile-bytecode --python $(BIN)/python
TYPED   := services shared infra tests

.DEFAULT_GOAL := help
.PHONY: help setup check static test test-browser run bench quality soak lock docs clean

help: ## Print this list.
	@echo "Assay: event-driven fraud scoring. Needs Python 3.11 to 3.13 and make; brings its own Kafka and Redis."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMPS)/dev ## Make .venv and install everything for work on the code, every package checked by its hash.

check: static ## Look without running the house: static, and the architecture tests.
	$(BIN)/python -m pytest tests/architecture

static: setup ## Look at the text alone: ruff, mypy --strict, the import contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict $(TYPED)
	$(BIN)/lint-imports

test: static ## Run static, then every test against a real Kafka and Redis that the tests start themselves.
	$(BIN)/python -m tests.suites

test-browser: setup ## Look at every screen with Debian's Chromium; PICTURES=docs/screens writes their pictures again.
	$(BIN)/python -m pytest tests/browser -rs -n 2 --dist worksteal $(if $(PICTURES),--pictures $(PICTURES))

run: $(STAMPS)/run ## Start the whole house, stream history, train, go live, and show what happens. Ctrl-C ends it.
	$(BIN)/assay run

bench: setup ## Measure microseconds per transaction beside a naive peer, then per kind of feature; CHECK=60 fails below that ratio.
	$(BIN)/python -m tests.bench $(if $(CHECK),--check $(CHECK))
	$(BIN)/python -m tests.bench.fold

quality: setup ## Train and evaluate on the published data set and print our figures beside the published ones.
	$(BIN)/python -m tests.quality

soak: setup ## Run the long forms of the fault tests, up to an hour and more.
	$(BIN)/python -m pytest -m soak -rs --timeout 7200

lock: $(STAMPS)/uv ## Resolve pyproject.toml again and write the lock files with hashes.
	$(COMPILE) --upgrade --extra build --output-file requirements.lock pyproject.toml
	$(COMPILE) --constraint requirements.lock --extra build --extra dev --output-file requirements-dev.lock pyproject.toml
	$(COMPILE) --upgrade --group installer --output-file requirements-uv.lock

docs: setup ## Write the made pages of docs/ again from their tables, docs/openapi.json, and the dispatch of kinds.
	$(BIN)/python -m tests.support.made_dispatch
	$(BIN)/python -m infra.docs
	$(BIN)/python -m tests.support.reference_pages
	$(BIN)/python -m tests.support.api_page
	$(BIN)/python -m tests.support.fraud_metrics_page

clean: ## Delete .venv, caches and build output; the stack's data in .assay stays.
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find services shared infra tests -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp per kind of installation, so that a second `make` does nothing twice.
$(STAMPS)/python:
	@found=; if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  for python in $(PYTHON) $(PYTHONS); do \
	    if $$python -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1; then \
	      echo "Making $(VENV) with $$python" && $$python -m venv $(VENV) && found=yes && break; \
	    fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "Assay needs Python 3.11, 3.12 or 3.13 with its venv module, and found none: install one (Debian and Ubuntu: apt install python3 python3-venv) or name it: make setup PYTHON=/path/to/python3.12" >&2; \
	    exit 1; \
	  fi; \
	fi
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/uv: $(STAMPS)/python requirements-uv.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@touch $@

$(STAMPS)/run: $(STAMPS)/uv requirements.lock pyproject.toml
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/dev: $(STAMPS)/run requirements-dev.lock
	$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@
