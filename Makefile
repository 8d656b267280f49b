# `make test` installs what the tests need and runs them all. `make bench` measures.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
PACKAGES := postgresql golang-go golang-golang-x-mod-dev openssl python3-venv
# Asks for Python 3.12; works with the 3.11 of Debian 12.
AICS := aics-tlog==0.2.1

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.PHONY: demo
demo: ## Tell the whole story in the terminal
	cargo run -- demo

.PHONY: test
test: prepare lint ## Install what the tests need and run them all
	cargo test --quiet

.PHONY: lint
lint: ## Formatting and lints
	cargo fmt --all -- --check
	cargo clippy --all-targets --quiet -- -D warnings

.PHONY: prepare
prepare: packages tests/contract/node_modules tests/tools/.venv/bin/aics-tlog ## Install Debian, npm and Python packages the tests need

.PHONY: packages
packages:
	@missing="$$(command -v npm >/dev/null || echo nodejs npm)"; \
	if ! { ls /usr/lib/postgresql/*/bin/initdb && command -v go && command -v openssl && [ -d /usr/share/gocode/src/golang.org/x/mod ] && python3 -c 'import ensurepip'; } >/dev/null 2>&1; then \
	  missing="$(PACKAGES) $$missing"; \
	fi; \
	if [ -n "$$missing" ]; then \
	  $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	fi

tests/contract/node_modules: tests/contract/package-lock.json
	npm ci --prefix tests/contract --no-audit --no-fund --loglevel=error
	@touch $@

tests/tools/.venv/bin/aics-tlog:
	python3 -m venv tests/tools/.venv
	tests/tools/.venv/bin/pip install --quiet --no-input --ignore-requires-python $(AICS)

.PHONY: bench
bench: ## Measure: server on one core, fake GitHub on the other
	cargo build --release
	cargo bench --bench figures

.PHONY: deny
deny: ## Licences, bans and sources of all dependencies (installs cargo-deny, which takes some minutes)
	command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check bans licenses sources

.PHONY: clean
clean: ## Remove what was built
	cargo clean
	rm -rf tests/contract/node_modules tests/tools/.venv
