# Each target installs what it needs: `make run` and `make test` work in a fresh clone with Python 3.11+ and make.
PYTHON ?= python3
BIN = .venv/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
INSTALL = $(PIP) --constraint constraints.txt --editable
INSTALL_LOCKED = $(PIP) --no-deps --require-hashes
TORCH_WHEELS ?= https://download.pytorch.org/whl/cpu/torch/
LOCK = $(BIN)/uv pip compile --quiet --constraint constraints.txt --generate-hashes --no-annotate --no-header \
	--no-emit-find-links --python-version 3.11
LOCK_LINUX = $(LOCK) --python-platform x86_64-manylinux_2_28
IMAGES = api worker-cpu worker-cuda

# Libraries of the pages at / and /docs: package@version of the npm registry. TSC checks our own modules.
VENDOR = preact@11.2.0 htm@3.1.1 katex@0.19.1 uplot@1.6.32 swagger-ui-dist@5.35.0
TSC = typescript@7.0.2

.PHONY: run test vendor check check-console format bench bench-serving soak hostile pretrained teacher eye reader reference probe lock audit sbom digests e2e-compose clean

run: .venv/runtime
	@exec $(BIN)/numeral up

test: .venv/development
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 3 --dist loadgroup

check: .venv/development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if command -v npm > /dev/null; then $(MAKE) --no-print-directory check-console; else echo "no Node: the console is not checked"; fi

check-console: .venv/node
	.venv/node/node_modules/.bin/tsc --project app/console

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
	$(BIN)/python benchmarks/console.py

bench-serving: .venv/development
	$(BIN)/python benchmarks/serving.py

soak: .venv/development
	$(BIN)/python benchmarks/soak.py

hostile: .venv/development  # half an hour
	CI=true $(BIN)/pytest -m hostile
	$(BIN)/python benchmarks/hostile.py

e2e-compose: .venv/development  # needs Docker and root; not part of CI
	$(BIN)/python deploy/e2e/trial.py

pretrained: .venv/development
	$(BIN)/numeral train --recipe robust --seed 0 --output models/pretrained

teacher: .venv/development  # before `pretrained`
	$(BIN)/python -m models.training.teacher_training

eye: .venv/development
	$(BIN)/python -m models.training.eye_training

reader: .venv/development
	$(BIN)/python -m models.training.line_training

reference: .venv/development
	$(BIN)/python -m models.training.drift_reference

probe: .venv/development  # after `eye`
	$(BIN)/python benchmarks/picture_probe.py

# Pins all packages: constraints.txt from this environment, requirements/ with hashes: for `make run` on any platform, where
# torch and what only it needs stand apart, and for the images. TORCH_WHEELS is a folder or a page of links that has the CPU
# build of torch.
lock: .venv/development
	$(BIN)/pip freeze --exclude-editable --exclude uv | sed 's/+cpu$$//' > constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check uv==0.13.8
	echo 'setuptools' | $(LOCK_LINUX) - -o requirements/build.txt
	$(LOCK) --universal pyproject.toml --extra embedded --extra worker | \
		awk '/^[a-z]/ { to = /^(torch=|triton|nvidia-|cuda-)/ ? "torch" : "run" } { print > "requirements/" to ".txt" }'
	$(LOCK_LINUX) pyproject.toml --extra postgres --extra s3 -o requirements/api.txt
	$(LOCK_LINUX) pyproject.toml --extra postgres --extra s3 --extra worker -o requirements/worker-cuda.txt
	$(LOCK_LINUX) pyproject.toml --extra postgres --extra s3 --extra worker --find-links $(TORCH_WHEELS) -o requirements/worker-cpu.txt

# Compares what `make run` and the images install with the advisories that PyPI knows; needs the network.
audit: .venv/audit
	@for list in run $(IMAGES); do \
		sed 's/+cpu//' requirements/$$list.txt > .venv/audit/list.txt; \
		echo "requirements/$$list.txt:"; \
		.venv/audit/bin/pip-audit --strict --progress-spinner off --disable-pip --no-deps --requirement .venv/audit/list.txt || found=1; \
	done; \
	test -z "$$found" || { echo "Above: the advisories that were found, or the reason why they could not be had."; exit 1; }

# The bills of materials of the images, as CycloneDX JSON, in build/. Each image has its own, with Debian's packages, in /sbom.json.
sbom:
	@mkdir -p build
	@for image in $(IMAGES); do $(PYTHON) deploy/sbom.py $$image requirements/$$image.txt > build/$$image.cdx.json || exit 1; done
	@ls build/*.cdx.json

# The libraries of the console, in app/console/vendor/ with their licences and hashes; needs npm and the network. Browsers
# resolve no bare names of modules, so hooks.js is told where preact.js lies.
vendor:
	@app/console/vendor.sh $(VENDOR)

digests:  # needs Docker and the registry
	@deploy/digests.sh

clean:
	rm -rf .venv .clients_cache build *.egg-info

# Each file is compared with its hash. A torch from a folder that pip's own settings name (find-links) is trusted as it is:
# that is somebody's own build.
.venv/runtime: pyproject.toml constraints.txt requirements/run.txt requirements/torch.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the service into .venv (once)"
	@$(INSTALL_LOCKED) --requirement requirements/build.txt --requirement requirements/run.txt
	@$(PIP) --no-deps --no-index "$$(grep '^torch==' constraints.txt)" 2> /dev/null || \
		$(INSTALL_LOCKED) --requirement requirements/torch.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/node: Makefile
	@echo "Installing tsc and the types of the console's libraries into .venv/node"
	@npm install --silent --no-save --no-package-lock --ignore-scripts --prefix .venv/node $(TSC) $(filter-out swagger%,$(VENDOR))
	@touch $@

.venv/audit:
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PYTHON) -m venv .venv/audit
	@.venv/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1 || { rm -rf $@; exit 1; }

.venv/development: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the development tools into .venv (once)"
	@$(INSTALL) '.[dev]'
	@touch $@
