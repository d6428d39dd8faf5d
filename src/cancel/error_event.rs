//! The error event by which a stream says in its own dialect that it has been cancelled.

use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use memchr::memmem;
use serde_json::json;

use crate::sse::Event;

/// Tells the client why its request has ended.
pub(super) const MESSAGE: &str = "The request was cancelled by an operator.";

/// The type of the error, in words of the monitor.
pub(super) const ERROR_TYPE: &str = "cancelled";

/// The dialects whose clients know an error event of a form of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventDialect {
    Unknown,
    OpenAiChat,
    OpenAiResponses,
    Anthropic,
    /// The UI message stream of Vercel's AI SDK.
    VercelUi,
}

/// The header of streams for Vercel's AI SDK.
static VERCEL_UI: HeaderName = HeaderName::from_static("x-vercel-ai-ui-message-stream");

impl EventDialect {
    /// The dialect that the head tells.
    pub(super) fn of_head(headers: &HeaderMap) -> Self {
        if headers.contains_key(&VERCEL_UI) { Self::VercelUi } else { Self::Unknown }
    }

    /// The dialect that a chunk of the body's start tells.
    pub(super) fn of_chunk(chunk: &[u8]) -> Self {
        let marks: [(&[u8], Self); 3] = [
            (b"event: message_start", Self::Anthropic),
            (b"event: response.", Self::OpenAiResponses),
            (br#""choices""#, Self::OpenAiChat),
        ];
        let found = marks.iter().find(|(mark, _)| memmem::find(chunk, mark).is_some());
        found.map_or(Self::Unknown, |(_, dialect)| *dialect)
    }

    /// The error event. `number`: its place among the events, which those of OpenAI Responses tell.
    pub(super) fn error_event(self, number: u64) -> Bytes {
        let (name, data) = match self {
            Self::OpenAiChat => {
                (None, json!({"error": {"message": MESSAGE, "type": ERROR_TYPE, "param": null, "code": ERROR_TYPE}}))
            }
            // As the reference has it, and with the member `error`, by which the official SDKs know what to raise.
            Self::OpenAiResponses => {
                let error = json!({"type": ERROR_TYPE, "code": ERROR_TYPE, "message": MESSAGE, "param": null});
                let mut data = error.clone();
                data["type"] = "error".into();
                data["error"] = error;
                data["sequence_number"] = number.into();
                (Some("error"), data)
            }
            // Its clients know a list of types; `api_error` is that for an end on the server's side.
            Self::Anthropic => {
                (Some("error"), json!({"type": "error", "error": {"type": "api_error", "message": MESSAGE}}))
            }
            Self::VercelUi => (None, json!({"type": "error", "errorText": MESSAGE})),
            Self::Unknown => (Some("error"), json!({"error": {"type": ERROR_TYPE, "message": MESSAGE}})),
        };
        let event = name.map_or_else(Event::new, |name| Event::new().event(name));
        event.data(data.to_string()).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_is_of_the_streams_dialect() {
        let table = [
            (
                "event: message_start\ndata: {\"type\":\"message_start\"}\n\n",
                "event: error\ndata: {\"error\":{\"message\":\"The",
            ),
            ("event: response.created\ndata: {}\n\n", "event: error\ndata: {\"code\":\"cancelled\""),
            ("data: {\"id\":\"1\",\"choices\":[]}\n\n", "data: {\"error\":{\"code\":\"cancelled\""),
            ("data: hello\n\n", "event: error\ndata: {\"error\":{\"message\":\"The"),
        ];
        for (first, expected) in table {
            let event = EventDialect::of_chunk(first.as_bytes()).error_event(7);
            let event = std::str::from_utf8(&event).unwrap();
            assert!(event.starts_with(expected) && event.ends_with("\n\n"), "{event}");
        }
    }

    #[test]
    fn an_event_of_responses_has_its_number() {
        let event = EventDialect::OpenAiResponses.error_event(7);
        let event = std::str::from_utf8(&event).unwrap();
        assert!(event.ends_with(",\"param\":null,\"sequence_number\":7,\"type\":\"error\"}\n\n"), "{event}");
    }

    #[test]
    fn vercels_stream_is_told_by_its_head() {
        let mut headers = HeaderMap::new();
        assert_eq!(EventDialect::of_head(&headers), EventDialect::Unknown);
        headers.insert("x-vercel-ai-ui-message-stream", http::HeaderValue::from_static("v1"));
        let event = EventDialect::of_head(&headers).error_event(7);
        assert_eq!(event, format!("data: {{\"errorText\":\"{MESSAGE}\",\"type\":\"error\"}}\n\n"));
    }
}
