//! The example of a WebSocket, tried with a real client.

#![cfg(feature = "monitor")]

use std::time::Duration;

use active_requests::tracker::{Cancellation, Outcome, Phase, RequestTracker};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message},
};

#[allow(dead_code, unused, reason = "its `main` is for users")]
#[path = "../examples/websocket.rs"]
mod example;

async fn connect() -> (RequestTracker, WebSocketStream<TcpStream>) {
    let tracker = RequestTracker::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, example::app(tracker.clone())).into_future());
    let stream = TcpStream::connect(address).await.unwrap();
    let (socket, _) = client_async(format!("ws://{address}/talk"), stream).await.unwrap();
    (tracker, socket)
}

/// Waits for what must become true.
async fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let wait = async {
        while !is_true() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("{what}"));
}

async fn word(socket: &mut WebSocketStream<TcpStream>) -> String {
    socket.next().await.unwrap().unwrap().into_text().unwrap().to_string()
}

#[tokio::test]
async fn the_row_lives_with_the_socket_and_counts() {
    let (tracker, mut socket) = connect().await;
    socket.send(Message::text("one two")).await.unwrap();
    assert_eq!(word(&mut socket).await, "one ");
    let row = tracker.snapshot().remove(0);
    assert_eq!((row.phase, row.status, row.is_streaming), (Phase::Streaming, Some(101), true));
    assert_eq!(row.model, "parrot");
    assert_eq!(word(&mut socket).await, "two");
    eventually("the words are counted", || tracker.snapshot()[0].output_tokens == 2).await;
    socket.close(None).await.unwrap();
    eventually("the row has gone", || tracker.active() == 0).await;
    let entry = tracker.recent_traces(1).remove(0);
    assert_eq!((entry.outcome, entry.output_tokens, entry.response_bytes), (Outcome::Completed, 2, 14));
}

#[tokio::test]
async fn a_client_that_vanishes_ends_the_row() {
    let (tracker, socket) = connect().await;
    drop(socket);
    eventually("the row has gone", || tracker.active() == 0).await;
    assert_eq!(tracker.recent_traces(1)[0].outcome, Outcome::ClientDisconnect);
}

#[tokio::test]
async fn a_cancelled_socket_is_closed() {
    let (tracker, mut socket) = connect().await;
    eventually("the row is there", || tracker.active() == 1).await;
    assert_eq!(tracker.cancel(tracker.snapshot()[0].request_id), Cancellation::Cancelled);
    assert_eq!(tracker.recent_traces(1)[0].outcome, Outcome::Killed);
    let end = socket.next().await;
    assert!(matches!(end, None | Some(Err(Error::Protocol(_) | Error::Io(_)))), "cut off, not closed: {end:?}");
}
