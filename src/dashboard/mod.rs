//! The dashboard: a page that shows what is in flight, served from the program itself.
//!
//! [`DashboardService`] serves files and nothing else; what they show comes from the monitor, which the page asks by itself, with the key
//! that an operator gives it. So the page can stand open while the numbers are guarded.
//!
//! Nothing is loaded from elsewhere. Every file has its type and a strong `etag`; the page has a strict `content-security-policy` without
//! inline scripts or styles. AG Grid draws the list where it was compiled in (`npm ci && npm run vendor` in `assets/` before the build);
//! otherwise a plain table of our own does, and the page says so.
//!
//! ```
//! use active_requests::dashboard::DashboardService;
//! use tower::ServiceExt as _;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let dashboard = DashboardService::new().mounted_at("/dashboard");
//! let request = http::Request::get("/dashboard/").body(()).unwrap();
//! let response = dashboard.oneshot(request).await.unwrap();
//! assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
//! # }
//! ```
//!
//! With axum, `.nest_service("/dashboard", DashboardService::new())`, and send people to `/dashboard/`, with the slash.

mod assets;
mod body;
#[cfg(feature = "compress")]
mod compress;
mod page;

pub use body::ResponseBody;

use assets::{Asset, PAGE};
use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use page::Nonces;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

/// Serves the page and its files. Clones share everything.
#[derive(Debug, Clone)]
pub struct DashboardService {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    mount: String,
    metrics: String,
    nonces: Nonces,
    #[cfg(feature = "compress")]
    compressed: compress::Cache,
}

impl Default for DashboardService {
    fn default() -> Self {
        Self::new()
    }
}

impl DashboardService {
    /// For paths that arrive already relative to the mount, as in axum's `nest_service`; the monitor is expected beside it, at `../metrics`.
    #[must_use]
    pub fn new() -> Self {
        Self::with(String::new(), "../metrics".to_owned())
    }

    /// Paths arrive whole, and begin with `prefix` (`/dashboard`). Without the closing slash they are redirected to where it is.
    #[must_use]
    pub fn mounted_at(self, prefix: &str) -> Self {
        Self::with(prefix.trim_end_matches('/').to_owned(), self.shared.metrics.clone())
    }

    /// Where the page finds the monitor: an absolute path (`/ops/metrics`), or one relative to the page.
    #[must_use]
    pub fn metrics_at(self, path: &str) -> Self {
        Self::with(self.shared.mount.clone(), path.trim_end_matches('/').to_owned())
    }

    fn with(mount: String, metrics: String) -> Self {
        Self {
            shared: Arc::new(Shared {
                mount,
                metrics,
                nonces: Nonces::default(),
                #[cfg(feature = "compress")]
                compressed: compress::Cache::default(),
            }),
        }
    }

    fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response<ResponseBody> {
        if method == Method::OPTIONS {
            return allow(StatusCode::NO_CONTENT, Bytes::new());
        }
        if method != Method::GET && method != Method::HEAD {
            return allow(StatusCode::METHOD_NOT_ALLOWED, Bytes::from_static(b"The dashboard answers GET and HEAD."));
        }
        let Some(path) = path.strip_prefix(self.shared.mount.as_str()) else {
            return not_found();
        };
        let mut response = match path.strip_prefix('/') {
            None if path.is_empty() && !self.shared.mount.is_empty() => redirect(&format!("{}/", self.shared.mount)),
            None if !path.is_empty() => not_found(),
            None | Some("") => self.page(),
            // The template is not a page before it is filled.
            Some(PAGE) => not_found(),
            Some(file) => self.file(file, headers),
        };
        response
            .headers_mut()
            .insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
        if method == Method::HEAD {
            *response.body_mut() = ResponseBody::empty();
        }
        response
    }

    fn page(&self) -> Response<ResponseBody> {
        let Some((page, policy)) = page::render(&self.shared.nonces, &self.shared.metrics) else {
            return not_found();
        };
        let mut response = respond(StatusCode::OK, HeaderValue::from_static("text/html; charset=utf-8"), page);
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, policy);
        // The nonce is for one response only.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
        response
    }

    fn file(&self, path: &str, headers: &HeaderMap) -> Response<ResponseBody> {
        let Some(asset) = Asset::get(path) else {
            return not_found();
        };
        #[cfg(feature = "compress")]
        let asset = self.shared.compressed.encode(asset, headers);
        let mut response = if is_known(headers, &asset.etag) {
            let mut response = Response::new(ResponseBody::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            respond(StatusCode::OK, asset.content_type, asset.body)
        };
        let headers = response.headers_mut();
        headers.insert(ETAG, asset.etag);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if cfg!(feature = "compress") {
            headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        if asset.gzipped && response.status() == StatusCode::OK {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

/// Whether the client says that it has this version. The comparison is weak (RFC 9110, 13.1.2): a proxy may have weakened the tag.
fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == etag.as_bytes()
        })
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

fn redirect(to: &str) -> Response<ResponseBody> {
    let Ok(location) = HeaderValue::try_from(to) else {
        return not_found();
    };
    let mut response = respond(StatusCode::PERMANENT_REDIRECT, PLAIN, Bytes::new());
    response.headers_mut().insert(LOCATION, location);
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
        ready(Ok(self.answer(request.method(), request.uri().path(), request.headers())))
    }
}

#[cfg(test)]
mod tests;
