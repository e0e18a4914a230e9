# The front page of commands.  Every one sets up what it needs first (run.py); a second run finds it there.
# Arguments go in ARGS:  make demo ARGS="--port 9000"
PYTHON ?= python3
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo serve build viewer test check develop screenshot docs bench lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo:  ## the twin in one command: sample quarter, tiles, server
	@$(PYTHON) run.py demo $(ARGS)

serve:  ## the server on what has been built
	@$(PYTHON) run.py serve $(ARGS)

build:  ## set up all that the command zwilling needs, the viewer included
	@$(PYTHON) run.py build $(ARGS)

viewer:  ## build the viewer, where it is older than its sources
	@$(PYTHON) run.py viewer $(ARGS)

test:  ## every check and every test, as CI runs them; ARGS="tests/tiler" for some tests only
	@$(PYTHON) run.py test $(ARGS)

check:  ## format, lint, types, import rules, locks, documentation
	@$(PYTHON) run.py check $(ARGS)

develop:  ## set up all that checks and tests need, without running them
	@$(PYTHON) run.py develop $(ARGS)

screenshot:  ## render the pictures of the documentation anew
	@$(PYTHON) run.py screenshot $(ARGS)

docs:  ## build the documentation into site/
	@$(PYTHON) run.py docs $(ARGS)

bench:  ## measure, and print what was measured
	@$(PYTHON) run.py bench $(ARGS)

lock:  ## write the lock files anew; ARGS=--upgrade takes the newest versions
	@scripts/lock $(ARGS)

clean:  ## remove everything that was built or installed here; not the demo's data
	rm -rf .venv .venv-peers .venv-node viewer/node_modules viewer/dist tests/node/node_modules dist build site
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
