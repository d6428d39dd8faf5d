//! NATS as a bus (feature `fleet-nats`).

use std::{fmt, time::Duration};

use async_nats::{Client, ConnectOptions, Event, ServerAddr, connection::State};
use bytes::Bytes;
use futures_util::StreamExt;
use percent_encoding::percent_decode_str;

use super::{
    bus::{FleetBus, Listening, Lost},
    error::FleetError,
    log,
    queue::Inbox,
    task::TaskGuard,
    topic::Topic,
};
use crate::config::FleetUrl;

/// The time from one ping to the next. Two without an answer end the connection.
const PING: Duration = Duration::from_secs(2);
/// The time that a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(2);
/// The time from one attempt to the next, at most.
const MAX_DELAY: Duration = Duration::from_secs(1);
/// Messages on their way to the server: beyond them, the sender waits.
const MAX_SENDING: usize = 64;
/// Messages of a subscription that wait to be taken. The library's own bound is 65,536, which may be gigabytes.
const MAX_WAITING: usize = 256;

/// A bus over a NATS server, or several. It connects in the background and again whenever the connection is lost; of what NATS offers, it uses
/// plain subjects.
#[derive(Clone)]
pub struct NatsBus {
    client: Client,
}

impl fmt::Debug for NatsBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NatsBus(..)")
    }
}

impl NatsBus {
    /// A bus over the server at `url`, which may name a user and a password, or a token (`nats://token@host`). `credentials` is the content of a file of credentials, or an nkey seed. The server need not be there yet.
    ///
    /// # Errors
    /// The address or the credentials cannot be used.
    pub async fn new(url: &FleetUrl, credentials: Option<&str>) -> Result<Self, FleetError> {
        let unusable = |error: &dyn fmt::Display| FleetError::Unusable(error.to_string());
        let mut options = ConnectOptions::new()
            .name("active-requests")
            .ping_interval(PING)
            .connection_timeout(CONNECT)
            .client_capacity(MAX_SENDING)
            .subscription_capacity(MAX_WAITING)
            .retry_on_initial_connect()
            .reconnect_delay_callback(delay)
            .event_callback(async |event| match event {
                Event::Connected => log::connected("nats"),
                Event::Disconnected => log::disconnected("nats"),
                Event::ServerError(error) => log::engine_error("nats", &error),
                Event::ClientError(error) => log::engine_error("nats", &error),
                _ => {}
            });
        if let Some(credentials) = credentials.map(str::trim) {
            options = if credentials.starts_with('S') {
                options.nkey(credentials.to_owned())
            } else {
                options.credentials(credentials).map_err(|error| unusable(&error))?
            };
        }
        let address: ServerAddr = url.expose().parse().map_err(|error| unusable(&error))?;
        // The library leaves what the address says of the user aside.
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        options = match (address.username(), address.password()) {
            (Some(user), Some(password)) => options.user_and_password(decoded(user), decoded(password)),
            (Some(token), None) => options.token(decoded(token)),
            (None, _) => options,
        };
        let client = options.connect(address).await.map_err(|error| unusable(&error))?;
        Ok(Self { client })
    }
}

/// The time before attempt number `attempt`, spread so that many clients do not come at one moment.
fn delay(attempt: usize) -> Duration {
    use std::hash::BuildHasher;
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX).min(7);
    let most = (Duration::from_millis(10) * 2_u32.pow(doublings)).min(MAX_DELAY);
    let spread = std::hash::RandomState::new().hash_one(attempt) % 512;
    let spread = u32::try_from(spread).unwrap_or(0);
    most / 2 + most * spread / 1024
}

impl FleetBus for NatsBus {
    async fn send(&self, topic: Topic, message: Bytes) -> Result<(), Lost> {
        // Without a connection, what is handed over would be sent late.
        if self.client.connection_state() != State::Connected {
            return Err(Lost);
        }
        self.client.publish(topic.as_str().to_owned(), message).await.map_err(|_| Lost)
    }

    fn listen(&self, topic: Topic, inbox: Inbox) -> Listening {
        let client = self.client.clone();
        let task = tokio::spawn(async move {
            // Fails only for a subject that is none.
            let Ok(mut messages) = client.subscribe(topic.as_str().to_owned()).await else { return };
            while let Some(message) = messages.next().await {
                inbox.put(message.payload);
            }
        });
        Listening::new(TaskGuard(task.abort_handle()))
    }

    fn reset(&self) {
        let client = self.client.clone();
        tokio::spawn(async move { client.force_reconnect().await });
    }

    fn engine(&self) -> &'static str {
        "nats"
    }
}
