# `make` alone lists the targets. `make run` and `make test` need nothing
# prepared: they fetch and build what they use.

GO       ?= go
REVISION ?= $(shell git describe --always --exclude '*' --abbrev=12 --dirty=.dirty 2>/dev/null)
LDFLAGS  := -s -w -X main.revision=$(REVISION)

# Everything is built as the product is, without cgo and with the same flags, so
# that linters, server and suites share what was compiled once. The race
# detector and libopus need cgo, and say so in their recipes.
export CGO_ENABLED := 0

.PHONY: help
help:
	@echo 'make build          the server, bin/carillon (static), with its pages when npm is there'
	@echo 'make run            build and run it on its defaults'
	@echo 'make test           everything: linters, quick suite, stock clients, a cluster, browsers'
	@echo 'make lint           formatting, vet, staticcheck, deadcode, and checks and unit tests of the pages'
	@echo 'make test-quick     Go tests with the race detector'
	@echo 'make test-clients   stock AWS clients of other families'
	@echo 'make test-documents what the documents show, typed as it stands there (namespaces)'
	@echo 'make test-documents-slow  the same with loads and suites as long as the documents have them'
	@echo 'make test-events    events against receivers that others have written'
	@echo 'make test-monitoring alert rules and dashboard against Prometheus itself'
	@echo 'make test-pipelines recordings by stock clients into an S3 server'
	@echo 'make test-pipelines-versity  the same with versitygw, which it builds once'
	@echo 'make test-recorded-call  two browsers talk, show and share for a minute into versitygw; what was recorded is measured'
	@echo 'make test-events-kills  the server is killed KILLS times (200) while events wait'
	@echo 'make figures-events  how fast events go out and what they cost (3 minutes, on a calm machine)'
	@echo 'make figures-telemetry  what traces, lines in the log and metrics cost (ROUNDS=7, ten minutes, on a calm machine)'
	@echo 'make test-browser   real browsers against the real server'
	@echo 'make test-examples  the examples, each as it stands in its folder'
	@echo 'make test-cluster   three nodes, broken in turn, with clients at work (root)'
	@echo 'make soak-cluster   the same for DURATION (default 1h), faults drawn from SEED'
	@echo 'make soak-churn     people come and go for DURATION (1h); what one server takes must stay flat (TABLE=FILE keeps it)'
	@echo 'make figures-cluster  how long takeovers take, what forwarding costs, what memory goes with'
	@echo 'make test-powercut  what was acknowledged survives power cuts, of one server and of nodes (root, loop devices)'
	@echo 'make test-libopus   the two Opus codecs against each other (cgo, libopus)'
	@echo 'make fuzz           every fuzz target for FUZZTIME (default 30s) each'
	@echo 'make bench          benchmarks of the hot paths'
	@echo 'make dist           binaries, Debian packages, bills of materials and checksums in dist/'
	@echo 'make image          the OCI image, by buildah (root)'
	@echo 'make test-packages  install, start, upgrade and remove what dist and image make (root)'
	@echo 'make test-chart     the Helm chart and the compose files alone (root): part of test-packages'
	@echo 'make screenshots    the pictures in README, of the real pages in a browser'
	@echo 'make pages          the pages that the server embeds (part of build)'
	@echo 'make setup          what the tests use: Debian packages (part of test)'

.PHONY: build
build: pages
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/carillon ./cmd/carillon

# The pages are fetched and built when npm is there; without it the server
# builds all the same and says that they are missing.
.PHONY: pages
pages:
	@scripts/build-pages

# The browser test that takes them in each run keeps them here.
.PHONY: screenshots
screenshots: build
	scripts/fetch e2e
	cd web && KEEP_PICTURES=1 node --test e2e/pictures.test.mjs

.PHONY: run
run: build
	bin/carillon serve $(ARGS)

.PHONY: dist
dist:
	@scripts/make-dist

.PHONY: image
image: dist
	@scripts/make-image

.PHONY: test-packages
test-packages: dist setup
	@scripts/setup-packages
	$(GO) test -tags packages -count=1 -timeout 40m -v ./packaging

.PHONY: test-chart
test-chart: build setup
	@scripts/setup-packages
	TESTED_CARILLON=$(CURDIR)/bin/carillon $(GO) test -tags packages -count=1 -timeout 20m -v -run 'Chart|Compose|Front' ./packaging

# A cluster's nodes mostly wait, and leave a processor to what runs beside them. What
# the browser tests need is fetched meanwhile.
# Each of these tells what it found when it has ended.
.PHONY: test
test: announce setup lint test-quick
	@scripts/fetch e2e & $(MAKE) --no-print-directory --jobs=2 --output-sync=target test-cluster test-clients test-examples test-documents test-events test-pipelines && wait $$!
	@$(MAKE) --no-print-directory test-browser

.PHONY: announce
announce:
	@scripts/setup-tests --announce

.PHONY: setup
setup:
	@scripts/setup-tests

.PHONY: lint
lint:
	@scripts/lint

