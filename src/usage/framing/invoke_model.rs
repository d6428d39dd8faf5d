//! Bedrock's InvokeModel: around each of the model's own events a message with that event in Base64, and in the last one
//! the platform's own counts.
//!
//! These counts stand at the top of the model's event, or of its JSON document, whatever the dialect of that. They are what
//! Bedrock bills, so they come before the counts that a model gives in its own words.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use memchr::memchr_iter;

use crate::{
    json::Cursor,
    usage::{counts::ProviderUsage, event::ResponseEvent, reader::ResponseReader},
};

/// The name of the messages that wrap an event.
pub(super) const WRAPPER: &[u8] = b"chunk";

const METRICS: &str = "amazon-bedrock-invocationMetrics";

/// Where its rarest letter stands.
const Z: usize = 3;

/// Hands over the event that is wrapped in this payload; `decoded` is room for it.
pub(super) fn unwrap(payload: &[u8], decoded: &mut Vec<u8>, reader: &mut ResponseReader) {
    decoded.clear();
    let wrapped = Cursor::new(payload).find(b"bytes").and_then(|mut bytes| bytes.string());
    if wrapped.is_none_or(|wrapped| BASE64.decode_vec(&*wrapped, decoded).is_err()) {
        return reader.unread_event();
    }
    let event = ResponseEvent::unnamed(decoded);
    reader.event(event, false);
    hand_over_counts(&event, reader);
}

/// Hands over Bedrock's own counts, if the event or document has them.
pub(super) fn hand_over_counts(event: &ResponseEvent<'_>, reader: &mut ResponseReader) {
    // Searching for its rarest letter is many times quicker than walking over all members.
    let is_metrics = |z: usize| z >= Z && event.data[z - Z..].starts_with(METRICS.as_bytes());
    if !memchr_iter(METRICS.as_bytes()[Z], event.data).any(is_metrics) {
        return;
    }
    if let Some(mut metrics) = event.find(METRICS) {
        reader.platform_usage(read_metrics(&mut metrics));
    }
}

fn read_metrics(metrics: &mut Cursor<'_>) -> ProviderUsage {
    let mut usage = ProviderUsage::new();
    metrics.object(|key, value| match key {
        b"inputTokenCount" => usage.input_tokens = value.count(),
        b"outputTokenCount" => usage.output_tokens = value.count(),
        b"cacheReadInputTokenCount" => usage.cache_read_tokens = value.count(),
        b"cacheWriteInputTokenCount" => usage.cache_creation_tokens = value.count(),
        _ => {}
    });
    usage
}
