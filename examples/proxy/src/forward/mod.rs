//! Forwarding: a request's way to a provider, and the answer's way back.

pub mod buffer;
pub mod framing;
pub mod headers;
pub mod hop_by_hop;
pub mod keys;
pub mod response_body;
pub mod route;
pub mod router;
pub mod upgrade;
pub mod usage_chunk;
pub mod via;

use std::{error::Error, fmt, future::Future, sync::Arc, time::Duration};

use active_requests::tracker::RequestHandle;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::Full;
use rustls::RootCertStore;

use crate::{
    config::{models::Models, settings::Settings},
    forward::{
        framing::FramingError,
        headers::REQUEST_ID,
        response_body::ForwardedBody,
        router::{BoxedRequest, PreparedRequest, Router},
        usage_chunk::UsageInjected,
    },
    late_timer::LateTimer,
    refusal::Refusal,
    telemetry::Telemetry,
    tunnel::Tunnels,
    upstream::{
        UpstreamClient, UpstreamError,
        provider::Provider,
        request_body::{ClientBody, UpstreamRequestBody},
        uncut_body::UncutBody,
    },
};

/// Forwards requests; shared by all connections.
#[derive(Debug)]
pub struct Forwarder {
    router: Router,
    upstream: UpstreamClient,
    tunnels: Tunnels,
    /// Makes spans of the requests, where that is wanted.
    telemetry: Option<Telemetry>,
    /// The longest silence inside an answer.
    read_timeout: Option<Duration>,
}

/// An answer on its way to the client. Boxed, for it is handed on from future to future.
pub type BoxedResponse = Box<Response<ForwardedBody>>;

/// The client has gone, so there is no answer to send.
#[derive(Debug)]
pub struct ClientGone;

impl fmt::Display for ClientGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client has gone")
    }
}

impl Error for ClientGone {}

/// The reason why a request has no answer of an upstream.
#[derive(Debug)]
pub enum ForwardError {
    /// The client has gone.
    ClientGone,
    /// The proxy answers itself.
    Refused(Refusal),
}

impl From<Refusal> for ForwardError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl ForwardError {
    /// The proxy's answer where the upstream's cannot be passed on.
    fn answer(wrong: &FramingError, provider: &str) -> Self {
        let message = format!("The answer of {provider} cannot be passed on: its {wrong}.");
        Self::Refused(Refusal::new(StatusCode::BAD_GATEWAY, message))
    }

    /// The proxy's answer where an upstream has gone over to another protocol by itself.
    fn unasked_upgrade(provider: &str) -> Self {
        let message = format!("{provider} went over to another protocol, which nobody had asked for.");
        Self::Refused(Refusal::new(StatusCode::BAD_GATEWAY, message))
    }

    /// The proxy's answer to an error of an upstream. `provider` is the name in the message.
    fn upstream(error: UpstreamError, provider: &str) -> Self {
        let timeout = |what: &str, limit: Duration| {
            let message = format!("{provider} did not {what} within {} s.", limit.as_secs_f64());
            Refusal::new(StatusCode::GATEWAY_TIMEOUT, message)
        };
        let bad_gateway = |message: String| Refusal::new(StatusCode::BAD_GATEWAY, message);
        Self::Refused(match error {
            UpstreamError::ClientGone => return Self::ClientGone,
            UpstreamError::MalformedBody(why) => Refusal::malformed_body(&why),
            UpstreamError::ClientSilent(limit) => Refusal::silent(limit),
            UpstreamError::ConnectTimeout(limit) => timeout("take a connection", limit),
            UpstreamError::HeadTimeout(limit) => timeout("answer", limit),
            UpstreamError::Unreachable(why) => bad_gateway(format!("{provider} cannot be reached: {why}.")),
            UpstreamError::Broken(why) => bad_gateway(format!("{provider} broke off before it answered: {why}.")),
        })
    }
}

