//! Bytes that are encoded once and sent to many clients.

#[cfg(feature = "compress")]
use std::sync::{Arc, OnceLock};
use std::{sync::LazyLock, time::Duration};

use bytes::Bytes;

#[cfg(feature = "compress")]
use super::gzip::GzipSegment;
use crate::sse::Event;

/// How long a client should wait before it connects again.
const RETRY: Duration = Duration::from_secs(2);

/// One or more whole events, a comment, or a snapshot. A clone shares the bytes.
#[derive(Clone, Debug)]
pub(super) struct Payload {
    plain: Bytes,
    /// The compressed form, made when the first client asks for it.
    #[cfg(feature = "compress")]
    segment: Arc<OnceLock<GzipSegment>>,
}

impl Payload {
    pub(super) fn new(plain: impl Into<Bytes>) -> Self {
        Self {
            plain: plain.into(),
            #[cfg(feature = "compress")]
            segment: Arc::default(),
        }
    }

    /// The number of plain bytes.
    pub(super) fn len(&self) -> usize {
        self.plain.len()
    }

    pub(super) fn plain(&self) -> &Bytes {
        &self.plain
    }

    #[cfg(feature = "compress")]
    pub(super) fn segment(&self) -> &GzipSegment {
        self.segment.get_or_init(|| GzipSegment::new(&self.plain))
    }

    /// The first bytes of every stream.
    pub(super) fn retry() -> Self {
        static PAYLOAD: LazyLock<Payload> = LazyLock::new(|| Payload::new(Event::new().retry(RETRY)));
        PAYLOAD.clone()
    }

    pub(super) fn heartbeat() -> Self {
        static PAYLOAD: LazyLock<Payload> = LazyLock::new(|| Payload::new(Event::new().comment("heartbeat")));
        PAYLOAD.clone()
    }
}
