# Each target installs what it needs: `make run` and `make test` work in a fresh clone with Python 3.11+ and make.
PYTHON ?= python3
BIN = .venv/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable
TORCH_WHEELS ?= https://download.pytorch.org/whl/cpu/torch/
LOCK = $(BIN)/uv pip compile --quiet --constraint constraints.txt --generate-hashes --no-annotate --no-header \
	--no-emit-find-links --python-version 3.11 --python-platform x86_64-manylinux_2_28

.PHONY: run test check format bench bench-serving soak pretrained teacher reader reference lock e2e-compose clean

run: .venv/runtime
	@exec $(BIN)/numeral up

test: .venv/development
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2 --dist loadgroup

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
	$(BIN)/python benchmarks/reading.py
	$(BIN)/python benchmarks/job_pages.py
	$(BIN)/python benchmarks/recovery.py
	$(BIN)/python benchmarks/swapping.py
	$(BIN)/python benchmarks/overload.py
	$(BIN)/python benchmarks/epoch_time.py
	$(BIN)/python benchmarks/backprop.py

bench-serving: .venv/development
	$(BIN)/python benchmarks/serving.py

soak: .venv/development
	$(BIN)/python benchmarks/soak.py

e2e-compose: .venv/development  # needs Docker and root; not part of CI
	$(BIN)/python deploy/e2e/trial.py

pretrained: .venv/development
	$(BIN)/numeral train --recipe robust --seed 0 --output models/pretrained

teacher: .venv/development  # before `pretrained`
	$(BIN)/python -m models.training.teacher_training

reader: .venv/development
	$(BIN)/python -m models.training.line_training

reference: .venv/development
	$(BIN)/python -m models.training.drift_reference

# Pins all packages: constraints.txt from this environment, requirements/ with hashes for the images. TORCH_WHEELS is a
# folder or a page of links that has the CPU build of torch.
lock: .venv/development
	$(BIN)/pip freeze --exclude-editable --exclude uv | sed 's/+cpu$$//' > constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check uv==0.13.8
	echo 'setuptools' | $(LOCK) - -o requirements/build.txt
	$(LOCK) pyproject.toml --extra postgres --extra s3 -o requirements/api.txt
	$(LOCK) pyproject.toml --extra postgres --extra s3 --extra worker -o requirements/worker-cuda.txt
	$(LOCK) pyproject.toml --extra postgres --extra s3 --extra worker --find-links $(TORCH_WHEELS) -o requirements/worker-cpu.txt

clean:
	rm -rf .venv .clients_cache build *.egg-info

.venv/runtime: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the service into .venv (once)"
	@$(INSTALL) '.[embedded,worker]'
	@touch $@

.venv/development: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the development tools into .venv (once)"
	@$(INSTALL) '.[dev]'
	@touch $@
