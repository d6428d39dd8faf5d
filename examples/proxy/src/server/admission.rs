//! The connections that clients may have: all together, and each client.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// The most descriptors that this process may have, after the limit has been raised as far as it goes.
pub(crate) fn raise_descriptor_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
            tracing::warn!("the limit of descriptors cannot be raised: {error}");
        }
    }
}

/// The connections that leave descriptors for upstreams: three of four may be clients'.
fn most_by_descriptors() -> usize {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit};
        let descriptors = getrlimit(Resource::Nofile).current.and_then(|most| usize::try_from(most).ok());
        descriptors.map_or(usize::MAX, |most| (most / 4 * 3).max(1))
    }
    #[cfg(not(unix))]
    usize::MAX
}

/// Counts connections, and says when there are too many.
#[derive(Debug)]
pub(super) struct Admission {
    most: usize,
    most_per_client: usize,
    open: Mutex<OpenConnections>,
    refused: AtomicU64,
}

#[derive(Debug, Default)]
struct OpenConnections {
    all: usize,
    /// Empty while there is no limit for a client.
    by_client: HashMap<IpAddr, usize>,
}

/// A connection's place among those that are open.
#[derive(Debug)]
pub(crate) struct Place {
    admission: Arc<Admission>,
    client: Option<IpAddr>,
}

impl Admission {
    /// `0` of all: as many as descriptors allow; `0` of a client: as many as of all.
    pub(super) fn new(most: usize, most_per_client: usize) -> Arc<Self> {
        let most = if most == 0 { most_by_descriptors() } else { most };
        Arc::new(Self { most, most_per_client, open: Mutex::default(), refused: AtomicU64::new(0) })
    }

    /// A place for a client of this address, unless there are too many.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let client = (self.most_per_client > 0).then(|| of_one_client(address));
        let mut open = self.open();
        let mine = client.map(|client| open.by_client.get(&client).copied().unwrap_or_default());
        if open.all >= self.most || mine.is_some_and(|mine| mine >= self.most_per_client) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        open.all += 1;
        if let Some(client) = client {
            *open.by_client.entry(client).or_default() += 1;
        }
        Some(Place { admission: Arc::clone(self), client })
    }

    /// The connections that are open.
    pub(super) fn count(&self) -> usize {
        self.open().all
    }

    /// The connections refused since the last call.
    pub(super) fn take_refused(&self) -> u64 {
        self.refused.swap(0, Ordering::Relaxed)
    }

    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.admission.open();
        open.all -= 1;
        let Some(client) = self.client else { return };
        if let Some(count) = open.by_client.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                open.by_client.remove(&client);
            }
        }
    }
}

/// The address under which connections of one client are counted: whoever has an IPv6 address has 2^64 of them.
fn of_one_client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_for_all_and_for_each_client_and_given_back() {
        let admission = Admission::new(3, 2);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let first = admission.admit(address("10.0.0.1")).unwrap();
        let second = admission.admit(address("::ffff:10.0.0.1"));
        assert!(second.is_some() && admission.admit(address("10.0.0.1")).is_none(), "two of one client");
        let third = admission.admit(address("2001:db8::1"));
        assert!(third.is_some() && admission.admit(address("10.0.0.2")).is_none(), "three of all");
        drop(first);
        let fourth = admission.admit(address("2001:db8::2"));
        assert!(fourth.is_some());
        drop(second);
        assert!(admission.admit(address("2001:db8::3")).is_none(), "the same network");
        assert_eq!((admission.take_refused(), admission.take_refused()), (3, 0));
        drop((third, fourth));
        assert!(admission.open().by_client.is_empty() && admission.open().all == 0);
    }
}
