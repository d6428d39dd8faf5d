//! The service: registers, then calls.

use super::{body::ResponseBody, end::Asked, future::ResponseFuture, layer::ActiveRequestsLayer};
use crate::tracker::{ActiveRequest, RequestHandle, RequestInfo};
use http::{Request, Response};
use http_body::Body;
use std::task::{Context, Poll};
use tower_service::Service;

/// A service whose requests are on the list while they are in flight. See the [module](super).
#[derive(Clone, Debug)]
pub struct ActiveRequests<S> {
    pub(super) inner: S,
    pub(super) layer: ActiveRequestsLayer,
}

impl<S> ActiveRequests<S> {
    /// Puts the request on the list, unless it is there already or is not to be tracked.
    fn register<B>(&self, mut request: Request<B>) -> (Request<B>, Option<ActiveRequest>) {
        let tracker = &self.layer.tracker;
        if !tracker.is_enabled() || request.extensions().get::<RequestHandle>().is_some() {
            return (request, None);
        }
        if !self.layer.reads_head() {
            let active = tracker.start(request.method(), request.uri().path(), &RequestInfo::default());
            return (request, active);
        }
        let (head, body) = request.into_parts();
        let active = self.layer.read_head(&head).and_then(|info| tracker.start(&head.method, head.uri.path(), &info));
        request = Request::from_parts(head, body);
        (request, active)
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ActiveRequests<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Error: 'static,
    ResBody: Body,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let asked = Asked::by(request.method());
        // Registered before the call, so that a panic in it lets go of the row as everything else does.
        let (mut request, active) = self.register(request);
        if let Some(active) = &active {
            request.extensions_mut().insert(active.handle());
        }
        ResponseFuture::new(self.inner.call(request), active, asked, self.layer.dialects.clone())
    }
}
