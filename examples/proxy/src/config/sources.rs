//! Where a setting's value comes from: flag over environment over file over default.
//!
//! Every setting is one line of [`SETTINGS`]; `--help`, the flags, the names in the file and the defaults are all made from
//! it, and a value is text until the one place that needs it reads it.

use std::{collections::BTreeMap, ffi::OsString, fmt, path::Path, time::Duration};

use clap::{Arg, ArgAction, Command};

/// One setting with a fixed name.
struct Setting {
    /// The environment variable; also what the setting is called everywhere.
    name: &'static str,
    /// The flag without its dashes. With `_` for `-` it is the name in the file.
    key: &'static str,
    /// The table of the file it stands in, `""` at the top.
    table: &'static str,
    kind: Kind,
    default: &'static str,
    help: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Takes a value, shown in the help under this name.
    Value(&'static str),
    /// As a flag it may stand alone, and then means this.
    Switch(&'static str),
    /// Not offered as a flag: the list of processes would show it to everybody.
    Secret,
}

const fn row(
    table: &'static str,
    name: &'static str,
    key: &'static str,
    kind: Kind,
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting { name, key, table, kind, default, help }
}

const SECONDS: Kind = Kind::Value("SECONDS");
const TRUE: Kind = Kind::Switch("true");

#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    row("", "HOST", "host", Kind::Value("ADDRESS"), "127.0.0.1", "Address to listen on"),
    row("", "PORT", "port", Kind::Value("PORT"), "8082", "Port to listen on; 0 takes a free one"),
    row("", "VDM_DEFAULT_PROVIDER", "default-provider", Kind::Value("NAME"), "", "Provider of models without a prefix"),
    row("", "PROXY_API_KEY", "proxy-api-key", Kind::Secret, "", ""),
    row("", "REQUEST_TIMEOUT", "request-timeout", SECONDS, "90", "Longest wait for an upstream's response head, once the client has sent its part, and for the client's next piece"),
    row("", "STREAMING_CONNECT_TIMEOUT_SECONDS", "connect-timeout", SECONDS, "30", "Longest wait for a connection to an upstream"),
    row("", "STREAMING_READ_TIMEOUT_SECONDS", "read-timeout", SECONDS, "", "Longest silence inside a response"),
    row("", "PROXY_CA_FILE", "ca-file", Kind::Value("FILE.pem"), "", "PEM file of certificate authorities to trust for upstreams, besides the public ones"),
    row("", "VDM_INJECT_USAGE", "inject-usage", TRUE, "false", "Ask OpenAI-format streams for usage when the client did not"),
    row("", "PROXY_OPEN", "open", TRUE, "false", "Allow to listen beyond loopback without PROXY_API_KEY"),
    row("", "PROXY_DEMO", "demo", Kind::Switch("always"), "never", "Offer the simulated provider and send it traffic: always, never, or unconfigured (only while no provider is configured)"),
    row("", "PROXY_MAX_BODY", "max-body", Kind::Value("BYTES"), "33554432", "Most bytes of a request held until its model is known"),
    row("", "PROXY_GRACE", "grace", SECONDS, "30", "How long running requests may go on after SIGTERM or Ctrl-C"),
    row("", "PROXY_THREADS", "threads", Kind::Value("N"), "1", "Threads that serve; 0: one per core"),
    row("tracker", "LOG_REQUEST_METRICS", "log-request-metrics", TRUE, "true", "Track requests at all"),
    row("tracker", "LOG_SUMMARY_INTERVAL", "log-summary-interval", Kind::Value("N"), "100", "Ended requests between two summary lines in the log; 0: none"),
    row("tracker", "VDM_ACTIVE_REQUESTS_STALL_AFTER", "stall-after", SECONDS, "10", "Silence after which a response counts as stalled"),
    row("monitor", "VDM_ACTIVE_REQUESTS_SSE_ENABLED", "sse-enabled", TRUE, "true", "Offer the stream of the live list"),
    row("monitor", "VDM_ACTIVE_REQUESTS_SSE_INTERVAL", "sse-interval", SECONDS, "2", "Between two samples of the stream"),
    row("monitor", "VDM_ACTIVE_REQUESTS_SSE_HEARTBEAT", "sse-heartbeat", SECONDS, "30", "Between two heartbeats of the stream"),
    row("monitor", "VDM_ACTIVE_REQUESTS_SSE_DELTA_INTERVAL", "sse-delta-interval", SECONDS, "0.25", "Between two samples of the stream of changes"),
    row("monitor", "VDM_ACTIVE_REQUESTS_MAX_SUBSCRIBERS", "max-subscribers", Kind::Value("N"), "1024", "Streams at a time"),
    row("monitor", "VDM_ACTIVE_REQUESTS_CORS_ORIGINS", "cors-origins", Kind::Value("LIST"), "*", "Sites whose pages may read the monitor: *, none, or a list"),
    row("monitor", "VDM_ACTIVE_REQUESTS_ALLOW_CANCEL", "allow-cancel", TRUE, "false", "Let a key holder end requests"),
];

/// The tables of the file that hold names of the user's own making.
const FREE_TABLES: [&str; 2] = ["providers", "aliases"];

/// What is wrong with the settings; stops the start.
#[derive(Debug)]
pub struct Wrong(String);

impl Wrong {
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// `value` is nothing that `name` can be.
    pub fn value(name: &str, value: &str, allowed: &str) -> Self {
        Self(format!("{name}={value:?} is not understood: allowed {allowed}"))
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

/// All values given, by name, the nearest layer on top.
#[derive(Debug, Default)]
pub struct Layers {
    flags: BTreeMap<&'static str, String>,
    env: BTreeMap<String, String>,
    file: toml::Table,
}

/// The longest time that can be set.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Layers {
    /// Collects what was given. `args` starts with the program's name. An empty variable counts as not set.
    ///
    /// # Errors
    /// An unknown flag, a file that cannot be read, or a name in it that nothing is known of. Asking for `--help` ends
    /// the program.
    pub fn collect(
        args: impl IntoIterator<Item = OsString>,
        env: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Wrong> {
        let mut matches = command().try_get_matches_from(args).map_err(|error| match error.kind() {
            clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion => error.exit(),
            _ => Wrong::new(error.to_string().trim_end()),
        })?;
        let mut flags: BTreeMap<_, _> = SETTINGS
            .iter()
            .filter(|setting| setting.kind != Kind::Secret)
            .filter_map(|setting| Some((setting.name, matches.remove_one::<String>(setting.name)?)))
            .collect();
        if let Some(listen) = matches.remove_one::<String>("listen") {
            let (host, port) = listen
                .rsplit_once(':')
                .ok_or_else(|| Wrong::value("--listen", &listen, "is an address and a port, such as 127.0.0.1:8082"))?;
            flags.insert("HOST", host.trim_matches(['[', ']']).to_owned());
            flags.insert("PORT", port.to_owned());
        }
        let env = env
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(_, value)| !value.trim().is_empty())
            .collect();
        let file = match matches.remove_one::<String>("config") {
            Some(path) => read_file(Path::new(&path))?,
            None => toml::Table::new(),
        };
        Ok(Self { flags, env, file })
    }

    /// The value of `name` that counts, if it was given or has a default.
    pub fn get(&self, name: &str) -> Option<String> {
        let setting = SETTINGS.iter().find(|setting| setting.name == name);
        self.flags
            .get(name)
            .or_else(|| self.env.get(name))
            .cloned()
            .or_else(|| {
                let setting = setting?;
                let table = if setting.table.is_empty() { Some(&self.file) } else { self.table(setting.table) };
                plain(table?.get(&setting.key.replace('-', "_"))?)
            })
            .or_else(|| setting.map(|setting| setting.default.to_owned()))
            .filter(|value| !value.is_empty())
    }

    /// `name` as seconds.
    pub fn seconds(&self, name: &str) -> Result<Option<Duration>, Wrong> {
        self.read(name, "is a number of seconds above 0 and up to a year, such as 90 or 0.5", |text| {
            let seconds = text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit() || b == b'.'))?;
            Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero() && *time <= YEAR)
        })
    }

    /// `name` as a whole number.
    pub fn number<T: std::str::FromStr>(&self, name: &str, allowed: &str) -> Result<Option<T>, Wrong> {
        self.read(name, allowed, |text| text.parse().ok())
    }

    /// `name` as yes or no.
    pub fn switch(&self, name: &str) -> Result<bool, Wrong> {
        let read = self.read(name, "are true, false, 1, 0, yes, no, on, off", |text| {
            match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Some(true),
                "false" | "0" | "no" | "off" => Some(false),
                _ => None,
            }
        });
        read.map(Option::unwrap_or_default)
    }

    /// `name` as whatever `parse` makes of it.
    pub fn read<T>(&self, name: &str, allowed: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Wrong> {
        self.get(name).map(|value| parse(value.trim()).ok_or_else(|| Wrong::value(name, &value, allowed))).transpose()
    }

    /// The environment's names and values.
    pub fn env(&self) -> impl Iterator<Item = (&str, &str)> {
        self.env.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A table of the file.
    pub fn table(&self, name: &str) -> Option<&toml::Table> {
        self.file.get(name).and_then(toml::Value::as_table)
    }
}

/// A value of the file as the text it would be in the environment.
pub fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(yes.to_string()),
        _ => None,
    }
}

