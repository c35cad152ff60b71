# Sealane: `make help` lists what can be made. Needs Python >= 3.11 and make, nothing else.

SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= demo-out
# SERVE=1 serves the pages, SERVE=0 ends when all is made, auto serves only at a terminal.
SERVE ?= auto
HOST ?= 127.0.0.1
PORT ?= 8000

.PHONY: help install install-dev demo test lint format types contracts bench bench-node bench-corridors bench-web docs docs-generate java chromium postgresql clean tck faults maven

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

install: $(VENV)/.stamp-install  ## build .venv with the command .venv/bin/sealane

# The stamps make a second call free: they are older than what they depend on only after a change.
# pip hands PIP_CONSTRAINT (older) or PIP_BUILD_CONSTRAINT (newer) on to the builds, so that those are pinned as well.
PIP_INSTALL = PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check

$(VENV)/.stamp-install: pyproject.toml constraints.txt hatch_build.py scripts/build_assets.py $(wildcard web-assets/*)
	@$(PYTHON) scripts/make_venv.py $(VENV)
	@echo "Installing Sealane and its dependencies into $(VENV)"
	@$(PIP_INSTALL) -c constraints.txt -e .
	@touch $@

install-dev: $(VENV)/.stamp-dev

$(VENV)/.stamp-dev: $(VENV)/.stamp-install scripts/dev_requirements.py
	@echo "Installing what the tests and the documentation need"
	@$(BIN)/python scripts/dev_requirements.py > $(VENV)/dev-requirements.txt
	@$(PIP_INSTALL) -c constraints.txt -r $(VENV)/dev-requirements.txt
	@touch $@

demo: install  ## make and serve three nodes with pages, on shipped data; SERVE=0 only makes them
	@$(BIN)/python scripts/demo.py --out $(OUT) --serve $(SERVE) --host $(HOST) --http-port $(PORT)

java:
	@$(PYTHON) scripts/need_java.py

chromium:
	@$(PYTHON) scripts/need_chromium.py

postgresql:
	@$(PYTHON) scripts/need_postgresql.py

maven:
	@$(PYTHON) scripts/need_maven.py

test: install-dev java maven postgresql chromium  ## lint, types, import contracts, documentation, conformance kit and all tests
	@$(MAKE) --no-print-directory lint
	@# 3: the kit could not be had, said so as *not proven*
	@$(BIN)/python scripts/run_tck.py || test $$? -eq 3
	$(BIN)/pytest -n auto --dist loadfile -q

# TCK_VERSION=... chooses another version of the kit.
TCK_VERSION ?=
tck: install-dev java maven  ## the Dataspace Protocol's conformance kit against a node; reports under build/tck
	@$(BIN)/python scripts/run_tck.py $(if $(TCK_VERSION),--tck-version $(TCK_VERSION))

# FAULTS=full runs at the sizes of docs/reference/guarantees.md.
FAULTS ?= small
FAULTS_ARGS ?=
faults: install-dev postgresql  ## crashes, outages and attacks against running nodes, with negative controls
	@$(BIN)/python scripts/run_faults.py $(if $(filter full,$(FAULTS)),--full) $(FAULTS_ARGS)

lint: install-dev  ## ruff, format, mypy --strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict src/sealane scripts
	$(BIN)/lint-imports

format: install-dev  ## let ruff format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The peers movingpandas and poeminv (AGPL), and locust, live in an environment of their own; without it they are "not proven".
BENCH_ARGS ?=
bench: install-dev .venv-bench/.stamp  ## measure speed and memory against the peers; BENCH_ARGS="--quick" for a look
	@$(BIN)/python bench/run.py $(BENCH_ARGS)
	@$(BIN)/python bench/node.py $(if $(filter --quick,$(BENCH_ARGS)),--quick)
	@$(BIN)/python bench/corridors.py $(if $(filter --quick,$(BENCH_ARGS)),--quick)
	@$(BIN)/python bench/web.py $(if $(filter --quick,$(BENCH_ARGS)),--quick)

bench-node: install-dev postgresql  ## only the node's benchmarks: exchange, decisions, interface, ledger
	@$(BIN)/python bench/node.py $(BENCH_ARGS)

bench-corridors: install-dev  ## only the benchmarks of corridors: routes, lanes, ensemble, plan
	@$(BIN)/python bench/corridors.py $(BENCH_ARGS)

bench-web: install-dev chromium .venv-bench/.stamp  ## only the benchmarks of the pages: first view, weight, tiles, 50 people
	@$(BIN)/python bench/web.py $(BENCH_ARGS)

.venv-bench/.stamp: Makefile
	@$(PYTHON) scripts/make_venv.py .venv-bench && \
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check movingpandas poeminv locust && touch $@ \
	|| echo "The bench's own environment could not be made; its peers will be reported as not proven."

docs-generate: install-dev  ## rewrite the generated reference pages
	@$(BIN)/python scripts/generate_docs.py

docs: install-dev  ## build the documentation into site/
	@$(BIN)/python scripts/generate_docs.py --check
	@# not --quiet: that keeps warnings from failing the strict build
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "site/index.html"

clean:  ## remove what the targets made, the environment included
	rm -rf $(VENV) .venv-bench site $(OUT) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
