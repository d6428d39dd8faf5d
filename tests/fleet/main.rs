//! The fleet, over a network in memory: what each viewer of all replicas is shown, whatever happens to the replicas and between them.
#![cfg(feature = "fleet")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[cfg(all(feature = "fleet-nats", feature = "fleet-redis"))]
mod access;
mod calls;
#[cfg(all(feature = "fleet-nats", feature = "fleet-redis"))]
mod engines;
mod faults;
mod property;
#[cfg(all(feature = "fleet-nats", feature = "fleet-redis"))]
mod replicas;
#[cfg(all(feature = "fleet-nats", feature = "fleet-redis"))]
mod servers;
mod sums;
mod support;
mod view;
