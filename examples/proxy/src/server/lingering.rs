//! A client's socket: closed so that the client gets the last answer, and watched for its leaving.
//!
//! A server that closes a socket in which unread bytes lie makes the kernel send a reset, and a client that is still sending may
//! lose the answer that told it to stop (`413`, `401`, `431`). So the end of our side is announced first, and what still
//! comes is read and thrown away for a while (RFC 9112, section 9.6).
//!
//! hyper notices that a client has left by reading to the end. It does not read while the upstream takes nothing of an upload,
//! or behind bytes that came after the request, such as a pipelined one. In that time the socket is asked instead, which
//! knows of a reset and of the end of the client's side, also behind bytes that nobody has read. That end counts as leaving,
//! as it does to hyper where it reads: no client of an API closes its side and waits for an answer. One thing cannot be known:
//! the end behind more bytes than fit into the socket, which does not arrive before they have been read. A reset does.

use std::{
    future::Future,
    io::{self, Read},
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::FutureExt;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep},
};

use crate::server::state::ConnectionState;

/// How long a client may go on sending after our last word.
const LONGEST: Duration = Duration::from_secs(3);

/// The longest pause in that: who has nothing more to send is not waited for.
const PAUSE: Duration = Duration::from_millis(300);

/// Bytes that wait in the kernel for a subscriber of the monitor. Linux takes twice as much, for its own records.
const SUBSCRIBERS_BUFFER: usize = 64 * 1024;

/// How much it may send in that time.
const MOST: usize = 256 * 1024 * 1024;

/// A stream that lingers when it is shut down.
#[derive(Debug)]
pub(crate) struct LingeringStream {
    stream: TcpStream,
    state: ConnectionState,
    /// The longest time that a subscriber of the monitor takes nothing.
    subscriber_timeout: Duration,
    /// Whether it is hyper that will notice the end, since it waits for bytes.
    is_read: bool,
    /// There may be bytes to read of which the runtime has been told to forget.
    forgotten: bool,
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
    pub(crate) fn new(stream: TcpStream, state: ConnectionState, subscriber_timeout: Duration) -> Self {
        Self { stream, state, subscriber_timeout, is_read: false, forgotten: false, closing: None }
    }

    /// Bounds what a subscriber holds that does not read: what waits in the kernel, and for how long.
    fn before_writing(&self) {
        if self.state.take_subscribed() {
            let socket = SockRef::from(&self.stream);
            let _ = socket.set_send_buffer_size(SUBSCRIBERS_BUFFER);
            #[cfg(any(target_os = "linux", target_os = "android", target_os = "fuchsia"))]
            let _ = socket.set_tcp_user_timeout(Some(self.subscriber_timeout));
        }
    }

    /// Takes note of whether there was no room for what is written.
    fn wrote<T>(&self, written: Poll<T>) -> Poll<T> {
        self.state.set_writing(written.is_pending());
        written
    }

    /// Notices that the client has left, if nobody reads; called whenever hyper has done what it could.
    fn watch(&mut self, cx: &mut Context<'_>) {
        if std::mem::take(&mut self.is_read) {
            return;
        }
        while self.stream.poll_read_ready(cx).is_ready() {
            // The runtime knows more than that it is readable, and tells at once what it knows.
            let ready = self.stream.ready(Interest::READABLE).now_or_never();
            if ready.is_none_or(|ready| ready.map_or(true, |ready| ready.is_read_closed())) {
                return self.state.leave();
            }
            // Bytes that nobody reads now. They are forgotten, for the next event to be told.
            self.forgotten = true;
            let _ = self.stream.try_io(Interest::READABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
        }
    }

    fn read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.read_forgotten(buf) {
            Some(read) => Poll::Ready(read),
            None => Pin::new(&mut self.stream).poll_read(cx, buf),
        }
    }

    /// Reads what the runtime has been told to forget.
    fn read_forgotten(&mut self, buf: &mut ReadBuf<'_>) -> Option<io::Result<()>> {
        if !std::mem::take(&mut self.forgotten) {
            return None;
        }
        match (&*SockRef::from(&self.stream)).read(buf.initialize_unfilled()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => Some(Err(error)),
            Ok(count) => {
                // There may be more.
                self.forgotten = true;
                buf.advance(count);
                Some(Ok(()))
            }
        }
    }
}

impl AsyncRead for LingeringStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = self.read(cx, buf);
        self.is_read = read.is_pending();
        read
    }
}

impl AsyncWrite for LingeringStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.before_writing();
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        if written.is_pending() {
            // It does not come to flushing.
            self.watch(cx);
        }
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.before_writing();
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        if written.is_pending() {
            // It does not come to flushing.
            self.watch(cx);
        }
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.watch(cx);
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut closing = match self.closing.take() {
            Some(closing) => closing,
            None => {
                ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
                // Until it is closed the last answer may get lost.
                self.state.set_writing(true);
                let now = Instant::now();
                LingeringClose { pause: Box::pin(tokio::time::sleep_until(now + PAUSE)), until: now + LONGEST, read: 0 }
            }
        };
        let mut scratch = [MaybeUninit::uninit(); 16 * 1024];
        while closing.pause.as_mut().poll(cx).is_pending() && closing.read < MOST {
            let mut buf = ReadBuf::uninit(&mut scratch);
            match self.read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                    closing.read += buf.filled().len();
                    closing.pause.as_mut().reset(closing.until.min(Instant::now() + PAUSE));
                }
                Poll::Pending => {
                    self.closing = Some(closing);
                    return Poll::Pending;
                }
                // The client is done too, or gone.
                Poll::Ready(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}
