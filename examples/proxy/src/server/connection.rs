//! One client's connection: finds out what it speaks, serves it, and ends it.

use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use hyper::server::conn::{
    http1::{self, UpgradeableConnection},
    http2,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustix::net::{RecvFlags, recv};
use tokio::{io::Interest, net::TcpStream, sync::watch, time::Sleep};

use crate::{
    config::settings::Settings,
    quiet_body::QuietTask,
    server::{
        admission::{Admission, Place},
        lingering::LingeringStream,
        phase::Phase,
        service::ProxyService,
        state::ConnectionState,
        stream::ClientStream,
        tls::ServerTls,
    },
};

/// The version of HTTP that a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HttpVersion {
    Http1,
    Http2,
}

/// The state that all connections share.
#[derive(Debug)]
pub struct ConnectionServer {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    tls: Option<Arc<ServerTls>>,
    service: Arc<ProxyService>,
    /// The longest time that a client takes for a handshake and its first bytes.
    idle: Duration,
    admission: Arc<Admission>,
    /// The longest time that a subscriber of the monitor takes nothing.
    subscriber_timeout: Duration,
}

impl ConnectionServer {
    pub fn new(service: Arc<ProxyService>, tls: Option<Arc<ServerTls>>, settings: &Settings) -> Self {
        let idle = settings.idle_timeout;
        let mut http1 = http1::Builder::new();
        let most_of_head = settings.max_head.0;
        http1.header_read_timeout(idle).max_header_size(most_of_head);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(most_of_head).unwrap_or(u32::MAX))
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(20));
        let admission = Admission::new(settings.max_connections, settings.max_connections_per_client);
        Self { http1, http2, tls, service, idle, admission, subscriber_timeout: settings.subscriber_timeout }
    }

    pub(super) fn admission(&self) -> &Arc<Admission> {
        &self.admission
    }

    pub(super) fn service(&self) -> &ProxyService {
        &self.service
    }

    /// Serves one client until one of the two has had enough.
    pub(super) async fn serve(self: Arc<Self>, stream: TcpStream, place: Place, mut phase: watch::Receiver<Phase>) {
        let _ = stream.set_nodelay(true);
        let state = ConnectionState::new(place, self.service.open_requests());
        let opened = tokio::select! {
            // Boxed: a handshake is large, and short against what follows.
            opened = tokio::time::timeout(self.idle, Box::pin(self.open(stream, &state))) => opened,
            // It has not asked for anything yet.
            _ = phase.wait_for(|phase| matches!(phase, Phase::Ending | Phase::Over)) => return,
        };
        let (stream, version) = match opened {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => return tracing::debug!("a connection did not begin: {error}"),
            Err(_) => return tracing::debug!("a connection did not begin within {} s", self.idle.as_secs_f64()),
        };
        let service = self.service.service(state.clone());
        // Pinned in here, and lent: a future keeps room for what it is given, besides what it makes of it.
        match version {
            HttpVersion::Http1 => {
                let mut http1 = self.http1.clone();
                http1.timer(state.timer().clone());
                let connection = pin!(http1.serve_connection(TokioIo::new(stream), service).with_upgrades());
                // hyper has a limit of its own for an idle one.
                let mut task = QuietTask::default();
                let poll = |connection: Pin<&mut _>, cx: &mut Context<'_>| {
                    Future::poll(connection, &mut Context::from_waker(task.waker(cx.waker())))
                };
                drive(connection, poll, UpgradeableConnection::graceful_shutdown, &state, phase, None).await;
                // A tunnel outlives this task, and the state with it.
                state.timer().stop();
            }
            HttpVersion::Http2 => {
                let mut connection = Box::pin(self.http2.serve_connection(TokioIo::new(stream), service));
                let shut_down = http2::Connection::graceful_shutdown;
                drive(connection.as_mut(), Future::poll, shut_down, &state, phase, Some(self.idle)).await;
            }
        }
    }

    /// The stream of a connection, and what is spoken on it.
    async fn open(&self, stream: TcpStream, state: &ConnectionState) -> io::Result<(ClientStream, HttpVersion)> {
        let Some(tls) = &self.tls else {
            let version = spoken(&stream).await?;
            return Ok((
                ClientStream::plain(LingeringStream::new(stream, state.clone(), self.subscriber_timeout), state),
                version,
            ));
        };
        let stream =
            tls.acceptor().accept(LingeringStream::new(stream, state.clone(), self.subscriber_timeout)).await?;
        let version = match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => HttpVersion::Http2,
            _ => HttpVersion::Http1,
        };
        Ok((ClientStream::tls(stream, state), version))
    }
}

