//! Access: keys, other sites, disabled states, the limit of subscribers.

use crate::support::{Monitor, bytes, header, ms};
use active_requests::{
    ActiveRequestsLayer, CancelRequestLayer,
    config::{API_KEY_HEADERS, CorsOrigins, MonitorConfig, TrackerConfig},
    tracker::RequestTracker,
};
use http_body_util::Full;
use serde_json::{Value, json};
use std::convert::Infallible;
use tokio::time::sleep;
use tower::{ServiceBuilder, ServiceExt};

const PATHS: [&str; 5] =
    ["/active-requests", "/active-requests/stream", "/active-requests/req_00000000-0", "/running-totals", "/logs"];

fn with_key() -> MonitorConfig {
    MonitorConfig::default().keys(["secret"])
}

#[test]
fn no_key_is_printed_with_the_service_that_has_it() {
    let printed = format!("{:?}", Monitor::with(with_key()).service);
    assert!(printed.contains("Secret(..)") && !printed.contains("\"secret\""), "{printed}");
}

#[tokio::test]
async fn with_keys_set_every_route_needs_one() {
    let monitor = Monitor::with(with_key().allow_cancel(true));
    for path in PATHS.into_iter().chain(["/nothing"]) {
        for method in ["GET", "HEAD", "POST", "DELETE"] {
            for wrong in [&[][..], &[("x-api-key", "Secret")], &[("authorization", "Basic secret")]] {
                let response = monitor.ask(method, path, wrong).await;
                assert_eq!(response.status(), 401, "{method} {path}");
                assert_eq!(header(response.headers(), "www-authenticate"), Some("Bearer"));
                assert_eq!(header(response.headers(), "access-control-allow-origin"), Some("*"));
            }
        }
        for right in [
            ("x-api-key", "secret"),
            ("api-key", "secret"),
            ("x-goog-api-key", "secret"),
            ("authorization", "Bearer secret"),
        ] {
            assert_ne!(monitor.ask("GET", path, &[right]).await.status(), 401, "{path}");
        }
    }
    let error: Value = serde_json::from_slice(&bytes(monitor.get("/logs").await).await).unwrap();
    assert_eq!(error["error"]["type"], "unauthorized");
    for path in PATHS {
        assert_eq!(monitor.ask("OPTIONS", path, &[]).await.status(), 204, "a browser asks without a key");
    }
}

#[tokio::test]
async fn ending_a_request_is_never_open() {
    let key = ("x-api-key", "secret");
    let open = MonitorConfig::default().allow_cancel(true);
    let both = with_key().allow_cancel(true);
    for (config, headers, status, kind) in [
        (MonitorConfig::default(), &[][..], 403, "forbidden"),
        (open, &[][..], 403, "forbidden"),
        (with_key(), &[][..], 403, "forbidden"),
        (with_key(), &[key][..], 403, "forbidden"),
        (both.clone(), &[][..], 401, "unauthorized"),
        (both, &[key][..], 409, "not_cancellable"),
    ] {
        let monitor = Monitor::with(config);
        let request = monitor.start("a");
        let response = monitor.ask("DELETE", &format!("/active-requests/{}", request.id()), headers).await;
        assert_eq!(response.status(), status);
        let error: Value = serde_json::from_slice(&bytes(response).await).unwrap();
        assert_eq!(error["error"]["type"], kind);
        let options = monitor.ask("OPTIONS", &format!("/active-requests/{}", request.id()), &[]).await;
        let allow = header(options.headers(), "allow").unwrap();
        assert_eq!(allow.contains("DELETE"), monitor.service.config().can_operate());
        if status == 409 {
            let gone = monitor.ask("DELETE", "/active-requests/req_00000000-0", headers).await;
            assert_eq!(gone.status(), 404);
        }
        assert_eq!(monitor.tracker.active(), 1);
    }
}

#[tokio::test]
async fn a_request_with_the_layer_around_it_is_cancelled_and_leaves_its_row_as_the_answer() {
    let key = ("x-api-key", "secret");
    let monitor = Monitor::with(with_key().allow_cancel(true));
    let layers =
        ServiceBuilder::new().layer(ActiveRequestsLayer::new(monitor.tracker.clone())).layer(CancelRequestLayer::new());
    let service = layers.service_fn(async |_: http::Request<()>| {
        std::future::pending::<()>().await;
        Ok::<_, Infallible>(http::Response::new(Full::<bytes::Bytes>::default()))
    });
    let request = tokio::spawn(service.oneshot(http::Request::post("/v1/messages").body(()).unwrap()));
    while monitor.tracker.active() == 0 {
        tokio::task::yield_now().await;
    }
    let id = monitor.tracker.snapshot()[0].request_id;
    let path = format!("/active-requests/{id}");
    let snapshot: Value =
        serde_json::from_slice(&bytes(monitor.ask("GET", "/active-requests", &[key]).await).await).unwrap();
    assert_eq!(snapshot["can_cancel"], true);

    let response = monitor.ask("DELETE", &path, &[key]).await;
    assert_eq!(response.status(), 202);
    let row: Value = serde_json::from_slice(&bytes(response).await).unwrap();
    assert_eq!((&row["request_id"], &row["path"]), (&json!(id.to_string()), &json!("/v1/messages")));
    assert_eq!(request.await.unwrap().unwrap().status(), 503);
    assert_eq!(monitor.ask("DELETE", &path, &[key]).await.status(), 404, "it is gone");
    let entry = monitor.tracker.recent_errors(2).remove(0);
    assert_eq!((entry.outcome.as_str(), entry.error_type.unwrap().as_str()), ("killed", "cancelled"));
}

