//! The requests that are open, on one connection and on all, and what a connection's parts tell each other.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::sync::Notify;

use crate::{
    late_timer::LateTimer,
    server::{admission::Place, interim::InterimAnswers},
};

/// The state of one connection, shared by its task, its stream and its requests.
#[derive(Clone, Debug, Default)]
pub struct ConnectionState(Arc<ConnectionFlags>);

#[derive(Debug, Default)]
struct ConnectionFlags {
    is_left: AtomicBool,
    is_writing: AtomicBool,
    is_subscriber: AtomicBool,
    open: AtomicUsize,
    /// The requests on all connections. Here, so that each request counts the owners of what is its connection's alone.
    all: Arc<OpenRequests>,
    interim: InterimAnswers,
    timer: LateTimer,
    /// Kept for as long as anything of the connection is there, also when it is no longer HTTP's.
    _place: Option<Place>,
}

impl ConnectionState {
    pub(super) fn new(place: Place, all: &Arc<OpenRequests>) -> Self {
        Self(Arc::new(ConnectionFlags { all: Arc::clone(all), _place: Some(place), ..ConnectionFlags::default() }))
    }

    /// Says that the client has gone. The connection's task looks here when it has nothing more to do, and need not be woken.
    pub fn leave(&self) {
        self.0.is_left.store(true, Ordering::Relaxed);
    }

    pub fn is_left(&self) -> bool {
        self.0.is_left.load(Ordering::Relaxed)
    }

    /// Says whether bytes for the client wait for room on their way.
    pub fn set_writing(&self, yes: bool) {
        self.0.is_writing.store(yes, Ordering::Relaxed);
    }

    pub fn is_writing(&self) -> bool {
        self.0.is_writing.load(Ordering::Relaxed)
    }

    /// Says that the client subscribes to the monitor's stream.
    pub fn subscribe(&self) {
        self.0.is_subscriber.store(true, Ordering::Relaxed);
    }

    /// Whether it has been said since the last call that it does.
    pub fn take_subscribed(&self) -> bool {
        self.0.is_subscriber.load(Ordering::Relaxed) && self.0.is_subscriber.swap(false, Ordering::Relaxed)
    }

    /// The interim answers to the request that is waited for, over HTTP/1.
    pub(super) fn interim(&self) -> &InterimAnswers {
        &self.0.interim
    }

    /// The timer of a connection over HTTP/1: for the next head, or for the answer to the request that is waited for.
    pub(super) fn timer(&self) -> &LateTimer {
        &self.0.timer
    }

    /// The number of requests whose answers have not ended.
    pub fn open(&self) -> usize {
        self.0.open.load(Ordering::Acquire)
    }

    /// Counts a request, as long as what is returned is there.
    pub fn begin(&self, kind: RequestKind) -> OpenRequest {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        self.0.all.count(kind).fetch_add(1, Ordering::Relaxed);
        OpenRequest { connection: Arc::clone(&self.0), kind }
    }
}

/// The side that answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// A provider.
    Forwarded,
    /// The proxy itself.
    Own,
}

/// The requests on all connections.
#[derive(Debug, Default)]
pub struct OpenRequests {
    forwarded: AtomicUsize,
    own: AtomicUsize,
    none_forwarded: Notify,
}

impl OpenRequests {
    fn count(&self, kind: RequestKind) -> &AtomicUsize {
        match kind {
            RequestKind::Forwarded => &self.forwarded,
            RequestKind::Own => &self.own,
        }
    }

    /// Whether one of this kind is open.
    pub fn any(&self, kind: RequestKind) -> bool {
        self.count(kind).load(Ordering::Acquire) > 0
    }

    /// Waits until none is open that a provider answers.
    pub async fn forwarded_ended(&self) {
        while self.any(RequestKind::Forwarded) {
            self.none_forwarded.notified().await;
        }
    }
}

/// A request's place among those that are open, from its head to the end of its answer.
#[derive(Debug)]
pub struct OpenRequest {
    connection: Arc<ConnectionFlags>,
    kind: RequestKind,
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.connection.open.fetch_sub(1, Ordering::Release);
        let all = &self.connection.all;
        let before = all.count(self.kind).fetch_sub(1, Ordering::AcqRel);
        if before == 1 && self.kind == RequestKind::Forwarded {
            all.none_forwarded.notify_one();
        }
    }
}
