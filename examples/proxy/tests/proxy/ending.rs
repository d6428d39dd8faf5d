//! The end of the proxy: nobody new, time for those who are there.

use crate::support::{Client, LAST_CHUNK, Mock, Running, SSE, chunk, eventually, post};

#[tokio::test]
async fn a_running_request_may_finish() {
    let mut mock = Mock::start().await;
    let mut proxy = Running::with(&mock).await;
    let mut client = Client::to(proxy.address).await;
    client.send(post("/mock/x", "", "{}").as_bytes()).await;
    let mut upstream = mock.connection().await;
    upstream.answer().await;
    upstream.send(SSE.as_bytes()).await;
    client.head().await.unwrap();
    let address = proxy.address;
    let finish = async {
        // Once nobody is let in any more, the rest of the answer comes.
        while let Ok(stream) = tokio::net::TcpStream::connect(address).await {
            drop(stream);
            tokio::task::yield_now().await;
        }
        upstream.send(&[&chunk(b"data: [DONE]\n\n")[..], LAST_CHUNK].concat()).await;
        client.until("[DONE]").await;
        client.until("0\r\n\r\n").await;
        drop(client);
    };
    let (ended, ()) = tokio::join!(proxy.end(), finish);
    assert!(ended, "nothing had to be cut off");
}

#[tokio::test]
async fn idle_connections_hold_up_nothing() {
    let mut proxy = Running::start(&["--grace=60"], &[]).await;
    let _silent = Client::to(proxy.address).await;
    let mut idle = Client::to(proxy.address).await;
    idle.send(b"GET /health HTTP/1.1\r\nhost: p\r\n\r\n").await;
    assert_eq!(idle.answer().await.status(), 200);
    let (ended, closed) = tokio::join!(proxy.end(), async {
        let closed = !idle.fill().await;
        drop(idle);
        closed
    });
    assert!(ended && closed);
}

#[tokio::test]
async fn the_end_does_not_wait_for_the_simulated_traffic() {
    let mut proxy = Running::start(&["--demo", "--grace=10"], &[]).await;
    // All of them; one is in for a stall of twice the grace.
    eventually("the simulated users are there", || proxy.tracker.active() >= 8).await;
    assert!(proxy.end().await, "they have left");
}

#[tokio::test]
async fn the_grace_is_not_exceeded() {
    let mut mock = Mock::start().await;
    let mut proxy = Running::start(&["--grace=0.1"], &[("MOCK_BASE_URL", &mock.url(""))]).await;
    let mut client = Client::to(proxy.address).await;
    client.send(post("/mock/x", "", "{}").as_bytes()).await;
    mock.connection().await.answer().await;
    assert!(!proxy.end().await, "a request was still running");
}
