# INGP Open Data. `make help` explains every target.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
FUZZ_SECONDS ?= 120
PORT ?= 8001
export PYTHONPATH := $(CURDIR)

.DEFAULT_GOAL := help
.PHONY: help demo test check bench fuzz format translations templates lock serve clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the libraries (once, some minutes on a slow line) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

demo: $(READY) ## Publish the demo members and the network, and serve the site (Ctrl-C stops)
	@$(BIN)/python -m flows.demo --port $(PORT)

serve: $(READY) ## Serve the current release of this installation
	@$(BIN)/ingp serve --port $(PORT)

test: $(READY) ## All tests
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

check: $(READY) ## Everything CI checks besides the tests: format, lint, types, imports, standard, translations
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/test_layout.py tests/schemas tests/pipelines/test_locales.py

bench: $(READY) ## Benchmarks beside their peers; ONLY=name for one, results in benchmarks/results.json
	@$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(ARGS)

fuzz: $(READY) ## Random tables and schemas, our report against that of Frictionless, for FUZZ_SECONDS
	@$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS) --keep var/fuzz $(if $(SEED),--seed $(SEED)) $(ARGS)

format: $(READY) ## Format and mend what can be mended
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

translations: $(READY) ## Bring the interface catalogues up to date with the sources
	@$(BIN)/python -m pipelines.locales.update

templates: $(READY) ## Write the templates for members again from the standard
	@$(BIN)/python -m pipelines.templates

lock: $(READY) ## Resolve the dependencies again
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --no-header --no-emit-index-url --quiet --upgrade -o requirements.lock

clean: ## Remove the environment and caches; keeps data
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
