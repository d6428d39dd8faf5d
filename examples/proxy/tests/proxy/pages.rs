//! Requests of web pages, while no key is asked for.

use active_requests_proxy::config::settings::Settings;
use http::Request;

use crate::support::{Answer, Mock, Running, http2, no_body, ok, sources};

const API: &str = "POST /mock/x";
const LIST: &str = "GET /metrics/active-requests";

/// Sends a request with these lines of a head, and an upstream that answers what comes through.
async fn ask(proxy: &Running, mock: &mut Mock, start: &str, lines: &str) -> Answer {
    let request = format!("{start} HTTP/1.1\r\n{lines}\r\ncontent-length: 0\r\n\r\n");
    tokio::select! {
        biased;
        answer = proxy.ask(&request) => answer,
        _ = async { loop { mock.serve(ok("{}").as_bytes()).await; } } => unreachable!(),
    }
}

#[tokio::test]
async fn without_a_key_strangers_pages_may_not_spend_it() {
    let mut mock = Mock::start().await;
    let env = [("MOCK_BASE_URL", mock.url("")), ("PROXY_ALLOWED_HOSTS", "proxy.example".to_owned())];
    let proxy = Running::start(&[], &env.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
    for (start, lines, status) in [
        (API, "host: 127.0.0.1:8082", 200),
        (API, "host: localhost", 200),
        (API, "host: chat.localhost:8082", 200),
        (API, "host: [::1]:8082", 200),
        (API, "host: 192.168.1.5:8082", 200),
        (API, "host: PROXY.example.:8082", 200),
        (API, "host: evil.example", 403),
        (API, "host: localhost.evil.example", 403),
        (API, "host: 127.0.0.1.evil.example", 403),
        (LIST, "host: evil.example:8082", 403),
        ("GET /dashboard/", "host: evil.example", 403),
        ("GET /health", "host: evil.example", 200),
        (API, "host: localhost\r\norigin: https://evil.example", 403),
        (API, "host: localhost\r\norigin: null", 403),
        (API, "host: localhost\r\norigin: http://localhost\r\norigin: https://evil.example", 403),
        (API, "host: localhost\r\nsec-fetch-site: none\r\nSec-Fetch-Site: Cross-Site", 403),
        (API, "host: localhost\r\norigin: https://proxy.example", 200),
        (API, "host: localhost\r\norigin: http://localhost:3000\r\nsec-fetch-site: same-site", 200),
        (API, "host: localhost\r\norigin: http://127.0.0.1:3000\r\nsec-fetch-site: cross-site", 200),
        (API, "host: 192.168.1.5:8082\r\norigin: http://192.168.1.5:8082", 200),
        (API, "host: 192.168.1.5:8082\r\norigin: http://192.168.1.5:9", 403),
        (API, "host: localhost\r\nsec-fetch-site: cross-site", 403),
        (API, "host: localhost\r\nsec-fetch-site: none", 200),
        ("GET /mock/x", "host: localhost\r\nsec-fetch-site: cross-site", 403),
        ("DELETE /metrics/active-requests/x", "host: localhost\r\norigin: https://evil.example", 403),
        // Pages may read, as the setting of origins says.
        (LIST, "host: localhost\r\norigin: https://evil.example", 200),
        // No host, two, and one that is none.
        (API, "x: y", 400),
        (API, "host: localhost\r\nhost: localhost", 400),
        (API, "host: ", 400),
        (API, "host: a b", 400),
        ("GET /health", "x: y", 400),
    ] {
        let answer = ask(&proxy, &mut mock, start, lines).await;
        assert_eq!(answer.status(), status, "{start} {lines:?}: {}", answer.text());
        if status == 403 {
            assert!(answer.text().contains("PROXY_API_KEY"), "{}", answer.text());
        }
    }
}

/// RFC 9113, section 8.3.1.
#[tokio::test]
async fn two_hosts_in_one_request_are_refused() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let mut client = http2(proxy.address).await;
    for (host, status) in [("localhost", 200), ("LOCALHOST", 200), ("evil.example", 400), ("localhost:1", 400)] {
        let request = Request::get("http://localhost/mock/x").header("host", host).body(no_body()).unwrap();
        let answer = tokio::select! {
            biased;
            answer = client.send_request(request) => answer.unwrap(),
            _ = async { loop { mock.serve(ok("{}").as_bytes()).await; } } => unreachable!(),
        };
        assert_eq!(answer.status(), status, "{host}");
    }
}

#[tokio::test]
async fn with_a_key_it_is_the_key_that_counts() {
    let mut mock = Mock::start().await;
    let proxy = Running::start(&[], &[("MOCK_BASE_URL", &mock.url("")), ("PROXY_API_KEY", "k")]).await;
    for lines in
        ["host: proxy.internal\r\nx-api-key: k", "host: localhost\r\norigin: https://app.example\r\nx-api-key: k"]
    {
        assert_eq!(ask(&proxy, &mut mock, API, lines).await.status(), 200, "{lines}");
    }
    assert_eq!(ask(&proxy, &mut mock, API, "host: localhost").await.status(), 401);
}

#[test]
fn names_of_hosts_are_a_list_or_any() {
    let read = |value| sources(&[], &[("PROXY_ALLOWED_HOSTS", value)]).and_then(|sources| Settings::read(&sources));
    for value in ["*", "proxy.example", "a, b.example"] {
        assert!(read(value).is_ok(), "{value}");
    }
    for value in ["http://a", "a:80", "a,,b", "*.example"] {
        let wrong = read(value).unwrap_err().to_string();
        assert!(
            wrong.starts_with(&format!("PROXY_ALLOWED_HOSTS={value:?} is not understood: allowed are * and")),
            "{wrong}"
        );
    }
}
