//! Helpers for HTTP that several modules share. They know nothing of requests in flight.

#[cfg(feature = "compress")]
mod accept;
mod chunks;
#[cfg(feature = "monitor")]
mod conditional;
mod content_type;
#[cfg(feature = "prometheus")]
mod media_type;
#[cfg(feature = "monitor")]
mod mount;

#[cfg(feature = "compress")]
pub(crate) use self::accept::{MIN_COMPRESSED, takes_gzip};
#[cfg(feature = "prometheus")]
pub(crate) use self::media_type::{MediaType, quality};
pub(crate) use self::{chunks::visit_chunks, content_type::ContentType};
#[cfg(feature = "monitor")]
pub(crate) use self::{conditional::is_held, mount::Mount};
