//! Requests of the chat, checked before the stream begins, and refusals.

use axum::{
    Json,
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde_json::json;

/// The most bytes of a request body.
const MAX_BODY: usize = 64 * 1024;
/// The most characters of a message, and of a session's id.
const MAX_MESSAGE: usize = 8_000;
const MAX_SESSION_ID: usize = 64;

/// A question in a session.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct ChatRequest {
    pub message: String,
    pub session_id: String,
}

/// The reason why a request is not answered: `{"error": {"type", "message"}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl Refusal {
    pub fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into() }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({"error": {"type": self.kind, "message": self.message}}))).into_response()
    }
}

impl ChatRequest {
    /// Reads and checks a request.
    pub async fn read(request: Request<Body>) -> Result<Self, Refusal> {
        // A page of another site can send text without asking, but not JSON: this keeps it from spending the
        // operator's key.
        if !is_json(request.headers()) {
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "The content-type must be application/json.",
            ));
        }
        let body = match Limited::new(request.into_body(), MAX_BODY).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                let message = format!("The body is larger than {MAX_BODY} bytes.");
                return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message));
            }
            Err(_) => return Err(Refusal::invalid("The body broke off.")),
        };
        let request: Self = serde_json::from_slice(&body).map_err(|error| {
            Refusal::invalid(format!(r#"The body must be {{"message": "..", "session_id": ".."}}: {error}."#))
        })?;
        request.check()
    }

    fn check(self) -> Result<Self, Refusal> {
        if self.message.trim().is_empty() {
            return Err(Refusal::invalid("The message is empty."));
        }
        let length = self.message.chars().count();
        if length > MAX_MESSAGE {
            return Err(Refusal::invalid(format!(
                "The message is {length} characters long; {MAX_MESSAGE} are the limit."
            )));
        }
        if self.session_id.is_empty() || self.session_id.chars().count() > MAX_SESSION_ID {
            return Err(Refusal::invalid(format!("The session_id must be 1 to {MAX_SESSION_ID} characters long.")));
        }
        Ok(self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(content_type: &str, body: impl Into<Body>) -> Result<ChatRequest, (u16, String)> {
        let request = Request::post("/").header("content-type", content_type).body(body.into()).unwrap();
        ChatRequest::read(request).await.map_err(|refusal| (refusal.status.as_u16(), refusal.message))
    }

    #[tokio::test]
    async fn a_good_request_is_read() {
        let request = read("application/json; charset=utf-8", r#"{"message":"hi","session_id":"s","more":1}"#).await;
        assert_eq!(request, Ok(ChatRequest { message: "hi".into(), session_id: "s".into() }));
    }

    #[tokio::test]
    async fn a_bad_request_is_told_what_is_wrong_with_it() {
        let long = |n: usize| "é".repeat(n);
        let table = [
            ("text/plain", "{}".to_owned(), 415, "The content-type must be application/json."),
            ("application/json", "{".to_owned(), 400, "The body must be"),
            ("application/json", r#"{"message":"hi"}"#.to_owned(), 400, "missing field `session_id`"),
            ("application/json", r#"{"message":7,"session_id":"s"}"#.to_owned(), 400, "expected a string"),
            ("application/json", r#"{"message":" \n","session_id":"s"}"#.to_owned(), 400, "The message is empty."),
            (
                "application/json",
                format!(r#"{{"message":"{}","session_id":"s"}}"#, long(8_001)),
                400,
                "8001 characters",
            ),
            ("application/json", r#"{"message":"hi","session_id":""}"#.to_owned(), 400, "session_id"),
            ("application/json", format!(r#"{{"message":"hi","session_id":"{}"}}"#, long(65)), 400, "session_id"),
            ("application/json", long(40_000), 413, "The body is larger than 65536 bytes."),
        ];
        for (content_type, body, status, message) in table {
            let (got, said) = read(content_type, body).await.unwrap_err();
            assert_eq!(got, status, "{said}");
            assert!(said.contains(message), "{said}");
        }
        let longest = format!(r#"{{"message":"{}","session_id":"{}"}}"#, long(8_000), long(64));
        assert!(read("application/json", longest).await.is_ok());
    }
}
