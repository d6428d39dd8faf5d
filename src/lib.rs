//! Which requests are in flight, how far each is, and who it is waiting for.

pub mod inspect;
pub mod sse;
pub mod usage;
