//! The client: closed loops that check every byte of every answer.

use crate::{
    Failure,
    plan::{Api, Plan},
    process::loopback,
    reply::{REPLY, Reply},
    targets::Target,
};
use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpStream, task::JoinSet, time::Instant};
use tokio_rustls::TlsConnector;

/// The host that is asked for.
pub const HOST: &str = "127.0.0.1";

/// No single exchange takes longer than this, unless it is meant to.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request and the answer that must come.
#[derive(Clone, Debug)]
pub struct Ask {
    pub path: String,
    body: Bytes,
    /// As the upstream is told.
    reply: String,
    expected: Bytes,
    /// Chunks in the expected answer.
    pub chunks: usize,
}

impl Ask {
    pub fn new(target: &Target, api: Api, plan: Plan, stream: bool) -> Self {
        let reply = if stream { Reply::Streamed(plan) } else { Reply::Whole(plan) };
        Self::with_body(target, api, plan.request(api, stream), reply)
    }

    /// Any body, and the reply that is to come to it.
    pub fn with_body(target: &Target, api: Api, body: Bytes, reply: Reply) -> Self {
        let chunks = reply.chunks(api);
        Self {
            path: format!("{}{}", target.prefix, api.path()),
            body,
            reply: reply.to_string(),
            expected: Bytes::from(chunks.concat()),
            chunks: chunks.len(),
        }
    }
}

/// The way in which clients reach a target.
#[derive(Clone)]
pub enum Link {
    Http1,
    /// All streams on one connection.
    Http2,
    /// HTTP/1.1 over TLS.
    Tls(TlsConnector),
}

/// A connection to a target.
#[derive(Clone)]
pub enum Connection {
    Http1(Arc<tokio::sync::Mutex<http1::SendRequest<Full<Bytes>>>>),
    /// For more streams than there are file descriptors.
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Connection {
    pub async fn open(port: u16) -> Result<Self, Failure> {
        let (sender, connection) = http1::handshake(TokioIo::new(connect(port).await?)).await?;
        tokio::spawn(connection);
        Ok(Self::Http1(Arc::new(tokio::sync::Mutex::new(sender))))
    }

    async fn open_tls(port: u16, tls: &TlsConnector) -> Result<Self, Failure> {
        let stream = tls.connect(ServerName::try_from(HOST)?, connect(port).await?).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self::Http1(Arc::new(tokio::sync::Mutex::new(sender))))
    }

    pub async fn open_http2(port: u16) -> Result<Self, Failure> {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        let (sender, connection) =
            builder.timer(TokioTimer::new()).handshake(TokioIo::new(connect(port).await?)).await?;
        tokio::spawn(connection);
        Ok(Self::Http2(sender))
    }

    /// Sends a request and waits for the response head, which must be good.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Failure> {
        let response = match self {
            Self::Http1(sender) => {
                let mut sender = sender.lock().await;
                sender.ready().await?;
                let response = sender.send_request(request);
                response.await?
            }
            Self::Http2(sender) => {
                let mut sender = sender.clone();
                sender.ready().await?;
                sender.send_request(request).await?
            }
        };
        if response.status().is_success() { Ok(response) } else { Err(format!("status {}", response.status()).into()) }
    }

    /// Sends what is asked for.
    pub async fn ask(&self, ask: &Ask) -> Result<Answer, Failure> {
        let uri = match self {
            Self::Http1(_) => ask.path.clone(),
            Self::Http2(_) => format!("http://{HOST}{}", ask.path),
        };
        let request = Request::post(uri)
            .header(header::HOST, HOST)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, "Bearer load")
            .header(REPLY, &ask.reply)
            .body(Full::new(ask.body.clone()))?;
        let body = tokio::time::timeout(PATIENCE, self.send(request)).await??.into_body();
        Ok(Answer { body, expected: ask.expected.clone() })
    }
}

async fn connect(port: u16) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(loopback(port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// An answer that is coming in.
pub struct Answer {
    body: Incoming,
    /// The bytes that have not come yet.
    expected: Bytes,
}

impl Answer {
    /// Waits for the next piece and checks it; none is left after the last byte.
    pub async fn next(&mut self) -> Result<bool, Failure> {
        while let Some(frame) = self.body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            if !self.expected.starts_with(&data) {
                return Err(format!("the body differs: {data:?} came instead of {:?}", self.expected).into());
            }
            self.expected = self.expected.slice(data.len()..);
            return Ok(true);
        }
        if self.expected.is_empty() {
            Ok(false)
        } else {
            Err(format!("{} bytes are missing", self.expected.len()).into())
        }
    }

    pub async fn finish(mut self) -> Result<(), Failure> {
        tokio::time::timeout(PATIENCE, async {
            while self.next().await? {}
            Ok(())
        })
        .await?
    }
}

/// Does `count` exchanges, so many at a time, and gives how long each took.
pub async fn run(target: &Target, ask: &Ask, at_a_time: usize, count: usize) -> Result<Vec<Duration>, Failure> {
    let port = target.server.port;
    let shared = match target.link {
        Link::Http2 => Some(Connection::open_http2(port).await?),
        Link::Http1 | Link::Tls(_) => None,
    };
    let mut workers = JoinSet::new();
    for worker in 0..at_a_time {
        let (link, shared, ask) = (target.link.clone(), shared.clone(), ask.clone());
        // What does not divide evenly goes to the first ones.
        let share = count / at_a_time + usize::from(worker < count % at_a_time);
        workers.spawn(async move {
            let connection = match (shared, &link) {
                (Some(shared), _) => shared,
                (None, Link::Tls(tls)) => Connection::open_tls(port, tls).await?,
                (None, _) => Connection::open(port).await?,
            };
            let mut took = Vec::with_capacity(share);
            for _ in 0..share {
                let start = Instant::now();
                connection.ask(&ask).await?.finish().await?;
                took.push(start.elapsed());
            }
            Ok::<_, Failure>(took)
        });
    }
    let mut all = Vec::with_capacity(count);
    while let Some(took) = workers.join_next().await {
        all.extend(took?.map_err(|error| format!("{}: {error}", target.name))?);
    }
    Ok(all)
}

/// Streams that are kept open, their chunks read and checked as they come.
pub struct Held(JoinSet<Result<(), Failure>>);

impl Held {
    /// Opens `count` streams, and returns when the first chunk of each has come. `per_connection` of more than one are
    /// sent over HTTP/2.
    pub async fn open(target: &Target, ask: &Ask, count: usize, per_connection: usize) -> Result<Self, Failure> {
        let mut streams = JoinSet::new();
        let mut connection = None;
        for n in 0..count {
            if n % per_connection == 0 {
                let port = target.server.port;
                let opened =
                    if per_connection > 1 { Connection::open_http2(port).await } else { Connection::open(port).await };
                connection = Some(opened?);
            }
            let Some(connection) = &connection else { continue };
            let mut answer = connection.ask(ask).await?;
            answer.next().await?;
            streams.spawn(answer.finish_slowly());
        }
        Ok(Self(streams))
    }

    /// Whether all are still open.
    pub fn check(&mut self) -> Result<(), Failure> {
        match self.0.try_join_next() {
            Some(ended) => Err(ended?.err().unwrap_or_else(|| "a held stream has ended early".into())),
            None => Ok(()),
        }
    }

    /// Leaves in the middle of all of them.
    pub async fn abandon(mut self) {
        self.0.shutdown().await;
    }
}

impl Answer {
    async fn finish_slowly(mut self) -> Result<(), Failure> {
        while self.next().await? {}
        Ok(())
    }
}
