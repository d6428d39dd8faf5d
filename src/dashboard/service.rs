//! The service: which file answers which path.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri,
    header::{ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LOCATION, VARY},
};
use tower_service::Service;

#[cfg(feature = "compress")]
use super::compress::CompressedFiles;
use super::{
    assets::{self, Asset, PAGE},
    body::ResponseBody,
    page,
};
use crate::http::{Mount, is_held};

/// Serves the page and its files. Clones are cheap and share what they have compressed. See the [module](super).
///
/// Everybody who can connect can load the page. It holds no data: the page asks the monitor, which has keys of its own.
#[derive(Debug, Clone)]
pub struct DashboardService {
    mount: Mount,
    metrics: Arc<str>,
    #[cfg(feature = "compress")]
    compressed: Arc<CompressedFiles>,
}

impl Default for DashboardService {
    fn default() -> Self {
        Self::new()
    }
}

impl DashboardService {
    /// A service for paths that are relative to its mount, as under axum's `nest_service`. The page expects the monitor at `../metrics`.
    #[must_use]
    pub fn new() -> Self {
        Self {
            mount: Mount::default(),
            metrics: "../metrics".into(),
            #[cfg(feature = "compress")]
            compressed: Arc::default(),
        }
    }

    /// Sets the path that the page is served at, such as `/dashboard`, for servers that do not strip it. A path that a router has
    /// stripped is understood too.
    #[must_use]
    pub fn mounted_at(mut self, path: &str) -> Self {
        self.mount = Mount::new(path);
        self
    }

    /// Sets where the page finds the monitor: an absolute path (`/ops/metrics`), or one relative to the page.
    #[must_use]
    pub fn metrics_at(mut self, path: &str) -> Self {
        self.metrics = path.trim_end_matches('/').into();
        self
    }

    /// Whether AG Grid was compiled in. Otherwise the page draws the list as a plain table.
    #[must_use]
    pub fn has_grid(&self) -> bool {
        assets::has_grid()
    }

    fn answer<B>(&self, request: &Request<B>) -> Response<ResponseBody> {
        let method = request.method();
        if method == Method::OPTIONS {
            return allow(StatusCode::NO_CONTENT, Bytes::new());
        }
        if method != Method::GET && method != Method::HEAD {
            return allow(StatusCode::METHOD_NOT_ALLOWED, Bytes::from_static(b"The dashboard answers GET and HEAD."));
        }
        let mut response = match self.mount.relative(request.uri().path()) {
            "" | "/" => without_slash(request).map_or_else(|| self.page(), redirect_to_slash),
            path => self.file(path.strip_prefix('/').unwrap_or(path), request.headers()),
        };
        response
            .headers_mut()
            .insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
        if method == Method::HEAD {
            *response.body_mut() = ResponseBody::default();
        }
        response
    }

    fn page(&self) -> Response<ResponseBody> {
        let Some((page, policy)) = page::render(&self.metrics) else {
            let message = b"The page needs random bytes from the system, which has none.";
            return respond(StatusCode::INTERNAL_SERVER_ERROR, PLAIN, Bytes::from_static(message));
        };
        let mut response = respond(StatusCode::OK, HeaderValue::from_static("text/html; charset=utf-8"), page);
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, policy);
        // The nonce is for one response only.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
        response
    }

    fn file(&self, path: &str, request: &HeaderMap) -> Response<ResponseBody> {
        // The template is not a file of the page.
        let Some(asset) = Asset::get(path).filter(|_| path != PAGE) else {
            return not_found();
        };
        #[cfg(feature = "compress")]
        let asset = self.compressed.encode(asset, request);
        let mut response = if is_held(request, &asset.etag) {
            let mut response = Response::new(ResponseBody::default());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            respond(StatusCode::OK, asset.content_type, asset.body)
        };
        let modified = response.status() == StatusCode::OK;
        let headers = response.headers_mut();
        headers.insert(ETAG, asset.etag);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if cfg!(feature = "compress") {
            headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        if asset.gzipped && modified {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

/// The address of the page as the client asked for it, if it lacks the closing slash, without which the page's relative addresses lead
/// astray. An address that a router has stripped says nothing of that; then the page itself looks.
fn without_slash<B>(request: &Request<B>) -> Option<&Uri> {
    let uri = original_uri(request).unwrap_or_else(|| request.uri());
    (!uri.path().ends_with('/')).then_some(uri)
}

/// The address before a router stripped the mount, where axum has kept it.
#[cfg(feature = "axum")]
fn original_uri<B>(request: &Request<B>) -> Option<&Uri> {
    request.extensions().get::<axum::extract::OriginalUri>().map(|original| &original.0)
}

#[cfg(not(feature = "axum"))]
fn original_uri<B>(_: &Request<B>) -> Option<&Uri> {
    None
}

fn redirect_to_slash(uri: &Uri) -> Response<ResponseBody> {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let Ok(location) = HeaderValue::try_from(format!("{}/{query}", uri.path())) else {
        return not_found();
    };
    let mut response = respond(StatusCode::PERMANENT_REDIRECT, PLAIN, Bytes::new());
    response.headers_mut().insert(LOCATION, location);
    response
}

fn respond(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

fn not_found() -> Response<ResponseBody> {
    respond(StatusCode::NOT_FOUND, PLAIN, Bytes::from_static(b"The dashboard has no such file."))
}

fn allow(status: StatusCode, body: Bytes) -> Response<ResponseBody> {
    let mut response = respond(status, PLAIN, body);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
    response
}

impl<B> Service<Request<B>> for DashboardService {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.answer(&request)))
    }
}
