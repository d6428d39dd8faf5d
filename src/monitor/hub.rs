//! Where the publisher leaves what it has encoded, and the subscribers fetch it.
//!
//! A subscriber holds a position, never a queue: of `update` it gets the newest, however many it has missed; of `delta` the next
//! one after its position while that is kept, else a fresh `update`.

use super::{frame::Frame, ring::Ring};
use crate::sync::Mutex;
use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};
use tokio::sync::Notify;

/// What a stream consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Whole snapshots.
    Update,
    /// A snapshot, then what has changed.
    Delta,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Hub {
    /// Wakes the publisher: somebody has come or gone.
    pub(super) wake: Arc<Notify>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Which run of the publisher this is; it ends with the last subscriber, or takes them all with it.
    session: u64,
    publishing: bool,
    seats: Vec<Option<Seat>>,
    free: Vec<usize>,
    /// Subscribers, by format.
    present: [usize; 2],
    /// Counts those who have asked for a first frame, and up to which of them it is there, by format.
    asked: u64,
    served: [u64; 2],
    heartbeats: u64,
    update: Option<Frame>,
    /// Of `update`, and up to which it is for everybody.
    version: u64,
    pushed: u64,
    deltas: Ring,
}

#[derive(Debug)]
struct Seat {
    format: Format,
    /// Has asked for a first frame.
    waiting: bool,
    waker: Option<Waker>,
}

impl State {
    fn ask(&mut self, seat: usize) -> Position {
        self.asked += 1;
        if let Some(Some(seat)) = self.seats.get_mut(seat) {
            seat.waiting = true;
        }
        Position::Waiting(self.asked)
    }

    /// Ends the session; returns whom to tell.
    fn end(&mut self) -> Vec<Waker> {
        self.session += 1;
        self.publishing = false;
        self.present = [0; 2];
        self.free = Vec::new();
        self.update = None;
        self.deltas.stop();
        std::mem::take(&mut self.seats).into_iter().flatten().filter_map(|seat| seat.waker).collect()
    }
}

/// Who is there, as the publisher sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Audience {
    present: [usize; 2],
    waiting: [bool; 2],
    asked: u64,
}

impl Audience {
    pub(super) fn has(&self, format: Format) -> bool {
        self.present[format as usize] > 0
    }

    /// Whether somebody waits for a first frame.
    pub(super) fn waits(&self, format: Format) -> bool {
        self.waiting[format as usize]
    }
}

/// What the publisher has to give.
#[derive(Debug, Default)]
pub(super) struct Publication {
    /// The newest snapshot and its version; for everybody, or only for those who wait.
    pub(super) update: Option<(u64, Frame)>,
    pub(super) push: bool,
    pub(super) deltas: Vec<Frame>,
    /// The snapshot after the newest delta.
    pub(super) base: Option<Frame>,
    pub(super) heartbeat: bool,
}

impl Publication {
    fn is_empty(&self) -> bool {
        self.update.is_none() && self.deltas.is_empty() && self.base.is_none() && !self.heartbeat
    }
}

/// Why somebody cannot come in.
#[derive(Debug)]
pub(super) struct Full;

impl Hub {
    /// Takes a seat, unless `max` are taken. A delta subscriber that has seen all up to `seen` goes on from there if it can.
    /// The second is the session that a publisher is to be spawned for, if none is running.
    pub(super) fn join(
        self: &Arc<Self>,
        format: Format,
        seen: Option<u64>,
        max: usize,
    ) -> Result<(Subscription, Option<u64>), Full> {
        let mut state = self.state.lock();
        if state.present.iter().sum::<usize>() >= max {
            return Err(Full);
        }
        state.present[format as usize] += 1;
        let taken = Seat { format, waiting: false, waker: None };
        let seat = match state.free.pop() {
            Some(seat) => {
                state.seats[seat] = Some(taken);
                seat
            }
            None => {
                state.seats.push(Some(taken));
                state.seats.len() - 1
            }
        };
        let resumed = seen.filter(|&seq| format == Format::Delta && state.deltas.reaches(seq));
        let position = resumed.map_or_else(|| state.ask(seat), Position::At);
        let spawn = (!std::mem::replace(&mut state.publishing, true)).then_some(state.session);
        let (session, heartbeats) = (state.session, state.heartbeats);
        drop(state);
        self.wake.notify_one();
        Ok((Subscription { hub: Arc::clone(self), session, seat, format, position, heartbeats }, spawn))
    }

    /// Who is there; `None`, and the session is over, when nobody is.
    pub(super) fn audience(&self) -> Option<Audience> {
        let mut state = self.state.lock();
        let present = state.present;
        if present == [0; 2] {
            state.end();
            return None;
        }
        if present[Format::Update as usize] == 0 {
            state.update = None;
        }
        if present[Format::Delta as usize] == 0 {
            state.deltas.stop();
        }
        let waiting = [Format::Update, Format::Delta].map(|format| {
            state.served[format as usize] < state.asked
                && state.seats.iter().flatten().any(|seat| seat.waiting && seat.format == format)
        });
        Some(Audience { present, waiting, asked: state.asked })
    }

