# Two commands on a fresh Debian 12: make demo, make test. Everything is built in build/ (release).
.PHONY: build install setup demo test test-long bench bench-check format lint clean models
.DEFAULT_GOAL := build

PYTHON := build/venv/bin/python

setup:
	@scripts/setup

# The optimised command line tool: build/bin/dovetail.
build: setup
	@cmake --preset release >/dev/null
	@cmake --build --preset release --target dovetail dovetail_runtime

# bin/, lib/ and include/ below PREFIX; find_package(Dovetail) and pkg-config find them there.
PREFIX ?= /usr/local
install: build
	@cmake --install build --prefix "$(PREFIX)"

# A real model, compiled, loaded and asked.
demo: build
	@scripts/demo

models: setup
	@$(PYTHON) scripts/fetch_models.py

test: setup
	@scripts/test

# Adds long fuzzing and huge files.
test-long: setup
	@scripts/test --long

# Ratios to the peers, a folder for each question; bench-check asserts ratios within one process.
BENCHMARKS := models dynamic_shapes load packed_call
bench: build
	@set -e; for question in $(BENCHMARKS); do $(PYTHON) benchmarks/$$question/run.py; done

bench-check: build
	@failed=0; for question in $(BENCHMARKS); do $(PYTHON) benchmarks/$$question/run.py --check || failed=1; done; exit $$failed

format: setup
	@scripts/lint --format-only --fix

lint: setup
	@cmake --preset release >/dev/null
	@scripts/lint

# Leaves what was downloaded: build/venv, build/models.
clean:
	@rm -rf build-dev build-asan build-tsan build-fuzz
	@[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -name venv ! -name models ! -name wheels -exec rm -rf {} +
