//! A connection that is closed so that the client gets the last answer.
//!
//! A server that closes a socket in which unread bytes lie makes the kernel send a reset, and a client that is still sending may
//! lose the answer that told it to stop (`413`, `401`, `431`). So the end of our side is announced first, and what still
//! comes is read and thrown away for a while (RFC 9112, section 9.6).

use std::{
    future::Future,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep},
};

use crate::server::state::ConnectionState;

/// How long a client may go on sending after our last word.
const LONGEST: Duration = Duration::from_secs(3);

/// The longest pause in that: who has nothing more to send is not waited for.
const PAUSE: Duration = Duration::from_millis(300);

/// How much it may send in that time.
const MOST: usize = 256 * 1024 * 1024;

/// A stream that lingers when it is shut down.
#[derive(Debug)]
pub(crate) struct LingeringStream {
    stream: TcpStream,
    state: ConnectionState,
    closing: Option<LingeringClose>,
}

#[derive(Debug)]
struct LingeringClose {
    /// When a pause will have been too long.
    pause: Pin<Box<Sleep>>,
    until: Instant,
    read: usize,
}

impl LingeringStream {
    pub(crate) fn new(stream: TcpStream, state: ConnectionState) -> Self {
        Self { stream, state, closing: None }
    }

    /// Takes note of whether there was no room for what is written.
    fn wrote<T>(&self, written: Poll<T>) -> Poll<T> {
        self.state.set_writing(written.is_pending());
        written
    }
}

impl AsyncRead for LingeringStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for LingeringStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let closing = match &mut this.closing {
            Some(closing) => closing,
            closing => {
                ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                // Until it is closed the last answer may get lost.
                this.state.set_writing(true);
                let now = Instant::now();
                closing.insert(LingeringClose {
                    pause: Box::pin(tokio::time::sleep_until(now + PAUSE)),
                    until: now + LONGEST,
                    read: 0,
                })
            }
        };
        let mut scratch = [MaybeUninit::uninit(); 16 * 1024];
        while closing.pause.as_mut().poll(cx).is_pending() && closing.read < MOST {
            let mut buf = ReadBuf::uninit(&mut scratch);
            match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {
                    closing.read += buf.filled().len();
                    closing.pause.as_mut().reset(closing.until.min(Instant::now() + PAUSE));
                }
                // The client is done too, or gone.
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}
