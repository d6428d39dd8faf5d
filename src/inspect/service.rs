//! The service: looks at the head, and wraps the body.

use std::task::{Context, Poll};

use http::{HeaderMap, Request};
use http_body::Body;
use tower_service::Service;

use super::body::{InspectedBody, Inspection};
use super::facts::Wanted;
use super::layer::InspectRequestLayer;
use super::path::PathFacts;
use super::scanner::RequestScanner;
use crate::decompress::ContentEncoding;
use crate::http::ContentType;
use crate::tracker::RequestHandle;

/// A service whose requests are looked at as they pass. See the [module](super).
#[derive(Clone, Copy, Debug)]
pub struct InspectRequest<S> {
    pub(super) inner: S,
    pub(super) layer: InspectRequestLayer,
}

impl<S> InspectRequest<S> {
    /// Tells what the head says, and prepares to read the body.
    fn inspect<B>(&self, request: &Request<B>) -> Option<Inspection> {
        let handle = request.extensions().get::<RequestHandle>()?.clone();
        let path = PathFacts::of(request.uri().path());
        let wanted = Wanted { names: !path.decided, counts: self.layer.counts };
        if let Some(info) = path.into_info() {
            handle.describe(&info);
        }
        let readable = (wanted.names || wanted.counts) && may_be_json(request.headers());
        let scanner = if readable {
            RequestScanner::new(wanted, self.layer.scan_limit, ContentEncoding::of(request.headers()))
        } else {
            None
        };
        Some(Inspection::new(handle, scanner))
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
