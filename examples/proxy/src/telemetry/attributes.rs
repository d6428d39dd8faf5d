//! The contents of a span: OpenTelemetry's conventions for generative AI, and what they have no word for. Nothing of a prompt, an answer or
//! a header, and no text of an error, which may quote them.
//! <https://github.com/open-telemetry/semantic-conventions-genai>

use std::time::{Duration, SystemTime};

use active_requests::{
    tracker::Entry,
    usage::{Operation, ProviderUsage, UsageSource, gen_ai_provider_name},
};
use opentelemetry::{Array, KeyValue, StringValue, Value, trace::Status};

/// The first token of an answer, as an event of its span.
pub(super) const FIRST_TOKEN: &str = "gen_ai.first_token";

/// The name of a span: what is done with which model, else the method. A path could be any number of names.
pub(super) fn name(entry: &Entry) -> String {
    match (Operation::of_path(&entry.path), model(entry)) {
        (Some(operation), Some(model)) => format!("{} {model}", operation.as_str()),
        (Some(operation), None) => operation.as_str().to_owned(),
        (None, _) => entry.method.clone(),
    }
}

/// The model that the provider was asked for: an alias resolved, a provider's prefix taken off.
fn model(entry: &Entry) -> Option<&str> {
    let requested = match entry.requested_model.split_once(':') {
        Some((prefix, model)) if prefix.eq_ignore_ascii_case(&entry.provider) => model,
        _ => &entry.requested_model,
    };
    [&entry.resolved_model, requested].into_iter().find(|model| !model.is_empty())
}

/// The status of a span. An answer of 400 and above is an error here, as everywhere in the proxy: who watches a gateway wants to know.
pub(super) fn status(entry: &Entry) -> Status {
    if entry.outcome.is_error() { Status::error(entry.outcome.as_str()) } else { Status::Unset }
}

/// The time of the first token.
pub(super) fn first_token(entry: &Entry, start: SystemTime) -> Option<SystemTime> {
    let time = start + Duration::from_millis(entry.time_to_first_token_ms?);
    Some(time.min(entry.ts))
}

pub(super) fn attributes(entry: &Entry) -> Vec<KeyValue> {
    let mut attributes = Attributes(Vec::with_capacity(20));
    attributes.add("http.request.method", Some(entry.method.clone()));
    attributes.add("url.path", Some(entry.path.clone()));
    attributes.add("http.route", entry.route.clone());
    attributes.add("http.response.status_code", entry.http_status.map(i64::from));
    attributes.add("error.type", entry.error_type.map(|error_type| error_type.as_str()));
    attributes.add("gen_ai.operation.name", Operation::of_path(&entry.path).map(Operation::as_str));
    let provider = Some(&*entry.provider).filter(|provider| *provider != "unknown");
    attributes.add("gen_ai.provider.name", provider.map(|provider| gen_ai_provider_name(provider).to_owned()));
    attributes.add("gen_ai.request.model", model(entry).map(str::to_owned));
    attributes.add("gen_ai.response.model", entry.answering_model.clone());
    let reasons =
        entry.finish_reason.clone().map(|reason| Value::Array(Array::String(vec![StringValue::from(reason)])));
    attributes.add("gen_ai.response.finish_reasons", reasons);
    attributes.add_usage(entry);
    attributes.add("active_requests.request_id", Some(entry.request_id.to_string()));
    attributes.add("active_requests.outcome", Some(entry.outcome.as_str()));
    attributes.add("active_requests.is_streaming", Some(entry.is_streaming));
    attributes.add("active_requests.cost_usd", entry.cost_usd.map(|cost| cost.to_f64()));
    attributes.0
}

/// Attributes, none of them unknown.
struct Attributes(Vec<KeyValue>);

impl Attributes {
    fn add(&mut self, key: &'static str, value: Option<impl Into<Value>>) {
        self.0.extend(value.map(|value| KeyValue::new(key, value)));
    }

    /// Adds the tokens that the provider has reported, and no estimate: the conventions forbid it.
    fn add_usage(&mut self, entry: &Entry) {
        let ProviderUsage {
            input_tokens,
            output_tokens,
            cache_read_tokens,
            cache_creation_tokens,
            reasoning_tokens,
            ..
        } = entry.provider_usage;
        let is_final = entry.usage_source == UsageSource::Reported;
        for (key, is_reported, tokens) in [
            ("gen_ai.usage.input_tokens", input_tokens.is_some(), entry.input_tokens),
            // Those so far are not those of the answer.
            ("gen_ai.usage.output_tokens", is_final && output_tokens.is_some(), entry.output_tokens),
            ("gen_ai.usage.cache_read.input_tokens", cache_read_tokens.is_some(), entry.cache_read_tokens),
            ("gen_ai.usage.cache_creation.input_tokens", cache_creation_tokens.is_some(), entry.cache_creation_tokens),
            ("gen_ai.usage.reasoning.output_tokens", is_final && reasoning_tokens.is_some(), entry.reasoning_tokens),
        ] {
            self.add(key, is_reported.then(|| i64::try_from(tokens).unwrap_or(i64::MAX)));
        }
    }
}
