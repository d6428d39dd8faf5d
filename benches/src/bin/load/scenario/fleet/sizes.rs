//! Fleets of several sizes, all of whose rows move: what travels, and what it costs whom.

use super::{Engine, proxy, start_replicas, viewer::FleetViewer};
use crate::{
    Failure, client,
    process::Server,
    results::{Rounds, percentile},
    scenario::Asked,
    targets::Target,
};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The time that is measured in a round.
const WINDOW: Duration = Duration::from_secs(3);
/// The time before, in which tables are fetched and buffers grow.
const WARM_UP: Duration = Duration::from_secs(4);

/// A fleet.
struct Size {
    what: &'static str,
    replicas: usize,
    rows: usize,
    max_rows: usize,
}

const SIZES: [Size; 3] = [
    Size { what: "10 x 1,000 rows", replicas: 10, rows: 1000, max_rows: 20_000 },
    Size { what: "200 x 1,000 rows, as sums", replicas: 200, rows: 1000, max_rows: 20_000 },
    Size { what: "200 x 1,000 rows, as rows", replicas: 200, rows: 1000, max_rows: 1_000_000 },
];

pub async fn fleet(asked: &Asked) -> Result<Rounds, Failure> {
    let mut rounds = Rounds::default();
    for size in &SIZES {
        for engine in Engine::ALL {
            if let Some((target, url)) = engine.start().await? {
                measure(asked, size, &target, &url, &mut rounds).await?;
            }
        }
    }
    Ok(rounds)
}

/// Processor time spent so far, by whom.
struct Spent {
    at: Instant,
    engine: Duration,
    replicas: Duration,
    watcher: Duration,
    heard_bytes: f64,
}

impl Spent {
    async fn now(engine: &Target, replicas: &Server, watcher: &Server) -> Result<Self, Failure> {
        Ok(Self {
            at: Instant::now(),
            engine: engine.server.cpu()?,
            replicas: replicas.cpu()?,
            watcher: watcher.cpu()?,
            heard_bytes: heard_bytes(watcher).await?,
        })
    }
}

async fn measure(
    asked: &Asked,
    Size { what, replicas: count, rows, max_rows }: &Size,
    engine: &Target,
    url: &str,
    rounds: &mut Rounds,
) -> Result<(), Failure> {
    let replicas = start_replicas(url, *count, *rows).await?;
    let watcher = proxy(asked, url, "default", *max_rows).await?;
    sleep(WARM_UP).await;
    // Unwatched: the work of the replicas themselves.
    let (before, start) = (replicas.cpu()?, Instant::now());
    sleep(WINDOW).await;
    let unwatched = share(replicas.cpu()? - before, start.elapsed());

    let mut viewer = FleetViewer::open(watcher.port).await?;
    sleep(WARM_UP).await;
    for _ in 0..asked.rounds {
        viewer.delays();
        let before = Spent::now(engine, &replicas, &watcher).await?;
        sleep(WINDOW).await;
        let after = Spent::now(engine, &replicas, &watcher).await?;
        let delays = viewer.delays();
        let time = after.at - before.at;
        let mut add = |of: &str, value: f64| rounds.add(&format!("fleet of {what}: {of}"), "", engine, value);
        add("KB/s to the watcher", (after.heard_bytes - before.heard_bytes) / 1000.0 / time.as_secs_f64());
        add("watcher, % of a core", share(after.watcher - before.watcher, time));
        add("watcher, MB", watcher.memory()? / 1000.0);
        add("engine, % of a core", share(after.engine - before.engine, time));
        let watched = share(after.replicas - before.replicas, time);
        add("a replica, % of a core for being watched", (watched - unwatched) / *count as f64);
        if !delays.is_empty() {
            add("start to viewer, p50, ms", percentile(delays.clone(), 50));
            add("start to viewer, p99, ms", percentile(delays, 99));
        }
    }
    Ok(())
}

/// The percentage of one core.
fn share(spent: Duration, time: Duration) -> f64 {
    100.0 * spent.as_secs_f64() / time.as_secs_f64()
}

/// The bytes of messages that a proxy has heard.
async fn heard_bytes(proxy: &Server) -> Result<f64, Failure> {
    let connection = client::Connection::open(proxy.port).await?;
    let request =
        Request::get("/metrics/fleet").header(http::header::HOST, client::HOST).body(Full::<Bytes>::default())?;
    let body = connection.send(request).await?.into_body().collect().await?.to_bytes();
    let document: Value = serde_json::from_slice(&body)?;
    Ok(document["counts"]["heard_bytes"].as_f64().ok_or("no counts of the fleet")?)
}