fn read_file(path: &Path) -> Result<toml::Table, Wrong> {
    let text =
        std::fs::read_to_string(path).map_err(|error| Wrong::new(format!("--config {}: {error}", path.display())))?;
    let file: toml::Table =
        text.parse().map_err(|error| Wrong::new(format!("--config {}: {error}", path.display())))?;
    check_names(&file, "", path)?;
    Ok(file)
}

/// A name nobody reads is a typing error that would otherwise go unseen.
fn check_names(table: &toml::Table, of: &str, path: &Path) -> Result<(), Wrong> {
    for (key, value) in table {
        let known = SETTINGS.iter().any(|setting| setting.table == of && setting.key.replace('-', "_") == *key);
        match value {
            toml::Value::Table(_) if of.is_empty() && FREE_TABLES.contains(&key.as_str()) => {}
            toml::Value::Table(inner) if of.is_empty() && SETTINGS.iter().any(|setting| setting.table == key) => {
                check_names(inner, key, path)?;
            }
            value if known && plain(value).is_some() => {}
            _ => {
                let place = if of.is_empty() { String::new() } else { format!("[{of}] ") };
                return Err(Wrong::new(format!(
                    "--config {}: {place}{key} is no setting, or not of a kind it can have",
                    path.display()
                )));
            }
        }
    }
    Ok(())
}

