//! Which requests are in flight, how far each is, and who it is waiting for.

// What a test or an example may do and the library may not.
#![cfg_attr(not(test), warn(clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::unwrap_used))]

pub mod config;
#[cfg(feature = "dashboard")]
pub mod dashboard;
pub mod inspect;
mod json;
#[cfg(feature = "monitor")]
pub mod monitor;
mod pieces;
pub mod sse;
mod sync;
pub mod track;
pub mod tracker;
pub mod usage;
