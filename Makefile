# Two commands for a newcomer: `make demo` and `make test`. Both do all the set-up they need.
# FLEDGER_HOME is where the engines and their data live; PYTHON picks an interpreter.

SHELL := /bin/sh
VENV  := .venv
BIN   := $(VENV)/bin
export FLEDGER_HOME ?= $(CURDIR)/.fledger

# The first interpreter that answers and is 3.12 or 3.13 (a pyenv shim may exist and not answer).
FIND_PYTHON = for python in "$(PYTHON)" python3.13 python3.12 python3 python; do \
	[ -n "$$python" ] && "$$python" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 12), (3, 13)))' \
	2>/dev/null && echo "$$python" && break; done

.PHONY: demo test check bench down locks clean

demo: $(VENV)/.demo
	@"$(BIN)/fledger" demo $(if $(DATA),--data "$(DATA)") $(if $(INSTRUMENT),--instrument "$(INSTRUMENT)") $(if $(SECONDS),--seconds $(SECONDS))

test: $(VENV)/.test
	@"$(BIN)/python" -m pytest $(ARGS)

check: $(VENV)/.test
	@"$(BIN)/ruff" check . && "$(BIN)/ruff" format --check . && "$(BIN)/mypy"

bench: $(VENV)/.test
	@"$(BIN)/python" benchmarks/load.py $(ARGS)

down:
	@"$(BIN)/fledger" down

# Needs uv; its own lock names hosts and stays out of the repository.
EXPORT = uv export -q --no-emit-project --no-header --no-annotate --no-default-groups \
	--format requirements-txt --extra embedded --group build
locks:
	uv lock -q
	$(EXPORT) -o requirements.txt
	$(EXPORT) --extra parity --group test -o requirements-test.txt

clean: down
	rm -rf "$(VENV)"

$(VENV)/bin/python:
	@python=$$($(FIND_PYTHON)); \
	if [ -z "$$python" ]; then \
		echo "fledger needs Python 3.12 or 3.13; none answers. Try: make PYTHON=/path/to/python3.13" >&2; exit 2; \
	fi; \
	echo "making $(VENV) with $$($$python --version)" >&2; "$$python" -m venv "$(VENV)"

# The stamps are newer than what they were made from, so a changed lock installs again.
$(VENV)/.demo: requirements.txt pyproject.toml $(VENV)/bin/python
	@echo "installing the packages of requirements.txt (about half a minute the first time)" >&2
	@"$(BIN)/python" -m pip install --disable-pip-version-check --progress-bar off --require-hashes -r requirements.txt
	@"$(BIN)/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch "$@"

$(VENV)/.test: requirements-test.txt pyproject.toml $(VENV)/bin/python
	@echo "installing the packages of requirements-test.txt (about half a minute the first time)" >&2
	@"$(BIN)/python" -m pip install --disable-pip-version-check --progress-bar off --require-hashes -r requirements-test.txt
	@"$(BIN)/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch "$(VENV)/.demo" "$@"
