//! Whether a watcher hears the others at all.

use std::time::Duration;

use tokio::time::Instant;

/// The link to the others, as far as it can be told from what comes over it. The own leases come back too, so that silence means a deaf
/// connection, whatever the connection says of itself.
#[derive(Debug)]
pub(super) struct Link {
    stale_after: Duration,
    /// When anything was last heard.
    heard: Instant,
    /// When silence was last answered by a new connection.
    reset: Option<Instant>,
    /// Since when nobody is heard, since the Unix epoch.
    lost_since: Option<Duration>,
}

/// A change of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkChange {
    None,
    Lost,
    Found,
}

impl Link {
    pub(super) fn new(stale_after: Duration, now: Instant) -> Self {
        Self { stale_after, heard: now, reset: None, lost_since: None }
    }

    pub(super) fn note_heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// Since when nobody is heard, since the Unix epoch.
    pub(super) fn lost_since(&self) -> Option<Duration> {
        self.lost_since
    }

    /// Looks whether the link is lost, or found again, at the time `wall` since the Unix epoch. Returns the change, and whether the connection is to be made anew.
    pub(super) fn turn(&mut self, now: Instant, wall: Duration) -> (LinkChange, bool) {
        let is_silent = now.duration_since(self.heard) >= self.stale_after;
        let change = match (self.lost_since, is_silent) {
            (None, true) => {
                self.lost_since = Some(wall);
                LinkChange::Lost
            }
            (Some(_), false) => {
                self.lost_since = None;
                LinkChange::Found
            }
            _ => LinkChange::None,
        };
        let was_tried = self.reset.is_some_and(|at| now.duration_since(at) < self.stale_after);
        let must_reset = is_silent && !was_tried;
        if must_reset {
            self.reset = Some(now);
        }
        (change, must_reset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_loses_the_link_and_makes_a_new_connection_once_in_a_while() {
        let (start, seconds) = (Instant::now(), Duration::from_secs);
        let mut link = Link::new(seconds(5), start);
        let turn = |link: &mut Link, at| link.turn(start + seconds(at), seconds(1_000 + at));
        assert_eq!(turn(&mut link, 4), (LinkChange::None, false));
        assert_eq!(turn(&mut link, 5), (LinkChange::Lost, true));
        assert_eq!(turn(&mut link, 9), (LinkChange::None, false));
        assert_eq!(turn(&mut link, 10), (LinkChange::None, true));
        assert_eq!(link.lost_since(), Some(seconds(1_005)));
        link.note_heard(start + seconds(11));
        assert_eq!(turn(&mut link, 11), (LinkChange::Found, false));
        assert_eq!(link.lost_since(), None);
    }
}
