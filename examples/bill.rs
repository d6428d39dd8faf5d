//! Prices recorded answers: `cargo run --example bill -- prices.json < answers.jsonl`.
//!
//! The first argument is a file of prices, LiteLLM's JSON or our own TOML (the docs of `active_requests::cost` show both). Each
//! line of the input is an answer, `{"provider": "openai", "models": ["gpt-4o"], "content_type": "text/event-stream", "file":
//! "answer.sse"}`, or has its token counts in `"usage"` in place of the file. Each line of the output tells its tokens and its
//! price, `null` where the model has none. What the prices leave out is told on the error output.

use std::{
    collections::BTreeMap,
    error::Error,
    io::{self, BufRead, BufWriter, Write},
};

use serde::{Deserialize, Serialize};

use active_requests::{
    cost::{Cost, Prices, SkipReason},
    usage::{Meter, Usage},
};

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    provider: String,
    models: Vec<String>,
    content_type: Option<String>,
    file: Option<String>,
    #[serde(default)]
    usage: Tokens,
}

/// Input with cached tokens, output with reasoning.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Tokens {
    input: u64,
    output: u64,
    cache_read: u64,
    cache_creation: u64,
    reasoning: u64,
}

#[derive(Serialize)]
struct Bill {
    cost_usd: Option<Cost>,
    usage: Tokens,
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("the file of prices is missing: bill PRICES < ANSWERS")?;
    let prices = read(&path)?;
    let mut out = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let answer: Answer = serde_json::from_str(&line?)?;
        let usage = match &answer.file {
            Some(file) => {
                let head = http::Response::builder().header("content-type", answer.content_type.unwrap_or_default());
                let mut meter = Meter::for_response(&head.body(())?.into_parts().0);
                meter.observe(&std::fs::read(file)?);
                meter.finish();
                meter.reading().usage
            }
            None => answer.usage.into(),
        };
        let models: Vec<&str> = answer.models.iter().map(String::as_str).collect();
        let cost_usd = prices.find(&answer.provider, &models).map(|price| price.cost(&usage));
        serde_json::to_writer(&mut out, &Bill { cost_usd, usage: usage.into() })?;
        writeln!(out)?;
    }
    Ok(out.flush()?)
}

fn read(path: &str) -> Result<Prices, Box<dyn Error>> {
    let text = std::fs::read_to_string(path)?;
    if path.ends_with(".toml") {
        return Ok(toml::from_str(&text)?);
    }
    let prices = Prices::from_litellm(&text)?;
    let mut reasons = BTreeMap::<SkipReason, usize>::new();
    for skipped in prices.skipped() {
        *reasons.entry(skipped.reason).or_default() += 1;
    }
    eprintln!("{} models with a price", prices.len());
    for (reason, count) in reasons {
        eprintln!("{count} without: {reason}");
    }
    Ok(prices)
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        let mut usage = Self::default();
        (usage.input_tokens, usage.output_tokens) = (tokens.input, tokens.output);
        (usage.cache_read_tokens, usage.cache_creation_tokens) = (tokens.cache_read, tokens.cache_creation);
        usage.reasoning_tokens = tokens.reasoning;
        usage
    }
}

impl From<Usage> for Tokens {
    fn from(usage: Usage) -> Self {
        Self {
            input: usage.input_tokens,
            output: usage.output_tokens,
            cache_read: usage.cache_read_tokens,
            cache_creation: usage.cache_creation_tokens,
            reasoning: usage.reasoning_tokens,
        }
    }
}
