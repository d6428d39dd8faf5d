//! What can be set, by flags or in the environment.

use std::net::SocketAddr;

use active_requests::config::{ConfigError, TrackerConfig};
use clap::Parser;

/// A chat on documents that ship with it. Without an upstream it starts a simulated provider, and needs no key.
#[derive(Clone, Debug, Parser)]
#[command(name = "active-requests-chat", version)]
pub struct Settings {
    /// Where to listen
    #[arg(long, env = "CHAT_LISTEN", default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,

    /// Base URL of an OpenAI-format API, with the version: https://api.openai.com/v1
    #[arg(long, env = "CHAT_UPSTREAM", value_name = "URL", requires = "model")]
    pub upstream: Option<String>,

    /// The model to ask for; of the simulated provider, how it behaves: demo-c200-d20, demo-x10, demo-e429
    #[arg(long, env = "CHAT_MODEL")]
    pub model: Option<String>,

    /// The upstream's key
    #[arg(long, env = "CHAT_API_KEY", hide_env_values = true, value_name = "KEY")]
    pub api_key: Option<String>,

    /// Let others than this machine chat, at the cost of whoever owns the key
    #[arg(long)]
    pub open: bool,
}

impl Settings {
    /// Whether these settings go together.
    pub fn check(&self) -> Result<(), String> {
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
