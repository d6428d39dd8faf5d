//! From the call to the response head.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::{
    body::ResponseBody,
    classify::Classifier,
    end::Asked,
    hook::{DescribeError, NoHook},
    panic_guard::{PanicGuard, Panicked},
};
use crate::{
    tracker::{ActiveRequest, Outcome},
    usage::Dialects,
};

pin_project! {
    /// The response future of [`ActiveRequests`](super::ActiveRequests).
    #[derive(Debug)]
    pub struct ResponseFuture<F, OnError = NoHook, OnBodyError = NoHook> {
        #[pin]
        inner: F,
        pending: Pending<OnError, OnBodyError>,
    }
}

/// A request that waits for its response head; `None` if it is not tracked, or waits no longer.
#[derive(Debug)]
pub(super) struct Pending<OnError, OnBodyError>(pub(super) Option<Tracked<OnError, OnBodyError>>);

/// A tracked request, and what is done with its response.
#[derive(Debug)]
pub(super) struct Tracked<OnError, OnBodyError> {
    pub(super) active: ActiveRequest,
    pub(super) asked: Asked,
    pub(super) dialects: Dialects,
    pub(super) classifier: Classifier,
    pub(super) on_error: OnError,
    pub(super) on_body_error: OnBodyError,
}

impl<OnError, OnBodyError> Panicked for Pending<OnError, OnBodyError> {
    fn panicked(&mut self) {
        if let Some(tracked) = self.0.take() {
            tracked.active.finish(Outcome::Panicked);
        }
    }
}

impl<F, OnError, OnBodyError> ResponseFuture<F, OnError, OnBodyError> {
    pub(super) fn new(inner: F, tracked: Option<Tracked<OnError, OnBodyError>>) -> Self {
        Self { inner, pending: Pending(tracked) }
    }
}

impl<F, B, E, OnError, OnBodyError> Future for ResponseFuture<F, OnError, OnBodyError>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    OnError: DescribeError<E>,
    OnBodyError: DescribeError<B::Error>,
{
    type Output = Result<Response<ResponseBody<B, OnBodyError>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let inner = this.inner;
        let result = ready!(PanicGuard::watch(this.pending, || inner.poll(cx)));
        let tracked = this.pending.0.take();
        Poll::Ready(match result {
            Ok(response) => {
                let (head, body) = response.into_parts();
                let body = match tracked {
                    Some(Tracked { active, asked, dialects, classifier, on_body_error, .. }) => {
                        ResponseBody::new(body, active, asked, &head, &dialects, classifier, on_body_error)
                    }
                    None => ResponseBody::untracked(body),
                };
                Ok(Response::from_parts(head, body))
            }
            Err(error) => {
                if let Some(Tracked { active, on_error, .. }) = tracked {
                    if let Some(info) = on_error.describe(&error) {
                        active.handle().set_error_info(&info);
                    }
                    active.finish(Outcome::ServiceError);
                }
                Err(error)
            }
        })
    }
}
