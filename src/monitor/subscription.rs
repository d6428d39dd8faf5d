//! One subscriber's place at the hub.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    format::Format,
    hub::{Hub, HubState, NewSeat, Position},
    payload::Payload,
};

/// A subscriber; it leaves the hub when dropped.
#[derive(Debug)]
pub(crate) struct Subscription {
    hub: Arc<Hub>,
    session: u64,
    seat: usize,
    format: Format,
    /// Whether the subscriber has the right to cancel requests.
    can_cancel: bool,
    position: Position,
    /// The hub's count of heartbeats when it last sent one.
    heartbeats: u64,
}

impl Subscription {
    pub(crate) fn new(hub: Arc<Hub>, format: Format, seat: NewSeat, can_cancel: bool) -> Self {
        let NewSeat { session, seat, position, heartbeats, .. } = seat;
        Self { hub, session, seat, format, can_cancel, position, heartbeats }
    }

    /// Whether it goes on from the delta that it has seen.
    #[cfg(feature = "fleet")]
    pub(crate) fn is_resumed(&self) -> bool {
        matches!(self.position, Position::At(_))
    }

    /// The next payload; `None` when the session is over.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Payload>> {
        let hub = Arc::clone(&self.hub);
        let mut state = hub.state.lock();
        if state.session != self.session {
            return Poll::Ready(None);
        }
        let next = match self.position {
            Position::Waiting { ticket } => self.first(&mut state, ticket),
            Position::At(at) => self.after(&mut state, at),
        };
        if let Some(payload) = next {
            drop(state);
            return Poll::Ready(Some(payload.for_viewer(self.can_cancel)));
        }
        if std::mem::replace(&mut self.heartbeats, state.heartbeats) != state.heartbeats {
            return Poll::Ready(Some(Payload::heartbeat()));
        }
        if let Some(seat) = state.seats.get_mut(self.seat) {
            match &mut seat.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
        Poll::Pending
    }

    /// Keeps a payload for those who have not fetched all of it.
    pub(super) fn keep(&self, payload: &Payload) {
        self.hub.state.lock().shelf.keep(payload);
    }

    /// Gives up the payloads that everybody has fetched.
    pub(super) fn tidy(&self) {
        self.hub.state.lock().shelf.tidy();
    }

    /// The first payload, if it is there.
    fn first(&mut self, state: &mut HubState, ticket: u64) -> Option<Payload> {
        if ticket > state.served[self.format] {
            return None;
        }
        let first = match self.format {
            Format::Update => state.update.clone().map(|update| (state.version, update)),
            Format::Delta => state.deltas.base(),
        };
        let Some((at, payload)) = first else {
            self.start_again(state);
            return None;
        };
        if let Some(seat) = state.seats.get_mut(self.seat) {
            seat.waiting = false;
        }
        self.position = Position::At(at);
        Some(payload)
    }

    /// The payload after position `at`, if it is there.
    fn after(&mut self, state: &mut HubState, at: u64) -> Option<Payload> {
        match self.format {
            Format::Update => {
                let update = state.update.clone().filter(|_| state.pushed > at)?;
                self.position = Position::At(state.version);
                Some(update)
            }
            Format::Delta if at == state.deltas.seq() => None,
            Format::Delta => {
                let delta = state.deltas.after(at).cloned();
                match delta {
                    Some(_) => self.position = Position::At(at + 1),
                    None => {
                        state.skipped += 1;
                        self.start_again(state);
                    }
                }
                delta
            }
        }
    }

    /// Asks for a fresh snapshot: the subscriber was too slow for the payloads that are kept.
    fn start_again(&mut self, state: &mut HubState) {
        self.position = state.take_ticket(self.seat);
        self.hub.wake.notify_one();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = self.hub.state.lock();
        state.shelf.tidy();
        let last = state.session == self.session && state.leave(self.seat);
        drop(state);
        if last {
            self.hub.wake.notify_one();
        }
    }
}
