//! The service: reads the head, and wraps the body.

use std::task::{Context, Poll};

use http::{HeaderMap, Request};
use http_body::Body;
use tower_service::Service;

use super::body::{InspectedBody, Inspection};
use super::facts::Wanted;
use super::labels::BodyLabels;
use super::layer::InspectRequestLayer;
use super::scanner::RequestScanner;
use crate::decompress::ContentEncoding;
use crate::http::ContentType;
use crate::tracker::{RequestHandle, RequestInfo};
use crate::usage::{PathFacts, of_path};

/// A service whose requests are read as they pass. See the [module](super) and the [layer](InspectRequestLayer).
#[derive(Clone, Copy, Debug)]
pub struct InspectRequest<S> {
    inner: S,
    layer: InspectRequestLayer,
}

impl<S> InspectRequest<S> {
    /// Wraps `inner`, with the settings of [`InspectRequestLayer::new`].
    pub fn new(inner: S) -> Self {
        Self::with_settings(inner, InspectRequestLayer::new())
    }

    pub(super) fn with_settings(inner: S, layer: InspectRequestLayer) -> Self {
        Self { inner, layer }
    }

    /// Returns a new [`InspectRequestLayer`].
    pub fn layer() -> InspectRequestLayer {
        InspectRequestLayer::new()
    }

    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, mutably.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }

    /// Writes to the row what the head says, and prepares to read the body.
    fn inspect<B>(&self, request: &Request<B>) -> Option<Inspection> {
        let Some(handle) = request.extensions().get::<RequestHandle>().cloned() else {
            warn_of_missing_handle();
            return None;
        };
        if handle.is_disabled() {
            return None;
        }
        let path = of_path(request.uri().path());
        let wanted = Wanted { names: !path.decided, counts: self.layer.counts };
        if let Some(info) = path_info(path) {
            handle.describe(&info);
        }
        let labels = handle.body_labels().filter(|paths| !paths.is_empty());
        let readable = (wanted.names || wanted.counts || labels.is_some()) && may_be_json(request.headers());
        let scanner = if readable {
            let labels = BodyLabels::new(labels.cloned().unwrap_or_default());
            RequestScanner::new(wanted, labels, self.layer.scan_limit, ContentEncoding::of(request.headers()))
        } else {
            None
        };
        Some(Inspection::new(handle, scanner))
    }
}

/// Returns the facts of a path in the form of the request's row; `None` if the path tells nothing.
fn path_info(path: PathFacts<'_>) -> Option<RequestInfo<'_>> {
    let tells = path.model.is_some() || path.is_streaming.is_some();
    tells.then(|| RequestInfo { model: path.model, is_streaming: path.is_streaming, ..RequestInfo::default() })
}

/// Logs, for the first request without a handle, what is probably wrong.
fn warn_of_missing_handle() {
    #[cfg(feature = "tracing")]
    {
        static WARNED: std::sync::Once = std::sync::Once::new();
        WARNED.call_once(|| {
            tracing::warn!(
                "a request has no RequestHandle: InspectRequestLayer must stand inside an ActiveRequestsLayer"
            );
        });
    }
}

/// Whether the body may be JSON.
///
/// Without a content type that is worth a try, and with that of a form too: it is what `curl -d` says of any body unless it
/// is told otherwise. The first byte shows.
fn may_be_json(headers: &HeaderMap) -> bool {
    ContentType::of(headers).is_none_or(|declared| {
        ["application/json", "application/x-www-form-urlencoded"].iter().any(|name| declared.is(name))
            || declared.ends_with("+json")
    })
}

impl<S, B> Service<Request<B>> for InspectRequest<S>
where
    S: Service<Request<InspectedBody<B>>>,
    B: Body,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let inspection = self.inspect(&request);
        self.inner.call(request.map(|body| InspectedBody::new(body, inspection)))
    }
}
