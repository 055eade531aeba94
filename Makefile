# The same words everywhere: up, down, clean, build, check, test, e2e, conformance, bench.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
DATA ?= $(CURDIR)/.stackd
DEMO ?= yes
AREA ?= smoke
TEST ?= first-server
export CGO_ENABLED := 0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: up down clean build dashboard check test lint coverage answer-file e2e conformance conformance-report bench packages needs test-needs image fmt

## up: a running cloud of this machine, with a first server (DEMO=no: without)
up: needs build image
	@bin/stackd up --background --data $(DATA) $(if $(filter yes,$(DEMO)),--demo --demo-image $(DATA)/tiny.qcow2) $(UPFLAGS)

## down: end what up started; the data stays
down:
	@if [ -x bin/stackd ] && [ -f $(DATA)/cloud.json ]; then bin/stackd down --data $(DATA); else echo "Nothing of make up is running here."; fi

## clean: down, and the data goes too
clean: down
	@rm -rf $(DATA) bin results .testpg

## build: the one static binary, bin/stackd, with the dashboard in it
build: dashboard
	@mkdir -p bin
	@go build -trimpath -ldflags "-s -w" -o bin/stackd ./cmd/stackd

## dashboard: the browser's side, horizon/dist; nothing is done when it is up to date
dashboard:
	@horizon/web/build

## check: everything that must hold, as CI runs it
check: test-needs
	@test/check

## test: the tests that need no root and no daemons
test:
	@go test ./...

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt on these"; exit 1; }
	@go vet ./...
	@go vet -tags e2e ./...
	@go run $(STATICCHECK) ./...

## coverage: write docs/coverage.md
coverage:
	@go run ./test/coverage > docs/coverage.md.new && mv docs/coverage.md.new docs/coverage.md

## answer-file: write docs/answer-file.md
answer-file:
	@go run ./deploy/answers/page > docs/answer-file.md.new && mv docs/answer-file.md.new docs/answer-file.md

## conformance-report: write docs/conformance.md from what the last runs found
conformance-report:
	@go run ./test/conformance -report > docs/conformance.md.new && mv docs/conformance.md.new docs/conformance.md

## e2e: real guests, networks and the openstack client (TEST=first-server, disks, kill, kill-disks, kill-guest, nodes, moves, lives, notes, rpm-hosts, packages, backends, planes, database, peers, controllers, controllers-day2, machine, browser)
e2e: test-needs build image
	@[ "$(TEST)" != browser ] || hack/packages browser
	@test/e2e/run $(TEST)

## conformance: tempest, unmodified (AREA=smoke, identity, …; LEARN=-learn keeps what was found)
conformance: test-needs build
	@STACKD=bin/stackd go run ./test/conformance -area $(AREA) $(LEARN)

## bench: requests a second, latencies, CPU and memory, as a table
bench: build
	@STACKD=bin/stackd go run ./test/bench

## image: the small guest that the demo boots, from Debian packages
image:
	@mkdir -p $(DATA); [ -f $(DATA)/tiny.qcow2 ] || { t=$$(mktemp -d); echo "  building the guest image"; images/build.sh $$t >$$t/log 2>&1 || { tail -20 $$t/log; exit 1; }; mv $$t/tiny.qcow2 $(DATA)/tiny.qcow2; rm -rf $$t; }

## packages: stackd as .deb and .rpm, in bin/packages (SIGN_KEY=FILE signs them)
packages: build
	@hack/pack/build bin/packages

## needs: what a cloud on this machine needs, from Debian
needs:
	@hack/packages run

test-needs:
	@hack/packages run test
