//! The proxy's part in a fleet, on a thread of its own: what others send, and the tables of a viewer of all replicas, cost requests nothing.

use std::thread;

use active_requests::{config::FleetConfig, fleet::Fleet, tracker::RequestTracker};
use tokio::{runtime::Builder, sync::oneshot};

use crate::config::description::SettingsError;

/// Joins the fleet, if its server is set. The server need not be there.
pub(crate) async fn join(tracker: &RequestTracker, config: &FleetConfig) -> Result<Option<Fleet>, SettingsError> {
    if config.url.is_none() && config.set_in_vain().is_none() {
        return Ok(None);
    }
    let (told, joined) = oneshot::channel();
    let (tracker, config) = (tracker.clone(), config.clone());
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| SettingsError::new(format!("the fleet's thread cannot be started: {error}")))?;
    let work = move || {
        runtime.block_on(async move {
            let fleet = Fleet::connect(tracker, config).await;
            let ended = fleet.as_ref().ok().cloned();
            let _ = told.send(fleet);
            if let Some(fleet) = ended {
                fleet.ended().await;
            }
        });
    };
    let started = thread::Builder::new().name("fleet".to_owned()).spawn(work);
    started.map_err(|error| SettingsError::new(format!("the fleet's thread cannot be started: {error}")))?;
    match joined.await {
        Ok(Ok(fleet)) => Ok(Some(fleet)),
        Ok(Err(error)) => Err(SettingsError::new(error.to_string())),
        Err(_) => Err(SettingsError::new("the fleet's thread has ended")),
    }
}
