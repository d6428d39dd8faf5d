//! The service: which request gets which answer.

use super::{
    access,
    body::Body,
    encoding::Encoding,
    feed,
    hub::{Format, Hub},
    query::Query,
    respond::{Error, events, json, json_bytes},
    snapshot::{Snapshots, etag, is_held},
};
use crate::{
    config::{CorsOrigins, MonitorConfig},
    tracker::{Entry, RequestId, RequestTracker, Row, RunningTotals, TotalsFilter},
    usage::ProviderUsage,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body as _;
use serde::Serialize;
use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};
use tokio::runtime::Handle;
use tower_service::Service;

/// Shows what a tracker knows, over HTTP. Cheap to clone; all clones share one feed. See the [module](super).
///
/// It never fails: what is wrong with a request is said in the answer. Streams need a tokio runtime.
#[derive(Clone, Debug)]
pub struct MonitorService {
    shared: Arc<Shared>,
    mount: Arc<str>,
}

#[derive(Debug)]
struct Shared {
    tracker: RequestTracker,
    config: Arc<MonitorConfig>,
    snapshots: Snapshots,
    hub: Arc<Hub>,
}

/// What there is.
#[derive(Clone, Copy, Debug)]
enum Route<'a> {
    Snapshot,
    Stream,
    Request(&'a str),
    Totals,
    Logs,
}

impl<'a> Route<'a> {
    fn of(path: &'a str) -> Option<Self> {
        match path {
            "/active-requests" => Some(Self::Snapshot),
            "/active-requests/stream" => Some(Self::Stream),
            "/running-totals" => Some(Self::Totals),
            "/logs" => Some(Self::Logs),
            _ => path
                .strip_prefix("/active-requests/")
                .filter(|id| !id.is_empty() && !id.contains('/'))
                .map(Self::Request),
        }
    }

    fn allow(self) -> &'static str {
        match self {
            Self::Request(_) => "GET, HEAD, OPTIONS, DELETE",
            _ => "GET, HEAD, OPTIONS",
        }
    }
}

impl MonitorService {
    /// Shows `tracker`.
    pub fn new(tracker: RequestTracker, config: MonitorConfig) -> Self {
        let shared = Shared { tracker, config: Arc::new(config), snapshots: Snapshots::new(), hub: Arc::default() };
        Self { shared: Arc::new(shared), mount: "".into() }
    }

    /// Says which path its routes stand below, such as `/metrics`, where nobody strips it before the request gets here.
    #[must_use]
    pub fn mounted_at(mut self, path: &str) -> Self {
        let path = path.trim_matches('/');
        self.mount = if path.is_empty() { "".into() } else { format!("/{path}").into() };
        self
    }

    fn answer<B>(&self, request: &Request<B>) -> Response<Body> {
        let mut response = self.route(request).unwrap_or_else(Response::from);
        access::allow_origin(&self.shared.config.cors_origins, request.headers(), response.headers_mut());
        if request.method() == Method::HEAD {
            if let Some(length) = response.body().size_hint().exact().filter(|length| *length > 0) {
                response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
            }
            *response.body_mut() = Body::empty();
        }
        response
    }

    fn route<B>(&self, request: &Request<B>) -> Result<Response<Body>, Error> {
        let route = request.uri().path().strip_prefix(&*self.mount).and_then(Route::of);
        let method = request.method();
        if let (&Method::OPTIONS, Some(route)) = (method, route) {
            return Ok(self.options(route));
        }
        if !access::is_allowed(&self.shared.config.keys, request.headers()) {
            return Err(Error::unauthorized());
        }
        let route = route.ok_or_else(Error::no_route)?;
        match (method, route) {
            (&Method::GET | &Method::HEAD, _) => {
                let query = Query::new(request.uri().query());
                self.shared.get(route, &query, request.headers(), method == Method::HEAD)
            }
            (&Method::DELETE, Route::Request(id)) => Err(self.shared.cancel(id)),
            _ => Err(Error::method(route.allow())),
        }
    }

