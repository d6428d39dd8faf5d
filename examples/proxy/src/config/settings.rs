//! The settings of the proxy: their names, defaults and meanings, and how they are read.

use std::{net::SocketAddr, time::Duration};

use active_requests::config::{FleetConfig, MonitorConfig, Secret, TrackerConfig, Value, Variable, read_variables};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::{
    config::{
        description::{Description, SettingsError},
        sources::Sources,
        values::{ByteLimit, DemoMode, Host, Threads},
    },
    server::{guard::AllowedHosts, tls::TlsFiles},
    upstream::{Timeouts, provider::Provider},
};

/// Everything that can be set, except providers and models.
#[derive(Clone, Debug)]
pub struct Settings {
    pub host: Host,
    pub port: u16,
    pub default_provider: Option<String>,
    /// The API key that clients and subscribers must send.
    pub key: Option<Secret>,
    pub timeouts: Timeouts,
    pub ca_file: Option<String>,
    /// The longest silence of a client between two requests, and before its first.
    pub idle_timeout: Duration,
    /// The longest time that a subscriber of the monitor takes nothing of what it is sent.
    pub subscriber_timeout: Duration,
    pub tls_cert: Option<String>,
    pub tls_key: Option<String>,
    /// The file of prices.
    pub prices_file: Option<String>,
    pub inject_usage: bool,
    /// Listen beyond loopback without a key.
    pub open: bool,
    /// Names of this proxy, for requests without a key.
    pub allowed_hosts: AllowedHosts,
    pub demo: DemoMode,
    /// Bytes of a request held at most until its model is known.
    pub max_body: ByteLimit,
    /// Bytes of all requests that are held for their model, together.
    pub max_held: ByteLimit,
    /// Bytes of a request's head.
    pub max_head: ByteLimit,
    /// Connections of clients; `0`: as many as descriptors allow.
    pub max_connections: usize,
    /// Connections of one client's address; `0`: no limit.
    pub max_connections_per_client: usize,
    /// How long running requests may go on once the end has been asked for.
    pub grace: Duration,
    /// `0`: one per core.
    pub threads: Threads,
    pub tracker: TrackerConfig,
    pub monitor: MonitorConfig,
    pub fleet: FleetConfig,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            host: Host::default(),
            port: 8082,
            default_provider: None,
            key: None,
            timeouts: Timeouts { connect: Duration::from_secs(30), head: Duration::from_secs(90), read: None },
            ca_file: None,
            idle_timeout: Duration::from_secs(30),
            subscriber_timeout: Duration::from_secs(60),
            tls_cert: None,
            tls_key: None,
            prices_file: None,
            inject_usage: false,
            open: false,
            allowed_hosts: AllowedHosts::default(),
            demo: DemoMode::default(),
            max_body: ByteLimit(32 * 1024 * 1024),
            max_held: ByteLimit(256 * 1024 * 1024),
            max_head: ByteLimit(64 * 1024),
            max_connections: 0,
            max_connections_per_client: 0,
            grace: Duration::from_secs(30),
            threads: Threads(1),
            tracker: TrackerConfig::default(),
            monitor: MonitorConfig::default(),
            fleet: FleetConfig::default(),
        }
    }
}

/// A setting and its place.
struct Setting<'a> {
    table: &'static str,
    flag: String,
    variable: Variable<'a>,
}

