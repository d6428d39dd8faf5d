//! The framing of a message: what tells where its body ends (RFC 9112, section 6).

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, Version, header};
use http_body::Body;

use crate::forward::hop_by_hop::elements;

/// A framing that cannot be passed on.
#[derive(Debug, PartialEq, Eq)]
pub enum FramingError {
    /// A transfer coding besides `chunked`.
    Coding(String),
    /// Lengths that are none, or differ.
    Length(String),
}

impl fmt::Display for FramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coding(given) => {
                write!(f, "transfer-encoding is {given:?}, and \"chunked\" is the only one that passes")
            }
            Self::Length(given) => write!(f, "content-length is {given:?}, and must be one number"),
        }
    }
}

/// Makes the framing that a message came with unambiguous. To be called before its hop-by-hop headers are dropped.
///
/// A length beside `transfer-encoding` is removed, since the coding overrides it (RFC 9112, section 6.3). A length that is said
/// more than once is said once (RFC 9110, section 8.6).
///
/// # Errors
/// The framing means something that would be lost on the way.
pub fn settle(headers: &mut HeaderMap) -> Result<(), FramingError> {
    if is_plain(headers) {
        return Ok(());
    }
    if headers.contains_key(header::TRANSFER_ENCODING) {
        if !is_chunked(headers) {
            return Err(FramingError::Coding(joined(headers, header::TRANSFER_ENCODING)));
        }
        headers.remove(header::CONTENT_LENGTH);
    }
    if !headers.contains_key(header::CONTENT_LENGTH) {
        return Ok(());
    }
    let length = same_length(headers).ok_or_else(|| FramingError::Length(joined(headers, header::CONTENT_LENGTH)))?;
    headers.insert(header::CONTENT_LENGTH, length);
    Ok(())
}

/// Whether there is no more than one length, as in most messages. To walk over their lines once is cheaper than to look for two of them.
fn is_plain(headers: &HeaderMap) -> bool {
    let mut lengths = 0;
    headers.iter().all(|(name, value)| {
        lengths += usize::from(name == header::CONTENT_LENGTH);
        name != header::TRANSFER_ENCODING
            && (name != header::CONTENT_LENGTH || (lengths == 1 && is_number(value.as_bytes())))
    })
}

fn is_chunked(headers: &HeaderMap) -> bool {
    let mut codings = elements(headers, header::TRANSFER_ENCODING);
    codings.next().is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked")) && codings.next().is_none()
}

/// The length that all elements of `content-length` agree on.
fn same_length(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut lengths = elements(headers, header::CONTENT_LENGTH);
    let length = lengths.next().filter(|length| is_number(length))?;
    if lengths.all(|other| other == length) { HeaderValue::from_bytes(length).ok() } else { None }
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

fn joined(headers: &HeaderMap, name: HeaderName) -> String {
    let lines = headers.get_all(name).into_iter();
    lines.map(|line| String::from_utf8_lossy(line.as_bytes())).collect::<Vec<_>>().join(", ")
}

/// Says in an HTTP/1.1 request how its body ends, once its hop-by-hop headers are dropped. `came_by`: the version that it was sent in.
///
/// hyper would do the same, but for `GET` and `HEAD`, which it takes to have no body.
pub fn declare(headers: &mut HeaderMap, body: &impl Body, has_trailers: bool, came_by: Version) {
    if body.is_end_stream() && !has_trailers {
        return;
    }
    // HTTP/2 has trailers behind a body with a length. HTTP/1.1 has them behind a chunked one only.
    let announces_trailers = came_by == Version::HTTP_2 && headers.contains_key(header::TRAILER);
    let is_known = headers.contains_key(header::CONTENT_LENGTH) || body.size_hint().exact().is_some();
    if !is_known || has_trailers || announces_trailers {
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}
