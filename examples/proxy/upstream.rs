//! The client side: connections to upstreams, and what it means when they fail.

use std::{error::Error as StdError, io, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use super::{refusal::Refusal, settings::Timeouts};

/// Sends requests to upstreams, over plain connections or TLS, and keeps connections for the next request.
///
/// HTTP/1.1 only: over HTTP/2 the pool would put all requests to a provider on one connection, and the providers' limit on
/// streams in one would hold up the rest.
#[derive(Clone, Debug)]
pub struct Upstream<B> {
    client: Client<HttpsConnector<HttpConnector>, B>,
    timeouts: Timeouts,
}

/// Why there is no response head.
#[derive(Debug)]
pub enum Failure {
    /// The client's own body broke off: nobody is left to hear of it.
    ClientGone,
    Refused(Refusal),
}

impl<B> Upstream<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    pub fn new(timeouts: Timeouts) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(timeouts.connect));
        http.set_keepalive(Some(Duration::from_secs(60)));
        let https =
            HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .build(https);
        Self { client, timeouts }
    }

    /// Sends a request and waits for the response head. `provider` is named in failures.
    pub async fn send(&self, request: Request<B>, provider: &str) -> Result<Response<Incoming>, Failure> {
        match tokio::time::timeout(self.timeouts.head, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.failure(&error, provider)),
            Err(_) => Err(Failure::Refused(Refusal::new(
                StatusCode::GATEWAY_TIMEOUT,
                format!("{provider} did not answer within {} s.", self.timeouts.head.as_secs_f64()),
            ))),
        }
    }

    fn failure(&self, error: &legacy::Error, provider: &str) -> Failure {
        // What hyper calls the user's error here is one of the body we hand on, which is the client's.
        if causes(error).filter_map(|error| error.downcast_ref::<hyper::Error>()).any(hyper::Error::is_user) {
            return Failure::ClientGone;
        }
        let timed_out = causes(error)
            .filter_map(|error| error.downcast_ref::<io::Error>())
            .any(|error| error.kind() == io::ErrorKind::TimedOut);
        let (status, message) = if error.is_connect() && timed_out {
            let waited = self.timeouts.connect.as_secs_f64();
            (StatusCode::GATEWAY_TIMEOUT, format!("{provider} did not take a connection within {waited} s."))
        } else {
            let what = if error.is_connect() { "can not be reached" } else { "broke off before it answered" };
            // The last cause is the plainest: "connection refused", "invalid peer certificate".
            let why = causes(error).last().map(ToString::to_string).unwrap_or_default();
            (StatusCode::BAD_GATEWAY, format!("{provider} {what}: {why}."))
        };
        Failure::Refused(Refusal::new(status, message))
    }
}

/// An error and what lies behind it.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
