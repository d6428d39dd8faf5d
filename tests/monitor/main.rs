//! The monitor's contract, route by route and event by event.
#![cfg(feature = "monitor")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod delta;
mod property;
mod routes;
mod support;
mod update;
