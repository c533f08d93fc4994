# Every target sets up what it needs. `make help` lists them.
# PYTHON=python3.12 make book   uses another Python for the environment.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete
NOTEBOOKS := $(wildcard chapters/*.ipynb)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help book test lint format chapter record serve environment clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

book: $(STAMP) ## execute and check every chapter, regenerate the figures, build the pages
	@$(BIN)/python -m lib.book build

test: $(STAMP) ## run the tests, two at a time
	@$(BIN)/python -m pytest -n 2

lint: $(STAMP) ## check the style of code and notebooks
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(if $(NOTEBOOKS),$(BIN)/nbstripout --keep-id --verify $(NOTEBOOKS))

format: $(STAMP) ## bring code and notebooks into that style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(if $(NOTEBOOKS),$(BIN)/nbstripout --keep-id $(NOTEBOOKS))

chapter: $(STAMP) ## one chapter your way: make chapter NAME=dynamics PARAMS="n_x=4 r=0.5"
	@$(BIN)/python -m lib.book chapter $(NAME) $(PARAMS)

record: $(STAMP) ## train and record a profile: make record PROFILE=mnist-small OPTIONS="--data DIR --runs 3"
	@$(BIN)/python -m lib.profiles $(PROFILE) $(OPTIONS)

serve: $(STAMP) ## show the built book at http://localhost:8000
	@test -d _build/html || { echo "There is no book yet: make book"; exit 1; }
	@echo "The book is at http://localhost:8000 (Ctrl-C stops)"
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html 8000

environment: $(STAMP) ## only install: a .venv from the pins in requirements.txt

clean: ## delete what was built; the environment stays
	rm -rf _build

# The stamp comes last: an interrupted installation is not taken for a whole one.
$(STAMP): requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("Python is %d.%d here; this book needs 3.11 or newer. Name one: make book PYTHON=python3.12" % v[:2])'
	@echo "Setting up .venv from requirements.txt (once; some minutes)"
	@rm -f $(STAMP)
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $(STAMP)
