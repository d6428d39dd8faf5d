//! The stand-in for telemetry, in a program without it.

use std::convert::Infallible;

use active_requests::tracker::{RequestHandle, RequestTracker};
use http::HeaderMap;
use rustls::RootCertStore;

use crate::config::description::SettingsError;

/// NoTelemetry that there is none of.
#[derive(Clone, Debug)]
pub struct NoTelemetry(Infallible);

/// The trace of a request that there is none of.
#[derive(Debug)]
pub struct NoTrace(Infallible);

impl NoTelemetry {
    /// Returns `None`.
    ///
    /// # Errors
    /// The environment asks for spans.
    pub fn from_env(
        variable: impl Fn(&str) -> Option<String>,
        _authorities: RootCertStore,
    ) -> Result<Option<Self>, SettingsError> {
        for name in ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] {
            if variable(name).is_some_and(|value| !value.is_empty()) {
                return Err(SettingsError::new(format!(
                    "{name} is set, and this program is built without the feature otel"
                )));
            }
        }
        Ok(None)
    }

    pub fn watch(&self, _tracker: &RequestTracker) {
        match self.0 {}
    }

    pub fn begin(&self, _row: &RequestHandle, _headers: &HeaderMap) -> Option<NoTrace> {
        match self.0 {}
    }

    pub fn finish(self) {
        match self.0 {}
    }
}

impl NoTrace {
    pub fn tell(&self, _headers: &mut HeaderMap) {
        match self.0 {}
    }
}
