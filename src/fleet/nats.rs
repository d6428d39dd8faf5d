//! NATS as a bus (feature `fleet-nats`).

use std::{fmt, sync::Arc, time::Duration};

use async_nats::{Client, ConnectOptions, Event, ServerAddr, connection::State};
use bytes::Bytes;
use futures_util::StreamExt;
use percent_encoding::percent_decode_str;

use super::{
    bus::{FleetBus, Listening, Lost},
    engine::EngineState,
    error::FleetError,
    queue::Inbox,
    task::TaskGuard,
    topic::Topic,
    trust::{provide_cryptography, read_authorities},
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
    state: Arc<EngineState>,
}

impl fmt::Debug for NatsBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NatsBus(..)")
    }
}

impl NatsBus {
    /// A bus over the server at `url`, which may name a user and a password, or a token (`nats://token@host`). `credentials` is the content of a file of credentials, or an nkey seed,
    /// `ca_file` the path of a PEM file of the authorities to trust instead of the system's. The server need not be there yet. Where the process has no
    /// cryptography for TLS of its own choice, `ring` is installed.
    ///
    /// # Errors
    /// The address, the credentials or the authorities cannot be used.
    pub async fn new(url: &FleetUrl, credentials: Option<&str>, ca_file: Option<&str>) -> Result<Self, FleetError> {
        provide_cryptography();
        let state = Arc::new(EngineState::new("nats", url.scheme() == "tls"));
        let told = Arc::clone(&state);
        let unusable = |error: &dyn fmt::Display| FleetError::Unusable(error.to_string());
        let mut options = ConnectOptions::new()
            .name("active-requests")
            .ping_interval(PING)
            .connection_timeout(CONNECT)
            .client_capacity(MAX_SENDING)
            .subscription_capacity(MAX_WAITING)
            .retry_on_initial_connect()
            .reconnect_delay_callback(delay)
            .event_callback(move |event| {
                match event {
                    Event::Connected => told.connected(),
                    Event::Disconnected => told.disconnected(),
                    Event::ServerError(error) => told.error(&error),
                    Event::ClientError(error) => told.error(&error),
                    _ => {}
                }
                std::future::ready(())
            });
        if let Some(path) = ca_file {
            read_authorities(path)?;
            options = options.add_root_certificates(path.into());
        }
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
        Ok(Self { client, state })
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

    fn is_connected(&self) -> bool {
        self.state.is_connected()
    }

    fn trouble(&self) -> Option<String> {
        self.state.trouble()
    }
}
