//! LiteLLM's `model_prices_and_context_window.json`, in dollars per token.
//!
//! The meaning of the fields is in LiteLLM's code: `_get_token_base_cost` and `generic_cost_per_token` in
//! `litellm_core_utils/llm_cost_calc/utils.py`, `select_tier_for_input` in `tiered_pricing.py` beside it.

use std::collections::{BTreeMap, HashSet};

use serde_json::value::RawValue;

use super::{
    Price, PriceProblem, Prices, PricesError, SkipReason, Skipped,
    decimal::{self, PER_TOKEN},
    members::Members,
    names,
    price::Given,
    prices::Listing,
};

/// Describes the file itself.
const SAMPLE: &str = "sample_spec";
/// How the modes begin in which prompts or answers are not text.
const OTHER_MODES: [&str; 5] = ["audio_", "image_", "video_", "realtime", "ocr"];
/// The prices of answers that are not text.
const OTHER_OUTPUT: [&str; 3] =
    ["output_cost_per_audio_token", "output_cost_per_image_token", "output_cost_per_video_token"];

impl Prices {
    /// Reads LiteLLM's `model_prices_and_context_window.json`; the [module](super) tells which fields count.
    ///
    /// For an entry that cannot be priced by tokens, [`skipped`](Self::skipped) tells why.
    ///
    /// # Errors
    /// The text is not JSON of that shape, a price in it is not a number of dollars, or a name stands there twice. One such
    /// entry refuses the file.
    pub fn from_litellm(json: &str) -> Result<Self, PricesError> {
        let file: Members<&RawValue> = serde_json::from_str(json).map_err(PricesError::Json)?;
        let mut prices = Self::default();
        for (name, entry) in file.0 {
            if name == SAMPLE {
                prices.skip(Skipped { entry: name, reason: SkipReason::Sample });
                continue;
            }
            let fields = Fields::read(&name, entry)?;
            let price = fields.price();
            if let Err(reason) = price {
                prices.skip(Skipped { entry: name.clone(), reason });
            }
            prices.insert(
                name,
                Listing {
                    provider: fields.provider.as_deref().map(|name| names::provider(name).into()),
                    price: price.ok(),
                },
            )?;
        }
        Ok(prices)
    }
}

/// The fields of an entry that count.
#[derive(Default)]
struct Fields {
    /// The `litellm_provider`.
    provider: Option<String>,
    is_text: bool,
    /// Whether no answer has output tokens.
    is_embedding: bool,
    /// Whether something else than tokens has a price.
    has_other_unit: bool,
    flat: Given,
    /// Prices for prompts longer than so many tokens, which replace those of a lower limit.
    above: BTreeMap<u64, Given>,
    /// Prices for prompts longer than so many tokens, each complete in itself.
    ranges: Vec<(u64, Given)>,
}

impl Fields {
    fn read(entry: &str, json: &RawValue) -> Result<Self, PricesError> {
        let mut fields = Self { is_text: true, ..Self::default() };
        let mut seen = HashSet::new();
        let members = members(entry, "", json, PriceProblem::NotAnObject)?;
        for (field, value) in &members {
            if !seen.insert(field.as_str()) {
                return Err(PricesError::Twice { entry: entry.to_owned(), field: Some(field.clone()) });
            }
            if value.get() != "null" {
                fields.take(entry, field, value)?;
            }
        }
        Ok(fields)
    }

    fn take(&mut self, entry: &str, field: &str, value: &RawValue) -> Result<(), PricesError> {
        let wrong = |problem| wrong(entry, field, value, problem);
        if let Some(slot) = slot(&mut self.flat, field) {
            *slot = Some(price(value).map_err(wrong)?);
        } else if let Some((kind, limit)) = field.strip_suffix("_tokens").and_then(|field| field.rsplit_once("_above_"))
        {
            // Other kinds, such as cache writes of an hour, are not ours.
            if slot(&mut Given::default(), kind).is_some() {
                let limit = limit_in_name(limit).map_err(wrong)?;
                if let Some(slot) = slot(self.above.entry(limit).or_default(), kind) {
                    *slot = Some(price(value).map_err(wrong)?);
                }
            }
        } else if field == "tiered_pricing" {
            self.ranges = ranges(entry, field, value)?;
        } else if field == "litellm_provider" {
            self.provider = Some(text(value).map_err(wrong)?);
        } else if field == "mode" {
            let mode = text(value).map_err(wrong)?;
            self.is_text &= !OTHER_MODES.iter().any(|start| mode.starts_with(start));
            self.is_embedding = mode == "embedding";
        } else if OTHER_OUTPUT.contains(&field) {
            self.is_text &= price(value).map_err(wrong)? == 0;
        } else if field.contains("cost_per") && !field.contains("_token") {
            // Some of these are tables by size or quality; none is read.
            self.has_other_unit |= price(value).is_ok_and(|price| price > 0);
        }
        Ok(())
    }

