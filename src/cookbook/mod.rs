//! Recipes: programs that compile, for what a service needs besides the first five lines.
//!
//! - [A handler that writes to its request's row](#a-handler-that-writes-to-its-requests-row)
//! - [Tokens of a model of one's own](#tokens-of-a-model-of-ones-own)
//! - [Requests that have ended, to a database or a log](#requests-that-have-ended-to-a-database-or-a-log)
//! - [The order of layers](#the-order-of-layers)
//! - [Requests that a program sends](#requests-that-a-program-sends)
//! - [Where the monitor is, and who may see it](#where-the-monitor-is-and-who-may-see-it)
//! - [Ending a request, and who may](#ending-a-request-and-who-may)
//! - [Metrics for Prometheus](#metrics-for-prometheus)
//! - [Graceful shutdown](#graceful-shutdown)
//!
#![doc = include_str!("handler.md")]
#![doc = include_str!("layers.md")]
#![doc = include_str!("client.md")]
#![doc = include_str!("monitor.md")]
#![doc = include_str!("cancel.md")]
#![doc = include_str!("prometheus.md")]
#![doc = include_str!("shutdown.md")]
