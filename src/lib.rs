//! Which requests are in flight, how far each is, and who it is waiting for.

pub mod config;
pub mod inspect;
mod json;
mod pieces;
pub mod sse;
mod sync;
pub mod track;
pub mod tracker;
pub mod usage;
