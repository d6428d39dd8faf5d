//! Methods that are not forwarded, and requests that are for the proxy itself.

use crate::support::{Client, Mock, Running, ok};

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// RFC 9110, section 9.3.8: an answer to TRACE holds what was sent. Section 9.3.6: CONNECT asks for a tunnel.
#[tokio::test]
async fn trace_and_connect_are_refused_with_the_methods_that_are_not() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for (method, target, allow) in [
        ("TRACE", "/mock/x", METHODS),
        ("CONNECT", "/mock/x", METHODS),
        ("CONNECT", "example.org:443", METHODS),
        ("TRACE", "/v1/chat/completions", "POST"),
        ("TRACE", "/v1/models", "GET, HEAD"),
        ("TRACE", "/", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
        ("DELETE", "/health", "GET, HEAD"),
    ] {
        let answer = proxy.ask(&format!("{method} {target} HTTP/1.1\r\nhost: p\r\nmax-forwards: 1\r\n\r\n")).await;
        assert_eq!((answer.status(), answer.header("allow")), (405, Some(allow)), "{method} {target}");
    }
    assert!(mock.is_idle());
}

/// RFC 9110, section 7.6.2.
#[tokio::test]
async fn max_forwards_counts_the_hops_of_options() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for target in ["/mock/x", "*"] {
        let mut client = Client::to(proxy.address).await;
        client.send(format!("OPTIONS {target} HTTP/1.1\r\nhost: p\r\nmax-forwards: 0\r\n\r\n").as_bytes()).await;
        let head = client.head().await.unwrap();
        assert!(head.starts_with("HTTP/1.1 204") && head.contains(&format!("\nallow: {METHODS}")), "{target}: {head}");
    }
    assert!(mock.is_idle());
    for (method, sent, passed) in
        [("OPTIONS", "7", "6"), ("OPTIONS", "1", "0"), ("OPTIONS", "many", "many"), ("GET", "0", "0")]
    {
        let request = format!("{method} /mock/x HTTP/1.1\r\nhost: p\r\nmax-forwards: {sent}\r\n\r\n");
        let answer = ok("");
        let (_, asked) = tokio::join!(proxy.ask(&request), mock.serve(answer.as_bytes()));
        assert_eq!(asked.header("max-forwards"), Some(passed), "{method} {sent}");
    }
}

#[tokio::test]
async fn nothing_stands_below_the_proxys_own_routes() {
    let mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for (path, status) in [("/health", 200), ("/health/", 404), ("/health/x", 404), ("//health", 404), ("//", 404)] {
        assert_eq!(proxy.ask(&format!("GET {path} HTTP/1.1\r\nhost: p\r\n\r\n")).await.status(), status, "{path}");
    }
}
