//! A crate with one fault of each kind, for the test that they are found.
//!
//! # Where things are
//!
//! | module | what it does | stands on |
//! |---|---|---|
//! | `json` | reads | |
//! | `tracker` | keeps | `json` |
//! | `gone` | nothing any more | |
//!
//! # Features

mod json;
mod stray;
mod tracker;
