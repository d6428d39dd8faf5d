//! Questions to other replicas: one row, totals, logs, the last hour, and cancelling.

use crate::support::{Replica, document, ms};
use active_requests::{
    CancelRequestLayer, MonitorConfig, MonitorService, RequestTracker, fleet::MemoryNetwork,
    track::ActiveRequestsLayer, tracker::Outcome,
};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use std::convert::Infallible;
use tower::{ServiceBuilder, ServiceExt};

pub(crate) const KEY: &[(&str, &str)] = &[("x-api-key", "operator")];

pub(crate) fn operated() -> MonitorConfig {
    MonitorConfig::default().operate_keys(["operator"])
}

#[tokio::test(start_paused = true)]
async fn one_row_is_read_at_the_replica_that_has_it() {
    let network = MemoryNetwork::new(1);
    let (a, mut b) = (Replica::new(&network, "a"), Replica::new(&network, "b"));
    let id = b.start("gpt-4o");
    let row = a.json(&format!("/active-requests/{id}")).await;
    assert_eq!((&row["request_id"], &row["replica"]), (&id.as_str().into(), &"b".into()));
    assert!(row["provider_usage"].is_object());
    b.requests.clear();
    let gone = a.ask("GET", &format!("/active-requests/{id}"), &[]).await;
    assert_eq!(gone.status(), 404);
    let nobody = a.ask("GET", "/active-requests/req_00000000-1", &[]).await;
    assert_eq!((nobody.status().as_u16(), document(nobody).await["error"]["type"].clone()), (404, "not_found".into()));
}

