# Each target makes what it needs: `make run` and `make test` work from a fresh clone with Python 3.11+ and make.
PYTHON ?= python3
BIN = .venv/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.PHONY: run test check format bench bench-serving soak pretrained reference lock clean

run: .venv/runtime
	@exec $(BIN)/numeral up

test: .venv/development
	$(BIN)/pytest

check: .venv/development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/development
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/development
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/submit.py
	$(BIN)/python benchmarks/predict.py
	$(BIN)/python benchmarks/job_pages.py
	$(BIN)/python benchmarks/recovery.py
	$(BIN)/python benchmarks/swapping.py
	$(BIN)/python benchmarks/epoch_time.py
	$(BIN)/python benchmarks/backprop.py

bench-serving: .venv/development
	$(BIN)/python benchmarks/serving.py

soak: .venv/development
	$(BIN)/python benchmarks/soak.py

pretrained: .venv/development
	$(BIN)/numeral train --recipe robust --seed 0 --output models/pretrained

reference: .venv/development
	$(BIN)/python -m models.reference

lock: .venv/development
	$(BIN)/pip freeze --exclude-editable | sed 's/+cpu$$//' > constraints.txt

clean:
	rm -rf .venv .clients_cache build *.egg-info

.venv/runtime: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what the service needs into .venv (once)"
	@$(INSTALL) '.[embedded,worker]'
	@touch $@

.venv/development: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what development needs into .venv (once)"
	@$(INSTALL) '.[dev]'
	@touch $@
