# Two commands set everything up: make demo, make test.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DEMO_SECONDS ?=
export DEMO_SECONDS

.PHONY: demo test chaos format lock clean bench kafka kafka-stop
.DEFAULT_GOAL := demo

# The lock file holds a hash of everything that is installed.
$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: $(VENV)/.installed
	$(BIN)/rapport demo

test: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist worksteal -q

# Ten minutes in which everything is broken on purpose; `make chaos SECONDS=60 SEED=7 ONLY=Redis` for a part of it.
SECONDS ?= 600
SEED ?= 1
ONLY ?=
chaos: $(VENV)/.installed
	$(BIN)/python -m tests.chaos --seconds $(SECONDS) --seed $(SEED) --only "$(ONLY)"

# Pins everything anew, for every platform; the environment is made again by the next command.
lock:
	$(PYTHON) -m venv .lock
	.lock/bin/pip install --quiet --disable-pip-version-check uv
	.lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra dev --output-file requirements.lock pyproject.toml
	rm -rf .lock

format: $(VENV)/.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks

# A Kafka to try things on, in the background; its first start fetches it with Maven. Data stays under .data/kafka.
kafka: $(VENV)/.installed
	@$(BIN)/python -m streams.transport.dev_kafka start .data/kafka

kafka-stop: $(VENV)/.installed
	@$(BIN)/python -m streams.transport.dev_kafka stop .data/kafka

clean:
	rm -rf $(VENV) .lock .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
