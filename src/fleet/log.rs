//! Log lines of the fleet (feature `tracing`): one for each change of state.

/// Nobody is heard any more, not even this replica itself.
pub(super) fn lost() {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "active_requests", "the other replicas are not heard any more; only this replica's requests are shown");
}

/// Others are heard again.
pub(super) fn found() {
    #[cfg(feature = "tracing")]
    tracing::info!(target: "active_requests", "the other replicas are heard again");
}
