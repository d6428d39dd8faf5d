//! The proxy's own routes, and the way to the providers for everything else.

use std::{convert::Infallible, sync::Arc};

use active_requests::{inspect::InspectRequestLayer, track::ActiveRequestsLayer, tracker::RequestTracker};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::sync::Notify;
use tower::{Service, ServiceBuilder};

use super::{
    answer::Answer,
    forward::{ClientGone, Forward, RequestBody},
    provider::Format,
    refusal::Refusal,
    reply::Reply,
};

/// What all connections share.
#[derive(Debug)]
pub struct Front {
    forward: Arc<Forward>,
    tracker: RequestTracker,
}

impl Front {
    pub fn new(forward: Forward, tracker: RequestTracker) -> Self {
        Self { forward: Arc::new(forward), tracker }
    }

    pub fn tracker(&self) -> &RequestTracker {
        &self.tracker
    }

    /// The service of one connection. `hangup` is told when its client has left in the middle of a request body.
    pub fn service(
        self: &Arc<Self>,
        hangup: Arc<Notify>,
    ) -> impl hyper::service::Service<
        Request<Incoming>,
        Response = Response<Reply>,
        Error = ClientGone,
        Future: Future<Output = Result<Response<Reply>, ClientGone>> + Send + 'static,
    > + Clone
    + Send
    + 'static {
        let front = Arc::clone(self);
        let forward = Arc::clone(&self.forward);
        // The layers go round what is bound for a provider, and nothing else.
        let api = ServiceBuilder::new()
            .layer(ActiveRequestsLayer::new(self.tracker.clone()))
            .layer(InspectRequestLayer::new())
            .service_fn(move |request| answer(Arc::clone(&forward), request, Arc::clone(&hangup)));
        hyper::service::service_fn(move |request: Request<Incoming>| {
            let front = Arc::clone(&front);
            let mut api = api.clone();
            async move {
                match front.own_answer(&request) {
                    Some(response) => Ok(response),
                    None => api.call(request).await.map(Reply::forwarded),
                }
            }
        })
    }

    /// The answer to what is not bound for a provider.
    fn own_answer(&self, request: &Request<Incoming>) -> Option<Response<Reply>> {
        let path = request.uri().path();
        let first = path[1..].split('/').next().unwrap_or_default();
        let response = match first {
            "" => see_other("/dashboard/"),
            "health" => json(&serde_json::json!({"status": "ok", "active_requests": self.tracker.active()})),
            // What browsers and robots ask for by themselves is for no provider.
            _ if path.len() == 1 + first.len() && !self.forward.has_provider(first) => {
                Refusal::not_found(format!("There is nothing at {path}.")).response(Format::OpenAi)
            }
            _ => return None,
        };
        let strip = request.method() == Method::HEAD;
        Some(response.map(|body| Reply::Own(if strip { Full::default() } else { body })))
    }
}

/// Forwards a request whose client may leave while it is still sending.
///
/// Over HTTP/1 hyper reports that as an error of the request body and goes on to wait for a response that nobody will
/// read; the connection is told to end instead, and the request ends with it, cancelled.
async fn answer(
    forward: Arc<Forward>,
    request: Request<RequestBody>,
    hangup: Arc<Notify>,
) -> Result<Response<Answer>, ClientGone> {
    let one_request_at_a_time = request.version() < Version::HTTP_2;
    let result = forward.answer(request).await;
    if result.is_err() && one_request_at_a_time {
        hangup.notify_one();
        std::future::pending::<Infallible>().await;
    }
    result
}

fn json(value: &serde_json::Value) -> Response<Full<bytes::Bytes>> {
    let mut response = Response::new(Full::from(value.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn see_other(place: &'static str) -> Response<Full<bytes::Bytes>> {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(place));
    response
}
