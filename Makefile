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

.PHONY: help run test vendor check check-console format bench bench-serving soak hostile pretrained teacher eye reader reference probe lock audit sbom pages digests e2e-compose clean

help:  # this list
	@sed -nE 's/^([a-z0-9-]+):[^#]*# *(.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

run: .venv/runtime  # API, workers, embedded Valkey and SQLite: everything, at http://127.0.0.1:8000
	@exec $(BIN)/numeral up

test: .venv/development  # all tests but the hostile ones
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 3 --dist loadgroup

check: .venv/development  # format, lint, types, import contracts, and the console if Node is there
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if command -v npm > /dev/null; then $(MAKE) --no-print-directory check-console; else echo "no Node: the console is not checked"; fi

check-console: .venv/node
	.venv/node/node_modules/.bin/tsc --project app/console

format: .venv/development  # format the code and mend what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/development  # the figures of docs/figures.md
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

bench-serving: .venv/development  # prediction speed, side by side with other model servers
	$(BIN)/python benchmarks/serving.py

soak: .venv/development  # ten minutes of jobs, while parts are killed
	$(BIN)/python benchmarks/soak.py

hostile: .venv/development  # attacks and slow tests; half an hour
	CI=true $(BIN)/pytest -m hostile
	$(BIN)/python benchmarks/hostile.py

e2e-compose: .venv/development  # try the composed deployment; needs Docker and root, not part of CI
	$(BIN)/python deploy/e2e/trial.py

pretrained: .venv/development  # train the network that ships
	$(BIN)/numeral train --recipe robust --seed 0 --output models/pretrained

teacher: .venv/development  # train its teacher, before `pretrained`
	$(BIN)/python -m models.training.teacher_training

eye: .venv/development  # train the network that finds ink
	$(BIN)/python -m models.training.eye_training

reader: .venv/development  # train the network that parts touching digits
	$(BIN)/python -m models.training.line_training

reference: .venv/development  # the figures that drift is measured against, after `pretrained`
	$(BIN)/python -m models.training.drift_reference

probe: .venv/development  # draw the pictures of the gate, after `eye`
	$(BIN)/python benchmarks/picture_probe.py

# Pins all packages: constraints.txt from this environment, requirements/ with hashes: for `make run` on any platform, where
# torch and what only it needs stand apart, and for the images. TORCH_WHEELS is a folder or a page of links that has the CPU
# build of torch.
lock: .venv/development  # pin all packages
	$(BIN)/pip freeze --exclude-editable --exclude uv | sed 's/+cpu$$//' > constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check uv==0.13.8
	echo 'setuptools' | $(LOCK_LINUX) - -o requirements/build.txt
	$(LOCK) --universal pyproject.toml --extra embedded --extra worker | \
		awk '/^[a-z]/ { to = /^(torch=|triton|nvidia-|cuda-)/ ? "torch" : "run" } { print > "requirements/" to ".txt" }'
	$(LOCK_LINUX) pyproject.toml --extra postgres --extra s3 -o requirements/api.txt
	$(LOCK_LINUX) pyproject.toml --extra postgres --extra s3 --extra worker -o requirements/worker-cuda.txt
	$(LOCK_LINUX) pyproject.toml --extra postgres --extra s3 --extra worker --find-links $(TORCH_WHEELS) -o requirements/worker-cpu.txt

# Compares what `make run` and the images install with the advisories that PyPI knows; needs the network.
audit: .venv/audit  # compare the packages with known advisories
	@for list in run $(IMAGES); do \
		sed 's/+cpu//' requirements/$$list.txt > .venv/audit/list.txt; \
		echo "requirements/$$list.txt:"; \
		.venv/audit/bin/pip-audit --strict --progress-spinner off --disable-pip --no-deps --requirement .venv/audit/list.txt || found=1; \
	done; \
	test -z "$$found" || { echo "Above: the advisories that were found, or the reason why they could not be had."; exit 1; }

# The bills of materials of the images, as CycloneDX JSON, in build/. Each image has its own, with Debian's packages, in /sbom.json.
sbom:  # the bills of materials of the images
	@mkdir -p build
	@for image in $(IMAGES); do $(PYTHON) deploy/sbom.py $$image requirements/$$image.txt app/console/vendor > build/$$image.cdx.json || exit 1; done
	@ls build/*.cdx.json

# The libraries of the console, in app/console/vendor/ with their licences and hashes; needs npm and the network. Browsers
# resolve no bare names of modules, so hooks.js is told where preact.js lies.
vendor:  # fetch the libraries of the console
	@app/console/vendor.sh $(VENDOR)

pages: .venv/development  # write the pages of docs/ that are made from the code
	$(foreach page,errors http limits metrics modules settings,$(BIN)/python docs/make_$(page).py &&) true

digests:  # pin the base images; needs Docker and the registry
	@deploy/digests.sh

clean:  # remove what was installed and built
	rm -rf .venv .clients_cache build *.egg-info

# Each file is compared with its hash, but for a torch of somebody's own (requirements/install_torch.sh).
.venv/runtime: pyproject.toml constraints.txt requirements/run.txt requirements/torch.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing into .venv, once. 1 of 3: the packages that the service needs"
	@$(INSTALL_LOCKED) --requirement requirements/build.txt --requirement requirements/run.txt
	@echo "2 of 3: torch, to train"
	@requirements/install_torch.sh $(BIN)/python $(TORCH_WHEELS)
	@echo "3 of 3: the service"
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
