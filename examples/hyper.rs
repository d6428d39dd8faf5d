//! A hyper server whose requests are watched: `cargo run --example hyper`, then
//!
//! ```sh
//! curl -N http://127.0.0.1:3000/metrics/active-requests/stream &
//! curl http://127.0.0.1:3000/
//! ```

use std::{convert::Infallible, time::Duration};

use active_requests::{
    config::MonitorConfig, monitor::MonitorService, track::ActiveRequestsLayer, tracker::RequestTracker,
};
use http_body_util::{Either, Full};
use hyper::{Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, time::sleep};
use tower::{Service, ServiceBuilder};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let tracker = RequestTracker::default();
    let app = ServiceBuilder::new().layer(ActiveRequestsLayer::new(tracker.clone())).service_fn(hello);
    let monitor = MonitorService::new(tracker, MonitorConfig::default()).mounted_at("/metrics");

    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let (app, monitor) = (app.clone(), monitor.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let (mut app, mut monitor) = (app.clone(), monitor.clone());
            async move {
                if request.uri().path().starts_with("/metrics/") {
                    monitor.call(request).await.map(|response| response.map(Either::Left))
                } else {
                    app.call(request).await.map(|response| response.map(Either::Right))
                }
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Stays in flight for three seconds, unless the client leaves.
async fn hello(_request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    sleep(Duration::from_secs(3)).await;
    Ok(Response::new(Full::from("hello\n")))
}
