# Every check of the project, the same on a developer's machine and in CI.
# Needs Rust (rustfmt and clippy included), a C linker, GNU make, bash and Python 3.11 or newer. `make` alone lists the targets.

SHELL := bash
.DEFAULT_GOAL := help
# The order below is cheapest first; `make -j` must not change it.
.NOTPARALLEL:

# BLAS=no leaves the backend blas out, the only part that needs a system library: OpenBLAS.
BLAS ?= yes
ifeq ($(BLAS),no)
PACKAGES := --workspace --exclude rusttorch-backend-blas --locked
WORKSPACE := $(PACKAGES)
EXTRAS := rusttorch/linalg
else
PACKAGES := --workspace --locked
# Every test of a part that may use BLAS has it.
WORKSPACE := $(PACKAGES) --features rusttorch/blas,rusttorch-conformance/blas
EXTRAS := rusttorch/linalg,rusttorch/blas,rusttorch-conformance/blas,rusttorch-benches/peers
endif

# The recordings come from this PyTorch, in a virtual environment outside the repository.
TORCH          := 2.15.0
PYTHON         ?= python3
REFERENCE_VENV ?= ../rusttorch-reference-venv
VENV_PYTHON    := $(REFERENCE_VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)/python
VENV_READY     := $(REFERENCE_VENV)/torch-$(TORCH).ready

ASAN_TARGET ?= $(shell rustc -vV | sed -n 's/^host: //p')

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

# The unit tests come last, so that their summary ends the output.
.PHONY: test
test: openblas check examples doctest features python-test unit ## All that CI needs, cheapest first
	@echo "make test: all passed"

.PHONY: check
check: fmt unsafe lint doc ## Formatting, unsafe, clippy and docs

.PHONY: openblas
openblas: ## Find OpenBLAS, or install it, or say what to install
ifneq ($(BLAS),no)
	@bash tools/openblas.sh
endif

.PHONY: fmt
fmt: ## Is everything formatted? (cargo fmt --all does it)
	cargo fmt --all --check

.PHONY: unsafe
unsafe: ## Is `unsafe` only in the files that may hold it?
	@bash tools/check_unsafe.sh --self-test
	@bash tools/check_unsafe.sh

# Every feature but those that would link other BLAS libraries.
.PHONY: lint
lint: openblas ## Clippy, warnings are errors
	cargo clippy $(PACKAGES) --features $(EXTRAS) --all-targets -- -D warnings

.PHONY: doc
doc: openblas ## Documentation, warnings are errors
	RUSTDOCFLAGS="-D warnings" cargo doc $(WORKSPACE) --no-deps

.PHONY: examples
examples: openblas ## Build the examples
	cargo build $(WORKSPACE) --examples

# The combinations of backends: that a caller names `simd` and `naive`, say, must not be another build than `simd` alone.
COMBINATIONS := none naive simd naive,simd
ifneq ($(BLAS),no)
COMBINATIONS += blas naive,blas simd,blas naive,simd,blas
endif

.PHONY: features
features: openblas ## Each combination of the backends' features compiles and reports what it claims
	@for features in $(COMBINATIONS); do \
		echo "features: $$features"; \
		cargo test --quiet -p rusttorch --locked --no-default-features --features "$${features/none/}" --test report \
			|| exit 1; \
	done

.PHONY: doctest
doctest: openblas ## The examples inside the documentation
	cargo test $(WORKSPACE) --doc

.PHONY: unit
unit: openblas ## Unit, integration and conformance tests (by cargo-nextest where it is installed)
	@if cargo nextest --version >/dev/null 2>&1; then set -x; cargo nextest run $(WORKSPACE); \
	else set -x; cargo test $(WORKSPACE) --tests; fi

# The Python package is tested in a virtual environment of its own, below the folder of build output.
PYTHON_VENV  := $(abspath $(or $(CARGO_TARGET_DIR),target))/python-venv
PYTHON_READY := $(PYTHON_VENV)/ready
PYTHON_BIN   := $(PYTHON_VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)

.PHONY: python-venv
python-venv: $(PYTHON_READY) ## A virtual environment with what builds and tests the Python package

