//! A piece of a stream, encoded once for all subscribers.

use bytes::Bytes;
use std::sync::LazyLock;

/// One or more whole events, or a comment. A clone is a pointer.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    plain: Bytes,
}

impl Frame {
    pub(super) fn new(plain: impl Into<Bytes>) -> Self {
        Self { plain: plain.into() }
    }

    pub(super) fn len(&self) -> usize {
        self.plain.len()
    }

    pub(super) fn plain(&self) -> &Bytes {
        &self.plain
    }

    /// What a stream begins with: how long, in milliseconds, a client should wait before it connects again.
    pub(super) fn retry() -> Self {
        static RETRY: LazyLock<Frame> = LazyLock::new(|| Frame::new(Bytes::from_static(b"retry: 2000\n\n")));
        RETRY.clone()
    }

    pub(super) fn heartbeat() -> Self {
        static HEARTBEAT: LazyLock<Frame> = LazyLock::new(|| Frame::new(Bytes::from_static(b": heartbeat\n\n")));
        HEARTBEAT.clone()
    }
}
