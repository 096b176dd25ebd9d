# Everything a person does with a checkout. `make` alone lists the targets.
PYTHON ?= python3
DEMO ?= data-demo
MINUTES ?= 10
SETS ?= eval/sets/dev.jsonl eval/sets/test.jsonl eval/sets/crossing.jsonl

BIN := .venv/bin
STAMP := .venv/.wenju-setup
WENJU_DEMO := WENJU_DATA_DIR=$(DEMO) $(BIN)/wenju
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup ocr demo serve test check format eval answers baselines briefs fuzz crash soak audit screenshots lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## install everything into .venv, from the locks

# --no-deps: the lock is the whole list, and leaves out a torch stack that one package asks for and nothing here needs.
$(STAMP): pyproject.toml uv.lock requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || { echo "Wenju needs Python 3.11 to 3.14: make setup PYTHON=python3.12" >&2; exit 1; }
	@if command -v uv >/dev/null; then \
		echo "setup: uv sync"; \
		uv sync --quiet --frozen --all-groups --extra mcp --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"; \
	else \
		echo "setup: pip, into .venv (some minutes the first time)"; \
		$(PYTHON) -m venv .venv && \
		$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements-dev.lock && \
		$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

ocr: setup ## add OCR for scanned pages to .venv (some 170 MB)
	@if command -v uv >/dev/null; then \
		uv sync --quiet --frozen --all-groups --extra mcp --extra ocr --python $(BIN)/python; \
	else \
		$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements-ocr.lock; \
	fi
	@$(BIN)/python -c 'import rapidocr, onnxruntime' && echo "ocr: installed; read files again that had scanned pages: wenju ingest --force PATH"

demo: setup ## ingest the sample corpus and ask it one question in each script
	@mkdir -p $(DEMO) && echo '*' > $(DEMO)/.gitignore
	$(WENJU_DEMO) ingest corpus
	$(WENJU_DEMO) ask '中國開源模型在 OpenRouter 的每週份額平均是多少？'
	$(WENJU_DEMO) ask '编程占 token 用量的比例有多大？'
	$(WENJU_DEMO) ask 'What share of tokens came from reasoning models?'

serve: setup ## open the service and the chat page on http://127.0.0.1:8000
	$(BIN)/wenju serve

test: setup ## run the tests (not the fuzz and soak ones)
	$(BIN)/pytest

check: setup ## lint, format, types and the order of the packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict ingest service eval wenju.py scripts
	$(BIN)/lint-imports

format: setup ## put the code into the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

eval: setup ## measure the sample corpus against the baseline (SETS=… for others)
	@mkdir -p $(DEMO) && echo '*' > $(DEMO)/.gitignore
	$(WENJU_DEMO) ingest corpus
	$(WENJU_DEMO) eval run $(SETS) --gate

answers: setup ## generated answers: every fault of a model, the check of sentences, fifty readers at once
	@mkdir -p $(DEMO) build && echo '*' > $(DEMO)/.gitignore
	$(PYTEST) tests/integration/test_llm_faults.py tests/integration/test_llm_answers.py tests/integration/test_llm_judge.py \
		tests/integration/test_openai_api.py tests/integration/test_mcp.py tests/unit/test_support.py tests/unit/test_nearcopy.py
	$(WENJU_DEMO) ingest corpus
	$(WENJU_DEMO) eval faithfulness --json build/faithfulness.json
	$(WENJU_DEMO) eval streams eval/sets/dev.jsonl --json build/streams.json

baselines: setup ## measure again and keep the figures as the new baselines
	@mkdir -p $(DEMO) && echo '*' > $(DEMO)/.gitignore
	$(WENJU_DEMO) ingest corpus
	for name in dev test crossing; do \
		$(WENJU_DEMO) eval run eval/sets/$$name.jsonl --json build/$$name.json && \
		$(BIN)/python -m eval.baseline build/$$name.json eval/baselines/$$name.json || exit 1; \
	done

briefs: setup ## typeset the sample reports, corpus/reports/*.pdf (needs fonts-noto-cjk)
	$(BIN)/python corpus/reports/build.py

fuzz: setup ## search for inputs that break a promise
	$(PYTEST) tests -m fuzz

crash: setup ## kill the ingest at every named point, again and again
	$(PYTEST) tests/crash -m crash

soak: setup ## run the service for MINUTES (10) under mixed load and watch its memory
	SOAK_MINUTES=$(MINUTES) $(PYTEST) tests -m soak

audit: setup ## ask for known weaknesses of the dependencies (needs uv and a way to the advisories)
	uvx --with pip-audit python scripts/audit.py

screenshots: setup ## drive the chat page in Chromium and keep pictures in build/screenshots
	$(BIN)/python scripts/screenshots.py build/screenshots

lock: setup ## resolve the dependencies anew and write all four locks (needs uv)
	uv lock --default-index https://pypi.org/simple
	uv export --quiet --no-header --no-emit-project --frozen --no-dev --extra mcp -o requirements.lock
	uv export --quiet --no-header --no-emit-project --frozen --all-groups --extra mcp -o requirements-dev.lock
	uv export --quiet --no-header --no-emit-project --frozen --no-dev --extra mcp --extra ocr -o requirements-ocr.lock

clean: ## remove what the targets made, but not data/
	rm -rf .venv $(DEMO) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
