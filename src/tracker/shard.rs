//! A part of the registry: slots, totals and history behind one lock, so that a request is either active or ended, never both.

use super::{
    at,
    change::Listeners,
    clock::Clock,
    counters::{Counters, Counts},
    history::{Record, Ring},
    id::{MAX_SLOTS, Place, RequestId},
    info::RequestInfo,
    keys::{Key, Keys, LocalKeys},
    outcome::{ErrorType, Outcome},
    row::Row,
    slot::{Facts, Slot},
    texts::{Text, Texts},
    totals::KeyTotals,
};
use crate::{
    config::TrackerConfig,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    usage::{Observation, Reading, Usage, UsageSource},
};
use http::{Method, StatusCode};
use tokio::time::Instant;

/// What all shards share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: TrackerConfig,
    pub(crate) epoch: u32,
    pub(crate) clock: Clock,
    pub(crate) listeners: Listeners,
    pub(crate) keys: Keys,
    /// Traces and errors are numbered across the shards, which is how they are merged.
    pub(crate) traces: AtomicU64,
    pub(crate) errors: AtomicU64,
}

/// What a guard is made of.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) place: Place,
    pub(crate) counters: Arc<Counters>,
    pub(crate) started: Instant,
}

/// A row as it stands, looked at under its shard's lock.
#[derive(Debug)]
pub(crate) struct LiveRow<'a> {
    pub(crate) id: RequestId,
    #[cfg_attr(not(feature = "monitor"), expect(dead_code, reason = "read by the monitor alone"))]
    pub(crate) revision: u32,
    pub(crate) facts: &'a Facts,
    pub(crate) texts: &'a Texts,
    pub(crate) counts: Counts,
    pub(crate) usage: Usage,
    pub(crate) source: UsageSource,
}

/// What a listener is told of a request that ended while it listened.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "monitor"), expect(dead_code, reason = "read by the monitor alone"))]
pub(crate) struct Ended {
    pub(crate) id: RequestId,
    pub(crate) outcome: Outcome,
    pub(crate) status: Option<StatusCode>,
    pub(crate) duration_ms: u64,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    /// Provider, model and path; left out when more have ended than are kept with their names.
    pub(crate) names: Option<Box<[String; 3]>>,
}

/// Who asked for ends to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EndsReader(pub(crate) u64);

/// Ends kept with their names between two looks; the others keep their numbers only.
const MAX_NAMED_ENDS: usize = 1000;

#[derive(Debug)]
pub(crate) struct ShardState {
    number: u32,
    version: u64,
    live: usize,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// The generation that a slot begins with, above that of any slot that has been given back.
    first_generation: u32,
    keys: LocalKeys,
    totals: Vec<KeyTotals>,
    traces: Ring,
    errors: Ring,
    /// What has ended since each reader last looked.
    ends: Vec<(EndsReader, Vec<Ended>)>,
}

#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) shared: Arc<Shared>,
    state: Mutex<ShardState>,
}

impl Shard {
    pub(crate) fn new(shared: Arc<Shared>, number: u32) -> Self {
        let state = ShardState {
            number,
            version: 0,
            live: 0,
            slots: Vec::new(),
            free: Vec::new(),
            first_generation: 0,
            keys: LocalKeys::default(),
            totals: Vec::new(),
            traces: Ring::new(shared.config.max_traces),
            errors: Ring::new(shared.config.max_errors),
            ends: Vec::new(),
        };
        Self { shared, state: Mutex::new(state) }
    }

    /// Puts a request on the list. `None` when the shard is full, 16 million requests in flight.
    pub(crate) fn register(&self, method: &Method, path: &str, info: &RequestInfo<'_>) -> Option<Registered> {
        let started = Instant::now();
        let mut state = self.state.lock();
        let index = state.take_slot()?;
        state.live += 1;
        state.version += 1;
        let shard = state.number;
        let slot = &mut state.slots[index as usize];
        slot.occupy(method, path, info, started);
        let registered = Registered {
            place: Place { shard, slot: index, generation: slot.generation },
            counters: Arc::clone(&slot.counters),
            started,
        };
        drop(state);
        self.shared.listeners.changed();
        Some(registered)
    }

    /// Changes a row that is still there; `change` says whether listeners should hear of it at once.
    fn change(&self, place: Place, change: impl FnOnce(&mut Slot) -> bool) {
        let mut state = self.state.lock();
        let Some(slot) = state.find(place) else { return };
        let at_once = change(slot);
        if at_once {
            slot.revision = slot.revision.wrapping_add(1);
            state.version += 1;
        }
        drop(state);
        if at_once {
            self.shared.listeners.changed();
        }
    }