    fn price(&self) -> Result<Price, SkipReason> {
        let mut flat = self.flat;
        let is_for_nothing = flat.input == Some(0) && flat.output == Some(0);
        if is_for_nothing && self.has_other_unit {
            return Err(SkipReason::NoTokenPrice);
        }
        if self.is_embedding && flat.input.is_some() {
            flat.output = flat.output.or(Some(0));
        }
        let provider = self.provider.as_deref();
        // Fireworks halves the price of what its cache holds, unless told otherwise (`llms/fireworks_ai/cache_pricing.py`).
        if provider == Some("fireworks_ai") {
            flat.cache_read = flat.cache_read.or(flat.input.map(|input| input / 2));
        }
        // xAI counts the limit itself as above it (`_INCLUSIVE_THRESHOLD_PROVIDERS`).
        let first_above = |limit: u64| if provider == Some("xai") { limit } else { limit.saturating_add(1) };
        let price = match self.ranges.split_first() {
            Some(((_, lowest), longer)) => {
                let complete = |tier: &Given| match tier.output {
                    Some(_) => *tier,
                    None => Given { output: flat.output, reasoning: tier.reasoning.or(flat.reasoning), ..*tier },
                };
                let longer = longer.iter().map(|(over, given)| (over.saturating_add(1), complete(given)));
                complete(lowest).price(longer.collect())
            }
            None => {
                let longer = self.above.iter().map(|(limit, given)| (first_above(*limit), *given));
                flat.price_by_steps(longer.collect())
            }
        }?;
        if self.is_text { Ok(price) } else { Err(SkipReason::OtherMedia) }
    }
}

/// Where the price of this name belongs.
fn slot<'a>(given: &'a mut Given, field: &str) -> Option<&'a mut Option<u128>> {
    Some(match field {
        "input_cost_per_token" => &mut given.input,
        "output_cost_per_token" => &mut given.output,
        "cache_read_input_token_cost" => &mut given.cache_read,
        "cache_creation_input_token_cost" => &mut given.cache_write,
        "output_cost_per_reasoning_token" => &mut given.reasoning,
        _ => return None,
    })
}

/// The tiers of `tiered_pricing`, the lowest first; none where they are not of tokens.
fn ranges(entry: &str, field: &str, value: &RawValue) -> Result<Vec<(u64, Given)>, PricesError> {
    let not_tiers = |_| wrong(entry, field, value, PriceProblem::NotTiers);
    let tiers: Vec<&RawValue> = serde_json::from_str(value.get()).map_err(not_tiers)?;
    let mut ranges = Vec::new();
    let mut of_other_units = 0_usize;
    for tier in tiers {
        let mut given = Given::default();
        let mut range = None;
        for (field, value) in members(entry, field, tier, PriceProblem::NotTiers)? {
            let wrong = |problem| wrong(entry, &field, value, problem);
            if let Some(slot) = slot(&mut given, &field) {
                *slot = Some(price(value).map_err(wrong)?);
            } else if field == "range" {
                let ends: [&RawValue; 2] =
                    serde_json::from_str(value.get()).map_err(|_| wrong(PriceProblem::NotTiers))?;
                range = Some(tokens(ends[0].get(), 0).map_err(wrong)?);
            }
        }
        match (range, given.input) {
            (Some(over), Some(_)) => ranges.push((over, given)),
            (_, None) => of_other_units += 1,
            (None, Some(_)) => return Err(wrong(entry, field, tier, PriceProblem::NotTiers)),
        }
    }
    if of_other_units > 0 && !ranges.is_empty() {
        return Err(wrong(entry, field, value, PriceProblem::NotTiers));
    }
    ranges.sort_by_key(|(over, _)| *over);
    Ok(ranges)
}

fn members<'a>(
    entry: &str,
    field: &str,
    value: &'a RawValue,
    problem: PriceProblem,
) -> Result<Vec<(String, &'a RawValue)>, PricesError> {
    match serde_json::from_str::<Members<&RawValue>>(value.get()) {
        Ok(members) => Ok(members.0),
        Err(_) => Err(wrong(entry, field, value, problem)),
    }
}

/// A number, or one in quotes, as a YAML file that is made into JSON may have it.
fn price(value: &RawValue) -> Result<u128, PriceProblem> {
    match text(value) {
        Ok(quoted) => decimal::parse(&quoted, PER_TOKEN),
        Err(_) => decimal::parse(value.get(), PER_TOKEN),
    }
}

fn text(value: &RawValue) -> Result<String, PriceProblem> {
    serde_json::from_str(value.get()).map_err(|_| PriceProblem::NotText)
}

/// `200k`, or `512`.
fn limit_in_name(limit: &str) -> Result<u64, PriceProblem> {
    match limit.strip_suffix('k') {
        Some(thousands) => tokens(thousands, 3),
        None => tokens(limit, 0),
    }
}

fn tokens(text: &str, places: i64) -> Result<u64, PriceProblem> {
    let number = decimal::parse(text, places).map_err(|_| PriceProblem::NotWhole)?;
    u64::try_from(number).map_err(|_| PriceProblem::NotWhole)
}

fn wrong(entry: &str, field: &str, value: &RawValue, problem: PriceProblem) -> PricesError {
    PricesError::wrong(entry, field, value.get(), problem)
}
