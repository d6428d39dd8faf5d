//! The monitor's contract, route by route and event by event.
#![cfg(feature = "monitor")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod delta;
#[cfg(feature = "compress")]
mod gzip;
mod layers;
mod life;
mod property;
mod rights;
mod routes;
mod silence;
mod support;
mod threads;
mod update;
