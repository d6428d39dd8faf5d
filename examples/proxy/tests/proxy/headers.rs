//! Headers on their way through, and keys above all.

use crate::support::{Mock, Running, ok, post};

const BODY: &str = r#"{"model":"m"}"#;

/// The request that the upstream gets and the answer that the client gets, for a request with these header lines.
async fn exchange(proxy: &Running, mock: &mut Mock, path: &str, headers: &str, answer: &str) -> (String, String) {
    let request = post(path, headers, BODY);
    let (answer, asked) = tokio::join!(proxy.ask(&request), mock.serve(answer.as_bytes()));
    (asked.head, answer.head)
}

fn has(head: &str, line: &str) -> bool {
    head.lines().any(|l| l == line)
}

#[tokio::test]
async fn the_clients_key_is_replaced_by_the_providers() {
    let mut mock = Mock::start().await;
    let env = [
        ("OAI_BASE_URL", mock.url("")),
        ("OAI_API_KEY", "sk-oai".to_owned()),
        ("CLD_BASE_URL", mock.url("")),
        ("CLD_API_FORMAT", "anthropic".to_owned()),
        ("CLD_API_KEY", "sk-cld".to_owned()),
        ("BARE_BASE_URL", mock.url("")),
        ("GEMINI_BASE_URL", mock.url("")),
        ("GEMINI_API_KEY", "sk-gem".to_owned()),
        ("PROXY_API_KEY", "pk-secret".to_owned()),
    ];
    let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let proxy = Running::start(&[], &env).await;
    for (path, line) in [
        ("/oai/x", Some("authorization: Bearer sk-oai")),
        ("/cld/x", Some("x-api-key: sk-cld")),
        ("/gemini/x", Some("x-goog-api-key: sk-gem")),
        ("/bare/x", None),
    ] {
        for sent in [
            "authorization: Bearer pk-secret",
            "authorization: bearer pk-secret",
            "x-api-key: pk-secret",
            "api-key: pk-secret",
            "x-goog-api-key: pk-secret",
            "authorization: Bearer other\r\nx-api-key: pk-secret\r\napi-key: other\r\nx-goog-api-key: other",
        ] {
            let (asked, _) = exchange(&proxy, &mut mock, path, &format!("{sent}\r\n"), &ok("{}")).await;
            assert!(!asked.contains("pk-secret") && !asked.contains("other"), "{path} {sent}: {asked}");
            let keys = ["authorization:", "x-api-key:", "api-key:", "x-goog-api-key:"];
            let keys: Vec<_> = asked.lines().filter(|l| keys.iter().any(|key| l.starts_with(key))).collect();
            assert_eq!(keys, line.into_iter().collect::<Vec<_>>(), "{path} {sent}");
            let logs = proxy.ask(&format!("GET /metrics/logs HTTP/1.1\r\nhost: p\r\n{sent}\r\n\r\n")).await;
            assert_eq!(logs.status(), 200, "the monitor takes the same headers: {sent}");
        }
    }
}

#[tokio::test]
async fn a_passing_key_passes_unless_it_is_the_proxys_own() {
    let mut mock = Mock::start().await;
    let env = [("MOCK_BASE_URL", mock.url("")), ("MOCK_API_KEY", "!PASSTHRU".into()), ("PROXY_API_KEY", "pk".into())];
    let env: Vec<_> = env.iter().map(|(name, value): &(_, String)| (*name, value.as_str())).collect();
    let proxy = Running::start(&[], &env).await;
    let (asked, _) =
        exchange(&proxy, &mut mock, "/mock/x", "authorization: Bearer mine\r\nx-api-key: pk\r\n", &ok("")).await;
    assert!(has(&asked, "authorization: Bearer mine"), "{asked}");
    assert!(!asked.contains("pk"), "{asked}");
}

