//! Leases: while any lives, this replica sends its rows or its sums.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::want::Want;

/// Leases that are kept, at most.
const MAX_LEASES: usize = 1000;
/// The longest lease.
const MAX_TTL: Duration = Duration::from_secs(60);

/// The wants of watchers, each by the watcher's epoch, and until when.
#[derive(Debug, Default)]
pub(super) struct Leases {
    until: HashMap<(u32, Want), Instant>,
}

impl Leases {
    /// Takes or renews a lease of a watcher. Returns whether it is new.
    pub(super) fn renew(&mut self, watcher: u32, want: Want, ttl: Duration, now: Instant) -> bool {
        let lease = (watcher, want);
        if self.until.len() >= MAX_LEASES && !self.until.contains_key(&lease) {
            return false;
        }
        self.until.insert(lease, now + ttl.min(MAX_TTL)).is_none_or(|until| until <= now)
    }

    /// Ends one lease of a watcher, or all of them.
    pub(super) fn end(&mut self, watcher: u32, want: Option<Want>) {
        self.until.retain(|(known, known_want), _| *known != watcher || want.is_some_and(|want| want != *known_want));
    }

    /// Whether a lease lives for what `is_meant` says.
    pub(super) fn any(&mut self, now: Instant, is_meant: impl Fn(Want) -> bool) -> bool {
        self.until.retain(|_, until| *until > now);
        self.until.keys().any(|(_, want)| is_meant(*want))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lease_lives_until_it_is_over_or_ended() {
        let (start, seconds) = (Instant::now(), Duration::from_secs);
        let mut leases = Leases::default();
        let live = |leases: &mut Leases, at, want| leases.any(start + seconds(at), |known| known == want);
        assert!(!live(&mut leases, 0, Want::Rows));
        assert!(leases.renew(1, Want::Rows, seconds(6), start));
        assert!(leases.renew(2, Want::Rows, seconds(1_000_000), start));
        assert!(!leases.renew(1, Want::Rows, seconds(6), start + seconds(5)));
        assert!(leases.renew(1, Want::Sums, seconds(20), start + seconds(5)), "it wants something else as well");
        leases.end(2, None);
        assert!(live(&mut leases, 10, Want::Rows) && !live(&mut leases, 10, Want::One(1)));
        assert!(!live(&mut leases, 11, Want::Rows) && live(&mut leases, 11, Want::Sums));
        leases.end(1, Some(Want::Rows));
        assert!(live(&mut leases, 12, Want::Sums));
        leases.end(1, Some(Want::Sums));
        assert!(!live(&mut leases, 12, Want::Sums));
        (0..2000).for_each(|watcher| _ = leases.renew(watcher, Want::Rows, seconds(1), start));
        assert_eq!(leases.until.len(), MAX_LEASES);
    }
}
