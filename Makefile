SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := dev
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
LOCK := $(BIN)/uv pip compile pyproject.toml --extra cli --group dev --universal --generate-hashes --no-header --quiet
PROOFS := .venv-proofs
OPENAPI := .openapi/api.github.com.json
OPENAPI_PACKAGE := @octokit/openapi@23.0.2
OPENAPI_SHA256 := 829b4bebb19a53133289f7b0bc819f4f1118115821db2ca9f25e9ee995a7da2a
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: dev serve test proofs goyaml browser tools clients github lint types format golden features lock schema bench clean

dev: .venv/.installed

.venv/.locked: requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	touch $@

.venv/.installed: .venv/.locked pyproject.toml hatch_build.py package-lock.json
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

serve: dev
	$(BIN)/galleryctl serve --registry registry

test: dev browser tools clients github lint types
	$(BIN)/galleryctl schema --check
	$(BIN)/python -m pytest -n 3 --cov

# The runtimes themselves read what is exported for them. Their environment takes two gigabytes and a minute or two;
# its torch is the CPU build, which pip finds in a folder or index that it is told of (PIP_FIND_LINKS, PIP_EXTRA_INDEX_URL).
proofs: dev goyaml $(PROOFS)/.installed
	GALLERYCTL_PROOFS=all $(BIN)/python -m pytest -q -rs tests/test_proof_*.py

$(PROOFS)/.installed: proofs.lock
	test -x $(PROOFS)/bin/python || $(PYTHON) -m venv $(PROOFS)
	$(PROOFS)/bin/python -m pip install --quiet --require-hashes -r proofs.lock
	touch $@

# LocalAI's parser is a Go library that PyPI does not have. Where it cannot be installed, its proof says so.
goyaml:
	@if test -d /usr/share/gocode/src/gopkg.in/yaml.v3 || ! command -v apt-get >/dev/null || test "$$(id -u)" != 0; \
	then exit 0; fi; apt-get update -qq; \
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends golang-gopkg-yaml.v3-dev

# Page tests drive Debian's chromium: playwright's own browser is not fetched.
browser:
	@if command -v chromium >/dev/null; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "chromium is missing: install it and put it on PATH" >&2; exit 1; fi; \
	if [ "$$(id -u)" = 0 ]; then as_root=""; \
	elif command -v sudo >/dev/null; then as_root=sudo; \
	else echo "chromium is missing: run 'apt-get install chromium' as root" >&2; exit 1; fi; \
	$$as_root apt-get update -qq; \
	DEBIAN_FRONTEND=noninteractive $$as_root apt-get install -y -qq --no-install-recommends chromium

# The reader of examples/ in shell needs them.
tools:
	@missing=""; for tool in curl jq openssl; do command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "install and put on PATH:$$missing" >&2; exit 1; fi; \
	if [ "$$(id -u)" = 0 ]; then as_root=""; \
	elif command -v sudo >/dev/null; then as_root=sudo; \
	else echo "run 'apt-get install$$missing' as root" >&2; exit 1; fi; \
	$$as_root apt-get update -qq; \
	DEBIAN_FRONTEND=noninteractive $$as_root apt-get install -y -qq --no-install-recommends $$missing

# Somebody else's TUF client judges what is published.
clients: tests/clients/node_modules/.installed

tests/clients/node_modules/.installed: tests/clients/package-lock.json
	cd $(dir $<) && npm ci --silent --ignore-scripts
	touch $@

# GitHub's own description of its API judges the stand-in of the tests. Of a package of 385 MB one file is kept.
github: $(OPENAPI)

$(OPENAPI): Makefile
	@if test -f $@ && echo "$(OPENAPI_SHA256)  $@" | sha256sum --check --status; then touch $@; exit 0; fi; \
	folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; mkdir -p $(@D); \
	npm pack --silent --ignore-scripts --pack-destination "$$folder" $(OPENAPI_PACKAGE) >/dev/null; \
	tar -xzOf "$$folder"/*.tgz package/generated/$(@F) >"$$folder/$(@F)"; \
	echo "$(OPENAPI_SHA256)  $$folder/$(@F)" | sha256sum --check --quiet; mv "$$folder/$(@F)" $@

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: dev
	$(BIN)/mypy

format: dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: dev
	GALLERYCTL_GOLDEN=rewrite $(BIN)/python -m pytest -q tests/test_golden.py

features: dev
	$(BIN)/python -m pytest -q tests/test_features.py

lock: dev
	$(LOCK) --upgrade --output-file requirements.lock
	$(BIN)/uv pip compile --group pyproject.toml:proofs --generate-hashes --no-header --quiet --upgrade \
		$(addprefix --find-links ,$(PIP_FIND_LINKS)) --output-file proofs.lock
	npm install --package-lock-only --ignore-scripts
	cd tests/clients && npm install --package-lock-only --ignore-scripts

schema: dev
	$(BIN)/galleryctl schema

bench: dev
	$(BIN)/uv pip install --quiet --python $(BIN)/python --group bench
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv $(PROOFS) .openapi build dist node_modules tests/clients/node_modules site src/galleryctl/data .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
