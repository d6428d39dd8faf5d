//! What can be known of a response: its model, its tokens, its tool calls, and how it ended.

use crate::words::words;

/// Token counts as the provider said them; `None` is "not reported", which is not 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
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
    /// Whether no number was reported at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
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
}

/// Token counts that compare and add up across providers: input includes what was read from and written to a cache,
/// output includes reasoning (OpenTelemetry's GenAI rule). 0 where nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// Where the numbers come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum UsageSource {
    /// Nothing is known.
    #[default]
    None,
    /// Output counted by us from the text that passed.
    Estimated,
    /// The provider reported some of it.
    Partial,
    /// The provider's final numbers.
    Reported,
}

words!(UsageSource {
    None => "none",
    Estimated => "estimated",
    Partial => "partial",
    Reported => "reported",
});

/// How much of the response could be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Observation {
    /// Everything that has passed.
    #[default]
    Full,
    /// Some events could not be read.
    Partial,
    /// Encoded, of an unknown kind, or given up.
    None,
}

words!(Observation {
    Full => "full",
    Partial => "partial",
    None => "none",
});

/// What is known of the stream's own end mark (`[DONE]`, `message_stop`, a finish reason ...), as opposed to the end of the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndMark {
    /// This kind of body has none, or its kind is not known.
    #[default]
    Unmarked,
    /// There should be one and it has not come yet.
    Awaited,
    /// It has been seen.
    Seen,
}

/// What a response has said so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Moves on whenever a field other than `text_bytes` and `events` changes.
    pub revision: u32,
    /// Bytes of decoded text, reasoning, and names and arguments of tool calls, in UTF-8. More than 0 once the first token
    /// has come.
    pub text_bytes: u64,
    /// Events (or lines, or messages) seen.
    pub events: u64,
    /// ToolCalls of the client's tools in the response.
    pub tool_calls: u64,
    /// ToolCalls of tools that the provider runs itself, such as a web search.
    pub server_tool_calls: u64,
    /// Normalised numbers.
    pub usage: Usage,
    /// The provider's own numbers.
    pub provider_usage: ProviderUsage,
    /// `None`, `Partial` or `Reported`; estimating is the reader's business.
    pub source: UsageSource,
    /// The model that answers, where the response names one.
    pub model: Option<String>,
    /// The last finish reason said.
    pub finish_reason: Option<String>,
    /// An error inside the response body: its message, else its type.
    pub error: Option<String>,
    /// The stream's own end mark.
    pub end: EndMark,
    /// How much could be read.
    pub observation: Observation,
}

impl Reading {
    /// Nothing said yet.
    pub(super) const EMPTY: Self = Self {
        revision: 0,
        text_bytes: 0,
        events: 0,
        tool_calls: 0,
        server_tool_calls: 0,
        usage: Usage {
            input_tokens: 0,
            output_tokens: 0,
            cache_read_tokens: 0,
            cache_creation_tokens: 0,
            reasoning_tokens: 0,
        },
        provider_usage: ProviderUsage {
            input_tokens: None,
            output_tokens: None,
            cache_read_tokens: None,
            cache_creation_tokens: None,
            reasoning_tokens: None,
            tool_prompt_tokens: None,
            total_tokens: None,
        },
        source: UsageSource::None,
        model: None,
        finish_reason: None,
        error: None,
        end: EndMark::Unmarked,
        observation: Observation::Full,
    };
}
