//! The proxy's own routes, and the way to the providers for everything else.

use std::{cell::RefCell, convert::Infallible, sync::Arc};

use active_requests::{
    cancel::CancelRequestLayer, config::MonitorConfig, dashboard::DashboardService, fleet::Fleet,
    inspect::InspectRequestLayer, monitor::MonitorService, track::ActiveRequestsLayer, tracker::RequestTracker,
};
use futures_util::{FutureExt, TryFutureExt};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body::Body;
use http_body_util::Full;
use hyper::body::Incoming;
use tower::{Service, ServiceBuilder};

use crate::{
    forward::{
        ClientGone, Forwarder,
        hop_by_hop::is_last_hop,
        response_body::ForwardedBody,
        route::{FORWARDED_METHODS, Route, until_slash},
    },
    late_timer::LateTimer,
    quiet_body::QuietBody,
    refusal::{IsRefusal, Refusal},
    server::{
        body::{ServedBody, ServedContent},
        guard::{KnownHost, PageGuard},
        state::{ConnectionState, OpenRequests, RequestKind},
    },
    tunnel::Tunnels,
    upstream::{provider::ApiFormat, request_body::ClientBody},
};

/// The state that all connections share, and the service that each one gets.
#[derive(Debug)]
pub struct ProxyService {
    forward: Arc<Forwarder>,
    tracker: RequestTracker,
    monitor: MonitorService,
    dashboard: DashboardService,
    open: Arc<OpenRequests>,
    guard: PageGuard,
}

impl ProxyService {
    pub fn new(
        forward: Forwarder,
        tracker: RequestTracker,
        monitor: MonitorConfig,
        fleet: Option<Fleet>,
        guard: PageGuard,
    ) -> Self {
        let monitor = MonitorService::new(tracker.clone(), monitor).mounted_at("/metrics");
        let monitor = match fleet {
            Some(fleet) => monitor.with_fleet(fleet),
            None => monitor,
        };
        Self {
            forward: Arc::new(forward),
            monitor,
            dashboard: DashboardService::new().mounted_at("/dashboard").metrics_at("/metrics"),
            tracker,
            open: Arc::default(),
            guard,
        }
    }

    /// The requests whose answers have not ended.
    pub fn open_requests(&self) -> &Arc<OpenRequests> {
        &self.open
    }

    /// The tunnels that are open.
    pub fn tunnels(&self) -> &Tunnels {
        self.forward.tunnels()
    }

    pub fn tracker(&self) -> &RequestTracker {
        &self.tracker
    }

    /// Frees what has not been used for a while; called every few seconds.
    pub fn sweep(&self) {
        self.forward.sweep();
        // The allocator gives memory back when a large block is freed. After a crowd that may take long.
        drop(std::hint::black_box(Vec::<u8>::with_capacity(1 << 20)));
    }

