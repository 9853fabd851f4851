# Everything a fresh machine needs is Python 3.11 or newer and make.
# run: the preview on http://127.0.0.1:8080 · test: every test · check: style, types, knowledge base · bench: measurements
# prove: thousands of random stories, kills and outages, some minutes long

PYTHON ?= python3
BIN := .venv/bin
# The tests start many Pythons: each file is compiled once, not once in each of them.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test prove check bench lock pictures model

run: .venv/.run
	@$(BIN)/python app.py serve

test: .venv/.dev
	@$(BIN)/python -m tests.parts
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(TESTS)

prove: .venv/.dev
	@CHARTER_STORIES=4000 $(BIN)/python -m pytest -q tests/unit/test_desk_model.py -k whatever
	@$(BIN)/python -m pytest -s --show-capture=no tests/proofs/prove_*.py

check: .venv/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python app.py kb check

bench: .venv/.dev
	@$(BIN)/python -m benchmarks

# The screenshots of the docs, taken by the browser tests.
pictures: .venv/.dev
	@CHARTER_PICTURES=docs/images $(BIN)/python -m pytest -q tests/browser tests/slack/test_pictures.py tests/teams/test_pictures.py

# Train the reader again, about an hour on two cores, and write intents/model/reader.onnx; run it after changing the
# facts, the decision table or the examples.
model: .venv/.train
	@$(BIN)/python -m intents.train

# Pin every dependency with its hashes, for every platform's files; run it after changing pyproject.toml.
lock: .venv/.dev
	@$(BIN)/pip-compile -q --generate-hashes --strip-extras --allow-unsafe --no-header --no-annotate \
	    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file requirements.txt pyproject.toml
	@$(BIN)/pip-compile -q --generate-hashes --strip-extras --allow-unsafe --no-header --no-annotate --extra dev \
	    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file requirements-dev.txt pyproject.toml

.venv/bin/python:
	@$(PYTHON) -m venv .venv

.venv/.run: requirements.txt | .venv/bin/python
	@echo "Setting up Charter (once, a minute or two) …"
	@$(BIN)/python -m pip install --disable-pip-version-check -q --require-hashes -r requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.run
	@echo "Setting up the tools for tests (once) …"
	@$(BIN)/python -m pip install --disable-pip-version-check -q --require-hashes -r requirements-dev.txt
	@touch $@

.venv/.train: pyproject.toml .venv/.run
	@echo "Setting up the training of the reader (once) …"
	@$(BIN)/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['train'], sep='\n')" | \
	    $(BIN)/python -m pip install --disable-pip-version-check -q -r /dev/stdin
	@touch $@
