//! Requests that are cancelled in flight.

mod exchange;
mod held;
mod inside;
mod race;
mod wire;
mod wiretap;
