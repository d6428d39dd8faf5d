//! The engine: the server that carries messages between replicas.

use std::{net::TcpListener, process::Stdio};

use rustix::process::Signal;
use tokio::process::Command;

use crate::{Failure, process::Process};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum EngineKind {
    Nats,
    Redis,
}

impl EngineKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nats => "nats",
            Self::Redis => "redis",
        }
    }
}

/// A server that carries messages, on a port of its own, running or not.
#[derive(Debug)]
pub(crate) struct Engine {
    kind: EngineKind,
    host: &'static str,
    port: u16,
    process: Option<Process>,
}

impl Engine {
    /// One on loopback that does not run yet.
    pub(crate) fn new(kind: EngineKind) -> Result<Self, Failure> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Ok(Self { kind, host: "127.0.0.1", port, process: None })
    }

    /// The same at all addresses.
    pub(crate) fn everywhere(kind: EngineKind) -> Result<Self, Failure> {
        Ok(Self { host: "0.0.0.0", ..Self::new(kind)? })
    }

    pub(crate) fn url(&self) -> String {
        self.url_at("127.0.0.1")
    }

    pub(crate) fn url_at(&self, host: &str) -> String {
        format!("{}://{host}:{}", self.kind.name(), self.port)
    }

    pub(crate) fn start(&mut self) -> Result<(), Failure> {
        let port = self.port.to_string();
        let mut command = match self.kind {
            EngineKind::Nats => Command::new("nats-server"),
            EngineKind::Redis => Command::new("redis-server"),
        };
        match self.kind {
            EngineKind::Nats => command.args(["-a", self.host, "-p", &port]),
            EngineKind::Redis => command.args([
                "--bind",
                self.host,
                "--port",
                &port,
                "--save",
                "",
                "--appendonly",
                "no",
                "--protected-mode",
                "no",
            ]),
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(Process::start(command)?);
        Ok(())
    }

    /// Kills it, without a word.
    pub(crate) async fn kill(&mut self) -> Result<(), Failure> {
        match self.process.take() {
            Some(mut process) => process.kill().await,
            None => Ok(()),
        }
    }

    pub(crate) fn pause(&self) -> Result<(), Failure> {
        self.signal(Signal::STOP)
    }

    pub(crate) fn go_on(&self) -> Result<(), Failure> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<(), Failure> {
        self.process.as_ref().ok_or("the engine does not run")?.signal(signal)
    }
}
