//! The request body: wraps the inner one and reads it as it passes.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::scanner::RequestScanner;
use crate::http::visit_chunks;
use crate::tracker::RequestHandle;

pin_project! {
    /// The request body that [`InspectRequest`](super::InspectRequest) hands to the inner service.
    #[derive(Debug)]
    pub struct InspectedBody<B> {
        #[pin]
        inner: B,
        // `None`: there is no row to write to, or nothing more will be learnt.
        inspection: Option<Inspection>,
    }
}

impl<B: Body> InspectedBody<B> {
    pub(super) fn new(inner: B, inspection: Option<Inspection>) -> Self {
        let mut body = Self { inspection, inner };
        if let Some(inspection) = &mut body.inspection {
            if let Some(size) = body.inner.size_hint().exact() {
                inspection.declare(size);
            }
            // Nobody will ask for a frame.
            if body.inner.is_end_stream() {
                body.inspection = None;
            }
        }
        body
    }
}

/// Writes to the request's row what its body tells. Dropped at the end of the body, however it ends.
#[derive(Debug)]
pub(super) struct Inspection {
    handle: RequestHandle,
    /// `None`: the body cannot be read, or tells nothing more. Only a pointer, since a request is moved often before its body is read.
    scanner: Option<Box<RequestScanner>>,
    /// The size the body should have, in bytes, if that is known before it has passed.
    declared: Option<u64>,
    seen: u64,
    /// The row says that the client is waited for.
    upload_pending: bool,
}

impl Inspection {
    pub(super) fn new(handle: RequestHandle, scanner: Option<Box<RequestScanner>>) -> Self {
        Self { handle, scanner, declared: None, seen: 0, upload_pending: false }
    }

    fn declare(&mut self, size: u64) {
        self.declared = Some(size);
        self.handle.set_request_size(size);
    }

    /// Says in the row, where it is news, whether the client is waited for.
    fn set_upload_pending(&mut self, yes: bool) {
        if std::mem::replace(&mut self.upload_pending, yes) != yes {
            self.handle.set_upload_pending(yes);
        }
    }

    fn look_at<D: Buf>(&mut self, data: &D) {
        self.seen += data.remaining() as u64;
        let Self { scanner: Some(scanner), handle, .. } = self else { return };
        let seen = visit_chunks(data, |chunk| {
            if let Some(facts) = scanner.push(chunk) {
                handle.describe(&facts.info());
                if facts.labels.found().next().is_some() {
                    handle.set_labels(facts.labels.found());
                }
            }
        });
        if !seen || scanner.is_over() {
            self.scanner = None;
        }
    }
}

impl Drop for Inspection {
    fn drop(&mut self) {
        if self.declared.is_none_or(|declared| declared < self.seen) {
            self.handle.set_request_size(self.seen);
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<B: Body> Body for InspectedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let polled = this.inner.as_mut().poll_frame(cx);
        if let Some(inspection) = this.inspection.as_mut() {
            // A client that broke off, or whose body is dropped, stays the one that was waited for.
            if !matches!(polled, Poll::Ready(Some(Err(_)))) {
                inspection.set_upload_pending(polled.is_pending());
            }
        }
        if let (Some(inspection), Poll::Ready(ready)) = (this.inspection.as_mut(), &polled) {
            let more = match ready {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        inspection.look_at(data);
                    }
                    !frame.is_trailers() && !this.inner.is_end_stream()
                }
                Some(Err(_)) | None => false,
            };
            if !more {
                *this.inspection = None;
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
