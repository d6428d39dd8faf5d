//! The state of a shard behind its lock: slots, totals and history.

use http::Method;
use tokio::time::Instant;

#[cfg(feature = "monitor")]
use super::figures::Notes;
use super::{
    get_or_grow,
    history::{Ended, EndedRequest, History, RequestEnd},
    id::{MAX_SLOTS, RequestId, SlotRef},
    keys::{Key, LocalKeys},
    live::LiveRow,
    outcome::{ErrorType, Outcome},
    shared::TrackerShared,
    slot::Slot,
    totals::KeyTotals,
};
use crate::{
    config::TrackerConfig,
    sync::{Arc, atomic::Ordering::Relaxed},
    usage::UsageSource,
};

/// Identifies a reader that asked for ended requests to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReaderId(pub(crate) u64);

/// Ended requests kept with their names until a reader asks for them; of later ones only the numbers are kept.
const MAX_NAMED_ENDS: usize = 1000;

/// Slots, totals and history of one shard.
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
    #[cfg(feature = "monitor")]
    notes: Notes,
    traces: History,
    errors: History,
    refusals: History,
    /// The requests that have ended since each reader last asked.
    ends: Vec<(ReaderId, Vec<Ended>)>,
}

impl ShardState {
    pub(crate) fn new(number: u32, config: &TrackerConfig) -> Self {
        Self {
            number,
            version: 0,
            live: 0,
            slots: Vec::new(),
            free: Vec::new(),
            first_generation: 0,
            keys: LocalKeys::default(),
            totals: Vec::new(),
            #[cfg(feature = "monitor")]
            notes: Notes::default(),
            traces: History::new(config.max_traces),
            errors: History::new(config.max_errors),
            refusals: History::new(config.max_refusals),
            ends: Vec::new(),
        }
    }

    /// Gives a slot to a request. `None` when all 16 million are taken.
    pub(crate) fn occupy(&mut self, method: &Method, path: &str, started: Instant) -> Option<(SlotRef, &mut Slot)> {
        let index = if let Some(index) = self.free.pop() {
            self.slots[index as usize].occupy(method, path, started);
            index
        } else {
            let index = u32::try_from(self.slots.len()).ok().filter(|_| self.slots.len() < MAX_SLOTS)?;
            self.slots.push(Slot::new(self.first_generation, method, path, started));
            index
        };
        self.live += 1;
        self.version += 1;
        let slot = &mut self.slots[index as usize];
        Some((SlotRef { shard: self.number, slot: index, generation: slot.generation }, slot))
    }

    /// Counts a change of the list.
    pub(crate) fn changed(&mut self) {
        self.version += 1;
    }

    /// Counts the changes of the list.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The slot of a request that is still in flight.
    pub(crate) fn find(&mut self, slot_ref: SlotRef) -> Option<&mut Slot> {
        slot_mut(&mut self.slots, slot_ref)
    }

    /// Notes the end of the response of a request that is held. Returns whether it is.
    #[inline]
    pub(crate) fn is_held_beyond(
        &mut self,
        slot_ref: SlotRef,
        outcome: Outcome,
        error_type: Option<ErrorType>,
    ) -> bool {
        let Some(slot) = self.find(slot_ref).filter(|slot| slot.hold.guards > 0) else { return false };
        if outcome == Outcome::Killed {
            return false;
        }
        slot.hold.response.get_or_insert((outcome, error_type));
        slot.data.facts.outlives_response = true;
        // Nobody is to ask for a frame of it.
        slot.counters.polled();
        // Nobody will ask for the rest of a response that has ended.
        slot.counters.polled();
        slot.revision = slot.revision.wrapping_add(1);
        self.changed();
        true
    }

