//! A viewer of a fleet's stream of deltas, which looks for marked requests in it.

use super::replicas::MARK;
use crate::{Failure, client::Connection};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::JoinHandle,
};

/// The digits of a mark: nanoseconds since the Unix epoch, until the year 2286.
const DIGITS: usize = 19;

/// See the [module](self). It leaves when it is dropped.
pub struct FleetViewer {
    reading: JoinHandle<Result<(), Failure>>,
    /// Milliseconds from the start of marked requests until they were seen here.
    delays: UnboundedReceiver<f64>,
}

impl Drop for FleetViewer {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl FleetViewer {
    pub async fn open(port: u16) -> Result<Self, Failure> {
        let connection = Connection::open(port).await?;
        let request = Request::get("/metrics/active-requests/stream?scope=fleet&format=delta")
            .header(http::header::HOST, "127.0.0.1")
            .body(Full::<Bytes>::default())?;
        let mut body = connection.send(request).await?.into_body();
        let (seen, delays) = unbounded_channel();
        let reading = tokio::spawn(async move {
            let mut rest = Vec::new();
            while let Some(frame) = body.frame().await {
                let Ok(data) = frame?.into_data() else { continue };
                let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
                rest.extend_from_slice(&data);
                for at in memchr::memmem::find_iter(&rest, MARK) {
                    let digits = rest.get(at + MARK.len()..at + MARK.len() + DIGITS);
                    let start = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u128>().ok());
                    if let Some(start) = start {
                        let _ = seen.send(now.saturating_sub(start) as f64 / 1e6);
                    }
                }
                // A mark may go on in the next piece; one that is whole is not read twice.
                let keep = (MARK.len() + DIGITS - 1).min(rest.len());
                rest.drain(..rest.len() - keep);
            }
            Ok(())
        });
        Ok(Self { reading, delays })
    }

    /// The delays since the last call.
    pub fn delays(&mut self) -> Vec<f64> {
        std::iter::from_fn(|| self.delays.try_recv().ok()).collect()
    }
}
