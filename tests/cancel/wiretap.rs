//! The bytes that a client receives.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// All that has been received so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received(Arc<Mutex<Vec<u8>>>);

impl Received {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }

    /// The type, the flags and the stream of each HTTP/2 frame.
    pub(crate) fn http2_frames(&self) -> Vec<(u8, u8, u32)> {
        let bytes = self.bytes();
        let mut rest = &bytes[..];
        let mut frames = Vec::new();
        while let Some((&[high, middle, low, kind, flags, a, b, c, d], after)) = rest.split_first_chunk::<9>() {
            frames.push((kind, flags, u32::from_be_bytes([a, b, c, d])));
            rest = &after[u32::from_be_bytes([0, high, middle, low]) as usize..];
        }
        frames
    }
}

/// The client's end of a connection, listened to.
#[derive(Debug)]
pub(crate) struct Wiretap {
    pub(crate) stream: DuplexStream,
    pub(crate) received: Received,
}

impl AsyncRead for Wiretap {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.received.0.lock().unwrap().extend_from_slice(&buf.filled()[before..]);
        polled
    }
}

impl AsyncWrite for Wiretap {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
