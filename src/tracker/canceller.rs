//! The way from a row to the layer that can cancel its request.

use std::fmt;

use super::row::Row;

/// The answer of [`RequestTracker::cancel`](super::RequestTracker::cancel) and
/// [`RequestHandle::cancel`](super::RequestHandle::cancel).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cancellation {
    /// The request has been cancelled: it ends as [`Outcome::Killed`](super::Outcome::Killed).
    Cancelled,
    /// The request is in flight, and there is no [`CancelRequestLayer`](crate::cancel::CancelRequestLayer) around it.
    NotCancellable,
    /// The request is not in flight, or was cancelled or ended at the same moment.
    Gone,
}

/// Cancels a request; registered in its row.
pub(crate) trait Canceller: fmt::Debug + Send + Sync {
    /// Cancels the request if it still runs. Returns whether it did.
    ///
    /// If so, the rows have ended as `Killed` before anything that runs the request is dropped or woken: whatever the cut causes
    /// finds no row.
    fn cancel(&self, row: &Row) -> bool;
}
