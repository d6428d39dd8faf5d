//! Redis, or Valkey, as a bus (feature `fleet-redis`).
//!
//! Two connections: one sends, one listens. The library does not keep a listening connection alive, so this does: it pings it, and connects and
//! subscribes again when it ends or goes deaf.

use std::{
    fmt,
    pin::pin,
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use futures_util::StreamExt;
use redis::{
    AsyncConnectionConfig, Client, RedisError, TlsCertificates,
    aio::{MultiplexedConnection, PubSub, PubSubSink},
};
use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout},
};

use super::{
    bus::{FleetBus, Listening, Lost},
    engine::EngineState,
    error::FleetError,
    queue::Inbox,
    task::TaskGuard,
    topic::Topic,
    trust::{provide_cryptography, read_authorities},
};
use crate::{config::FleetUrl, sync::Mutex};

/// The time from one ping of the listening connection to the next.
const PING: Duration = Duration::from_secs(2);
/// The time that an answer, or a connection, may take.
const ANSWER: Duration = Duration::from_secs(2);
/// The time from one attempt to connect to the next.
const AGAIN: Duration = Duration::from_millis(250);

/// A bus over a Redis or Valkey server. It connects in the background, and again whenever the connection is lost.
#[derive(Clone)]
pub struct RedisBus {
    shared: Arc<RedisShared>,
    _tasks: Arc<[TaskGuard; 2]>,
}

impl fmt::Debug for RedisBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisBus(..)")
    }
}

struct RedisShared {
    client: Client,
    state: EngineState,
    listeners: Mutex<Vec<Weak<RedisListener>>>,
    /// Somebody has begun to listen, or has stopped.
    changed: Notify,
    /// The connections are to be made anew: the number of times.
    resets: watch::Sender<u64>,
    /// The connection that sends, while there is one, and the number of those before it.
    sending: Mutex<(u64, Option<MultiplexedConnection>)>,
    /// The connection that sends has failed.
    failed: Notify,
}

impl RedisShared {
    /// Gives up the connection to send on with this number, or whichever there is. A later one is left alone: many messages fail with one connection,
    /// and not all at the same moment.
    fn give_up(&self, failed: Option<u64>) {
        let mut sending = self.sending.lock();
        if failed.is_none_or(|number| number == sending.0) && sending.1.take().is_some() {
            self.failed.notify_one();
        }
    }
}

struct RedisListener {
    topic: Topic,
    inbox: Inbox,
    shared: Weak<RedisShared>,
}

impl Drop for RedisListener {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.changed.notify_one();
        }
    }
}

impl RedisBus {
    /// A bus over the server at `url`. `ca_file` is the path of a PEM file of the authorities to trust instead of the public ones. The server need not
    /// be there yet. Needs a tokio runtime. Where the process has no cryptography for TLS of its own choice, `ring` is installed.
    ///
    /// # Errors
    /// The address or the authorities cannot be used.
    pub fn new(url: &FleetUrl, ca_file: Option<&str>) -> Result<Self, FleetError> {
        let is_tls = url.scheme() == "rediss";
        if is_tls {
            provide_cryptography();
        }
        let client = match ca_file.map(read_authorities).transpose()?.filter(|_| is_tls) {
            Some(root) => {
                Client::build_with_tls(url.expose(), TlsCertificates { client_tls: None, root_cert: Some(root) })
            }
            None => Client::open(url.expose()),
        };
        let client = client.map_err(|error| FleetError::Unusable(error.to_string()))?;
        let shared = Arc::new(RedisShared {
            client,
            state: EngineState::new("redis", is_tls),
            listeners: Mutex::default(),
            changed: Notify::new(),
            resets: watch::Sender::new(0),
            sending: Mutex::default(),
            failed: Notify::new(),
        });
        let tasks =
            [tokio::spawn(keep_listening(Arc::clone(&shared))), tokio::spawn(keep_sending(Arc::clone(&shared)))];
        let tasks = tasks.map(|task| TaskGuard(task.abort_handle()));
        Ok(Self { shared, _tasks: Arc::new(tasks) })
    }
}

impl FleetBus for RedisBus {
    async fn send(&self, topic: Topic, message: Bytes) -> Result<(), Lost> {
        let (number, connection) = self.shared.sending.lock().clone();
        let Some(mut connection) = connection else { return Err(Lost) };
        let mut command = redis::cmd("PUBLISH");
        command.arg(topic.as_str()).arg(&message[..]);
        match timeout(ANSWER, command.exec_async(&mut connection)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) if !error.is_io_error() && !error.is_connection_dropped() => {
                // The connection is well: the server refuses.
                self.shared.state.error(&error);
                Err(Lost)
            }
            _ => {
                self.shared.give_up(Some(number));
                Err(Lost)
            }
        }
    }

    fn listen(&self, topic: Topic, inbox: Inbox) -> Listening {
        let listener = Arc::new(RedisListener { topic, inbox, shared: Arc::downgrade(&self.shared) });
        self.shared.listeners.lock().push(Arc::downgrade(&listener));
        self.shared.changed.notify_one();
        Listening::new(listener)
    }

    fn reset(&self) {
        self.shared.resets.send_modify(|resets| *resets += 1);
        self.shared.give_up(None);
    }

    fn engine(&self) -> &'static str {
        "redis"
    }

    fn is_connected(&self) -> bool {
        self.shared.state.is_connected() && self.shared.sending.lock().1.is_some()
    }

    fn trouble(&self) -> Option<String> {
        self.shared.state.trouble()
    }
}

