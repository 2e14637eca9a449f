# `make` lists the targets. Needs only make and a Python of 3.11 or newer; everything else is installed into .venv.

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help up test check bench audit docs lock install clean

BIN := .venv/bin
PACKAGES := checkout catalog_cache workers ratelimit bench config
ARGS ?=

export UV_PYTHON_DOWNLOADS := never
# Trust the certificates that this machine trusts, as pip does.
export UV_SYSTEM_CERTS := true
# uv keeps what it fetched in the home folder, or beside what it installs when there is no home.
ifndef UV_CACHE_DIR
export UV_CACHE_DIR := $(shell if [ -n "$$HOME" ] && [ -d "$$HOME" ] && [ -w "$$HOME" ]; then echo "$$HOME/.cache/uv"; else echo "$(CURDIR)/.venv/uv-cache"; fi)
endif

help: ## list the targets
	@echo 'make TARGET [ARGS="..."]'
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 12

up: install ## run everything on this machine until Ctrl-C; data is kept in .data/
	@exec $(BIN)/checkout up $(ARGS)

test: install ## run the tests
	@$(BIN)/python -m pytest $(ARGS)

check: install ## lint, formatting, types, import rules
	$(BIN)/ruff check $(PACKAGES) tests
	$(BIN)/ruff format --check $(PACKAGES) tests
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install ## benchmark what `make up` runs, and audit it
	@exec $(BIN)/checkout bench $(or $(ARGS),smoke)

audit: install ## prove the invariants against what `make up` runs
	@exec $(BIN)/checkout audit $(ARGS)

docs: install ## write what is made from the code: schema.sql, docs/{errors,settings,metrics}.md
	@$(BIN)/python -m checkout.reference

install: .venv/.installed ## install into .venv

lock: install ## write requirements.lock and config/bootstrap.lock anew
	$(BIN)/uv pip compile pyproject.toml --all-extras --generate-hashes --no-annotate --no-header --no-emit-index-url --quiet --output-file requirements.lock
	sed -n 's/^\(uv==[^ ]*\).*/\1/p' config/bootstrap.lock | $(BIN)/uv pip compile --generate-hashes --no-annotate --no-header --no-emit-index-url --quiet --output-file config/bootstrap.lock -

clean: ## remove the installation and caches; keep .data/
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.installed: requirements.lock pyproject.toml config/bootstrap.lock
	@test -x $(BIN)/python || { \
	  for python in python3.11 python3.12 python3.13 python3; do \
	    if command -v $$python >/dev/null 2>&1 && $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	      found=$$python; break; fi; done; \
	  if [ -z "$$found" ]; then echo 'Python 3.11 or newer is needed: install it, so that python3.11 or python3 is on the PATH.' >&2; exit 1; fi; \
	  echo "making .venv with $$found"; $$found -m venv .venv || { rm -rf .venv; exit 1; }; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-cache-dir --require-hashes -r config/bootstrap.lock
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-cache-dir --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .
	@touch $@
