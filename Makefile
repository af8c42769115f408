# `make demo` and `make test` set up everything on a fresh machine: Python 3.11 and a C++ compiler.
PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test test-all figures bench lint format typecheck clean

demo: $(READY)
	$(BIN)/neurosim demo

test: $(READY)
	$(BIN)/python -m pytest -m "not slow" -n 2

test-all: $(READY)
	$(BIN)/python -m pytest -n 2

figures: $(READY)
	$(BIN)/neurosim figures

bench: $(READY)
	$(BIN)/neurosim bench

lint: $(READY) typecheck
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# mypy cannot follow package_dir in setup.cfg: it is shown the installed layout through links.
typecheck: $(READY)
	rm -rf .typecheck && mkdir -p .typecheck/neurosim
	cd .typecheck/neurosim && ln -s ../../neurosim/* . && rm -f __pycache__ \
	  && ln -s ../../equations ../../analysis ../../figures .
	cd .typecheck && MYPYPATH=. ../$(BIN)/mypy --config-file ../pyproject.toml -p neurosim

$(READY): setup.cfg pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf .venv .typecheck build *.egg-info
