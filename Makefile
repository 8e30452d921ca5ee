# For GNU make 3.81 (macOS) and later. `make` alone says what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
REQUIREMENTS := requirements.txt requirements-dev.txt chalicelayer/requirements.txt
LOCKS := requirements.lock chalicelayer/requirements.lock
PACKAGES := $(VENV)/packages.stamp
UV := 0.13.9
LOCK := pip compile --quiet --no-deps --universal --generate-hashes --no-header --no-annotate
MODULES := node_modules/modules.stamp
EMULATOR := build/emulator/stamp
FRONTEND_MODULES := frontend/node_modules/modules.stamp
FRONTEND := $(shell find frontend -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -name schema.ts 2>/dev/null)
DASHBOARD := frontend/dist/index.html

# Everything in Python by two workers, and beside them the browser, whose log follows: much of each is waiting.
BOTH = mkdir -p build; (cd frontend && npm run --silent e2e) >build/e2e.log 2>&1 & browser=$$!; \
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder; tests=$$?; wait $$browser; played=$$?; cat build/e2e.log; exit $$((tests + played))

# One sentence to the error output, and out.
fail = { echo "$(1)" >&2; exit 1; }

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint coverage prove bench replay token tokens token-revoke lock audit node tools budgets e2e chromium
.PHONY: deploy destroy restore operator operators operator-remove

help: ## Say what each command does
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

run: node $(PACKAGES) $(DASHBOARD) ## Run everything on this machine; PORT=8000 unless given
	@$(BIN)/python -m local

test: tools chromium lint $(MODULES) $(DASHBOARD) $(EMULATOR) ## Lint, check types and run all tests; ARGS= goes to pytest
	@cd frontend && npm run --silent test
	$(if $(ARGS),$(BIN)/python -m pytest $(ARGS),@$(BOTH))

e2e: node $(PACKAGES) $(DASHBOARD) chromium ## Play operators and customers in Chromium only; ARGS= goes to Playwright
	@cd frontend && npm run --silent e2e -- $(ARGS)

lint: node $(PACKAGES) $(FRONTEND_MODULES) ## Check style and types only
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy .
	@cd frontend && npm run --silent lint

