# `make help` lists the targets. Variables of `run`: PORT CONFIG DATA WORKERS RATE; of `build` and `test`: SANITIZE=1.
PORT ?= 8080
CONFIG ?= conf/nacre.yaml
DATA ?= data
WORKERS ?= auto
RATE ?= 20r/s
# Not NGINX: nginx itself reads an environment variable of that name.
NGINX_BINARY ?= nginx
NGINX_SOURCE_DIR ?= /usr/share/nginx/src
FUZZ_SECONDS ?= 15

ifeq ($(SANITIZE),1)
BUILD := build-sanitize
BUILD_TASKS := build sanitize
BUILD_OPTIONS := -DSANITIZE=ON -DFUZZ=ON -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++
else
BUILD := build
BUILD_TASKS := build
BUILD_OPTIONS :=
endif

CCACHE := env;CCACHE_SLOPPINESS=pch_defines,time_macros;ccache

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help setup configure build run test test-browser test-openapi fuzz check format bench instructions image up monitor down release clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install all packages that any target needs
	@scripts/setup

configure:
	@scripts/setup $(BUILD_TASKS)
	@cmake -S . -B $(BUILD) -G Ninja $(BUILD_OPTIONS) -DNGINX_SOURCE_DIR=$(NGINX_SOURCE_DIR) -DNGINX_BINARY=$(NGINX_BINARY) \
	  '-DCMAKE_CXX_COMPILER_LAUNCHER=$(CCACHE)' >/dev/null

build: configure ## build the module and nacre_backup (SANITIZE=1: with AddressSanitizer and UBSan)
	@cmake --build $(BUILD) --target ngx_http_nacre_module nacre_backup

run: build ## start nginx with the example application (PORT CONFIG DATA WORKERS RATE)
	@PORT='$(PORT)' CONFIG='$(CONFIG)' DATA='$(DATA)' WORKERS='$(WORKERS)' RATE='$(RATE)' NGINX_BINARY='$(NGINX_BINARY)' scripts/run $(BUILD)

test: configure ## build and run every test (SANITIZE=1: under AddressSanitizer and UBSan)
	@scripts/setup test
	@cmake --build $(BUILD)
	@scripts/test $(BUILD) '$(NGINX_BINARY)'

test-browser: build ## test pages of other origins in headless Chromium
	@scripts/setup browser
	@scripts/test-browser $(BUILD) '$(NGINX_BINARY)'

test-openapi: build ## hold nginx to its OpenAPI document with schemathesis
	@scripts/setup test
	@"$$(scripts/venv tests/openapi/requirements.txt)/bin/python" tests/openapi/run.py $(BUILD) '$(NGINX_BINARY)'

fuzz: ## fuzz each target for FUZZ_SECONDS
	@$(MAKE) configure SANITIZE=1
	@cmake --build build-sanitize
	@scripts/fuzz build-sanitize $(FUZZ_SECONDS)

check: ## format, lint, static analysis
	@scripts/setup build check
	@scripts/check

format: ## rewrite sources as clang-format and black want them
	@scripts/setup check
	@scripts/check --format

bench: configure ## benchmarks, side by side, as a table
	@scripts/setup bench
	@cmake --build $(BUILD) --target bench
	@"$$(scripts/venv tests/integration/requirements.txt)/bin/python" tests/bench/bench.py $(BUILD) '$(NGINX_BINARY)'

instructions: configure ## instructions of the worker for one request, as valgrind counts them
	@scripts/setup bench
	@cmake --build $(BUILD) --target ngx_http_nacre_module canned_mongo
	@"$$(scripts/venv tests/integration/requirements.txt)/bin/python" tests/bench/instructions.py $(BUILD) '$(NGINX_BINARY)'

image: ## build the container image nacre:latest
	@scripts/setup image
	@scripts/image

up: image ## start the Compose stack (PORT)
	@PORT='$(PORT)' docker-compose -f docker/compose.yaml up -d

monitor: ## status and logs of the Compose stack
	@docker-compose -f docker/compose.yaml ps
	@docker-compose -f docker/compose.yaml logs --tail 50 --follow

down: ## stop the Compose stack
	@docker-compose -f docker/compose.yaml down

release: test ## a source and a binary archive with checksums, in dist/
	@scripts/release $(BUILD)

clean: ## delete what was built
	@rm -rf build build-sanitize build-check dist
