//! The cost of tokens: bills computed by hand, files that are refused, and how a price is found.
//!
//! `prices.json` is in LiteLLM's format, its models and numbers invented. The comparison with LiteLLM itself, on its own file and
//! on recorded answers, is `make cost`.

#![expect(clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod bills;
mod files;
mod lookup;
mod own;

use active_requests::{
    cost::{Price, Prices},
    usage::Usage,
};

fn prices() -> Prices {
    Prices::from_litellm(include_str!("prices.json")).expect("the fixture is a file of prices")
}

/// Returns the dollars that these tokens cost.
fn bill(price: &Price, usage: &Usage) -> String {
    price.cost(usage).to_string()
}

/// Prompt tokens with cached ones, and output tokens with reasoning.
fn usage(input: u64, output: u64) -> Usage {
    let mut usage = Usage::default();
    (usage.input_tokens, usage.output_tokens) = (input, output);
    usage
}

/// As [`usage`], and what a cache gave and took.
fn cached(input: u64, output: u64, read: u64, written: u64) -> Usage {
    let mut usage = usage(input, output);
    (usage.cache_read_tokens, usage.cache_creation_tokens) = (read, written);
    usage
}

/// As [`usage`], and how much of the output was reasoning.
fn reasoned(input: u64, output: u64, reasoning: u64) -> Usage {
    let mut usage = usage(input, output);
    usage.reasoning_tokens = reasoning;
    usage
}
