# `make demo` and `make test` set up everything on a fresh machine: Python 3.11 to 3.13 and a C++
# compiler. The Python is PYTHON=..., else the environment's own, else python3, else the newest that
# fits. Each is asked for its version: a name on the path may stand for no Python at all.
VERSIONS := 3.13 3.12 3.11
BIN := .venv/bin
ask_version = $(shell "$(1)" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
if_it_fits = $(if $(filter $(VERSIONS),$(call ask_version,$(1))),$(1))
installed = python$(1) $(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/$(1).*/bin/python)
newest = $(firstword $(foreach name,$(1),$(call if_it_fits,$(name))))
ifndef PYTHON
PYTHON := $(or $(call if_it_fits,$(BIN)/python),$(call if_it_fits,python3),$(call newest,\
  $(foreach version,$(VERSIONS),$(call installed,$(version)))))
endif
VERSION := $(call ask_version,$(PYTHON))
READY := .venv/.ready-$(VERSION)
# Python keeps what it has compiled, and pytest the tests that it has rewritten: 5 s of each worker.
unexport PYTHONDONTWRITEBYTECODE
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal

PEERS := .venv-peers/.ready
NEWEST := .venv-newest/.ready

.PHONY: demo test test-all test-processors test-newest fuzz faults coverage test-peers peers figures gallery bench lint format typecheck imports clean

demo: $(READY)
	$(BIN)/neurosim demo

test: $(READY)
	$(PYTEST) -m "not slow"

test-all: $(READY)
	$(PYTEST)

# The default tests with libraries that choose other instructions, and with them other orders of
# sums, as they do on other processors: one after another, up to the first that is red.
test-processors: $(READY)
	for setting in MKL_CBWR=COMPATIBLE ATEN_CPU_CAPABILITY=default NUMBA_CPU_NAME=generic \
	  OPENBLAS_CORETYPE=Haswell; do \
	  echo "== $$setting"; env $$setting $(BIN)/python -m pytest -m "not slow" -n 2 || exit 1; \
	done

# With Python 3.13 and its Brian2 and numpy: the rooms that need no torch, without torch, and the
# models without random numbers, which must give the same bits as with this environment's Python.
NEWEST_PYTHON ?= $(call newest,$(call installed,3.13))
test-newest: $(READY)
ifneq ($(NEWEST_PYTHON),)
	$(MAKE) --no-print-directory $(NEWEST)
	.venv-newest/bin/python -m pytest -n 2 --dist worksteal -m "not slow" tests/analysis tests/circuits tests/data \
	  tests/engines tests/equations tests/formats tests/xylo
	$(BIN)/python -m tests.interpreters $(BIN)/python .venv-newest/bin/python
else
	@echo "skipped: no Python 3.13 was found (NEWEST_PYTHON=/path/to/python3.13)"
endif

# Damaged and hostile files for every reader of files: none may end in a traceback or crash.
fuzz: $(READY)
	$(BIN)/python -m tests.fuzz.run --count 10000

# Commands that are killed at random moments and run again: they end with the same files.
faults: $(READY)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.faults.run --kills 50

# The share of lines that the default tests run: reported, and no bar to pass.
coverage: $(READY)
	$(PYTEST) -m "not slow" --cov --cov-report=term --cov-report=xml

# snnTorch, SpikingJelly, Norse, sinabs, NeuroBench, NNMT, ...: what neurosim is compared with.
peers: $(PEERS)

test-peers: $(PEERS)
	.venv-peers/bin/python -m pytest tests/peers

figures: $(READY)
	$(BIN)/neurosim figures

# Redraws the committed pictures, and writes the pages and tables that show stored results.
gallery: $(READY)
	$(BIN)/neurosim figures --gallery

# BENCH="train_step --json" chooses benchmarks and options.
bench: $(READY)
	$(BIN)/neurosim bench $(BENCH)

lint: $(READY) typecheck imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# mypy and import-linter cannot follow package_dir in setup.cfg: they are shown the installed layout
# through links.
.PHONY: layout
layout: $(READY)
	rm -rf .typecheck && mkdir -p .typecheck/neurosim
	cd .typecheck/neurosim && ln -s ../../neurosim/* . && rm -f __pycache__ \
	  && ln -s ../../equations ../../analysis ../../figures .

typecheck: layout
	cd .typecheck && MYPYPATH=. ../$(BIN)/mypy --config-file ../pyproject.toml -p neurosim

imports: layout
	cd .typecheck && PYTHONPATH=. ../$(BIN)/lint-imports ../pyproject.toml --no-cache

ifneq ($(filter $(VERSIONS),$(VERSION)),)
$(READY): setup.cfg pyproject.toml constraints-$(VERSION).txt
	@# an environment of another version is made anew
	test "$(call ask_version,$(BIN)/python)" = $(VERSION) || "$(PYTHON)" -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints-$(VERSION).txt -e '.[dev]'
	rm -f .venv/.ready* && touch $@
else
.PHONY: $(READY)
$(READY):
	@echo "neurosim needs Python 3.11, 3.12 or 3.13, and $(NO_PYTHON)." >&2
	@echo "Install one (Debian: apt install python3 python3-venv; elsewhere: pyenv install 3.13)," >&2
	@echo "or say where it is: make PYTHON=/path/to/python3.13" >&2
	@exit 1
NO_PYTHON = $(if $(PYTHON),$(PYTHON) $(if $(VERSION),is Python $(VERSION),does not run),none was found)
endif

# All that the constraints name but torch, whose CUDA build for Python 3.13 takes 5 GB.
$(NEWEST): setup.cfg pyproject.toml constraints-3.13.txt
	test "$(call ask_version,.venv-newest/bin/python)" = 3.13 || \
	  "$(NEWEST_PYTHON)" -m venv --clear .venv-newest
	grep -v '^torch==' constraints-3.13.txt > .venv-newest/requirements.txt
	.venv-newest/bin/python -m pip install --quiet --upgrade pip
	.venv-newest/bin/python -m pip install --quiet --no-deps -r .venv-newest/requirements.txt
	.venv-newest/bin/python -m pip install --quiet --no-deps -e .
	touch $@

$(PEERS): $(READY) constraints-peers.txt
	test -x .venv-peers/bin/python || $(BIN)/python -m venv .venv-peers
	echo "import site; site.addsitedir('$$($(BIN)/python -c 'import site; print(site.getsitepackages()[0])')')" \
	  > $$(.venv-peers/bin/python -c 'import site; print(site.getsitepackages()[0])')/neurosim.pth
	.venv-peers/bin/python -m pip install --quiet --no-deps -r constraints-peers.txt
	touch $@

clean:
	rm -rf .venv .venv-peers .venv-newest .typecheck build *.egg-info