    /// What may be asked of a route; to a browser also, whether a page of another site may.
    fn options(&self, route: Route<'_>) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(header::ALLOW, HeaderValue::from_static(route.allow()));
        if self.shared.config.cors_origins != CorsOrigins::None {
            for (name, value) in [
                (header::ACCESS_CONTROL_ALLOW_METHODS, route.allow()),
                (
                    header::ACCESS_CONTROL_ALLOW_HEADERS,
                    "authorization, cache-control, if-none-match, last-event-id, x-api-key",
                ),
                (header::ACCESS_CONTROL_MAX_AGE, "600"),
            ] {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        response
    }
}

/// What is said where nothing is shown.
#[derive(Clone, Copy, Debug, Serialize)]
struct Disabled {
    disabled: bool,
    message: &'static str,
    suggestion: &'static str,
}

const NOT_TRACKING: Disabled = Disabled {
    disabled: true,
    message: "Request metrics logging is disabled",
    suggestion: "Set LOG_REQUEST_METRICS=true to enable tracking",
};

const NOT_STREAMING: Disabled = Disabled {
    disabled: true,
    message: "SSE for active requests is disabled",
    suggestion: "Set VDM_ACTIVE_REQUESTS_SSE_ENABLED=true to enable",
};

impl Shared {
    fn get(
        &self,
        route: Route<'_>,
        query: &Query<'_>,
        headers: &HeaderMap,
        head: bool,
    ) -> Result<Response<Body>, Error> {
        match route {
            Route::Snapshot => Ok(self.snapshot(headers)),
            Route::Stream => self.stream(query.format()?, headers, head),
            Route::Request(id) => self.request(id),
            Route::Totals => self.totals(query),
            Route::Logs => self.logs(query),
        }
    }

    fn snapshot(&self, headers: &HeaderMap) -> Response<Body> {
        if !self.tracker.is_enabled() {
            #[derive(Serialize)]
            struct Nothing {
                disabled: bool,
                active_requests: [(); 0],
                message: &'static str,
                suggestion: &'static str,
            }
            let Disabled { disabled, message, suggestion } = NOT_TRACKING;
            return json(&Nothing { disabled, active_requests: [], message, suggestion });
        }
        let (version, frame) = self.snapshots.get(&self.tracker);
        let etag = etag(self.tracker.epoch(), version);
        let (encoding, bytes) = Encoding::asked_for(headers).whole(&frame);
        let mut response = json_bytes(bytes);
        encoding.announce(response.headers_mut());
        if is_held(headers, &etag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = Body::empty();
            response.headers_mut().remove(header::CONTENT_TYPE);
            response.headers_mut().remove(header::CONTENT_ENCODING);
        }
        // A tag is digits, letters and quotes.
        response.headers_mut().extend(HeaderValue::from_str(&etag).ok().map(|etag| (header::ETAG, etag)));
        response
    }

    fn stream(&self, format: Format, headers: &HeaderMap, head: bool) -> Result<Response<Body>, Error> {
        if !self.tracker.is_enabled() {
            let mut event = b"event: disabled\ndata: ".to_vec();
            super::encode::json(&mut event, &NOT_TRACKING);
            event.extend_from_slice(b"\n\n");
            return Ok(events(Body::whole(event)));
        }
        if !self.config.stream_enabled {
            let mut response = json(&NOT_STREAMING);
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            return Ok(response);
        }
        if self.tracker.is_shut_down() {
            return Err(Error::shutting_down());
        }
        let encoding = Encoding::asked_for(headers);
        let answer = |body| {
            let mut response = events(body);
            encoding.announce(response.headers_mut());
            Ok(response)
        };
        if head {
            return answer(Body::empty());
        }
        let runtime = Handle::try_current().map_err(|_| Error::no_runtime())?;
        let max = self.config.max_subscribers;
        let (subscription, spawn) =
            self.hub.join(format, self.last_seen(headers), max).map_err(|_| Error::too_many_streams(max))?;
        if let Some(session) = spawn {
            let (tracker, hub, config) = (self.tracker.clone(), Arc::clone(&self.hub), Arc::clone(&self.config));
            runtime.spawn(feed::publish(tracker, hub, config, session));
        }
        answer(Body::stream(subscription, encoding))
    }

    /// The delta that a returning client has seen last, if it was one of ours.
    fn last_seen(&self, headers: &HeaderMap) -> Option<u64> {
        let (epoch, seq) = headers.get("last-event-id")?.to_str().ok()?.split_once('-')?;
        (epoch == format!("{:08x}", self.tracker.epoch())).then(|| seq.parse().ok())?
    }

    fn request(&self, id: &str) -> Result<Response<Body>, Error> {
        #[derive(Serialize)]
        struct WithUsage {
            #[serde(flatten)]
            row: Row,
            provider_usage: ProviderUsage,
        }
        let row = self.find(id)?;
        let provider_usage = row.provider_usage;
        Ok(json(&WithUsage { row, provider_usage }))
    }

    fn find(&self, id: &str) -> Result<Row, Error> {
        id.parse::<RequestId>().ok().and_then(|id| self.tracker.get(id)).ok_or_else(|| Error::no_request(id))
    }

    /// Why a request is not ended.
    fn cancel(&self, id: &str) -> Error {
        if self.config.keys.is_empty() || !self.config.allow_cancel {
            return Error::may_not_cancel();
        }
        self.find(id).map_or_else(|error| error, |_| Error::not_cancellable())
    }

    fn totals(&self, query: &Query<'_>) -> Result<Response<Body>, Error> {
        // A form sends a field that was left empty, too.
        let name = |key| query.text(key).filter(|name| !name.is_empty()).map(Into::into);
        let filter = TotalsFilter {
            provider: name("provider"),
            model: name("model"),
            include_active: query.boolean("include_active", true)?,
        };
        if self.tracker.is_enabled() {
            return Ok(json(&self.tracker.running_totals(&filter)));
        }
        #[derive(Serialize)]
        struct Nothing {
            #[serde(flatten)]
            disabled: Disabled,
            #[serde(flatten)]
            totals: RunningTotals,
        }
        Ok(json(&Nothing { disabled: NOT_TRACKING, totals: RunningTotals::default() }))
    }

    fn logs(&self, query: &Query<'_>) -> Result<Response<Body>, Error> {
        #[derive(Serialize)]
        struct Logs {
            errors: Vec<Entry>,
            traces: Vec<Entry>,
        }
        let errors = query.number("limit_errors", 1..=1000, 100)?;
        let traces = query.number("limit_traces", 1..=2000, 200)?;
        Ok(json(&Logs { errors: self.tracker.recent_errors(errors), traces: self.tracker.recent_traces(traces) }))
    }
}

impl<B> Service<Request<B>> for MonitorService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.answer(&request)))
    }
}
