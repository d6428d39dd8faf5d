//! A shard: a part of the list behind one lock, so that a request is either active or ended, never both.

use http::{Method, StatusCode};
use tokio::time::Instant;

#[cfg(feature = "tracing")]
use super::log::FinishedRequest;
use super::{
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
    sync::{Arc, Mutex},
    usage::{Observation, Reading},
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
        let (slot_ref, slot) = state.occupy(method, path, started)?;
        slot.describe(info);
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
        self.change(slot_ref, |slot| slot.describe(info));
    }

    /// Sets a text that the totals are not kept by.
    pub(crate) fn note(&self, slot_ref: SlotRef, field: TextField, text: &str) {
        self.change(slot_ref, |slot| slot.set(field, text) && field == TextField::Stage);
    }

    pub(crate) fn error_type(&self, slot_ref: SlotRef, error_type: ErrorType) {
        self.change(slot_ref, |slot| {
            slot.data.facts.error_type = Some(error_type);
            false
        });
    }

    pub(crate) fn request_bytes(&self, slot_ref: SlotRef, total: u64) {
        self.change(slot_ref, |slot| {
            slot.counters.request_bytes(total);
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
        self.change(slot_ref, |slot| {
            for (field, text) in [
                (TextField::Answering, &reading.model),
                (TextField::FinishReason, &reading.finish_reason),
                (TextField::Error, &reading.error),
            ] {
                if let Some(text) = text {
                    slot.set(field, text);
                }
            }
            let facts = &mut slot.data.facts;
            facts.tool_calls = reading.tool_calls;
            if facts.provider_usage != reading.provider_usage {
                facts.provider_usage = reading.provider_usage;
                facts.text_reported = reading.text_bytes;
            }
            facts.usage = reading.usage;
            facts.source = reading.source;
            facts.observation = reading.observation;
            let first = reading.text_bytes > 0 && facts.first_token.is_none();
            if first {
                facts.first_token = Some(facts.started.elapsed());
            }
            first
        });
    }

    /// Ends a request: off the list, into the totals and the history, in one step.
    pub(crate) fn finish(&self, slot_ref: SlotRef, outcome: Outcome) {
        let shared = &*self.shared;
        let ended = Instant::now();
        let mut state = self.state.lock();
        let Some(request) = state.retire(slot_ref, outcome, ended, shared) else { return };
        #[cfg(feature = "tracing")]
        let log = FinishedRequest::new(request, &shared.keys, shared.summary(request.end.seq));
        #[cfg(not(feature = "tracing"))]
        let _ = request;
        drop(state);
        shared.listeners.changed();
        #[cfg(feature = "tracing")]
        log.emit();
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
