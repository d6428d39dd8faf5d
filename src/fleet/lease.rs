//! Leases: while any lives, this replica sends its rows.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

/// Watchers that are kept, at most.
const MAX_WATCHERS: usize = 1000;
/// The longest lease.
const MAX_TTL: Duration = Duration::from_secs(60);

/// The watchers that want this replica's rows, and until when.
#[derive(Debug, Default)]
pub(super) struct Leases {
    until: HashMap<u32, Instant>,
}

impl Leases {
    /// Takes or renews the lease of a watcher. Returns whether it is new.
    pub(super) fn renew(&mut self, watcher: u32, ttl: Duration, now: Instant) -> bool {
        if self.until.len() >= MAX_WATCHERS && !self.until.contains_key(&watcher) {
            return false;
        }
        self.until.insert(watcher, now + ttl.min(MAX_TTL)).is_none()
    }

    pub(super) fn end(&mut self, watcher: u32) {
        self.until.remove(&watcher);
    }

    /// Whether a lease lives.
    pub(super) fn live(&mut self, now: Instant) -> bool {
        self.until.retain(|_, until| *until > now);
        !self.until.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lease_lives_until_it_is_over_or_ended() {
        let (start, seconds) = (Instant::now(), Duration::from_secs);
        let mut leases = Leases::default();
        assert!(!leases.live(start));
        assert!(leases.renew(1, seconds(6), start) && leases.renew(2, seconds(1_000_000), start));
        assert!(!leases.renew(1, seconds(6), start + seconds(5)));
        leases.end(2);
        assert!(leases.live(start + seconds(10)));
        assert!(!leases.live(start + seconds(11)));
        (0..2000).for_each(|watcher| _ = leases.renew(watcher, seconds(1), start));
        assert_eq!(leases.until.len(), MAX_WATCHERS);
    }
}
