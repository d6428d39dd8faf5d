//! Clients that speak HTTP/1.1 by hand.

use std::{io, sync::Arc, time::Duration};

use tokio::io::{AsyncRead, AsyncWriteExt};

use crate::{
    client::{Seen, stream::Stream},
    draw::Draw,
    exchange::{Client, Exchange, KEY, Leave, NUMBER, Upload, When},
    proxy::Proxy,
    wire::{Framing, Reader},
};

/// The head of an exchange's request.
fn head(exchange: &Exchange) -> String {
    let sent = &exchange.sent;
    let mut head = format!(
        "{} {} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: {KEY}\r\n{NUMBER}: {}\r\ncontent-type: application/json\r\n",
        sent.method, sent.path, exchange.number
    );
    if sent.is_chunked {
        head += "transfer-encoding: chunked\r\n";
    } else if !sent.body.is_empty() || !["GET", "HEAD"].contains(&sent.method) {
        head += &format!("content-length: {}\r\n", sent.body.len());
    }
    if sent.upload == Upload::Expect100 {
        head += "expect: 100-continue\r\n";
    }
    head + "\r\n"
}

/// The pieces of a request's body as they go over the wire.
fn body(draw: &mut Draw, exchange: &Exchange) -> Vec<Vec<u8>> {
    let sent = &exchange.sent;
    let most = if sent.upload == Upload::AtOnce { 1 } else { 8 };
    let mut pieces = draw.cut(&sent.body, most);
    if sent.is_chunked {
        for piece in &mut pieces {
            *piece = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        }
        pieces.push(b"0\r\n\r\n".to_vec());
    }
    pieces
}

async fn send(stream: &mut Stream, draw: &mut Draw, exchange: &Exchange) -> io::Result<()> {
    let (head, mut pieces) = (head(exchange), body(draw, exchange));
    match exchange.sent.upload {
        Upload::AtOnce => return stream.write_all(&[head.into_bytes(), pieces.concat()].concat()).await,
        Upload::Expect100 => stream.write_all(head.as_bytes()).await?,
        Upload::InPieces | Upload::Slowly => {
            for piece in draw.cut(head.as_bytes(), 5) {
                stream.write_all(&piece).await?;
                tokio::task::yield_now().await;
            }
        }
    }
    let leaves = matches!(exchange.client, Client::LeavesInUpload(_));
    let last = if leaves { pieces.pop() } else { None };
    for piece in pieces {
        stream.write_all(&piece).await?;
        if exchange.sent.upload == Upload::Slowly {
            tokio::time::sleep(Duration::from_millis(draw.between(1..6) as u64)).await;
        }
    }
    if let Some(last) = last {
        // There is always something left to send.
        stream.write_all(&last[..last.len() / 2]).await?;
    }
    Ok(())
}

