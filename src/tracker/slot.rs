//! The slot of one request: what is known of it, in buffers that the next one uses again.

use std::{borrow::Cow, sync::Arc as StdArc, time::Duration};

use http::{Method, StatusCode};
use tokio::time::Instant;

use super::{
    bytes_per_token::{BytesPerToken, estimate},
    canceller::Canceller,
    clock::nanos,
    counters::Counters,
    info::RequestInfo,
    keys::{Key, Keys, LocalKeys},
    outcome::{ErrorType, Outcome},
    redaction::{Redaction, without_controls},
    texts::{TextField, Texts},
};
use crate::{
    config::Secret,
    cost::Cost,
    sync::Arc,
    usage::{Observation, ProviderUsage, Reading, Usage, UsageSource},
};

/// The facts of a request besides its texts and its counters.
#[derive(Clone, Debug)]
pub(crate) struct RowFacts {
    pub(crate) method: Method,
    pub(crate) started: Instant,
    /// Since the start.
    pub(crate) first_token: Option<Duration>,
    /// The status of the response, once its head has come.
    pub(crate) status: Option<StatusCode>,
    pub(crate) is_streaming: Option<bool>,
    pub(crate) message_count: u32,
    pub(crate) tool_uses: u32,
    pub(crate) tool_results: u32,
    pub(crate) tool_calls: u64,
    pub(crate) usage: Usage,
    pub(crate) provider_usage: ProviderUsage,
    pub(crate) source: UsageSource,
    /// The cost of an ended request, where it is known.
    pub(crate) cost: Option<Cost>,
    /// Bytes of text that had passed when the provider last reported: what has come since is not in its numbers.
    pub(crate) text_reported: u64,
    /// The bytes of text per token that the request's estimates are made with, from the first on: the model's ratio moves with every request that
    /// ends, and only bytes of its own may move a row.
    bytes_per_token: Option<f32>,
    pub(crate) observation: Observation,
    /// The type of error that the handler or the service has named, which goes before the outcome's own.
    pub(crate) error_type: Option<ErrorType>,
    /// The numbers that the handler has reported.
    pub(crate) own: OwnReport,
    /// The handler has turned the request away.
    pub(crate) is_refused: bool,
    /// The response has ended, and the request is held.
    pub(crate) outlives_response: bool,
}

/// The values that the handler has reported itself. The body's meter does not replace them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OwnReport {
    pub(crate) usage: bool,
    pub(crate) tool_calls: bool,
    pub(crate) finish_reason: bool,
}

impl RowFacts {
    fn new(method: Method, started: Instant) -> Self {
        Self {
            method,
            started,
            first_token: None,
            status: None,
            is_streaming: None,
            message_count: 0,
            tool_uses: 0,
            tool_results: 0,
            tool_calls: 0,
            usage: Usage::default(),
            provider_usage: ProviderUsage::default(),
            source: UsageSource::None,
            cost: None,
            text_reported: 0,
            bytes_per_token: None,
            observation: Observation::Full,
            error_type: None,
            own: OwnReport::default(),
            is_refused: false,
            outlives_response: false,
        }
    }

    /// Notes that there is a token. Returns whether it is the first.
    pub(crate) fn token(&mut self) -> bool {
        let first = self.first_token.is_none();
        if first {
            self.first_token = Some(self.started.elapsed());
        }
        first
    }

    /// The time to the first token of an answer that was streamed, in nanoseconds: elsewhere the first token is the whole answer.
    pub(crate) fn streamed_first_token(&self) -> Option<u64> {
        self.first_token.filter(|_| self.is_streaming == Some(true)).map(nanos)
    }

    /// The outcome of the request, by that of its response.
    pub(crate) fn outcome(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Killed | Outcome::Panicked => outcome,
            _ if self.is_refused => Outcome::Refused,
            _ => outcome,
        }
    }

    /// The numbers so far: what the provider has reported, and an estimate of the output that has come since.
    pub(crate) fn usage(&mut self, text_bytes: u64, ratio: &BytesPerToken) -> (Usage, UsageSource) {
        let unreported = text_bytes.saturating_sub(self.text_reported);
        if self.source == UsageSource::Reported || unreported == 0 {
            return (self.usage, self.source);
        }
        let ratio = *self.bytes_per_token.get_or_insert_with(|| ratio.get());
        let output_tokens = self.usage.output_tokens.saturating_add(estimate(unreported, ratio));
        (Usage { output_tokens, ..self.usage }, self.source.max(UsageSource::Estimated))
    }
}

/// All that is known of a request besides its counters. It moves from the slot to the history when the request ends.
#[derive(Debug)]
pub(crate) struct RequestData {
    pub(crate) facts: RowFacts,
    pub(crate) texts: Texts,
}

impl Clone for RequestData {
    fn clone(&self) -> Self {
        Self { facts: self.facts.clone(), texts: self.texts.clone() }
    }

    fn clone_from(&mut self, other: &Self) {
        self.facts.clone_from(&other.facts);
        self.texts.clone_from(&other.texts);
    }
}

