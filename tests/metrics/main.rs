//! The figures that outlive their requests: the series of the last hour.
#![cfg(feature = "monitor")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod series;
mod support;
