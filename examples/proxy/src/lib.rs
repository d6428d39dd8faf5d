//! An LLM proxy that shows which requests are in flight, with live token counts.
//!
//! `cargo run --release -p active-requests-proxy` starts it; `--help` tells what can be set. It forwards bytes, and
//! understands no more of them than routing and counting need:
//!
//! - [`config`]: where settings come from, the settings, the providers, and the names of models;
//! - [`server`]: connections, the proxy's own routes, and what goes back to a client;
//! - [`forward`]: a request's way to a provider and back, inside the tracking layer;
//! - [`tunnel`]: WebSockets through the proxy;
//! - [`upstream`]: connections to providers;
//! - `refusal`, `log`: what the proxy itself has to say, to the client and in its log;
//! - `fleet`: the other replicas;
//! - [`prices`]: the file of prices; `reload`: files that are read again on SIGHUP;
//! - [`late_timer`]: a timer that is set often and hardly ever runs out; [`quiet_body`]: bodies whose end wakes nobody;
//! - [`telemetry`]: spans for OpenTelemetry;
//! - `traffic`: requests to the simulated provider, for a first look.

#![allow(missing_docs, reason = "a program, not a library: its modules explain themselves")]

pub mod config;
mod fleet;
pub mod forward;
pub mod late_timer;
mod log;
pub mod prices;
pub mod quiet_body;
pub mod refusal;
mod reload;
pub mod server;
pub mod telemetry;
mod traffic;
pub mod tunnel;
pub mod upstream;
mod vanished;

