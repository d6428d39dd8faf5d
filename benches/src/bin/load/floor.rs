//! The floor: as little of a streaming reverse proxy as hyper allows, with nothing looked at on the way. What a proxy
//! costs beyond this is its own.
//!
//! To those who ask for the stream of the monitor it tells each request's path, which is the least that can be told.

use crate::{
    Failure,
    process::listen,
    serving::{Speech, serve},
    tls,
};
use bytes::Bytes;
use futures_util::stream;
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, Version, header,
    uri::{Authority, Scheme},
};
use http_body::Frame;
use http_body_util::{BodyExt, Either, Empty, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connect, HttpConnector},
    },
    rt::TokioExecutor,
};
use std::{convert::Infallible, path::PathBuf, thread};
use tokio::sync::broadcast;

/// Headers that belong to one connection and are not passed on.
const HOP_BY_HOP: [HeaderName; 5] =
    [header::CONNECTION, header::TE, header::TRAILER, header::TRANSFER_ENCODING, header::UPGRADE];

/// The path at which the stream of the monitor is asked for.
const EVENTS: &str = "/metrics/active-requests/stream";

/// Paths that wait for a slow viewer.
const WAITING: usize = 1024;

/// The floor's command line.
#[derive(Clone, Debug, clap::Args)]
pub struct Floor {
    port: u16,
    upstream: u16,
    /// Threads, each with a listener and with upstream connections of its own
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Speak HTTP/2 with clients
    #[arg(long)]
    http2: bool,
    /// Speak TLS with clients, by the certificate in this folder
    #[arg(long)]
    tls: Option<PathBuf>,
    /// Speak TLS with the upstream, by the certificate in this folder
    #[arg(long)]
    upstream_tls: Option<PathBuf>,
}

type Events = broadcast::Sender<Bytes>;

impl Floor {
    /// Forwards until the program that started this one has gone.
    pub async fn serve(self) -> Result<(), Failure> {
        let events = broadcast::channel(WAITING).0;
        for _ in 1..self.threads {
            let (floor, events) = (self.clone(), events.clone());
            thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(floor.serve_here(events))
            });
        }
        self.serve_here(events).await
    }

    async fn serve_here(self, events: Events) -> Result<(), Failure> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let Some(dir) = &self.upstream_tls else { return self.serve_through(connector, Scheme::HTTP, events).await };
        connector.enforce_http(false);
        let tls = HttpsConnectorBuilder::new().with_tls_config(tls::client(dir)?).https_only().enable_http1();
        self.serve_through(tls.wrap_connector(connector), Scheme::HTTPS, events).await
    }

    async fn serve_through<C>(&self, connector: C, scheme: Scheme, events: Events) -> Result<(), Failure>
    where
        C: Connect + Clone + Send + Sync + 'static,
    {
        let speech = match &self.tls {
            Some(dir) => Speech::Tls(tls::acceptor(dir)?),
            None if self.http2 => Speech::Http2,
            None => Speech::Http1,
        };
        let upstream = Upstream {
            client: Client::builder(TokioExecutor::new()).build(connector),
            scheme,
            authority: format!("127.0.0.1:{}", self.upstream).parse()?,
        };
        let answer = move |request| answer(upstream.clone(), events.clone(), request);
        serve(listen(self.port)?, speech, answer).await
    }
}

#[derive(Clone)]
struct Upstream<C> {
    client: Client<C, Incoming>,
    scheme: Scheme,
    authority: Authority,
}

type FloorBody = Either<Incoming, Either<Empty<Bytes>, UnsyncBoxBody<Bytes, Infallible>>>;

async fn answer<C>(
    upstream: Upstream<C>,
    events: Events,
    request: Request<Incoming>,
) -> Result<Response<FloorBody>, Infallible>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    if request.uri().path() == EVENTS {
        return Ok(told(&events));
    }
    if events.receiver_count() > 0 {
        let _ = events.send(Bytes::from(format!("data: {}\n\n", request.uri().path())));
    }
    Ok(forward(upstream, request).await.unwrap_or_else(|| {
        let mut response = Response::new(Either::Right(Either::Left(Empty::new())));
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response
    }))
}

async fn forward<C>(upstream: Upstream<C>, mut request: Request<Incoming>) -> Option<Response<FloorBody>>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    (parts.scheme, parts.authority) = (Some(upstream.scheme), Some(upstream.authority));
    *request.uri_mut() = Uri::from_parts(parts).ok()?;
    *request.version_mut() = Version::HTTP_11;
    request.headers_mut().remove(header::HOST);
    drop_hop_by_hop(request.headers_mut());
    let mut response = upstream.client.request(request).await.ok()?;
    drop_hop_by_hop(response.headers_mut());
    Some(response.map(Either::Left))
}

/// The paths of requests as they come.
fn told(events: &Events) -> Response<FloorBody> {
    let paths = stream::unfold(events.subscribe(), async |mut events| {
        let event = events.recv().await.ok()?;
        Some((Ok(Frame::data(event)), events))
    });
    let mut response = Response::new(Either::Right(Either::Right(StreamBody::new(paths).boxed_unsync())));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}

fn drop_hop_by_hop(headers: &mut HeaderMap) {
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}
