//! Connections: taking them, serving them, and bringing them to an end.

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
    server::{conn::auto, graceful::GracefulShutdown},
};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::{
    front::{Front, Hangup},
    linger::Linger,
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
pub async fn serve(listener: TcpListener, front: Arc<Front>, end: impl Future<Output = ()>, grace: Duration) -> bool {
    let server = Arc::new(server());
    let graceful = GracefulShutdown::new();
    let mut end = std::pin::pin!(end);
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
                front.sweep();
                continue;
            }
            () = &mut end => break,
        };
        serve_connection(stream, &server, &front, &graceful);
    }
    drop(listener);
    // Viewers' streams would go on for ever.
    front.tracker().shutdown();
    tokio::time::timeout(grace, graceful.shutdown()).await.is_ok()
}

fn server() -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new());
    server
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    server
}

fn serve_connection(
    stream: TcpStream,
    server: &Arc<auto::Builder<TokioExecutor>>,
    front: &Arc<Front>,
    graceful: &GracefulShutdown,
) {
    let _ = stream.set_nodelay(true);
    let hangup = Hangup::default();
    let service = front.service(hangup.clone());
    let (server, watcher) = (Arc::clone(server), graceful.watcher());
    tokio::spawn(async move {
        // Made in here: a future keeps room for what it is given, besides what it makes of it.
        let connection =
            watcher.watch(server.serve_connection(TokioIo::new(Linger::new(stream)), service).into_owned());
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
