//! The service: registers, then calls.

use std::{
    mem,
    task::{Context, Poll},
};

use http::{Extensions, Request, Response, request::Parts};
use http_body::Body;
use tower_service::Service;

use super::{
    body::ResponseBody,
    end::Asked,
    future::{ResponseFuture, Tracked},
    hook::{DescribeError, NoHook},
    layer::ActiveRequestsLayer,
};
use crate::tracker::{ActiveRequest, CallerName, RequestHandle, RequestInfo, RequestTracker};

/// A service whose requests are on the list while they are in flight. See the [module](super).
#[derive(Clone, Debug)]
pub struct ActiveRequests<S, OnError = NoHook, OnBodyError = NoHook> {
    pub(super) inner: S,
    pub(super) layer: ActiveRequestsLayer<OnError, OnBodyError>,
}

impl<S> ActiveRequests<S> {
    /// Tracks every request to `inner` with `tracker`. [`ActiveRequestsLayer`] has more settings.
    pub fn new(inner: S, tracker: RequestTracker) -> Self {
        Self { inner, layer: ActiveRequestsLayer::new(tracker) }
    }

    /// The layer that tracks every request with `tracker`.
    pub fn layer(tracker: RequestTracker) -> ActiveRequestsLayer {
        ActiveRequestsLayer::new(tracker)
    }
}

impl<S, OnError, OnBodyError> ActiveRequests<S, OnError, OnBodyError> {
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

    /// Puts the request on the list, unless it is there already or is not to be tracked, and a handle into its extensions.
    fn register<B>(&self, request: &mut Request<B>) -> Option<ActiveRequest> {
        let tracker = &self.layer.tracker;
        let outer = request.extensions().get::<RequestHandle>();
        let has_handle = outer.is_some();
        if outer.is_some_and(|outer| tracker.tracks(outer)) {
            return None;
        }
        let active = if !tracker.is_enabled() {
            None
        } else if self.layer.readers.read_head() {
            let (mut head, ()) = Request::new(()).into_parts();
            swap_heads(request, &mut head);
            let info = self.layer.readers.info(&head);
            let named = tracker.caller(&head.headers).filter(|_| !self.layer.readers.name_caller());
            let active = info
                .and_then(|info| start(tracker, &head.method, head.uri.path(), info, named.as_ref(), &head.extensions));
            if let Some(active) = &active {
                self.layer.readers.label(active, &head);
            }
            swap_heads(request, &mut head);
            active
        } else {
            let (method, path) = (request.method(), request.uri().path());
            let named = tracker.caller(request.headers());
            start(tracker, method, path, RequestInfo::default(), named.as_ref(), request.extensions())
        };
        if let Some(active) = &active {
            tracker.label(active, request.headers());
        }
        match &active {
            Some(active) => {
                let extensions = request.extensions_mut();
                let handle = match extensions.get::<RequestHandle>() {
                    Some(outer) if has_handle && outer.is_tracked() => active.handle().inside(outer.clone()),
                    _ => active.handle(),
                };
                extensions.insert(handle);
            }
            // A handler may rely on a handle, and one of a tracker further out does.
            None if has_handle => {}
            None => _ = request.extensions_mut().insert(RequestHandle::disabled()),
        }
        active
    }
}

/// Gives a request another head, and takes its own.
fn swap_heads<B>(request: &mut Request<B>, head: &mut Parts) {
    mem::swap(request.method_mut(), &mut head.method);
    mem::swap(request.uri_mut(), &mut head.uri);
    mem::swap(request.version_mut(), &mut head.version);
    mem::swap(request.headers_mut(), &mut head.headers);
    mem::swap(request.extensions_mut(), &mut head.extensions);
}

/// Starts a request, with the caller that the tracker's settings name and the route that axum has matched, unless others are told.
fn start<'a>(
    tracker: &RequestTracker,
    method: &http::Method,
    path: &str,
    mut info: RequestInfo<'a>,
    named: Option<&'a CallerName<'a>>,
    extensions: &'a Extensions,
) -> Option<ActiveRequest> {
    if let (None, Some(named)) = (&info.caller, named) {
        info.caller = Some(named.as_str().into());
    }
    #[cfg(feature = "axum")]
    if let (None, Some(route)) = (&info.route, extensions.get::<axum::extract::MatchedPath>()) {
        info.route = Some(route.as_str().into());
    }
    #[cfg(not(feature = "axum"))]
    let _ = extensions;
    tracker.start(method, path, &info)
}

impl<S, ReqBody, ResBody, OnError, OnBodyError> Service<Request<ReqBody>> for ActiveRequests<S, OnError, OnBodyError>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body,
    OnError: DescribeError<S::Error>,
    OnBodyError: DescribeError<ResBody::Error>,
{
    type Response = Response<ResponseBody<ResBody, OnBodyError>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, OnError, OnBodyError>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let asked = Asked::by(request.method());
        // Registered before the call, so that a panic in it ends the request as everything else does.
        let active = self.register(&mut request);
        let future = self.inner.call(request);
        let layer = &self.layer;
        let tracked = active.map(|active| Tracked {
            active,
            asked,
            dialects: layer.dialects.clone(),
            classifier: layer.classifier.clone(),
            on_error: layer.on_error.clone(),
            on_body_error: layer.on_body_error.clone(),
        });
        ResponseFuture::new(future, tracked)
    }
}
