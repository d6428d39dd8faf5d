//! A base URL that leads back to the proxy.

use active_requests_proxy::{Proxy, config::settings::Settings, server};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Mock, Running, ok, post, sources};

/// A listener that passes on everything to the proxy that is told it.
async fn relay() -> (std::net::SocketAddr, tokio::sync::watch::Sender<Option<std::net::SocketAddr>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, target) = tokio::sync::watch::channel(None::<std::net::SocketAddr>);
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let mut target = target.clone();
            tokio::spawn(async move {
                let target = *target.wait_for(Option::is_some).await.unwrap();
                let mut to = TcpStream::connect(target.unwrap()).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
            });
        }
    });
    (address, sender)
}

#[tokio::test]
async fn a_request_that_comes_back_is_answered_508_and_goes_round_once() {
    let (address, target) = relay().await;
    let base = format!("http://{address}/mock");
    let proxy = Running::start(&[], &[("MOCK_BASE_URL", &base)]).await;
    target.send_replace(Some(proxy.address));
    let answer = proxy.post("/mock/x", "{}").await;
    assert_eq!(answer.status(), 508);
    assert!(answer.text().contains("has come back to this proxy"), "{}", answer.text());
    proxy.quiet().await;
    assert_eq!(proxy.tracker.recent_traces(10).len(), 2);
}

#[tokio::test]
async fn via_tells_this_hop_behind_those_before_it() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let mut names = Vec::new();
    let answer = ok("{}");
    for before in ["", "via: 1.0 other\r\n"] {
        let request = post("/mock/x", before, "{}");
        let (_, asked) = tokio::join!(proxy.ask(&request), mock.serve(answer.as_bytes()));
        let lines: Vec<_> = asked.head.lines().filter_map(|line| line.strip_prefix("via: ")).collect();
        assert_eq!(lines.len(), if before.is_empty() { 1 } else { 2 });
        let (protocol, name) = lines.last().unwrap().split_once(' ').unwrap();
        assert_eq!(protocol, "1.1");
        names.push(name.to_owned());
    }
    assert_eq!(names[0], names[1]);
    let other = Running::with(&mock).await;
    let (_, asked) = tokio::join!(other.post("/mock/x", "{}"), mock.serve(answer.as_bytes()));
    assert!(!asked.head.contains(&names[0]), "another proxy has another name");
}

#[tokio::test]
async fn a_base_that_is_the_own_address_stops_the_start() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let base = format!("http://localhost:{port}/v1");
    let sources =
        sources(&[&format!("--port={port}")], &[("OPENAI_BASE_URL", &base), ("OPENAI_API_KEY", "k")]).unwrap();
    let wrong = Proxy::start(Settings::read(&sources).unwrap(), &sources).await.unwrap_err().to_string();
    assert!(wrong.contains("requests would go round for ever") && wrong.contains("*_BASE_URL"), "{wrong}");
}

#[test]
fn a_base_leads_to_the_address_that_it_names() {
    for (base, address, leads) in [
        ("http://127.0.0.1:8082", "127.0.0.1:8082", true),
        ("http://127.0.0.1:8083", "127.0.0.1:8082", false),
        ("http://127.0.0.2:8082", "127.0.0.1:8082", false),
        ("http://localhost:8082", "127.0.0.1:8082", true),
        ("http://LOCALHOST:8082", "[::1]:8082", true),
        ("http://[::1]:8082", "[::1]:8082", true),
        ("http://127.0.0.1:8082", "0.0.0.0:8082", true),
        ("http://localhost:8082", "[::]:8082", true),
        ("http://0.0.0.0:8082", "127.0.0.1:8082", true),
        ("http://10.0.0.7:8082", "10.0.0.7:8082", true),
        ("http://10.0.0.7", "10.0.0.7:80", true),
        ("https://10.0.0.7", "10.0.0.7:443", true),
        ("https://10.0.0.7", "10.0.0.7:80", false),
        ("http://proxy.example:8082", "127.0.0.1:8082", false),
    ] {
        assert_eq!(server::leads_to(&base.parse().unwrap(), address.parse().unwrap()), leads, "{base} {address}");
    }
}
