//! Caller, labels and cost in rows, entries and totals.

use std::{borrow::Cow, convert::Infallible};

use active_requests::{
    config::{CallerSource, TrackerConfig},
    cost::Prices,
    inspect::{InspectRequestLayer, InspectedBody},
    track::ActiveRequestsLayer,
    tracker::{ActiveRequest, Entry, Outcome, RequestHandle, RequestInfo, RequestTracker, TotalsFilter},
    usage::{Usage, UsageSource},
};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::{Layer, ServiceBuilder, ServiceExt};

/// Sends a request with these headers through the layer. Returns its entry.
async fn send(tracker: &RequestTracker, layer: ActiveRequestsLayer, headers: &[(&str, &str)]) -> Entry {
    let service = layer.layer(tower::service_fn(async |request: Request<()>| {
        let handle = request.extensions().get::<RequestHandle>().cloned().unwrap_or_default();
        handle.set_label("step", "second");
        Ok::<_, Infallible>(Response::new(String::new()))
    }));
    let mut request = Request::post("/v1/messages");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    drop(service.oneshot(request.body(()).unwrap()).await.unwrap());
    tracker.recent_traces(1).remove(0)
}

#[tokio::test]
async fn nobody_is_named_and_nothing_labelled_by_default() {
    let tracker = RequestTracker::default();
    let request = tracker.start(&Method::GET, "/", &RequestInfo::new());
    let row = serde_json::to_value(&tracker.snapshot()[0]).unwrap();
    drop(request);
    let entry = serde_json::to_value(&tracker.recent_traces(1)[0]).unwrap();
    for shown in [row, entry] {
        assert_eq!((&shown["caller"], &shown["labels"], &shown["cost_usd"]), (&Value::Null, &json!({}), &Value::Null));
    }
    let sent = send(&tracker, ActiveRequestsLayer::new(tracker.clone()), &[("x-api-key", "sk-secret")]).await;
    assert_eq!(sent.caller, None);
}

#[tokio::test]
async fn the_caller_is_what_the_setting_says_and_the_layers_own_word_goes_first() {
    let headers = [("authorization", "Bearer sk-secret"), ("x-team", "blue")];
    for (source, expected) in [(CallerSource::Key, None), ("header:x-team".parse().unwrap(), Some("blue"))] {
        let tracker = RequestTracker::new(TrackerConfig::default().caller(source).caller_salt("salt"));
        let layer = ActiveRequestsLayer::new(tracker.clone());
        let caller = send(&tracker, layer.clone(), &headers).await.caller.unwrap();
        match expected {
            Some(expected) => assert_eq!(caller, expected),
            None => assert!(caller.len() == 8 && caller.bytes().all(|digit| digit.is_ascii_hexdigit()), "{caller}"),
        }
        let described = layer.clone().describe(|_| RequestInfo::new().caller("described"));
        assert_eq!(send(&tracker, described, &headers).await.caller.as_deref(), Some("described"));
        let filtered = layer.clone().filter(|_| true);
        assert_eq!(send(&tracker, filtered, &headers).await.caller, Some(caller));
        let own =
            layer.clone().caller(|parts| Some(Cow::Owned(format!("{}-1", parts.headers["x-team"].to_str().unwrap()))));
        assert_eq!(send(&tracker, own, &headers).await.caller.as_deref(), Some("blue-1"));
        let nobody = layer.caller(|_| None);
        assert_eq!(send(&tracker, nobody, &headers).await.caller, None);
    }
}

#[tokio::test]
async fn labels_are_the_headers_of_the_setting_and_what_the_handler_adds() {
    let config = TrackerConfig::default().labels("X-Session, x-missing, x-team".parse().unwrap());
    let tracker = RequestTracker::new(config);
    let layer = ActiveRequestsLayer::new(tracker.clone());
    let long = "é".repeat(40);
    let entry = send(&tracker, layer, &[("x-team", "blue"), ("x-other", "no"), ("x-session", &long)]).await;
    let expected = [("x-session", "é".repeat(32)), ("x-team", "blue".to_owned()), ("step", "second".to_owned())];
    assert_eq!(entry.labels, expected.map(|(name, value)| (name.to_owned(), value)));
    let text = serde_json::to_string(&entry).unwrap();
    assert!(text.contains(r#""x-team":"blue","step":"second"}"#), "{text}");
}

#[tokio::test]
async fn labels_may_come_from_a_function_of_the_head() {
    let tracker = RequestTracker::new(TrackerConfig::default().labels("x-team".parse().unwrap()));
    let layer = ActiveRequestsLayer::new(tracker.clone()).labels(|parts| {
        let path = parts.uri.path();
        vec![("version".into(), path[1..3].into()), ("long".into(), "x".repeat(100).into())]
    });
    let entry = send(&tracker, layer, &[("x-team", "blue")]).await;
    let labels: Vec<_> = entry.labels.iter().map(|(name, value)| (name.as_str(), value.len())).collect();
    assert_eq!(labels, [("version", 2), ("long", 64), ("x-team", 4), ("step", 6)]);
}

#[tokio::test]
async fn labels_of_the_body_are_shown_once_they_have_passed() {
    let config = TrackerConfig::default().labels("x-team,body:metadata.user_id".parse().unwrap());
    let tracker = RequestTracker::new(config);
    let seen = tracker.clone();
    let service = ServiceBuilder::new()
        .layer(ActiveRequestsLayer::new(tracker.clone()))
        .layer(InspectRequestLayer::new().counts(false))
        .service_fn(move |request: Request<InspectedBody<Full<Bytes>>>| {
            let tracker = seen.clone();
            async move {
                assert_eq!(tracker.snapshot()[0].labels.len(), 1);
                request.into_body().collect().await?;
                assert_eq!(tracker.snapshot()[0].labels[1], ("metadata.user_id".to_owned(), "u-7".to_owned()));
                Ok::<_, Infallible>(Response::new(String::new()))
            }
        });
    let body =
        r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}],"metadata":{"user_id":"u-7"}}"#;
    let request = Request::post("/v1/messages").header("x-team", "blue").body(Full::from(body)).unwrap();
    drop(service.oneshot(request).await.unwrap());
    let entry = serde_json::to_value(tracker.recent_traces(1).remove(0)).unwrap();
    assert_eq!(entry["labels"], json!({"x-team": "blue", "metadata.user_id": "u-7"}));
}

