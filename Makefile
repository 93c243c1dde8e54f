# `make run` and `make test` set up all that they need; `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help setup run demo pictures test check format docs clients fuzz bench traces index networks lock package clean
help:
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

$(VENV)/.installed: requirements.txt requirements-operator.txt requirements-dev.txt requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' \
	  || { echo "Heed needs Python 3.11 or 3.12; name one with: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt -c requirements.lock
	touch $@

node_modules/.installed: package.json package-lock.json
	npm ci --no-progress --loglevel=error
	touch $@

setup: $(VENV)/.installed node_modules/.installed ## create .venv and node_modules

run: setup ## start Heed with storage and a mail catcher on this machine; parts=3: as three apps behind a front
	$(BIN)/python -m infra.local $(if $(parts),--parts)

demo: setup ## fill the Heed of make run with an organization that has three months behind it; replace=1: make it anew
	$(BIN)/python -m demo $(if $(replace),--replace) $(if $(mails),--mails $(mails))

pictures: setup ## renew the pictures of the console in docs/ from the demo of a running Heed; wants chromium
	$(BIN)/python -m demo.pictures

# One process more than there are cores, as tests wait much, but 3 at least and 5 at most: each starts servers of its own.
WORKERS ?= $(shell n=$$(($$(nproc 2>/dev/null || echo 2) + 1)); [ $$n -lt 3 ] && n=3; [ $$n -gt 5 ] && n=5; echo $$n)

# Compiled files are kept, whatever the environment says: tests start Heed in some hundred processes.
test: export PYTHONDONTWRITEBYTECODE =
test: setup ## run every test; real servers are started on free ports
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

check: setup ## lint, formatting, types, floors, dead code, docs, deployment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/vulture
	$(BIN)/python -m infra.docs --check
	$(BIN)/python -m infra.clients --check
	$(BIN)/python -m infra.template_checks

docs: setup ## renew the tables in docs/ that are made from the code
	$(BIN)/python -m infra.docs

clients: setup ## generate the code of the clients from the API's document
	$(BIN)/python -m infra.clients

format: setup ## put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

fuzz: setup ## send far more hostile requests than the tests do, and try other examples; an hour or so
	$(BIN)/python -m pytest tests/walls --hypothesis-profile=fuzz
	$(BIN)/python -m pytest tests/lib tests/faults -m hypothesis --hypothesis-profile=search -n $(WORKERS) --dist loadfile

bench: setup ## measure; writes bench/RESULTS.md
	$(BIN)/python -m bench

traces: setup ## judge labelled traces; writes bench/traces/RESULTS.md
	$(BIN)/python -m bench.traces

index: setup ## index the addresses of records from before there was an index: all, or org=NAME
	$(BIN)/python -m heed index-addresses $(or $(org),--all)

networks: setup ## renew the table of autonomous systems from public routing data
	$(BIN)/python -m infra.catalogues.autonomous_systems

lock: setup ## renew the exact versions in requirements.lock
	$(BIN)/pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --upgrade --strip-extras --no-header --no-annotate --no-emit-index-url \
	  --no-emit-trusted-host --no-emit-find-links -o requirements.lock requirements-dev.txt

package: ## build what is deployed into dist/, with the Python of the app: PYTHON=python3.12
	$(PYTHON) -m infra.packaging

clean: ## remove what make has made, the local data included
	rm -rf $(VENV) node_modules dist .local .local-* .mypy_cache .ruff_cache
