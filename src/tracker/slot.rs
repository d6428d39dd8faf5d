//! A place on the list: what is known of one request, in buffers that the next one uses again.

use super::{
    counters::Counters,
    info::RequestInfo,
    keys::Key,
    outcome::ErrorType,
    texts::{Text, Texts},
};
use crate::{
    sync::Arc,
    usage::{Observation, ProviderUsage, Usage, UsageSource},
};
use http::{Method, StatusCode};
use std::time::Duration;
use tokio::time::Instant;

/// What is known of a request besides its texts and its counters.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) method: Method,
    pub(crate) started: Instant,
    /// Since the start.
    pub(crate) first_token: Option<Duration>,
    /// Of the response, once its head has come.
    pub(crate) status: Option<StatusCode>,
    pub(crate) is_streaming: Option<bool>,
    pub(crate) message_count: u32,
    pub(crate) tool_uses: u32,
    pub(crate) tool_results: u32,
    pub(crate) tool_calls: u64,
    pub(crate) usage: Usage,
    pub(crate) provider_usage: ProviderUsage,
    pub(crate) source: UsageSource,
    /// Bytes of text that had passed when the provider last reported: what has come since is not in its numbers.
    pub(crate) text_reported: u64,
    pub(crate) observation: Observation,
    /// What kind of error it is, where whoever saw it knows better than the outcome tells.
    pub(crate) error_type: Option<ErrorType>,
}

impl Default for Facts {
    fn default() -> Self {
        Self::new(Method::GET, Instant::now())
    }
}

impl Facts {
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
            text_reported: 0,
            observation: Observation::Full,
            error_type: None,
        }
    }

    /// The numbers so far: what the provider has reported, and an estimate of the output that has come since.
    pub(crate) fn usage(&self, text_bytes: u64, estimate: impl FnOnce(u64) -> u64) -> (Usage, UsageSource) {
        let unreported = text_bytes.saturating_sub(self.text_reported);
        if self.source == UsageSource::Reported || unreported == 0 {
            return (self.usage, self.source);
        }
        let output_tokens = self.usage.output_tokens.saturating_add(estimate(unreported));
        (Usage { output_tokens, ..self.usage }, self.source.max(UsageSource::Estimated))
    }
}

/// What is known of a request; goes over from the list to the history when it ends.
#[derive(Debug, Default)]
pub(crate) struct Data {
    pub(crate) facts: Facts,
    pub(crate) texts: Texts,
}

impl Clone for Data {
    fn clone(&self) -> Self {
        let mut data = Self::default();
        data.clone_from(self);
        data
    }

    fn clone_from(&mut self, other: &Self) {
        self.facts.clone_from(&other.facts);
        self.texts.copy_from(&other.texts);
    }
}

#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) generation: u32,
    pub(crate) live: bool,
    /// Moves on when a text, or a fact that changes seldom, differs: what encodes rows keeps the unchanging part by it.
    pub(crate) revision: u32,
    /// The key of the totals, once it has been asked for since the names last changed.
    pub(crate) key: Option<Key>,
    pub(crate) data: Box<Data>,
    pub(crate) counters: Arc<Counters>,
}

impl Slot {
    pub(crate) fn new(generation: u32) -> Self {
        Self { generation, live: false, revision: 0, key: None, data: Box::default(), counters: Arc::default() }
    }

    /// A request takes the place.
    pub(crate) fn occupy(&mut self, method: &Method, path: &str, info: &RequestInfo<'_>, started: Instant) {
        self.live = true;
        self.revision = 0;
        self.key = None;
        self.data.facts = Facts::new(method.clone(), started);
        self.data.texts.begin(path);
        self.describe(info);
        self.counters.reset();
    }

    pub(crate) fn set(&mut self, which: Text, text: &str) -> bool {
        let changed = self.data.texts.set(which, text);
        if changed && which.is_name() {
            self.key = None;
        }
        changed
    }

    pub(crate) fn describe(&mut self, info: &RequestInfo<'_>) -> bool {
        let mut changed = false;
        for (which, text) in
            [(Text::Provider, &info.provider), (Text::Requested, &info.model), (Text::Resolved, &info.resolved_model)]
        {
            if let Some(text) = text {
                changed |= self.set(which, text);
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
