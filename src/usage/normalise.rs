//! From a provider's own numbers to numbers that compare across providers.

use super::counts::{ProviderUsage, Usage};

/// The effect of a later report of usage on an earlier one. Reports are never added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Merge {
    /// The later report takes the place of the whole earlier one.
    Replace,
    /// Each number of the later report takes the place of the earlier one.
    Overlay,
}

impl Merge {
    pub(super) fn apply(self, earlier: ProviderUsage, later: ProviderUsage) -> ProviderUsage {
        match self {
            Self::Replace => later,
            Self::Overlay => earlier.overlaid_with(later),
        }
    }
}

/// How a provider counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Counting {
    /// Input includes what came from a cache, output includes reasoning (OpenAI and most others). Some providers that use this
    /// dialect leave reasoning out of the output (xAI's chat); their own total tells.
    #[default]
    Inclusive,
    /// Input leaves out what was read from and written to a cache (Anthropic, Bedrock).
    CacheApart,
    /// Output leaves out reasoning, input leaves out what the provider's tools added (Gemini).
    ReasoningApart,
}

impl Counting {
    pub(super) fn normalise(self, reported: &ProviderUsage) -> Usage {
        let count = Option::unwrap_or_default;
        let reasoning = count(reported.reasoning_tokens);
        let (input, output) = (count(reported.input_tokens), count(reported.output_tokens));
        let cached = count(reported.cache_read_tokens).saturating_add(count(reported.cache_creation_tokens));
        let (beside_input, beside_output) = match self {
            Self::Inclusive if reasoning > 0 => {
                let with_reasoning = input.saturating_add(output).saturating_add(reasoning);
                (0, if reported.total_tokens == Some(with_reasoning) { reasoning } else { 0 })
            }
            Self::Inclusive => (0, 0),
            Self::CacheApart => (cached, 0),
            Self::ReasoningApart => (count(reported.tool_prompt_tokens), reasoning),
        };
        Usage {
            input_tokens: input.saturating_add(beside_input),
            output_tokens: output.saturating_add(beside_output),
            cache_read_tokens: count(reported.cache_read_tokens),
            cache_creation_tokens: count(reported.cache_creation_tokens),
            reasoning_tokens: reasoning,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(counting: Counting, said: ProviderUsage) -> (u64, u64) {
        let usage = counting.normalise(&said);
        (usage.input_tokens, usage.output_tokens)
    }

    #[test]
    fn reasoning_is_added_only_where_the_total_says_that_it_was_left_out() {
        let said = ProviderUsage {
            input_tokens: Some(12),
            output_tokens: Some(2),
            reasoning_tokens: Some(340),
            ..ProviderUsage::default()
        };
        assert_eq!(totals(Counting::Inclusive, ProviderUsage { total_tokens: Some(354), ..said }), (12, 342));
        assert_eq!(totals(Counting::Inclusive, ProviderUsage { total_tokens: Some(14), ..said }), (12, 2));
        assert_eq!(totals(Counting::Inclusive, said), (12, 2));
    }

    #[test]
    fn cached_tokens_are_part_of_the_input() {
        let said = ProviderUsage {
            input_tokens: Some(12),
            output_tokens: Some(28),
            cache_read_tokens: Some(1000),
            cache_creation_tokens: Some(250),
            total_tokens: Some(1290),
            ..ProviderUsage::default()
        };
        assert_eq!(totals(Counting::CacheApart, said), (1262, 28));
        assert_eq!(totals(Counting::Inclusive, said), (12, 28));
    }

    #[test]
    fn thoughts_and_tool_prompts_are_added_where_they_are_counted_apart() {
        let said = ProviderUsage {
            input_tokens: Some(10),
            output_tokens: Some(20),
            reasoning_tokens: Some(30),
            tool_prompt_tokens: Some(5),
            cache_read_tokens: Some(7),
            ..ProviderUsage::default()
        };
        assert_eq!(totals(Counting::ReasoningApart, said), (15, 50));
    }

    #[test]
    fn absurd_numbers_saturate() {
        let said = ProviderUsage {
            input_tokens: Some(u64::MAX),
            output_tokens: Some(u64::MAX),
            cache_read_tokens: Some(u64::MAX),
            cache_creation_tokens: Some(u64::MAX),
            reasoning_tokens: Some(u64::MAX),
            tool_prompt_tokens: Some(u64::MAX),
            total_tokens: Some(u64::MAX),
        };
        for counting in [Counting::Inclusive, Counting::CacheApart, Counting::ReasoningApart] {
            assert_eq!(totals(counting, said).0, u64::MAX);
        }
    }
}
