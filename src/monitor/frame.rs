//! A piece of a stream, encoded once for all subscribers.

#[cfg(feature = "compress")]
use super::gzip::Segment;
use bytes::Bytes;
use std::sync::LazyLock;
#[cfg(feature = "compress")]
use std::sync::{Arc, OnceLock};

/// One or more whole events, a comment, or a snapshot. A clone is a pointer.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    plain: Bytes,
    /// Compressed when somebody first asks for it, and then for all.
    #[cfg(feature = "compress")]
    segment: Arc<OnceLock<Segment>>,
}

impl Frame {
    pub(super) fn new(plain: impl Into<Bytes>) -> Self {
        Self {
            plain: plain.into(),
            #[cfg(feature = "compress")]
            segment: Arc::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.plain.len()
    }

    pub(super) fn plain(&self) -> &Bytes {
        &self.plain
    }

    #[cfg(feature = "compress")]
    pub(super) fn segment(&self) -> &Segment {
        self.segment.get_or_init(|| Segment::of(&self.plain))
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
