# What people and CI call. Everything that a target needs and that is not on
# the machine is fetched, pinned, into .local (or $REGPAY_LOCAL): see
# deploy/stack. Nothing needs to be installed by hand but Go, make, git and,
# for the race detector, a C compiler.

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO    ?= go
LOCAL := $(or $(REGPAY_LOCAL),$(CURDIR)/.local)
STACK := $(GO) run ./deploy/stack/cmd/stack
LINT  := $(LOCAL)/tools/lint

BUILD_BENCH = echo "building the comparison" && mkdir -p '$(LOCAL)/bin' && $(GO) -C deploy/bench build -o '$(LOCAL)/bin/bench' .

# KEEP=1 leaves the demo's stack up; SUMMARY=file.json writes its results.
KEEP    ?=
SUMMARY ?=
# SCREENSHOTS=dir is where the pictures of the review console go.
SCREENSHOTS ?= $(LOCAL)/screenshots
# SEED=n repeats the plan of a fault run.
SEED ?=
# How long each fuzz target runs in fuzz-short.
FUZZTIME ?= 10s

.NOTPARALLEL:
.PHONY: help demo screenshots chaos bench bench-endure bench-archive histories down status build tools test unit integration lint fuzz-short

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## Play a day of registrations on real parts (KEEP=1 leaves them up, SUMMARY=file.json)
	@echo "building the demo"
	@mkdir -p '$(LOCAL)/bin'
	@$(GO) build -o '$(LOCAL)/bin/demo' ./deploy/demo
	@# exec: a signal sent to make must reach the demo, which ends its children.
	@KEEP='$(KEEP)' SUMMARY='$(SUMMARY)' exec '$(LOCAL)/bin/demo'

screenshots: ## Picture every page of the review console, checking each (SCREENSHOTS=dir)
	@SCREENSHOTS='$(abspath $(SCREENSHOTS))' $(GO) test -count 1 -timeout 20m -run TestEveryPage ./deploy/browser
	@echo "pictures are in $(abspath $(SCREENSHOTS))"

histories: ## Record the histories that replay tests use
	@mkdir -p '$(LOCAL)/bin'
	@$(GO) build -o '$(LOCAL)/bin/histories' ./deploy/histories
	@exec '$(LOCAL)/bin/histories'

chaos: ## Kill, cut and slow everything while 1,000 people pay, then check (SEED=n, SUMMARY=file.json)
	@echo "building the fault run"
	@mkdir -p '$(LOCAL)/bin'
	@$(GO) build -o '$(LOCAL)/bin/chaos' ./deploy/chaos
	@SEED='$(or $(SEED),0)' SUMMARY='$(SUMMARY)' exec '$(LOCAL)/bin/chaos'

# The module of its own keeps what only the comparison needs out of regpay's.
# ROUNDS, WINDOW, WARM_UP, ARMS and CURVES are read from the environment.
bench: ## Compare regpay's speed with other ways to do the job; takes about 50 minutes (ROUNDS=5, SUMMARY=file.json, CURVES=dir)
	@$(BUILD_BENCH)
	@SUMMARY='$(SUMMARY)' exec '$(LOCAL)/bin/bench' run

bench-endure: ## 50,000 payments on one installation, 20,000 waiting at once; takes an hour (PAYMENTS, WAITING, PAIRS, WINDOW, SUMMARY)
	@$(BUILD_BENCH)
	@SUMMARY='$(SUMMARY)' exec '$(LOCAL)/bin/bench' endure

bench-archive: ## Time and explain every query over 1,000,000 past orders; takes 8 minutes (PAYMENTS, PLANS=file, SUMMARY)
	@$(BUILD_BENCH)
	@SUMMARY='$(SUMMARY)' exec '$(LOCAL)/bin/bench' archive

down: ## End a stack that was left up
	@$(STACK) down

status: ## Show the stack that was left up
	@$(STACK) status

build: ## Build regpay's programs into .local/bin
	@mkdir -p '$(LOCAL)/bin'
	$(GO) build -o '$(LOCAL)/bin/' ./workers ./starter ./deploy/sandbox

tools: $(LINT)/staticcheck ## Build the pinned Temporal server, UI and linters; takes minutes the first time
	@$(STACK) build --parts postgres,temporal,ui

test: lint unit integration ## Lint and all tests, with the race detector, on a private stack

unit:
	$(GO) test -race -timeout 10m $$($(GO) list ./... | grep -v '/deploy')

# One package at a time: each of these may start a stack of its own.
integration:
	@$(STACK) build --race
	$(GO) test -race -p 1 -timeout 20m ./deploy/...
	$(GO) -C deploy/bench test -race -p 1 -timeout 10m ./...

lint: $(LINT)/staticcheck ## gofmt, vet, staticcheck, workflowcheck
	@unformatted=$$(gofmt -l $$(find . -name '*.go' -not -path './.local/*')); \
	if [ -n "$$unformatted" ]; then echo "run gofmt on:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(LINT)/staticcheck ./...
	$(GO) -C deploy/bench vet ./...
	cd deploy/bench && '$(abspath $(LINT))/staticcheck' ./...
	$(LINT)/workflowcheck -config deploy/tools/lint/workflowcheck.yaml -test=false ./workflows

# Built again when the pinned versions change, or Go's.
$(LINT)/staticcheck: deploy/tools/lint/go.mod deploy/tools/lint/go.sum
	@echo "building the linters"
	@mkdir -p '$(LINT)'
	@GOWORK=off $(GO) -C deploy/tools/lint build -o '$(LINT)/' \
		honnef.co/go/tools/cmd/staticcheck go.temporal.io/sdk/contrib/tools/workflowcheck
	@touch '$@'

fuzz-short: ## Run every fuzz target for a few seconds (FUZZTIME=10s)
	@grep -rl --include='*_test.go' '^func Fuzz' . | xargs -r -n1 dirname | sort -u | while read -r dir; do \
		for target in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$$dir"/*_test.go | cut -c6-); do \
			echo "$$dir $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime '$(FUZZTIME)' "$$dir" < /dev/null; \
		done; \
	done
