//! Bytes that are encoded once and sent to many clients.

use std::{
    sync::{Arc, LazyLock, OnceLock},
    time::Duration,
};

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
    /// The form for viewers that may cancel requests, made when the first of them asks for it.
    for_operators: Arc<OnceLock<Box<Payload>>>,
}

/// The last member of a snapshot, for viewers that may not cancel requests and for those that may.
const CAN_CANCEL: [&[u8]; 2] = [br#","can_cancel":false}"#, br#","can_cancel":true}"#];

impl Payload {
    pub(super) fn new(plain: impl Into<Bytes>) -> Self {
        Self {
            plain: plain.into(),
            #[cfg(feature = "compress")]
            segment: Arc::default(),
            for_operators: Arc::default(),
        }
    }

    /// The payload for a viewer that may cancel requests or may not. They differ in the last member of a snapshot.
    pub(super) fn for_viewer(self, can_cancel: bool) -> Self {
        if !can_cancel {
            return self;
        }
        let made = self.for_operators.get_or_init(|| {
            let [from, to] = CAN_CANCEL;
            // After an event come two line ends; deltas have no such member.
            let end = self.plain.trim_ascii_end();
            let Some(start) = end.strip_suffix(from) else { return Box::new(Self::new(self.plain.clone())) };
            let plain = [start, to, &self.plain[end.len()..]].concat();
            Box::new(Self::new(plain))
        });
        (**made).clone()
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
