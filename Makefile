# The commands of the project. Each makes what it needs first; nothing is installed outside .venv.
#   make demo ARGS="--once"     make test ARGS="-k vault"     make demo PYTHON=/path/to/python3.11

PYTHON ?= python3
ARGS ?=
VENV := .venv
PY := $(VENV)/bin/python
CODE := hub municipalities tests manage.py

.PHONY: help demo test fuzz workers lives lint bench chaos lock messages clean
.DELETE_ON_ERROR:

help: ## these lines
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile

demo: $(VENV)/.installed ## from nothing to a running hub with simulated towns; Ctrl-C stops everything
	@$(PY) manage.py demo $(ARGS)

test: $(VENV)/.installed-dev ## from nothing to a tested hub
	@$(PY) -m pytest -n auto $(ARGS)

fuzz: $(VENV)/.installed-dev ## 50,000 requests at random by the API's own document (HUB_FUZZ_CASES)
	@HUB_FUZZ_CASES=$${HUB_FUZZ_CASES:-50000} $(PY) -m pytest tests/hub/test_openapi.py -k "documented" -n auto --timeout 3600 $(ARGS)

workers: $(VENV)/.installed-dev ## 10,000 records fetched by two workers that are killed all the while (HUB_WORKER_RECORDS)
	@HUB_WORKER_RECORDS=$${HUB_WORKER_RECORDS:-10000} $(PY) -m pytest tests/hub/test_workers.py -s $(ARGS)

lives: $(VENV)/.installed-dev ## anything at all happens to several filings, 500 times at random (HUB_LIVES)
	@HUB_LIVES=$${HUB_LIVES:-500} $(PY) -m pytest tests/hub/test_lives.py -n 1 $(ARGS)

bench: $(VENV)/.installed-dev ## the hub beside the code one would write without it
	@$(PY) manage.py bench $(ARGS)

chaos: $(VENV)/.installed-dev ## ten minutes of kills, cuts, crashes and jumps; SEED=7 repeats a run
	@$(PY) -m tests.chaos $(if $(SEED),--seed $(SEED)) $(ARGS)

# Says in how many seconds it was done: $(call step,words,command)
step = @started=$$(date +%s); { $(2); } && echo "✓ $(1): $$(( $$(date +%s) - started )) s" >&2

# Checks see the settings of an installation; its servers are named and never reached.
lint: export DATABASE_URL = postgresql://hub@127.0.0.1:1/hub
lint: export REDIS_URL = redis://127.0.0.1:1/0
lint: export HUB_SECRET_KEY = for-checks-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ
lint: export HUB_MASTER_KEYS = check:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
lint: export HUB_AUDIT_KEY = for-checks-only
lint: export HUB_ALLOWED_HOSTS = hub.example.jp
lint: $(VENV)/.installed-dev ## everything that can be checked without running it
	$(call step,ruff check,$(VENV)/bin/ruff check .)
	$(call step,ruff format,$(VENV)/bin/ruff format --check .)
	$(call step,mypy,$(VENV)/bin/mypy --strict $(CODE))
	$(call step,import-linter,$(VENV)/bin/lint-imports --no-cache)
	$(call step,check --deploy,$(PY) manage.py check --deploy --fail-level WARNING)
	$(call step,makemigrations --check,$(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run)
	$(call step,translations,$(call translations,compiled=$$(mktemp),$(same)))

# Lock files hold hashes and no address; they are compiled on a developer's machine only.
LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra embedded
lock: ## compile the lock files from pyproject.toml (needs uv)
	$(LOCK) $(ARGS) --output-file requirements.txt pyproject.toml
	$(LOCK) $(ARGS) --group dev --output-file requirements-dev.txt pyproject.toml

messages: $(VENV)/.installed-dev ## compile the translations, which are committed beside their sources
	@$(call translations,compiled="$${po%.po}.mo",true)

same = { cmp -s "$$compiled" "$${po%.po}.mo" && rm "$$compiled"; } || { echo "$$po is not compiled: make messages"; false; }

# For every translation: where to compile it to, and what must be true afterwards.
translations = find hub municipalities -name '*.po' | while read -r po; do \
	$(1); $(VENV)/bin/pybabel --quiet compile -l ja -i "$$po" -o "$$compiled" && $(2) || exit 1; \
	done

clean: ## remove the environment, the demo's data and caches
	rm -rf $(VENV) .data .mypy_cache .ruff_cache .hypothesis
	find hub municipalities tests -name __pycache__ -prune -exec rm -rf {} +

# --- The environment -------------------------------------------------------------------------------
# uv is welcome where it is present, and never required.
UV := uv --version >/dev/null 2>&1

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed; name one with PYTHON=/path/to/python3.11" >&2; exit 1; }
	@if $(UV); then pip=--without-pip; else \
		$(PYTHON) -c 'import ensurepip' 2>/dev/null \
			|| { echo "$(PYTHON) cannot make virtual environments. On Debian: apt-get install python3-venv" >&2; exit 1; }; \
	fi; $(PYTHON) -m venv --clear $$pip $(VENV)

# pip may know an index, a proxy or a certificate that uv does not: where uv cannot, pip may.
export UV_SYSTEM_CERTS = 1
install = echo "Installing $(1)" >&2; \
	if ! { $(UV) && uv pip install --quiet --python $(PY) --require-hashes --no-deps -r $(1) 2>/dev/null; }; then \
		{ $(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip >/dev/null; } \
		&& $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(1); \
	fi

$(VENV)/.installed: requirements.txt | $(PY)
	$(call step,packages,$(call install,requirements.txt))
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt | $(PY)
	$(call step,packages,$(call install,requirements-dev.txt))
	@touch $@ $(VENV)/.installed
