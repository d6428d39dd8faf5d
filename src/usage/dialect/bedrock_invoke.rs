//! The native events and documents of models that only Bedrock serves (InvokeModel): Titan, Llama, Mistral, Cohere's older
//! ones. Bedrock's own counts, which it adds to those of every model, are read where its messages are unwrapped.

use super::{
    Dialect,
    document::{Document, Mark},
    request::{RequestForm, RequestKey, bedrock_path},
};
use crate::{
    json::Cursor,
    usage::{
        counts::ProviderUsage,
        event::ResponseEvent,
        event_facts::EventFacts,
        normalise::{Counting, Merge},
    },
};

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| ["outputText", "generation", "is_finished", "outputs"].iter().any(|key| event.find(key).is_some()),
    read,
    // Messages are read whole or not at all.
    read_tail: |_, _| {},
    document: Some(Document {
        marks: &[Mark::Has(b"inputTextTokenCount"), Mark::Has(b"generation"), Mark::Has(b"outputs")],
        read,
    }),
    request: RequestForm {
        path: Some(|path| {
            let operations = [("invoke", false), ("invoke-with-response-stream", true), ("count-tokens", false)];
            bedrock_path(path, &operations)
        }),
        keys: &[(b"prompt", RequestKey::Prompt)],
    },
    // Llama counts the prompt in the first event only.
    merge: Merge::Overlay,
    counting: Counting::CacheApart,
};

fn read<'a>(event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    let mut usage = ProviderUsage::new();
    let is_read = event.members(|key, value| match key {
        b"outputText" | b"generation" | b"text" => facts.add_text(value.text()),
        b"results" => value.array(|result| {
            result.object(|key, value| match key {
                b"outputText" => facts.add_text(value.text()),
                b"tokenCount" => usage.output_tokens = value.count(),
                b"completionReason" => read_reason(value, facts),
                _ => {}
            });
        }),
        b"outputs" => value.array(|output| {
            output.object(|key, value| match key {
                b"text" => facts.add_text(value.text()),
                b"stop_reason" => read_reason(value, facts),
                _ => {}
            });
        }),
        b"completionReason" | b"stop_reason" | b"finish_reason" => read_reason(value, facts),
        b"inputTextTokenCount" | b"prompt_token_count" => usage.input_tokens = value.count(),
        b"totalOutputTextTokenCount" | b"generation_token_count" => usage.output_tokens = value.count(),
        _ => {}
    });
    facts.usage = Some(usage);
    is_read
}

/// Reads a finish reason, which is not always the end: one of several generations may have finished. Bedrock's counts are.
fn read_reason<'a>(value: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    facts.finish_reason = value.word().or(facts.finish_reason.take());
}