coverage: tools $(PACKAGES) $(MODULES) $(DASHBOARD) $(EMULATOR) ## Run all tests and list the lines and branches that none of them reached
	$(BIN)/python -m coverage run -m pytest $(ARGS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

prove: tools $(PACKAGES) $(MODULES) ## Try to break the core at full size, which takes 40 minutes; ARGS=machine takes a part
	@$(BIN)/python -m tests.prove $(ARGS)

bench: tools $(PACKAGES) $(MODULES) ## Measure, and write docs/performance.md; ARGS=pages renews one topic
	$(BIN)/python -m bench $(ARGS)

budgets: node $(DASHBOARD) chromium ## Measure the dashboard in Chromium against its budgets
	@node bench/dashboard.mjs $(ARGS)

replay: $(PACKAGES) ## Sign and post the webhook bodies of FILE= to what `make run` runs
	@test -n "$(FILE)" || $(call fail,Say which file: make replay FILE=bodies.jsonl)
	@$(BIN)/python -m local.replay "$(FILE)" $(ARGS)

token: $(PACKAGES) ## Make an API token: NAME=, PAGE= if there are several, PERMISSIONS=read,pause,send, STAGE= on AWS
	@$(BIN)/python -m local.tokens make --name "$(NAME)" --page "$(PAGE)" --stage "$(STAGE)" \
		--permissions "$(or $(PERMISSIONS),read$(comma)pause$(comma)send)"

tokens: $(PACKAGES) ## List the API tokens of the stack that runs here, or of STAGE=
	@$(BIN)/python -m local.tokens list --stage "$(STAGE)"

token-revoke: $(PACKAGES) ## Revoke the API token ID=; it is refused within a minute
	@$(BIN)/python -m local.tokens revoke --id "$(ID)" --stage "$(STAGE)"

deploy: $(PACKAGES) ## Deploy STAGE= to AWS, from nothing or from one version to the next; ALARMS=who@hears.them once
	@test ! -f frontend/package.json || $(MAKE) --no-print-directory --silent frontend/dist/index.html
	@$(BIN)/python -m infra deploy --stage "$(STAGE)" --alarms "$(ALARMS)"

destroy: $(PACKAGES) ## Take STAGE= away; its data stays, unless DATA=delete
	@$(BIN)/python -m infra destroy --stage "$(STAGE)" --data "$(DATA)" --confirm "$(CONFIRM)"

restore: $(PACKAGES) ## Make the data of the new STAGE= from that of the stage FROM= as it was AT=2026-11-24T09:00:00Z
	@$(BIN)/python -m infra restore --stage "$(STAGE)" --from "$(FROM)" --at "$(AT)"

operator: $(PACKAGES) ## Let EMAIL= sign in to STAGE=
	@$(BIN)/python -m infra operator --stage "$(STAGE)" --email "$(EMAIL)"

operators: $(PACKAGES) ## List who may sign in to STAGE=
	@$(BIN)/python -m infra operators --stage "$(STAGE)"

operator-remove: $(PACKAGES) ## Let EMAIL= sign in to STAGE= no more
	@$(BIN)/python -m infra operator-remove --stage "$(STAGE)" --email "$(EMAIL)"

lock: $(BIN)/python ## Write the hashes of all packages anew, after a change of a requirements file; asks PyPI
	@"$(BIN)/python" -m venv build/lock && build/lock/bin/python -m pip install --quiet uv==$(UV)
	@build/lock/bin/uv $(LOCK) requirements-dev.txt -o requirements.lock
	@build/lock/bin/uv $(LOCK) chalicelayer/requirements.txt -o chalicelayer/requirements.lock

audit: $(BIN)/python ## Ask PyPI for known vulnerabilities of the packages; needs the network
	@"$(BIN)/python" -m venv build/audit && build/audit/bin/python -m pip install --quiet pip-audit==2.10.1
	@build/audit/bin/pip-audit --disable-pip --require-hashes -r requirements.lock
	@npm audit --omit=optional
	@cd frontend && npm audit --omit=optional

# What is needed of this machine beside Python; checked first, because the rest takes a while.
node:
	@node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' 2>/dev/null && command -v npm >/dev/null || \
		$(call fail,Node.js 20.19 or later with npm is needed: on Debian 13 run apt-get install nodejs npm (for Debian 12 see https://nodejs.org/en/download)$(comma) on macOS brew install node.)

tools: node
	@test "$$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)" -ge 17 2>/dev/null || \
		$(call fail,The tests need Java 17 or later on the PATH: on Debian run apt-get install default-jre-headless$(comma) on macOS brew install --cask temurin.)

# The browser of the tests. Whoever may install it, such as continuous integration, gets it installed.
chromium:
	@for place in "$$CHROMIUM" chromium chromium-browser google-chrome "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do \
		command -v "$$place" >/dev/null 2>&1 && exit 0; \
	done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium."; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null && exit 0; \
	fi; \
	$(call fail,The tests need Chromium: on Debian run apt-get install chromium$(comma) on macOS brew install --cask chromium; if it is elsewhere say so with CHROMIUM=path.)

comma := ,

$(BIN)/python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		$(call fail,Python 3.11 or later is needed: on Debian 12 or later run apt-get install python3 python3-venv$(comma) on macOS brew install python; if it has another name say so with make PYTHON=python3.13.)
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
		$(call fail,This Python cannot make virtual environments: on Debian run apt-get install python3-venv.)
	@echo "Making $(VENV); the first time takes a minute."
	@"$(PYTHON)" -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }

$(PACKAGES): $(BIN)/python $(LOCKS)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip check --disable-pip-version-check >/dev/null || $(BIN)/python -m pip check
	@touch $@

$(EMULATOR): tests/emulator/requirements.txt
	@"$(PYTHON)" -m venv --clear build/emulator
	@build/emulator/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	@build/emulator/bin/python -m pip check --disable-pip-version-check >/dev/null
	@touch $@

$(MODULES): package-lock.json .npmrc
	@npm ci --loglevel=error
	@touch $@

$(FRONTEND_MODULES): frontend/package-lock.json frontend/.npmrc
	@echo "Fetching what the dashboard is made of; the first time takes a minute."
	@cd frontend && npm ci --loglevel=error
	@touch $@

$(DASHBOARD): $(FRONTEND_MODULES) docs/openapi.json $(FRONTEND)
	@cd frontend && npm run --silent build
	@touch $@
