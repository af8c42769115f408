# `make demo` and `make test` set up everything on a fresh machine: Python 3.11 and a C++ compiler.
PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/.ready
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal

PEERS := .venv-peers/.ready

.PHONY: demo test test-all test-processors fuzz coverage test-peers peers figures gallery bench lint format typecheck imports clean

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

# Damaged and hostile files for every reader of files: none may end in a traceback or crash.
fuzz: $(READY)
	$(BIN)/python -m tests.fuzz.run --count 10000

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

bench: $(READY)
	$(BIN)/neurosim bench

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

$(READY): setup.cfg pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

$(PEERS): $(READY) constraints-peers.txt
	test -x .venv-peers/bin/python || $(BIN)/python -m venv .venv-peers
	echo "import site; site.addsitedir('$$($(BIN)/python -c 'import site; print(site.getsitepackages()[0])')')" \
	  > $$(.venv-peers/bin/python -c 'import site; print(site.getsitepackages()[0])')/neurosim.pth
	.venv-peers/bin/python -m pip install --quiet --no-deps -r constraints-peers.txt
	touch $@

clean:
	rm -rf .venv .venv-peers .typecheck build *.egg-info
