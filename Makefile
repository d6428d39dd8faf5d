.PHONY: run test bench instructions
run:
	cargo run --release --features full --example proxy -- --demo
test: instructions
	cargo test --workspace --all-features
bench:
	cargo bench -p active-requests-benches
# Fails when an operation executes more than the committed number of instructions allows; `... -- renew` writes new ones.
instructions:
	command -v valgrind >/dev/null || { apt-get update && apt-get install -y valgrind; }
	cargo run -q --release -p active-requests-benches --bin instructions -- check
