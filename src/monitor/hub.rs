//! The hub, where the publisher leaves payloads and subscribers fetch them.
//!
//! A subscriber holds a position, never a queue. In `format=update` it gets the newest snapshot, however many it has missed; in
//! `format=delta` the delta after its position while that is kept, else a fresh snapshot.

use std::{sync::Arc, task::Waker};

use slab::Slab;
use tokio::sync::Notify;

use super::{
    delta_ring::DeltaRing,
    format::{Format, PerFormat},
    payload::Payload,
    shelf::Shelf,
};
#[cfg(feature = "prometheus")]
use crate::metrics::FeedHealth;
use crate::sync::Mutex;

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct Hub {
    /// Wakes the publisher: a subscriber has come or left, or waits for a first payload.
    pub(crate) wake: Arc<Notify>,
    pub(super) state: Mutex<HubState>,
}

#[derive(Debug, Default)]
pub(super) struct HubState {
    /// Counts the runs of the publisher. A run ends with its last subscriber, or ends them all.
    pub(super) session: u64,
    /// Whether a publisher runs.
    publishing: bool,
    pub(super) seats: Slab<Seat>,
    subscribers: PerFormat<usize>,
    /// Counts the tickets that have been handed out to subscribers waiting for a first payload.
    tickets: u64,
    /// The newest ticket that a first payload is there for.
    pub(super) served: PerFormat<u64>,
    /// Counts heartbeats.
    pub(super) heartbeats: u64,
    /// The newest snapshot of `format=update`, and the version of the table that it shows.
    pub(super) update: Option<Payload>,
    pub(super) version: u64,
    /// The version last sent to all subscribers; later ones were encoded for newcomers.
    pub(super) pushed: u64,
    pub(super) deltas: DeltaRing,
    /// The payloads that subscribers are in the middle of.
    pub(super) shelf: Shelf,
    /// Counts how often a subscriber was too slow for the deltas that are kept.
    pub(super) skipped: u64,
}

/// How far a subscriber has come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Position {
    /// It waits for a first payload.
    Waiting { ticket: u64 },
    /// It has been sent an update of this version, or a delta of this `seq`.
    At(u64),
}

/// One subscriber.
#[derive(Debug)]
pub(super) struct Seat {
    format: Format,
    /// Whether it waits for a first payload.
    pub(super) waiting: bool,
    pub(super) waker: Option<Waker>,
}

impl HubState {
    /// Hands out a ticket for a first payload.
    pub(super) fn take_ticket(&mut self, seat: usize) -> Position {
        self.tickets += 1;
        if let Some(seat) = self.seats.get_mut(seat) {
            seat.waiting = true;
        }
        Position::Waiting { ticket: self.tickets }
    }

    /// Gives a seat back. Returns whether it was the last one of its format.
    pub(super) fn leave(&mut self, seat: usize) -> bool {
        let Some(seat) = self.seats.try_remove(seat) else { return false };
        let left = &mut self.subscribers[seat.format];
        *left -= 1;
        *left == 0
    }

    /// Ends the session. Returns the wakers of its subscribers.
    fn end_session(&mut self) -> Vec<Waker> {
        self.session += 1;
        self.publishing = false;
        self.subscribers = PerFormat::default();
        self.update = None;
        self.deltas.stop();
        std::mem::take(&mut self.seats).into_iter().filter_map(|(_, seat)| seat.waker).collect()
    }
}

/// The subscribers as the publisher sees them in one turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand {
    subscribers: PerFormat<usize>,
    waiting: PerFormat<bool>,
    /// The newest ticket handed out.
    tickets: u64,
}

impl Demand {
    /// Whether the format has subscribers.
    pub(crate) fn has(&self, format: Format) -> bool {
        self.subscribers[format] > 0
    }

    /// Whether a subscriber of the format waits for a first payload.
    pub(crate) fn waits(&self, format: Format) -> bool {
        self.waiting[format]
    }
}

/// The payloads of one turn of the publisher.
#[derive(Debug, Default)]
pub(crate) struct Publication {
    pub(crate) update: Option<Update>,
    pub(crate) deltas: Vec<Payload>,
    /// The snapshot after the newest delta, for subscribers waiting for a first payload.
    pub(crate) base: Option<Payload>,
    pub(crate) heartbeat: bool,
}

/// A snapshot of `format=update`.
#[derive(Debug)]
pub(crate) struct Update {
    /// The version of the table that it shows.
    pub(crate) version: u64,
    pub(crate) payload: Payload,
    /// Whether it is for all subscribers; else for those waiting for a first payload.
    pub(crate) for_all: bool,
}

impl Publication {
    fn is_empty(&self) -> bool {
        self.update.is_none() && self.deltas.is_empty() && self.base.is_none() && !self.heartbeat
    }
}

/// A seat that a subscriber has just taken.
#[derive(Debug)]
pub(crate) struct NewSeat {
    pub(super) session: u64,
    pub(super) seat: usize,
    pub(super) position: Position,
    pub(super) heartbeats: u64,
    /// Whether a publisher must be spawned for the session, since none runs.
    pub(super) needs_publisher: bool,
}

/// An error of [`Hub::join`]: there are as many subscribers as there may be.
#[derive(Debug)]
pub(crate) struct TooManySubscribers;

