//! A WebSocket that stays on the list until it closes: `cargo run --example websocket`, then
//!
//! ```sh
//! curl -N http://127.0.0.1:3000/metrics/active-requests/stream &
//! websocat ws://127.0.0.1:3000/talk       # each line is answered word by word
//! ```

use std::time::Duration;

use active_requests::{
    ActiveRequestsLayer, MonitorConfig, MonitorService, RequestHandle, RequestTracker,
    tracker::{Held, Outcome, RequestInfo},
    usage::Usage,
};
use axum::{
    Extension, Router,
    extract::ws::{Message, WebSocket, WebSocketUpgrade},
    response::Response,
    routing::any,
};
use tokio::{net::TcpListener, time::sleep};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app(RequestTracker::default())).await?)
}

pub(crate) fn app(tracker: RequestTracker) -> Router {
    Router::new()
        .route("/talk", any(talk))
        .layer(ActiveRequestsLayer::new(tracker.clone()))
        .nest_service("/metrics", MonitorService::new(tracker, MonitorConfig::default()))
}

async fn talk(Extension(request): Extension<RequestHandle>, upgrade: WebSocketUpgrade) -> Response {
    request.describe(&RequestInfo::new().provider("local").model("parrot").is_streaming(true));
    // Held before the answer: its 101 would end the request.
    let held = request.hold();
    // The guard lives beside the socket: the request is on the list for as long as it is open, whatever happens.
    upgrade.on_upgrade(async move |mut socket| {
        let outcome = tokio::select! {
            outcome = serve(&mut socket, &held) => outcome,
            // An operator has ended the request, and its row has gone. Dropping the socket closes it.
            () = held.cancelled() => return,
        };
        held.finish(outcome);
    })
}

/// Answers as a model that repeats what it is told.
async fn serve(socket: &mut WebSocket, held: &Held) -> Outcome {
    let mut words = 0;
    while let Some(Ok(message)) = socket.recv().await {
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) => return Outcome::Completed,
            _ => continue,
        };
        held.bytes(text.len() as u64);
        for word in text.split_inclusive(' ') {
            words += 1;
            held.handle().add_text(word);
            held.bytes(word.len() as u64);
            held.usage(Usage::new().input_tokens(words).output_tokens(words));
            if socket.send(Message::text(word)).await.is_err() {
                return Outcome::ClientDisconnect;
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
    Outcome::ClientDisconnect
}
