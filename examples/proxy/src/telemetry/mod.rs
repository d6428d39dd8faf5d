//! Spans for an OpenTelemetry collector (feature `otel`): one for each request, from its registration to the end of its body.
//!
//! Where `OTEL_EXPORTER_OTLP_ENDPOINT` is set, a request continues the trace of its client, and its upstream is told of the span as the
//! parent; else headers pass untouched. A span is of the kind *server*: it covers the answer to the client's request, waiting and the client's
//! own slowness included, and so pairs with the client's span of the kind *client*.
//!
//! `variables` checks the settings, `trace_context` reads and writes the headers, `recorder` keeps the spans of requests in flight,
//! `attributes` says what is in a span, `export` sends spans from a thread of its own and counts those that are lost.

#[cfg(feature = "otel")]
mod attributes;
#[cfg(feature = "otel")]
mod export;
#[cfg(not(feature = "otel"))]
mod off;
#[cfg(feature = "otel")]
mod recorder;
#[cfg(feature = "otel")]
pub mod trace_context;
#[cfg(feature = "otel")]
pub mod variables;

#[cfg(not(feature = "otel"))]
pub use self::off::{NoTelemetry as Telemetry, NoTrace as RequestTrace};
#[cfg(feature = "otel")]
pub use self::recorder::{RequestTrace, Telemetry};
