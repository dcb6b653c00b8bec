# make demo | test | lint | bench | clean     (GNU make; needs Python >= 3.11 and pip only)

SF ?= 1
REPEAT ?= 3
BACKENDS ?= polars,dask

MIN_VERSION := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$python -c '$(MIN_VERSION)' >/dev/null 2>&1 && echo $$python && break; done)
endif

SHELL := bash
.SHELLFLAGS := -o pipefail -c

PANDAS2 := .venv/bin/python
PANDAS3 := .venv-pandas3/bin/python

.PHONY: help demo test test-pandas2 test-pandas3 test-modin lint bench bench-fireducks clean

help:
	@echo "make demo    one pandas script on plain pandas and on Polars, and the comparison"
	@echo "make test    lint, and all tests on pandas 2.3 and on pandas 3"
	@echo "make lint    ruff and mypy"
	@echo "make bench   TPC-H: pandas, pandas_dist and engines by hand (SF=1 REPEAT=3"
	@echo "             BACKENDS=polars,dask; from SF=10 each query in a new process)"
	@echo "make bench-fireducks   the same, and FireDucks"
	@echo "make clean   remove what was generated"

demo: .venv/installed
	$(PANDAS2) examples/run_both.py examples/flights.py --backend polars

# Side by side, three at a time: each uses a core at most, and waits for processes and servers
# now and then.  The first suite begins while the second environment is installed.
test: .venv/installed
	$(MAKE) --no-print-directory --keep-going -j3 lint test-pandas2 test-pandas3 test-modin

test-pandas2: .venv/installed
	@$(PANDAS2) -u -m pytest -k "not modin" 2>&1 | $(call marked,pandas 2)

test-pandas3: .venv-pandas3/installed
	@$(PANDAS3) -u -m pytest 2>&1 | $(call marked,pandas 3)

# Modin, on pandas 2 alone.
test-modin: .venv/installed
	@$(PANDAS2) -u -m pytest -k modin 2>&1 | $(call marked,Modin)

# Whole lines, with the name of the suite that they come from.
marked = while IFS= read -r line; do printf '%s\n' "$(1) | $$line"; done

lint: .venv/installed
	$(PANDAS2) -m ruff check .
	$(PANDAS2) -m ruff format --check .
	$(PANDAS2) -m mypy

BENCH = $(PANDAS2) -m benchmarks.run --sf $(SF) --repeat $(REPEAT) --backends $(BACKENDS)

bench: .venv/installed
	$(BENCH)

bench-fireducks: .venv/installed build/fireducks/installed
	$(BENCH) --fireducks build/fireducks/bin/python

# FireDucks needs pandas 2.3, in an environment of its own.
build/fireducks/installed: .venv/installed
	test -x $(@D)/bin/python || $(PANDAS2) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check fireducks 'pandas==2.3.3'
	touch $@

clean:
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info .venv .venv-pandas3
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/installed: pandas = pandas==2.3.3
.venv/installed: extras = test,modin
.venv-pandas3/installed: pandas = pandas>=3.1,<4
.venv-pandas3/installed: extras = test

# The stamp is written last, so that an interrupted installation is repeated.  Modules are
# compiled when they are imported, which most of them never are.
.venv/installed .venv-pandas3/installed: pyproject.toml
	@$(if $(PYTHON),$(PYTHON),false) -c '$(MIN_VERSION)' 2>/dev/null || { \
		echo "Python 3.11 or newer, with venv, is needed: make PYTHON=/path/to/python" >&2; exit 1; }
	test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --no-compile \
		--disable-pip-version-check -e '.[$(extras)]' '$(pandas)'
	touch $@