    /// The service of one connection, which is told when its client has left in the middle of a request body.
    pub fn service(
        self: &Arc<Self>,
        connection: ConnectionState,
    ) -> impl hyper::service::Service<
        Request<Incoming>,
        Response = Response<ServedBody>,
        Error = ClientGone,
        Future: Future<Output = Result<Response<ServedBody>, ClientGone>> + Send + 'static,
    > + Clone
    + Send
    + 'static {
        let service = Arc::clone(self);
        let forward = Arc::clone(&self.forward);
        // The layers go round what is bound for a provider, and nothing else. hyper calls a service that is shared, tower one of one's own: a
        // connection calls one after the other. A copy for each request would count at places that all threads share.
        let api = ServiceBuilder::new()
            .layer(ActiveRequestsLayer::new(self.tracker.clone()))
            .layer(self.cancel_layer())
            .layer(InspectRequestLayer::new())
            .service_fn({
                let connection = connection.clone();
                move |request| answer(Arc::clone(&forward), request, connection.clone())
            });
        let api = RefCell::new(api);
        let host = KnownHost::default();
        hyper::service::service_fn(move |request: Request<Incoming>| {
            let is_http1 = request.version() < Version::HTTP_2;
            let closes = is_http1 && service.tracker.is_draining();
            let is_large = is_http1 && request.body().size_hint().upper().is_none_or(|size| size > MOST_UNREAD);
            let first = first_part(request.uri().path());
            let own = service.refused(&request, first, &host).or_else(|| service.own_answer(&request, first));
            // The monitor's streams hold up no shutdown: they are what shows it.
            let is_own = own.is_some() || ["metrics", "dashboard"].contains(&first);
            let kind = if is_own { RequestKind::Own } else { RequestKind::Forwarded };
            let open = connection.begin(kind);
            let finish = move |mut response: Response<ServedContent>| {
                // Refused before its end: the rest is not taken for another request (RFC 9112, section 9.6).
                let leaves_unread = is_large
                    && response.status().is_client_error()
                    && response.extensions().get::<IsRefusal>().is_some();
                if closes || leaves_unread {
                    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                response.map(|content| ServedBody::new(content, open))
            };
            if is_own {
                // Boxed, for it is rare: hyper keeps room for the future in every connection.
                let answer = Arc::clone(&service).answer_here(own, request, connection.clone());
                Box::pin(answer.map(|response| Ok(finish(response)))).left_future()
            } else {
                let answer = api.borrow_mut().call(request.map(|body| QuietBody::new(body, is_http1)));
                answer.map_ok(|response| finish(ServedContent::forwarded(response))).right_future()
            }
        })
    }

    /// Answers a request that is for the proxy itself: with what is there already, or as the monitor or the page does.
    async fn answer_here(
        self: Arc<Self>,
        ready: Option<Response<ServedContent>>,
        request: Request<Incoming>,
        connection: ConnectionState,
    ) -> Response<ServedContent> {
        if let Some(response) = ready {
            return response;
        }
        if first_part(request.uri().path()) == "dashboard" {
            return never_fails(self.dashboard.clone().call(request).await).map(ServedContent::Dashboard);
        }
        let response = never_fails(self.monitor.clone().call(request).await);
        if is_event_stream(response.headers()) {
            connection.subscribe();
        }
        response.map(ServedContent::Monitor)
    }

    /// Lets operators end requests, where the settings let anybody.
    fn cancel_layer(&self) -> CancelRequestLayer {
        CancelRequestLayer::new().enabled(self.monitor.config().can_operate()).on_cancel(|row| {
            let format = Route::format(&row.path).unwrap_or(ApiFormat::OpenAi);
            let mut response = Refusal::cancelled().whole(format);
            // The official clients would try again.
            let retry = HeaderName::from_static("x-should-retry");
            response.headers_mut().insert(retry, HeaderValue::from_static("false"));
            response
        })
    }

    /// The answer to a request that is not taken, whatever it is for.
    fn refused(
        &self,
        request: &Request<Incoming>,
        first_part: &str,
        host: &KnownHost,
    ) -> Option<Response<ServedContent>> {
        let is_read = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
        let acts = !is_read || !["", "health", "metrics", "dashboard"].contains(&first_part);
        // Those who only ask whether it lives know it by other names.
        let refusal = self.guard.check(request, acts, host).err();
        let refusal = refusal.filter(|why| first_part != "health" || why.status.as_u16() == 400)?;
        let response = refusal.response(Route::format(request.uri().path()).unwrap_or(ApiFormat::OpenAi));
        let strip = request.method() == Method::HEAD;
        Some(response.map(|body| ServedContent::Own(if strip { Full::default() } else { body })))
    }

