//! Values of settings that only the proxy has.

use std::net::{IpAddr, Ipv4Addr};

use active_requests::config::Value;

/// An address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host(pub IpAddr);

impl Default for Host {
    fn default() -> Self {
        Self(Ipv4Addr::LOCALHOST.into())
    }
}

impl Value for Host {
    fn set(&mut self, text: &str) -> Result<(), &'static str> {
        self.0 = match text {
            "localhost" => Ipv4Addr::LOCALHOST.into(),
            address => address.parse().map_err(|_| "allowed is an IP address or localhost")?,
        };
        Ok(())
    }

    fn text(&self) -> String {
        self.0.to_string()
    }

    fn placeholder(&self) -> &'static str {
        "ADDRESS"
    }
}

/// When to offer the simulated provider beside others and send it traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DemoMode {
    #[default]
    Never,
    Always,
    /// Only while no provider is configured.
    Unconfigured,
}

impl Value for DemoMode {
    fn set(&mut self, text: &str) -> Result<(), &'static str> {
        *self = match text {
            "always" | "true" => Self::Always,
            "never" | "false" => Self::Never,
            "unconfigured" => Self::Unconfigured,
            _ => return Err("allowed are always, never, unconfigured"),
        };
        Ok(())
    }

    fn text(&self) -> String {
        match self {
            Self::Never => "never",
            Self::Always => "always",
            Self::Unconfigured => "unconfigured",
        }
        .to_owned()
    }

    fn placeholder(&self) -> &'static str {
        "WHEN"
    }
}
