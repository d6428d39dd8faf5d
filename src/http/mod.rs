//! Helpers for HTTP that several modules share. They stand on the ground: nothing here knows of requests in flight.

#[cfg(feature = "compress")]
mod accept;
mod chunks;
mod content_type;

#[cfg(feature = "compress")]
pub(crate) use self::accept::takes_gzip;
pub(crate) use self::{chunks::look_at, content_type::ContentType};
