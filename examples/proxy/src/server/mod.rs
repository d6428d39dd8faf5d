//! Connections of clients: accepts them, serves them, and ends them.

pub mod body;
pub mod connection;
mod lingering;
pub mod service;
mod stream;
pub mod tls;

use std::{future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::{mpsc, watch},
};

use crate::server::connection::ConnectionServer;

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
    server: ConnectionServer,
    end: impl Future<Output = ()>,
    grace: Duration,
) -> bool {
    let server = Arc::new(server);
    let (ending, is_ending) = watch::channel(());
    // Each connection has a sender; the channel is closed when all of them have gone.
    let (connected, mut all_gone) = mpsc::channel::<()>(1);
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
                server.service().sweep();
                continue;
            }
            () = &mut end => break,
        };
        let served = Arc::clone(&server).serve(stream, is_ending.clone());
        let connected = connected.clone();
        tokio::spawn(async move {
            served.await;
            drop(connected);
        });
    }
    drop((listener, ending, connected));
    // Viewers' streams would go on for ever.
    server.service().tracker().shutdown();
    let tunnels = server.service().tunnels();
    let all = async {
        all_gone.recv().await;
        // Their connections are no longer HTTP's.
        tunnels.ended().await;
    };
    let in_time = tokio::time::timeout(grace, all).await.is_ok();
    tunnels.cut().await;
    in_time
}
