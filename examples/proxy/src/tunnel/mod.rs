//! Tunnels: WebSockets through the proxy, each of them a request that is in flight until it closes.
//!
//! Bytes pass as they come, in both directions. [`frames`] reads along, [`inflate`] decodes, [`observer`] tells the row, [`relay`] carries, and
//! [`Tunnels`] knows which are open.

pub mod frames;
pub mod inflate;
pub mod observer;
pub mod relay;

use std::sync::Arc;

use tokio::sync::watch;

/// The tunnels that are open.
#[derive(Clone, Debug)]
pub struct Tunnels(Arc<watch::Sender<bool>>);

/// A tunnel's place among those that are open, for as long as it lives.
#[derive(Debug)]
pub struct TunnelPlace(watch::Receiver<bool>);

impl Default for Tunnels {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Tunnels {
    /// Adds one.
    pub fn open(&self) -> TunnelPlace {
        TunnelPlace(self.0.subscribe())
    }

    /// Waits until none is open.
    pub async fn ended(&self) {
        self.0.closed().await;
    }

    /// Cuts off those that are open, and waits until they have gone.
    pub async fn cut(&self) {
        self.0.send_replace(true);
        self.ended().await;
    }
}

impl TunnelPlace {
    /// Waits until the tunnel is to be cut off.
    pub async fn is_cut(&mut self) {
        // Without a sender nobody can cut it any more.
        if self.0.wait_for(|cut| *cut).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
