//! A client's request body that ends in its end, or in an error.
//!
//! hyper takes a reset stream for a body that has ended, if the client resets it without an error (`NO_ERROR`): that is how a server stops a
//! client's upload. From a client it is a cut, and an upstream must not take what it has for the whole.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Version, header, request};
use http_body::{Body, Frame, SizeHint};

use crate::{forward::keys::OwnKeys, upstream::request_body::ClientBody};

/// The body of a client's request, a cut told as an error.
#[derive(Debug)]
pub struct UncutBody {
    inner: ClientBody,
    /// The body knows by itself whether its end has come. Over HTTP/1 it does not, and need not.
    knows_end: bool,
    /// The keys that do not leave in trailers, where some are announced: no others are sent on.
    own_keys: Option<OwnKeys>,
}

/// The reason why a client's body has not ended.
#[derive(Debug)]
pub enum UploadError {
    /// The client has reset it.
    Reset,
    /// It failed.
    Failed(hyper::Error),
}

impl fmt::Display for UploadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reset => "the client has reset its request",
            Self::Failed(_) => "the client's request broke off",
        })
    }
}

impl Error for UploadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Reset => None,
            Self::Failed(error) => Some(error),
        }
    }
}

impl UncutBody {
    /// The body of a request with this head.
    pub fn new(inner: ClientBody, head: &request::Parts, own_keys: &OwnKeys) -> Self {
        let own_keys = head.headers.contains_key(header::TRAILER).then(|| own_keys.clone());
        Self { inner, knows_end: head.version == Version::HTTP_2, own_keys }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Body for UncutBody {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx).map_err(UploadError::Failed);
        match polled {
            Poll::Ready(None) if self.knows_end && !self.inner.is_end_stream() => {
                Poll::Ready(Some(Err(UploadError::Reset)))
            }
            Poll::Ready(Some(Ok(mut frame))) => {
                if let (Some(own_keys), Some(trailers)) = (&self.own_keys, frame.trailers_mut()) {
                    own_keys.remove_from(trailers);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            polled => polled,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
