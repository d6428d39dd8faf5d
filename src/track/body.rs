//! From the response head to the end of the body.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Buf;
use http::{HeaderMap, header, response::Parts};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{
    classify::Classifier,
    end::{Asked, End, Expected, Passed},
    hook::{DescribeError, NoHook},
    panic_guard::{PanicGuard, Panicked},
};
use crate::{
    http::visit_chunks,
    tracker::{ActiveRequest, BodyProgress, ErrorInfo},
    usage::{Dialects, Meter},
};

pin_project! {
    /// The response body of [`ActiveRequests`](super::ActiveRequests): the inner body, observed as it passes.
    #[derive(Debug)]
    pub struct ResponseBody<B, OnBodyError = NoHook> {
        #[pin]
        inner: B,
        observer: Observer,
        on_error: Option<OnBodyError>,
    }
}

/// An empty body of no request, as middleware outside makes one to answer in the service's place.
impl<B: Default, OnBodyError> Default for ResponseBody<B, OnBodyError> {
    fn default() -> Self {
        Self { inner: B::default(), observer: Observer(None), on_error: None }
    }
}

impl<B: Body, OnBodyError> ResponseBody<B, OnBodyError> {
    pub(super) fn untracked(inner: B) -> Self {
        Self { inner, observer: Observer(None), on_error: None }
    }

    pub(super) fn new(
        inner: B,
        mut active: ActiveRequest,
        asked: Asked,
        head: &Parts,
        dialects: &Dialects,
        classifier: Classifier,
        on_error: OnBodyError,
    ) -> Self {
        let length = inner.size_hint().exact().or_else(|| declared_length(head));
        let error_type = classifier.error_type(head.status, &head.headers);
        let expected = Expected::new(asked, head.status, error_type, length);
        let meter = Meter::with_dialects(head, dialects);
        // The empty body of an upgrade says nothing of what follows it.
        let is_streaming = meter.is_stream().or(length.filter(|_| !expected.upgrade).map(|_| false));
        active.head(head.status, is_streaming, meter.reading().observation);
        let observer = Observer(Some(Observed {
            active,
            meter,
            classifier,
            revision: 0,
            has_token: false,
            passed: Passed::default(),
            expected,
        }));
        let mut body = Self { inner, observer, on_error: Some(on_error) };
        // A body that has nothing to say is not polled.
        if expected.upgrade || body.inner.is_end_stream() {
            body.observer.finish(End::Clean);
        }
        body
    }
}

fn declared_length(head: &Parts) -> Option<u64> {
    head.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A request while its body passes; `None` once it has ended, which is how there is one end.
#[derive(Debug)]
struct Observer(Option<Observed>);

#[derive(Debug)]
struct Observed {
    active: ActiveRequest,
    meter: Meter,
    classifier: Classifier,
    /// The revision of the reading that was recorded last.
    revision: u32,
    has_token: bool,
    passed: Passed,
    expected: Expected,
}

impl Observed {
    fn frame<D: Buf>(&mut self, data: &D) {
        self.passed.bytes += data.remaining() as u64;
        if self.meter.is_blind() {
            return self.active.frame(BodyProgress { response_bytes: self.passed.bytes, text_bytes: 0 });
        }
        if !visit_chunks(data, |chunk| self.meter.observe(chunk)) {
            self.meter.lose_sight();
        }
        self.progress();
        self.record();
    }

    fn progress(&mut self) {
        let text_bytes = self.meter.reading().text_bytes;
        self.active.frame(BodyProgress { response_bytes: self.passed.bytes, text_bytes });
    }

    /// Passes on what has been learnt, if anything has.
    fn record(&mut self) {
        let reading = self.meter.reading();
        let has_token = reading.text_bytes > 0;
        if reading.revision != self.revision || has_token != self.has_token {
            (self.revision, self.has_token) = (reading.revision, has_token);
            self.active.record(reading);
        }
    }

    fn finish(&mut self, end: End) {
        if end == End::Clean {
            self.meter.finish();
        }
        self.record();
        self.progress();
        let Self { active, meter, passed, expected, .. } = self;
        active.finish_as(expected.outcome(end, *passed, meter.reading()), expected.error_type);
    }

    /// Takes over what the trailers say of an error; they do not take back one of the head.
    fn trailers(&mut self, trailers: &HeaderMap) {
        let expected = &mut self.expected;
        expected.error_type = self.classifier.error_type(expected.status, trailers).or(expected.error_type);
    }
}

impl Observer {
    fn finish(&mut self, end: End) {
        let Some(observed) = &mut self.0 else { return };
        observed.finish(end);
        self.0 = None;
    }

    /// Ends the request by an error of the body, with what is to be said of it.
    fn fail(&mut self, info: Option<ErrorInfo>) {
        if let (Some(observed), Some(info)) = (&self.0, info) {
            // Recorded first, so that an error that the stream told of does not replace this one.
            observed.active.record(observed.meter.reading());
            observed.active.handle().set_error_info(&info);
        }
        self.finish(End::Error);
    }
}

impl Panicked for Observer {
    fn panicked(&mut self) {
        self.finish(End::Panic);
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        if self.0.is_some() {
            // The inner body is dropped first: a panic in that unwinds through here.
            self.finish(if std::thread::panicking() { End::Panic } else { End::Dropped });
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<B: Body, OnBodyError: DescribeError<B::Error>> Body for ResponseBody<B, OnBodyError> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let inner = this.inner.as_mut();
        let polled = PanicGuard::watch(this.observer, || inner.poll_frame(cx));
        let Some(observed) = &mut this.observer.0 else { return polled };
        observed.passed.asked_for = true;
        match &polled {
            Poll::Pending => observed.active.pending(),
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    observed.frame(data);
                }
                if let Some(trailers) = frame.trailers_ref() {
                    observed.trailers(trailers);
                }
                // After trailers nothing comes, though not every body says so.
                if frame.is_trailers() || this.inner.is_end_stream() {
                    this.observer.finish(End::Clean);
                }
            }
            Poll::Ready(Some(Err(error))) => {
                let info = this.on_error.as_ref().and_then(|hook| hook.describe(error));
                this.observer.fail(info);
            }
            Poll::Ready(None) => this.observer.finish(End::Clean),
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
