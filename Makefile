# Every target sets up what it needs. `make help` lists them.
# PYTHON=python3.12 make book   uses another Python for the environment,
# TORCH=cu126 make book         a build of PyTorch for GPUs, TORCH=pip the one that pip finds.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TESTS ?= -m 'not slow and not thorough'
TORCH ?= cpu
STAMP := $(VENV)/.complete
NOTEBOOKS := $(wildcard chapters/*.ipynb templates/*.ipynb)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help book pdf slides test browser lint format links chapter record serve measure benchmark matrix artwork address environment newest clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

book: $(STAMP) ## execute and check every chapter, regenerate the figures, build the pages; FRESH=1 takes over nothing
	@$(BIN)/python -m lib.book build $(if $(FRESH),--fresh)

pdf: $(STAMP) ## print the built book into one PDF, which its first page then offers (needs Chromium)
	@$(BIN)/python -m lib.book pdf

slides: $(STAMP) ## the figures of the built book as slides, with their captions
	@$(BIN)/python -m lib.book slides

test: $(STAMP) ## run the tests, two at a time; those of the pages want Chromium and `make book` first, TESTS= runs all
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(TESTS)

browser: $(STAMP) ## test the built book in Chromium; its absence is a failure here
	@REQUIRE_BROWSER=1 $(BIN)/python -m pytest tests/test_pages.py tests/test_browser.py tests/test_explorer.py

lint: $(STAMP) ## check the style of code and notebooks, and the types of lib
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python -m mypy
	@$(if $(NOTEBOOKS),$(BIN)/nbstripout --keep-id --verify $(NOTEBOOKS))

format: $(STAMP) ## bring code and notebooks into that style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(if $(NOTEBOOKS),$(BIN)/nbstripout --keep-id $(NOTEBOOKS))

links: $(STAMP) ## try every address outside the book that the built book links to
	@$(BIN)/python -m lib.book links

chapter: $(STAMP) ## one chapter your way: make chapter NAME=dynamics PARAMS="n_x=4 r=0.5"
	@$(BIN)/python -m lib.book chapter "$(NAME)" $(PARAMS)

RECORDS := convolutional subnetworks oddity
ROOM = $(or $(filter $(firstword $(subst -, ,$(PROFILE))),$(RECORDS)),convolutional)
record: $(STAMP) ## train and record a profile: make record PROFILE=mnist-small OPTIONS="--data DIR --runs 3"
ifeq ($(PROFILE),)
	@$(if $(filter -h --help,$(OPTIONS)),,echo 'Say which training to record: make record PROFILE=mnist-small OPTIONS="--data DIR --runs 3"')
	@$(foreach room,$(RECORDS),$(BIN)/python -m lib.$(room).experiments $(OPTIONS);) $(if $(filter -h --help,$(OPTIONS)),,exit 1)
else
	@$(BIN)/python -m lib.$(ROOM).experiments $(PROFILE) $(OPTIONS)
endif

serve: $(STAMP) ## show the built book at http://localhost:8000
	@test -d _build/html || { echo "There is no book yet: make book"; exit 1; }
	@echo "The book is at http://localhost:8000 (Ctrl-C stops)"
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html 8000

benchmark: $(STAMP) ## time the structured training beside dense computations, on one thread
	@$(BIN)/python -m benchmarks.step
	@$(BIN)/python -m benchmarks.figures

measure: $(STAMP) ## run every chapter on one core in 2 GiB; the figures go into the README (Linux)
	@$(BIN)/python -m benchmarks.chapters

matrix: $(STAMP) ## the numeric tests and chapters under other instructions and threads: make matrix CHAPTERS="dynamics scale"
	@$(BIN)/python -m benchmarks.matrix $(CHAPTERS)

artwork: $(STAMP) ## draw the logo and the card of the book again
	@$(BIN)/python -m lib.book.artwork

address: $(STAMP) ## set the public address: make address URL=https://github.com/you/book
	@$(BIN)/python -m lib.book address "$(URL)"

environment: $(STAMP) ## only install: a .venv from the pins in requirements.txt

newest: ## install the newest versions that pyproject.toml allows, in place of the lock
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python lib/book/torch_build.py $(TORCH) torch
	$(BIN)/python -m pip install --editable ".[book,test]"
	@touch $(STAMP)

clean: ## delete what was built; the environment stays
	rm -rf _build

# Of several calls at once the first installs under a lock, and the others wait and find it done. The
# stamp comes last: an interrupted installation is not taken for a whole one.
ifndef INSTALLING
$(STAMP): requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("Python is %d.%d here; this book needs 3.11 or newer. Name one: make book PYTHON=python3.12" % v[:2])'
	@$(PYTHON) lib/book/one_at_a_time.py .venv.lock $(MAKE) --no-print-directory INSTALLING=1 $(STAMP)
else
$(STAMP): requirements.txt
	@echo "Setting up .venv from requirements.txt (once; some minutes)"
	@rm -f $(STAMP)
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python lib/book/torch_build.py $(TORCH) $(shell grep -o '^torch==[^ ]*' requirements.txt)
	$(BIN)/python -m pip install -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $(STAMP)
endif
