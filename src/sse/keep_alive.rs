//! Something to send while there is nothing to say, so that nobody on the way takes the stream for dead.

use super::Event;
use bytes::Bytes;
use pin_project_lite::pin_project;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};

/// What to send to keep a stream alive, and when. The default is the comment `: keepalive` after every 15 s of
/// silence.
///
/// Periods are between a millisecond and a year; others are taken for the nearest of these. The body needs tokio's
/// timer from its first poll on.
#[derive(Clone, Debug)]
pub struct KeepAlive {
    frame: Bytes,
    period: Duration,
    clock: Clock,
}

const MIN_PERIOD: Duration = Duration::from_millis(1);
const MAX_PERIOD: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[derive(Clone, Copy, Debug)]
enum Clock {
    /// An event puts the next beat off.
    Silence,
    /// Beats come on a grid of their own.
    Own,
}

impl KeepAlive {
    /// Sends `: keepalive` whenever nothing has been sent for `period`.
    pub fn after_silence(period: Duration) -> Self {
        Self::new(period, Clock::Silence)
    }

    /// Sends `: keepalive` every `period`, however busy the stream is. Beats that a slow client has missed are
    /// not made up for.
    pub fn every(period: Duration) -> Self {
        Self::new(period, Clock::Own)
    }

    /// Sends the comment `text` instead.
    pub fn text(self, text: impl AsRef<str>) -> Self {
        self.event(Event::new().comment(text))
    }

    /// Sends `event` instead. It is encoded once.
    pub fn event(self, event: Event) -> Self {
        Self { frame: event.into_bytes(), ..self }
    }

    fn new(period: Duration, clock: Clock) -> Self {
        Self { frame: Bytes::from_static(b": keepalive\n\n"), period: period.clamp(MIN_PERIOD, MAX_PERIOD), clock }
    }

    /// When to beat again after a beat that was due at `due` and is sent `now`.
    fn next(&self, due: Instant, now: Instant) -> Instant {
        match self.clock {
            Clock::Silence => now + self.period,
            Clock::Own => {
                let late = now.saturating_duration_since(due).as_nanos();
                let into_period = (late % self.period.as_nanos()) as u64;
                now + self.period - Duration::from_nanos(into_period)
            }
        }
    }
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self::after_silence(Duration::from_secs(15))
    }
}

pin_project! {
    /// A [`KeepAlive`] at work: tells one body when a beat is due.
    #[derive(Debug)]
    pub(super) struct Beat {
        keep_alive: KeepAlive,
        // Set from the first poll on, which starts the clock.
        due: Option<Instant>,
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl Beat {
    pub(super) fn new(keep_alive: KeepAlive) -> Self {
        Self { keep_alive, due: None, sleep: None }
    }

    /// The beat that even a busy stream has to make room for.
    pub(super) fn overdue(self: Pin<&mut Self>) -> Option<Bytes> {
        let this = self.project();
        if let Clock::Silence = this.keep_alive.clock {
            return None;
        }
        let now = Instant::now();
        let due = *this.due.get_or_insert(now + this.keep_alive.period);
        (due <= now).then(|| {
            *this.due = Some(this.keep_alive.next(due, now));
            this.keep_alive.frame.clone()
        })
    }

    /// An event has been sent.
    pub(super) fn on_event(self: Pin<&mut Self>) {
        let this = self.project();
        if let Clock::Silence = this.keep_alive.clock {
            // The timer is left where it is, which is far cheaper: when it fires early, it is put off.
            *this.due = Some(Instant::now() + this.keep_alive.period);
        }
    }

    /// Waits for the next beat.
    pub(super) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Bytes> {
        let mut this = self.project();
        let period = this.keep_alive.period;
        let due = *this.due.get_or_insert_with(|| Instant::now() + period);
        if this.sleep.is_none() {
            this.sleep.set(Some(sleep_until(due)));
        }
        while let Some(mut sleep) = this.sleep.as_mut().as_pin_mut() {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= due {
                break;
            }
            sleep.as_mut().reset(due);
        }
        *this.due = Some(this.keep_alive.next(due, Instant::now()));
        Poll::Ready(this.keep_alive.frame.clone())
    }
}
