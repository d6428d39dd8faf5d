//! Peers that have vanished without a word: no end, no reset, and nothing that answers.
//!
//! The kernel finds them out, and so late by default that it comes to the same as never. A peer that is there and takes nothing cannot be
//! told from one that has vanished while bytes wait for it, so that it has the same time.

use std::{io, time::Duration};

use socket2::{SockRef, TcpKeepalive};

/// A connection that is silent for this long is probed.
pub(crate) const PROBED_AFTER: Duration = Duration::from_secs(60);
/// The time between two probes.
pub(crate) const PROBE_INTERVAL: Duration = Duration::from_secs(20);
/// Probes without an answer after which the peer has vanished.
pub(crate) const PROBES: u32 = 3;
/// The longest time that a peer takes nothing of what waits for it; on Linux.
pub(crate) const LONGEST: Duration = Duration::from_secs(120);

/// Gives peers of this socket, and of those that it accepts, no more than this time.
pub(crate) fn bound(socket: SockRef<'_>) -> io::Result<()> {
    let alive = TcpKeepalive::new().with_time(PROBED_AFTER).with_interval(PROBE_INTERVAL).with_retries(PROBES);
    socket.set_tcp_keepalive(&alive)?;
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "fuchsia"))]
    socket.set_tcp_user_timeout(Some(LONGEST))?;
    Ok(())
}
