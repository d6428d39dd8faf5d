//! From the response head to the end of the body.

use super::end::{Asked, End, Expected};
use crate::{
    http::visit_chunks,
    tracker::ActiveRequest,
    usage::{Dialects, Meter},
};
use bytes::Buf;
use http::{header, response::Parts};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll},
};

pin_project! {
    /// The response body of [`ActiveRequests`](super::ActiveRequests): the inner body, looked at as it passes.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        inner: B,
        observer: Option<Observer>,
    }
}

impl<B: Body> ResponseBody<B> {
    pub(super) fn new(
        inner: B,
        active: Option<ActiveRequest>,
        asked: Asked,
        head: &Parts,
        dialects: &Dialects,
    ) -> Self {
        let observer = active.map(|mut active| {
            let length = inner.size_hint().exact().or_else(|| declared_length(head));
            let meter = Meter::with_dialects(head, dialects);
            active.head(head.status, meter.is_stream().or(length.map(|_| false)), meter.reading().observation);
            let mut observer = Observer {
                expected: Expected::new(asked, head.status, length),
                meter,
                revision: 0,
                has_token: false,
                response_bytes: 0,
                active: Some(active),
            };
            // A body that has nothing to say is not polled.
            if observer.expected.upgrade || inner.is_end_stream() {
                observer.finish(End::Clean);
            }
            observer
        });
        Self { inner, observer }
    }
}

fn declared_length(head: &Parts) -> Option<u64> {
    head.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// What is kept of a request while its body passes.
#[derive(Debug)]
struct Observer {
    /// Taken at the end, which is how there is one end.
    active: Option<ActiveRequest>,
    meter: Meter,
    /// Of the reading that was recorded last.
    revision: u32,
    has_token: bool,
    response_bytes: u64,
    expected: Expected,
}

impl Observer {
    fn frame<D: Buf>(&mut self, data: &D) {
        let Some(active) = &mut self.active else { return };
        self.response_bytes += data.remaining() as u64;
        if self.meter.is_blind() {
            return active.frame(self.response_bytes, 0);
        }
        if !visit_chunks(data, |piece| self.meter.observe(piece)) {
            self.meter.lose_sight();
        }
        active.frame(self.response_bytes, self.meter.reading().text_bytes);
        self.record();
    }

    /// Passes on what has been learnt, if anything has.
    fn record(&mut self) {
        let Some(active) = &self.active else { return };
        let reading = self.meter.reading();
        let has_token = reading.text_bytes > 0;
        if reading.revision != self.revision || has_token != self.has_token {
            (self.revision, self.has_token) = (reading.revision, has_token);
            active.record(reading);
        }
    }

    fn finish(&mut self, end: End) {
        if self.active.is_none() {
            return;
        }
        if end == End::Clean {
            self.meter.finish();
        }
        self.record();
        if let Some(mut active) = self.active.take() {
            let reading = self.meter.reading();
            active.frame(self.response_bytes, reading.text_bytes);
            active.finish(self.expected.outcome(end, self.response_bytes, reading));
        }
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.finish(End::Dropped);
    }
}

#[deny(clippy::missing_trait_methods)]
impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let polled = this.inner.as_mut().poll_frame(cx);
        let Some(observer) = this.observer else { return polled };
        match &polled {
            Poll::Pending => {
                if let Some(active) = &mut observer.active {
                    active.pending();
                }
            }
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    observer.frame(data);
                }
                // After trailers nothing comes, though not every body says so.
                if frame.is_trailers() || this.inner.is_end_stream() {
                    observer.finish(End::Clean);
                }
            }
            Poll::Ready(Some(Err(_))) => observer.finish(End::Error),
            Poll::Ready(None) => observer.finish(End::Clean),
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