/// Finds out what a client without TLS speaks, by its first bytes, which stay to be read.
async fn spoken(client: &TcpStream) -> io::Result<HttpVersion> {
    // Three are enough: no method of HTTP/1 begins like this (RFC 9113, section 3.4).
    const HTTP2: &[u8] = b"PRI";
    loop {
        let ready = client.ready(Interest::READABLE).await?;
        let mut first = [0; HTTP2.len()];
        let peeked = client.try_io(Interest::READABLE, || {
            let (count, _) = recv(client, &mut first[..], RecvFlags::PEEK)?;
            // Not yet: the next bytes decide.
            let is_undecided = (1..HTTP2.len()).contains(&count) && HTTP2.starts_with(&first[..count]);
            if is_undecided { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(count) }
        });
        match peeked {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => return Ok(if first == HTTP2 { HttpVersion::Http2 } else { HttpVersion::Http1 }),
            // The end of the client's side stays ready for ever: without this the loop would not wait.
            Err(_) if ready.is_read_closed() => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// The end of a connection's turns, or of those between two events.
enum Turn {
    /// The connection has ended.
    Ended(hyper::Result<()>),
    /// It has had no request for too long.
    Idle,
    /// The server has come to another phase; `is_last`: there will be no more.
    Phase { is_last: bool },
}

/// Runs a connection to its end, or until it has gone over to another protocol. One without a request for `idle` is shut down.
async fn drive<C>(
    mut connection: Pin<&mut C>,
    mut poll: impl FnMut(Pin<&mut C>, &mut Context<'_>) -> Poll<hyper::Result<()>>,
    shut_down: impl Fn(Pin<&mut C>),
    state: &ConnectionState,
    mut phase: watch::Receiver<Phase>,
    idle: Option<Duration>,
) {
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    let (mut ending, mut told) = (false, false);
    let mut latest = phase.clone();
    let ended = loop {
        let mut changed = pin!(phase.changed());
        let mut watched_by: Option<Waker> = None;
        let turn = poll_fn(|cx| {
            // The next phase wakes this task once it has been waited for. It is not waited for anew in each of the connection's turns.
            let is_watched = watched_by.as_ref().is_some_and(|task| task.will_wake(cx.waker()));
            if !is_watched || !matches!(latest.has_changed(), Ok(false)) {
                if let Poll::Ready(changed) = changed.as_mut().poll(cx) {
                    return Poll::Ready(Turn::Phase { is_last: changed.is_err() });
                }
                watched_by = Some(cx.waker().clone());
            }
            let was_idle = state.open() == 0;
            if let Poll::Ready(ended) = poll(connection.as_mut(), cx) {
                return Poll::Ready(Turn::Ended(ended));
            }
            // At the end nobody waits for half a head, or for the next request; but the last bytes are to leave.
            if state.is_left() || (ending && was_idle && !state.is_writing()) {
                return Poll::Ready(Turn::Ended(Ok(())));
            }
            match idle {
                Some(idle) if state.open() == 0 => {
                    let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
                    timer.as_mut().poll(cx).map(|()| Turn::Idle)
                }
                _ => {
                    timer = None;
                    Poll::Pending
                }
            }
        });
        match turn.await {
            Turn::Ended(ended) => break ended,
            // It stays idle, although it has been told.
            Turn::Idle if told => break Ok(()),
            Turn::Idle => {
                told = true;
                timer = None;
                shut_down(connection.as_mut());
            }
            Turn::Phase { is_last } => {
                let now = *latest.borrow_and_update();
                if is_last || now == Phase::Over {
                    break Ok(());
                }
                ending = now == Phase::Ending;
                shut_down(connection.as_mut());
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended: {error}");
    }
}
