//! The figures that outlive their requests: the series of the last hour, and the metrics for Prometheus.
#![cfg(feature = "monitor")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[cfg(feature = "prometheus")]
mod exposition;
mod series;
mod support;
