# What can be done with this checkout; `make` alone lists it. Everything a target needs it gets by itself.

PYTHON ?= python3
BIN := .venv/bin
PREFIX ?= /usr/local
ARGS ?=
PEERS := $(CURDIR)/build/peers/root/usr
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test conformance check fmt lint type layering fresh docs bench venv install uninstall clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## install what is missing, fetch images, start guests of every kind, show what ran (as root)
	@tools/packages.sh python run
	@tools/venv.sh "$(PYTHON)"
	@$(BIN)/python tools/demo.py

test: ## install what the tests need and run them all (as root); ARGS="-k name" picks some
	@tools/packages.sh python run test
	@tools/venv.sh "$(PYTHON)" dev
	@$(BIN)/python bench/peers.py
	@PATH="$$PATH:$(PEERS)/bin:$(PEERS)/sbin" $(BIN)/python -m pytest --alone $(ARGS)

conformance: ## micro guests beside Linux: programs, applications and CPython's own tests (as root, minutes)
	@tools/packages.sh python run test
	@tools/venv.sh "$(PYTHON)" dev
	@WIRT_CONFORMANCE=all $(BIN)/python -m pytest tests/conformance $(ARGS)

check: lint type layering fresh ## everything that reads the code: style, types, layers, freshness of the docs

lint: venv ## style (ruff)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

type: venv ## types (mypy --strict)
	@$(BIN)/mypy

layering: venv ## imports point down the house only (import-linter)
	@$(BIN)/lint-imports

fresh: venv ## generated pages are what their sources would generate now
	@tools/docs.sh --check

fmt: venv ## format and mend what ruff can
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

docs: venv ## generate the pages that come from the code
	@tools/docs.sh

bench: venv ## measure beside runc, docker and podman (as root)
	@tools/packages.sh python run
	@for subject in startup exec hundred memory breakdown micro forks software; do $(BIN)/python bench/$$subject.py || exit 1; done

venv: ## the development environment in .venv
	@tools/packages.sh python
	@tools/venv.sh "$(PYTHON)" dev

install: ## install wirt on this machine: /opt/wirt, units, group, completion, man page (as root)
	@tools/packages.sh python run
	@tools/install.sh "$(PYTHON)" "$(PREFIX)"

uninstall: ## take away what install made; guests and images in /var/lib/wirt stay
	@tools/uninstall.sh "$(PREFIX)"

clean: ## remove what was built or cached in this checkout
	@rm -rf .venv build dist bench/results .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@rm -f src/wirt/host/_native.*.so src/wirt/vmm/vmi/*.so src/wirt/vmm/vmi/library.bin
	@find . -name __pycache__ -prune -exec rm -rf {} + -o -name '*.egg-info' -prune -exec rm -rf {} +
