//! The handle of a fleet.

use std::{fmt, sync::Arc};

use tokio::sync::mpsc;

use super::{bus::FleetBus, common::Common, counts::FleetCounts, error::FleetError, node::Node, watch::Wish};
use crate::{
    config::{FleetConfig, InvalidFleetTimes},
    monitor::MonitorService,
    tracker::RequestTracker,
};

/// The setting without which there is no fleet.
const URL: &str = "VDM_ACTIVE_REQUESTS_FLEET_URL";
/// Wishes that may wait.
const MAX_WISHES: usize = 256;

/// This replica's part in a fleet. Clones are the same part; it ends when the last is dropped, or when the tracker is
/// [shut down](RequestTracker::shutdown), and tells the others.
#[derive(Clone)]
pub struct Fleet {
    pub(super) common: Arc<Common>,
    pub(super) wishes: mpsc::Sender<Wish>,
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet").field("name", &self.common.config.name).field("replica", &self.replica()).finish()
    }
}

impl Fleet {
    /// Starts a replica's part in a fleet, as a task of the tokio runtime that this is called in. The replica counts as a part of it from then on,
    /// and is seen as soon as `bus` has a connection.
    ///
    /// # Errors
    /// The times of `config` do not go together: see [`FleetConfig::check`].
    ///
    /// # Panics
    /// There is no tokio runtime.
    pub fn start(bus: impl FleetBus, tracker: RequestTracker, config: FleetConfig) -> Result<Self, InvalidFleetTimes> {
        config.check()?;
        let common = Arc::new(Common::new(tracker, config));
        let (wishes, receiver) = mpsc::channel(MAX_WISHES);
        tokio::spawn(Node::new(Arc::new(bus), Arc::clone(&common), receiver).run());
        Ok(Self { common, wishes })
    }

    /// Starts a replica's part in the fleet whose server is at [`FleetConfig::url`]; the features `fleet-nats` and `fleet-redis` say which addresses there are.
    /// The server need not be there: the bus connects in the background, and again whenever the connection is lost.
    ///
    /// # Errors
    /// The address is missing, cannot be used or needs a feature that is off; the credentials cannot be read; or the times do not go together.
    ///
    /// # Panics
    /// There is no tokio runtime.
    #[cfg_attr(
        not(any(feature = "fleet-nats", feature = "fleet-redis")),
        expect(unused_variables, reason = "no address can be used")
    )]
    pub async fn connect(tracker: RequestTracker, config: FleetConfig) -> Result<Self, FleetError> {
        let needs_url = config.set_in_vain().map(|setting| FleetError::Vain { setting, needs: URL });
        let url = config.url.clone().ok_or(needs_url.unwrap_or(FleetError::NoUrl))?;
        match url.scheme() {
            #[cfg(feature = "fleet-nats")]
            "nats" | "tls" => {
                let read = |path: &String| {
                    std::fs::read_to_string(path)
                        .map_err(|error| FleetError::Credentials { path: path.clone(), reason: error.to_string() })
                };
                let credentials = config.credentials.as_ref().map(read).transpose()?;
                let bus = super::nats::NatsBus::new(&url, credentials.as_deref(), config.ca_file.as_deref()).await?;
                Ok(Self::start(bus, tracker, config)?)
            }
            #[cfg(feature = "fleet-redis")]
            "redis" | "rediss" => {
                if config.credentials.is_some() {
                    let setting = "VDM_ACTIVE_REQUESTS_FLEET_CREDENTIALS";
                    return Err(FleetError::Vain { setting, needs: "a VDM_ACTIVE_REQUESTS_FLEET_URL of NATS" });
                }
                let bus = super::redis::RedisBus::new(&url, config.ca_file.as_deref())?;
                Ok(Self::start(bus, tracker, config)?)
            }
            #[cfg(not(feature = "fleet-nats"))]
            "nats" | "tls" => Err(FleetError::Feature("fleet-nats")),
            #[cfg(not(feature = "fleet-redis"))]
            "redis" | "rediss" => Err(FleetError::Feature("fleet-redis")),
            scheme => Err(FleetError::Unusable(format!("{scheme}:// is not understood"))),
        }
    }

    /// The name of the fleet.
    pub fn name(&self) -> &str {
        self.common.config.name.as_str()
    }

    /// The name of this replica.
    pub fn replica(&self) -> &str {
        &self.common.about.name
    }

    /// Counts of messages since the start.
    pub fn counts(&self) -> FleetCounts {
        self.common.counts()
    }

    /// Waits until the part has ended and the others have been told, after [`RequestTracker::shutdown`].
    pub async fn ended(&self) {
        self.wishes.closed().await;
    }
}

impl MonitorService {
    /// Has `?scope=fleet` answered for all replicas of a fleet, and the questions of other replicas answered by this service.
    ///
    /// A replica's rights are its own: whoever may cancel at another replica may cancel here only if somebody may at all, as
    /// [`MonitorConfig::can_operate`](crate::config::MonitorConfig::can_operate) says.
    #[must_use]
    pub fn with_fleet(self, fleet: Fleet) -> Self {
        // Without the fleet, or the two would hold each other.
        let local = self.clone().scoped(None);
        // A second service of the same fleet answers its own clients, and leaves those of other replicas to the first.
        let _ = fleet.common.monitor.set(local);
        self.scoped(Some(Arc::new(fleet)))
    }
}
