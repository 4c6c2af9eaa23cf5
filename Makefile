# Two commands to start with: `make solve` and `make test`. Both set up .venv by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RUN := runs/first-ten

.PHONY: solve test check results bench clean

solve: $(STAMP)  ## Solve ten tasks of arc-agi-1/evaluation with both solvers, then write report.html.
	$(BIN)/arc-ensemble solve arc-agi-1/evaluation --limit 10 --seconds 60 -o $(RUN)
	$(BIN)/arc-ensemble report $(RUN) -o report.html

test: $(STAMP)  ## Run the tests.
	$(BIN)/python -m pytest -n 2 -q

check: $(STAMP)  ## Format check, lint, types, tests.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 -q

results: $(STAMP)  ## Run the README's first rows again, resumable; two and a half hours on two cores.
	$(BIN)/python -m benchmarks.run_ablation benchmarks/ablations/headline.toml --output benchmarks/results/headline.json

bench: $(STAMP)  ## Time kernels, engines, search, decoding, adaptation and pre-training on small samples, in about ten minutes.
	$(BIN)/python -m benchmarks.bench_kernels
	$(BIN)/python -m benchmarks.bench_cells --step 20
	$(BIN)/python -m benchmarks.bench_objects --step 20
	$(BIN)/python -m benchmarks.bench_search solve --every 20
	$(BIN)/python -m benchmarks.bench_decode --tasks 3 --rounds 1
	$(BIN)/python -m benchmarks.bench_ttt --limit 4 --output runs/bench_ttt.jsonl
	$(BIN)/python -m benchmarks.bench_pretrain --seconds 5

clean:  ## Remove the virtual environment and build leftovers; runs stay.
	rm -rf $(VENV) build dist *.egg-info

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(STAMP)
