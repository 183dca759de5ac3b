# make run    the demo, live in the browser      make test   everything that must hold
# make setup  what `make run` needs              make check  style, types, floors, sizes
# make bench  figures beside the engine's own    make lock   new lock files
#
# Each step leaves a stamp and is skipped while its inputs have not changed.

PYTHON  ?= python3
WORKERS ?= 2
VENV    := .venv
STAMPS  := $(VENV)/.stamps
CODE    := src tests scripts $(wildcard bench)
STATIC  := src/quarterdeck/http/static
UI_SOURCES := $(shell find ui -path ui/node_modules -prune -o -path ui/.svelte-kit -prune -o -type f -print)

# Commands, and what they start, come from the environment that we made.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
PIP := $(VENV)/bin/python -m pip -qq
NPM := npm --prefix ui --no-update-notifier --loglevel=error
CLIENTS := npm --prefix tests/node --no-update-notifier --loglevel=error

.PHONY: setup run test check check-ui-style check-ui-types check-types check-code bench lock docs types format clean packages
.DELETE_ON_ERROR:

setup: $(STAMPS)/command $(STATIC)/index.html

run: setup
	$(VENV)/bin/quarterdeck demo

test: packages setup check $(STAMPS)/clients
	$(NPM) test
	$(VENV)/bin/pytest -n $(WORKERS) --dist loadgroup

check: $(STAMPS)/dev $(STAMPS)/command $(STAMPS)/node
	$(NPM) run sync
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target --keep-going \
		check-types check-ui-style check-ui-types check-code

# The parts of `make check`, the longest first; two at once.
check-ui-style:
	$(NPM) run check:style

check-ui-types:
	$(NPM) run check:types

check-types:
	mypy

check-code:
	ruff format --check $(CODE)
	ruff check $(CODE)
	lint-imports
	python scripts/file_sizes.py

bench: $(STAMPS)/dev setup
	python -m bench

format: $(STAMPS)/dev $(STAMPS)/node
	ruff check --fix --select I $(CODE)
	ruff format $(CODE)
	$(NPM) run format

docs: $(STAMPS)/dev
	python scripts/docs.py --write

# TypeScript types of the API, from the document that a real server gives.
types: $(STAMPS)/dev $(STAMPS)/node
	python scripts/docs.py --openapi ui/openapi.json
	$(NPM) run types

lock: $(STAMPS)/setup
	scripts/lock.sh
	$(NPM) install --package-lock-only
	$(CLIENTS) install --package-lock-only

# What the tests need from the system: a real browser, a real PostgreSQL, a real syslog.
packages:
	scripts/packages.sh chromium postgresql-15 rsyslog rsyslog-gnutls rsyslog-elasticsearch \
		prometheus prometheus-node-exporter

clean:
	rm -rf $(VENV) ui/node_modules tests/node/node_modules ui/.svelte-kit $(STATIC)

$(STAMPS)/venv:
	@$(PYTHON) scripts/python_ready.py
	@echo "Making the environment $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/setup: requirements/setup.txt | $(STAMPS)/venv
	@echo "Installing Python packages and Node"
	@$(PIP) install --require-hashes -r requirements/setup.txt
	@python scripts/link_node.py
	@touch $@

$(STAMPS)/dev: requirements/dev.txt $(STAMPS)/setup
	@echo "Installing what development and tests need"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(STAMPS)/command: pyproject.toml $(STAMPS)/setup
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/node: ui/package-lock.json ui/.npmrc $(STAMPS)/setup
	@echo "Installing the UI's packages"
	@$(NPM) ci --no-progress >/dev/null
	@touch $@

$(STAMPS)/clients: tests/node/package-lock.json tests/node/.npmrc $(STAMPS)/setup
	@echo "Installing the clients that tests use"
	@$(CLIENTS) ci --no-progress >/dev/null
	@touch $@

$(STATIC)/index.html: $(UI_SOURCES) $(STAMPS)/node
	@echo "Building the UI"
	@$(NPM) run build >$(STAMPS)/ui.log 2>&1 || { cat $(STAMPS)/ui.log; exit 1; }
	@touch $@
