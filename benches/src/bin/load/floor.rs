//! The floor: as little of a streaming reverse proxy as hyper allows, with nothing looked at on the way. What a proxy
//! costs beyond this is its own.

use crate::{
    Failure,
    process::{listen, until_parent_is_gone},
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, Request, Response, StatusCode, Uri, header,
    uri::{Authority, Scheme},
};
use http_body_util::{Either, Empty};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use std::convert::Infallible;

/// Headers that belong to one connection and are not passed on.
const HOP_BY_HOP: [HeaderName; 5] =
    [header::CONNECTION, header::TE, header::TRAILER, header::TRANSFER_ENCODING, header::UPGRADE];

type Upstream = Client<HttpConnector, Incoming>;

/// Forwards from `port` to `upstream` until the program that started it has gone.
pub async fn serve(port: u16, upstream: u16) -> Result<(), Failure> {
    let listener = listen(port)?;
    let authority: Authority = format!("127.0.0.1:{upstream}").parse()?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Upstream = Client::builder(TokioExecutor::new()).build(connector);
    let mut gone = std::pin::pin!(until_parent_is_gone());
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            () = &mut gone => return Ok(()),
        };
        stream.set_nodelay(true)?;
        let (client, authority) = (client.clone(), authority.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| forward(client.clone(), authority.clone(), request));
            let _ =
                http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn forward(
    client: Upstream,
    authority: Authority,
    mut request: Request<Incoming>,
) -> Result<Response<Either<Incoming, Empty<Bytes>>>, Infallible> {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    (parts.scheme, parts.authority) = (Some(Scheme::HTTP), Some(authority));
    let Ok(uri) = Uri::from_parts(parts) else { return Ok(bad_gateway()) };
    *request.uri_mut() = uri;
    request.headers_mut().remove(header::HOST);
    drop_hop_by_hop(request.headers_mut());
    Ok(client.request(request).await.map_or_else(
        |_| bad_gateway(),
        |mut response| {
            drop_hop_by_hop(response.headers_mut());
            response.map(Either::Left)
        },
    ))
}

fn drop_hop_by_hop(headers: &mut HeaderMap) {
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

fn bad_gateway() -> Response<Either<Incoming, Empty<Bytes>>> {
    let mut response = Response::new(Either::Right(Empty::new()));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}
