//! A reading as it grows, and all that has to be remembered from event to event to get it right.

use std::borrow::Cow;

use super::{
    counts::ProviderUsage,
    event_facts::EventFacts,
    kept_words,
    normalise::{Counting, Merge},
    reading::{EndMark, Observation, Reading, UsageSource},
    tool::ToolCalls,
};

/// The reading of one response, and its memory.
#[derive(Debug, Default)]
pub(super) struct ResponseRecord {
    pub(super) reading: Reading,
    /// By its status the response is an error.
    pub(super) has_failed: bool,
    calls: ToolCalls,
    /// The numbers so far are sent ahead of the final ones.
    usage_is_interim: bool,
    /// The platform that runs the model has reported its own counts: the model's do not count any more.
    platform_has_reported: bool,
}

impl ResponseRecord {
    pub(super) fn new(has_failed: bool) -> Self {
        Self { has_failed, ..Self::default() }
    }

    /// Returns facts without any, to be filled in with those of the next event.
    pub(super) fn begin_event<'a>(&mut self) -> EventFacts<'a> {
        EventFacts { calls: std::mem::take(&mut self.calls), ..EventFacts::default() }
    }

    /// Takes back the facts of an event that could not be read.
    pub(super) fn discard(&mut self, facts: EventFacts<'_>) {
        self.calls = facts.calls;
    }

    /// Takes over the facts of an event that has brought `bytes` of text and nothing else.
    #[inline]
    pub(super) fn add_text_event(&mut self, bytes: u64) {
        self.reading.events += 1;
        self.reading.text_bytes = self.reading.text_bytes.saturating_add(bytes);
    }

    /// Takes over the facts of an event. Returns whether they change anything but the count of text.
    pub(super) fn apply(&mut self, facts: &mut EventFacts<'_>, merge: Merge, counting: Counting) -> bool {
        self.calls = std::mem::take(&mut facts.calls);
        let reading = &mut self.reading;
        reading.text_bytes = reading.text_bytes.saturating_add(facts.text.bytes).saturating_add(facts.other_text_bytes);
        let mut changed = replace(&mut reading.model, facts.model.take());
        changed |= replace(&mut reading.finish_reason, facts.finish_reason.take());
        changed |= replace(&mut reading.error, facts.error.take());
        if facts.tool_calls > 0 || facts.server_tool_calls > 0 {
            reading.tool_calls = reading.tool_calls.saturating_add(facts.tool_calls);
            reading.server_tool_calls = reading.server_tool_calls.saturating_add(facts.server_tool_calls);
            changed = true;
        }
        if facts.ended && reading.end != EndMark::Seen {
            reading.end = EndMark::Seen;
            changed = true;
        }
        let source = reading.source;
        if let Some(reported) = facts.usage
            && !reported.is_empty()
            && !self.platform_has_reported
        {
            let usage = merge.apply(reading.provider_usage, reported);
            changed |= usage != reading.provider_usage;
            self.set_usage(usage, counting);
            self.usage_is_interim = facts.usage_is_interim;
        }
        self.settle_source();
        changed |= source != self.reading.source;
        if changed {
            self.note_change();
        }
        changed
    }

    /// Takes over the counts of the platform that runs the model, where it reports its own. They are final, and each takes the
    /// place of the model's; `counting` is the model's way of counting.
    pub(super) fn apply_platform_usage(&mut self, reported: ProviderUsage, counting: Counting) {
        let model = self.reading.provider_usage;
        let mut usage = model.overlaid_with(reported);
        if (usage.input_tokens, usage.output_tokens) != (model.input_tokens, model.output_tokens) {
            // The model's sum is one of other numbers.
            usage.total_tokens = reported.total_tokens;
        }
        let says_cache = reported.cache_read_tokens.or(reported.cache_creation_tokens).is_some();
        self.set_usage(usage, if says_cache { Counting::CacheApart } else { counting });
        self.usage_is_interim = false;
        self.platform_has_reported = !reported.is_empty();
        self.reading.end = EndMark::Seen;
        self.settle_source();
        self.note_change();
    }

    pub(super) fn fail(&mut self, error: Cow<'_, str>) {
        if replace(&mut self.reading.error, Some(error)) {
            self.note_change();
        }
    }

    /// Notes that the stream's own end mark has come.
    pub(super) fn end(&mut self) {
        if self.reading.end != EndMark::Seen {
            self.reading.end = EndMark::Seen;
            self.settle_source();
            self.note_change();
        }
    }

    /// Notes that there is to be an end mark.
    pub(super) fn await_end(&mut self) {
        if self.reading.end == EndMark::Unmarked {
            self.reading.end = EndMark::Awaited;
            self.note_change();
        }
    }

    pub(super) fn set_observation(&mut self, observation: Observation) {
        if self.reading.observation != observation {
            self.reading.observation = observation;
            self.note_change();
        }
    }

    fn note_change(&mut self) {
        self.reading.revision = self.reading.revision.wrapping_add(1);
    }

    fn set_usage(&mut self, usage: ProviderUsage, counting: Counting) {
        self.reading.provider_usage = usage;
        self.reading.usage = counting.normalise(&usage);
    }

    /// Numbers are final once the stream has said that it is at its end, be it before it gave them or after.
    fn settle_source(&mut self) {
        self.reading.source = if self.reading.provider_usage.is_empty() {
            UsageSource::None
        } else if self.usage_is_interim || self.reading.end != EndMark::Seen {
            UsageSource::Partial
        } else {
            UsageSource::Reported
        };
    }
}

/// Takes over a text if it is a new one; returns whether it is.
pub(super) fn replace(kept: &mut Option<String>, new: Option<Cow<'_, str>>) -> bool {
    match new {
        Some(new) if kept.as_deref() != Some(&new) => {
            *kept = Some(kept_words::kept(&new).to_owned());
            true
        }
        _ => false,
    }
}
