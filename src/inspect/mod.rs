//! Reads what a request asks for out of its body as it passes.

mod locate;

pub use locate::{LocatedModel, ModelLocator, find_model};
