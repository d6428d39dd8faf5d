//! The cost of an answer, from its token counts and a file of prices.
//!
//! No price is built in, because prices age: [`Prices`] are read from a text that the operator keeps, in one of two formats.
//!
//! **LiteLLM's**, [`Prices::from_litellm`]: the JSON file `model_prices_and_context_window.json` of the [LiteLLM] project, in
//! dollars per token. Read of each entry are `input_cost_per_token`, `output_cost_per_token`, `cache_read_input_token_cost`,
//! `cache_creation_input_token_cost`, `output_cost_per_reasoning_token`, each of them with `_above_<N>k_tokens`,
//! `tiered_pricing`, `litellm_provider` and `mode`. An entry that cannot be priced by tokens is kept as such and counted in
//! [`Prices::skipped`].
//!
//! **Our own**, through [`serde::Deserialize`], with any parser; this is TOML, in dollars per million tokens:
//!
//! ```
//! use active_requests::{cost::Prices, usage::Usage};
//!
//! let prices: Prices = toml::from_str(r#"
//!     [models."openai/gpt-4o"]
//!     input = 2.5
//!     output = 10
//!     cache_read = 1.25
//!
//!     [models.house-model-large]
//!     input = 3
//!     output = 15
//!     cache_read = 0.3     # where left out: the price of input
//!     cache_write = 3.75   # where left out: the price of input
//!     reasoning = 20       # where left out: the price of output
//!
//!     ## For all tokens of a request with a longer prompt; what is left out stays as it is.
//!     [[models.house-model-large.above]]
//!     prompt_tokens = 200_000
//!     input = 6
//!     output = 22.5
//! "#)?;
//!
//! let mut usage = Usage::default();
//! (usage.input_tokens, usage.cache_read_tokens, usage.output_tokens) = (1000, 600, 200);
//! let price = prices.find("openai", &["gpt-4o-2024-08-06", "gpt-4o"]).ok_or("no such model")?;
//! assert_eq!(price.cost(&usage).to_string(), "0.00375");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How tokens are priced
//!
//! As LiteLLM's `completion_cost` does. [`Usage`](crate::usage::Usage) counts cached tokens as input and reasoning as output,
//! so the three kinds of input and the two kinds of output are told apart first, and each is billed at its own price. Where
//! prices depend on the length of the prompt, all of it counts, with what a cache held, and the price of the
//! longest limit passed holds for all tokens of the request.
//!
//! # Exactness
//!
//! Prices are read digit by digit and costs are integers of 10⁻²⁷ dollars (see [`Cost`]), so neither one request nor a sum of
//! millions is rounded.
//!
//! # What is not priced
//!
//! Tokens of audio, images and video that a prompt holds are billed as text, since they are not counted apart; models that
//! *answer* in one of these have no price here. Not seen at all, so not billed: prices per request, per search, per image or
//! per second; the higher price of cache writes that last an hour (billed as those of five minutes); discounts for
//! batches and off-peak hours, and service tiers (`flex`, `priority`); surcharges by region; tokens that an answer's totals leave
//! out because another model spent them (Anthropic's advisor and fallback).
//!
//! [LiteLLM]: https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json

mod amount;
mod decimal;
mod error;
mod litellm;
mod members;
mod names;
mod own;
mod price;
mod prices;

pub use amount::Cost;
pub use error::{PriceProblem, PricesError, SkipReason, Skipped};
pub use price::Price;
pub use prices::Prices;