    /// Moves a request from the list to the totals and the history.
    pub(crate) fn retire(
        &mut self,
        slot_ref: SlotRef,
        outcome: Outcome,
        error_type: Option<ErrorType>,
        ended: Instant,
        shared: &TrackerShared,
    ) -> Option<&EndedRequest> {
        let Self { slots, keys, .. } = self;
        let slot = slot_mut(slots, slot_ref)?;
        let outcome = match slot.hold.outcome {
            Some(held) if outcome != Outcome::Killed => held,
            _ => slot.data.facts.outcome(outcome),
        };
        let outcome = match outcome {
            Outcome::ClientDisconnect | Outcome::Cancelled if shared.cut_off.load(Relaxed) => Outcome::Shutdown,
            outcome => outcome,
        };
        let is_refused = outcome == Outcome::Refused;
        // Names that anybody may make up without a key must not use up the keys there are.
        let key = if is_refused { Key::OTHER } else { slot.key(keys, &shared.keys) };
        slot.live = false;
        slot.generation = slot.generation.wrapping_add(1);
        // A slot whose generations are used up is never used again, so that no id comes twice.
        if slot.generation != 0 {
            self.free.push(slot_ref.slot);
        }
        let counts = slot.counters.read();
        let ratio = shared.keys.bytes_per_token(key);
        let (usage, source) = slot.data.facts.usage(counts.text_bytes, ratio);
        if source == UsageSource::Reported && usage.reasoning_tokens == 0 {
            ratio.learn(counts.text_bytes, usage.output_tokens);
        }
        let cost = shared.prices.cost(key, &slot.data.texts, &shared.keys, &usage, source);
        let facts = &mut slot.data.facts;
        (facts.usage, facts.source, facts.cost) = (usage, source, cost);
        facts.error_type = ErrorType::of(outcome, facts.status)
            .map(|by_outcome| facts.error_type.or(error_type).unwrap_or(by_outcome));

        let error = outcome.is_error();
        let duration = ended.duration_since(facts.started);
        if !is_refused {
            get_or_grow(&mut self.totals, key.index()).add_ended(facts, error, duration);
        }
        #[cfg(feature = "monitor")]
        self.notes.add(&slot.data, key, outcome, (ended, duration), &shared.figures);

        // A canceller that is dropped here is not the last reference to what runs the request: that is its layer's.
        slot.cancellers.clear();
        if outcome == Outcome::Killed {
            // Whatever still runs the request keeps the counters that it writes to; the slot's next request gets its own.
            slot.counters = Arc::default();
        }

        let id = RequestId::new(shared.epoch, slot_ref);
        let seq = if is_refused { shared.next_refusal() } else { shared.next_trace() };
        let history = if is_refused { &mut self.refusals } else { &mut self.traces };
        let request = history.take(RequestEnd { seq, id, outcome, duration, counts }, &mut slot.data);
        if error && !is_refused {
            self.errors.copy(request, shared.next_error());
        }
        for (_, ends) in &mut self.ends {
            let named = ends.len() < MAX_NAMED_ENDS;
            ends.push(request.to_ended(named.then_some(&shared.keys)));
        }

        self.version += 1;
        self.live -= 1;
        self.give_back();
        if is_refused { self.refusals.newest() } else { self.traces.newest() }
    }

    /// Gives memory back after a burst: considered each time the number of live rows has halved.
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

    /// Calls `f` with every row and its key.
    pub(crate) fn for_each(&mut self, shared: &TrackerShared, mut f: impl FnMut(LiveRow<'_>, Key)) {
        for index in 0..self.slots.len() {
            if self.slots[index].live {
                self.with_row(index, shared, &mut f);
            }
        }
    }

    /// Calls `f` with the row in a slot and its key.
    pub(crate) fn with_row<R>(
        &mut self,
        index: usize,
        shared: &TrackerShared,
        f: impl FnOnce(LiveRow<'_>, Key) -> R,
    ) -> R {
        let slot = &mut self.slots[index];
        let key = slot.key(&mut self.keys, &shared.keys);
        let counts = slot.counters.read();
        let (usage, source) = slot.data.facts.usage(counts.text_bytes, shared.keys.bytes_per_token(key));
        #[expect(clippy::cast_possible_truncation, reason = "a shard has at most 2^24 slots")]
        let slot_ref = SlotRef { shard: self.number, slot: index as u32, generation: slot.generation };
        let row = LiveRow {
            id: RequestId::new(shared.epoch, slot_ref),
            revision: slot.revision,
            data: &slot.data,
            counts,
            usage,
            source,
            cost: shared.prices.cost(key, &slot.data.texts, &shared.keys, &usage, source),
        };
        f(row, key)
    }

    /// The start of the latest request, in flight or ended.
    pub(crate) fn last_accessed(&self) -> Option<Instant> {
        let ended = self.totals.iter().filter_map(KeyTotals::last_accessed);
        ended.chain(self.slots.iter().filter(|slot| slot.live).map(|slot| slot.data.facts.started)).max()
    }

    pub(crate) fn totals(&self) -> &[KeyTotals] {
        &self.totals
    }

    pub(crate) fn totals_mut(&mut self, key: Key) -> &mut KeyTotals {
        get_or_grow(&mut self.totals, key.index())
    }

    /// The notes of requests that have ended.
    #[cfg(feature = "monitor")]
    pub(crate) fn notes(&mut self) -> &mut Notes {
        &mut self.notes
    }

    pub(crate) fn traces(&self) -> &History {
        &self.traces
    }

    pub(crate) fn errors(&self) -> &History {
        &self.errors
    }

    pub(crate) fn refusals(&self) -> &History {
        &self.refusals
    }

    /// Keeps the ends for `reader` from now on.
    #[cfg(feature = "monitor")]
    pub(crate) fn keep_ends(&mut self, reader: ReaderId) {
        self.ends.push((reader, Vec::new()));
    }

    /// Keeps no ends for `reader` any longer.
    #[cfg(feature = "monitor")]
    pub(crate) fn drop_ends(&mut self, reader: ReaderId) {
        self.ends.retain(|(other, _)| *other != reader);
    }

    /// The requests that have ended since `reader` last asked.
    #[cfg(feature = "monitor")]
    pub(crate) fn take_ends(&mut self, reader: ReaderId) -> Vec<Ended> {
        let kept = self.ends.iter_mut().find(|(other, _)| *other == reader);
        kept.map(|(_, ends)| std::mem::take(ends)).unwrap_or_default()
    }
}

/// The slot of a request that is still in flight.
fn slot_mut(slots: &mut [Slot], slot_ref: SlotRef) -> Option<&mut Slot> {
    slots.get_mut(slot_ref.slot as usize).filter(|slot| slot.live && slot.generation == slot_ref.generation)
}
