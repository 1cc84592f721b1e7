# Verbs of this repository. ARGS reaches the program behind one: make serve ARGS="--bind 0.0.0.0:104"
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help serve test test-all bench clean test-tools

help: ## list these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(VENV)/.installed ## run the server: 127.0.0.1:11112, title ULPOOL, storing to ./incoming; Ctrl-C stops it
	@$(BIN)/ulpool serve $(ARGS)

test: $(VENV)/.installed-test test-tools ## check style, types and import floors, and run the tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest $(ARGS)

test-all: test-tools ## run the tests on every CPython from 3.10 on that is found here
	@scripts/test_all.sh $(ARGS)

bench: $(VENV)/.installed-test ## compare with other servers on the same work; the page with the plots is build/bench.html
	@$(BIN)/python scripts/bench.py $(ARGS)

clean: ## remove what these verbs made; stored instances stay
	rm -rf $(VENV) build *.egg-info .hypothesis .mypy_cache .ruff_cache .pytest_cache
	find ul pool tests scripts -name __pycache__ -prune -exec rm -rf {} +

test-tools:
	@scripts/test_tools.sh

# The checkout is installed in place, so these are out of date only when what they install changed.
$(VENV)/.installed: pyproject.toml
	@scripts/make_venv.sh $(PYTHON) $(VENV) .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(VENV)/.installed
	@scripts/make_venv.sh $(PYTHON) $(VENV) ".[test]"
	@touch $@