    pub(crate) fn describe(&self, place: Place, info: &RequestInfo<'_>) {
        self.change(place, |slot| slot.describe(info));
    }

    /// Sets a text that is no name.
    pub(crate) fn note(&self, place: Place, which: Text, text: &str) {
        self.change(place, |slot| slot.set(which, text) && which == Text::Stage);
    }

    pub(crate) fn error_type(&self, place: Place, error_type: ErrorType) {
        self.change(place, |slot| {
            slot.data.facts.error_type = Some(error_type);
            false
        });
    }

    pub(crate) fn request_bytes(&self, place: Place, total: u64) {
        self.change(place, |slot| {
            slot.counters.request_bytes(total);
            false
        });
    }

    /// The response head has come.
    pub(crate) fn head(&self, place: Place, status: StatusCode, is_streaming: Option<bool>, observation: Observation) {
        self.change(place, |slot| {
            slot.data.facts.status = Some(status);
            slot.data.facts.is_streaming = is_streaming.or(slot.data.facts.is_streaming);
            slot.data.facts.observation = observation;
            true
        });
    }

    /// What the response has said so far.
    pub(crate) fn record(&self, place: Place, reading: &Reading) {
        self.change(place, |slot| {
            for (which, text) in [
                (Text::Answering, &reading.model),
                (Text::FinishReason, &reading.finish_reason),
                (Text::Error, &reading.error),
            ] {
                if let Some(text) = text {
                    slot.set(which, text);
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

    /// Lets go of a request: off the list, into the totals and the history, in one step.
    pub(crate) fn finish(&self, place: Place, outcome: Outcome) {
        let shared = &*self.shared;
        let ended = Instant::now();
        let mut state = self.state.lock();
        let Some(record) = state.retire(place, outcome, ended, shared) else { return };
        #[cfg(feature = "tracing")]
        let log = super::log::FinishedRequest::of(record, shared);
        #[cfg(not(feature = "tracing"))]
        let _ = record;
        drop(state);
        shared.listeners.changed();
        #[cfg(feature = "tracing")]
        log.emit();
    }

    /// One row; `None` when it has gone.
    pub(crate) fn row(&self, place: Place) -> Option<Row> {
        let shared = &*self.shared;
        let now = Instant::now();
        self.look(|state| {
            state.find(place)?;
            Some(state.with_row(place.slot as usize, shared, |row, _| {
                row.to_row(&shared.clock, now, shared.config.stall_after, &shared.config.known_providers)
            }))
        })
    }

    /// How often the list has changed.
    pub(crate) fn version(&self) -> u64 {
        self.state.lock().version
    }

    pub(crate) fn look<R>(&self, look: impl FnOnce(&mut ShardState) -> R) -> R {
        look(&mut self.state.lock())
    }
}

impl ShardState {
    fn take_slot(&mut self) -> Option<u32> {
        if let Some(index) = self.free.pop() {
            return Some(index);
        }
        let index = self.slots.len();
        if index >= MAX_SLOTS {
            return None;
        }
        self.slots.push(Slot::new(self.first_generation));
        u32::try_from(index).ok()
    }

    fn find(&mut self, place: Place) -> Option<&mut Slot> {
        self.slots.get_mut(place.slot as usize).filter(|slot| slot.live && slot.generation == place.generation)
    }

    fn retire(&mut self, place: Place, outcome: Outcome, ended: Instant, shared: &Shared) -> Option<&Record> {
        self.find(place)?;
        let key = self.key(place.slot as usize, shared);
        let slot = &mut self.slots[place.slot as usize];
        slot.live = false;
        slot.generation = slot.generation.wrapping_add(1);
        let counts = slot.counters.read();
        let ratio = shared.keys.bytes_per_token(key);
        let (usage, source) = slot.data.facts.usage(counts.text_bytes, |bytes| ratio.estimate(bytes));
        if source == UsageSource::Reported && usage.reasoning_tokens == 0 {
            ratio.learn(counts.text_bytes, usage.output_tokens);
        }
        let facts = &mut slot.data.facts;
        (facts.usage, facts.source) = (usage, source);
        facts.error_type =
            ErrorType::of(outcome, facts.status).map(|by_outcome| facts.error_type.unwrap_or(by_outcome));

        let error = outcome.is_error();
        let duration = ended.duration_since(facts.started);
        at(&mut self.totals, key.index()).add_ended(facts, error, duration);

        let id = RequestId::new(shared.epoch, place);
        let record = self.traces.next();
        record.seq = shared.traces.fetch_add(1, Ordering::Relaxed) + 1;
        record.id = Some(id);
        record.outcome = outcome;
        record.duration = duration;
        record.counts = counts;
        std::mem::swap(&mut record.data, &mut slot.data);
        if error {
            let seq = shared.errors.fetch_add(1, Ordering::Relaxed) + 1;
            self.errors.next().copy_from(record, seq);
        }
        for (_, ends) in &mut self.ends {
            let named = ends.len() < MAX_NAMED_ENDS;
            ends.push(record.to_ended(id, named.then_some(&shared.config.known_providers)));
        }

        self.version += 1;
        self.live -= 1;
        // A slot whose generations are used up is never used again, so that no id comes twice.
        if self.slots[place.slot as usize].generation != 0 {
            self.free.push(place.slot);
        }
        self.give_back();
        self.traces.newest()
    }

    /// The key of the totals for the request in a slot, by what is known of it now.
    fn key(&mut self, index: usize, shared: &Shared) -> Key {
        let slot = &mut self.slots[index];
        if let Some(key) = slot.key {
            return key;
        }
        let key = self.keys.of(&slot.data.texts, shared);
        slot.key = Some(key);
        key
    }

    /// Gives memory back after a burst: looked at each time the number of live rows has halved.
    fn give_back(&mut self) {
        const KEPT: usize = 64;
        let small = self.live == 0 || self.live.is_power_of_two();
        if !small || self.slots.len() <= KEPT || self.live >= self.slots.len() / 4 {
            return;
        }
        let needed = self.slots.iter().rposition(|slot| slot.live).map_or(0, |last| last + 1).max(KEPT);
        if needed > self.slots.len() / 2 {
            return;
        }
        for slot in self.slots.drain(needed..) {
            self.first_generation = self.first_generation.max(slot.generation);
        }
        self.slots.shrink_to_fit();
        self.free.retain(|&index| (index as usize) < needed);
        self.free.shrink_to_fit();
    }

    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// Looks at every row.
    pub(crate) fn for_each(&mut self, shared: &Shared, mut f: impl FnMut(LiveRow<'_>, Key)) {
        for index in 0..self.slots.len() {
            if self.slots[index].live {
                self.with_row(index, shared, &mut f);
            }
        }
    }

    fn with_row<R>(&mut self, index: usize, shared: &Shared, f: impl FnOnce(LiveRow<'_>, Key) -> R) -> R {
        let key = self.key(index, shared);
        let slot = &self.slots[index];
        let counts = slot.counters.read();
        let (usage, source) =
            slot.data.facts.usage(counts.text_bytes, |bytes| shared.keys.bytes_per_token(key).estimate(bytes));
        #[expect(clippy::cast_possible_truncation, reason = "a shard has at most 2^24 slots")]
        let place = Place { shard: self.number, slot: index as u32, generation: slot.generation };
        let row = LiveRow {
            id: RequestId::new(shared.epoch, place),
            revision: slot.revision,
            facts: &slot.data.facts,
            texts: &slot.data.texts,
            counts,
            usage,
            source,
        };
        f(row, key)
    }

    pub(crate) fn totals(&self) -> &[KeyTotals] {
        &self.totals
    }

    pub(crate) fn totals_mut(&mut self, key: Key) -> &mut KeyTotals {
        at(&mut self.totals, key.index())
    }

    pub(crate) fn traces(&self) -> &Ring {
        &self.traces
    }

    pub(crate) fn errors(&self) -> &Ring {
        &self.errors
    }

    /// Keeps the ends for `reader` from now on.
    #[cfg(feature = "monitor")]
    pub(crate) fn keep_ends(&mut self, reader: EndsReader) {
        self.ends.push((reader, Vec::new()));
    }

    /// Keeps no ends for `reader` any longer.
    #[cfg(feature = "monitor")]
    pub(crate) fn drop_ends(&mut self, reader: EndsReader) {
        self.ends.retain(|(other, _)| *other != reader);
    }

    /// The ends since `reader` last looked.
    #[cfg(feature = "monitor")]
    pub(crate) fn take_ends(&mut self, reader: EndsReader) -> Vec<Ended> {
        let kept = self.ends.iter_mut().find(|(other, _)| *other == reader);
        kept.map(|(_, ends)| std::mem::take(ends)).unwrap_or_default()
    }
}
