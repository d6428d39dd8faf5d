//! The hubs of the streams that this replica serves: one of the fleet, and one of each replica that somebody looks at by itself.

use std::{collections::BTreeMap, sync::Arc};

use super::watching::Watched;
use crate::{
    monitor::{Error, Format, Hub, Subscription},
    sync::Mutex,
};

/// Replicas whose rows can be looked at by themselves at a time.
const MAX_REPLICAS: usize = 64;

/// See the [module](self). They all wake the one task that publishes to them.
#[derive(Debug, Default)]
pub(super) struct Hubs {
    pub(super) fleet: Arc<Hub>,
    replicas: Mutex<BTreeMap<u32, Arc<Hub>>>,
}

impl Hubs {
    /// Adds a subscriber, unless there are `max`. Who has seen the delta `seen` of the fleet goes on from there if it can.
    pub(super) fn subscribe(
        &self,
        watched: Watched,
        format: Format,
        seen: Option<u64>,
        max: usize,
        can_cancel: bool,
    ) -> Result<Subscription, Error> {
        let too_many = |error| Error::too_many_subscribers(error, max);
        let (hub, seat) = match watched {
            Watched::Fleet => (Arc::clone(&self.fleet), self.fleet.join(format, seen, max).map_err(too_many)?),
            Watched::Replica(epoch) => {
                let mut replicas = self.replicas.lock();
                if replicas.len() >= MAX_REPLICAS && !replicas.contains_key(&epoch) {
                    return Err(Error::too_many_replicas(MAX_REPLICAS));
                }
                let taken: usize = replicas.values().map(|hub| hub.subscribers()).sum();
                let hub = self.replica(&mut replicas, epoch);
                // Its numbers begin anew with each hub, so that nobody goes on from a delta.
                let seat = hub.join(format, None, hub.subscribers() + max.saturating_sub(taken)).map_err(too_many)?;
                (hub, seat)
            }
        };
        Ok(Subscription::new(hub, format, seat, can_cancel))
    }

    /// The watched things that have subscribers.
    pub(super) fn watched(&self) -> Vec<Watched> {
        let mut replicas = self.replicas.lock();
        // Subscribers and the task each hold theirs.
        replicas.retain(|_, hub| Arc::strong_count(hub) > 1);
        let all = replicas.iter().map(|(epoch, hub)| (Watched::Replica(*epoch), hub));
        let all = all.chain([(Watched::Fleet, &self.fleet)]);
        all.filter(|(_, hub)| hub.subscribers() > 0).map(|(watched, _)| watched).collect()
    }

    /// The hub to publish to.
    pub(super) fn get(&self, watched: Watched) -> Arc<Hub> {
        match watched {
            Watched::Fleet => Arc::clone(&self.fleet),
            Watched::Replica(epoch) => self.replica(&mut self.replicas.lock(), epoch),
        }
    }

    fn replica(&self, replicas: &mut BTreeMap<u32, Arc<Hub>>, epoch: u32) -> Arc<Hub> {
        let hub = replicas.entry(epoch).or_insert_with(|| Arc::new(Hub::waking(Arc::clone(&self.fleet.wake))));
        Arc::clone(hub)
    }

    /// The number of subscribers.
    #[cfg(feature = "prometheus")]
    pub(super) fn subscribers(&self) -> usize {
        self.fleet.subscribers() + self.replicas.lock().values().map(|hub| hub.subscribers()).sum::<usize>()
    }

    /// Ends all subscriptions.
    pub(super) fn close(&self) {
        self.fleet.close();
        self.replicas.lock().values().for_each(|hub| hub.close());
    }
}
