//! The proxy's own errors: the right status, in the caller's format, saying why.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Client, Mock, PATIENCE, Running, post};

async fn proxy(mock: &Mock) -> Running {
    Running::start(
        &["--max-body=1000"],
        &[
            ("OAI_BASE_URL", &mock.url("")),
            ("CLD_BASE_URL", &mock.url("")),
            ("CLD_API_FORMAT", "anthropic"),
            // Nobody listens on the discard port.
            ("GONE_BASE_URL", "http://127.0.0.1:9"),
            ("GONE_API_KEY", "sk-secret"),
            ("FAKE_BASE_URL", &mock.url("").replace("http", "https")),
        ],
    )
    .await
}

#[tokio::test]
async fn each_refusal_says_why_in_the_callers_format() {
    let mock = Mock::start().await;
    let proxy = proxy(&mock).await;
    let large = format!(r#"{{"x":"{}"}}"#, "y".repeat(2000));
    for (path, body, status, says) in [
        ("chat/completions", "model=x", 400, "no JSON"),
        ("chat/completions", "", 400, "no JSON"),
        ("chat/completions", r#"{"messages":[]}"#, 400, "\"model\""),
        ("chat/completions", r#"{"model":7}"#, 400, "\"model\""),
        ("chat/completions", r#"{"model":""}"#, 400, "\"model\""),
        ("chat/completions", r#"{"model":"oai:\ud800"}"#, 400, "no Unicode"),
        ("responses", r#"{"model":"x"}"#, 404, "no default"),
        ("responses", r#"{"model":"nope:x"}"#, 404, "\"nope:x\""),
        ("completions", &large, 413, "1000 bytes"),
        ("chat/completions", r#"{"model":"gone:x"}"#, 502, "gone cannot be reached: "),
        ("chat/completions", r#"{"model":"cld:x"}"#, 400, "/v1/messages"),
        ("messages", "model=x", 400, "no JSON"),
        ("messages", r#"{"model":"x"}"#, 404, "no default"),
        ("messages", &large, 413, "1000 bytes"),
        ("messages", r#"{"model":"oai:x"}"#, 400, "/v1/chat/completions"),
        ("nothing", "{}", 404, "/v1/chat/completions"),
    ] {
        let answer = proxy.post(&format!("/v1/{path}"), body).await;
        assert_eq!(answer.status(), status, "{path} {body}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let error = answer.json();
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains(says), "{path} {body}: {message}");
        assert!(message.ends_with('.') && !message.contains("sk-secret"), "{message}");
        assert!(error["error"]["type"].is_string());
        assert_eq!(error["type"] == "error", path == "messages", "{path} {body}: {error}");
        assert_eq!(error["error"].get("code").is_some(), path != "messages", "{path} {body}: {error}");
    }
    proxy.quiet().await;
    let row = serde_json::to_value(&proxy.tracker.recent_errors(1)[0]).unwrap();
    assert_eq!(row["http_status"], 404);
    assert!(row["error"].as_str().unwrap().contains("/v1/nothing"), "{row}");
}

#[tokio::test]
async fn a_models_name_that_is_too_long_is_told_so() {
    let mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let answer = proxy.post("/v1/chat/completions", &format!(r#"{{"model":"{}"}}"#, "m".repeat(1025))).await;
    assert_eq!(answer.status(), 400);
    assert!(answer.text().contains("longer than 1024 bytes"), "{}", answer.text());
}

#[tokio::test]
async fn a_native_route_answers_in_its_providers_format() {
    let mock = Mock::start().await;
    let proxy = proxy(&mock).await;
    for (path, headers, anthropic) in
        [("/nobody/x", "", false), ("/nobody/x", "anthropic-version: 2023-06-01\r\n", true), ("/gone/x", "", false)]
    {
        let error = proxy.ask(&post(path, headers, "{}")).await.json();
        assert_eq!(error["type"] == "error", anthropic, "{path}: {error}");
    }
    let error = proxy.post("/nobody/x", "{}").await.json();
    assert!(error["error"]["message"].as_str().unwrap().contains("cld, fake, gone, oai"), "{error}");
}

#[tokio::test]
async fn an_upstream_that_speaks_no_tls_is_told_of() {
    let mut mock = Mock::start().await;
    let proxy = proxy(&mock).await;
    let answer = async {
        let mut connection = mock.connection().await;
        connection.fill().await;
        connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    };
    let (answer, ()) = tokio::join!(proxy.post("/fake/x", "{}"), answer);
    assert_eq!(answer.status(), 502);
    assert!(answer.text().contains("fake cannot be reached"), "{}", answer.text());
}

#[tokio::test]
async fn an_upstream_that_closes_without_an_answer_is_unreachable() {
    let mut mock = Mock::start().await;
    let proxy = proxy(&mock).await;
    let close = async {
        let mut connection = mock.connection().await;
        connection.answer().await;
    };
    let (answer, ()) = tokio::join!(proxy.post("/oai/x", "{}"), close);
    assert_eq!(answer.status(), 502);
    assert!(answer.text().contains("oai broke off before it answered"), "{}", answer.text());
}

#[tokio::test]
async fn wrong_methods_are_told_the_right_one() {
    let mock = Mock::start().await;
    let proxy = proxy(&mock).await;
    for (method, path, allow) in [("GET", "/v1/messages", "POST"), ("DELETE", "/v1/models", "GET, HEAD")] {
        let answer = proxy.ask(&format!("{method} {path} HTTP/1.1\r\nhost: p\r\n\r\n")).await;
        assert_eq!((answer.status(), answer.header("allow")), (405, Some(allow)));
    }
}

#[tokio::test]
async fn what_browsers_ask_for_by_themselves_is_not_in_the_list() {
    let mock = Mock::start().await;
    let proxy = proxy(&mock).await;
    for (path, status) in [("/favicon.ico", 404), ("/", 303), ("/health", 200), ("/robots.txt", 404)] {
        assert_eq!(proxy.ask(&format!("GET {path} HTTP/1.1\r\nhost: p\r\n\r\n")).await.status(), status, "{path}");
    }
    assert!(proxy.tracker.recent_traces(10).is_empty());
}

/// A client that writes all it has before it reads must still find the answer.
#[tokio::test]
async fn a_client_that_is_still_sending_gets_the_answer() {
    let mock = Mock::start().await;
    let proxy = proxy(&mock).await;
    let padding = format!("x-padding: {}\r\n", "y".repeat(8000)).repeat(100);
    let long_head = format!("GET /oai/x HTTP/1.1\r\nhost: p\r\n{padding}\r\n");
    let many = format!("GET /oai/x HTTP/1.1\r\nhost: p\r\n{}\r\n", "x-y: z\r\n".repeat(5000));
    let large = post("/v1/chat/completions", "", &format!(r#"{{"x":"{}"}}"#, "y".repeat(20_000_000)));
    let nobody = post("/nobody/x", "", &"y".repeat(20_000_000));
    let chunked = format!(
        "POST /nobody/x HTTP/1.1\r\nhost: p\r\ntransfer-encoding: chunked\r\n\r\n4c4b40\r\n{}",
        "y".repeat(5_000_000)
    );
    for (request, status) in [(long_head, 431), (many, 431), (large, 413), (nobody, 404), (chunked, 404)] {
        let mut stream = tokio::net::TcpStream::connect(proxy.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    // A small one is read for the connection's sake.
    let mut client = Client::to(proxy.address).await;
    for _ in 0..2 {
        client.send(post("/nobody/x", "", "{}").as_bytes()).await;
        let answer = client.answer().await;
        assert_eq!((answer.status(), answer.header("connection")), (404, None));
    }
    proxy.quiet().await;
}
