//! Carries the bytes of one tunnel.

use std::{io::Cursor, pin::pin, time::Duration};

use active_requests::tracker::{Held, Outcome};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, WriteHalf, split},
    time::timeout,
};

use crate::{
    tunnel::{
        TunnelPlace,
        inflate::Inflaters,
        observer::{ClientObserver, ServerObserver},
    },
    upstream::UpstreamBody,
};

/// Bytes that one direction holds at most.
const BUFFER: usize = 16 * 1024;

/// How long an upstream may go on sending when its client has said its last word.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Both ends of a tunnel, and the row that lives with it.
#[derive(Debug)]
pub struct Tunnel {
    pub client: OnUpgrade,
    pub upstream: UpstreamBody,
    pub held: Held,
    /// The decoders of messages, where the two ends have agreed on a coding.
    pub inflaters: Inflaters,
    /// The row does not name a model yet.
    pub names_model: bool,
    pub place: TunnelPlace,
}

/// The client's end, on which the last bytes may still be under way.
type ToClient = WriteHalf<TokioIo<Upgraded>>;

impl Tunnel {
    /// Carries until one end has gone, an operator cancels the request, or the proxy ends.
    pub async fn run(self) {
        let Self { client, upstream, held, inflaters, names_model, mut place } = self;
        let (outcome, to_client) = tokio::select! {
            biased;
            // The row has ended. Both sockets are dropped at once.
            () = held.cancelled() => return,
            () = place.is_cut() => {
                held.handle().set_error("The proxy has ended.");
                (Outcome::Shutdown, None)
            }
            end = carry(client, upstream, &held, inflaters, names_model) => end,
        };
        held.finish(outcome);
        if let Some(mut to_client) = to_client {
            tokio::select! {
                () = place.is_cut() => {}
                _ = to_client.shutdown() => {}
            }
        }
    }
}

async fn carry(
    client: OnUpgrade,
    upstream: UpstreamBody,
    held: &Held,
    inflaters: Inflaters,
    names_model: bool,
) -> (Outcome, Option<ToClient>) {
    let Ok(client) = client.await else { return (Outcome::ClientDisconnect, None) };
    let (mut from_client, mut to_client) = split(TokioIo::new(client));
    let Some((stream, read)) = upstream.into_upgraded().await else { return (Outcome::BodyError, None) };
    let (from_upstream, mut to_upstream) = split(TokioIo::new(stream));
    let mut from_upstream = Cursor::new(read).chain(from_upstream);
    let mut client_seen = ClientObserver::new(held, inflaters.client, names_model);
    let mut server_seen = ServerObserver::new(held, inflaters.server);
    let gone = {
        let mut up = pin!(async {
            let end = relay(&mut from_client, &mut to_upstream, |bytes| client_seen.passed(bytes)).await;
            let _ = to_upstream.shutdown().await;
            end
        });
        let mut down = pin!(relay(&mut from_upstream, &mut to_client, |bytes| server_seen.passed(bytes)));
        tokio::select! {
            biased;
            end = &mut down => end.gone(Side::Upstream, Side::Client),
            end = &mut up => {
                // Whoever has reset the connection hears nothing any more; who has only closed it is answered.
                if end != RelayEnd::ReadError {
                    let _ = timeout(LAST_WORDS, down).await;
                }
                end.gone(Side::Client, Side::Upstream)
            }
        }
    };
    let outcome = match gone {
        _ if client_seen.has_closed() || server_seen.has_closed() => Outcome::Completed,
        Side::Client => Outcome::ClientDisconnect,
        Side::Upstream => {
            held.handle().set_error("The upstream's connection ended without a close frame.");
            Outcome::BodyError
        }
    };
    (outcome, Some(to_client))
}

/// An end of a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Upstream,
}

/// The reason why a direction carries nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RelayEnd {
    /// There is nothing more to read.
    Over,
    ReadError,
    WriteError,
}

impl RelayEnd {
    /// The end that has gone.
    fn gone(self, reader: Side, writer: Side) -> Side {
        if self == Self::WriteError { writer } else { reader }
    }
}

/// Carries what there is to read, and shows it to `passed`, until one side has had enough.
async fn relay(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut passed: impl FnMut(&[u8]),
) -> RelayEnd {
    let mut buffer = vec![0; BUFFER];
    loop {
        let bytes = match from.read(&mut buffer).await {
            Ok(0) => return RelayEnd::Over,
            Ok(len) => &buffer[..len],
            Err(_) => return RelayEnd::ReadError,
        };
        passed(bytes);
        if to.write_all(bytes).await.is_err() || to.flush().await.is_err() {
            return RelayEnd::WriteError;
        }
    }
}
