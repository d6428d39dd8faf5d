//! A log line for each request that has ended, and a summary from time to time (feature `tracing`).

use std::fmt;

use super::{
    clock::millis,
    history::{EndedRequest, RequestEnd},
    keys::Keys,
    slot::RequestData,
    texts::{TextField, Texts},
};

/// Whether anybody reads these lines.
pub(crate) fn is_enabled() -> bool {
    tracing::enabled!(target: "active_requests", tracing::Level::INFO)
}

/// Labels as text: `session="s1" team="blue"`. Values are a client's, and quoted so that none looks like another field of the line.
struct LabelsText<'a>(&'a Texts);

impl fmt::Display for LabelsText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.0.labels().enumerate() {
            let gap = if index > 0 { " " } else { "" };
            write!(f, "{gap}{name}={value:?}")?;
        }
        Ok(())
    }
}

/// Writes the line of a request. The subscriber may do anything with it, so no lock is to be held.
pub(crate) fn ended(request: &EndedRequest, keys: &Keys) {
    let RequestEnd { id, outcome, duration, .. } = request.end;
    let RequestData { facts, texts } = &*request.data;
    let names = keys.names(texts);
    let some = |field| Some(texts.get(field)).filter(|text| !text.is_empty());
    tracing::info!(
        target: "active_requests",
        id = %id,
        caller = some(TextField::Caller),
        labels = some(TextField::Labels).map(|_| tracing::field::display(LabelsText(texts))),
        provider = names.provider(),
        model = some(TextField::Answering).unwrap_or_else(|| names.model()),
        status = facts.status.map(|status| status.as_u16()),
        outcome = outcome.as_str(),
        input_tokens = facts.usage.input_tokens,
        output_tokens = facts.usage.output_tokens,
        time_to_first_token_ms = facts.first_token.map(millis),
        cost_usd = facts.cost.map(tracing::field::display),
        duration_ms = millis(duration),
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
        let mut labels = Texts::default();
        labels.set_label("session", "s1");
        labels.set_label("team", "b\" status=500\n");
        assert_eq!(LabelsText(&labels).to_string(), r#"session="s1" team="b\" status=500\n""#);
    }
}
