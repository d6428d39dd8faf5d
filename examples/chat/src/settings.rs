//! Settings, from flags or the environment.

use std::net::SocketAddr;

use active_requests::config::{ConfigError, Secret, TrackerConfig, Variable, read_variables};
use clap::Parser;

/// A chat on documents that ship with it. Without an upstream it starts a simulated provider, and needs no key.
#[derive(Clone, Debug, Parser)]
#[command(name = "active-requests-chat", version)]
pub struct Settings {
    /// Address and port to listen on
    #[arg(long, env = "CHAT_LISTEN", default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,

    /// Base URL of an OpenAI-format API, with the version: `https://api.openai.com/v1`
    #[arg(long, env = "CHAT_UPSTREAM", value_name = "URL", requires = "model")]
    pub upstream: Option<String>,

    /// The model to ask for; of the simulated provider, how it behaves: demo-c200-d20, demo-x10, demo-e429
    #[arg(long, env = "CHAT_MODEL")]
    pub model: Option<String>,

    /// The upstream's key
    #[arg(long, env = "CHAT_API_KEY", hide_env_values = true, value_name = "KEY")]
    pub api_key: Option<Secret>,

    /// Allow to listen beyond loopback, where others chat at the cost of the key's owner
    #[arg(long)]
    pub open: bool,
}

impl Settings {
    /// Checks the key, and whether the settings go together.
    ///
    /// # Errors
    /// A setting is wrong. The error says what is allowed, and does not show the key.
    pub fn check(&self) -> Result<(), String> {
        let mut key: Option<Secret> = None;
        let given = self.api_key.as_ref().map(|key| key.expose().to_owned());
        read_variables([Variable::new("CHAT_API_KEY", "", &mut key)], |_| given.clone())
            .map_err(|error| error.to_string())?;
        if self.listen.ip().is_loopback() || self.open {
            return Ok(());
        }
        Err(format!("{} can be reached by others, who would chat on your key: say --open if they may", self.listen))
    }
}

/// The tracker's settings, from the same environment variables as everywhere.
pub fn tracker() -> Result<TrackerConfig, ConfigError> {
    let mut config = TrackerConfig::from_env()?;
    config.known_providers.push("demo".to_owned());
    Ok(config)
}