/// Keeps a connection to send on.
async fn keep_sending(shared: Arc<RedisShared>) {
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(ANSWER)).set_response_timeout(None);
    loop {
        let connected = timeout(ANSWER, shared.client.get_multiplexed_async_connection_with_config(&config)).await;
        match connected {
            Ok(Ok(connection)) => {
                {
                    let mut sending = shared.sending.lock();
                    *sending = (sending.0 + 1, Some(connection));
                }
                shared.failed.notified().await;
            }
            _ => sleep(AGAIN).await,
        }
    }
}

/// Keeps a connection to listen on.
async fn keep_listening(shared: Arc<RedisShared>) {
    loop {
        let connected = timeout(ANSWER, shared.client.get_async_pubsub()).await;
        let ended = match connected {
            // However it ends, the next one follows.
            Ok(Ok(connection)) => listen_on(&shared, connection).await,
            Ok(Err(error)) => Err(error),
            Err(_) => {
                shared.state.error(&"no answer has come");
                Ok(())
            }
        };
        shared.state.disconnected();
        if let Err(error) = ended {
            shared.state.error(&error);
        }
        sleep(AGAIN).await;
    }
}

/// Listens until the connection ends, goes deaf, or is to be made anew.
async fn listen_on(shared: &RedisShared, connection: PubSub) -> Result<(), RedisError> {
    let (sink, mut messages) = connection.split();
    let mut resets = shared.resets.subscribe();
    // Beside the messages, which must not wait for any answer.
    let mut subscribed = pin!(keep_subscribed(shared, sink.clone()));
    let mut answered = pin!(keep_pinging(sink));
    loop {
        tokio::select! {
            message = messages.next() => match message {
                Some(message) => {
                    // One message comes for each subscription that takes it.
                    let pattern: Option<String> = message.get_pattern().ok();
                    let subscription = pattern.as_deref().unwrap_or(message.get_channel_name());
                    deliver(shared, subscription, message.get_payload_bytes());
                }
                None => return Ok(()),
            },
            ended = &mut subscribed => return ended,
            ended = &mut answered => return ended,
            _ = resets.changed() => return Ok(()),
        }
    }
}

/// Subscribes to what is listened to, and again whenever that changes. Ends when it is not answered.
async fn keep_subscribed(shared: &RedisShared, mut sink: PubSubSink) -> Result<(), RedisError> {
    let mut listened = Vec::new();
    let mut is_new = true;
    while let Ok(subscribed) = timeout(ANSWER, subscribe(shared, &mut sink, &mut listened)).await {
        subscribed?;
        if std::mem::take(&mut is_new) {
            shared.state.connected();
        }
        shared.changed.notified().await;
    }
    Ok(())
}

/// Pings the server. Ends when it is not answered.
async fn keep_pinging(mut sink: PubSubSink) -> Result<(), RedisError> {
    sleep(PING).await;
    while let Ok(answer) = timeout(ANSWER, sink.ping::<redis::Value>()).await {
        answer?;
        sleep(PING).await;
    }
    Ok(())
}

/// Subscribes to what is listened to, and to nothing else.
async fn subscribe(shared: &RedisShared, sink: &mut PubSubSink, listened: &mut Vec<Topic>) -> Result<(), RedisError> {
    let mut wanted: Vec<Topic> = Vec::new();
    for listener in hearing(shared) {
        if !wanted.contains(&listener.topic) {
            wanted.push(listener.topic.clone());
        }
    }
    for topic in wanted.iter().filter(|topic| !listened.contains(topic)) {
        match topic.is_pattern() {
            true => sink.psubscribe(topic.as_str()).await?,
            false => sink.subscribe(topic.as_str()).await?,
        }
    }
    for topic in listened.iter().filter(|topic| !wanted.contains(topic)) {
        match topic.is_pattern() {
            true => sink.punsubscribe(topic.as_str()).await?,
            false => sink.unsubscribe(topic.as_str()).await?,
        }
    }
    *listened = wanted;
    Ok(())
}

fn hearing(shared: &RedisShared) -> Vec<Arc<RedisListener>> {
    let mut listeners = shared.listeners.lock();
    listeners.retain(|listener| listener.strong_count() > 0);
    listeners.iter().filter_map(Weak::upgrade).collect()
}

/// Hands a message that came by a subscription to those who listen to its topic.
fn deliver(shared: &RedisShared, subscription: &str, payload: &[u8]) {
    let message = Bytes::copy_from_slice(payload);
    for listener in hearing(shared).iter().filter(|listener| listener.topic.as_str() == subscription) {
        listener.inbox.put(message.clone());
    }
}