impl Settings {
    /// All settings with fixed names, each with its value here. `--help`, the flags, the names in the file and the defaults are
    /// all made from this list.
    #[rustfmt::skip]
    fn all(&mut self) -> Vec<Setting<'_>> {
        let own: [(_, _, &mut dyn Value, _); 24] = [
            ("host", "HOST", &mut self.host, "Address to listen on"),
            ("port", "PORT", &mut self.port, "Port to listen on; 0 takes a free one"),
            ("default-provider", "VDM_DEFAULT_PROVIDER", &mut self.default_provider, "Provider of models without a prefix"),
            ("proxy-api-key", "PROXY_API_KEY", &mut self.key, "The key that clients and subscribers must send"),
            ("request-timeout", "REQUEST_TIMEOUT", &mut self.timeouts.head, "Longest wait for an upstream's response head once the client has sent its part, and for the client's next chunk"),
            ("connect-timeout", "STREAMING_CONNECT_TIMEOUT_SECONDS", &mut self.timeouts.connect, "Longest wait for a connection to an upstream"),
            ("read-timeout", "STREAMING_READ_TIMEOUT_SECONDS", &mut self.timeouts.read, "Longest silence inside a response"),
            ("idle-timeout", "PROXY_IDLE_TIMEOUT", &mut self.idle_timeout, "Longest silence of a client between two requests, and before the first is complete to the end of its head"),
            ("subscriber-timeout", "PROXY_SUBSCRIBER_TIMEOUT", &mut self.subscriber_timeout, "Longest time that a subscriber of the monitor takes nothing of what it is sent; on Linux"),
            ("ca-file", "PROXY_CA_FILE", &mut self.ca_file, "PEM file of certificate authorities to trust for upstreams, besides the public ones"),
            ("tls-cert", "PROXY_TLS_CERT", &mut self.tls_cert, "PEM file of a certificate and those that vouch for it: serve clients over TLS; read again on SIGHUP"),
            ("tls-key", "PROXY_TLS_KEY", &mut self.tls_key, "PEM file of the certificate's private key"),
            ("prices-file", "VDM_PRICES_FILE", &mut self.prices_file, "File of prices, in LiteLLM's JSON or a short TOML; read again on SIGHUP"),
            ("inject-usage", "VDM_INJECT_USAGE", &mut self.inject_usage, "Ask OpenAI-format streams for usage when the client did not"),
            ("open", "PROXY_OPEN", &mut self.open, "Allow to listen beyond loopback without PROXY_API_KEY"),
            ("allowed-hosts", "PROXY_ALLOWED_HOSTS", &mut self.allowed_hosts, "Names of hosts, besides addresses and localhost, to answer to and be called from by pages while there is no PROXY_API_KEY; *: any"),
            ("demo", "PROXY_DEMO", &mut self.demo, "Offer the simulated provider and send it traffic: always, unconfigured (only while no provider is configured), quiet (the same without traffic), or never"),
            ("max-body", "PROXY_MAX_BODY", &mut self.max_body, "Bytes of a request held at most until its model is known"),
            ("max-held", "PROXY_MAX_HELD", &mut self.max_held, "Bytes of all requests together that are held until their model is known"),
            ("max-head", "PROXY_MAX_HEAD", &mut self.max_head, "Bytes of a request's head, at most"),
            ("max-connections", "PROXY_MAX_CONNECTIONS", &mut self.max_connections, "Connections of clients; 0: three for each four descriptors that the process may have"),
            ("max-connections-per-client", "PROXY_MAX_CONNECTIONS_PER_CLIENT", &mut self.max_connections_per_client, "Connections from one address (of IPv6: one /64 network); 0: no limit"),
            ("grace", "PROXY_GRACE", &mut self.grace, "How long running requests may go on after SIGTERM or Ctrl-C"),
            ("threads", "PROXY_THREADS", &mut self.threads, "Threads that serve; 0: one per core"),
        ];
        let own = own.map(|(flag, name, value, help)| {
            Setting { table: "", flag: flag.to_owned(), variable: Variable::new(name, help, value) }
        });
        let mut all: Vec<_> = own.into();
        let library = [
            ("tracker", self.tracker.variables()),
            ("monitor", self.monitor.variables()),
            ("", self.fleet.variables()),
        ];
        for (table, variables) in library {
            all.extend(variables.into_iter().map(|variable| {
                let name = variable.name.strip_prefix("VDM_ACTIVE_REQUESTS_").unwrap_or(variable.name);
                Setting { table, flag: name.to_ascii_lowercase().replace('_', "-"), variable }
            }));
        }
        all
    }

    /// The descriptions of all settings, with their defaults.
    pub fn descriptions() -> Vec<Description> {
        let mut defaults = Self::default();
        let describe = |Setting { table, flag, variable: Variable { name, help, value, .. } }: Setting<'_>| {
            let alone = match (name, value.placeholder()) {
                ("PROXY_DEMO", _) => Some("always"),
                (_, "true|false") => Some("true"),
                _ => None,
            };
            let (placeholder, default, is_secret) = (value.placeholder(), value.text(), value.is_secret());
            Description { name, flag, table, help, placeholder, default, alone, is_secret }
        };
        defaults.all().into_iter().map(describe).collect()
    }

    /// Reads all settings.
    ///
    /// # Errors
    /// The first value that is not understood or not allowed.
    pub fn read(sources: &Sources) -> Result<Self, SettingsError> {
        let mut settings = Self::default();
        read_variables(settings.all().into_iter().map(|setting| setting.variable), |name| sources.get(name))?;
        settings.monitor.keys.extend(settings.key.clone());
        if !settings.host.0.is_loopback() && settings.key.is_none() && !settings.open {
            return Err(SettingsError::new(format!(
                "HOST={} lets other machines spend your keys: set PROXY_API_KEY, or say --open if that is meant",
                settings.host.0
            )));
        }
        Ok(settings)
    }

    /// The files of TLS for clients, if that is wanted.
    ///
    /// # Errors
    /// One of the two is set without the other.
    pub fn tls_files(&self) -> Result<Option<TlsFiles>, SettingsError> {
        match (&self.tls_cert, &self.tls_key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate: certificate.clone(), key: key.clone() })),
            (Some(_), None) => Err(SettingsError::new("PROXY_TLS_CERT goes with PROXY_TLS_KEY: set both")),
            (None, Some(_)) => Err(SettingsError::new("PROXY_TLS_KEY goes with PROXY_TLS_CERT: set both")),
        }
    }

    /// The address to listen on.
    pub fn listen(&self) -> SocketAddr {
        SocketAddr::new(self.host.0, self.port)
    }

    /// Whether the simulated provider is there, and whether it is sent traffic, beside the configured ones.
    pub fn demo_beside(&self, configured: &[Provider]) -> (bool, bool) {
        let alone = configured.is_empty();
        match self.demo {
            DemoMode::Always => (true, true),
            DemoMode::Unconfigured => (alone, alone),
            DemoMode::Quiet => (alone, false),
            DemoMode::Never => (false, false),
        }
    }

    /// The certificate authorities that may vouch for upstreams: the public ones, and those of the user's own.
    ///
    /// # Errors
    /// The file cannot be read, or holds no certificate.
    pub fn authorities(&self) -> Result<RootCertStore, SettingsError> {
        let mut authorities = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(path) = &self.ca_file {
            let wrong = |why: &dyn std::fmt::Display| SettingsError::new(format!("PROXY_CA_FILE={path:?}: {why}"));
            let before = authorities.len();
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))? {
                authorities.add(certificate.map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?;
            }
            if authorities.len() == before {
                return Err(wrong(&"there is no certificate in it: allowed is a PEM file of certificates"));
            }
        }
        Ok(authorities)
    }
}
