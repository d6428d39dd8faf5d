//! A log line for each request that has ended, and a summary from time to time (feature `tracing`).

use std::fmt;

use super::entry::Entry;

/// Whether anybody reads these lines.
pub(crate) fn is_enabled() -> bool {
    tracing::enabled!(target: "active_requests", tracing::Level::INFO)
}

/// Labels as text: `session="s1" team="blue"`. Values are a client's, and quoted so that none looks like another field of the line.
struct LabelsText<'a>(&'a [(String, String)]);

impl fmt::Display for LabelsText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.0.iter().enumerate() {
            let gap = if index > 0 { " " } else { "" };
            write!(f, "{gap}{name}={value:?}")?;
        }
        Ok(())
    }
}

/// Writes the line of a request.
pub(crate) fn ended(entry: &Entry) {
    tracing::info!(
        target: "active_requests",
        id = %entry.request_id,
        caller = entry.caller,
        labels = (!entry.labels.is_empty()).then(|| tracing::field::display(LabelsText(&entry.labels))),
        provider = entry.provider,
        model = entry.model,
        status = entry.http_status,
        outcome = entry.outcome.as_str(),
        input_tokens = entry.input_tokens,
        output_tokens = entry.output_tokens,
        time_to_first_token_ms = entry.time_to_first_token_ms,
        cost_usd = entry.cost_usd.map(tracing::field::display),
        duration_ms = entry.duration_ms,
        "request ended"
    );
}

/// Writes how many requests have ended, and how many of them in an error.
pub(crate) fn summary(requests: u64, errors: u64) {
    tracing::info!(target: "active_requests", requests, errors, "summary");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_look_like_another_field() {
        let labels =
            [("session", "s1"), ("team", "b\" status=500\n")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(LabelsText(&labels).to_string(), r#"session="s1" team="b\" status=500\n""#);
    }
}
