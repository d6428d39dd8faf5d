//! Servers of the engines, as tests start and end them.

use active_requests::config::FleetUrl;
use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A server of an engine, ended when dropped.
pub(crate) struct Server {
    pub(crate) engine: Engine,
    pub(crate) port: u16,
    process: Option<Child>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Engine {
    Nats,
    Redis,
}

impl Server {
    /// One that does not run yet.
    pub(crate) fn new(engine: Engine) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        Self { engine, port: free.local_addr().unwrap().port(), process: None }
    }

    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    pub(crate) fn start_with(&mut self, more: &[&str]) {
        let port = self.port.to_string();
        let mut command = match self.engine {
            Engine::Nats => Command::new("nats-server"),
            Engine::Redis => Command::new("redis-server"),
        };
        match self.engine {
            Engine::Nats => command.args(["-a", "127.0.0.1", "-p", &port]),
            Engine::Redis => command.args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"]),
        };
        let started = command.args(more).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.process = Some(started.unwrap_or_else(|error| panic!("{:?} cannot be started: {error}", self.engine)));
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub(crate) fn url(&self) -> FleetUrl {
        self.url_with("")
    }

    pub(crate) fn url_with(&self, user: &str) -> FleetUrl {
        let scheme = if self.engine == Engine::Nats { "nats" } else { "redis" };
        format!("{scheme}://{user}127.0.0.1:{}", self.port).parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Tries again until `done`, or for too long.
pub(crate) async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}
