//! Every route, method and wrong query.

use crate::support::{Monitor, bytes, header, ms};
use active_requests::{
    cost::Prices,
    tracker::{BodyProgress, Outcome, RequestInfo},
    usage::{Observation, ProviderUsage, Usage},
};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn every_route_answers_every_method() {
    let monitor = Monitor::new();
    let request = monitor.start("gpt-4o");
    let one = format!("/active-requests/{}", request.id());
    let reading = "GET, HEAD, OPTIONS";
    let table = [
        ("/active-requests", reading),
        ("/active-requests/stream", reading),
        (one.as_str(), reading),
        ("/running-totals", reading),
        ("/logs", reading),
    ];
    for (path, allow) in table {
        let get = monitor.get(path).await;
        assert_eq!(get.status(), 200, "GET {path}");
        let head = monitor.ask("HEAD", path, &[]).await;
        assert_eq!(head.status(), 200, "HEAD {path}");
        let mut expected = get.headers().clone();
        if path != "/active-requests/stream" {
            let length = bytes(get).await.len().to_string();
            expected.insert("content-length", length.parse().unwrap());
        }
        assert_eq!(head.headers(), &expected, "HEAD {path}");
        assert!(bytes(head).await.is_empty());

        let options = monitor.ask("OPTIONS", path, &[]).await;
        assert_eq!((options.status().as_u16(), header(options.headers(), "allow")), (204, Some(allow)));
        assert_eq!(header(options.headers(), "access-control-allow-methods"), Some(allow));
        assert_eq!(header(options.headers(), "access-control-allow-origin"), Some("*"));
        for method in ["POST", "PUT", "PATCH", "DELETE", "BREW"] {
            if (method, path) == ("DELETE", one.as_str()) {
                continue;
            }
            let refused = monitor.ask(method, path, &[]).await;
            assert_eq!((refused.status().as_u16(), header(refused.headers(), "allow")), (405, Some(allow)));
            let error: Value = serde_json::from_slice(&bytes(refused).await).unwrap();
            let expected =
                json!({"error": {"type": "method_not_allowed", "message": format!("Allowed here are {allow}.")}});
            assert_eq!(error, expected, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let monitor = Monitor::new();
    let paths = [
        "/metrics",
        "/active-requests/",
        "/active-requests/stream/",
        "/active-requests/req_00000000-1",
        "/active-requests/x",
        "/active-requests/stream/x",
        "/Logs",
        "/metrics/logs",
    ];
    for path in paths {
        for method in ["GET", "POST"] {
            let response = monitor.ask(method, path, &[]).await;
            let expected = if path.starts_with("/active-requests/req_") || path == "/active-requests/x" {
                if method == "GET" { 404 } else { 405 }
            } else {
                404
            };
            assert_eq!(response.status().as_u16(), expected, "{method} {path}");
        }
    }
    let error = monitor.json("/nothing").await;
    assert_eq!(error["error"]["type"], "not_found");
    let error = monitor.json("/active-requests/req_00000000-1").await;
    let message = "No request \"req_00000000-1\" is in flight.";
    assert_eq!(error, json!({"error": {"type": "not_found", "message": message}}));
}

#[tokio::test]
async fn a_wrong_query_is_named_with_what_is_allowed() {
    let monitor = Monitor::new();
    let table = [
        ("/logs?limit_errors=0", "limit_errors is \"0\"; allowed is a whole number from 1 to 1000."),
        ("/logs?limit_errors=1001", "limit_errors is \"1001\"; allowed is a whole number from 1 to 1000."),
        ("/logs?limit_traces=2001", "limit_traces is \"2001\"; allowed is a whole number from 1 to 2000."),
        ("/logs?limit_traces=ten", "limit_traces is \"ten\"; allowed is a whole number from 1 to 2000."),
        (
            "/running-totals?include_active=perhaps",
            "include_active is \"perhaps\"; allowed is true, false, 1, 0, yes, no, on or off.",
        ),
        ("/active-requests/stream?format=xml", "format is \"xml\"; allowed is update or delta."),
    ];
    for (path, message) in table {
        let response = monitor.get(path).await;
        assert_eq!(response.status(), 400, "{path}");
        let error: Value = serde_json::from_slice(&bytes(response).await).unwrap();
        assert_eq!(error, json!({"error": {"type": "bad_request", "message": message}}), "{path}");
    }
    for path in ["/logs?limit_errors=1000&limit_traces=2000", "/running-totals?include_active=NO", "/logs?x=y"] {
        assert_eq!(monitor.get(path).await.status(), 200, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_snapshot_is_the_contracts_byte_for_byte() {
    let monitor = Monitor::new();
    let empty = monitor.get("/active-requests").await;
    assert_eq!(header(empty.headers(), "content-type"), Some("application/json"));
    assert_eq!(header(empty.headers(), "cache-control"), Some("no-cache"));
    let text = String::from_utf8(bytes(empty).await.to_vec()).unwrap();
    let timestamp = text.strip_prefix("{\"disabled\":false,\"active_requests\":[],\"timestamp\":").unwrap();
    assert!(timestamp.strip_suffix(",\"can_cancel\":false}").unwrap().parse::<f64>().is_ok(), "{text}");

    let older = monitor.start("openai:gpt-\"4\"\u{1}é");
    older.handle().set_stage("looking \\ up");
    older.handle().set_resolved_model("gpt-4-0125");
    older.handle().describe(&RequestInfo::new().route("/v1/{*rest}").caller("team \"b\""));
    older.handle().set_label("x-session", "s \\ \u{1} \u{e9}");
    older.handle().set_label("x-a", "");
    sleep(ms(7)).await;
    let mut newer = monitor.start("llama3:8b");
    newer.head(StatusCode::OK, Some(true), Observation::Full);
    sleep(ms(1230)).await;
    newer.frame(BodyProgress { response_bytes: 4096, text_bytes: 0 });
    let prices = r#"{"llama3:8b": {"input_cost_per_token": 1e-7, "output_cost_per_token": 2e-7, "mode": "chat"}}"#;
    monitor.tracker.set_prices(Prices::from_litellm(prices).unwrap());
    newer.handle().set_usage(Usage::new().input_tokens(3).output_tokens(7));
    let rows = monitor.tracker.snapshot();
    assert!(rows[0].cost_usd.is_some() && rows[1].cost_usd.is_none());
    assert_eq!(rows[0].request_id, newer.id(), "newest first");
    let text = bytes(monitor.get("/active-requests").await).await;
    let value: Value = serde_json::from_slice(&text).unwrap();
    let expected = format!(
        "{{\"disabled\":false,\"active_requests\":{},\"timestamp\":{},\"can_cancel\":false}}",
        serde_json::to_string(&rows).unwrap(),
        value["timestamp"]
    );
    assert_eq!(std::str::from_utf8(&text).unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_tag_of_a_snapshot_moves_with_anything_but_the_time() {
    let monitor = Monitor::new();
    let epoch = format!("{:08x}", monitor.tracker.epoch());
    let tag = async || {
        let response = monitor.get("/active-requests").await;
        header(response.headers(), "etag").unwrap().to_owned()
    };
    let empty = tag().await;
    assert_eq!(empty, format!("W/\"{epoch}-0\""));
    let mut request = monitor.start("gpt-4o");
    let started = tag().await;
    assert_ne!(started, empty);
    sleep(ms(500)).await;
    assert_eq!(tag().await, started, "duration and idle time alone do not count");

    for (held, status) in [
        (started.as_str(), 304),
        ("\"x\", W/\"y\"", 200),
        ("*", 304),
        (started.strip_prefix("W/").unwrap(), 304),
        (&format!("\"x\", {started}"), 304),
        (empty.as_str(), 200),
    ] {
        let response = monitor.ask("GET", "/active-requests", &[("if-none-match", held)]).await;
        assert_eq!(response.status().as_u16(), status, "{held}");
        assert_eq!(header(response.headers(), "etag"), Some(started.as_str()));
        assert_eq!(header(response.headers(), "cache-control"), Some("no-cache"));
        assert_eq!(bytes(response).await.is_empty(), status == 304);
    }

    request.head(StatusCode::OK, None, Observation::Full);
    let head = tag().await;
    assert_ne!(head, started);
    request.frame(BodyProgress { response_bytes: 10, text_bytes: 0 });
    let moved = tag().await;
    assert_ne!(moved, head, "a counter has moved");
    request.finish(Outcome::Completed);
    assert_ne!(tag().await, moved);
}

#[tokio::test(start_paused = true)]
async fn a_single_row_has_what_the_provider_said() {
    let monitor = Monitor::new();
    let request = monitor.start("openai:gpt-4o");
    let row = monitor.json(&format!("/active-requests/{}", request.id())).await;
    let mut expected = serde_json::to_value(&monitor.tracker.snapshot()[0]).unwrap();
    expected["provider_usage"] = serde_json::to_value(ProviderUsage::default()).unwrap();
    assert_eq!(expected["provider_usage"]["total_tokens"], Value::Null);
    assert_eq!(row, expected);
    let path = format!("/active-requests/{}", request.id());
    request.finish(Outcome::Completed);
    assert_eq!(monitor.get(&path).await.status(), 404);
}

#[tokio::test(start_paused = true)]
async fn totals_are_filtered_and_count_a_request_once() {
    let monitor = Monitor::new();
    monitor.start("openai:gpt-4o").finish(Outcome::Completed);
    monitor.start("openai:gpt-4o-mini").finish(Outcome::Cancelled);
    let _active = monitor.start("anthropic:claude/3");
    let requests = async |query: &str| {
        let totals = monitor.json(&format!("/running-totals{query}")).await;
        (totals["total_requests"].clone(), totals["total_errors"].clone(), totals["active_requests"].clone())
    };
    for (query, requested, errors, active) in [
        ("", 3, 1, 1),
        ("?provider=&model=", 3, 1, 1),
        ("?include_active=false", 2, 1, 1),
        ("?provider=OPENAI", 2, 1, 0),
        ("?model=gpt-4*", 2, 1, 0),
        ("?model=gpt-4%2A", 2, 1, 0),
        ("?provider=anthropic&model=claude%2F3", 1, 0, 1),
        ("?provider=nobody", 0, 0, 0),
    ] {
        assert_eq!(requests(query).await, (json!(requested), json!(errors), json!(active)), "{query}");
    }
    let response = monitor.get("/running-totals").await;
    assert_eq!(header(response.headers(), "content-type"), Some("application/json"));
    let expected = serde_json::to_vec(&monitor.tracker.running_totals(&Default::default())).unwrap();
    assert_eq!(bytes(response).await, expected);
}

#[tokio::test(start_paused = true)]
async fn logs_are_the_newest_errors_and_traces_and_apart_the_refusals() {
    let monitor = Monitor::new();
    for _ in 0..3 {
        monitor.start("a").finish(Outcome::Completed);
        drop(monitor.start("b"));
        let refused = monitor.start("c");
        refused.handle().set_refused();
    }
    let logs = monitor.json("/logs?limit_errors=2&limit_traces=4").await;
    assert_eq!(logs["refusals"], serde_json::to_value(monitor.tracker.recent_refusals(3)).unwrap());
    assert_eq!(logs["errors"], serde_json::to_value(monitor.tracker.recent_errors(2)).unwrap());
    assert_eq!(logs["traces"], serde_json::to_value(monitor.tracker.recent_traces(4)).unwrap());
    let seqs = |list: &Value| list.as_array().unwrap().iter().map(|e| e["seq"].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!((seqs(&logs["errors"]), seqs(&logs["traces"])), (vec![3, 2], vec![6, 5, 4, 3]));
    assert_eq!(seqs(&logs["refusals"]), [3, 2, 1]);
    assert_eq!(logs.as_object().unwrap().keys().collect::<Vec<_>>(), ["errors", "refusals", "traces"]);
}
