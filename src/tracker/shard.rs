//! A shard: a part of the list behind one lock, so that a request is either active or ended, never both.

use http::{Method, StatusCode};
use tokio::time::Instant;

#[cfg(feature = "tracing")]
use super::log;
use super::{
    canceller::Canceller,
    counters::Counters,
    id::SlotRef,
    info::RequestInfo,
    outcome::{ErrorType, Outcome},
    row::Row,
    shard_state::ShardState,
    shared::TrackerShared,
    slot::Slot,
    texts::TextField,
};
use crate::{
    config::Secret,
    sync::{Arc, Mutex},
    usage::{Observation, Reading, Usage, UsageSource},
};

/// The parts of a guard.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) slot_ref: SlotRef,
    pub(crate) counters: Arc<Counters>,
    pub(crate) started: Instant,
}

/// A part of the list behind one lock.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) shared: Arc<TrackerShared>,
    state: Mutex<ShardState>,
}

impl Shard {
    pub(crate) fn new(shared: Arc<TrackerShared>, number: u32) -> Self {
        let state = ShardState::new(number, &shared.config);
        Self { shared, state: Mutex::new(state) }
    }

    /// Puts a request on the list. `None` when the shard is full, 16 million requests in flight.
    pub(crate) fn register(&self, method: &Method, path: &str, info: &RequestInfo<'_>) -> Option<Registered> {
        let started = Instant::now();
        let mut state = self.state.lock();
        let (slot_ref, slot) = state.occupy(method, &self.shared.redaction.shown(path), started)?;
        slot.describe(info, &self.shared.redaction);
        let registered = Registered { slot_ref, counters: Arc::clone(&slot.counters), started };
        drop(state);
        self.shared.listeners.changed();
        Some(registered)
    }

    /// Changes a request that is still in flight; `change` returns whether listeners should hear of it at once.
    fn change(&self, slot_ref: SlotRef, change: impl FnOnce(&mut Slot) -> bool) {
        let mut state = self.state.lock();
        let Some(slot) = state.find(slot_ref) else { return };
        let at_once = change(slot);
        if at_once {
            slot.revision = slot.revision.wrapping_add(1);
            state.changed();
        }
        drop(state);
        if at_once {
            self.shared.listeners.changed();
        }
    }

    pub(crate) fn describe(&self, slot_ref: SlotRef, info: &RequestInfo<'_>) {
        self.change(slot_ref, |slot| slot.describe(info, &self.shared.redaction));
    }

    /// Sets a text that the totals are not kept by.
    pub(crate) fn note(&self, slot_ref: SlotRef, field: TextField, text: &str) {
        self.change(slot_ref, |slot| slot.set(field, text, &self.shared.redaction) && field == TextField::Stage);
    }

    /// Hides a secret in what is told of a request from now on.
    pub(crate) fn hide(&self, slot_ref: SlotRef, secret: &Secret) {
        self.change(slot_ref, |slot| {
            slot.hide(secret.clone());
            false
        });
    }

