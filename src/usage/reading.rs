//! All that can be known of a response: its model, its tokens, its tool calls, and how it ended.

use super::counts::{ProviderUsage, Usage};
use crate::words::words;

/// The source of the numbers.
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
    /// All that has passed.
    #[default]
    Full,
    /// Some events could not be read.
    Partial,
    /// Nothing: the body is encoded, of an unknown kind, or given up.
    None,
}

words!(Observation {
    Full => "full",
    Partial => "partial",
    None => "none",
});

/// State of the stream's own end mark (`[DONE]`, `message_stop`, a finish reason ...), as opposed to the end of the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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

words!(EndMark {
    Unmarked => "unmarked",
    Awaited => "awaited",
    Seen => "seen",
});

/// Facts of a response so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reading {
    /// Moves on whenever a field other than `text_bytes` and `events` changes.
    pub revision: u32,
    /// Bytes of decoded text, reasoning, and names and arguments of tool calls, in UTF-8. More than 0 once the first token
    /// has come.
    pub text_bytes: u64,
    /// Events (or lines, or messages) seen.
    pub events: u64,
    /// Calls of the client's tools in the response.
    pub tool_calls: u64,
    /// Calls of tools that the provider runs itself, such as a web search. The client has nothing to do for them, so they are
    /// not among `tool_calls`.
    pub server_tool_calls: u64,
    /// Comparable numbers.
    pub usage: Usage,
    /// The provider's own numbers.
    pub provider_usage: ProviderUsage,
    /// `None`, `Partial` or `Reported`; the tracker estimates.
    pub source: UsageSource,
    /// The model that answers, where the response names one.
    pub model: Option<String>,
    /// The last finish reason.
    pub finish_reason: Option<String>,
    /// An error inside the response body: its message, else its type.
    pub error: Option<String>,
    /// The stream's own end mark.
    pub end: EndMark,
    /// How much could be read.
    pub observation: Observation,
}

impl Reading {
    /// Nothing known yet.
    pub(super) const EMPTY: Self = Self {
        revision: 0,
        text_bytes: 0,
        events: 0,
        tool_calls: 0,
        server_tool_calls: 0,
        usage: Usage::EMPTY,
        provider_usage: ProviderUsage::EMPTY,
        source: UsageSource::None,
        model: None,
        finish_reason: None,
        error: None,
        end: EndMark::Unmarked,
        observation: Observation::Full,
    };

    /// Nothing known yet; set what is.
    pub const fn new() -> Self {
        Self::EMPTY
    }

    setters! {
        /// Sets the bytes of decoded text.
        text_bytes(count: u64) => count,
        /// Sets the number of events.
        events(count: u64) => count,
        /// Sets the calls of the client's tools.
        tool_calls(count: u64) => count,
        /// Sets the calls of the provider's tools.
        server_tool_calls(count: u64) => count,
        /// Sets the comparable numbers.
        usage(usage: Usage) => usage,
        /// Sets the provider's own numbers.
        provider_usage(provider_usage: ProviderUsage) => provider_usage,
        /// Sets the source of the numbers.
        source(source: UsageSource) => source,
        /// Sets the model that answers.
        model(text: impl Into<String>) => Some(text.into()),
        /// Sets the last finish reason.
        finish_reason(text: impl Into<String>) => Some(text.into()),
        /// Sets the error.
        error(text: impl Into<String>) => Some(text.into()),
        /// Sets the state of the end mark.
        end(end: EndMark) => end,
        /// Sets how much could be read.
        observation(observation: Observation) => observation,
    }
}
