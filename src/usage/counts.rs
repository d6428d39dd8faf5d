//! Token counts: as the provider wrote them, and made comparable.

use crate::json::MAX_COUNT;

/// Token counts as the provider wrote them; `None` is "not reported", which is not 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[non_exhaustive]
pub struct ProviderUsage {
    /// Tokens of the prompt, by the provider's own counting (with or without cached ones).
    pub input_tokens: Option<u64>,
    /// Tokens of the answer, by the provider's own counting (with or without reasoning).
    pub output_tokens: Option<u64>,
    /// Prompt tokens read from a cache.
    pub cache_read_tokens: Option<u64>,
    /// Prompt tokens written to a cache.
    pub cache_creation_tokens: Option<u64>,
    /// Tokens spent on reasoning.
    pub reasoning_tokens: Option<u64>,
    /// Tokens that the provider's own tools added to the prompt, where they are counted apart (Gemini).
    pub tool_prompt_tokens: Option<u64>,
    /// The provider's own sum.
    pub total_tokens: Option<u64>,
}

impl ProviderUsage {
    /// No number reported.
    pub(super) const EMPTY: Self = Self {
        input_tokens: None,
        output_tokens: None,
        cache_read_tokens: None,
        cache_creation_tokens: None,
        reasoning_tokens: None,
        tool_prompt_tokens: None,
        total_tokens: None,
    };

    /// No number reported; set those that are.
    pub const fn new() -> Self {
        Self::EMPTY
    }

    setters! { const
        /// Sets the tokens of the prompt.
        input_tokens(count: u64) => Some(count),
        /// Sets the tokens of the answer.
        output_tokens(count: u64) => Some(count),
        /// Sets the prompt tokens read from a cache.
        cache_read_tokens(count: u64) => Some(count),
        /// Sets the prompt tokens written to a cache.
        cache_creation_tokens(count: u64) => Some(count),
        /// Sets the tokens spent on reasoning.
        reasoning_tokens(count: u64) => Some(count),
        /// Sets the tokens that the provider's own tools added to the prompt.
        tool_prompt_tokens(count: u64) => Some(count),
        /// Sets the provider's own sum.
        total_tokens(count: u64) => Some(count),
    }

    /// Whether no number was reported at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }

    /// These numbers, with each that `later` reports in place of the earlier one, be it lower or 0.
    pub(super) fn overlaid_with(self, later: Self) -> Self {
        Self {
            input_tokens: later.input_tokens.or(self.input_tokens),
            output_tokens: later.output_tokens.or(self.output_tokens),
            cache_read_tokens: later.cache_read_tokens.or(self.cache_read_tokens),
            cache_creation_tokens: later.cache_creation_tokens.or(self.cache_creation_tokens),
            reasoning_tokens: later.reasoning_tokens.or(self.reasoning_tokens),
            tool_prompt_tokens: later.tool_prompt_tokens.or(self.tool_prompt_tokens),
            total_tokens: later.total_tokens.or(self.total_tokens),
        }
    }

    /// The sums of these numbers and others, of another answer; what neither reports is not reported.
    pub(super) fn plus(self, other: Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (reported, None) | (None, reported) => reported,
        };
        Self {
            input_tokens: sum(self.input_tokens, other.input_tokens),
            output_tokens: sum(self.output_tokens, other.output_tokens),
            cache_read_tokens: sum(self.cache_read_tokens, other.cache_read_tokens),
            cache_creation_tokens: sum(self.cache_creation_tokens, other.cache_creation_tokens),
            reasoning_tokens: sum(self.reasoning_tokens, other.reasoning_tokens),
            tool_prompt_tokens: sum(self.tool_prompt_tokens, other.tool_prompt_tokens),
            total_tokens: sum(self.total_tokens, other.total_tokens),
        }
    }

    /// These numbers without the ones that no request can have.
    pub(super) fn plausible(self) -> Self {
        let plausible = |count: Option<u64>| count.filter(|count| *count <= MAX_COUNT);
        Self {
            input_tokens: plausible(self.input_tokens),
            output_tokens: plausible(self.output_tokens),
            cache_read_tokens: plausible(self.cache_read_tokens),
            cache_creation_tokens: plausible(self.cache_creation_tokens),
            reasoning_tokens: plausible(self.reasoning_tokens),
            tool_prompt_tokens: plausible(self.tool_prompt_tokens),
            total_tokens: plausible(self.total_tokens),
        }
    }
}

/// Token counts that compare and add up across providers: input includes what was read from and written to a cache,
/// output includes reasoning (OpenTelemetry's GenAI rule). 0 where nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens of the prompt, cached ones included.
    pub input_tokens: u64,
    /// Tokens of the answer, reasoning included.
    pub output_tokens: u64,
    /// Part of the input that was read from a cache.
    pub cache_read_tokens: u64,
    /// Part of the input that was written to a cache.
    pub cache_creation_tokens: u64,
    /// Part of the output that was reasoning.
    pub reasoning_tokens: u64,
}

impl Usage {
    /// Nothing known.
    pub(super) const EMPTY: Self =
        Self { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_creation_tokens: 0, reasoning_tokens: 0 };

    /// Nothing known; set what is.
    pub const fn new() -> Self {
        Self::EMPTY
    }

    /// The sums of these numbers and those of another answer.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cache_read_tokens: self.cache_read_tokens.saturating_add(other.cache_read_tokens),
            cache_creation_tokens: self.cache_creation_tokens.saturating_add(other.cache_creation_tokens),
            reasoning_tokens: self.reasoning_tokens.saturating_add(other.reasoning_tokens),
        }
    }

    setters! { const
        /// Sets the tokens of the prompt, cached ones included.
        input_tokens(count: u64) => count,
        /// Sets the tokens of the answer, reasoning included.
        output_tokens(count: u64) => count,
        /// Sets the part of the input that was read from a cache.
        cache_read_tokens(count: u64) => count,
        /// Sets the part of the input that was written to a cache.
        cache_creation_tokens(count: u64) => count,
        /// Sets the part of the output that was reasoning.
        reasoning_tokens(count: u64) => count,
    }
}
