//! Files that are read again on SIGHUP.

use std::sync::Arc;

use active_requests::tracker::RequestTracker;
use tokio::task::AbortHandle;

use crate::{prices, server::tls::ServerTls};

/// Everything that is read again.
#[derive(Debug)]
pub(crate) struct Reload {
    /// The file of prices, and where they go.
    pub prices: Option<String>,
    pub tracker: RequestTracker,
    pub tls: Option<Arc<ServerTls>>,
}

impl Reload {
    /// Starts a task that reads the files again on each SIGHUP. Without any, the signal does nothing.
    pub(crate) fn on_hangup(self) -> AbortHandle {
        // From here on the signal does not end the program, as it would by itself.
        #[cfg(unix)]
        let hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup());
        let task = tokio::spawn(async move {
            #[cfg(unix)]
            match hangup {
                Ok(mut hangup) => {
                    while hangup.recv().await.is_some() {
                        self.reload();
                    }
                }
                Err(error) => tracing::error!("SIGHUP cannot be waited for: {error}"),
            }
            #[cfg(not(unix))]
            drop(self);
        });
        task.abort_handle()
    }

    #[cfg(unix)]
    fn reload(&self) {
        if let Some(path) = &self.prices {
            prices::reload(path, &self.tracker);
        }
        if let Some(tls) = &self.tls {
            tls.reload();
        }
        if self.prices.is_none() && self.tls.is_none() {
            tracing::info!("SIGHUP: there is no file to read again");
        }
    }
}
