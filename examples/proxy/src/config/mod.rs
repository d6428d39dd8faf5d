//! Settings: where they come from, what can be set, the providers, and the names of models. Read once at the start.

mod command;
pub mod description;
mod file;
pub mod models;
pub mod providers;
pub mod settings;
pub mod sources;
pub mod values;
