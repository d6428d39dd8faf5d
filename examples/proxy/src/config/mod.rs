//! What can be set, and what it means: read once at the start.

pub mod models;
pub mod provider;
pub mod settings;
pub mod sources;
