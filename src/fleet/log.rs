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

/// There is a connection to the engine.
#[cfg(any(feature = "fleet-nats", feature = "fleet-redis"))]
pub(super) fn connected(_engine: &str) {
    #[cfg(feature = "tracing")]
    tracing::info!(target: "active_requests", engine = _engine, "connected to the fleet");
}

/// The connection to the engine is gone.
#[cfg(any(feature = "fleet-nats", feature = "fleet-redis"))]
pub(super) fn disconnected(_engine: &str) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "active_requests", engine = _engine, "disconnected from the fleet");
}

/// The engine cannot be reached, or refuses something.
#[cfg(any(feature = "fleet-nats", feature = "fleet-redis"))]
pub(super) fn engine_error(_engine: &str, _error: &str) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "active_requests", engine = _engine, error = _error, "the fleet has no use of its server");
}
