//! Short requests to one replica, one after the other, of which none may fail.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use crate::{Failure, http::ProxyClient};

/// See the [module](self). Stops when dropped.
#[derive(Debug)]
pub(crate) struct Traffic {
    is_over: Arc<AtomicBool>,
    running: JoinHandle<Result<Vec<Duration>, Failure>>,
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

impl Traffic {
    pub(crate) fn start(client: &ProxyClient, pause: Duration) -> Self {
        let (client, is_over) = (client.clone(), Arc::new(AtomicBool::new(false)));
        let over = Arc::clone(&is_over);
        let running = tokio::spawn(async move {
            let mut took = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let start = Instant::now();
                client.begin("demo-c2-d0").await?.finish().await?;
                took.push(start.elapsed());
                sleep(pause).await;
            }
            Ok(took)
        });
        Self { is_over, running }
    }

    /// Ends it. Returns how long each request took, the shortest first.
    pub(crate) async fn stop(mut self) -> Result<Vec<Duration>, Failure> {
        self.is_over.store(true, Ordering::Relaxed);
        let mut took = (&mut self.running).await?.map_err(|failure| format!("a request has failed: {failure}"))?;
        took.sort();
        if took.is_empty() { Err("no request was sent".into()) } else { Ok(took) }
    }
}
