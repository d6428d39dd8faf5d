//! Reads what a response says about tokens.
//!
//! A [`Meter`] watches the bytes of one response body as they pass and keeps a [`Reading`]: the facts so far about the
//! model, the tokens, the tool calls and how the answer ended. It never fails and never holds bytes back.
//!
//! The content type tells how the body is cut into events, the first event tells the provider's dialect; the URL tells
//! nothing. Every number is the one that the provider reported last, never a sum over events; a number that it did not
//! report is not 0, and one that no request can have (beyond 2^53) is none.
//!
//! # Recorded bytes
//!
//! ```
//! use active_requests::usage::{EndMark, Meter, UsageSource};
//!
//! let mut meter = Meter::for_content_type("text/event-stream");
//! for chunk in [
//!     "data: {\"model\":\"gpt-4o\",\"choices\":[{\"delta\":{\"content\":\"Hel",
//!     "lo\"}}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":19,\"completion_tokens\":1}}\n\n",
//!     "data: [DONE]\n\n",
//! ] {
//!     meter.observe(chunk.as_bytes());
//! }
//! meter.finish();
//!
//! let reading = meter.reading();
//! assert_eq!(reading.model.as_deref(), Some("gpt-4o"));
//! assert_eq!((reading.usage.input_tokens, reading.usage.output_tokens), (19, 1));
//! assert_eq!((reading.source, reading.end), (UsageSource::Reported, EndMark::Seen));
//! assert_eq!(reading.text_bytes, 5);
//! ```
//!
//! # Sessions
//!
//! Over a WebSocket a model gives many answers, each with usage of its own. A [`SessionMeter`] reads their messages.
//!
//! # A dialect of your own
//!
//! A service that writes its answers in a form of its own implements [`CustomDialect`], which see for an example, and gives
//! it to the layer:
//!
//! ```
//! use active_requests::{ActiveRequestsLayer, RequestTracker};
//! use active_requests::usage::{CustomDialect, EventFacts, ResponseEvent};
//!
//! struct Words;
//!
//! impl CustomDialect for Words {
//!     fn recognise(&self, event: &ResponseEvent<'_>) -> bool {
//!         event.name() == b"word"
//!     }
//!
//!     fn read(&self, event: &ResponseEvent<'_>, facts: &mut EventFacts<'_>) {
//!         facts.add_text_bytes(event.data().len());
//!     }
//! }
//!
//! let layer = ActiveRequestsLayer::new(RequestTracker::default()).dialect(Words);
//! # let _ = layer;
//! ```

#[macro_use]
mod setters;

mod counts;
mod custom;
mod dialect;
mod event;
mod event_facts;
mod event_shape;
mod framing;
mod kept_words;
mod meter;
mod normalise;
mod operation;
mod reader;
mod reading;
mod record;
mod session;
mod speaker;
mod tool;

pub use self::{
    counts::{ProviderUsage, Usage},
    custom::{CustomDialect, CustomFraming, Dialects},
    event::ResponseEvent,
    event_facts::EventFacts,
    meter::Meter,
    normalise::Counting,
    operation::{Operation, gen_ai_provider_name},
    reading::{EndMark, Observation, Reading, UsageSource},
    session::SessionMeter,
};
pub(crate) use self::{
    dialect::{PathFacts, RequestKey, of_path, request_key},
    tool::ToolKind,
};
