//! Damaged and cut input for everything that reads what a peer sends.
//!
//! The targets are in `tests/bodies`. Each takes a body of the corpus or of the library's fixtures, damages it, and cuts it anywhere. What is
//! read must be the same as in one piece, and nothing may panic. `make test` runs a fixed number of inputs from a fixed seed, `make
//! fuzz` many more from another; `FUZZ_CASES` and `FUZZ_SEED` set both.
