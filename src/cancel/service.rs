//! The service: registers the switch, then calls.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{body::ResponseBody, future::ResponseFuture, layer::CancelRequestLayer, switch::Cancellable};
use crate::tracker::RequestHandle;

/// A service whose requests can be cancelled. See the [module](super) and the [layer](CancelRequestLayer).
#[derive(Clone, Debug)]
pub struct CancelRequest<S> {
    inner: S,
    layer: CancelRequestLayer,
}

impl<S> CancelRequest<S> {
    /// Wraps `inner`, with the settings of [`CancelRequestLayer::new`].
    pub fn new(inner: S) -> Self {
        Self::with_settings(inner, CancelRequestLayer::new())
    }

    pub(super) fn with_settings(inner: S, layer: CancelRequestLayer) -> Self {
        Self { inner, layer }
    }

    /// Returns a new [`CancelRequestLayer`].
    pub fn layer() -> CancelRequestLayer {
        CancelRequestLayer::new()
    }

    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, to be changed.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Unwraps the inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for CancelRequest<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body<Data: From<Bytes>> + Send + 'static,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let handle = request.extensions().get::<RequestHandle>();
        let handle = handle.filter(|handle| self.layer.enabled && !handle.is_disabled());
        // Registered before the call, in which the handler may cancel its own request.
        let cancellable = handle.map(Cancellable::register);
        let future = self.inner.call(request);
        ResponseFuture::new(future, cancellable, self.layer.answer.clone())
    }
}
