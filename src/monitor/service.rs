//! The service: method, path and key decide which endpoint answers.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

#[cfg(feature = "prometheus")]
use http::HeaderMap;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body::Body;
#[cfg(feature = "prometheus")]
use tokio::runtime::Handle;
use tower_service::Service;

use super::{
    access,
    body::ResponseBody,
    endpoints::{Endpoints, Viewer},
    error::Error,
    fleet_scope::{FleetAnswer, FleetRequest, FleetScope},
    future::ResponseFuture,
    operator::{Operator, log_cancellation},
    query::Query,
    route::{Route, needed_right},
    scope::Scope,
};
use crate::{
    config::{CorsOrigins, MonitorConfig, Right},
    http::Mount,
    tracker::{RequestId, RequestTracker},
};

/// The headers that a page of another site may send, as its browser is told.
const READ_HEADERS: &str =
    "api-key, authorization, cache-control, if-none-match, last-event-id, x-api-key, x-goog-api-key";

/// The scopes that `?scope=` takes, told where there is a fleet, so that a client need not ask in vain.
const SCOPES: HeaderName = HeaderName::from_static("active-requests-scopes");

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
/// - set [`MonitorConfig::keys`]: each request must then send one, in one of [`API_KEY_HEADERS`](crate::config::API_KEY_HEADERS). For keys that
///   may do less, or more, set [`scrape_keys`](MonitorConfig::scrape_keys), [`view_keys`](MonitorConfig::view_keys) and
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
    /// Answers for all replicas, where this one belongs to a fleet.
    fleet: Option<Arc<dyn FleetScope>>,
}

/// The fleet that is asked, and about which replicas.
type FleetQuestion<'a> = (&'a Arc<dyn FleetScope>, Scope);

/// The answer to a request.
enum Answer {
    Now(Response<ResponseBody>),
    /// Others are asked first, or another thread writes it.
    Later(FleetAnswer),
}

