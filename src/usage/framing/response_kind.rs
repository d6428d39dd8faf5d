//! The kind of a body, by its content type.

use http::HeaderMap;

use crate::{
    http::ContentType,
    usage::custom::{CustomFraming, Dialects},
};

/// The kind of a body that may speak of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::usage) enum ResponseKind {
    /// Server-Sent Events.
    Sse,
    /// One JSON object a line.
    Lines,
    /// An AWS event stream.
    Aws,
    /// One JSON document. It may be streamed, too: an array, element by element.
    Json,
    /// Text of which the first bytes must tell.
    Text,
}

impl ResponseKind {
    /// Returns the kind of the body that these headers declare; `None`: nothing that could speak of tokens.
    pub(in crate::usage) fn of(headers: &HeaderMap, custom: &Dialects) -> Option<Self> {
        let declared = ContentType::of(headers);
        let kind = declared.map_or(Some(Self::Text), Self::built_in);
        match (declared, kind) {
            (Some(declared), None | Some(Self::Text)) if !custom.is_empty() => {
                custom.framing(&declared.to_lowercase()).map(Self::from).or(kind)
            }
            _ => kind,
        }
    }

    fn built_in(declared: ContentType<'_>) -> Option<Self> {
        // The usual ones first.
        if declared.is("text/event-stream") {
            Some(Self::Sse)
        } else if declared.is("application/json") {
            Some(Self::Json)
        } else if declared.is("text/plain") {
            Some(Self::Text)
        } else if declared.is("application/vnd.amazon.eventstream") {
            Some(Self::Aws)
        } else if declared.is("application/stream+json")
            || ["/x-ndjson", "/ndjson", "/jsonl", "/x-jsonlines"].into_iter().any(|suffix| declared.ends_with(suffix))
        {
            Some(Self::Lines)
        } else if declared.ends_with("+json") {
            Some(Self::Json)
        } else {
            None
        }
    }

    /// Whether a body of this kind is a stream; `None` if that cannot be told.
    pub(in crate::usage) fn is_stream(self) -> Option<bool> {
        match self {
            Self::Sse | Self::Lines | Self::Aws => Some(true),
            Self::Json | Self::Text => None,
        }
    }
}

impl From<CustomFraming> for ResponseKind {
    fn from(framing: CustomFraming) -> Self {
        match framing {
            CustomFraming::Sse => Self::Sse,
            CustomFraming::Lines => Self::Lines,
            CustomFraming::Document => Self::Json,
        }
    }
}
