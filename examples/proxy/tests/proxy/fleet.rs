//! Two proxies of one fleet, over a real server.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use crate::program::Program;
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

fn settings<'a>(mock: &'a str, url: &'a str, name: &'a str) -> [(&'static str, &'a str); 5] {
    [
        ("MOCK_BASE_URL", mock),
        ("MOCK_API_KEY", "sk-mock"),
        ("VDM_ACTIVE_REQUESTS_FLEET_URL", url),
        ("VDM_ACTIVE_REQUESTS_FLEET_REPLICA", name),
        ("VDM_ACTIVE_REQUESTS_OPERATE_KEYS", "operator"),
    ]
}

async fn proxy(mock: &Mock, url: &str, name: &str) -> Running {
    Running::start(&[], &settings(&mock.url("/v1"), url, name)).await
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

#[tokio::test]
async fn who_cancels_is_in_the_log_of_the_replica_that_was_asked_and_of_the_one_that_has_the_request() {
    let port = free_port();
    let _server = Server::nats(port);
    let url = format!("nats://127.0.0.1:{port}");
    let mut mock = Mock::start().await;
    let base = mock.url("/v1");
    let hosts = ["--allowed-hosts=proxy"];
    let mut a = Program::start(&hosts, &settings(&base, &url, "a")).await;
    let mut b = Program::start(&hosts, &settings(&base, &url, "b")).await;
    for program in [&mut a, &mut b] {
        program.logged("connected to the fleet").await;
    }
    let mut client = Client::to(b.address).await;
    client.send(post("/mock/x", "", "{}").as_bytes()).await;
    let _upstream = mock.connection().await;
    let mut operator = Client::to(a.address).await;
    let mut id = String::new();
    eventually("the request is shown", async || {
        let list = format!("GET /metrics/active-requests?scope=fleet HTTP/1.1\r\nhost: proxy\r\n{KEY}\r\n");
        operator.send(list.as_bytes()).await;
        let list = operator.answer().await.json();
        list["active_requests"][0]["request_id"].as_str().unwrap_or_default().clone_into(&mut id);
        !id.is_empty()
    })
    .await;
    // The key that opens nothing names nobody.
    let cancel = format!(
        "DELETE /metrics/active-requests/{id} HTTP/1.1\r\nhost: proxy\r\nauthorization: Bearer unknown\r\n{KEY}\r\n"
    );
    operator.send(cancel.as_bytes()).await;
    assert_eq!(operator.answer().await.status(), 202);
    for program in [&mut a, &mut b] {
        let line = program.logged("an operator cancels a request").await;
        // As `printf operator | sha256sum` tells it.
        for told in [&*id, "by=06e55b63", "status=202"] {
            assert!(line.contains(told), "{told} is not in {line}");
        }
    }
}
