//! Fleets: what watching many replicas costs, and that it costs requests nothing.

mod replicas;
mod requests;
mod sizes;
mod viewer;

pub use self::{replicas::Replicas, requests::watched, sizes::fleet};

use super::Asked;
use crate::{
    Failure,
    client::Link,
    process::{Server, free_port, ourselves},
    targets::Target,
};
use std::{path::PathBuf, sync::Arc};
use tokio::process::Command;

/// The server that carries messages between replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Nats,
    Redis,
}

impl Engine {
    const ALL: [Self; 2] = [Self::Nats, Self::Redis];

    fn name(self) -> &'static str {
        match self {
            Self::Nats => "nats",
            Self::Redis => "redis",
        }
    }

    /// Starts it; gives it and its address. `None` where it is not installed.
    async fn start(self) -> Result<Option<(Target, String)>, Failure> {
        let port = free_port()?;
        let number = port.to_string();
        let mut command = match self {
            Self::Nats => Command::new("nats-server"),
            Self::Redis => Command::new("redis-server"),
        };
        match self {
            Self::Nats => command.args(["-a", "127.0.0.1", "-p", &number]),
            Self::Redis => command.args(["--bind", "127.0.0.1", "--port", &number, "--save", "", "--appendonly", "no"]),
        };
        let server = match Server::start(command, port).await {
            Ok(server) => Arc::new(server),
            Err(why) => {
                println!("{why}: {} is left out", self.name());
                return Ok(None);
            }
        };
        let url = format!("{}://127.0.0.1:{port}", self.name());
        Ok(Some((Target { name: self.name(), prefix: "", link: Link::Http1, server }, url)))
    }
}

/// Starts a proxy of a fleet.
async fn proxy(asked: &Asked, url: &str, fleet: &str, max_rows: usize) -> Result<Arc<Server>, Failure> {
    let port = free_port()?;
    let path: PathBuf = std::env::current_exe()?.with_file_name("active-requests-proxy");
    let mut command = Command::new(path);
    command
        .env_clear()
        .env("PORT", port.to_string())
        .env("PROXY_THREADS", "1")
        .env("MOCK_BASE_URL", format!("http://127.0.0.1:{}", asked.stage.upstream.server.port))
        .env("MOCK_API_KEY", "load")
        .env("VDM_ACTIVE_REQUESTS_FLEET_URL", url)
        .env("VDM_ACTIVE_REQUESTS_FLEET_NAME", fleet)
        .env("VDM_ACTIVE_REQUESTS_FLEET_MAX_ROWS", max_rows.to_string());
    Ok(Arc::new(Server::start(command, port).await?))
}

/// Starts replicas that are all in one process.
async fn start_replicas(url: &str, count: usize, rows: usize) -> Result<Server, Failure> {
    let port = free_port()?;
    let mut command = ourselves()?;
    command.args(["replicas", &port.to_string(), url, &count.to_string(), &rows.to_string()]);
    Server::start(command, port).await
}