    /// The answer of the proxy's own routes; `None` if the request is for a provider.
    fn own_answer(&self, request: &Request<Incoming>, first_part: &str) -> Option<Response<ServedContent>> {
        let (method, path) = (request.method(), request.uri().path());
        let reads = [Method::GET, Method::HEAD].contains(method);
        let response = match first_part {
            "metrics" | "dashboard" => return None,
            _ if method == Method::OPTIONS && (path == "*" || is_last_hop(method, request.headers())) => options(),
            "" if method == Method::CONNECT => return None,
            "" | "health" if path.len() > 1 + first_part.len() => not_found(path),
            "" | "health" if !reads => Refusal::method_not_allowed(path, "GET, HEAD").response(ApiFormat::OpenAi),
            "" => see_other("/dashboard/"),
            "health" => self.health(),
            // What browsers and robots ask for by themselves is for no provider.
            alone if path.len() == 1 + alone.len() && !self.forward.has_provider(alone) => not_found(path),
            _ if self.tracker.is_draining() => {
                let format = Route::format(path).unwrap_or(ApiFormat::OpenAi);
                try_again(Refusal::shutting_down().response(format))
            }
            _ => return None,
        };
        let strip = request.method() == Method::HEAD;
        Some(response.map(|body| ServedContent::Own(if strip { Full::default() } else { body })))
    }

    /// The answer to who asks whether requests can be sent here.
    fn health(&self) -> Response<Full<bytes::Bytes>> {
        let draining = self.tracker.is_draining();
        let status = if draining { "draining" } else { "ok" };
        let response = json(&serde_json::json!({"status": status, "active_requests": self.tracker.active()}));
        if draining { try_again(response) } else { response }
    }
}

/// The largest body, in bytes, that is read for the sake of the connection although its request is refused.
const MOST_UNREAD: u64 = 64 * 1024;

fn first_part(path: &str) -> &str {
    until_slash(path.trim_start_matches('/'))
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

fn never_fails<T>(result: Result<T, Infallible>) -> T {
    result.unwrap_or_else(|never| match never {})
}

/// Forwards a request whose client may leave while it is still sending.
///
/// hyper reports that as an error of the request body. Over HTTP/1 it goes on to wait for a response that nobody will
/// read; the connection is told to end instead, and the request ends with it, cancelled. Over HTTP/2 it drops the request by itself.
fn answer(
    forward: Arc<Forwarder>,
    mut request: Request<ClientBody>,
    connection: ConnectionState,
) -> impl Future<Output = Result<Response<ForwardedBody>, ClientGone>> + Send {
    let one_request_at_a_time = request.version() < Version::HTTP_2;
    // HTTP/1.0 has no interim answers.
    if request.version() == Version::HTTP_11 {
        connection.interim().begin();
        let connection = connection.clone();
        hyper::ext::on_informational(&mut request, move |answer| {
            connection.interim().push(answer.status(), answer.headers());
        });
    }
    // Boxed: hyper keeps room for the future in every connection, and moves it on its way there. What is around it is small.
    let timer = if one_request_at_a_time { connection.timer().clone() } else { LateTimer::default() };
    let answer = Box::pin(forward.answer(request, timer));
    async move {
        {
            // In a block of its own, so that no room is kept for it during the wait below.
            let result = answer.await;
            connection.interim().end();
            if let Ok(response) = result {
                return Ok(*response);
            }
        }
        if one_request_at_a_time {
            connection.leave();
        }
        match std::future::pending::<Infallible>().await {}
    }
}

fn not_found(path: &str) -> Response<Full<bytes::Bytes>> {
    Refusal::not_found(format!("There is nothing at {path}.")).response(ApiFormat::OpenAi)
}

/// The answer to `OPTIONS` about the proxy itself (RFC 9110, section 9.3.7).
fn options() -> Response<Full<bytes::Bytes>> {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(FORWARDED_METHODS));
    response
}

fn json(value: &serde_json::Value) -> Response<Full<bytes::Bytes>> {
    let mut response = Response::new(Full::from(value.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The response as a `503` after which another try finds another process.
fn try_again(mut response: Response<Full<bytes::Bytes>>) -> Response<Full<bytes::Bytes>> {
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn see_other(place: &'static str) -> Response<Full<bytes::Bytes>> {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(place));
    response
}
