# Needs only make and a Python 3.11, 3.12 or 3.13; everything else goes into .venv. `make` alone lists what there is.
# tools/install.py installs: with uv where it is there, pip otherwise.
#
#   make app PYTHON=/path/to/python3.12     choose the interpreter (default: the newest that works)
#   make app TORCH_INDEX=ADDRESS            install torch from that package index (default: on Linux without an NVIDIA driver
#                                           PyTorch's index of CPU wheels if it answers, else the usual one)
#   make app APP="--port 8000 --open"       hand the app options
#   make test PYTEST="tests/models -k card" hand pytest options, to check, too
#   make bench BENCH="--only compare"       hand the benchmark options
#   make notebooks LAB="--no-browser"       hand JupyterLab options

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHON ?=
TORCH_INDEX ?=
export TORCH_INDEX
APP ?=
PYTEST ?=
BENCH ?=
LAB ?=
NOTEBOOKS ?=

# Workers take whole files, the slow ones first: what is costly to start (a served app, JupyterLab, Ray) starts once.
RUN_TESTS := $(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
FAST := not browser and not slow and not load

.DEFAULT_GOAL := help
.PHONY: help install app notebooks check fast test every bench docs screenshots lint web format readme refresh-notebooks wheel clean

help: ## this list
	@echo "Stability Explorer: change a picture a little, see how much the answer changes."
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@sed -n '/^#   make/,/^$$/ s/^#   /  /p' Makefile

app: $(STAMP) ## the explorer in the browser, at http://127.0.0.1:7860 or the next free port
	@PYTHONUNBUFFERED=1 $(BIN)/explorer app $(APP)

notebooks: $(STAMP) ## the lessons, in JupyterLab; it opens on the first one
	@JUPYTER_CONFIG_PATH="$(CURDIR)/notebooks/.jupyter:$$JUPYTER_CONFIG_PATH" \
	  $(BIN)/python -m jupyterlab --ServerApp.root_dir=notebooks --LabApp.default_url=/lab/tree/1_a_first_look.ipynb $(LAB)

install: $(STAMP) ## only create .venv and install

check: $(STAMP) ## before each commit: lint, types, JavaScript, examples in docstrings, fast tests
	@$(MAKE) --no-print-directory -j 2 lint fast

# The types take as long as a good part of the fast tests, and one core.
fast: $(STAMP)
	$(RUN_TESTS) -m "$(FAST)" $(PYTEST)

test: $(STAMP) ## everything a change must pass: as check, with the browser, the slow and the load tests
	@$(MAKE) --no-print-directory -j 2 lint every

every: $(STAMP)
	$(RUN_TESTS) $(PYTEST)

lint: $(STAMP) ## ruff and mypy; biome, tsc and node's tests where node is installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@$(MAKE) --no-print-directory web

# Node is needed for checks only: without it, or without its packages, they are left out, except in CI.
web: ## biome, tsc and node's tests of the JavaScript
	@if command -v npm >/dev/null 2>&1 && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund; }; \
	then npm run --silent check && npm test --silent; \
	elif [ "$$CI" = true ]; then echo "make: npm is missing, or could not install its packages" >&2; exit 1; \
	else echo "no npm here, or no packages for it: the checks of the JavaScript are left out"; fi

format: $(STAMP) ## put the code into its normal form
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	@[ ! -d node_modules ] || npm run --silent format

bench: $(STAMP) ## the speed budget, measured: benchmarks/results/
	$(BIN)/python -m benchmarks.run $(BENCH)

docs: $(STAMP) ## the documentation site: build/docs/index.html
	@$(BIN)/python -m docs.tools.build

screenshots: $(STAMP) ## retake the pictures of the site and the README: docs/images/
	@$(BIN)/python -m docs.tools.screenshots

readme: $(STAMP) ## put the current table of models into README.md
	$(BIN)/explorer models --data cifar10 --markdown > table.tmp
	awk '/^<!-- end -->/ { skip = 0 } !skip { print } \
	  /^<!-- explorer models/ { while ((getline row < "table.tmp") > 0) print row; skip = 1 }' README.md > README.tmp
	mv README.tmp README.md && rm table.tmp

refresh-notebooks: $(STAMP) ## run the notebooks and store them with their outputs (NOTEBOOKS=7_ for one)
	$(BIN)/python -m tests.support.notebook_run $(NOTEBOOKS)

wheel: $(STAMP) ## a wheel with the shipped models inside: dist/
	$(BIN)/python -m build --wheel --no-isolation

clean: ## remove the environment, the caches and what was built
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist benchmarks/results node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment that is there keeps its Python. A candidate for a new one must start (a pyenv shim without its version does
# not), have the right version and, unless uv is there, be able to make environments (Debian's python3 without python3-venv
# is not).
$(STAMP): pyproject.toml constraints.txt
	@needed=venv,ensurepip; python=; \
	if command -v uv >/dev/null 2>&1; then needed=sys; fi; \
	if [ -n "$(PYTHON)" ]; then set -- "$(PYTHON)"; else set -- python3.13 python3.12 python3.11 python3 python; fi; \
	if [ -x $(BIN)/python ]; then set --; python=$(BIN)/python; fi; \
	for candidate in "$$@"; do \
	  if "$$candidate" -c "import sys, $$needed; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))" >/dev/null 2>&1; \
	  then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "make: no Python 3.11, 3.12 or 3.13 that can make a virtual environment$(if $(PYTHON), at $(PYTHON)); install one" >&2; \
	  echo "make: (Debian, Ubuntu: apt-get install python3 python3-venv) or name it: make app PYTHON=/path/to/python3" >&2; \
	  exit 1; \
	fi; \
	"$$python" tools/install.py dev
	@touch $@