# One server for all packages that start it. `make lint` has vetted the tests.
# The codec is built without the race detector: it has no goroutines and takes
# ten times as long with it; those who call it are built with it.
CODEC := -gcflags=github.com/thesyncim/gopus/...=-race=false

.PHONY: test-quick
test-quick: setup
	CGO_ENABLED=1 $(GO) build -race $(CODEC) -o bin/carillon-race ./cmd/carillon
	TESTED_CARILLON=$(CURDIR)/bin/carillon-race CGO_ENABLED=1 $(GO) test -race $(CODEC) -vet=off -timeout 20m $$($(GO) list ./... | grep -v -e /clients -e /examples -e /documentstest)

.PHONY: test-clients
test-clients: build setup
	$(GO) test -count=1 -timeout 15m ./clients/...

.PHONY: test-examples
test-examples: build setup
	TESTED_CARILLON=$(CURDIR)/bin/carillon $(GO) test -count=1 -timeout 15m ./examples/...

# It takes network namespaces: root, or a kernel that lets others make them.
DOCUMENTS = TESTED_CARILLON=$(CURDIR)/bin/carillon $(GO) test -count=1 -timeout 30m ./documentstest

.PHONY: test-documents
test-documents: build setup
	$(DOCUMENTS)

.PHONY: test-documents-slow
test-documents-slow: build setup
	scripts/fetch examples
	scripts/fetch examples/react
	CGO_ENABLED=1 $(DOCUMENTS) -v -as-written

.PHONY: test-events
test-events: setup
	@scripts/test-events

# A module of its own. Its tests mostly wait, so more of them than there are
# processors run at a time.
.PHONY: test-pipelines
test-pipelines: setup
	cd pipelinestest && $(GO) vet -mod=mod . && $(GO) test -mod=mod -count=1 -timeout 10m -parallel 6 .

# Not part of make test: building that server takes minutes, once.
.PHONY: test-pipelines-versity
test-pipelines-versity: setup
	gateway=$$(scripts/versitygw) && cd pipelinestest && VERSITYGW=$$gateway $(GO) test -mod=mod -count=1 -timeout 10m -parallel 6 .

# What make test-browser does for fifteen seconds into a directory.
.PHONY: test-recorded-call
test-recorded-call: build setup
	gateway=$$(scripts/versitygw) && scripts/fetch e2e && cd e2e && VERSITYGW=$$gateway RECORDED_SECONDS=60 node --test --test-timeout=300000 tests/recording.test.mjs

# Not part of make test: building promtool takes minutes of processor, the first
# time.
.PHONY: test-monitoring
test-monitoring: build
	prometheus=$$(scripts/prometheus) && cd monitoringtest && $(GO) vet -tags figures . && PROMETHEUS=$$prometheus $(GO) test -count=1 -timeout 20m .

# Servers with and without, side by side, called in turns. Without the name of a
# package, go test shows what the figures are.
.PHONY: figures-telemetry
figures-telemetry: build
	cd monitoringtest && $(GO) test -tags figures -count=1 -timeout 60m -run '^TestFigures$$' -args -rounds $(or $(ROUNDS),7)

# Not part of make test: minutes.
.PHONY: test-events-kills
test-events-kills: setup
	cd eventstest && $(GO) test -mod=mod -count=1 -timeout 90m -v -run HoweverOftenTheServerIsKilled . -args -kills $(or $(KILLS),200)

# Servers on one core, five rounds of everything in turn.
.PHONY: figures-events
figures-events: setup
	cd eventstest && $(GO) test -mod=mod -tags figures -count=1 -timeout 20m -run '^TestFigures$$' -v . | grep -v '^ *\(---\|===\|time=\)'

.PHONY: test-browser
test-browser: build setup
	@scripts/test-browser

# A module of its own; TESTED_CARILLON names another server to test.
.PHONY: test-cluster
test-cluster: setup
	cd clustertest && $(GO) test -count=1 -timeout 20m -v .

.PHONY: soak-cluster
soak-cluster: setup
	cd clustertest && $(GO) test -tags soak -run TestSoak -count=1 -timeout 0 -v . -duration $(or $(DURATION),1h) -seed $(or $(SEED),0)

.PHONY: soak-churn
soak-churn: setup
	cd pipelinestest && $(GO) test -mod=mod -tags soak -run TestChurn -count=1 -timeout 0 -v . -duration $(or $(DURATION),1h) -table '$(TABLE)'

.PHONY: figures-cluster
figures-cluster: setup
	cd clustertest && $(GO) test -tags figures -run TestFigures -count=1 -timeout 60m -v .

.PHONY: test-powercut
test-powercut:
	$(GO) test -tags powercut -run PowerCut -count=1 -v ./internal/ledger
	cd clustertest && $(GO) test -tags powercut -run PowerCut -count=1 -v .

.PHONY: test-libopus
test-libopus: setup
	CGO_ENABLED=1 $(GO) test -tags libopus -count=1 -v ./internal/media/opus

.PHONY: fuzz
fuzz:
	@scripts/fuzz $(or $(FUZZTIME),30s)

.PHONY: bench
bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...