/// Reads an answer into `seen`, at most to the end of the body's first `most` bytes.
async fn read<S: AsyncRead + Unpin>(
    reader: &mut Reader<S>,
    exchange: &Exchange,
    seen: &mut Seen,
    slowly: bool,
    most: Option<usize>,
) -> io::Result<bool> {
    let head = loop {
        match reader.head().await? {
            Some(head) if matches!(head.status(), Some(100..200)) => {}
            Some(head) => break head,
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        if slowly {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    seen.status = head.status();
    let framing = Framing::of_answer(&head, exchange.sent.method);
    let body = &mut seen.body;
    if slowly {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let reading = reader.body(framing, |data| {
        body.extend_from_slice(data);
        exchange.note(|progress| progress.read = body.len());
    });
    let enough = exchange.until(|progress| most.is_some_and(|most| progress.read >= most));
    tokio::select! {
        read = reading => read?,
        () = enough => return Ok(false),
    }
    seen.is_whole = true;
    // Who has answered before the end of a request may close its connection without another word.
    let is_before_end = exchange.answer.is_early || (exchange.answer.is_wild && seen.status == Some(502));
    let closes = is_before_end || head.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Ok(!closes && framing != Framing::Close)
}

/// Takes part in one exchange on a connection; whether the connection can be used again.
async fn take_part(
    proxy: &Proxy,
    reader: &mut Reader<Stream>,
    draw: &mut Draw,
    exchange: &Exchange,
    seen: &mut Seen,
) -> io::Result<bool> {
    let sent = send(&mut reader.stream, draw, exchange).await;
    if !exchange.answer.is_early {
        sent?;
    }
    match exchange.client {
        Client::Reads { slowly } => return read(reader, exchange, seen, slowly, None).await,
        Client::Leaves(When::BeforeHead, how) | Client::LeavesInUpload(how) => {
            exchange.until(|progress| progress.has_arrived).await;
            leave(reader, how).await;
        }
        Client::Leaves(When::Midway, how) => {
            read(reader, exchange, seen, false, Some(exchange.answer.body.len())).await?;
            leave(reader, how).await;
        }
        Client::StopsReading(how, after) => {
            read(reader, exchange, seen, false, Some(1)).await?;
            // What has come beyond the part to compare is as good as unread.
            seen.body.truncate(exchange.answer.body.len());
            tokio::time::sleep(after).await;
            leave(reader, how).await;
        }
        Client::LeavesSometime(how, after) => {
            let _ = tokio::time::timeout(after, read(reader, exchange, seen, false, None)).await;
            leave(reader, how).await;
        }
        Client::IsKilled(when) => {
            exchange.until(|progress| progress.has_arrived).await;
            if when == When::Midway {
                read(reader, exchange, seen, false, Some(exchange.answer.body.len())).await?;
            }
            match proxy.kill(exchange.number).await? {
                202 => {}
                status => return Err(io::Error::other(format!("DELETE was answered {status}"))),
            }
            match when {
                When::BeforeHead => {
                    read(reader, exchange, seen, false, None).await?;
                }
                // An event may tell of it; then the connection ends.
                When::Midway => reader.until_closed().await,
            }
        }
    }
    seen.has_left = true;
    Ok(false)
}

async fn leave(reader: &mut Reader<Stream>, how: Leave) {
    reader.stream.leave(how).await;
    if how == Leave::HalfClose {
        reader.until_closed().await;
    }
}

/// One client's visit: its exchanges one after the other, on a connection as long as it lasts.
pub async fn in_turn(proxy: &Proxy, draw: &mut Draw, exchanges: &[Arc<Exchange>]) -> Vec<(Seen, io::Result<()>)> {
    let mut kept: Option<Reader<Stream>> = None;
    let mut all = Vec::new();
    for exchange in exchanges {
        let mut seen = Seen::default();
        let small = matches!(exchange.client, Client::StopsReading(..)).then_some(4096);
        let result = async {
            let mut reader = match kept.take().filter(|_| small.is_none()) {
                Some(reader) => reader,
                None => Reader::new(proxy.connect(small, false).await?),
            };
            if take_part(proxy, &mut reader, draw, exchange, &mut seen).await? {
                kept = Some(reader);
            }
            Ok(())
        };
        let result = result.await;
        all.push((seen, result));
    }
    all
}

/// One client's visit: its requests all at once, before it reads the first answer.
pub async fn pipelined(proxy: &Proxy, draw: &mut Draw, exchanges: &[Arc<Exchange>]) -> Vec<(Seen, io::Result<()>)> {
    let stream = match proxy.connect(None, false).await {
        Ok(stream) => stream,
        Err(error) => return vec![(Seen::default(), Err(error))],
    };
    let mut bytes = Vec::new();
    for exchange in exchanges {
        bytes.extend(head(exchange).into_bytes());
        bytes.extend(body(draw, exchange).concat());
    }
    let (from, mut to) = tokio::io::split(stream);
    let mut reader = Reader::new(from);
    let reading = async {
        let mut all = Vec::new();
        for exchange in exchanges {
            let mut seen = Seen::default();
            let Client::Reads { slowly } = exchange.client else { unreachable!("others are not drawn here") };
            let result = read(&mut reader, exchange, &mut seen, slowly, None).await;
            all.push((seen, result.map(drop)));
        }
        all
    };
    // The first answers may have to be read for the last requests to leave.
    tokio::join!(reading, to.write_all(&bytes)).0
}
