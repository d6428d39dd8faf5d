//! Our own format, in dollars per million tokens.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

use super::{
    PriceProblem, Prices, PricesError,
    decimal::{self, PER_MILLION},
    members::Members,
    price::Given,
    prices::Listing,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    models: Members<Model>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    input: Amount,
    output: Amount,
    cache_read: Option<Amount>,
    cache_write: Option<Amount>,
    reasoning: Option<Amount>,
    #[serde(default)]
    above: Vec<Above>,
}

/// Prices for prompts of more than so many tokens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Above {
    prompt_tokens: u64,
    input: Option<Amount>,
    output: Option<Amount>,
    cache_read: Option<Amount>,
    cache_write: Option<Amount>,
    reasoning: Option<Amount>,
}

/// A price as it was written, or as a float prints it.
struct Amount {
    text: String,
    is_float: bool,
}

impl<'de> Deserialize<'de> for Prices {
    /// Reads our own format; the [module](super) shows it.
    ///
    /// # Errors
    /// A field is missing or unknown, a price is not a number of dollars, or a name stands there twice. A float keeps fifteen
    /// digits: a price of more is refused unless it stands in quotes.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let file = File::deserialize(deserializer)?;
        read(file).map_err(D::Error::custom)
    }
}

fn read(file: File) -> Result<Prices, PricesError> {
    let mut prices = Prices::default();
    for (name, model) in file.models.0 {
        let units = |field: &str, amount: Option<Amount>| amount.map(|amount| amount.units(&name, field)).transpose();
        let base = Given {
            input: units("input", Some(model.input))?,
            output: units("output", Some(model.output))?,
            cache_read: units("cache_read", model.cache_read)?,
            cache_write: units("cache_write", model.cache_write)?,
            reasoning: units("reasoning", model.reasoning)?,
        };
        let mut longer = Vec::new();
        for above in model.above {
            let from = above.prompt_tokens.saturating_add(1);
            if longer.iter().any(|(other, _)| *other == from) {
                let field = format!("above.prompt_tokens = {}", above.prompt_tokens);
                return Err(PricesError::Twice { entry: name, field: Some(field) });
            }
            longer.push((
                from,
                Given {
                    input: units("above.input", above.input)?,
                    output: units("above.output", above.output)?,
                    cache_read: units("above.cache_read", above.cache_read)?,
                    cache_write: units("above.cache_write", above.cache_write)?,
                    reasoning: units("above.reasoning", above.reasoning)?,
                },
            ));
        }
        // Input and output are there, so there is a price.
        let price = base.price_by_steps(longer).ok();
        prices.insert(name, Listing { provider: None, price })?;
    }
    Ok(prices)
}

impl Amount {
    fn units(self, entry: &str, field: &str) -> Result<u128, PricesError> {
        let units = if self.is_float && decimal::significant_digits(&self.text) > f64::DIGITS as usize {
            Err(PriceProblem::FloatDigits)
        } else {
            decimal::parse(&self.text, PER_MILLION)
        };
        units.map_err(|problem| PricesError::wrong(entry, field, &self.text, problem))
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;

        impl Visitor<'_> for Number {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("dollars per million tokens")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Amount, E> {
                Ok(Amount { text: number.to_string(), is_float: false })
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Amount, E> {
                Ok(Amount { text: number.to_string(), is_float: false })
            }

            // A float prints as the shortest decimal that reads back as it: what was written, up to fifteen digits.
            fn visit_f64<E: Error>(self, number: f64) -> Result<Amount, E> {
                Ok(Amount { text: number.to_string(), is_float: true })
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Amount, E> {
                Ok(Amount { text: text.to_owned(), is_float: false })
            }
        }

        deserializer.deserialize_any(Number)
    }
}