#[tokio::test]
async fn a_request_without_the_key_is_refused() {
    let mut mock = Mock::start().await;
    let proxy = Running::start(&[], &[("MOCK_BASE_URL", &mock.url("")), ("PROXY_API_KEY", "pk-secret")]).await;
    for headers in [
        "",
        "authorization: Bearer pk-secre\r\n",
        "authorization: Bearer pk-secrets\r\n",
        "authorization: Basic pk-secret\r\n",
        "authorization: pk-secret\r\n",
        "x-api-key:\r\n",
        "x-api-key: Bearer pk-secret\r\n",
        "x-api-key: other\r\nx-api-key: pk-secret\r\n",
        "x-goog-api-key: Bearer pk-secret\r\n",
        "x-goog-api-key: other\r\nx-goog-api-key: pk-secret\r\n",
        "api-key: Bearer pk-secret\r\n",
        "API-KEY: pk-secre\r\n",
        "cookie: pk-secret\r\n",
    ] {
        assert_eq!(proxy.ask(&format!("GET /metrics/logs HTTP/1.1\r\nhost: p\r\n{headers}\r\n")).await.status(), 401);
        for path in ["/v1/chat/completions", "/mock/x", "/nobody/x"] {
            let answer = proxy.ask(&post(path, headers, BODY)).await;
            assert_eq!(answer.status(), 401, "{path} {headers:?}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            assert!(!answer.text().contains("pk-secret"));
        }
    }
    assert!(mock.is_idle());
    proxy.quiet().await;
    assert_eq!(proxy.tracker.recent_refusals(100).len(), 39);
    assert!(proxy.tracker.recent_errors(100).is_empty(), "whoever tries keys does not flush the errors");
    let logs = proxy.ask("GET /metrics/logs HTTP/1.1\r\nhost: p\r\nx-api-key: pk-secret\r\n\r\n").await.json();
    let newest = &logs["refusals"][0];
    assert_eq!(
        (&newest["outcome"], &newest["http_status"], &newest["path"]),
        (&"refused".into(), &401.into(), &"/nobody/x".into())
    );
    assert!(newest["error"].as_str().unwrap().starts_with("This proxy wants its key"), "{newest}");
}

#[tokio::test]
async fn a_key_of_the_proxy_does_not_leave_in_another_place_and_is_not_shown_there() {
    let mut mock = Mock::start().await;
    let env = [
        ("MOCK_BASE_URL", mock.url("")),
        ("PROXY_API_KEY", "pk-secret".to_owned()),
        ("VDM_ACTIVE_REQUESTS_VIEW_KEYS", "view-secret".to_owned()),
    ];
    let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let proxy = Running::start(&[], &env).await;
    for (target, header, place) in [
        ("/mock/x?key=pk-secret", "", "the query"),
        ("/mock/x?key=%70k%2Dsecret&x", "", "the query"),
        ("/mock/pk-secret/x", "", "the path"),
        ("/mock/pk%2dsecret/x", "", "the path"),
        ("/pk-secret/x", "", "the path"),
        ("/mock/x?key=view-secret", "", "the query"),
        ("/mock/x", "cookie: a=b; key=pk-secret\r\n", "\"cookie\""),
        ("/mock/x", "x-mine: pk-secret\r\n", "\"x-mine\""),
        ("/mock/x", "x-mine: view-secret\r\n", "\"x-mine\""),
        ("/mock/x", "x-request-id: pk-secret\r\n", "\"x-request-id\""),
        ("/v1/chat/completions", "cookie: pk-secret\r\n", "\"cookie\""),
    ] {
        let answer = proxy.ask(&post(target, &format!("x-api-key: pk-secret\r\n{header}"), BODY)).await;
        assert_eq!(answer.status(), 400, "{target} {header}");
        assert!(answer.text().contains(&place.replace('"', "\\\"")), "{target} {header}: {}", answer.text());
        assert!(!answer.text().contains("pk-secret"), "{}", answer.text());
    }
    assert!(mock.is_idle());
    proxy.quiet().await;
    for trace in proxy.tracker.recent_traces(100) {
        let trace = serde_json::to_string(&trace).unwrap();
        for shown in ["pk-secret", "pk%2dsecret", "view-secret"] {
            assert!(!trace.contains(shown), "{trace}");
        }
    }
    // What is about the connection stays here anyhow.
    let headers = "x-api-key: pk-secret\r\nproxy-authorization: Bearer pk-secret\r\n";
    let (asked, _) = exchange(&proxy, &mut mock, "/mock/x", headers, &ok("")).await;
    assert!(!asked.contains("pk-secret"), "{asked}");
}

#[tokio::test]
async fn a_key_that_an_upstream_repeats_is_not_shown() {
    let mut mock = Mock::start().await;
    let env = [
        ("OAI_BASE_URL", mock.url("")),
        ("OAI_API_KEY", "sk-provider".to_owned()),
        ("PASS_BASE_URL", mock.url("")),
        ("PASS_API_KEY", "!PASSTHRU".to_owned()),
        ("PROXY_API_KEY", "pk-secret".to_owned()),
    ];
    let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let proxy = Running::start(&[], &env).await;
    for (path, key) in [("/oai/x", "sk-provider"), ("/pass/x", "sk-clients-own")] {
        let padding = "y".repeat(256 - "Incorrect API key provided: ".len() - key.len() / 2);
        for (padding, shown) in [("", "Incorrect API key provided: ***  [31m"), (padding.as_str(), "")] {
            let error = format!("Incorrect API key provided: {padding}{key}\n\u{1b}[31m");
            let error = serde_json::json!({"error": {"message": error}}).to_string();
            let answer = ok(&error).replace("200 OK", "401 Unauthorized");
            let headers = "x-api-key: pk-secret\r\nauthorization: Bearer sk-clients-own\r\n";
            let request = post(path, headers, BODY);
            let (got, _) = tokio::join!(proxy.ask(&request), mock.serve(answer.as_bytes()));
            assert_eq!(got.text(), error, "the client gets it as it is");
            proxy.quiet().await;
            let told = proxy.tracker.recent_errors(1)[0].error.clone().unwrap();
            assert!(told.starts_with(shown) && !told.contains(&key[..4]), "{told:?}");
        }
    }
}

/// RFC 9110, section 7.6.1.
#[tokio::test]
async fn what_is_about_the_connection_stays_and_all_else_passes() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let (asked, answered) = exchange(
        &proxy,
        &mut mock,
        "/v1/chat/completions",
        "connection: keep-alive\r\nconnection: x-mine, \r\nx-mine: 1\r\nkeep-alive: 5\r\nte: gzip\r\nupgrade: websocket\r\n\
         proxy-authorization: Basic eA==\r\nx-other: a\r\nx-other: b\r\ncontent-type: application/json\r\nuser-agent: me\r\n",
        "HTTP/1.1 200 OK\r\nconnection: close\r\nconnection: x-theirs\r\nx-theirs: 1\r\nkeep-alive: timeout=5\r\nx-ratelimit: 7\r\n\
         set-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    for dropped in ["connection", "x-mine", "keep-alive", "te:", "upgrade", "proxy-authorization"] {
        assert!(!asked.contains(dropped), "{dropped}: {asked}");
    }
    for line in ["x-other: a", "x-other: b", "content-type: application/json", "user-agent: me", "content-length: 13"] {
        assert!(has(&asked, line), "{line}: {asked}");
    }
    for dropped in ["connection", "x-theirs", "keep-alive"] {
        assert!(!answered.contains(dropped), "{dropped}: {answered}");
    }
    for line in ["x-ratelimit: 7", "set-cookie: a=1", "set-cookie: b=2"] {
        assert!(has(&answered, line), "{line}: {answered}");
    }
}

