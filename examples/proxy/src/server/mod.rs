//! Connections of clients: accepts them, serves them, and ends them.

pub mod body;
mod lingering;
pub mod service;

use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
};

use crate::server::{
    lingering::LingeringStream,
    service::{CloseSignal, ProxyService},
};

/// Listens with room for a crowd at the door.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    // A client that has vanished without a word is found out in two minutes. Connections get this from the listener.
    let alive = TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(20));
    SockRef::from(&socket).set_tcp_keepalive(&alive.with_retries(3))?;
    socket.bind(address)?;
    socket.listen(16 * 1024)
}

/// Serves until `end` comes, then lets running requests go on for at most `grace`. Returns whether all have ended.
pub async fn serve(
    listener: TcpListener,
    service: Arc<ProxyService>,
    end: impl Future<Output = ()>,
    grace: Duration,
) -> bool {
    let servers = Arc::new(HttpServers::new());
    let graceful = GracefulShutdown::new();
    let (ending, is_ending) = watch::channel(());
    let mut end = pin!(end);
    let mut sweeps = tokio::time::interval(Duration::from_secs(5));
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, most likely: those in use must be given back first.
                    tracing::warn!("no connection can be taken: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            _ = sweeps.tick() => {
                service.sweep();
                continue;
            }
            () = &mut end => break,
        };
        serve_connection(stream, &servers, &service, graceful.watcher(), is_ending.clone());
    }
    drop((listener, ending));
    // Viewers' streams would go on for ever.
    service.tracker().shutdown();
    tokio::time::timeout(grace, graceful.shutdown()).await.is_ok()
}

/// The HTTP servers of client connections.
struct HttpServers {
    http1: auto::Builder<TokioExecutor>,
    any: auto::Builder<TokioExecutor>,
}

impl HttpServers {
    fn new() -> Self {
        let mut any = auto::Builder::new(TokioExecutor::new());
        any.http1().timer(TokioTimer::new());
        any.http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(20));
        Self { http1: any.clone().http1_only(), any }
    }

    /// The one for this client, once it has said something.
    ///
    /// `any` could serve them all. But it reads the first bytes apart, and hyper then takes a buffer twice as large for the rest, which
    /// a stream holds for as long as it lives.
    async fn choose(&self, client: &TcpStream) -> io::Result<&auto::Builder<TokioExecutor>> {
        const HTTP2: &[u8] = b"PRI";
        let mut first = [0; HTTP2.len()];
        let count = client.peek(&mut first).await?;
        Ok(if HTTP2.starts_with(&first[..count]) { &self.any } else { &self.http1 })
    }
}

fn serve_connection(
    stream: TcpStream,
    servers: &Arc<HttpServers>,
    service: &Arc<ProxyService>,
    watcher: Watcher,
    mut is_ending: watch::Receiver<()>,
) {
    let _ = stream.set_nodelay(true);
    let hangup = CloseSignal::default();
    let service = service.service(hangup.clone());
    let servers = Arc::clone(servers);
    tokio::spawn(async move {
        let server = tokio::select! {
            server = servers.choose(&stream) => server,
            // It has not asked for anything yet.
            _ = is_ending.changed() => return,
        };
        drop(is_ending);
        let Ok(server) = server else { return };
        // Made in here: a future keeps room for what it is given, besides what it makes of it.
        let connection =
            watcher.watch(server.serve_connection(TokioIo::new(LingeringStream::new(stream)), service).into_owned());
        let mut connection = pin!(connection);
        let ended = poll_fn(|cx| match connection.as_mut().poll(cx) {
            Poll::Pending if hangup.is_asked_for() => Poll::Ready(Ok(())),
            polled => polled,
        });
        if let Err(error) = ended.await {
            tracing::debug!("a connection ended: {error}");
        }
    });
}
