# Every target makes what it needs by itself: .venv from the locked dependencies, and a browser for `make test`.

PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
# The first that runs and is new enough: a name on the PATH may be a shim for a version that is not there.
PYTHON ?= $(shell for v in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$v -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' >/dev/null 2>&1 && echo $$v && break; done)
OURS := idp consent_ui keys migrations local_postgres resource_server bench examples tests wsgi.py

.PHONY: demo test lint bench conformance browser nginx translations locks

demo: $(VENV)/runtime
	@exec $(BIN)/python -m examples.demo --port $(PORT)

test: lint browser nginx
	$(BIN)/python -m pytest -n auto

lint: $(VENV)/dev
	$(BIN)/ruff check $(OURS)
	$(BIN)/ruff format --check $(OURS)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/dev
	$(BIN)/python -m bench

# Against a running OpenID Foundation conformance suite: tests/conformance/README.md.
conformance: $(VENV)/dev
	@$(BIN)/python tests/conformance/run.py $(ARGS)

# Chromium for the pages' tests: the system's, or Debian's package where we may install it.
browser:
	@command -v chromium chromium-browser google-chrome >/dev/null 2>&1 && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	else \
		echo "make test: Chromium is missing: install it (Debian: sudo apt-get install chromium; macOS: brew install --cask chromium)" >&2; exit 1; \
	fi

# nginx for the test of deploy/nginx: the system's, or Debian's program alone: its package would start a server.
nginx: $(VENV)/bin/pip
	@for one in nginx /usr/sbin/nginx /opt/homebrew/bin/nginx $(VENV)/nginx/usr/sbin/nginx; do \
		command -v $$one >/dev/null 2>&1 && exit 0; \
	done; \
	if command -v apt-get >/dev/null; then \
		[ "$$(id -u)" != 0 ] || apt-get update -qq; \
		mkdir -p $(VENV)/nginx && cd $(VENV)/nginx && apt-get download -qq nginx 2>/dev/null \
			&& dpkg-deb -x nginx_*.deb . && usr/sbin/nginx -v 2>/dev/null && exit 0; \
	fi; \
	echo "make test: nginx is missing: install it (Debian: sudo apt-get install nginx; macOS: brew install nginx)" >&2; exit 1

$(VENV)/bin/pip:
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 to 3.14 is missing (Debian: sudo apt-get install python3 python3-venv; or make PYTHON=/path/to/python3)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "make: venv is missing for $(PYTHON), or it does not run (Debian: sudo apt-get install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)

$(VENV)/runtime: requirements.lock pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@ $(VENV)/runtime

# After a change of pyproject.toml's dependencies; one lock for every Python and platform that we support.
locks: $(VENV)/dev
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --extra embedded -o requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --extra embedded --extra dev -o requirements-dev.lock pyproject.toml

translations: $(VENV)/dev
	$(BIN)/pybabel compile --directory consent_ui/translations