    /// Sets labels.
    pub(crate) fn label<'a>(&self, slot_ref: SlotRef, labels: impl Iterator<Item = (&'a str, &'a str)>) {
        self.change(slot_ref, |slot| {
            labels.fold(false, |changed, (name, value)| {
                slot.data.texts.set_label(name, &self.shared.redaction.shown(value)) | changed
            })
        });
    }

    pub(crate) fn error_type(&self, slot_ref: SlotRef, error_type: ErrorType) {
        self.change(slot_ref, |slot| {
            slot.data.facts.error_type = Some(error_type);
            false
        });
    }

    /// Marks a request as turned away.
    pub(crate) fn refused(&self, slot_ref: SlotRef) {
        self.change(slot_ref, |slot| {
            slot.data.facts.is_refused = true;
            false
        });
    }

    pub(crate) fn request_bytes(&self, slot_ref: SlotRef, total: u64) {
        self.change(slot_ref, |slot| {
            slot.counters.request_bytes(total);
            false
        });
    }

    /// Says whether the client is waited for to send more of the request body.
    pub(crate) fn upload_pending(&self, slot_ref: SlotRef, yes: bool) {
        self.change(slot_ref, |slot| {
            slot.counters.upload_pending(yes);
            false
        });
    }

    /// Takes over the response head.
    pub(crate) fn head(
        &self,
        slot_ref: SlotRef,
        status: StatusCode,
        is_streaming: Option<bool>,
        observation: Observation,
    ) {
        self.change(slot_ref, |slot| {
            slot.data.facts.status = Some(status);
            slot.data.facts.is_streaming = is_streaming.or(slot.data.facts.is_streaming);
            slot.data.facts.observation = observation;
            true
        });
    }

    /// Takes over what the response has said so far.
    pub(crate) fn record(&self, slot_ref: SlotRef, reading: &Reading) {
        self.change(slot_ref, |slot| slot.record(reading, &self.shared.redaction));
    }

    /// Takes over what has been read of a held request besides its response body.
    pub(crate) fn held_reading(&self, slot_ref: SlotRef, reading: &Reading) {
        self.change(slot_ref, |slot| {
            slot.counters.set_own_text(reading.text_bytes);
            slot.record(reading, &self.shared.redaction)
        });
    }

    /// Takes over final numbers from the handler.
    pub(crate) fn own_usage(&self, slot_ref: SlotRef, usage: Usage) {
        self.change(slot_ref, |slot| {
            let facts = &mut slot.data.facts;
            (facts.usage, facts.source, facts.own.usage) = (usage, UsageSource::Reported, true);
            false
        });
    }

    /// Takes over a number of tool calls from the handler.
    pub(crate) fn own_tool_calls(&self, slot_ref: SlotRef, calls: u64) {
        self.change(slot_ref, |slot| {
            let facts = &mut slot.data.facts;
            (facts.tool_calls, facts.own.tool_calls) = (calls, true);
            false
        });
    }

    /// Takes over a finish reason from the handler.
    pub(crate) fn own_finish_reason(&self, slot_ref: SlotRef, reason: &str) {
        self.change(slot_ref, |slot| {
            slot.data.facts.own.finish_reason = true;
            slot.set(TextField::FinishReason, reason, &self.shared.redaction);
            false
        });
    }

    /// Counts text of the response that the handler tells of.
    pub(crate) fn own_text(&self, slot_ref: SlotRef, bytes: u64) {
        self.change(slot_ref, |slot| {
            slot.counters.add_own_text(bytes);
            bytes > 0 && slot.data.facts.token()
        });
    }

    /// Ends a request: off the list, into the totals and the history, in one step. Then tells those who asked to be told.
    /// `error_type`: what the response's head or trailers said, if they said anything.
    pub(crate) fn finish(&self, slot_ref: SlotRef, outcome: Outcome, error_type: Option<ErrorType>) {
        let shared = &*self.shared;
        let ended = Instant::now();
        let is_hooked = !shared.end_hooks.is_empty();
        #[cfg(feature = "tracing")]
        let is_logged = log::is_enabled();
        #[cfg(not(feature = "tracing"))]
        let is_logged = false;
        let mut state = self.state.lock();
        if state.is_held_beyond(slot_ref, outcome, error_type) {
            drop(state);
            return shared.listeners.changed();
        }
        let Some(request) = state.retire(slot_ref, outcome, error_type, ended, shared) else { return };
        #[cfg(feature = "tracing")]
        let summary = is_logged.then(|| shared.summary(request)).flatten();
        let told = (is_hooked || is_logged).then(|| request.clone());
        drop(state);
        shared.listeners.changed();
        if let Some(request) = told {
            #[cfg(feature = "tracing")]
            log::ended(&request, &shared.keys);
            if is_hooked {
                shared.end_hooks.call(&request.to_entry(&shared.clock, &shared.keys));
            }
        }
        #[cfg(feature = "tracing")]
        if let Some((requests, errors)) = summary {
            log::summary(requests, errors);
        }
    }

    /// Adds a guard that holds the request.
    pub(crate) fn hold(&self, slot_ref: SlotRef) {
        self.change(slot_ref, |slot| {
            slot.hold.guards += 1;
            false
        });
    }

    /// Counts bytes that have passed besides the response body.
    pub(crate) fn held_bytes(&self, slot_ref: SlotRef, bytes: u64) {
        self.change(slot_ref, |slot| {
            slot.counters.add_held_bytes(bytes, slot.data.facts.started.elapsed());
            false
        });
    }

    /// Removes a guard that holds the request. The last one ends it if its response has ended.
    pub(crate) fn release(&self, slot_ref: SlotRef, outcome: Option<Outcome>) {
        let end = self.with_state(|state| {
            let hold = &mut state.find(slot_ref)?.hold;
            hold.guards = hold.guards.saturating_sub(1);
            hold.outcome = hold.outcome.or(outcome);
            hold.response.filter(|_| hold.guards == 0)
        });
        if let Some((outcome, error_type)) = end {
            self.finish(slot_ref, outcome, error_type);
        }
    }

    /// Adds to what can cancel the request.
    pub(crate) fn register_canceller(&self, slot_ref: SlotRef, canceller: &std::sync::Arc<dyn Canceller>) {
        self.change(slot_ref, |slot| {
            slot.cancellers.push(std::sync::Arc::clone(canceller));
            false
        });
    }

    /// Returns the cancellers of a request.
    pub(crate) fn cancellers(&self, slot_ref: SlotRef) -> Vec<std::sync::Arc<dyn Canceller>> {
        self.with_state(|state| state.find(slot_ref).map(|slot| slot.cancellers.clone()).unwrap_or_default())
    }

    /// Whether the request is still in flight.
    pub(crate) fn is_live(&self, slot_ref: SlotRef) -> bool {
        self.with_state(|state| state.find(slot_ref).is_some())
    }

    /// One row; `None` when its request has ended.
    pub(crate) fn row(&self, slot_ref: SlotRef) -> Option<Row> {
        let shared = &*self.shared;
        let now = Instant::now();
        self.with_state(|state| {
            state.find(slot_ref)?;
            Some(state.with_row(slot_ref.slot as usize, shared, |row, _| shared.to_row(&row, now)))
        })
    }

    /// Counts the changes of the list.
    pub(crate) fn version(&self) -> u64 {
        self.state.lock().version()
    }

    /// Calls `f` under the lock.
    pub(crate) fn with_state<R>(&self, f: impl FnOnce(&mut ShardState) -> R) -> R {
        f(&mut self.state.lock())
    }
}