fn prices(input: &str) -> Prices {
    let prices = format!(
        r#"{{"gpt-4o": {{"input_cost_per_token": {input}, "output_cost_per_token": 1e-5, "litellm_provider": "openai", "mode": "chat"}}}}"#
    );
    Prices::from_litellm(&prices).unwrap()
}

fn start(tracker: &RequestTracker, model: &str, input: u64, output: u64) -> ActiveRequest {
    let info = RequestInfo::new().provider("openai").model(model).is_streaming(true);
    let request = tracker.start(&Method::POST, "/v1/chat/completions", &info).unwrap();
    let mut usage = Usage::default();
    (usage.input_tokens, usage.output_tokens) = (input, output);
    request.handle().set_usage(usage);
    request
}

#[test]
fn a_cost_is_shown_where_price_and_usage_are_known_and_null_elsewhere() {
    let tracker = RequestTracker::default();
    let before = start(&tracker, "gpt-4o", 1000, 200);
    assert_eq!(tracker.snapshot()[0].cost_usd, None, "no prices are set");
    tracker.set_prices(prices("2.5e-6"));
    let cost = |row: usize| tracker.snapshot()[row].cost_usd.map(|cost| cost.to_string());
    assert_eq!(cost(0).as_deref(), Some("0.0045"));
    before.finish(Outcome::Completed);

    let unknown = start(&tracker, "house-model", 1000, 200);
    assert_eq!(cost(0), None, "the model has no price");
    unknown.finish(Outcome::Completed);

    let info = RequestInfo::new().provider("openai").model("gpt-4o");
    let silent = tracker.start(&Method::POST, "/v1/chat/completions", &info).unwrap();
    assert_eq!(cost(0), None, "nothing is known of its tokens, which is not 0");
    silent.handle().add_text("some text that makes tokens");
    let row = tracker.snapshot().remove(0);
    assert_eq!((row.usage_source, row.cost_usd.is_some()), (UsageSource::Estimated, true));
    assert_eq!(row.cost_usd.unwrap().to_string(), format!("0.{:05}", row.output_tokens).trim_end_matches('0'));
    silent.handle().set_usage(Usage::default());
    silent.finish(Outcome::Completed);

    let costs: Vec<_> =
        tracker.recent_traces(3).into_iter().map(|entry| entry.cost_usd.map(|c| c.to_string())).collect();
    assert_eq!(costs, [Some("0".to_owned()), None, Some("0.0045".to_owned())]);
}

#[test]
fn totals_add_up_what_is_known_and_count_the_rest() {
    let tracker = RequestTracker::default();
    tracker.set_prices(prices("2.5e-6"));
    for _ in 0..3 {
        start(&tracker, "gpt-4o", 1, 1).finish(Outcome::Completed);
    }
    start(&tracker, "house-model", 1000, 200).finish(Outcome::Completed);
    let active = start(&tracker, "gpt-4o-2024-08-06", 2, 0);
    let shown = |filter: &TotalsFilter| serde_json::to_string(&tracker.running_totals(filter)).unwrap();
    let all = shown(&TotalsFilter::new());
    assert!(all.ends_with(r#","total_cost_usd":0.0000425,"unpriced_requests":1,"refused_requests":0}"#), "{all}");
    let ended = tracker.running_totals(&TotalsFilter::new().include_active(false));
    assert_eq!(ended.total_cost_usd.unwrap().to_string(), "0.0000375");
    let models = &ended.providers["openai"].models;
    let of = |model: &str| {
        (models[model].totals.total.cost_usd.map(|c| c.to_string()), models[model].totals.total.unpriced_requests)
    };
    assert_eq!(of("gpt-4o"), (Some("0.0000375".to_owned()), 0));
    assert_eq!(of("house-model"), (None, 1));
    drop(active);
}

#[test]
fn new_prices_count_from_now_on() {
    let tracker = RequestTracker::default();
    tracker.set_prices(prices("2.5e-6"));
    start(&tracker, "gpt-4o", 1000, 0).finish(Outcome::Completed);
    let live = start(&tracker, "gpt-4o", 1000, 0);
    let cost = || tracker.snapshot()[0].cost_usd.map(|cost| cost.to_string());
    assert_eq!(cost().as_deref(), Some("0.0025"));
    tracker.set_prices(prices("5e-6"));
    assert_eq!(cost().as_deref(), Some("0.005"));
    assert_eq!(tracker.recent_traces(1)[0].cost_usd.unwrap().to_string(), "0.0025");
    live.finish(Outcome::Completed);
    assert_eq!(tracker.running_totals(&TotalsFilter::new()).total_cost_usd.unwrap().to_string(), "0.0075");
}