impl Hub {
    /// A hub whose publisher waits for `wake`.
    #[cfg(feature = "fleet")]
    pub(crate) fn waking(wake: Arc<Notify>) -> Self {
        Self { wake, state: Mutex::default() }
    }

    /// Adds a subscriber, unless there are `max`. A delta subscriber that has seen the delta `seen` goes on from there if it can.
    pub(crate) fn join(&self, format: Format, seen: Option<u64>, max: usize) -> Result<NewSeat, TooManySubscribers> {
        let mut state = self.state.lock();
        if state.seats.len() >= max {
            return Err(TooManySubscribers);
        }
        state.subscribers[format] += 1;
        let seat = state.seats.insert(Seat { format, waiting: false, waker: None });
        let resumed = seen.filter(|&seq| format == Format::Delta && state.deltas.reaches(seq));
        let position = resumed.map_or_else(|| state.take_ticket(seat), Position::At);
        let needs_publisher = !std::mem::replace(&mut state.publishing, true);
        let seat = NewSeat { session: state.session, seat, position, heartbeats: state.heartbeats, needs_publisher };
        drop(state);
        self.wake.notify_one();
        Ok(seat)
    }

    /// The number of subscribers.
    #[cfg(feature = "fleet")]
    pub(crate) fn subscribers(&self) -> usize {
        self.state.lock().seats.len()
    }

    /// Ends all subscriptions.
    #[cfg(feature = "fleet")]
    pub(crate) fn close(&self) {
        let session = self.state.lock().session;
        self.end(session);
    }

    /// The subscribers there are. Without any, ends the session and returns `None`.
    pub(crate) fn demand(&self) -> Option<Demand> {
        let mut state = self.state.lock();
        if state.seats.is_empty() {
            state.end_session();
            return None;
        }
        if state.subscribers.update == 0 {
            state.update = None;
        }
        if state.subscribers.delta == 0 {
            state.deltas.stop();
        }
        let waiting = |format| {
            state.served[format] < state.tickets
                && state.seats.iter().any(|(_, seat)| seat.waiting && seat.format == format)
        };
        let waiting = PerFormat { update: waiting(Format::Update), delta: waiting(Format::Delta) };
        Some(Demand { subscribers: state.subscribers, waiting, tickets: state.tickets })
    }

    /// Begins a run of deltas. Returns the `seq` that its first delta follows.
    pub(crate) fn start_deltas(&self) -> u64 {
        self.state.lock().deltas.start()
    }

    /// Begins another run, which does not follow from the one before. Appends the wakers of the subscribers to deltas, who all ask for a snapshot.
    #[cfg(feature = "fleet")]
    pub(crate) fn restart_deltas(&self, wakers: &mut Vec<Waker>) -> u64 {
        let mut state = self.state.lock();
        state.deltas.stop();
        let subscribers = state.seats.iter_mut().filter(|(_, seat)| seat.format == Format::Delta);
        wakers.extend(subscribers.filter_map(|(_, seat)| seat.waker.take()));
        state.deltas.start()
    }

    /// The version of the newest snapshot; the next session's versions follow it.
    pub(crate) fn version(&self) -> u64 {
        self.state.lock().version
    }

    /// Hands out what has been encoded for `demand`. Appends the wakers of the subscribers that have something to fetch.
    pub(crate) fn publish(&self, demand: &Demand, publication: Publication, wakers: &mut Vec<Waker>) {
        if publication.is_empty() {
            return;
        }
        let Publication { update, deltas, base, heartbeat } = publication;
        let mut state = self.state.lock();
        let state = &mut *state;
        let for_all = PerFormat {
            update: heartbeat || update.as_ref().is_some_and(|update| update.for_all),
            delta: heartbeat || !deltas.is_empty(),
        };
        let for_waiting = PerFormat { update: update.is_some(), delta: base.is_some() };
        if let Some(Update { version, payload, for_all }) = update {
            (state.version, state.update) = (version, Some(payload));
            if for_all {
                state.pushed = version;
            }
        }
        deltas.into_iter().for_each(|delta| state.deltas.push(delta));
        if base.is_some() {
            state.deltas.set_base(base);
        }
        state.heartbeats += u64::from(heartbeat);

        let mut base_is_needed = false;
        for (_, seat) in &mut state.seats {
            base_is_needed |= seat.waiting && seat.format == Format::Delta;
            if for_all[seat.format] || (seat.waiting && for_waiting[seat.format]) {
                wakers.extend(seat.waker.take());
            }
        }
        if !base_is_needed {
            state.deltas.set_base(None);
        }
        for format in [Format::Update, Format::Delta] {
            if for_waiting[format] {
                state.served[format] = demand.tickets;
            }
        }
    }

    #[cfg(feature = "prometheus")]
    pub(super) fn health(&self) -> FeedHealth {
        let state = self.state.lock();
        FeedHealth { subscribers: state.seats.len(), skipped: state.skipped }
    }

    /// Ends a session and with it all its subscriptions.
    pub(crate) fn end(&self, session: u64) {
        let mut state = self.state.lock();
        let wakers = if state.session == session { state.end_session() } else { Vec::new() };
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}
