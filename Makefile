# The only entrance. `make help` says what each target does.
.DEFAULT_GOAL := help
.PHONY: demo test check bench faults sabotage format help

# Programs run from the checkout; compiled kernels and everything else a run writes stay in .cache.
export PYTHONPATH := $(CURDIR)
export NUMBA_CACHE_DIR := $(CURDIR)/.cache/numba
export PYTHON
python := .venv/bin/python
ready := .venv/.complete
web := dashboards/web
# What builds the page, and the page.
builders := $(web)/node_modules/.complete
page := $(web)/dist/.complete
# The kernels of the services, compiled.
kernels := $(NUMBA_CACHE_DIR)/.complete
pytest := $(python) -m pytest

# Every recipe's last command is an exec, so that Ctrl-C and kill reach the program itself.

demo: $(ready) $(page) ## start the whole centre with simulated meters: make demo ARGS="--seconds 60"
	@exec $(python) -m deploy.cli demo $(ARGS)

# Tests wait for servers as often as they compute, so that three processes keep two cores busy. Without
# compiled kernels each of them, and each service that they start, would compile its own.
test: $(ready) ## run every test on every database and broker this machine can start
	@$(MAKE) --no-print-directory --jobs=2 $(page) $(kernels)
	@exec $(pytest) --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(ready) $(builders) ## lint, formatting, types and the rooms' import contracts
	@$(python) -m ruff check .
	@$(python) -m ruff format --check --quiet .
	@$(python) -m mypy
	@sh deploy/page.sh check
	@exec $(python) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'

bench: $(ready) ## measure: each benchmark asserts its answer and prints its figures
	@exec $(pytest) -m benchmark --capture=no $(ARGS)

faults: $(ready) ## kill brokers, databases and services, and count every reading
	@exec $(pytest) -m faults --capture=no $(ARGS)

sabotage: $(ready) ## plant one-line faults in a copy of the tree, and see that each is found
	@exec $(pytest) -m sabotage --capture=no --quiet $(ARGS)

format: $(ready) ## rewrite the sources in the house format
	@$(python) -m ruff check --fix-only --quiet .
	@exec $(python) -m ruff format .

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

$(ready): requirements.lock deploy/bootstrap.sh
	@exec sh deploy/bootstrap.sh

$(builders): $(web)/package-lock.json | $(ready)
	@exec sh deploy/page.sh install

$(kernels): $(wildcard compute/*.py) | $(ready)
	@echo 'nengtan: compiling the kernels (a minute, once)'
	@$(python) -c 'from compute.warm import warm_arrivals as warm; warm()' & \
	$(python) -c 'from compute.warm import warm; warm()' && wait $$! && touch $@

$(page): $(shell find $(web)/src $(web)/public) $(addprefix $(web)/,index.html vite.config.js package-lock.json) | $(builders)
	@exec sh deploy/page.sh build
