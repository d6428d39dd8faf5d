//! Upstreams: providers, connections to them, and sending a request to one.

pub mod connection;
pub mod poll_together;
pub mod pool;
pub mod provider;
pub mod request_body;
pub mod stream;
pub mod uncut_body;

use std::{
    error::Error as StdError,
    future::{Future, poll_fn},
    io,
    pin::pin,
    task::Poll,
    time::Duration,
};

use http::{Request, Uri};
use http_body::Body;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::Instant;
use tower::Service;

use crate::{
    late_timer::LateTimer,
    upstream::{
        connection::{UpstreamAnswer, UpstreamConnection, UpstreamResponseBody},
        provider::Endpoint,
        request_body::{SentBody, UpstreamRequestBody, causes, malformed},
        stream::has_closed,
    },
    vanished,
};

/// The longest waits for an upstream.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// The longest wait for a connection, TLS included.
    pub connect: Duration,
    /// The longest wait for the response head. It does not run while the client is still to send.
    pub head: Duration,
    /// The longest wait between two frames of a response; none: no limit.
    pub read: Option<Duration>,
}

/// Sends requests to upstreams, over plain connections or TLS, and keeps connections for the next request.
///
/// HTTP/1.1 only: over HTTP/2 all requests to a provider would share a connection, and the provider's limit on streams in one
/// would hold up the rest.
#[derive(Clone, Debug)]
pub struct UpstreamClient {
    connector: HttpsConnector<HttpConnector>,
    timeouts: Timeouts,
}

/// The reason why there is no response head.
#[derive(Debug)]
pub enum UpstreamError {
    /// The client's request body broke off, so nobody is left to read an answer.
    ClientGone,
    /// The client's request body is not what HTTP allows, for this reason.
    MalformedBody(String),
    /// The client has sent nothing for this long, although the upstream was ready for more.
    ClientSilent(Duration),
    /// There was no connection within this time.
    ConnectTimeout(Duration),
    /// There is no connection, for this reason.
    Unreachable(String),
    /// The connection ended before the answer began, for this reason.
    Broken(String),
    /// The answer did not begin within this time.
    HeadTimeout(Duration),
}

/// The body of an upstream's answer to one of our requests.
pub type UpstreamBody = UpstreamResponseBody<SentBody>;

type BoxError = Box<dyn StdError + Send + Sync>;

/// An error of a connection, and whether it came before there was one.
struct SendError {
    error: BoxError,
    connecting: bool,
}

impl UpstreamClient {
    pub fn new(timeouts: Timeouts, authorities: RootCertStore) -> Self {
        Self { connector: https_connector(authorities, timeouts.connect), timeouts }
    }

    /// Sends a request and waits for the response head. The upstream's time begins when all that the client has sent has been sent on;
    /// while the client is waited for, it is the client's. `timer` is waited for by nobody else meanwhile.
    ///
    /// # Errors
    /// There is no response head.
    pub async fn send(
        &self,
        request: Box<Request<SentBody>>,
        endpoint: &Endpoint,
        timer: &LateTimer,
    ) -> Result<UpstreamAnswer<SentBody>, UpstreamError> {
        let limit = self.timeouts.head;
        let upload = request.body().upload();
        let mut sent = pin!(self.try_send(request, endpoint));
        let mut deadline = Instant::now() + limit;
        let mut state = upload.state();
        let in_time = poll_fn(|cx| {
            if let Poll::Ready(sent) = sent.as_mut().poll(cx) {
                return Poll::Ready(Some(sent));
            }
            if std::mem::replace(&mut state, upload.state()) != state {
                deadline = Instant::now() + limit;
            }
            timer.poll(cx, deadline).map(|()| None)
        });
        match in_time.await {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => Err(self.explain(&error)),
            None if upload.is_waited_for() => Err(UpstreamError::ClientSilent(limit)),
            None => Err(UpstreamError::HeadTimeout(limit)),
        }
    }

