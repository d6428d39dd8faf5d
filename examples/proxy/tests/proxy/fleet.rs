//! Two proxies of one fleet, over a real server.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use crate::support::{Client, Mock, PATIENCE, Running, post};

/// A server, ended when dropped.
struct Server(Child);

impl Server {
    fn nats(port: u16) -> Self {
        let mut command = Command::new("nats-server");
        command.args(["-a", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("nats-server is there: `make rust` installs it"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn proxy(mock: &Mock, url: &str, name: &str) -> Running {
    let env = [
        ("MOCK_BASE_URL", &*mock.url("/v1")),
        ("MOCK_API_KEY", "sk-mock"),
        ("VDM_ACTIVE_REQUESTS_FLEET_URL", url),
        ("VDM_ACTIVE_REQUESTS_FLEET_REPLICA", name),
        ("VDM_ACTIVE_REQUESTS_OPERATE_KEYS", "operator"),
    ];
    Running::start(&[], &env).await
}

const KEY: &str = "x-api-key: operator\r\n";

/// Waits for what must become true.
async fn eventually(what: &str, mut is_true: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_true().await {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{what}"));
}

async fn get(proxy: &Running, path: &str) -> String {
    proxy.ask(&format!("GET {path} HTTP/1.1\r\nhost: p\r\n{KEY}\r\n")).await.text()
}

#[tokio::test]
async fn a_request_at_one_proxy_is_seen_and_cancelled_at_another_and_needs_no_engine_to_be_served() {
    let port = free_port();
    let url = format!("nats://127.0.0.1:{port}");
    let mut mock = Mock::start().await;
    let (a, mut b) = (proxy(&mock, &url, "a").await, proxy(&mock, &url, "b").await);
    let lost = get(&a, "/metrics/fleet").await;
    assert!(lost.contains(r#""replica":"a""#) && !lost.contains(r#""replica":"b""#), "{lost}");

    let mut client = Client::to(b.address).await;
    client.send(post("/v1/chat/completions", "", r#"{"model":"m","stream":true}"#).as_bytes()).await;
    let mut upstream = mock.connection().await;
    upstream.answer().await;

    let _server = Server::nats(port);
    let id = b.tracker.snapshot()[0].request_id.to_string();
    eventually("one shows the request of the other", async || {
        let shown = get(&a, "/metrics/active-requests?scope=fleet").await;
        shown.contains(&id) && shown.contains(r#""replica":"b"}"#)
    })
    .await;
    let cancel = format!("DELETE /metrics/active-requests/{id} HTTP/1.1\r\nhost: p\r\n{KEY}\r\n");
    assert_eq!(a.ask(&cancel).await.status(), 202);
    assert_eq!(client.answer().await.status(), 503);

    b.end().await;
    eventually("one has said good-bye", async || !get(&a, "/metrics/fleet").await.contains(r#""replica":"b""#)).await;
}
