//! What a response says about tokens.
//!
//! A [`Meter`] watches the bytes of one response body as they pass and keeps a [`Reading`]: what has been said so far
//! about the model, the tokens, the tool calls and how the answer ended. It never fails and never holds bytes back.

use http::{HeaderValue, response};

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
    /// The provider's own sum.
    pub total_tokens: Option<u64>,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
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

impl UsageSource {
    /// The word of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Estimated => "estimated",
            Self::Partial => "partial",
            Self::Reported => "reported",
        }
    }
}

/// How much of the response could be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

impl Observation {
    /// The word of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::None => "none",
        }
    }
}

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
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Moves on whenever a field other than `text_bytes` and `events` changes.
    pub revision: u32,
    /// Bytes of decoded text, reasoning and tool arguments, in UTF-8. More than 0 once the first token has come.
    pub text_bytes: u64,
    /// Events (or lines, or messages) seen.
    pub events: u64,
    /// Calls of the client's tools in the response.
    pub tool_calls: u64,
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

/// Watches one response body.
#[derive(Debug, Default)]
pub struct Meter {
    reading: Reading,
}

impl Meter {
    /// The meter for a response with this head, chosen by content type and encoding; the dialect is found in the body.
    pub fn for_response(head: &response::Parts) -> Self {
        let _: Option<&HeaderValue> = head.headers.get(http::header::CONTENT_TYPE);
        Self::default()
    }

    /// Whether the response is a stream, by its content type; `None` where that does not tell.
    pub fn is_stream(&self) -> Option<bool> {
        None
    }

    /// Some of the body has passed unseen: what follows cannot be understood.
    pub fn lose_sight(&mut self) {}

    /// Sees a piece of the body. Pieces may be cut anywhere.
    pub fn observe(&mut self, piece: &[u8]) {
        let _ = piece;
    }

    /// The body has ended cleanly: what an unfinished last line says counts too.
    pub fn finish(&mut self) {}

    /// What has been said so far.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }
}
