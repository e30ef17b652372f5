# The tools are pinned in go.mod. The race detector needs a C compiler; without
# one: make check RACE=
GO ?= go
RACE ?= -race
FUZZTIME ?= 30s

.PHONY: help check golden fuzz bench

help: ## list the targets (default)
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

check: ## tidy, gofmt, vet, staticcheck, tests with the race detector
	$(GO) mod tidy -diff
	@files=$$(gofmt -l .); [ -z "$$files" ] || { echo "not formatted, run gofmt -w:"; echo "$$files"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) test $(RACE) -timeout 30m ./...

golden: ## rewrite the sections of golden/*.txtar that sigmac makes
	$(GO) test ./golden -update

fuzz: ## run every fuzz target for FUZZTIME (30s)
	@set -e; for p in $$($(GO) list ./...); do \
		targets=$$($(GO) test -list '^Fuzz' "$$p"); \
		for f in $$(echo "$$targets" | grep '^Fuzz'); do \
			echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) "$$p"; \
		done; \
	done

bench: ## run every benchmark
	$(GO) test -run '^$$' -bench . ./...
