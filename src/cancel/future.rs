//! From the call to the response head.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::{
    answer::CancelAnswer,
    body::ResponseBody,
    event_watch::EventWatch,
    switch::{Cancellable, Killed},
};

pin_project! {
    /// The response future of [`CancelRequest`](super::CancelRequest).
    #[derive(Debug)]
    pub struct ResponseFuture<F, B> {
        // Dropped when the request is cancelled.
        #[pin]
        inner: Option<F>,
        cancellable: Option<Cancellable<B>>,
        answer: CancelAnswer,
    }
}

impl<F, B> ResponseFuture<F, B> {
    pub(super) fn new(inner: F, cancellable: Option<Cancellable<B>>, answer: CancelAnswer) -> Self {
        Self { inner: Some(inner), cancellable, answer }
    }
}

/// Takes over the response. Fails if the request has been cancelled.
fn take_over<B: Body<Data: From<Bytes>>>(
    response: Response<B>,
    cancellable: Cancellable<B>,
) -> Result<Response<ResponseBody<B>>, (Killed, Cancellable<B>)> {
    let (head, body) = response.into_parts();
    if body.is_end_stream() {
        return match cancellable.end() {
            Ok(()) => Ok(Response::from_parts(head, ResponseBody::direct(body))),
            Err(killed) => Err((killed, cancellable)),
        };
    }
    let events = EventWatch::of(&head, &body);
    match cancellable.start_body(body) {
        Ok(()) => Ok(Response::from_parts(head, ResponseBody::cancellable(cancellable, events))),
        Err(killed) => Err((killed, cancellable)),
    }
}

impl<F, B, E> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data: From<Bytes>>,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(cancellable) = this.cancellable.take() else {
            let Some(inner) = this.inner.as_pin_mut() else { return Poll::Pending };
            return inner.poll(cx).map_ok(|response| response.map(ResponseBody::direct));
        };
        let killed = match (cancellable.check(), this.inner.as_mut().as_pin_mut()) {
            (Ok(()), Some(inner)) => match inner.poll(cx) {
                Poll::Pending => {
                    if cancellable.wait(cx.waker()).is_ok() {
                        *this.cancellable = Some(cancellable);
                        return Poll::Pending;
                    }
                    cancellable
                }
                Poll::Ready(Ok(response)) => match take_over(response, cancellable) {
                    Ok(response) => return Poll::Ready(Ok(response)),
                    Err((Killed, cancellable)) => cancellable,
                },
                Poll::Ready(Err(error)) => {
                    if cancellable.end().is_ok() {
                        return Poll::Ready(Err(error));
                    }
                    cancellable
                }
            },
            _ => cancellable,
        };
        this.inner.set(None);
        Poll::Ready(Ok(this.answer.response(killed.take_row().as_deref()).map(ResponseBody::answer)))
    }
}