$(PYTHON_READY): rusttorch-python/requirements.txt
	"$(PYTHON)" -m venv "$(PYTHON_VENV)"
	"$(PYTHON_BIN)/python" -m pip install --quiet --disable-pip-version-check -r rusttorch-python/requirements.txt
	touch "$@"

.PHONY: python-develop
python-develop: $(PYTHON_READY) ## Build the Python package, unoptimised, where it lies, and put it on the path of that environment
	"$(PYTHON_BIN)/python" rusttorch-python/develop.py

.PHONY: python-test
python-test: python-develop ## The tests of the Python package
	cd rusttorch-python && "$(PYTHON_BIN)/python" -m pytest

# That of rusttorch-blas has OpenBLAS inside.
WHEELS := $(dir $(PYTHON_VENV))wheels

.PHONY: wheel
wheel: openblas $(PYTHON_READY) ## Build the Python package's wheels, into target/wheels
	"$(PYTHON_BIN)/python" rusttorch-python/wheels.py "$(WHEELS)" $(if $(filter no,$(BLAS)),,--blas)

# Not part of `make test`: wheels are release builds. PyTorch's environment is tried where it is there.
.PHONY: wheel-check
wheel-check: wheel ## Install the wheels into environments of their own and try them there
	"$(PYTHON_BIN)/python" rusttorch-python/wheel_check.py "$(WHEELS)" $(if $(wildcard $(VENV_PYTHON)),--pytorch "$(VENV_PYTHON)")

.PHONY: python-stubs
python-stubs: python-develop ## Write the stubs of the Python package from the catalogue
	"$(PYTHON_BIN)/python" rusttorch-python/stubs.py

.PHONY: python-missing
python-missing: python-develop ## Write docs/python-missing.md: which of PyTorch's names the Python package does not have
	"$(PYTHON_BIN)/python" rusttorch-python/missing.py

.PHONY: bench-python
bench-python: wheel $(VENV_READY) ## Time calls through Python beside PyTorch's, write docs/benchmarks-python.md
	"$(PYTHON_BIN)/python" rusttorch-python/bench.py --pytorch "$(VENV_PYTHON)" \
		--wheel "$$(ls -t "$(WHEELS)"/rusttorch-*.whl | head -1)"

.PHONY: audit
audit: ## Licences, advisories and sources of the dependencies
	@cargo deny --version >/dev/null 2>&1 || { echo "make audit needs cargo-deny: cargo install cargo-deny --locked" >&2; exit 1; }
	cargo deny --locked check

# On the nightly toolchain; the leak checker is off, as the pool of threads lives as long as the process.
.PHONY: asan
asan: ## The tests of backend-simd under AddressSanitizer (needs a nightly toolchain)
	ASAN_OPTIONS=detect_leaks=0 RUSTFLAGS="-Zsanitizer=address" cargo +nightly test --locked \
		-p rusttorch-backend-simd --target $(ASAN_TARGET) --target-dir target/asan --lib

.PHONY: bench
bench: ## The benchmarks
	cargo bench -p rusttorch-benches --locked

# ARGS are those of compare.py, as in `make bench-pytorch ARGS="--groups matmul --quick --out /tmp/matmul.md"`.
.PHONY: bench-pytorch
bench-pytorch: openblas $(VENV_READY) ## Time RustTorch beside PyTorch, write docs/benchmarks.md (half an hour, on an idle machine)
	"$(VENV_PYTHON)" benches/pytorch/compare.py $(ARGS)

.PHONY: accuracy
accuracy: ## Write docs/accuracy.md, the errors of functions over all f32 numbers (half an hour on two cores)
	cargo run --release --locked -p rusttorch-backend-simd --example accuracy

.PHONY: coverage
coverage: ## Write docs/coverage.md: which op and dtype the backend computes itself
	cargo run --locked -p rusttorch-conformance --example coverage

.PHONY: ops
ops: ## Write docs/ops.md, the table of ops, dtypes and forms
	cargo run --locked -p rusttorch-conformance --example ops

.PHONY: reference
reference: $(VENV_READY) ## Record PyTorch's outputs anew (downloads PyTorch the first time)
	"$(VENV_PYTHON)" conformance/reference/generate.py

$(VENV_READY):
	"$(PYTHON)" -m venv "$(REFERENCE_VENV)"
	"$(VENV_PYTHON)" -m pip install torch==$(TORCH) numpy
	touch "$@"
