//! Bytes that are encoded once and sent to many clients.
//!
//! A large payload is cut into slices, each with memory of its own: what a server holds of it for a client that does not read is the
//! slices that it has taken, not the whole.

use std::{
    sync::{Arc, LazyLock, OnceLock, Weak},
    time::Duration,
};

use bytes::Bytes;

#[cfg(feature = "compress")]
use super::gzip::GzipSegment;
use super::slices::slices;
use crate::sse::Event;

/// How long a client should wait before it connects again.
const RETRY: Duration = Duration::from_secs(2);

/// One or more whole events, a comment, or a snapshot. A clone shares the bytes.
#[derive(Clone, Debug)]
pub(crate) struct Payload(Arc<PayloadForms>);

/// A payload that others keep.
#[derive(Clone, Debug)]
pub(super) struct WeakPayload(Weak<PayloadForms>);

/// The bytes of a payload, plain and as some clients ask for them.
#[derive(Debug)]
struct PayloadForms {
    plain: Vec<Bytes>,
    /// The number of plain bytes.
    len: usize,
    /// The compressed form, made when the first client asks for it.
    #[cfg(feature = "compress")]
    segment: OnceLock<GzipSegment>,
    /// The form for viewers that may cancel requests, made when the first of them asks for it.
    for_operators: OnceLock<Payload>,
}

/// The last member of a snapshot, for viewers that may not cancel requests and for those that may.
const CAN_CANCEL: [&[u8]; 2] = [br#","can_cancel":false}"#, br#","can_cancel":true}"#];

impl Payload {
    /// A payload in one slice, for an answer that has to be sent to its end.
    pub(crate) fn whole(plain: impl Into<Bytes>) -> Self {
        Self::of(vec![plain.into()])
    }

    /// A payload for a stream, in slices if it is large.
    pub(crate) fn new(plain: impl Into<Bytes>) -> Self {
        Self::of(slices(plain.into()))
    }

    fn of(plain: Vec<Bytes>) -> Self {
        Self(Arc::new(PayloadForms {
            len: plain.iter().map(Bytes::len).sum(),
            plain,
            #[cfg(feature = "compress")]
            segment: OnceLock::new(),
            for_operators: OnceLock::new(),
        }))
    }

    /// The payload for a viewer that may cancel requests or may not. They differ in the last member of a snapshot.
    pub(crate) fn for_viewer(self, can_cancel: bool) -> Self {
        if !can_cancel {
            return self;
        }
        let Some((last, others)) = self.plain().split_last() else { return self };
        let [from, to] = CAN_CANCEL;
        // After an event come two line ends; deltas have no such member.
        let end = last.trim_ascii_end();
        let Some(start) = end.strip_suffix(from) else { return self };
        let made = self.0.for_operators.get_or_init(|| {
            let last = [start, to, &last[end.len()..]].concat();
            Self::of(others.iter().cloned().chain([last.into()]).collect())
        });
        made.clone()
    }

    /// The number of plain bytes.
    pub(super) fn len(&self) -> usize {
        self.0.len
    }

    /// The plain bytes, in slices.
    pub(super) fn plain(&self) -> &[Bytes] {
        &self.0.plain
    }

    /// The plain bytes in one piece.
    #[cfg(feature = "fleet")]
    pub(crate) fn text(&self) -> Bytes {
        match self.plain() {
            [one] => one.clone(),
            slices => slices.concat().into(),
        }
    }

    #[cfg(feature = "compress")]
    pub(super) fn segment(&self) -> &GzipSegment {
        self.0.segment.get_or_init(|| GzipSegment::new(self.plain()))
    }

    /// A reference that does not keep the payload.
    pub(super) fn downgrade(&self) -> WeakPayload {
        WeakPayload(Arc::downgrade(&self.0))
    }

    /// Whether somebody refers to it without keeping it.
    pub(super) fn is_referred_to(&self) -> bool {
        Arc::weak_count(&self.0) > 0
    }

    /// Whether the two share their bytes.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
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

impl WeakPayload {
    /// The payload, if somebody has kept it.
    pub(super) fn upgrade(&self) -> Option<Payload> {
        self.0.upgrade().map(Payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::slices::MAX_SLICE;

    #[test]
    fn slices_are_the_whole_and_each_viewer_gets_its_last_member() {
        for len in
            [0, 1, MAX_SLICE - 40, MAX_SLICE, MAX_SLICE + 1, MAX_SLICE + 1024, MAX_SLICE + 1025, 5 * MAX_SLICE + 7]
        {
            let [no, yes] = CAN_CANCEL.map(|member| [&vec![b'x'; len][..], member, b"\n\n"].concat());
            let payload = Payload::new(no.clone());
            assert_eq!(payload.plain().concat(), no, "{len}");
            assert!(payload.plain().iter().all(|slice| slice.len() <= MAX_SLICE + 1024));
            let operators = payload.clone().for_viewer(true);
            assert_eq!(operators.plain().concat(), yes, "{len}");
            assert_eq!(payload.len(), no.len());
            assert!(payload.clone().for_viewer(true).is(&operators) && payload.clone().for_viewer(false).is(&payload));
        }
        let delta = Payload::new("event: delta\n\n");
        assert!(delta.clone().for_viewer(true).is(&delta));
    }
}
