//! The things that all checks share, and a fleet to begin with.

use std::{
    fmt::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::{
    Failure,
    engine::{Engine, EngineKind},
    island::has_own_network,
    process::PATIENCE,
    replica::{Orders, Replica},
    rows::Rows,
    viewer::Viewer,
};

/// Requests at rest at each replica.
const RESTING: usize = 4;

/// The things that all checks share.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) proxy: Arc<Path>,
    /// The simulated provider.
    pub(crate) provider: SocketAddr,
    /// Replicas, duration and seed of the check with many kills.
    pub(crate) replicas: usize,
    pub(crate) time: Duration,
    pub(crate) seed: u64,
}

impl Stage {
    pub(crate) async fn set(proxy: Option<PathBuf>, replicas: usize, seconds: u64, seed: u64) -> Result<Self, Failure> {
        let proxy = match proxy {
            Some(proxy) => proxy,
            None => std::env::current_exe()?.with_file_name("active-requests-proxy"),
        };
        if !proxy.is_file() {
            return Err(format!("{} is missing: cargo build -p active-requests-proxy", proxy.display()).into());
        }
        // A replica on an island reaches it too.
        let host = if has_own_network() { "0.0.0.0:0" } else { "127.0.0.1:0" };
        let provider = active_requests_demo_provider::start_at(host).await?;
        let provider = SocketAddr::from(([127, 0, 0, 1], provider.port()));
        Ok(Self { proxy: proxy.into(), provider, replicas, time: Duration::from_secs(seconds), seed })
    }

    pub(crate) fn orders<'a>(&'a self, url: &'a str, name: &'a str) -> Orders<'a> {
        Orders { proxy: &self.proxy, url, provider: self.provider, name }
    }

    /// Three replicas on an engine, each with requests at rest; all are shown at the first two.
    pub(crate) async fn fleet(&self, kind: EngineKind) -> Result<Fleet, Failure> {
        let mut engine = Engine::new(kind)?;
        engine.start()?;
        let mut fleet = self.fleet_on(engine, &["a", "b", "c"]).await?;
        fleet.equal().await?;
        Ok(fleet)
    }

    /// Replicas on this engine, which need not run, each with requests at rest; two are watched.
    pub(crate) async fn fleet_on(&self, engine: Engine, names: &[&str]) -> Result<Fleet, Failure> {
        let url = engine.url();
        let mut replicas = Vec::new();
        for name in names {
            let mut replica = Replica::start(&self.orders(&url, name)).await?;
            replica.begin_resting(RESTING).await?;
            replicas.push(replica);
        }
        let mut viewers = Vec::new();
        for replica in replicas.iter().take(2) {
            viewers.push(Viewer::open(&replica.client).await?);
        }
        Ok(Fleet { engine, url, replicas, viewers })
    }
}

/// An engine, replicas on it, and viewers at the first two.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) engine: Engine,
    pub(crate) url: String,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) viewers: Vec<Viewer>,
}

impl Fleet {
    /// The rows of all replicas by their own lists.
    pub(crate) async fn all_rows(&self) -> Result<Rows, Failure> {
        let mut all = Rows::default();
        for replica in &self.replicas {
            all.append(replica.own_rows().await?);
        }
        Ok(all)
    }

    /// Waits until each viewer has, row by row and column by column, what the replicas' own lists have. Returns when.
    pub(crate) async fn equal(&mut self) -> Result<Instant, Failure> {
        let end = Instant::now() + PATIENCE;
        loop {
            let all = self.all_rows().await?;
            let mut unequal = None;
            for viewer in &self.viewers {
                let (failure, difference) =
                    viewer.look(|seen| (seen.failure.clone(), (seen.rows != all).then(|| all.difference(&seen.rows))));
                if let Some(failure) = failure {
                    return Err(failure.into());
                }
                unequal = unequal.or(difference);
            }
            let Some(difference) = unequal else { return Ok(Instant::now()) };
            if Instant::now() > end {
                let mut said = String::new();
                for replica in &self.replicas {
                    write!(said, "\n{} says of the fleet: {}", replica.name, replica.client.get("/fleet").await?)?;
                }
                return Err(format!("a viewer does not show the rows of all: {difference}{said}").into());
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Fails if a table has ever been found not to be what its replica said, or a message could not be read.
    pub(crate) async fn never_wrong(&self) -> Result<(), Failure> {
        for replica in &self.replicas {
            let counts = replica.counts().await?;
            for count in ["mismatches", "unreadable"] {
                if counts[count] != 0 {
                    return Err(format!("{} of {}: {counts}", count, replica.name).into());
                }
            }
        }
        Ok(())
    }
}
