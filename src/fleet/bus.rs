//! The bus: a way for replicas to reach each other.

use std::{any::Any, fmt};

use bytes::Bytes;

use super::{queue::Inbox, topic::Topic};

/// A way for replicas to reach each other: messages by topic, at most once each, those of one sender in any order.
///
/// It may lose messages and double them; what is above it notices and asks again. It must not fail for want of a connection, neither at the
/// start nor later: it connects in the background, for as long as it lives.
pub trait FleetBus: Send + Sync + 'static {
    /// Sends `message` to those who listen to `topic`, the sender included. Waits for room, never for a connection.
    ///
    /// # Errors
    /// There is no connection. At once; the message is dropped.
    fn send(&self, topic: Topic, message: Bytes) -> impl Future<Output = Result<(), Lost>> + Send;

    /// Puts into `inbox` what is sent to `topic` from now on, on this connection and on each that follows it, until what is returned is dropped.
    fn listen(&self, topic: Topic, inbox: Inbox) -> Listening;

    /// Begins a new connection: the present one is deaf, whatever it says of itself.
    fn reset(&self);

    /// The name of the engine, as viewers are shown it.
    fn engine(&self) -> &'static str;

    /// Whether there is a connection, as far as it says itself.
    fn is_connected(&self) -> bool;

    /// The newest reason why messages do not pass, in words for an operator.
    fn trouble(&self) -> Option<String> {
        None
    }
}

/// An error of [`FleetBus::send`]: there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no connection to the server that carries messages between replicas")
    }
}

impl std::error::Error for Lost {}

/// Keeps an inbox listening to a topic, until it is dropped.
#[must_use = "it ends when dropped"]
pub struct Listening(#[expect(dead_code, reason = "it is there to be dropped")] Box<dyn Any + Send + Sync>);

impl Listening {
    /// Listens until `guard` is dropped.
    pub fn new(guard: impl Any + Send + Sync) -> Self {
        Self(Box::new(guard))
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listening(..)")
    }
}
