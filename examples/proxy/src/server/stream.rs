//! The stream of bytes of a client's connection, with TLS or without.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

use crate::server::{lingering::LingeringStream, state::ConnectionState};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct ClientStream {
    transport: Transport,
    state: ConnectionState,
    /// The rest of an interim answer of which some has been written.
    interim: Bytes,
}

/// The rare and large one is boxed.
#[derive(Debug)]
enum Transport {
    Plain(LingeringStream),
    Tls(Box<TlsStream<LingeringStream>>),
}

macro_rules! forward {
    ($self:ident.$method:ident($($argument:expr),*)) => {
        match &mut $self.transport {
            Transport::Plain(stream) => Pin::new(stream).$method($($argument),*),
            Transport::Tls(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl ClientStream {
    pub(super) fn plain(stream: LingeringStream, state: &ConnectionState) -> Self {
        Self::new(Transport::Plain(stream), state)
    }

    pub(super) fn tls(stream: TlsStream<LingeringStream>, state: &ConnectionState) -> Self {
        Self::new(Transport::Tls(Box::new(stream)), state)
    }

    fn new(transport: Transport, state: &ConnectionState) -> Self {
        Self { transport, state: state.clone(), interim: Bytes::new() }
    }

    /// Writes the interim answers that are to come before what follows.
    fn poll_interim(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.interim.is_empty() {
            self.interim = self.state.interim().take();
        }
        while !self.interim.is_empty() {
            let written = ready!(forward!(self.poll_write(cx, &self.interim)))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.interim.advance(written);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        forward!(self.poll_read(cx, buf))
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_interim(cx))?;
        self.state.interim().writing();
        forward!(self.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_interim(cx))?;
        self.state.interim().writing();
        forward!(self.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            Transport::Plain(stream) => stream.is_write_vectored(),
            Transport::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state.interim().flushed();
        ready!(self.poll_interim(cx))?;
        forward!(self.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self.poll_shutdown(cx))
    }
}