fn command() -> Command {
    let described = |setting: &Setting| match setting.default {
        "" => format!("{} [env: {}]", setting.help, setting.name),
        default => format!("{} [env: {}] [default: {default}]", setting.help, setting.name),
    };
    let flag = |setting: &'static Setting| {
        let arg = Arg::new(setting.name).long(setting.key).help(described(setting)).action(ArgAction::Set);
        match setting.kind {
            Kind::Value(value) => Some(arg.value_name(value)),
            Kind::Switch(alone) => {
                Some(arg.num_args(0..=1).require_equals(true).default_missing_value(alone).value_name("VALUE"))
            }
            Kind::Secret => None,
        }
    };
    Command::new("active-requests-proxy")
        .about("An LLM proxy that shows which requests are in flight, with live token counts")
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(
            "Providers are set in the environment (or under [providers.NAME] in the file):\n  \
             {P}_API_KEY      its key; !PASSTHRU hands on the client's own\n  \
             {P}_BASE_URL     as its SDK takes it: OpenAI with the version, Anthropic without\n  \
             {P}_API_FORMAT   openai or anthropic\n  \
             {P}_ALIAS_{NAME} another name for one of its models\n\
             PROXY_API_KEY is the key that clients and viewers of this proxy must send.",
        )
        .args(SETTINGS.iter().filter_map(flag))
        .arg(Arg::new("listen").long("listen").value_name("ADDRESS:PORT").help("HOST and PORT in one"))
        .arg(Arg::new("config").long("config").value_name("FILE.toml").help("Read settings from this file too"))
}
