//! The body of every response to a client.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use active_requests::{cancel, dashboard, monitor, track};
use bytes::Bytes;
use http::{Response, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;

use crate::{
    forward::{
        response_body::{BodyError, ForwardedBody},
        usage_chunk::{WithoutUsageChunk, is_to_hide},
    },
    server::state::OpenRequest,
};

/// The body of a tracked answer.
pub type TrackedBody = track::ResponseBody<cancel::ResponseBody<ForwardedBody>>;

/// Every body that this proxy sends. While it is there, its request is open.
#[derive(Debug)]
pub struct ServedBody {
    content: ServedContent,
    _open: OpenRequest,
}

impl ServedBody {
    #[inline]
    pub fn new(content: ServedContent, open: OpenRequest) -> Self {
        Self { content, _open: open }
    }
}

/// The kinds of bodies.
#[derive(Debug)]
pub enum ServedContent {
    /// A tracked answer.
    Forwarded(TrackedBody),
    /// A tracked answer, less the chunk that its client has not asked for. Boxed, because it is rare and twice the size.
    WithoutUsageChunk(Box<WithoutUsageChunk<TrackedBody>>),
    /// An answer of the monitor, perhaps a stream.
    Monitor(monitor::ResponseBody),
    /// A file of the page.
    Dashboard(dashboard::ResponseBody),
    /// An own route's.
    Own(Full<Bytes>),
}

impl ServedContent {
    /// The reply to a request bound for a provider.
    #[inline]
    pub fn forwarded(response: Response<TrackedBody>) -> Response<Self> {
        if is_to_hide(&response) {
            let mut response = response.map(|body| Self::WithoutUsageChunk(Box::new(WithoutUsageChunk::new(body))));
            response.headers_mut().remove(header::CONTENT_LENGTH);
            response
        } else {
            response.map(Self::Forwarded)
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Body for ServedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.get_mut().content {
            ServedContent::Forwarded(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            ServedContent::WithoutUsageChunk(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            ServedContent::Monitor(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            ServedContent::Dashboard(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            ServedContent::Own(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            ServedContent::Forwarded(body) => body.is_end_stream(),
            ServedContent::WithoutUsageChunk(body) => body.is_end_stream(),
            ServedContent::Monitor(body) => body.is_end_stream(),
            ServedContent::Dashboard(body) => body.is_end_stream(),
            ServedContent::Own(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            ServedContent::Forwarded(body) => body.size_hint(),
            ServedContent::WithoutUsageChunk(body) => body.size_hint(),
            ServedContent::Monitor(body) => body.size_hint(),
            ServedContent::Dashboard(body) => body.size_hint(),
            ServedContent::Own(body) => body.size_hint(),
        }
    }
}
