//! Interim answers (1xx) on their way to a client over HTTP/1.1, which a proxy passes on (RFC 9110, section 15.2).
//!
//! hyper's server cannot send them, so they are written to the stream beneath it, where they must not come between its own bytes. The end of the
//! answer before has left once hyper has flushed since the request began. The answer itself has not as long as hyper has written nothing
//! since; where it is there already and that cannot be told, what waits is given up.
//!
//! All of this happens in the task of the connection, one step after the other.

use std::{
    io::Write,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

use crate::forward::hop_by_hop::drop_hop_by_hop;

/// Bytes that wait for a client, at most. What comes on top is given up.
const MAX_WAITING: usize = 64 * 1024;

/// The interim answers to a connection's current request that are still to be written.
#[derive(Debug, Default)]
pub(super) struct InterimAnswers {
    heads: Mutex<Vec<u8>>,
    any: AtomicBool,
    /// hyper has nothing to write that it has begun to.
    is_clear: AtomicBool,
}

impl InterimAnswers {
    /// A request begins.
    pub(super) fn begin(&self) {
        self.writing();
    }

    /// Keeps one to be written. `100` is not for the client, which has had one from the proxy where it asked.
    pub(super) fn push(&self, status: StatusCode, headers: &HeaderMap) {
        if [StatusCode::CONTINUE, StatusCode::SWITCHING_PROTOCOLS].contains(&status) {
            return;
        }
        let mut headers = headers.clone();
        drop_hop_by_hop(&mut headers);
        headers.remove(header::CONTENT_LENGTH);
        let mut head = Vec::with_capacity(256);
        let _ = write!(head, "HTTP/1.1 {} {}\r\n", status.as_str(), status.canonical_reason().unwrap_or_default());
        for (name, value) in &headers {
            head.extend_from_slice(name.as_str().as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        let mut heads = self.heads();
        if heads.len() + head.len() <= MAX_WAITING {
            heads.append(&mut head);
            self.any.store(true, Ordering::Relaxed);
        }
    }

    /// The answer is there.
    pub(super) fn end(&self) {
        if self.any.load(Ordering::Relaxed) && !self.is_clear.load(Ordering::Relaxed) {
            self.heads().clear();
            self.any.store(false, Ordering::Relaxed);
        }
    }

    /// hyper has something to write.
    pub(super) fn writing(&self) {
        self.is_clear.store(false, Ordering::Relaxed);
    }

    /// hyper has written all that it had.
    pub(super) fn flushed(&self) {
        self.is_clear.store(true, Ordering::Relaxed);
    }

    /// Takes what is to be written now.
    pub(super) fn take(&self) -> Bytes {
        if !self.any.load(Ordering::Relaxed) || !self.is_clear.load(Ordering::Relaxed) {
            return Bytes::new();
        }
        self.any.store(false, Ordering::Relaxed);
        std::mem::take(&mut *self.heads()).into()
    }

    fn heads(&self) -> MutexGuard<'_, Vec<u8>> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interim_answer_is_written_between_two_answers_or_not_at_all() {
        let interim = InterimAnswers::default();
        let hints = StatusCode::EARLY_HINTS;
        interim.begin();
        interim.push(hints, &HeaderMap::new());
        assert!(interim.take().is_empty(), "the end of the answer before may still be there");
        interim.flushed();
        assert_eq!(interim.take(), "HTTP/1.1 103 Early Hints\r\n\r\n");
        interim.push(hints, &HeaderMap::new());
        interim.end();
        assert!(!interim.take().is_empty(), "it comes before the answer, of which nothing has been written");
        interim.begin();
        interim.push(hints, &HeaderMap::new());
        interim.end();
        interim.flushed();
        assert!(interim.take().is_empty(), "the answer has left");
    }

    #[test]
    fn what_is_about_the_connection_or_not_for_the_client_is_left_out() {
        let interim = InterimAnswers::default();
        interim.flushed();
        let mut headers = HeaderMap::new();
        for (name, value) in [("connection", "x-hop"), ("x-hop", "1"), ("content-length", "5"), ("link", "</a>")] {
            headers.insert(name, value.parse().unwrap());
        }
        interim.push(StatusCode::CONTINUE, &headers);
        interim.push(StatusCode::PROCESSING, &headers);
        assert_eq!(interim.take(), "HTTP/1.1 102 Processing\r\nlink: </a>\r\n\r\n");
    }

    #[test]
    fn no_more_than_a_few_wait() {
        let interim = InterimAnswers::default();
        let headers = HeaderMap::from_iter([(header::LINK, "x".repeat(20_000).parse().unwrap())]);
        (0..10).for_each(|_| interim.push(StatusCode::EARLY_HINTS, &headers));
        interim.flushed();
        let waiting = interim.take();
        assert!(waiting.len() <= MAX_WAITING && waiting.ends_with(b"x\r\n\r\n"), "{}", waiting.len());
    }
}
