# The tools are pinned in go.mod.
GO ?= go
FUZZTIME ?= 30s
COUNT ?= 10

# Packages in which nothing runs at the same time: the race detector has nothing to
# see in their tests. Where others call them at the same time, it sees that there. The tests of the
# documentation and of the action run commands one by one, which the scripts run too.
SINGLE = (backends(/(elastic|kusto|splunk)(/read)?)?|eval|internal/(module|release)|ir|parser|regex|schema)

.PHONY: help check race golden fuzz bench release module

# PATH on the command line is the address for make module, and takes the place of the variable in which
# commands are looked for. The shell has that one still.
ifeq ($(origin PATH),command line)
ADDRESS := $(PATH)
override PATH = $(shell printf %s "$$PATH")
endif

help: ## list the targets (default)
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

check: export SIGMAC_CORPUS ?= none
check: export SIGMAC_ANSWERS ?= none
check: ## tidy, gofmt, vet, staticcheck, tests, without the corpus
	$(GO) mod tidy -diff
	@files=$$(gofmt -l .); [ -z "$$files" ] || { echo "not formatted, run gofmt -w:"; echo "$$files"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) test -timeout 30m ./...

race: export SIGMAC_CORPUS ?= none
race: export SIGMAC_ANSWERS ?= none
race: ## tests with the race detector, which needs a C compiler
	$(GO) test -race -timeout 60m -skip '^(TestDocs|TestActionSteps|TestJSONForms)$$' $$($(GO) list ./... | grep -Evx "$$($(GO) list -m)/$(SINGLE)")

golden: ## rewrite the sections of golden/*.txtar that sigmac makes
	$(GO) test ./golden -update

fuzz: ## run every fuzz target for FUZZTIME (30s)
	@set -e; for p in $$($(GO) list ./...); do \
		targets=$$($(GO) test -list '^Fuzz' "$$p"); \
		for f in $$(echo "$$targets" | grep '^Fuzz'); do \
			echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) "$$p"; \
		done; \
	done

bench: ## run every benchmark COUNT (10) times, for benchstat
	@$(GO) test -run '^$$' -bench . -timeout 0 -count $(COUNT) ./...

release: ## archives, checksums, an SBOM, a formula and a manifest in dist; URL says where they will lie
	@$(GO) run ./internal/release $(if $(URL),-url '$(URL)')

module: ## give the module an address: make module PATH=github.com/OWNER/sigmac
	@$(GO) run ./internal/module '$(ADDRESS)'
