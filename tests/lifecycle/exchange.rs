//! One exchange between a real client and a real server, over an in-memory pipe.

use crate::body::Steps;
use active_requests::{
    track::ActiveRequestsLayer,
    tracker::{Entry, ErrorInfo, RequestTracker},
};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use std::{future::Future, io, time::Duration};
use tower::{ServiceBuilder, service_fn};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// The client's behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    ReadsAll,
    LeavesBeforeTheHead,
    LeavesAfterTheFirstFrame,
    LeavesAfterTheHead,
}

/// Longer than anything here takes; nothing waits for it unless something is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// Serves one connection with `handler` behind the layer, and lets `client` loose on it. Returns how the request ended.
pub(crate) async fn exchange<H, F>(protocol: Protocol, method: Method, client: Client, handler: H) -> Entry
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = io::Result<Response<Steps>>> + Send + 'static,
{
    let tracker = RequestTracker::default();
    let layer = ActiveRequestsLayer::new(tracker.clone())
        .on_error(|error: &io::Error| ErrorInfo::from_error(error))
        .on_body_error(|error: &io::Error| ErrorInfo::from_error(error));
    let service = ServiceBuilder::new().layer(layer).service(service_fn(handler));
    let (near, far) = tokio::io::duplex(64 * 1024);
    let server = tokio::spawn(async move {
        let builder = auto::Builder::new(TokioExecutor::new());
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(far), TowerToHyperService::new(service));
        // How the connection fares is the client's business.
        drop(connection.await);
    });

    let request = Request::builder().method(method).uri("http://test/path?query").body(Empty::<Bytes>::new()).unwrap();
    let io = TokioIo::new(near);
    let result = match protocol {
        Protocol::Http1 => {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
            let connection = tokio::spawn(connection.with_upgrades());
            let result = drive(client, &tracker, sender.send_request(request)).await;
            connection.abort();
            result
        }
        Protocol::Http2 => {
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
            let connection = tokio::spawn(connection);
            let result = drive(client, &tracker, sender.send_request(request)).await;
            drop(sender);
            connection.abort();
            result
        }
    };
    // A client may be told of an error; that is part of the exchange.
    drop(result);

    tokio::time::timeout(PATIENCE, gone(&tracker)).await.expect("the row goes when the request has ended");
    server.abort();
    let mut traces = tracker.recent_traces(10);
    assert_eq!(traces.len(), 1, "a request ends once");
    assert_eq!(tracker.running_totals(&Default::default()).total_requests, 1);
    traces.remove(0)
}

async fn drive(
    client: Client,
    tracker: &RequestTracker,
    response: impl Future<Output = hyper::Result<Response<Incoming>>>,
) -> hyper::Result<()> {
    match client {
        Client::LeavesBeforeTheHead => {
            let on_the_list = async {
                while tracker.active() == 0 {
                    changed(tracker).await
                }
            };
            tokio::select! {
                _ = response => panic!("there should be no head"),
                () = on_the_list => {}
            }
        }
        Client::LeavesAfterTheHead => drop(response.await?),
        Client::LeavesAfterTheFirstFrame => {
            let mut body = response.await?.into_body();
            assert_eq!(tracker.active(), 1, "the body has not ended");
            drop(body.frame().await);
        }
        Client::ReadsAll => {
            response.await?.into_body().collect().await?;
        }
    }
    Ok(())
}

async fn gone(tracker: &RequestTracker) {
    while tracker.active() > 0 || tracker.recent_traces(1).is_empty() {
        changed(tracker).await;
    }
}

async fn changed(tracker: &RequestTracker) {
    tracker.wait_for_change(tracker.version(), Duration::from_millis(20)).await;
}
