//! The faults of a file of prices, and the entries that have no price.

use std::{error::Error, fmt};

/// Why a file of prices was refused as a whole.
#[derive(Debug)]
#[non_exhaustive]
pub enum PricesError {
    /// The text is not JSON, or not an object of objects.
    Json(serde_json::Error),
    /// A value of an entry is none that can stand there.
    Entry {
        /// The entry's name.
        entry: String,
        /// The field of it; empty where the entry itself is meant.
        field: String,
        /// The value as it is written, cut at 80 characters.
        value: String,
        /// The fault.
        problem: PriceProblem,
    },
    /// A name stands for two entries, or for two fields of one entry.
    Twice {
        /// The entry's name.
        entry: String,
        /// The field, where it is one that stands there twice.
        field: Option<String>,
    },
}

/// A fault of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PriceProblem {
    /// It is not a decimal number.
    NotANumber,
    /// It is below 0.
    Negative,
    /// It has digits that are too small to be counted.
    TooFine,
    /// It is too large to be counted.
    TooLarge,
    /// It is a float of more digits than floats keep.
    FloatDigits,
    /// It is no whole number of tokens.
    NotWhole,
    /// It is not a text.
    NotText,
    /// It is not an object.
    NotAnObject,
    /// It is not a list of tiers.
    NotTiers,
}

impl fmt::Display for PriceProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "a price is a decimal number of dollars, such as 2.5 or 1.25e-06",
            Self::Negative => "a price is 0 or more",
            Self::TooFine => "a price per token has at most 27 decimals",
            Self::TooLarge => "a price is below 340 thousand million dollars",
            Self::FloatDigits => "more than 15 digits are kept only of a price in quotes",
            Self::NotWhole => "the limit of a price is a whole number of tokens, such as 200k",
            Self::NotText => "a name is a text in quotes",
            Self::NotAnObject => "a model is an object of fields",
            Self::NotTiers => {
                "each tier is an object with the range of its tokens, [from, to], and the price of its input"
            }
        })
    }
}

impl PricesError {
    pub(super) fn wrong(entry: &str, field: &str, value: &str, problem: PriceProblem) -> Self {
        let value = value.chars().take(80).collect();
        Self::Entry { entry: entry.to_owned(), field: field.to_owned(), value, problem }
    }
}

impl fmt::Display for PricesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "the prices are not a JSON object with an object for each model: {error}"),
            Self::Entry { entry, field, value, problem } => {
                let equals = if field.is_empty() { "" } else { " = " };
                write!(f, "the price of {entry:?} is not understood: {field}{equals}{value}; {problem}")
            }
            Self::Twice { entry, field: None } => {
                write!(f, "{entry:?} stands in the prices twice; a model has one entry")
            }
            Self::Twice { entry, field: Some(field) } => {
                write!(f, "the price of {entry:?} has {field} twice; a field stands once")
            }
        }
    }
}

impl Error for PricesError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            Self::Entry { .. } | Self::Twice { .. } => None,
        }
    }
}

/// An entry of LiteLLM's file that has no price per token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// The entry's name.
    pub entry: String,
    /// Why it has none.
    pub reason: SkipReason,
}

/// Why an entry of LiteLLM's file has no price per token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// It is the file's description of itself (`sample_spec`).
    Sample,
    /// It has no prices, or is priced by something else than tokens.
    NoTokenPrice,
    /// It has a price of output and none of input.
    NoInputPrice,
    /// It has a price of input and none of output.
    NoOutputPrice,
    /// It answers in audio, images or video, whose tokens have their own price and are not counted apart.
    OtherMedia,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sample => "the file's description of itself",
            Self::NoTokenPrice => "not priced by tokens",
            Self::NoInputPrice => "no price of input tokens",
            Self::NoOutputPrice => "no price of output tokens",
            Self::OtherMedia => "answers in audio, images or video, whose tokens are not counted apart",
        })
    }
}
