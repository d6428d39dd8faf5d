# Everything a person or a machine types here; each target does its own set-up. `make test` is what decides.
.PHONY: run chat fleet-demo test fmt lint msrv public-api rust fleet-short fleet test-loom js browser sdk cost metrics instructions bench load fuzz chaos chaos-short

NODE_STAMP := assets/node_modules/.package-lock.json
SDK_STAMP := tests/sdk/node_modules/.package-lock.json
# Recorded answers of providers. They are not part of the project; where they lie beside it, the tests that need them run too.
RECORDINGS := $(or $(ACTIVE_REQUESTS_RECORDINGS),$(realpath ../shared/corpus))
# As Cargo.toml has them.
FEATURES := $(shell sed -n '/^\[features\]/,/^$$/s/^\([a-z-]*\) = .*/\1/p' Cargo.toml)
MSRV := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

# $(call need,COMMAND,PACKAGE): installs PACKAGE if there is no COMMAND.
define need
@command -v $(1) >/dev/null || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q --no-install-recommends $(2); }
endef

# Starts the proxy. With no provider in the environment it has a simulated one, and traffic to look at. `ARGS=--help` tells more.
run: | grid
	@command -v cargo >/dev/null || { echo "Rust is missing: see https://rustup.rs"; exit 1; }
	cargo run --release -p active-requests-proxy -- --demo=unconfigured $(ARGS)

# Starts the chat, on documents and a simulated model of its own.
chat:
	@command -v cargo >/dev/null || { echo "Rust is missing: see https://rustup.rs"; exit 1; }
	cargo run --release -p active-requests-chat -- $(ARGS)

# Starts three proxies of one fleet on a NATS server, with traffic at each: http://127.0.0.1:8082/dashboard/#/requests?scope=fleet
fleet-demo: | grid
	@command -v cargo >/dev/null || { echo "Rust is missing: see https://rustup.rs"; exit 1; }
	$(call need,nats-server,nats-server)
	cargo build --release -p active-requests-proxy
	@pids=; trap 'kill $$pids' EXIT; trap exit INT TERM; \
	nats-server -a 127.0.0.1 -p 8422 & pids=$$!; \
	for n in 1 2 3; do \
		VDM_ACTIVE_REQUESTS_FLEET_URL=nats://127.0.0.1:8422 VDM_ACTIVE_REQUESTS_FLEET_REPLICA=proxy-$$n PORT=$$((8081 + n)) \
			target/release/active-requests-proxy --demo & pids="$$pids $$!"; \
	done; \
	wait

test: fmt lint msrv rust fleet-short chaos-short test-loom js browser sdk cost metrics instructions

fmt:
	cargo fmt --all --check

lint:
	cargo clippy --workspace --all-features --all-targets -- -D warnings
	@for feature in '' $(FEATURES); do \
		echo "cargo clippy --no-default-features --features '$$feature'"; \
		cargo clippy -q --no-default-features --features "$$feature" -- -D warnings || exit 1; \
	done
	cargo clippy -q -p active-requests-proxy --no-default-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features

# The library with the oldest compiler that Cargo.toml promises, and nothing else: what tests and benches use may be newer.
msrv:
	@if command -v rustup >/dev/null && rustup toolchain install $(MSRV) --profile minimal --no-self-update >/dev/null 2>&1; then \
		CARGO_TARGET_DIR=target/msrv cargo +$(MSRV) check --locked --all-features; \
	else \
		echo "NOT CHECKED: there is no Rust $(MSRV) here, and rustup cannot install it."; \
	fi

# Types of other crates in the library's public interface, against those that Cargo.toml allows.
public-api:
	@command -v cargo-check-external-types >/dev/null || cargo install --locked cargo-check-external-types@0.5.0
	CARGO_TARGET_DIR=target/public-api cargo +nightly check-external-types --all-features

# The programs first: tests start them.
rust: $(NODE_STAMP)
	$(call need,nats-server,nats-server)
	$(call need,redis-server,redis-server)
	cargo build -p active-requests-proxy -p active-requests-chat
	$(if $(RECORDINGS),ACTIVE_REQUESTS_RECORDINGS=$(RECORDINGS)) cargo test --workspace --all-features $(if $(RECORDINGS),-- --include-ignored)
	@echo "the proxy again, on three threads"
	PROXY_THREADS=3 cargo test --all-features -p active-requests-proxy --test proxy

# Faults of a fleet of real proxies: those that a minute is enough for, with few replicas.
fleet-short:
	$(call need,nats-server,nats-server)
	$(call need,redis-server,redis-server)
	cargo build -p active-requests-proxy -p active-requests-fleet-faults
	target/debug/active-requests-fleet-faults together killed restarted partition kills --crowded --replicas 4 --seconds 10

