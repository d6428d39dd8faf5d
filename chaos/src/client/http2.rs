//! Clients that speak HTTP/2.

use std::{future::poll_fn, io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::join_all;
use h2::{
    Reason, RecvStream, SendStream,
    client::{Connection, ResponseFuture, SendRequest},
};
use http::Request;

use crate::{
    client::{Seen, stream::Stream},
    draw::Draw,
    exchange::{Client, Exchange, KEY, Leave, NUMBER, Upload, When},
    proxy::Proxy,
};

type Sender = SendRequest<Bytes>;

/// The request of an exchange.
fn request(proxy: &Proxy, exchange: &Exchange) -> io::Result<Request<()>> {
    let sent = &exchange.sent;
    let scheme = if proxy.dial.is_tls() { "https" } else { "http" };
    let mut request = Request::builder()
        .method(sent.method)
        .uri(format!("{scheme}://127.0.0.1{}", sent.path))
        .header("x-api-key", KEY)
        .header(NUMBER, exchange.number)
        .header("content-type", "application/json");
    if !sent.is_chunked && !sent.body.is_empty() {
        request = request.header("content-length", sent.body.len());
    }
    request.body(()).map_err(io::Error::other)
}

/// Sends the body; without its end where the client is to leave in it.
async fn send(stream: &mut SendStream<Bytes>, draw: &mut Draw, exchange: &Exchange) -> io::Result<()> {
    let sent = &exchange.sent;
    if sent.body.is_empty() {
        return Ok(());
    }
    let leaves = matches!(exchange.client, Client::LeavesInUpload(_));
    let most = if sent.upload == Upload::AtOnce && !leaves { 1 } else { 6 };
    let mut pieces = draw.cut(&sent.body, most);
    if leaves && let Some(last) = pieces.pop() {
        pieces.push(last[..last.len() / 2].to_vec());
    }
    let count = pieces.len();
    for (n, piece) in pieces.into_iter().enumerate() {
        let mut rest = Bytes::from(piece);
        loop {
            stream.reserve_capacity(rest.len().max(1));
            let room = match poll_fn(|cx| stream.poll_capacity(cx)).await {
                Some(room) => room.map_err(io::Error::other)?,
                // The answer has come, and the server wants no more.
                None => return Ok(()),
            };
            let here = rest.split_to(room.min(rest.len()));
            let is_last = rest.is_empty() && n + 1 == count && !leaves;
            stream.send_data(here, is_last).map_err(io::Error::other)?;
            if rest.is_empty() {
                break;
            }
        }
        if sent.upload == Upload::Slowly {
            tokio::time::sleep(Duration::from_millis(draw.between(1..6) as u64)).await;
        }
    }
    Ok(())
}

/// Reads an answer into `seen`, at most to the end of the body's first `most` bytes.
async fn read(
    answer: &mut ResponseFuture,
    exchange: &Exchange,
    seen: &mut Seen,
    slowly: bool,
    most: Option<usize>,
) -> io::Result<Option<RecvStream>> {
    let (head, mut body) = answer.await.map_err(io::Error::other)?.into_parts();
    seen.status = Some(head.status.as_u16());
    while most.is_none_or(|most| seen.body.len() < most) {
        if slowly {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let Some(data) = body.data().await.transpose().map_err(io::Error::other)? else {
            body.trailers().await.map_err(io::Error::other)?;
            seen.is_whole = true;
            return Ok(None);
        };
        seen.body.extend_from_slice(&data);
        exchange.note(|progress| progress.read = seen.body.len());
        if !matches!(exchange.client, Client::StopsReading(..)) {
            body.flow_control().release_capacity(data.len()).map_err(io::Error::other)?;
        }
    }
    Ok(Some(body))
}

/// Takes part in one exchange.
async fn take_part(
    proxy: &Proxy,
    sender: &Sender,
    mut draw: Draw,
    exchange: &Exchange,
    seen: &mut Seen,
) -> io::Result<()> {
    let mut sender = sender.clone().ready().await.map_err(io::Error::other)?;
    let is_empty = exchange.sent.body.is_empty();
    let (mut answer, mut stream) =
        sender.send_request(request(proxy, exchange)?, is_empty).map_err(io::Error::other)?;
    let sending = async {
        match send(&mut stream, &mut draw, exchange).await {
            Err(error) if !exchange.answer.is_early => Err(error),
            _ => Ok(()),
        }
    };
    let so_far = exchange.answer.body.len();
    let play = async {
        match exchange.client {
            Client::Reads { slowly } => {
                // An early answer ends the upload, and one that is late comes after it.
                let (sent, read) = tokio::join!(sending, read(&mut answer, exchange, seen, slowly, None));
                read?;
                return sent;
            }
            Client::Leaves(When::BeforeHead, _) | Client::LeavesInUpload(_) => {
                sending.await?;
                exchange.until(|progress| progress.has_arrived).await;
            }
            Client::Leaves(When::Midway, _) => {
                sending.await?;
                read(&mut answer, exchange, seen, false, Some(so_far)).await?;
            }
            Client::StopsReading(_, after) => {
                sending.await?;
                let _body = read(&mut answer, exchange, seen, false, Some(1)).await?;
                seen.body.truncate(so_far);
                tokio::time::sleep(after).await;
            }
            Client::LeavesSometime(_, after) => {
                let both = async { tokio::join!(sending, read(&mut answer, exchange, seen, false, None)) };
                let _ = tokio::time::timeout(after, both).await;
            }
            Client::IsKilled(when) => {
                sending.await?;
                exchange.until(|progress| progress.has_arrived).await;
                let body = match when {
                    When::BeforeHead => None,
                    When::Midway => read(&mut answer, exchange, seen, false, Some(so_far)).await?,
                };
                match proxy.kill(exchange.number).await {
                    Ok(202) => {}
                    other => return Err(io::Error::other(format!("DELETE was answered {other:?}"))),
                }
                match body {
                    None => drop(read(&mut answer, exchange, seen, false, None).await?),
                    // An event may tell of it; then the stream is reset.
                    Some(mut body) => while let Some(Ok(_)) = body.data().await {},
                }
            }
        }
        seen.has_left = true;
        Ok(())
    };
    let played: io::Result<()> = play.await;
    if exchange.client.leaves() == Some(Leave::Reset) {
        stream.send_reset(Reason::CANCEL);
    }
    played
}

/// One client's visit: its exchanges all at once, as streams of one connection.
pub async fn at_once(proxy: &Proxy, draws: Vec<Draw>, exchanges: &[Arc<Exchange>]) -> Vec<(Seen, io::Result<()>)> {
    let opened = async {
        let stream = proxy.connect(None, true).await?;
        h2::client::handshake(stream).await.map_err(io::Error::other)
    };
    let (sender, connection): (Sender, Connection<Stream>) = match opened.await {
        Ok(opened) => opened,
        Err(error) => return vec![(Seen::default(), Err(error))],
    };
    let driver = tokio::spawn(connection);
    let playing = exchanges.iter().zip(draws).map(async |(exchange, draw)| {
        let mut seen = Seen::default();
        let result = take_part(proxy, &sender, draw, exchange, &mut seen).await;
        (seen, result)
    });
    let all = join_all(playing).await;
    if exchanges.iter().any(|exchange| exchange.client.leaves() == Some(Leave::Close)) {
        // It goes with everything that is on it.
        driver.abort();
    }
    all
}