#[tokio::test]
async fn only_codings_that_can_be_read_are_asked_for() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for (sent, passed) in [
        ("gzip, deflate, br, zstd", "gzip, deflate, br, zstd"),
        ("gzip;q=1.0, *;q=0", "gzip;q=1.0, *;q=0"),
        ("gzip, dcb, br", "gzip, br"),
        ("compress", "identity"),
    ] {
        let (asked, _) = exchange(&proxy, &mut mock, "/mock/x", &format!("accept-encoding: {sent}\r\n"), &ok("")).await;
        assert!(has(&asked, &format!("accept-encoding: {passed}")), "{sent}: {asked}");
    }
    let (asked, _) = exchange(&proxy, &mut mock, "/mock/x", "", &ok("")).await;
    assert!(!asked.contains("accept-encoding"));
}

#[tokio::test]
async fn a_request_has_one_id_on_both_sides() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let (asked, answered) = exchange(&proxy, &mut mock, "/mock/x", "x-request-id: mine\r\n", &ok("")).await;
    assert!(has(&asked, "x-request-id: mine") && has(&answered, "x-request-id: mine"));

    let answer = ok("").replace("\r\n\r\n", "\r\nx-request-id: theirs\r\n\r\n");
    let (asked, answered) = exchange(&proxy, &mut mock, "/mock/x", "", &answer).await;
    proxy.quiet().await;
    let row = proxy.tracker.recent_traces(1)[0].request_id.to_string();
    assert!(has(&asked, &format!("x-request-id: {row}")), "{asked}");
    assert!(has(&answered, &format!("x-request-id: {row}")), "{answered}");
    assert!(has(&answered, "x-upstream-request-id: theirs"), "{answered}");

    let refused = proxy.ask(&post("/nobody/x", "x-request-id: mine\r\n", BODY)).await;
    assert_eq!(refused.header("x-request-id"), Some("mine"));
}