# All of them, with twenty replicas. `make fleet ARGS="kills --seconds 600 --seed 1"`; `ARGS=--help` tells more.
fleet:
	$(call need,nats-server,nats-server)
	$(call need,redis-server,redis-server)
	cargo build --release -p active-requests-proxy -p active-requests-fleet-faults
	target/release/active-requests-fleet-faults $(ARGS)

# Damaged and cut bodies, from another seed each time; `make rust` reads fewer, from a fixed one. A failure names its input.
fuzz: CASES := 1000000
fuzz:
	seed=$$(date +%s); echo "seed $$seed"; FUZZ_CASES=$(CASES) FUZZ_SEED=$$seed cargo test --release -p active-requests-fuzz

# Random clients and a hostile upstream round the proxy, and its books afterwards: `make chaos MINUTES=60 SEED=1`. A failure names its seed.
# Peers that vanish without a word are played too, where this user may make network namespaces.
chaos: MINUTES := 10
chaos:
	cargo build --release -p active-requests-proxy -p active-requests-chaos
	target/release/active-requests-chaos --proxy target/release/active-requests-proxy --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) --vanish $(ARGS)

# The same two rounds each time.
chaos-short:
	cargo build -p active-requests-proxy -p active-requests-chaos
	target/debug/active-requests-chaos --seed 7 --visits 120

# The wake-up protocol in every order in which threads can run. A build of its own: a cfg changes the locks and atomics.
test-loom:
	RUSTFLAGS="--cfg active_requests_loom" CARGO_TARGET_DIR=target/loom cargo test --lib loom

js: $(NODE_STAMP)
	cd assets && npm run --silent check && npm test --silent

browser: $(NODE_STAMP)
	$(call need,chromium,chromium)
	$(call need,firefox-esr,firefox-esr)
	cargo build -p active-requests-proxy -p active-requests-chat
	cd assets && npm run --silent test:browser

# The official SDKs through the proxy; what they warn of among themselves is not shown.
sdk: .venv/ready $(SDK_STAMP)
	cargo build -p active-requests-proxy
	.venv/bin/python -W ignore -m unittest discover --verbose --start-directory tests/sdk
	.venv/bin/python tests/sdk/stand.py node --test --test-reporter=spec tests/sdk/sdks.test.js
	.venv/bin/python tests/sdk/stand.py --demo node --test --test-reporter=spec tests/sdk/cancel.test.js

# Our bills beside LiteLLM's, on its own file of prices.
cost: .venv/ready
	cargo build --example bill
	$(if $(RECORDINGS),ACTIVE_REQUESTS_RECORDINGS=$(RECORDINGS)) .venv/bin/python -W ignore -m unittest discover --start-directory tests/cost

# A real Prometheus scrapes the proxy; the dashboard for Grafana and the alerts on what it then knows.
metrics: .venv/ready
	$(call need,prometheus,prometheus)
	cargo build -p active-requests-proxy
	.venv/bin/python -W ignore -m unittest discover --verbose --start-directory tests/prometheus

# Instructions executed by each operation, against those committed; `... -- renew` instead of `check` writes new ones.
instructions:
	$(call need,valgrind,valgrind)
	cargo run -q --release -p active-requests-benches --bin instructions -- check

# Each operation beside what one would take instead; the newest figures go into BENCHMARKS.md.
bench:
	cargo bench -p active-requests-benches
	cargo run -q --release -p active-requests-benches --bin report -- in-process

# The proxy under load beside a floor that looks at nothing; with `ARGS="--rounds 1"` in six minutes. The figures of all scenarios go into
# BENCHMARKS.md and the README; those of chosen ones, `make load ARGS="paced --rounds 9"`, are only printed. `ARGS=--help` tells more.
load:
	$(call need,nats-server,nats-server)
	$(call need,redis-server,redis-server)
	cargo build --release -p active-requests-proxy -p active-requests-benches --features active-requests-benches/fleet --bins
	target=$${CARGO_TARGET_DIR:-target}/release; $$target/load $(ARGS) && $$target/report load

$(NODE_STAMP): assets/package-lock.json
	$(call need,node,nodejs)
	$(call need,npm,npm)
	cd assets && npm ci --silent --no-audit --no-fund && npm run --silent vendor

$(SDK_STAMP): tests/sdk/package-lock.json
	$(call need,node,nodejs)
	$(call need,npm,npm)
	cd tests/sdk && npm ci --silent --no-audit --no-fund

# What the page takes from npm is a convenience: without node it shows a plain table.
.PHONY: grid
grid:
	@command -v npm >/dev/null && $(MAKE) --no-print-directory $(NODE_STAMP) \
	|| echo "No AG Grid without node and npm: the dashboard shows a plain table instead."

.venv/ready: tests/sdk/requirements.txt
	@python3 -c 'import ensurepip' 2>/dev/null || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q python3-venv; }
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --requirement tests/sdk/requirements.txt
	touch $@