impl Forwarder {
    pub fn new(settings: &Settings, authorities: RootCertStore, models: Models, telemetry: Option<Telemetry>) -> Self {
        Self {
            router: Router::new(settings, models),
            upstream: UpstreamClient::new(settings.timeouts, authorities),
            tunnels: Tunnels::default(),
            telemetry,
            read_timeout: settings.timeouts.read,
        }
    }

    /// Closes connections to upstreams that have been idle for too long.
    pub fn sweep(&self) {
        self.router.models.providers.iter().for_each(Provider::sweep);
    }

    /// The tunnels that are open.
    pub fn tunnels(&self) -> &Tunnels {
        &self.tunnels
    }

    pub fn has_provider(&self, name: &str) -> bool {
        self.router.models.find(name).is_some()
    }

    /// Forwards a request and returns the upstream's answer, or says why there is none. `timer`: the one for the answer's head.
    pub fn answer(
        self: Arc<Self>,
        request: Request<ClientBody>,
        timer: LateTimer,
    ) -> impl Future<Output = Result<BoxedResponse, ClientGone>> + Send {
        let row = request.extensions().get::<RequestHandle>().cloned().unwrap_or_default();
        let id =
            request.headers().get(&REQUEST_ID).cloned().or_else(|| HeaderValue::try_from(row.id()?.to_string()).ok());
        let format = self.router.callers_format(&request);
        let is_head = request.method() == Method::HEAD;
        // A future is as large as all that it may ever hold, and there is one for each connection.
        let (head, body) = request.into_parts();
        let body = UncutBody::new(body, &head, &self.router.own_keys);
        let request = Box::new(Request::from_parts(head, Box::new(UpstreamRequestBody::streamed(body))));
        async move {
            let mut response = match self.try_answer(request, &row, id.as_ref(), &timer).await {
                Ok(response) => response,
                Err(ForwardError::ClientGone) => return Err(ClientGone),
                Err(ForwardError::Refused(refusal)) => {
                    row.set_error(&refusal.message);
                    if refusal.is_for_want_of_access() {
                        row.set_refused();
                    }
                    // Over HTTP/2 hyper would send it.
                    let strip = |body| if is_head { Full::default() } else { body };
                    Box::new(refusal.response(format).map(|body| ForwardedBody::own(strip(body))))
                }
            };
            if let Some(id) = id {
                headers::echo_request_id(response.headers_mut(), id);
            }
            Ok(response)
        }
    }

    async fn try_answer(
        &self,
        mut request: BoxedRequest,
        row: &RequestHandle,
        id: Option<&HeaderValue>,
        timer: &LateTimer,
    ) -> Result<BoxedResponse, ForwardError> {
        let client_end = upgrade::client_end(&mut request);
        let trace = self.telemetry.as_ref().and_then(|telemetry| telemetry.begin(row, request.headers()));
        let PreparedRequest { provider, endpoint, mut request, hide_usage } = self.router.prepare(request, row).await?;
        if let Some(id) = id {
            request.headers_mut().insert(&REQUEST_ID, id.clone());
        }
        if let Some(trace) = trace {
            trace.tell(request.headers_mut());
        }
        if client_end.is_some() {
            upgrade::renew(request.headers_mut());
        }
        let answer = self.upstream.send(request, endpoint, timer).await;
        let answer = answer.map_err(|error| ForwardError::upstream(error, &provider.name))?;
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            let client = client_end.ok_or_else(|| ForwardError::unasked_upgrade(&provider.name))?;
            return Ok(Box::new(upgrade::open(client, answer.into_response(endpoint.pool()), row, &self.tunnels)));
        }
        let response = answer.into_response(endpoint.pool());
        let mut response = Box::new(response.map(|body| ForwardedBody::upstream(body, self.read_timeout, row)));
        framing::settle(response.headers_mut()).map_err(|wrong| ForwardError::answer(&wrong, &provider.name))?;
        hop_by_hop::drop_hop_by_hop(response.headers_mut());
        *response.version_mut() = Version::HTTP_11;
        if hide_usage {
            response.extensions_mut().insert(UsageInjected);
        }
        Ok(response)
    }
}