/// The place of one request in its shard, with buffers that the next one uses again.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) generation: u32,
    pub(crate) live: bool,
    /// Incremented when a text or a rarely changing fact changes; the encoder caches the row's static part under it.
    pub(crate) revision: u32,
    /// The key of the totals, once it has been asked for since the names last changed.
    key: Option<Key>,
    pub(crate) data: Box<RequestData>,
    pub(crate) counters: Arc<Counters>,
    /// The layers that can cancel the request.
    pub(crate) cancellers: Vec<StdArc<dyn Canceller>>,
    pub(crate) hold: Hold,
    /// Secrets of this request alone.
    hidden: Option<Box<Redaction>>,
}

/// Whether and how long the request outlives its response.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hold {
    /// The guards that hold it.
    pub(crate) guards: u32,
    /// The end of the response, if it has come before that of the last guard.
    pub(crate) response: Option<(Outcome, Option<ErrorType>)>,
    /// The outcome that a guard has given.
    pub(crate) outcome: Option<Outcome>,
}

impl Slot {
    /// A slot with its first request.
    pub(crate) fn new(generation: u32, method: &Method, path: &str, started: Instant) -> Self {
        let mut texts = Texts::default();
        texts.begin(path);
        let data = Box::new(RequestData { facts: RowFacts::new(method.clone(), started), texts });
        Self {
            generation,
            live: true,
            revision: 0,
            key: None,
            data,
            counters: Arc::default(),
            cancellers: Vec::new(),
            hold: Hold::default(),
            hidden: None,
        }
    }

    /// Gives the slot to the next request.
    pub(crate) fn occupy(&mut self, method: &Method, path: &str, started: Instant) {
        self.live = true;
        self.revision = 0;
        self.key = None;
        self.data.facts = RowFacts::new(method.clone(), started);
        self.data.texts.begin(path);
        self.counters.reset();
        self.hold = Hold::default();
        self.hidden = None;
    }

    /// The key of the totals, by what is known of the request now.
    pub(crate) fn key(&mut self, local: &mut LocalKeys, keys: &Keys) -> Key {
        *self.key.get_or_insert_with(|| local.of(&self.data.texts, keys))
    }

    /// Hides a secret in the texts that are set from now on.
    pub(crate) fn hide(&mut self, secret: Secret) {
        self.hidden.get_or_insert_default().add(secret);
    }

    /// Sets a text. Returns whether it differs from what it was.
    pub(crate) fn set(&mut self, field: TextField, text: &str, redaction: &Redaction) -> bool {
        let shown;
        let text = if field != TextField::Error && redaction.is_empty() && self.hidden.is_none() {
            text
        } else {
            shown = self.shown(field, text, redaction);
            &shown
        };
        let changed = self.data.texts.set(field, text);
        if changed && field.is_name() {
            self.key = None;
        }
        changed
    }

    /// The part of a text that is shown.
    #[inline(never)]
    fn shown<'a>(&self, field: TextField, text: &'a str, redaction: &Redaction) -> Cow<'a, str> {
        let mut text = redaction.shown(text);
        if let Some(hidden) = &self.hidden {
            text = Cow::Owned(hidden.shown(&text).into_owned());
        }
        if field == TextField::Error {
            text = Cow::Owned(without_controls(&text).into_owned());
        }
        text
    }

    /// Takes over a reading. Returns whether it brings the first token.
    pub(crate) fn record(&mut self, reading: &Reading, redaction: &Redaction) -> bool {
        let own = self.data.facts.own;
        let finish_reason = reading.finish_reason.as_ref().filter(|_| !own.finish_reason);
        for (field, text) in [
            (TextField::Answering, reading.model.as_ref()),
            (TextField::FinishReason, finish_reason),
            (TextField::Error, reading.error.as_ref()),
        ] {
            if let Some(text) = text {
                self.set(field, text, redaction);
            }
        }
        let facts = &mut self.data.facts;
        facts.observation = reading.observation;
        if !own.tool_calls {
            facts.tool_calls = reading.tool_calls;
        }
        let is_new = facts.provider_usage != reading.provider_usage;
        facts.provider_usage = reading.provider_usage;
        if !own.usage {
            if is_new {
                facts.text_reported = self.counters.own_text_bytes().unwrap_or(reading.text_bytes);
            }
            facts.usage = reading.usage;
            facts.source = reading.source;
        }
        reading.text_bytes > 0 && facts.token()
    }

    /// Takes over what is said in `info`. Returns whether anything differs from what it was.
    pub(crate) fn describe(&mut self, info: &RequestInfo<'_>, redaction: &Redaction) -> bool {
        let mut changed = false;
        for (field, text) in [
            (TextField::Route, &info.route),
            (TextField::Caller, &info.caller),
            (TextField::Provider, &info.provider),
            (TextField::Requested, &info.model),
            (TextField::Resolved, &info.resolved_model),
        ] {
            if let Some(text) = text {
                changed |= self.set(field, text, redaction);
            }
        }
        if info.is_streaming.is_some() && info.is_streaming != self.data.facts.is_streaming {
            self.data.facts.is_streaming = info.is_streaming;
            changed = true;
        }
        for (fact, told) in [
            (&mut self.data.facts.message_count, info.message_count),
            (&mut self.data.facts.tool_uses, info.tool_uses),
            (&mut self.data.facts.tool_results, info.tool_results),
        ] {
            if let Some(told) = told {
                changed |= *fact != told;
                *fact = told;
            }
        }
        changed
    }
}
