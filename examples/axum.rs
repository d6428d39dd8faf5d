//! An axum app whose requests are watched: `cargo run --example axum`, then
//!
//! ```sh
//! curl -N http://127.0.0.1:3000/metrics/active-requests/stream &
//! curl -N http://127.0.0.1:3000/count -d '{"model":"mine"}'
//! ```

use std::time::Duration;

use active_requests::{
    config::{MonitorConfig, TrackerConfig},
    inspect::InspectRequestLayer,
    monitor::MonitorService,
    sse::{Event, KeepAlive, Sse},
    track::ActiveRequestsLayer,
    tracker::RequestTracker,
};
use axum::{
    Router,
    response::IntoResponse,
    routing::{get, post},
};
use tokio::{net::TcpListener, sync::mpsc, time::sleep};
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tracker = RequestTracker::new(TrackerConfig::from_env()?);
    let app = Router::new()
        .route("/", get("an app like any other\n"))
        .route("/count", post(count))
        // One `ServiceBuilder`, so that the first stands outside the second.
        .layer(ServiceBuilder::new().layer(ActiveRequestsLayer::new(tracker.clone())).layer(InspectRequestLayer::new()))
        // After `.layer`, so that viewers are not in the list themselves.
        .nest_service("/metrics", MonitorService::new(tracker.clone(), MonitorConfig::from_env()?));

    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    let end = async move {
        let _ = tokio::signal::ctrl_c().await;
        tracker.shutdown(); // or viewers would keep the server up
    };
    Ok(axum::serve(listener, app).with_graceful_shutdown(end).await?)
}

/// Stays in flight for ten seconds, unless the client leaves.
async fn count(_request: String) -> impl IntoResponse {
    let (events, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        for n in 0..100 {
            if events.send(Event::new().data(n.to_string())).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    });
    Sse::from(receiver).keep_alive(KeepAlive::default()).into_response()
}
