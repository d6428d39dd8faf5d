//! The state of an engine's connection, as far as an operator wants to know: told in the log once for each change, and asked for by viewers.

use std::fmt;

use super::log;
use crate::sync::Mutex;

/// Errors that are told of one connection, at most: a server that refuses each message by itself names another topic each time.
const MAX_ERRORS: usize = 8;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct EngineState {
    engine: &'static str,
    /// Whether the connection is made over TLS.
    is_tls: bool,
    state: Mutex<ConnectionState>,
}

#[derive(Debug, Default)]
struct ConnectionState {
    is_connected: bool,
    /// The errors told since the last connection.
    errors: Vec<String>,
}

impl EngineState {
    pub(super) fn new(engine: &'static str, is_tls: bool) -> Self {
        Self { engine, is_tls, state: Mutex::default() }
    }

    /// There is a connection.
    pub(super) fn connected(&self) {
        let mut state = self.state.lock();
        state.errors.clear();
        if !std::mem::replace(&mut state.is_connected, true) {
            log::connected(self.engine);
        }
    }

    /// The connection is gone.
    pub(super) fn disconnected(&self) {
        if std::mem::take(&mut self.state.lock().is_connected) {
            log::disconnected(self.engine);
        }
    }

    /// The server cannot be reached, or refuses something.
    pub(super) fn error(&self, error: &dyn fmt::Display) {
        let text = format!("{}: {error}", advice(&error.to_string(), self.is_tls));
        let mut state = self.state.lock();
        if state.errors.len() < MAX_ERRORS && !state.errors.contains(&text) {
            log::engine_error(self.engine, &text);
            state.errors.push(text);
        }
    }

    /// The newest reason why messages do not pass, if there is one.
    pub(super) fn trouble(&self) -> Option<String> {
        self.state.lock().errors.last().cloned()
    }

    pub(super) fn is_connected(&self) -> bool {
        self.state.lock().is_connected
    }
}

/// Names the setting to look at for an error of an engine.
fn advice(error: &str, is_tls: bool) -> &'static str {
    let text = error.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["permission", "noperm"]) {
        "the user of VDM_ACTIVE_REQUESTS_FLEET_URL lacks a right that a replica needs"
    } else if says(&["authorization", "authentication", "wrongpass", "noauth", "password", "nkey", "credential"]) {
        "the server refuses the user of VDM_ACTIVE_REQUESTS_FLEET_URL or VDM_ACTIVE_REQUESTS_FLEET_CREDENTIALS"
    } else if says(&["certificate", "tls", "unknownissuer"]) {
        "there is no trusted connection to VDM_ACTIVE_REQUESTS_FLEET_URL; VDM_ACTIVE_REQUESTS_FLEET_CA_FILE names an authority of your own"
    } else if is_tls {
        // Not every library says which of the two it is.
        "the server of VDM_ACTIVE_REQUESTS_FLEET_URL cannot be reached, or is not trusted by VDM_ACTIVE_REQUESTS_FLEET_CA_FILE"
    } else {
        "the server of VDM_ACTIVE_REQUESTS_FLEET_URL cannot be used"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_kept_once_until_there_is_a_connection_and_names_a_setting() {
        let engine = EngineState::new("test", false);
        assert_eq!((engine.trouble(), engine.is_connected()), (None, false));
        for (error, setting) in [
            ("Connection refused (os error 111)", "the server of VDM_ACTIVE_REQUESTS_FLEET_URL cannot be used"),
            ("Permissions Violation for Publish to \"ar1.x.fleet\"", "lacks a right"),
            ("NOPERM this user has no permissions", "lacks a right"),
            ("authorization violation", "VDM_ACTIVE_REQUESTS_FLEET_CREDENTIALS"),
            ("WRONGPASS invalid username-password pair", "VDM_ACTIVE_REQUESTS_FLEET_CREDENTIALS"),
            ("TLS error: invalid peer certificate: UnknownIssuer", "VDM_ACTIVE_REQUESTS_FLEET_CA_FILE"),
        ] {
            engine.error(&error);
            engine.error(&error);
            let trouble = engine.trouble().unwrap();
            assert!(trouble.contains(setting) && trouble.ends_with(error), "{trouble}");
        }
        assert_eq!(engine.state.lock().errors.len(), 6);
        (0..20).for_each(|number| engine.error(&number));
        assert_eq!(engine.state.lock().errors.len(), MAX_ERRORS);
        engine.connected();
        assert_eq!((engine.trouble(), engine.is_connected()), (None, true));
        engine.disconnected();
        assert!(advice("IO error", true).contains("VDM_ACTIVE_REQUESTS_FLEET_CA_FILE"));
        assert!(!engine.is_connected());
    }
}
