//! A replica: a proxy as a process of its own, with requests in flight.

use std::{net::SocketAddr, path::Path, process::Stdio};

use rustix::process::Signal;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    time::timeout,
};

use crate::{
    Failure,
    http::{Exchange, OPERATOR, ProxyClient},
    process::{PATIENCE, Process},
    rows::Rows,
};

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) name: String,
    pub(crate) client: ProxyClient,
    pub(crate) process: Process,
    pub(crate) epoch: String,
    pub(crate) exchanges: Vec<Exchange>,
}

/// The things that a replica is started with.
#[derive(Clone, Debug)]
pub(crate) struct Orders<'a> {
    pub(crate) proxy: &'a Path,
    pub(crate) url: &'a str,
    /// The simulated provider.
    pub(crate) provider: SocketAddr,
    pub(crate) name: &'a str,
}

impl Orders<'_> {
    /// The command and its environment, to be run by `runner` if there is one.
    pub(crate) fn command(&self, runner: &[&str]) -> Command {
        let mut command = match runner {
            [] => Command::new(self.proxy),
            [program, arguments @ ..] => {
                let mut command = Command::new(program);
                command.args(arguments).arg(self.proxy);
                command
            }
        };
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("PORT", "0")
            .env("PROXY_GRACE", "1")
            .env("PROXY_IDLE_TIMEOUT", "3600")
            .env("SIM_BASE_URL", format!("http://{}/v1", self.provider))
            .env("SIM_API_KEY", "sim")
            .env("VDM_ACTIVE_REQUESTS_FLEET_URL", self.url)
            .env("VDM_ACTIVE_REQUESTS_FLEET_REPLICA", self.name)
            .env("VDM_ACTIVE_REQUESTS_OPERATE_KEYS", OPERATOR)
            // A row that has come to rest does not change by itself.
            .env("VDM_ACTIVE_REQUESTS_STALL_AFTER", "3600");
        command
    }
}

impl Replica {
    /// Starts one and waits until it listens.
    pub(crate) async fn start(orders: &Orders<'_>) -> Result<Self, Failure> {
        let (process, address) = launch(orders.command(&[])).await?;
        Self::at(orders.name, process, address).await
    }

    /// The replica that runs as `process` and is reached at `address`.
    pub(crate) async fn at(name: &str, process: Process, address: SocketAddr) -> Result<Self, Failure> {
        let client = ProxyClient::new(address);
        let list = client.get("/fleet").await?;
        let own = list["replicas"].as_array().into_iter().flatten().find(|replica| replica["self"] == true);
        let epoch = own.and_then(|own| own["epoch"].as_str()).ok_or("the list of replicas has no own one")?.to_owned();
        Ok(Self { name: name.to_owned(), client, process, epoch, exchanges: Vec::new() })
    }

    /// Starts requests that come to rest after a few chunks.
    pub(crate) async fn begin_resting(&mut self, count: usize) -> Result<(), Failure> {
        for _ in 0..count {
            self.exchanges.push(self.client.begin("demo-c1000-d5-s5").await?);
        }
        Ok(())
    }

    /// The rows of this replica by its own list.
    pub(crate) async fn own_rows(&self) -> Result<Rows, Failure> {
        Rows::of_snapshot(&self.client.get("/active-requests").await?, Some(&self.name))
    }

    /// The rows of all replicas as this one shows them.
    pub(crate) async fn shown_rows(&self) -> Result<Rows, Failure> {
        Rows::of_snapshot(&self.client.get("/active-requests?scope=fleet").await?, None)
    }

    /// The counts of messages of the fleet.
    pub(crate) async fn counts(&self) -> Result<Value, Failure> {
        Ok(self.client.get("/fleet").await?["counts"].clone())
    }

    pub(crate) fn pause(&self) -> Result<(), Failure> {
        self.process.signal(Signal::STOP)
    }

    pub(crate) fn go_on(&self) -> Result<(), Failure> {
        self.process.signal(Signal::CONT)
    }

    /// Kills it without a word; its clients' requests end with it.
    pub(crate) async fn kill(&mut self) -> Result<(), Failure> {
        self.exchanges.clear();
        self.process.kill().await
    }
}

/// Runs the command, and reads from its output where it listens.
pub(crate) async fn launch(mut command: Command) -> Result<(Process, SocketAddr), Failure> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = Process::start(command)?;
    let mut lines = BufReader::new(process.child.stdout.take().ok_or("there is no output")?).lines();
    let line = timeout(PATIENCE, lines.next_line()).await.map_err(|_| "the proxy does not start")??;
    let line = line.ok_or("the proxy has ended at its start")?;
    let address = line.split_once("://").and_then(|(_, rest)| rest.split('/').next()?.parse().ok());
    let address = address.ok_or_else(|| format!("the proxy says: {line}"))?;
    // Read on, or it would wait for a reader.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok((process, address))
}
