//! Connections of clients: accepts them, serves them, and ends them.

pub(crate) mod admission;
pub mod body;
pub mod connection;
mod crowd;
pub mod guard;
mod interim;
mod lingering;
mod phase;
pub mod service;
pub mod state;
mod stream;
pub mod tls;
pub mod workers;

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use http::{Uri, uri::Scheme};
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::{mpsc, watch},
};

use crate::{
    server::{connection::ConnectionServer, crowd::Crowd, phase::Phase, state::RequestKind, workers::Workers},
    vanished,
};

/// Listens with room for a crowd at the door.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    // Connections get this from the listener.
    vanished::bound(SockRef::from(&socket))?;
    socket.bind(address)?;
    socket.listen(16 * 1024)
}

/// Whether requests for `base` come to the socket that listens at `address`.
pub fn leads_to(base: &Uri, address: SocketAddr) -> bool {
    let default = if base.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    let host = base.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_this_host = match host.parse::<IpAddr>() {
        Ok(host) => {
            host == address.ip() || host.is_unspecified() || (host.is_loopback() && address.ip().is_unspecified())
        }
        Err(_) => {
            host.eq_ignore_ascii_case("localhost") && (address.ip().is_loopback() || address.ip().is_unspecified())
        }
    };
    base.port_u16().unwrap_or(default) == address.port() && is_this_host
}

/// The longest wait for the last bytes of answers that have ended.
const LAST_BYTES: Duration = Duration::from_secs(2);

/// The time in which subscribers are told of the last requests' ends.
const LAST_NEWS: Duration = Duration::from_millis(250);

/// Serves until the end is asked for, then lets running requests go on for at most `grace`, while the monitor stays readable. Asked
/// again, it ends at once. Returns whether all requests have ended by themselves.
pub async fn serve(
    listener: TcpListener,
    server: ConnectionServer,
    workers: Workers,
    mut asked: mpsc::Receiver<()>,
    grace: Duration,
) -> bool {
    let server = Arc::new(server);
    let service = server.service();
    let (phase, phases) = watch::channel(Phase::Serving);
    // Each connection has a sender; the channel is closed when all of them have gone.
    let (connected, mut all_gone) = mpsc::channel::<()>(1);
    let mut accepting = Box::pin(accept(listener, &server, &workers, phases, connected));
    tokio::select! {
        never = &mut accepting => match never {},
        _ = asked.recv() => {}
    }
    service.tracker().drain();
    phase.send_replace(Phase::Draining);
    let ended = async {
        service.open_requests().forwarded_ended().await;
        // Their connections are no longer HTTP's.
        service.tunnels().ended().await;
    };
    let in_time = tokio::select! {
        never = &mut accepting => match never {},
        ended = tokio::time::timeout(grace, ended) => ended.is_ok(),
        Some(()) = asked.recv() => false,
    };
    if in_time && service.open_requests().any(RequestKind::Own) {
        tokio::time::sleep(LAST_NEWS).await;
    }
    if !in_time {
        service.tracker().cut_off();
    }
    // Viewers' streams would go on for ever.
    service.tracker().shutdown();
    phase.send_replace(if in_time { Phase::Ending } else { Phase::Over });
    drop(accepting);
    let _ = tokio::time::timeout(LAST_BYTES, all_gone.recv()).await;
    service.tunnels().cut().await;
    in_time
}

/// Takes connections and has each served in a task of its own.
async fn accept(
    listener: TcpListener,
    server: &Arc<ConnectionServer>,
    workers: &Workers,
    phases: watch::Receiver<Phase>,
    connected: mpsc::Sender<()>,
) -> Infallible {
    let mut sweeps = tokio::time::interval(Duration::from_secs(5));
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    let mut crowd = Crowd::default();
    loop {
        let (stream, place) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => match server.admission().admit(from.ip()) {
                    Some(place) => (stream, place),
                    None => continue,
                },
                Err(error) => {
                    // Out of file descriptors, most likely: those in use must be given back first.
                    tracing::warn!("no connection can be taken: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            _ = seconds.tick() => {
                crowd.note(server.admission().count());
                continue;
            }
            _ = sweeps.tick() => {
                server.service().sweep();
                let refused = server.admission().take_refused();
                if refused > 0 {
                    tracing::warn!("connections refused: {refused}. There were as many as PROXY_MAX_CONNECTIONS and _PER_CLIENT allow");
                }
                continue;
            }
        };
        // One that comes late has seen the phase already.
        let mut phases = phases.clone();
        phases.mark_unchanged();
        let (server, connected) = (Arc::clone(server), connected.clone());
        workers.serve(stream, move |stream| async move {
            server.serve(stream, place, phases).await;
            drop(connected);
        });
    }
}
