# `make run` starts Sextant, `make test` checks it. Both need Python 3.11 or newer and nothing else:
# they make .venv and install into it what requirements.txt and tests/requirements.txt name.

PORT ?= 8501
VENV := .venv
LOWEST := .venv-lowest

# The interpreter is named instead of the scripts beside it: those break when the folder is moved.
PY := $(VENV)/bin/python

# Each candidate is run, not just looked up: version managers leave names that start nothing, and
# Debian ships a Python without ensurepip.
USABLE := import sys, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	"$$p" -c "$(USABLE)" 2>/dev/null && echo "$$p" && break; done)

.PHONY: help run test lint test-lowest bench bench-imdb

help:
	@echo "make run          start Sextant on 127.0.0.1:$(PORT); PORT= changes the port"
	@echo "make test         lint, then all tests, with a real Chromium"
	@echo "make lint         ruff, mypy and the import contracts"
	@echo "make test-lowest  the tests on the lowest versions that requirements.txt allows"
	@echo "make bench        the benchmarks, some in a real Chromium (an hour)"
	@echo "make bench-imdb   50,000 reviews of films, over five seeds (ten minutes)"

run: $(VENV)/.installed
	@echo "Starting Sextant. Ctrl-C stops it; nothing answered is lost."
	@exec $(PY) -m streamlit run app.py \
		--server.address 127.0.0.1 --server.port $(PORT) --server.headless true

test: lint
	@chromium="$$($(PY) tests/find_chromium.py)" && \
		SEXTANT_CHROMIUM="$$chromium" $(PY) -m pytest -rfEs -n 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.installed-test
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy al_engine
	$(VENV)/bin/lint-imports

test-lowest: $(LOWEST)/.installed
	$(LOWEST)/bin/python -m pytest -rfEs -m "not browser"

bench: $(VENV)/.installed-test
	$(PY) bench/digits.py
	$(PY) bench/al_benchmark.py
	$(PY) bench/audits.py
	$(PY) bench/sdss17.py
	$(PY) bench/label_audit.py
	$(PY) bench/batches.py
	$(PY) bench/rounds.py
	$(PY) bench/simulating.py
	chromium="$$($(PY) tests/find_chromium.py)" && \
		SEXTANT_CHROMIUM="$$chromium" $(PY) bench/browser.py

bench-imdb: $(VENV)/.installed-test
	$(PY) bench/imdb.py

# Stamps: an unchanged list of requirements is not installed twice.
$(VENV)/.installed: requirements.txt
	@$(PY) -m pip --version >/dev/null 2>&1 || { \
		test -n "$(PYTHON)" || { \
			echo "Sextant needs Python 3.11 or newer, with its venv module; none was found." \
				"Install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }; \
		echo "Making $(VENV) with $(PYTHON)."; \
		"$(PYTHON)" -m venv --clear $(VENV); }
	@echo "Installing what Sextant needs into $(VENV): about a minute, once."
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed tests/requirements.txt requirements-dask.txt \
		requirements-embeddings.txt
	@echo "Installing the test tools into $(VENV)."
	@$(PY) -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch $@

# The lowest versions are as old as Python 3.11 and have no wheels for newer ones.
$(LOWEST)/.installed: requirements.txt
	@python3.11 -c "import ensurepip" 2>/dev/null || { \
		echo "make test-lowest needs python3.11: the lowest versions know no newer one." >&2; exit 1; }
	@python3.11 -m venv --clear $(LOWEST)
	@echo "*" > $(LOWEST)/.gitignore
	@sed -nE 's/^([A-Za-z0-9_-]+)>=([^,]+),.*/\1==\2/p' requirements.txt > $(LOWEST)/lowest.txt
	@$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check \
		-r $(LOWEST)/lowest.txt pytest
	@touch $@
