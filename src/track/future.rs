//! From the call to the response head.

use super::{body::ResponseBody, end::Asked};
use crate::{
    tracker::{ActiveRequest, ErrorType, Outcome},
    usage::Dialects,
};
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use std::{
    any::Any,
    error::Error,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

pin_project! {
    /// The response future of [`ActiveRequests`](super::ActiveRequests).
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        active: Option<ActiveRequest>,
        asked: Asked,
        dialects: Dialects,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, active: Option<ActiveRequest>, asked: Asked, dialects: Dialects) -> Self {
        Self { inner, active, asked, dialects }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    E: 'static,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(cx));
        let active = this.active.take();
        Poll::Ready(match result {
            Ok(response) => {
                let (head, body) = response.into_parts();
                let body = ResponseBody::new(body, active, *this.asked, &head, this.dialects);
                Ok(Response::from_parts(head, body))
            }
            Err(error) => {
                if let Some(active) = active {
                    describe_error(&active, &error);
                    active.finish(Outcome::ServiceError);
                }
                Err(error)
            }
        })
    }
}

/// Tells what the error says of itself, as far as its type lets on: a service's error need not be an [`Error`].
fn describe_error<E: 'static>(active: &ActiveRequest, error: &E) {
    let error: &dyn Any = error;
    let error: &(dyn Error + 'static) = if let Some(boxed) = error.downcast_ref::<Box<dyn Error + Send + Sync>>() {
        &**boxed
    } else if let Some(error) = error.downcast_ref::<io::Error>() {
        error
    } else {
        return;
    };
    let handle = active.handle();
    handle.set_error(&error.to_string());
    let mut cause = Some(error);
    while let Some(error) = cause {
        if says_timeout(error) {
            handle.set_error_type(ErrorType::Timeout);
        }
        cause = error.source();
    }
}

fn says_timeout(error: &(dyn Error + 'static)) -> bool {
    error.is::<tokio::time::error::Elapsed>()
        || error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
        || ["timed out", "timeout"].iter().any(|words| error.to_string().contains(words))
}