    async fn try_send(
        &self,
        mut request: Box<Request<SentBody>>,
        endpoint: &Endpoint,
    ) -> Result<UpstreamAnswer<SentBody>, SendError> {
        let upload = request.body().upload();
        // A connection that waited may have been closed meanwhile; a request that has not left it goes to the next.
        while let Some(connection) = endpoint.pool().take() {
            let again = repeatable(&request);
            match connection.send(request, upload.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(mut error) => match (error.take_message(), again) {
                    (Some(unsent), _) => request = Box::new(unsent),
                    (None, Some(again)) if has_broken(error.error()) => {
                        request = again;
                        break;
                    }
                    _ => return Err(SendError { error: error.into_error().into(), connecting: false }),
                },
            }
        }
        // Rare and large: boxed, so that the others are small.
        let connected = Box::pin(self.connect(endpoint.origin())).await;
        let connection = connected.map_err(|error| SendError { error, connecting: true })?;
        let sent = connection.send(request, upload.clone()).await;
        sent.map_err(|error| SendError { error: error.into_error().into(), connecting: false })
    }

    async fn connect(&self, origin: &Uri) -> Result<Box<UpstreamConnection<SentBody>>, BoxError> {
        // The connector's own timeout is for TCP alone. An upstream that never shakes hands has not taken the connection.
        let connect = self.connector.clone().call(origin.clone());
        let stream = tokio::time::timeout(self.timeouts.connect, connect).await.map_err(io::Error::from)??;
        Ok(UpstreamConnection::new(stream).await?)
    }

    fn explain(&self, SendError { error, connecting }: &SendError) -> UpstreamError {
        // What hyper calls the user's error is one of the request body, which is the client's.
        if causes(&**error).filter_map(|error| error.downcast_ref::<hyper::Error>()).any(hyper::Error::is_user) {
            return malformed(&**error).map_or(UpstreamError::ClientGone, UpstreamError::MalformedBody);
        }
        let timed_out = causes(&**error)
            .filter_map(|error| error.downcast_ref::<io::Error>())
            .any(|error| error.kind() == io::ErrorKind::TimedOut);
        // The last cause is the plainest: "connection refused", "invalid peer certificate".
        let why = || causes(&**error).last().map(ToString::to_string).unwrap_or_default();
        match (connecting, timed_out) {
            (true, true) => UpstreamError::ConnectTimeout(self.timeouts.connect),
            (true, false) => UpstreamError::Unreachable(why()),
            (false, _) => UpstreamError::Broken(why()),
        }
    }
}

/// Opens connections, over TLS or plain, as the address says.
pub fn https_connector(authorities: RootCertStore, timeout: Duration) -> HttpsConnector<HttpConnector> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(timeout));
    http.set_keepalive(Some(vanished::PROBED_AFTER));
    http.set_keepalive_interval(Some(vanished::PROBE_INTERVAL));
    http.set_keepalive_retries(Some(vanished::PROBES));
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "fuchsia"))]
    http.set_tcp_user_timeout(Some(vanished::LONGEST));
    let tls = ClientConfig::builder().with_root_certificates(authorities).with_no_client_auth();
    HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(http)
}

/// A copy of a request that may be sent twice: an idempotent one without a body (RFC 9110, section 9.2.2).
fn repeatable(request: &Request<SentBody>) -> Option<Box<Request<SentBody>>> {
    if !request.method().is_idempotent() || !request.body().is_end_stream() {
        return None;
    }
    let mut copy = Request::new(Box::new(UpstreamRequestBody::empty(request.body().upload())));
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    // Among them is who waits for interim answers.
    *copy.extensions_mut() = request.extensions().clone();
    Some(Box::new(copy))
}

/// Whether the connection ended before the answer did: the upstream closed it while the request was on its way.
fn has_broken(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || causes(error).filter_map(|error| error.downcast_ref()).any(has_closed)
}
