//! The settings as the proxy uses them, read once at the start.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use active_requests::config::{MonitorConfig, Secret, TrackerConfig, check_names};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::config::{
    provider::Provider,
    sources::{Layers, Wrong},
};

/// When to offer the simulated provider beside others and send it traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demo {
    Never,
    Always,
    /// Only while no provider is configured.
    Unconfigured,
}

/// The longest waits for an upstream.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    pub connect: Duration,
    /// To the response head. While the client is still to send, it does not run.
    pub head: Duration,
    /// Between two frames of a response.
    pub read: Option<Duration>,
}

/// Everything that can be set, but for providers and models.
#[derive(Clone, Debug)]
pub struct Settings {
    pub listen: SocketAddr,
    /// What clients and viewers must send.
    pub key: Option<String>,
    pub timeouts: Timeouts,
    /// Who may vouch for upstreams.
    pub authorities: RootCertStore,
    pub inject_usage: bool,
    pub demo: Demo,
    /// Most bytes of a request held until its model is known.
    pub max_body: usize,
    /// How long running requests may go on once the end has been asked for.
    pub grace: Duration,
    /// `0`: one per core.
    pub threads: usize,
    pub tracker: TrackerConfig,
    pub monitor: MonitorConfig,
}

impl Settings {
    /// Reads them all.
    ///
    /// # Errors
    /// The first value that is not understood or not allowed.
    pub fn read(layers: &Layers) -> Result<Self, Wrong> {
        let seconds = |name| layers.seconds(name).map(Option::unwrap_or_default);
        let wrong = |error: active_requests::config::ConfigError| Wrong::new(error.to_string());
        let host = layers.read("HOST", "is an IP address or localhost", |text| match text {
            "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            address => address.parse().ok(),
        })?;
        let port = layers.number("PORT", "is a number from 0 to 65535")?;
        let demo = layers.read("PROXY_DEMO", "are always, never, unconfigured", |text| match text {
            "always" | "true" => Some(Demo::Always),
            "never" | "false" => Some(Demo::Never),
            "unconfigured" => Some(Demo::Unconfigured),
            _ => None,
        })?;
        check_names(layers.env().map(|(name, _)| name)).map_err(wrong)?;
        let mut monitor = MonitorConfig::from_vars(|name| layers.get(name)).map_err(wrong)?;
        let key = layers.get("PROXY_API_KEY").map(|key| key.trim().to_owned());
        monitor.keys.extend(key.clone().map(Secret::from));
        let settings = Self {
            listen: SocketAddr::new(host.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), port.unwrap_or(8082)),
            key,
            timeouts: Timeouts {
                connect: seconds("STREAMING_CONNECT_TIMEOUT_SECONDS")?,
                head: seconds("REQUEST_TIMEOUT")?,
                read: layers.seconds("STREAMING_READ_TIMEOUT_SECONDS")?,
            },
            authorities: authorities(layers)?,
            inject_usage: layers.switch("VDM_INJECT_USAGE")?,
            demo: demo.unwrap_or(Demo::Never),
            max_body: layers.number("PROXY_MAX_BODY", "is a number of bytes")?.unwrap_or_default(),
            grace: seconds("PROXY_GRACE")?,
            threads: layers.number("PROXY_THREADS", "is a whole number, 0 or more")?.unwrap_or(1),
            tracker: TrackerConfig::from_vars(|name| layers.get(name)).map_err(wrong)?,
            monitor,
        };
        if !settings.listen.ip().is_loopback() && settings.key.is_none() && !layers.switch("PROXY_OPEN")? {
            return Err(Wrong::new(format!(
                "HOST={} lets other machines spend your keys: set PROXY_API_KEY, or say --open if that is meant",
                settings.listen.ip()
            )));
        }
        Ok(settings)
    }

    /// Whether the simulated provider is there, and whether it is sent traffic, beside these.
    pub fn demo_beside(&self, configured: &[Provider]) -> (bool, bool) {
        let alone = configured.is_empty();
        let lively = match self.demo {
            Demo::Always => true,
            Demo::Unconfigured => alone,
            Demo::Never => false,
        };
        (alone || lively, lively)
    }
}

/// The public authorities, and those of the user's own.
fn authorities(layers: &Layers) -> Result<RootCertStore, Wrong> {
    let mut authorities = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = layers.get("PROXY_CA_FILE") {
        let wrong = |why: &dyn std::fmt::Display| Wrong::new(format!("PROXY_CA_FILE={path:?}: {why}"));
        let before = authorities.len();
        for certificate in CertificateDer::pem_file_iter(&path).map_err(|error| wrong(&error))? {
            authorities.add(certificate.map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?;
        }
        if authorities.len() == before {
            return Err(wrong(&"there is no certificate in it: allowed is a PEM file of certificates"));
        }
    }
    Ok(authorities)
}