use std::{
    io::{self, Write},
    net::SocketAddr,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use active_requests::{fleet::Fleet, tracker::RequestTracker};
use active_requests_demo_provider as demo;
use tokio::{net::TcpListener, sync::mpsc, task::AbortHandle};

use crate::{
    config::{description::SettingsError, models::Models, providers, settings::Settings, sources::Sources},
    forward::Forwarder,
    reload::Reload,
    server::{connection::ConnectionServer, guard::PageGuard, service::ProxyService, tls::ServerTls, workers::Workers},
    telemetry::Telemetry,
};

/// The program: reads the settings of the command line and the environment, and serves until it is asked to end.
pub fn main() -> ExitCode {
    let log = match log::init() {
        Ok(log) => log,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let result = run();
    if let Some(log) = log {
        log.finish();
    }
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(REQUESTS_CUT),
        Err(wrong) => {
            eprintln!("{wrong}");
            ExitCode::from(2)
        }
    }
}

/// The exit code that says that requests were cut off.
const REQUESTS_CUT: u8 = 3;

/// Returns whether all requests have ended by themselves.
fn run() -> Result<bool, SettingsError> {
    let sources = Sources::collect(&Settings::descriptions(), std::env::args_os(), std::env::vars_os())?;
    let settings = Settings::read(&sources)?;
    if !settings.monitor.can_view() {
        tracing::warn!(
            "nobody may read the list of requests: there are keys for scraping only. Set VDM_ACTIVE_REQUESTS_VIEW_KEYS or PROXY_API_KEY"
        );
    }
    server::admission::raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(no_threads)?;
    let telemetry = Telemetry::from_env(|name| std::env::var(name).ok(), settings.authorities()?)?;
    let result = runtime.block_on(async {
        let proxy = Proxy::start_with(settings, &sources, telemetry.clone()).await?;
        let told = proxy.announce();
        told.map_err(|error| SettingsError::new(format!("standard output cannot be written: {error}")))?;
        let all_ended = proxy.serve(asked_to_end()).await;
        if !all_ended {
            tracing::warn!("requests that were still running have been cut off");
        }
        Ok(all_ended)
    });
    if let Some(telemetry) = telemetry {
        telemetry.finish();
    }
    result
}

fn no_threads(error: io::Error) -> SettingsError {
    SettingsError::new(format!("the threads cannot be started: {error}"))
}

/// A proxy that listens and is ready to serve.
#[derive(Debug)]
pub struct Proxy {
    listener: TcpListener,
    server: ConnectionServer,
    workers: Workers,
    tracker: RequestTracker,
    is_tls: bool,
    address: SocketAddr,
    grace: Duration,
    providers: Vec<String>,
    /// The task that uses the simulated provider.
    traffic: Option<AbortHandle>,
    /// The task that reads files again.
    reload: AbortHandle,
    fleet: Option<Fleet>,
}

impl Proxy {
    /// Binds the address and, where it is wanted, starts the simulated provider.
    pub async fn start(settings: Settings, sources: &Sources) -> Result<Self, SettingsError> {
        Self::start_with(settings, sources, None).await
    }

    /// As [`start`](Self::start), with spans of the requests.
    pub async fn start_with(
        mut settings: Settings,
        sources: &Sources,
        telemetry: Option<Telemetry>,
    ) -> Result<Self, SettingsError> {
        let mut providers = providers::configured(sources)?;
        let (with_demo, with_traffic) = settings.demo_beside(&providers);
        if providers.is_empty() && !with_demo {
            return Err(SettingsError::new(
                "no provider is configured, and PROXY_DEMO=never keeps the simulated one away: set OPENAI_API_KEY, or {P}_API_KEY or {P}_BASE_URL \
                 for a provider p",
            ));
        }
        if with_demo && providers.iter().all(|provider| provider.name != providers::DEMO) {
            let address = demo::start().await;
            let address = address.map_err(|error| SettingsError::new(format!("the simulated provider: {error}")))?;
            providers.push(providers::demo(address)?);
        }
        let names: Vec<String> = providers.iter().map(|provider| provider.name.clone()).collect();
        settings.tracker.known_providers.extend(names.iter().cloned());
        // Upstreams repeat keys in their errors, and clients put them in the wrong place.
        let keys = providers.iter().filter_map(|provider| provider.native.secret()).chain(settings.monitor.all_keys());
        settings.tracker.secrets.extend(keys.cloned());
        let bases: Vec<_> =
            providers.iter().flat_map(|provider| provider.endpoints()).map(|base| base.origin().clone()).collect();
        let models = Models::new(providers, sources)?;
        let demo_prices = if with_traffic { traffic::describe(&mut settings.tracker) } else { None };
        let tracker = RequestTracker::new(settings.tracker.clone());
        if let Some(path) = &settings.prices_file {
            tracker.set_prices(prices::read(path)?);
        } else if let Some(prices) = demo_prices {
            tracker.set_prices(prices);
        }
        let tls = settings.tls_files()?.map(ServerTls::new).transpose()?.map(Arc::new);
        if tls.is_some() && with_traffic {
            return Err(SettingsError::new(
                "PROXY_DEMO: the simulated traffic goes without TLS: take PROXY_DEMO or PROXY_TLS_CERT away",
            ));
        }
        if let Some(telemetry) = &telemetry {
            telemetry.watch(&tracker);
        }
        let forwarder = Forwarder::new(&settings, settings.authorities()?, models, telemetry);
        let cannot_listen = |error| SettingsError::new(format!("{} cannot be listened on: {error}", settings.listen()));
        let listener = server::listen(settings.listen()).map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        if let Some(base) = bases.iter().find(|base| server::leads_to(base, address)) {
            return Err(SettingsError::new(format!(
                "the base URL of a provider, {base}, is the address that this proxy listens on ({address}): requests would go round for ever. \
                 Look at *_BASE_URL: SDKs read the same variables"
            )));
        }
        let guard = PageGuard::new(settings.key.is_some(), settings.allowed_hosts.clone());
        let fleet = fleet::join(&tracker, &settings.fleet).await?;
        let monitor = settings.monitor.clone();
        let service = Arc::new(ProxyService::new(forwarder, tracker.clone(), monitor, fleet.clone(), guard));
        let server = ConnectionServer::new(service, tls.clone(), &settings);
        let workers = Workers::start(settings.threads.count()).map_err(no_threads)?;
        let reload = Reload { prices: settings.prices_file.clone(), tracker: tracker.clone(), tls: tls.clone() };
        let reload = reload.on_hangup();
        let traffic = with_traffic.then(|| tokio::spawn(traffic::send(address, settings.key.clone())).abort_handle());
        Ok(Self {
            listener,
            server,
            workers,
            tracker,
            is_tls: tls.is_some(),
            address,
            grace: settings.grace,
            providers: names,
            traffic,
            reload,
            fleet,
        })
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The tracker with the requests in flight.
    pub fn tracker(&self) -> &RequestTracker {
        &self.tracker
    }

    /// Serves until it is `asked` to end, and then lets running requests go on for a while, except those of the simulated traffic;
    /// asked again, it ends at once. Returns whether all have ended by themselves.
    pub async fn serve(self, mut asked: mpsc::Receiver<()>) -> bool {
        let Self { listener, server, workers, grace, traffic, reload, fleet, .. } = self;
        let (ask, passed_on) = mpsc::channel(2);
        let pass_on = async move {
            while asked.recv().await.is_some() {
                traffic.as_ref().inspect(|traffic| traffic.abort());
                let _ = ask.send(()).await;
            }
            // Nobody can ask any more.
            std::future::pending::<bool>().await
        };
        let all_ended = tokio::select! {
            all_ended = server::serve(listener, server, workers, passed_on, grace) => all_ended,
            never = pass_on => never,
        };
        reload.abort();
        if let Some(fleet) = fleet {
            // The others are told before this proxy is gone.
            fleet.ended().await;
        }
        all_ended
    }

    /// Prints the addresses of everything.
    ///
    /// # Errors
    /// They cannot be written.
    fn announce(&self) -> io::Result<()> {
        let scheme = if self.is_tls { "https" } else { "http" };
        let at = format!("{scheme}://{}", self.address);
        let mut out = io::stdout().lock();
        writeln!(out, "API        {at}/v1   ({})", self.providers.join(", "))?;
        writeln!(out, "Dashboard  {at}/dashboard/")?;
        writeln!(out, "Metrics    {at}/metrics/active-requests")?;
        if let Some(fleet) = &self.fleet {
            writeln!(out, "Fleet      {}, as {}", fleet.name(), fleet.replica())?;
        }
        out.flush()
    }
}

/// Sends a word for each Ctrl-C or SIGTERM.
fn asked_to_end() -> mpsc::Receiver<()> {
    let (ask, asked) = mpsc::channel(2);
    #[cfg(unix)]
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    tokio::spawn(async move {
        #[cfg(unix)]
        if let Ok(mut terminate) = terminate {
            loop {
                tokio::select! {
                    _ = tokio::signal::ctrl_c() => {}
                    _ = terminate.recv() => {}
                }
                let _ = ask.send(()).await;
            }
        }
        while tokio::signal::ctrl_c().await.is_ok() {
            let _ = ask.send(()).await;
        }
    });
    asked
}
