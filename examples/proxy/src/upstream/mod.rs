//! The client side: sending a request to an upstream, and what it means when that fails.

pub mod connection;
pub mod poll_together;

use std::{
    error::Error as StdError,
    future::{Future, poll_fn},
    io,
    pin::pin,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use http_body::Body;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::Instant;
use tower::Service;

use crate::{
    config::settings::Timeouts,
    forward::request_body::Upload,
    refusal::Refusal,
    upstream::connection::{Answered, Link, Pool},
};

/// Sends requests to upstreams, over plain connections or TLS, and keeps connections for the next request.
///
/// HTTP/1.1 only: over HTTP/2 all requests to a provider would share a connection, and the provider's limit on streams in one
/// would hold up the rest.
#[derive(Clone, Debug)]
pub struct Upstream {
    connector: HttpsConnector<HttpConnector>,
    timeouts: Timeouts,
}

/// Why there is no response head.
#[derive(Debug)]
pub enum Failure {
    /// The client's own body broke off: nobody is left to hear of it.
    ClientGone,
    Refused(Refusal),
}

/// Where to send a request, and the connections that wait there.
#[derive(Debug)]
pub struct Target<'a, B: Body + 'static> {
    /// Scheme and authority.
    pub origin: &'a Uri,
    pub pool: &'a Pool<B>,
    /// Named in failures.
    pub provider: &'a str,
}

/// What went wrong, and whether that was before there was a connection.
struct Broken {
    error: Box<dyn StdError + Send + Sync>,
    connecting: bool,
}

impl Upstream {
    pub fn new(timeouts: Timeouts, authorities: RootCertStore) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(timeouts.connect));
        http.set_keepalive(Some(Duration::from_secs(60)));
        let tls = ClientConfig::builder().with_root_certificates(authorities).with_no_client_auth();
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(http);
        Self { connector, timeouts }
    }

    /// Sends a request and waits for the response head. The upstream's time begins when it has all that has come of `upload`; while
    /// that is waited for, it is the client's.
    pub async fn send<B>(
        &self,
        request: Box<Request<B>>,
        upload: Upload,
        to: &Target<'_, B>,
    ) -> Result<Response<Answered<B>>, Failure>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + 'static,
    {
        let longest = self.timeouts.head;
        let mut sent = pin!(self.try_send(request, to));
        let mut patience = pin!(tokio::time::sleep(longest));
        let mut progress = upload.progress();
        let in_time = poll_fn(|cx| {
            if let Poll::Ready(sent) = sent.as_mut().poll(cx) {
                return Poll::Ready(Some(sent));
            }
            if std::mem::replace(&mut progress, upload.progress()) != progress {
                patience.as_mut().reset(Instant::now() + longest);
            }
            patience.as_mut().poll(cx).map(|()| None)
        });
        match in_time.await {
            Some(Ok(response)) => Ok(response),
            Some(Err(broken)) => Err(self.failure(&broken, to.provider)),
            None if upload.is_waited_for() => Err(Failure::Refused(Refusal::silent(longest))),
            None => Err(Failure::Refused(Refusal::new(
                StatusCode::GATEWAY_TIMEOUT,
                format!("{} did not answer within {} s.", to.provider, longest.as_secs_f64()),
            ))),
        }
    }

    async fn try_send<B>(
        &self,
        mut request: Box<Request<B>>,
        to: &Target<'_, B>,
    ) -> Result<Response<Answered<B>>, Broken>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + 'static,
    {
        // A connection that waited may have been closed meanwhile; a request that has not left it goes to the next.
        while let Some(link) = to.pool.take() {
            match link.send(*request, to.pool).await {
                Ok(response) => return Ok(response),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => *request = unsent,
                    None => return Err(Broken { error: error.into_error().into(), connecting: false }),
                },
            }
        }
        // Rare and large: boxed, so that the others are small.
        let link = Box::pin(self.connect(to.origin)).await.map_err(|error| Broken { error, connecting: true })?;
        let sent = link.send(*request, to.pool).await;
        sent.map_err(|error| Broken { error: error.into_error().into(), connecting: false })
    }

    async fn connect<B>(&self, origin: &Uri) -> Result<Box<Link<B>>, Box<dyn StdError + Send + Sync>>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + 'static,
    {
        // The connector's own timeout is for TCP alone. An upstream that never shakes hands has not taken the connection.
        let connect = self.connector.clone().call(origin.clone());
        let stream = tokio::time::timeout(self.timeouts.connect, connect).await.map_err(io::Error::from)??;
        Ok(Link::new(stream).await?)
    }

    fn failure(&self, broken: &Broken, provider: &str) -> Failure {
        // What hyper calls the user's error here is one of the body we hand on, which is the client's.
        if causes(&*broken.error).filter_map(|error| error.downcast_ref::<hyper::Error>()).any(hyper::Error::is_user) {
            return Failure::ClientGone;
        }
        let timed_out = causes(&*broken.error)
            .filter_map(|error| error.downcast_ref::<io::Error>())
            .any(|error| error.kind() == io::ErrorKind::TimedOut);
        let (status, message) = if broken.connecting && timed_out {
            let waited = self.timeouts.connect.as_secs_f64();
            (StatusCode::GATEWAY_TIMEOUT, format!("{provider} did not take a connection within {waited} s."))
        } else {
            let what = if broken.connecting { "cannot be reached" } else { "broke off before it answered" };
            // The last cause is the plainest: "connection refused", "invalid peer certificate".
            let why = causes(&*broken.error).last().map(ToString::to_string).unwrap_or_default();
            (StatusCode::BAD_GATEWAY, format!("{provider} {what}: {why}."))
        };
        Failure::Refused(Refusal::new(status, message))
    }
}

/// An error and what lies behind it.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
