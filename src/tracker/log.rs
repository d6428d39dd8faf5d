//! A log line for each request that has ended, and a summary from time to time (feature `tracing`).

use super::{clock::millis, history::Record, shard::Shared};
use crate::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// What the line says, taken while the record is looked at and written when no lock is held.
#[derive(Debug)]
pub(crate) struct FinishedRequest {
    line: Option<Box<Line>>,
    /// Requests that have ended, and how many of them in an error, when it is time to say so.
    summary: Option<(u64, u64)>,
}

#[derive(Debug)]
struct Line {
    id: String,
    provider: String,
    model: String,
    status: Option<u16>,
    outcome: &'static str,
    input_tokens: u64,
    output_tokens: u64,
    first_token: Option<Duration>,
    duration: Duration,
}

impl FinishedRequest {
    pub(crate) fn of(record: &Record, shared: &Shared) -> Self {
        let line = tracing::enabled!(target: "active_requests", tracing::Level::INFO).then(|| {
            let facts = &record.data.facts;
            let names = record.names(&shared.config.known_providers);
            Box::new(Line {
                id: record.id.map(|id| id.to_string()).unwrap_or_default(),
                provider: names.provider().to_owned(),
                model: names.model().to_owned(),
                status: facts.status.map(|status| status.as_u16()),
                outcome: record.outcome.as_str(),
                input_tokens: facts.usage.input_tokens,
                output_tokens: facts.usage.output_tokens,
                first_token: facts.first_token,
                duration: record.duration,
            })
        });
        let every = shared.config.summary_interval;
        let is_time = every > 0 && record.seq % every == 0;
        Self { line, summary: is_time.then(|| (record.seq, shared.errors.load(Relaxed))) }
    }

    pub(crate) fn emit(self) {
        if let Some(line) = self.line {
            tracing::info!(
                target: "active_requests",
                id = line.id,
                provider = line.provider,
                model = line.model,
                status = line.status,
                outcome = line.outcome,
                input_tokens = line.input_tokens,
                output_tokens = line.output_tokens,
                time_to_first_token_ms = line.first_token.map(millis),
                duration_ms = millis(line.duration),
                "request ended"
            );
        }
        if let Some((requests, errors)) = self.summary {
            tracing::info!(target: "active_requests", requests, errors, "summary");
        }
    }
}