/// A request in flight that can be cancelled, in a task of its own.
pub(crate) async fn in_flight(tracker: &RequestTracker) -> tokio::task::JoinHandle<Response<Full<Bytes>>> {
    let service = ServiceBuilder::new()
        .layer(ActiveRequestsLayer::new(tracker.clone()))
        .layer(CancelRequestLayer::new())
        .service_fn(async |_: Request<()>| {
            std::future::pending::<()>().await;
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
    let request =
        tokio::spawn(async move { service.oneshot(Request::new(())).await.unwrap().map(|_| Full::default()) });
    tokio::task::yield_now().await;
    request
}

#[tokio::test(start_paused = true)]
async fn a_request_is_cancelled_from_any_replica_once_however_often_it_is_asked_for() {
    let network = MemoryNetwork::new(1);
    let (a, b) = (Replica::with(&network, "a", operated()), Replica::with(&network, "b", operated()));
    network.set_faults(0.0, 1.0, ms(20));
    let request = in_flight(&b.tracker).await;
    let path = format!("/active-requests/{}", b.tracker.snapshot()[0].request_id);
    assert_eq!(a.ask("DELETE", &path, &[]).await.status(), 401);
    assert_eq!(b.tracker.active(), 1);
    let answer = a.ask("DELETE", &path, KEY).await;
    assert_eq!(answer.status(), 202);
    assert_eq!(document(answer).await["replica"], "b");
    assert_eq!(request.await.unwrap().status(), 503);
    assert_eq!(b.tracker.recent_traces(9).iter().map(|trace| trace.outcome).collect::<Vec<_>>(), [Outcome::Killed]);
    assert_eq!(a.ask("DELETE", &path, KEY).await.status(), 404);
}

#[tokio::test(start_paused = true)]
async fn the_replica_that_has_a_request_says_whether_it_can_be_cancelled() {
    let network = MemoryNetwork::new(1);
    let (a, mut b) = (Replica::with(&network, "a", operated()), Replica::with(&network, "b", operated()));
    let id = b.start("gpt-4o");
    let answer = a.ask("DELETE", &format!("/active-requests/{id}"), KEY).await;
    assert_eq!(
        (answer.status().as_u16(), document(answer).await["error"]["type"].clone()),
        (409, "not_cancellable".into())
    );
    let mut c = Replica::new(&network, "c");
    let id = c.start("gpt-4o");
    let answer = a.ask("DELETE", &format!("/active-requests/{id}"), KEY).await;
    assert_eq!((answer.status().as_u16(), c.tracker.active()), (403, 1));
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_does_not_answer_may_still_do_what_it_was_asked() {
    let network = MemoryNetwork::new(1);
    let (a, mut b) = (Replica::with(&network, "a", operated()), Replica::with(&network, "b", operated()));
    let id = b.start("gpt-4o");
    b.bus.cut(true);
    let answer = a.ask("DELETE", &format!("/active-requests/{id}"), KEY).await;
    assert_eq!(
        (answer.status().as_u16(), document(answer).await["error"]["type"].clone()),
        (504, "fleet_timeout".into())
    );
}

#[tokio::test(start_paused = true)]
async fn totals_logs_and_the_last_hour_are_those_of_all() {
    let network = MemoryNetwork::new(1);
    let (mut a, mut b) = (Replica::new(&network, "a"), Replica::new(&network, "b"));
    a.start("openai:gpt-4o");
    b.start("openai:gpt-4o");
    b.start("anthropic:claude");
    b.requests.pop().unwrap().finish(Outcome::Completed);
    let totals = a.json("/running-totals?scope=fleet").await;
    assert_eq!((&totals["total_requests"], &totals["active_requests"]), (&3.into(), &2.into()));
    assert_eq!(totals["providers"]["openai"]["rollup"]["total"]["requests"], 2);
    assert_eq!(totals["replicas"]["answered"].as_array().unwrap().len(), 2);
    let filtered = a.json("/running-totals?scope=fleet&provider=anthropic").await;
    assert_eq!(filtered["total_requests"], 1);
    let logs = a.json("/logs?scope=fleet").await;
    assert_eq!((&logs["traces"][0]["model"], &logs["traces"][0]["replica"]), (&"claude".into(), &"b".into()));
    let series = a.json("/series?scope=fleet").await;
    let started: u64 =
        series["points"].as_array().unwrap().iter().map(|point| point["started"].as_u64().unwrap()).sum();
    assert_eq!(started, 3);
    let wrong = a.ask("GET", "/logs?scope=fleet&limit_errors=0", &[]).await;
    assert_eq!(wrong.status(), 400);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_does_not_answer_is_named_as_missing() {
    let network = MemoryNetwork::new(1);
    let (mut a, mut b) = (Replica::new(&network, "a"), Replica::new(&network, "b"));
    a.start("gpt-4o");
    b.start("gpt-4o");
    a.snapshot().await;
    b.bus.cut(true);
    let totals = a.json("/running-totals?scope=fleet").await;
    assert_eq!((&totals["total_requests"], &totals["replicas"]["missing"]), (&1.into(), &serde_json::json!(["b"])));
}

#[tokio::test(start_paused = true)]
async fn an_answer_says_in_which_scopes_the_server_answers() {
    let network = MemoryNetwork::new(1);
    let replica = Replica::new(&network, "a");
    for path in ["/active-requests", "/active-requests/stream", "/logs?scope=fleet", "/fleet"] {
        let answer = replica.ask("GET", path, &[]).await;
        assert_eq!(answer.headers()["active-requests-scopes"], "local, fleet", "{path}");
    }
    let alone = MonitorService::new(RequestTracker::default(), MonitorConfig::default());
    let answer = alone.oneshot(Request::builder().uri("/active-requests").body(()).unwrap()).await.unwrap();
    assert!(!answer.headers().contains_key("active-requests-scopes"));
}

#[tokio::test]
async fn without_a_fleet_the_scope_is_an_error_that_names_the_setting() {
    let service = MonitorService::new(RequestTracker::default(), MonitorConfig::default());
    for path in ["/active-requests?scope=fleet", "/active-requests/stream?scope=fleet", "/logs?scope=fleet", "/fleet"] {
        let answer = service.clone().oneshot(Request::builder().uri(path).body(()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
        let error = document(answer).await["error"].clone();
        assert_eq!(error["type"], "no_fleet");
        assert!(error["message"].as_str().unwrap().contains("VDM_ACTIVE_REQUESTS_FLEET_URL"));
    }
    let request = Request::builder().uri("/running-totals?scope=all").body(()).unwrap();
    assert_eq!(service.oneshot(request).await.unwrap().status(), 400);
}