#[tokio::test]
async fn pages_of_other_sites_read_what_the_setting_lets_them() {
    let list = CorsOrigins::List(vec!["https://ops.example".to_owned(), "http://localhost:3000/".to_owned()]);
    let table = [
        (CorsOrigins::Any, "https://x.example", Some("*"), None),
        (CorsOrigins::None, "https://x.example", None, None),
        (list.clone(), "http://localhost:3000", Some("http://localhost:3000"), Some("origin")),
        (list, "https://x.example", None, Some("origin")),
    ];
    for (origins, origin, allowed, vary) in table {
        let monitor = Monitor::with(MonitorConfig::default().cors_origins(origins.clone()));
        for path in PATHS {
            for method in ["GET", "HEAD", "OPTIONS", "PUT"] {
                let response = monitor.ask(method, path, &[("origin", origin)]).await;
                let headers = response.headers();
                assert_eq!(header(headers, "access-control-allow-origin"), allowed, "{method} {path} {origins:?}");
                let varies: Vec<_> = headers.get_all("vary").iter().filter(|v| *v == "origin").collect();
                assert_eq!(varies.first().map(|v| v.to_str().unwrap()), vary, "{method} {path} {origins:?}");
                let asked = method == "OPTIONS" && origins != CorsOrigins::None;
                let may_send = header(headers, "access-control-allow-headers").unwrap_or_default();
                for name in &API_KEY_HEADERS {
                    assert_eq!(may_send.split(", ").any(|allowed| allowed == name), asked, "{name}: {may_send}");
                }
                assert!(!headers.contains_key("access-control-allow-credentials"));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_has_the_contracts_headers() {
    let monitor = Monitor::new();
    for format in ["", "?format=update", "?format=delta"] {
        let response = monitor.get(&format!("/active-requests/stream{format}")).await;
        let headers = response.headers();
        assert_eq!(response.status(), 200);
        assert_eq!(header(headers, "content-type"), Some("text/event-stream; charset=utf-8"));
        assert_eq!(header(headers, "cache-control"), Some("no-cache"));
        assert_eq!(header(headers, "x-accel-buffering"), Some("no"));
        assert_eq!(header(headers, "access-control-allow-origin"), Some("*"));
        assert_eq!(header(headers, "content-length"), None);
    }
}

fn not_tracking() -> RequestTracker {
    RequestTracker::new(TrackerConfig::default().enabled(false))
}

#[tokio::test]
async fn without_tracking_every_route_says_so() {
    for stream_enabled in [true, false] {
        let monitor = Monitor::of(not_tracking(), MonitorConfig::default().stream_enabled(stream_enabled));
        let text = async |path: &str| {
            let response = monitor.get(path).await;
            assert_eq!(response.status(), 200, "{path}");
            String::from_utf8(bytes(response).await.to_vec()).unwrap()
        };
        assert_eq!(
            text("/active-requests").await,
            r#"{"disabled":true,"active_requests":[],"message":"Request metrics logging is disabled","suggestion":"Set LOG_REQUEST_METRICS=true to enable tracking"}"#
        );
        assert_eq!(
            text("/active-requests/stream").await,
            "event: disabled\ndata: {\"disabled\":true,\"message\":\"Request metrics logging is disabled\",\"suggestion\":\"Set LOG_REQUEST_METRICS=true to enable tracking\"}\n\n"
        );
        assert_eq!(text("/logs").await, r#"{"errors":[],"traces":[],"refusals":[]}"#);
        let totals: Value = serde_json::from_str(&text("/running-totals").await).unwrap();
        let mut expected = serde_json::to_value(RequestTracker::default().running_totals(&Default::default())).unwrap();
        for (key, value) in [
            ("disabled", json!(true)),
            ("message", json!("Request metrics logging is disabled")),
            ("suggestion", json!("Set LOG_REQUEST_METRICS=true to enable tracking")),
        ] {
            expected[key] = value;
        }
        assert_eq!(totals, expected);
        let stream = monitor.get("/active-requests/stream").await;
        assert_eq!(header(stream.headers(), "content-type"), Some("text/event-stream; charset=utf-8"));
    }
}

#[tokio::test]
async fn without_the_stream_only_the_stream_says_so() {
    let monitor = Monitor::with(MonitorConfig::default().stream_enabled(false));
    let response = monitor.get("/active-requests/stream").await;
    assert_eq!(response.status(), 503);
    assert_eq!(header(response.headers(), "content-type"), Some("application/json"));
    assert_eq!(header(response.headers(), "retry-after"), None);
    assert_eq!(
        bytes(response).await,
        r#"{"disabled":true,"message":"SSE for active requests is disabled","suggestion":"Set VDM_ACTIVE_REQUESTS_SSE_ENABLED=true to enable"}"#
    );
    assert_eq!(monitor.json("/active-requests").await["disabled"], false);
}

#[tokio::test(start_paused = true)]
async fn more_viewers_than_there_may_be_are_told_to_come_back() {
    let monitor = Monitor::with(MonitorConfig::default().max_subscribers(2));
    let one = monitor.watch("update").await;
    let mut two = monitor.watch("delta").await;
    two.event().await;
    let response = monitor.get("/active-requests/stream").await;
    assert_eq!((response.status().as_u16(), header(response.headers(), "retry-after")), (503, Some("5")));
    let error: Value = serde_json::from_slice(&bytes(response).await).unwrap();
    let message = "All 2 streams are taken; try again later.";
    assert_eq!(error, json!({"error": {"type": "too_many_subscribers", "message": message}}));
    assert_eq!(monitor.ask("HEAD", "/active-requests/stream", &[]).await.status(), 200);
    drop(one);
    let mut three = monitor.watch("update").await;
    assert!(three.event().await.ids().is_empty());
    sleep(ms(10)).await;
    assert_eq!(monitor.get("/active-requests/stream").await.status(), 503);
}
