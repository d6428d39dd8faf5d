//! The stream of bytes of a connection to an upstream, which is read on when it takes no more.
//!
//! An upstream that refuses a request before its end (`413`, `401`) answers, and closes. What is then written fails, and hyper would take the
//! failure for the end of the connection while the answer lies in the socket (RFC 9112, section 9.5). So the failure is kept back, and what
//! would be written is thrown away: to read tells what has come of the request, an answer or the end.

use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A TCP stream to an upstream, as the connector opens it.
pub type ConnectedStream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// A stream of bytes in both directions.
pub trait ByteStream: Read + Write + fmt::Debug + Send + Unpin {}

impl<T: Read + Write + fmt::Debug + Send + Unpin> ByteStream for T {}

/// A TCP stream to an upstream, with TLS or without. Boxed each for itself: one with TLS takes a kilobyte, for which a plain one would
/// keep room.
pub type UpstreamTransport = Box<dyn ByteStream>;

/// See the [module](self).
#[derive(Debug)]
pub struct UpstreamStream {
    transport: UpstreamTransport,
    /// The upstream takes no more.
    is_closed: bool,
}

impl UpstreamStream {
    pub fn new(connected: ConnectedStream) -> Self {
        let transport: UpstreamTransport = match connected {
            ConnectedStream::Http(plain) => Box::new(plain),
            ConnectedStream::Https(tls) => Box::new(tls),
        };
        Self { transport, is_closed: false }
    }

    pub fn into_inner(self) -> UpstreamTransport {
        self.transport
    }

    /// Writes by `write`; `all` is what it returns where everything is written.
    fn poll_with<T>(
        &mut self,
        all: T,
        write: impl FnOnce(Pin<&mut UpstreamTransport>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if self.is_closed {
            return Poll::Ready(Ok(all));
        }
        match write(Pin::new(&mut self.transport)) {
            Poll::Ready(Err(error)) if has_closed(&error) => {
                self.is_closed = true;
                Poll::Ready(Ok(all))
            }
            written => written,
        }
    }
}

/// Whether an error says that the other end has closed the connection.
pub fn has_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
}

impl Read for UpstreamStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_read(cx, buf)
    }
}

impl Write for UpstreamStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_with(buf.len(), |transport| transport.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all = bufs.iter().map(|buf| buf.len()).sum();
        self.poll_with(all, |transport| transport.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_with((), |transport| transport.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_with((), |transport| transport.poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use socket2::SockRef;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test]
    async fn what_has_come_is_read_when_writing_has_failed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut theirs, _) = listener.accept().await.unwrap();
        let mut ours = TokioIo::new(UpstreamStream::new(TokioIo::new(ours).into()));
        ours.write_all(b"half a request").await.unwrap();
        theirs.write_all(b"no").await.unwrap();
        SockRef::from(&theirs).set_linger(Some(Duration::ZERO)).unwrap();
        drop(theirs);
        while !ours.inner().is_closed {
            ours.write_all(b"and more of it").await.unwrap();
        }
        let mut answer = [0; 2];
        ours.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"no");
        assert!(matches!(ours.read(&mut answer).await, Ok(0) | Err(_)), "then it ends");
        ours.shutdown().await.unwrap();
    }
}
