//! The Server-Sent Events wire: bytes to events and events to bytes.
//!
//! The rules are those of the [WHATWG standard, section 9.2](https://html.spec.whatwg.org/multipage/server-sent-events.html).

mod decoder;

pub use decoder::{Decoder, RawEvent};
