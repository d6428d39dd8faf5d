//! The place in an SSE body at which an event of our own may stand.

use bytes::{Buf, Bytes};
use http::{header, response::Parts};
use http_body::Body;
use memchr::memmem;

use super::error_event::EventDialect;
use crate::http::{ContentType, visit_chunks};

/// Chunks at the start of the body in which the dialect is looked for.
const FIRST_CHUNKS: u8 = 16;

/// Follows an SSE body: whether it is at the end of an event, and in which dialect it is.
#[derive(Debug)]
pub(super) struct EventWatch {
    /// The last bytes that have passed, as many as there are.
    tail: [u8; 4],
    tail_len: usize,
    dialect: EventDialect,
    /// Chunks to look at for the dialect.
    looks: u8,
    /// The number that follows the last one seen, of events that are numbered.
    next_number: u64,
}

impl EventWatch {
    /// Watches a body that an event may be added to: SSE, not encoded, of unknown length. `None` for any other.
    pub(super) fn of(head: &Parts, body: &impl Body) -> Option<Self> {
        let headers = &head.headers;
        let is_plain_sse = ContentType::of(headers).is_some_and(|declared| declared.is("text/event-stream"))
            && headers.get_all(header::CONTENT_ENCODING).iter().all(|coding| coding == "identity")
            && !headers.contains_key(header::CONTENT_LENGTH)
            && body.size_hint().exact().is_none();
        is_plain_sse.then(|| {
            let dialect = EventDialect::of_head(headers);
            Self { tail: [0; 4], tail_len: 0, dialect, looks: FIRST_CHUNKS, next_number: 0 }
        })
    }

    /// Follows the data of a frame. Returns false if it cannot: the place is unknown from then on.
    #[must_use]
    pub(super) fn follow<D: Buf>(&mut self, data: &D) -> bool {
        visit_chunks(data, |chunk| {
            if self.dialect == EventDialect::Unknown && self.looks > 0 {
                self.looks -= 1;
                self.dialect = EventDialect::of_chunk(chunk);
            }
            if self.dialect == EventDialect::OpenAiResponses {
                self.next_number = last_number(chunk).map_or(self.next_number, |number| number.saturating_add(1));
            }
            self.keep_tail(chunk);
        })
    }

    fn keep_tail(&mut self, chunk: &[u8]) {
        let last = &chunk[chunk.len().saturating_sub(self.tail.len())..];
        let kept = (self.tail.len() - last.len()).min(self.tail_len);
        self.tail.copy_within(self.tail_len - kept..self.tail_len, 0);
        self.tail[kept..kept + last.len()].copy_from_slice(last);
        self.tail_len = kept + last.len();
    }

    /// The error event to add, if the body is at the end of an event; else nothing can be added to it.
    pub(super) fn error_event(&self) -> Option<Bytes> {
        let tail = &self.tail[..self.tail_len];
        let at_end = match without_line_end(tail) {
            // Nothing has passed, or the only line is blank.
            None => tail.is_empty(),
            Some(rest) => rest.is_empty() || without_line_end(rest).is_some(),
        };
        at_end.then(|| self.dialect.error_event(self.next_number))
    }
}

/// The last number of an event that a chunk tells. One that is cut is not seen.
fn last_number(chunk: &[u8]) -> Option<u64> {
    const KEY: &[u8] = b"\"sequence_number\":";
    let digits = chunk[memmem::rfind(chunk, KEY)? + KEY.len()..].trim_ascii_start();
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

/// The bytes before the line end that `bytes` end with; `None` if they end with none.
fn without_line_end(bytes: &[u8]) -> Option<&[u8]> {
    [&b"\r\n"[..], b"\n", b"\r"].iter().find_map(|end| bytes.strip_suffix(*end))
}

#[cfg(test)]
mod tests {
    use http::Response;
    use http_body_util::{Full, StreamBody};

    use super::*;

    fn watch(head: &[(&str, &str)]) -> Option<EventWatch> {
        let mut builder = Response::builder();
        for (name, value) in head {
            builder = builder.header(*name, *value);
        }
        let body = StreamBody::new(futures_util::stream::empty::<Result<http_body::Frame<Bytes>, ()>>());
        EventWatch::of(&builder.body(()).unwrap().into_parts().0, &body)
    }

    #[test]
    fn only_a_plain_sse_body_of_unknown_length_is_watched() {
        let sse = ("content-type", "text/event-stream; charset=utf-8");
        assert!(watch(&[sse]).is_some());
        assert!(watch(&[sse, ("content-encoding", "identity")]).is_some());
        assert!(watch(&[("content-type", "application/json")]).is_none());
        assert!(watch(&[sse, ("content-encoding", "gzip")]).is_none());
        assert!(watch(&[sse, ("content-length", "10")]).is_none());
        let head = Response::builder().header(sse.0, sse.1).body(()).unwrap().into_parts().0;
        assert!(EventWatch::of(&head, &Full::<Bytes>::from("data: 1\n\n")).is_none());
    }

    #[test]
    fn the_error_is_the_next_of_numbered_events() {
        let mut watch = watch(&[("content-type", "text/event-stream")]).unwrap();
        for (chunk, number) in [
            ("event: response.created\ndata: {\"sequence_number\":0}\n\n", 1),
            (
                "event: a\ndata: {\"sequence_number\": 1,\"delta\":\"\\\"sequence_number\\\":9}\"}\n\n: keep-alive\n\n",
                2,
            ),
            ("event: a\ndata: {\"sequence_number\":2}\n\nevent: b\ndata: {\"sequence_number\":3}\n\n", 4),
        ] {
            assert!(watch.follow(&chunk.as_bytes()));
            let event = watch.error_event().unwrap();
            let event = std::str::from_utf8(&event).unwrap();
            assert!(event.contains(&format!("\"sequence_number\":{number},")), "{event}");
        }
    }

    #[test]
    fn the_end_of_an_event_is_found_however_it_is_cut() {
        let table = [
            ("", true),
            ("\n", true),
            ("\r\n", true),
            ("data: 1", false),
            ("data: 1\n", false),
            ("data: 1\r\n", false),
            ("data: 1\n\n", true),
            ("data: 1\r\r", true),
            ("data: 1\r\n\r\n", true),
            ("data: 1\r\n\r", true),
            ("data: 1\n\r\n", true),
            ("data: 1\n\ndata: 2\n", false),
            ("data: 1\n\n: heartbeat\n\n", true),
        ];
        for (text, expected) in table {
            for cut in 1..=text.len().max(1) {
                let mut watch = watch(&[("content-type", "text/event-stream")]).unwrap();
                assert!(text.as_bytes().chunks(cut).all(|chunk| watch.follow(&chunk)));
                assert_eq!(watch.error_event().is_some(), expected, "{text:?} in pieces of {cut}");
            }
        }
    }
}
