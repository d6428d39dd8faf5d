//! A log line for each request that has ended, and a summary from time to time (feature `tracing`).

use std::time::Duration;

use super::{clock::millis, history::EndedRequest, keys::Keys};

/// The line for a request that has ended, made under the shard's lock and written when no lock is held.
#[derive(Debug)]
pub(crate) struct FinishedRequest {
    line: Option<Box<LogLine>>,
    /// How many requests have ended, and how many of them in an error.
    summary: Option<(u64, u64)>,
}

#[derive(Debug)]
struct LogLine {
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
    /// The line for `request`, and a summary if it is time for one.
    pub(crate) fn new(request: &EndedRequest, keys: &Keys, summary: Option<(u64, u64)>) -> Self {
        let line = tracing::enabled!(target: "active_requests", tracing::Level::INFO).then(|| {
            let facts = &request.data.facts;
            let names = keys.names(&request.data.texts);
            Box::new(LogLine {
                id: request.end.id.to_string(),
                provider: names.provider().to_owned(),
                model: names.model().to_owned(),
                status: facts.status.map(|status| status.as_u16()),
                outcome: request.end.outcome.as_str(),
                input_tokens: facts.usage.input_tokens,
                output_tokens: facts.usage.output_tokens,
                first_token: facts.first_token,
                duration: request.end.duration,
            })
        });
        Self { line, summary }
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