impl MonitorService {
    /// A service that shows `tracker`.
    pub fn new(tracker: RequestTracker, config: MonitorConfig) -> Self {
        Self { endpoints: Arc::new(Endpoints::new(tracker, config)), mount: Mount::default(), fleet: None }
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

    /// Sets who answers for all replicas, or nobody.
    #[cfg(feature = "fleet")]
    pub(crate) fn scoped(mut self, fleet: Option<Arc<dyn FleetScope>>) -> Self {
        self.fleet = fleet;
        self
    }

    /// The answer of this replica to a request of another, which has checked the right to ask. `None`: it is to nothing that replicas ask each
    /// other, or needs a right that nobody has here.
    #[cfg(feature = "fleet")]
    pub(crate) fn answer_replica(&self, method: &Method, path: &str, query: &str) -> Option<Response<ResponseBody>> {
        let route = Route::of(path)?;
        let response = match (method, route) {
            (&Method::GET, Route::Request(_) | Route::Totals | Route::Logs | Route::Series) => {
                let headers = http::HeaderMap::new();
                self.endpoints.get(
                    route,
                    &Query::new(Some(query)),
                    Viewer { headers: &headers, can_cancel: false },
                    false,
                )
            }
            (&Method::DELETE, Route::Request(_)) if !self.config().can_operate() => Err(Error::nobody_may_cancel()),
            (&Method::DELETE, Route::Request(id)) => self.endpoints.cancel(id),
            _ => return None,
        };
        Some(response.unwrap_or_else(Response::from))
    }

    fn answer(&self, request: Parts) -> ResponseFuture {
        match self.dispatch(&request).unwrap_or_else(|error| Answer::Now(error.into())) {
            Answer::Now(response) => ResponseFuture::ready(self.finish(&request, response)),
            Answer::Later(answer) => {
                let service = self.clone();
                ResponseFuture::waiting(async move {
                    let response = answer.await.unwrap_or_else(Response::from);
                    service.finish(&request, response)
                })
            }
        }
    }

    fn finish(&self, request: &Parts, mut response: Response<ResponseBody>) -> Response<ResponseBody> {
        if self.fleet.is_some() && response.status().is_success() {
            response.headers_mut().insert(SCOPES, HeaderValue::from_static("local, fleet"));
        }
        access::allow_origin(&self.config().cors_origins, &request.headers, response.headers_mut());
        if request.method == Method::HEAD {
            if let Some(length) = response.body().size_hint().exact().filter(|length| *length > 0) {
                response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
            }
            *response.body_mut() = ResponseBody::default();
        }
        response
    }

    fn dispatch(&self, request: &Parts) -> Result<Answer, Error> {
        let path = self.mount.relative(request.uri.path());
        let route = Route::of(path);
        let method = &request.method;
        if let (&Method::OPTIONS, Some(route)) = (method, route) {
            return Ok(Answer::Now(self.options(route)));
        }
        let rights = access::check(self.config(), request, needed_right(method, path, route))?;
        let route = route.ok_or_else(Error::no_route)?;
        let is_head = method == Method::HEAD;
        let reads = is_head || method == Method::GET;
        if !reads && !matches!((method, route), (&Method::DELETE, Route::Request(_))) {
            return Err(Error::method_not_allowed(self.allow(route)));
        }
        let can_cancel = rights.may(Right::Operate);
        if let Some((fleet, scope)) = self.fleet_for(route, &Query::new(request.uri.query()))? {
            if let (Route::Stream, Some(response)) = (route, self.endpoints.no_stream()?) {
                return Ok(Answer::Now(response));
            }
            return Ok(Answer::Later(fleet.answer(FleetRequest {
                scope,
                method: method.clone(),
                path: path.to_owned(),
                query: request.uri.query().unwrap_or_default().to_owned(),
                headers: request.headers.clone(),
                can_cancel,
                operator: (!reads).then(|| Operator::of(self.config(), request)).flatten(),
            })));
        }
        let viewer = Viewer { headers: &request.headers, can_cancel };
        match route {
            Route::Request(id) if !reads => {
                let answer = self.endpoints.cancel(id);
                let status = answer.as_ref().map_or_else(Error::status, Response::status);
                log_cancellation(id, Operator::of(self.config(), request).as_ref(), None, status);
                answer
            }
            #[cfg(feature = "prometheus")]
            Route::Metrics => return Ok(self.metrics(&request.headers)),
            _ => self.endpoints.get(route, &Query::new(request.uri.query()), viewer, is_head),
        }
        .map(Answer::Now)
    }

    /// The answer with the metrics. Of many models they are megabytes: another thread writes them, so that no request waits meanwhile, and for one
    /// client at a time. Without a runtime it is done at once.
    #[cfg(feature = "prometheus")]
    fn metrics(&self, client: &HeaderMap) -> Answer {
        let fleet = self.fleet.as_ref().map(|fleet| fleet.health());
        let Ok(runtime) = Handle::try_current() else { return Answer::Now(self.endpoints.metrics(client, fleet)) };
        let (endpoints, client) = (Arc::clone(&self.endpoints), client.clone());
        Answer::Later(Box::pin(async move {
            let turn = Arc::clone(&endpoints.metrics_turn).lock_owned().await;
            let written = runtime.spawn_blocking(move || {
                let _turn = turn;
                endpoints.metrics(&client, fleet)
            });
            written.await.map_err(|_| Error::shutting_down())
        }))
    }

    /// The fleet, if it is asked, and about which replicas: by the scope, or for a request of another replica.
    fn fleet_for(&self, route: Route<'_>, query: &Query<'_>) -> Result<Option<FleetQuestion<'_>>, Error> {
        let scope = match route {
            Route::Request(id) => {
                let epoch = id.parse::<RequestId>().ok().map(RequestId::epoch);
                let is_other = epoch.is_some_and(|epoch| epoch != self.tracker().epoch());
                return Ok(self.fleet.as_ref().filter(|_| is_other).map(|fleet| (fleet, Scope::Fleet)));
            }
            Route::Fleet => Scope::Fleet,
            #[cfg(feature = "prometheus")]
            Route::Metrics => Scope::Local,
            Route::Snapshot | Route::Stream => query.scope()?,
            Route::Totals | Route::Logs | Route::Series => query.scope_of_sums()?,
        };
        match scope {
            Scope::Local => Ok(None),
            scope => Ok(Some((self.fleet.as_ref().ok_or_else(Error::no_fleet)?, scope))),
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
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(READ_HEADERS));
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        }
        headers.insert(header::ALLOW, allow);
        response
    }
}

impl<B> Service<Request<B>> for MonitorService {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, _) = request.into_parts();
        self.answer(parts)
    }
}
