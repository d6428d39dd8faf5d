//! The fleet, over a network in memory: what each viewer of all replicas is shown, whatever happens to the replicas and between them.
#![cfg(feature = "fleet")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod calls;
#[cfg(all(feature = "fleet-nats", feature = "fleet-redis"))]
mod engines;
mod faults;
mod property;
mod sums;
mod support;
mod view;
