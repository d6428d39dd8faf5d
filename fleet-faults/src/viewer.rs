//! A viewer of the whole fleet: it follows the stream of deltas, and keeps what it shows.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use active_requests::sse::Decoder;
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::{
    Failure,
    http::ProxyClient,
    process::PATIENCE,
    rows::{Rows, list},
};

/// A viewer, gone when dropped.
#[derive(Debug)]
pub(crate) struct Viewer {
    seen: Arc<Mutex<Seen>>,
    /// Incremented with each event.
    events: watch::Receiver<u64>,
    reading: JoinHandle<()>,
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// The view as a viewer has it.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) rows: Rows,
    /// The list of replicas, as it was last sent.
    fleet: Value,
    /// Epochs that were told to be gone, one for each time.
    pub(crate) gone: Vec<String>,
    /// The reason why the view is not kept any more.
    pub(crate) failure: Option<String>,
}

impl Seen {
    pub(crate) fn is_lost(&self) -> bool {
        self.fleet["state"] == "lost"
    }

    /// The state in which a replica is shown.
    pub(crate) fn state(&self, name: &str) -> Option<&str> {
        list(&self.fleet, "replicas").iter().find(|replica| replica["replica"] == name)?["state"].as_str()
    }

    fn take(&mut self, name: &[u8], data: &[u8]) -> Result<(), Failure> {
        let data: Value = serde_json::from_slice(data)?;
        if !data["fleet"].is_null() {
            self.fleet = data["fleet"].clone();
        }
        match name {
            b"update" => self.rows = Rows::of_snapshot(&data, None)?,
            b"delta" => {
                self.gone.extend(list(&data, "gone").iter().filter_map(|epoch| Some(epoch.as_str()?.to_owned())));
                self.rows.apply(&data)?;
            }
            _ => {}
        }
        Ok(())
    }
}

impl Viewer {
    /// Opens the stream of the fleet at one replica.
    pub(crate) async fn open(client: &ProxyClient) -> Result<Self, Failure> {
        let path = "/metrics/active-requests/stream?scope=fleet&format=delta";
        let response = client.send("GET", path, String::new()).await?;
        if !response.status().is_success() {
            return Err(format!("{path}: {}", response.status()).into());
        }
        let mut body = response.into_body();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (told, events) = watch::channel(0);
        let shared = Arc::clone(&seen);
        let reading = tokio::spawn(async move {
            let mut decoder = Decoder::new().with_max_event_bytes(64 << 20);
            let end = loop {
                let frame = match body.frame().await {
                    Some(Ok(frame)) => frame,
                    Some(Err(error)) => break format!("the stream broke off: {error}"),
                    None => break "the stream has ended".to_owned(),
                };
                let Ok(data) = frame.into_data() else { continue };
                decoder.feed(&data, |event| {
                    let mut seen = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Err(failure) = seen.take(event.name, event.data) {
                        seen.failure = Some(failure.to_string());
                    }
                    told.send_modify(|events| *events += 1);
                });
            };
            shared.lock().unwrap_or_else(PoisonError::into_inner).failure.get_or_insert(end);
            told.send_modify(|events| *events += 1);
        });
        Ok(Self { seen, events, reading })
    }

    /// Looks at the view.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until the view is as it must become. Returns when.
    pub(crate) async fn until(&mut self, what: &str, holds: impl Fn(&Seen) -> bool) -> Result<Instant, Failure> {
        let wait = async {
            loop {
                self.events.mark_unchanged();
                let (failure, good) = self.look(|seen| (seen.failure.clone(), holds(seen)));
                if let Some(failure) = failure {
                    return Err(failure.into());
                }
                if good {
                    return Ok(Instant::now());
                }
                self.events.changed().await.map_err(|_| format!("the stream has ended before: {what}"))?;
            }
        };
        timeout(PATIENCE, wait).await.unwrap_or_else(|_| Err(format!("never shown: {what}").into()))
    }

    /// Whether the view stays as it is for so long as `holds` says.
    pub(crate) async fn stays(
        &mut self,
        what: &str,
        time: Duration,
        holds: impl Fn(&Seen) -> bool,
    ) -> Result<(), Failure> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            if !self.look(&holds) {
                return Err(format!("not for {} s: {what}", time.as_secs_f64()).into());
            }
            let _ = tokio::time::timeout_at(end, self.events.changed()).await;
        }
        Ok(())
    }
}
