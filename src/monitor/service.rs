//! The service: method, path and key decide which endpoint answers.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body::Body;
use tower_service::Service;

use super::{
    access,
    body::ResponseBody,
    endpoints::{Endpoints, Viewer},
    error::Error,
    query::Query,
    route::{Route, needed_right},
};
use crate::{
    config::{CorsOrigins, MonitorConfig, Right},
    http::Mount,
    tracker::RequestTracker,
};

/// Publishes the rows, totals and logs of a tracker over HTTP. Clones are cheap and share one publisher. The [module](super) lists the routes.
///
/// The service never fails: errors are answers, `{"error": {"type": "..", "message": ".."}}`. The stream needs a tokio runtime.
///
/// # Who can read it
///
/// With [`MonitorConfig::default`] everybody who can connect can read everything, and so can every web page that somebody opens who can
/// connect: there is no key, and `access-control-allow-origin` is `*`. A row shows method, path without query, model, tokens, times and status; no
/// part of a prompt, an answer or a key, and of headers only those that [`TrackerConfig`](crate::config::TrackerConfig) names as caller or labels. To
/// close it:
///
/// - set [`MonitorConfig::keys`]: each request must then send one, as `x-api-key` or `authorization: Bearer`. For keys that may do less, or
///   more, set [`scrape_keys`](MonitorConfig::scrape_keys), [`view_keys`](MonitorConfig::view_keys) and
///   [`operate_keys`](MonitorConfig::operate_keys); for a check of your own, [`authorize`](MonitorConfig::authorize);
/// - set [`MonitorConfig::cors_origins`] to [`CorsOrigins::None`] or to a list of origins, which keeps web pages of others from reading;
/// - or serve it on a listener of its own, or behind the middleware that guards the rest.
///
/// # Graceful shutdown
///
/// A stream lasts as long as its subscriber stays, so that a graceful shutdown would wait for it.
/// [`RequestTracker::shutdown`] ends all streams; call it when the shutdown begins:
///
/// ```
/// # async fn serve(listener: tokio::net::TcpListener, app: axum::Router, tracker: active_requests::RequestTracker) -> std::io::Result<()> {
/// # async fn stop() {}
/// axum::serve(listener, app)
///     .with_graceful_shutdown(async move {
///         stop().await; // such as tokio::signal::ctrl_c()
///         tracker.shutdown();
///     })
///     .await
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MonitorService {
    endpoints: Arc<Endpoints>,
    mount: Mount,
}

impl MonitorService {
    /// A service that shows `tracker`.
    pub fn new(tracker: RequestTracker, config: MonitorConfig) -> Self {
        Self { endpoints: Arc::new(Endpoints::new(tracker, config)), mount: Mount::default() }
    }

    /// Sets the path that the routes stand below, such as `/metrics`, for servers that do not strip it. A path that a router has
    /// stripped is understood too.
    #[must_use]
    pub fn mounted_at(mut self, path: &str) -> Self {
        self.mount = Mount::new(path);
        self
    }

    /// The tracker that is shown.
    pub fn tracker(&self) -> &RequestTracker {
        &self.endpoints.tracker
    }

    /// The settings.
    pub fn config(&self) -> &MonitorConfig {
        &self.endpoints.config
    }

    fn answer(&self, request: &Parts) -> Response<ResponseBody> {
        let mut response = self.dispatch(request).unwrap_or_else(Response::from);
        access::allow_origin(&self.config().cors_origins, &request.headers, response.headers_mut());
        if request.method == Method::HEAD {
            if let Some(length) = response.body().size_hint().exact().filter(|length| *length > 0) {
                response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
            }
            *response.body_mut() = ResponseBody::default();
        }
        response
    }

    fn dispatch(&self, request: &Parts) -> Result<Response<ResponseBody>, Error> {
        let path = self.mount.relative(request.uri.path());
        let route = Route::of(path);
        let method = &request.method;
        if let (&Method::OPTIONS, Some(route)) = (method, route) {
            return Ok(self.options(route));
        }
        let rights = access::check(self.config(), request, needed_right(method, path, route))?;
        let route = route.ok_or_else(Error::no_route)?;
        match (method, route) {
            (&Method::GET | &Method::HEAD, _) => {
                let query = Query::new(request.uri.query());
                let viewer = Viewer { headers: &request.headers, can_cancel: rights.may(Right::Operate) };
                self.endpoints.get(route, &query, viewer, method == Method::HEAD)
            }
            (&Method::DELETE, Route::Request(id)) => self.endpoints.cancel(id),
            _ => Err(Error::method_not_allowed(self.allow(route))),
        }
    }

    fn allow(&self, route: Route<'_>) -> &'static str {
        route.allow(self.config().can_operate())
    }

    /// Answers `OPTIONS`, which is also how a browser asks before a page of another site may send a key.
    fn options(&self, route: Route<'_>) -> Response<ResponseBody> {
        let allow = HeaderValue::from_static(self.allow(route));
        let mut response = Response::new(ResponseBody::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        if self.config().cors_origins != CorsOrigins::None {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, allow.clone());
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                HeaderValue::from_static("authorization, cache-control, if-none-match, last-event-id, x-api-key"),
            );
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        }
        headers.insert(header::ALLOW, allow);
        response
    }
}

impl<B> Service<Request<B>> for MonitorService {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, _) = request.into_parts();
        ready(Ok(self.answer(&parts)))
    }
}
