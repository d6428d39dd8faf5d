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

/// When to offer the simulated provider, and to send it traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DemoMode {
    /// Not at all.
    Never,
    /// Only while no provider is configured, and without traffic.
    #[default]
    Quiet,
    /// Only while no provider is configured.
    Unconfigured,
    Always,
}

impl Value for DemoMode {
    fn set(&mut self, text: &str) -> Result<(), &'static str> {
        *self = match text {
            "always" | "true" => Self::Always,
            "never" | "false" => Self::Never,
            "quiet" => Self::Quiet,
            "unconfigured" => Self::Unconfigured,
            _ => return Err("allowed are always, unconfigured, quiet, never"),
        };
        Ok(())
    }

    fn text(&self) -> String {
        match self {
            Self::Never => "never",
            Self::Quiet => "quiet",
            Self::Always => "always",
            Self::Unconfigured => "unconfigured",
        }
        .to_owned()
    }

    fn placeholder(&self) -> &'static str {
        "WHEN"
    }
}

/// A number of bytes, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteLimit(pub usize);

impl Value for ByteLimit {
    fn set(&mut self, text: &str) -> Result<(), &'static str> {
        let bytes = text.parse().ok().filter(|bytes| *bytes > 0);
        self.0 = bytes.ok_or("allowed is a whole number of bytes, 1 or more")?;
        Ok(())
    }

    fn text(&self) -> String {
        self.0.to_string()
    }

    fn placeholder(&self) -> &'static str {
        "BYTES"
    }
}

/// A number of threads; `0`: one per core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threads(pub usize);

impl Threads {
    /// The number, that of the cores looked up.
    pub fn count(self) -> usize {
        match self.0 {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }
}

impl Value for Threads {
    fn set(&mut self, text: &str) -> Result<(), &'static str> {
        let threads = text.parse().ok().filter(|threads| *threads <= 1024);
        self.0 = threads.ok_or("allowed is a whole number from 0 to 1024")?;
        Ok(())
    }

    fn text(&self) -> String {
        self.0.to_string()
    }

    fn placeholder(&self) -> &'static str {
        "N"
    }
}
