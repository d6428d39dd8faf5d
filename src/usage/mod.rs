//! What a response says about tokens.
//!
//! A [`Meter`] watches the bytes of one response body as they pass and keeps a [`Reading`]: what has been said so far
//! about the model, the tokens, the tool calls and how the answer ended. It never fails and never holds bytes back.
//!
//! The content type tells how the body is cut into events, the first event tells the provider's dialect; the URL tells
//! nothing. Every number is what the provider said last, never a sum over events, and what it did not say is not 0.

mod dialect;
mod event_facts;
mod event_shape;
mod framing;
mod meter;
mod normalise;
mod reader;
mod reading;
mod tool;

pub(crate) use dialect::ToolKind;
pub use meter::Meter;
pub use reading::{EndMark, Observation, ProviderUsage, Reading, Usage, UsageSource};
