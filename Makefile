.PHONY: run test bench
run:
	cargo run --release --features full --example proxy -- --demo
test:
	cargo test --workspace --all-features
bench:
	cargo bench -p active-requests-benches
