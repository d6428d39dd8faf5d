//! A log line for each request that has ended, and a summary from time to time (feature `tracing`).

use super::entry::Entry;

/// Whether anybody reads these lines.
pub(crate) fn is_enabled() -> bool {
    tracing::enabled!(target: "active_requests", tracing::Level::INFO)
}

/// Writes the line of a request.
pub(crate) fn ended(entry: &Entry) {
    tracing::info!(
        target: "active_requests",
        id = %entry.request_id,
        provider = entry.provider,
        model = entry.model,
        status = entry.http_status,
        outcome = entry.outcome.as_str(),
        input_tokens = entry.input_tokens,
        output_tokens = entry.output_tokens,
        time_to_first_token_ms = entry.time_to_first_token_ms,
        duration_ms = entry.duration_ms,
        "request ended"
    );
}

/// Writes how many requests have ended, and how many of them in an error.
pub(crate) fn summary(requests: u64, errors: u64) {
    tracing::info!(target: "active_requests", requests, errors, "summary");
}
