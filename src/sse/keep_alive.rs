//! Comments or events sent while a stream is silent, so that no proxy on the way takes it for dead.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use super::Event;

/// Keeps a stream alive: a comment or an event, and when to send it. The default is the comment `: keepalive` after
/// every 15 s of silence.
///
/// Periods are clamped to between a millisecond and a year. The body needs tokio's timer from its first poll on.
#[derive(Clone, Debug)]
pub struct KeepAlive {
    frame: Bytes,
    period: Duration,
    schedule: Schedule,
}

const MIN_PERIOD: Duration = Duration::from_millis(1);
const MAX_PERIOD: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[derive(Clone, Copy, Debug)]
enum Schedule {
    /// Counts from the last event.
    Silence,
    /// Counts from the last beat, whatever else is sent.
    Own,
}

impl KeepAlive {
    /// Sends `: keepalive` whenever nothing has been sent for `period`.
    pub fn after_silence(period: Duration) -> Self {
        Self::new(period, Schedule::Silence)
    }

    /// Sends `: keepalive` every `period`, however busy the stream is. Beats that a slow client has missed are
    /// not made up for.
    pub fn every(period: Duration) -> Self {
        Self::new(period, Schedule::Own)
    }

    /// Sends the comment `text` instead.
    pub fn text(self, text: impl AsRef<str>) -> Self {
        self.event(Event::new().comment(text))
    }

    /// Sends `event` instead. It is encoded once.
    pub fn event(self, event: Event) -> Self {
        Self { frame: event.into_bytes(), ..self }
    }

    fn new(period: Duration, schedule: Schedule) -> Self {
        Self { frame: Bytes::from_static(b": keepalive\n\n"), period: period.clamp(MIN_PERIOD, MAX_PERIOD), schedule }
    }

    /// When to beat again after a beat that was due at `due` and is sent `now`.
    fn next(&self, due: Instant, now: Instant) -> Instant {
        match self.schedule {
            Schedule::Silence => now + self.period,
            Schedule::Own => {
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
    /// The state of a [`KeepAlive`] in one body.
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

    /// The beat that is due already, if a busy stream must make room for it.
    pub(super) fn overdue(self: Pin<&mut Self>) -> Option<Bytes> {
        let this = self.project();
        if let Schedule::Silence = this.keep_alive.schedule {
            return None;
        }
        let now = Instant::now();
        let due = *this.due.get_or_insert(now + this.keep_alive.period);
        (due <= now).then(|| {
            *this.due = Some(this.keep_alive.next(due, now));
            this.keep_alive.frame.clone()
        })
    }

    /// Notes that an event has been sent.
    pub(super) fn on_event(self: Pin<&mut Self>) {
        let this = self.project();
        if let Schedule::Silence = this.keep_alive.schedule {
            // The timer itself is not reset, which is far cheaper: when it fires early, it is set anew.
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
