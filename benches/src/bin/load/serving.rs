//! Connections of the mock upstream and of the floor.

use crate::{Failure, process::until_parent_is_gone};
use http::{Request, Response};
use http_body::Body;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{convert::Infallible, error::Error};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// The protocol of a connection.
#[derive(Clone)]
pub enum Speech {
    Http1,
    Http2,
    /// HTTP/1.1 over TLS.
    Tls(TlsAcceptor),
}

/// Serves each connection in a task of its own, until the program that started this one has gone.
pub async fn serve<A, F, B>(listener: TcpListener, speech: Speech, answer: A) -> Result<(), Failure>
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let mut gone = std::pin::pin!(until_parent_is_gone());
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            () = &mut gone => return Ok(()),
        };
        stream.set_nodelay(true)?;
        let (speech, answer) = (speech.clone(), answer.clone());
        // A client that leaves is part of the test.
        match speech {
            Speech::Http1 => drop(tokio::spawn(http1(stream, answer))),
            Speech::Http2 => {
                let mut builder = http2::Builder::new(TokioExecutor::new());
                let connection =
                    builder.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service_fn(answer));
                tokio::spawn(connection);
            }
            Speech::Tls(acceptor) => drop(tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    http1(stream, answer).await;
                }
            })),
        }
    }
}

async fn http1<S, A, F, B>(stream: S, answer: A)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let mut builder = http1::Builder::new();
    let _ = builder.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service_fn(answer)).await;
}
