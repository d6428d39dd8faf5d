//! Hands on what its files define.

mod ring;
mod slot;

pub use self::{ring::Ring, slot::Slot};

pub const SIZE: usize = slot::WIDTH;
