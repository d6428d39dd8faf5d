//! A feed: the publisher of a tracker's rows, its hub, and how to subscribe to it.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::{
    format::Format,
    hub::{Hub, TooManySubscribers},
    publisher,
    subscription::Subscription,
};
#[cfg(feature = "prometheus")]
use crate::metrics::FeedHealth;
use crate::{config::MonitorConfig, tracker::RequestTracker};

/// See the [module](self). The publisher runs while there are subscribers.
#[derive(Debug)]
pub(crate) struct Feed {
    tracker: RequestTracker,
    config: Arc<MonitorConfig>,
    hub: Arc<Hub>,
}

impl Feed {
    pub(crate) fn new(tracker: RequestTracker, config: Arc<MonitorConfig>) -> Self {
        Self { tracker, config, hub: Arc::default() }
    }

    /// How the feed does.
    #[cfg(feature = "prometheus")]
    pub(super) fn health(&self) -> FeedHealth {
        self.hub.health()
    }

    /// Adds a subscriber, unless there are as many as the settings allow. A subscriber to deltas that has seen the delta `seen` goes on from
    /// there if it can. `runtime` is where the publisher runs.
    pub(crate) fn subscribe(
        &self,
        runtime: &Handle,
        format: Format,
        seen: Option<u64>,
        can_cancel: bool,
    ) -> Result<Subscription, TooManySubscribers> {
        let seat = self.hub.join(format, seen, self.config.max_subscribers)?;
        if seat.needs_publisher {
            let (tracker, hub, config) = (self.tracker.clone(), Arc::clone(&self.hub), Arc::clone(&self.config));
            runtime.spawn(publisher::publish(tracker, hub, config, seat.session));
        }
        Ok(Subscription::new(Arc::clone(&self.hub), format, seat, can_cancel))
    }
}
