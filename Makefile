# One command each. Everything is installed into .venv; nothing outside this folder is touched.
#   make demo    tune examples/digits_cnn to its target
#   make test    lint, types, import contract, tests
# The environment is made once: the stamps in .venv say what it holds.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.10; do \
	$$python -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& echo $$python && break; done)
TARGET ?= accuracy>=0.98
PYTEST_FLAGS ?=

VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Compiled while installing: where PYTHONDONTWRITEBYTECODE is set, every command would compile what it imports
# anew. pip does so for all that it unpacks, and an editable installation is not among that.
INSTALL := $(PIP) install
COMPILE := $(BIN)/python -m compileall -q src

.PHONY: demo test lint clean
.DELETE_ON_ERROR:

# Activated, because trials run in the active environment.
demo: $(VENV)/.demo
	. $(BIN)/activate && pushtune tune examples/digits_cnn/train.py --target "$(TARGET)"

test: lint
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.demo: pyproject.toml $(VENV)/.made
	@echo "Installing pushtune, TensorFlow and scikit-learn into $(VENV) (once, a minute or two)"
	@$(INSTALL) --editable '.[demo]'
	@$(COMPILE)
	@touch $@

# Dependency groups are read by pip from 25.1 on.
$(VENV)/.test: pyproject.toml $(VENV)/.made
	@echo "Installing pushtune and what its tests need into $(VENV) (once, a minute or two)"
	@$(BIN)/python -c 'import pip, sys; sys.exit([int(n) for n in pip.__version__.split(".")[:2]] < [25, 1])' \
		|| $(PIP) install --upgrade 'pip>=25.1'
	@$(INSTALL) --editable . --group test --group lint
	@$(COMPILE)
	@touch $@

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "No Python 3.10 to 3.13 found. Install one, or: make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "Cannot make a virtual environment. On Debian: apt-get install python3-venv" >&2; exit 1; }
	@touch $@