    /// Begins a run of deltas, numbered from what is returned.
    pub(super) fn start_deltas(&self) -> u64 {
        let mut state = self.state.lock();
        state.deltas.start()
    }

    /// The version that the next session's updates follow.
    pub(super) fn version(&self) -> u64 {
        self.state.lock().version
    }

    /// Hands out what has been encoded for `audience`.
    pub(super) fn publish(&self, audience: &Audience, publication: Publication, wakers: &mut Vec<Waker>) {
        if publication.is_empty() {
            return;
        }
        let mut state = self.state.lock();
        let state = &mut *state;
        let mut told = [publication.push || publication.heartbeat, publication.heartbeat];
        let mut serves = [false; 2];
        if let Some((version, update)) = publication.update {
            (state.version, state.update) = (version, Some(update));
            serves[Format::Update as usize] = true;
            if publication.push {
                state.pushed = version;
            }
        }
        for delta in publication.deltas {
            state.deltas.push(delta);
            told[Format::Delta as usize] = true;
        }
        if let Some(base) = publication.base {
            state.deltas.set_base(Some(base));
            serves[Format::Delta as usize] = true;
        }
        if publication.heartbeat {
            state.heartbeats += 1;
        }
        let mut base_is_wanted = false;
        for seat in state.seats.iter_mut().flatten() {
            let format = seat.format as usize;
            base_is_wanted |= seat.waiting && seat.format == Format::Delta;
            if told[format] || (seat.waiting && serves[format]) {
                wakers.extend(seat.waker.take());
            }
        }
        for (served, _) in state.served.iter_mut().zip(serves).filter(|(_, serves)| *serves) {
            *served = audience.asked;
        }
        if !base_is_wanted {
            state.deltas.set_base(None);
        }
    }

    /// Ends a session and with it all its subscriptions.
    pub(super) fn end(&self, session: u64) {
        let mut state = self.state.lock();
        let wakers = if state.session == session { state.end() } else { Vec::new() };
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}

#[derive(Clone, Copy, Debug)]
enum Position {
    /// For a first frame, asked for as number so and so.
    Waiting(u64),
    /// At an update's version, or a delta's number.
    At(u64),
}

/// A subscriber's seat; given up when dropped.
#[derive(Debug)]
pub(super) struct Subscription {
    hub: Arc<Hub>,
    session: u64,
    seat: usize,
    format: Format,
    position: Position,
    /// Those seen.
    heartbeats: u64,
}

impl Subscription {
    /// The next frame; `None` when the session is over.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        let hub = Arc::clone(&self.hub);
        let mut state = hub.state.lock();
        if state.session != self.session {
            return Poll::Ready(None);
        }
        if let Some(frame) = self.next(&mut state) {
            return Poll::Ready(Some(frame));
        }
        if std::mem::replace(&mut self.heartbeats, state.heartbeats) != state.heartbeats {
            return Poll::Ready(Some(Frame::heartbeat()));
        }
        if let Some(Some(seat)) = state.seats.get_mut(self.seat) {
            match &mut seat.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
        Poll::Pending
    }

    fn next(&mut self, state: &mut State) -> Option<Frame> {
        match self.position {
            Position::Waiting(number) => {
                if number > state.served[self.format as usize] {
                    return None;
                }
                let (at, frame) = match self.format {
                    Format::Update => state.update.clone().map(|update| (state.version, update)),
                    Format::Delta => state.deltas.base(),
                }
                .or_else(|| {
                    self.ask_again(state);
                    None
                })?;
                if let Some(Some(seat)) = state.seats.get_mut(self.seat) {
                    seat.waiting = false;
                }
                self.position = Position::At(at);
                Some(frame)
            }
            Position::At(version) if self.format == Format::Update => {
                let update = state.update.clone().filter(|_| state.pushed > version)?;
                self.position = Position::At(state.version);
                Some(update)
            }
            Position::At(seq) if seq == state.deltas.seq() => None,
            Position::At(seq) => match state.deltas.after(seq) {
                Some(delta) => {
                    self.position = Position::At(seq + 1);
                    Some(delta.clone())
                }
                None => {
                    self.ask_again(state);
                    None
                }
            },
        }
    }

    /// Too slow for what is kept: asks for a fresh start.
    fn ask_again(&mut self, state: &mut State) {
        self.position = state.ask(self.seat);
        self.hub.wake.notify_one();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = self.hub.state.lock();
        if state.session != self.session {
            return;
        }
        state.seats[self.seat] = None;
        state.free.push(self.seat);
        let present = &mut state.present[self.format as usize];
        *present -= 1;
        let last = *present == 0;
        drop(state);
        if last {
            self.hub.wake.notify_one();
        }
    }
}
