//! The native streams of models that only Bedrock serves (InvokeModelWithResponseStream): Titan, Llama, Mistral, Cohere's
//! older ones. Their last event carries Bedrock's own counts, as it does for every model.

use std::borrow::Cow;

use super::super::event_facts::EventFacts;
use super::super::normalise::Counting;
use super::super::tool::ToolCalls;
use super::{Dialect, Event, Merge};
use crate::json::Cursor;
use crate::usage::ProviderUsage;

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| {
        ["outputText", "generation", "is_finished", "outputs", METRICS].iter().any(|key| event.member(key).is_some())
    },
    read,
    read_tail: |event, said| said.read_usage_of_tail(event.data, METRICS, read_metrics),
    // Llama counts the prompt in the first event only.
    merge: Merge::Overlay,
    counting: Counting::CacheApart,
};

/// Where Bedrock adds its counts to the last event of any model.
pub(in crate::usage) const METRICS: &str = "amazon-bedrock-invocationMetrics";

pub(super) fn read<'a>(event: &Event<'a>, said: &mut EventFacts<'a>, _calls: &mut ToolCalls) -> bool {
    let mut usage = ProviderUsage::default();
    let is_read = event.members(|key, value| match key {
        b"outputText" | b"generation" | b"text" => said.add_text(value.text()),
        b"results" => value.array(|result| {
            result.object(|key, value| match key {
                b"outputText" => said.add_text(value.text()),
                b"tokenCount" => usage.output_tokens = value.count(),
                b"completionReason" => read_reason(value, said),
                _ => {}
            });
        }),
        b"outputs" => value.array(|output| {
            output.object(|key, value| match key {
                b"text" => said.add_text(value.text()),
                b"stop_reason" => read_reason(value, said),
                _ => {}
            });
        }),
        b"completionReason" | b"stop_reason" | b"finish_reason" => read_reason(value, said),
        b"inputTextTokenCount" | b"prompt_token_count" => usage.input_tokens = value.count(),
        b"totalOutputTextTokenCount" | b"generation_token_count" => usage.output_tokens = value.count(),
        _ => {}
    });
    said.usage = Some(usage);
    is_read
}

/// Not every finish reason is the end: one of several generations may have finished. The metrics are.
fn read_reason<'a>(value: &mut Cursor<'a>, said: &mut EventFacts<'a>) {
    let reason: Option<Cow<'a, str>> = value.word();
    said.finish_reason = reason.or(said.finish_reason.take());
}

/// Bedrock's counts.
pub(in crate::usage) fn read_metrics(metrics: &mut Cursor<'_>) -> ProviderUsage {
    let mut said = ProviderUsage::default();
    metrics.object(|key, value| match key {
        b"inputTokenCount" => said.input_tokens = value.count(),
        b"outputTokenCount" => said.output_tokens = value.count(),
        b"cacheReadInputTokenCount" => said.cache_read_tokens = value.count(),
        b"cacheWriteInputTokenCount" => said.cache_creation_tokens = value.count(),
        _ => {}
    });
    said
}
