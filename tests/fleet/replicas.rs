//! Replicas that share a real engine.

use crate::{servers::until, support::document};
use active_requests::{
    MonitorConfig, MonitorService, RequestTracker,
    config::{FleetConfig, FleetUrl},
    fleet::Fleet,
    tracker::{ActiveRequest, RequestInfo},
};
use http::{Method, Request};
use serde_json::Value;
use tower::ServiceExt;

/// Two replicas over a real engine: each shows the rows of both.
pub(crate) async fn joins_replicas(url: FleetUrl) {
    join_replicas(FleetConfig::default().url(url)).await;
}

/// A replica with one request.
pub(crate) struct Replica {
    pub(crate) tracker: RequestTracker,
    pub(crate) monitor: MonitorService,
    pub(crate) fleet: Fleet,
    pub(crate) request: ActiveRequest,
}

impl Replica {
    pub(crate) async fn join(config: &FleetConfig, name: &str) -> Self {
        let tracker = RequestTracker::default();
        let fleet = Fleet::connect(tracker.clone(), config.clone().replica(name)).await.unwrap();
        let request = tracker.start(&Method::POST, "/v1/messages", &RequestInfo::new().model("gpt-4o")).unwrap();
        let monitor = MonitorService::new(tracker.clone(), MonitorConfig::default()).with_fleet(fleet.clone());
        Self { tracker, monitor, fleet, request }
    }

    pub(crate) fn another_request(&self) -> ActiveRequest {
        self.tracker.start(&Method::POST, "/v1/messages", &RequestInfo::new()).unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let request = Request::builder().uri(path).body(()).unwrap();
        document(self.monitor.clone().oneshot(request).await.unwrap()).await
    }

    /// The names of the replicas whose rows it shows.
    pub(crate) async fn shown(&self) -> Vec<String> {
        let shown = self.get("/active-requests?scope=fleet").await;
        let rows = shown["active_requests"].as_array().unwrap().iter();
        let mut names: Vec<_> = rows.map(|row| row["replica"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }
}

pub(crate) async fn join_replicas(config: FleetConfig) {
    let (a, b) = (Replica::join(&config, "a").await, Replica::join(&config, "b").await);
    for replica in [&a, &b] {
        until("both rows are shown", async || replica.shown().await == ["a", "b"]).await;
    }
    // What comes after the first rows comes another way.
    let _another = [a.another_request(), b.another_request()];
    for replica in [&a, &b] {
        until("what begins is shown", async || replica.shown().await == ["a", "a", "b", "b"]).await;
    }
    let id = b.request.handle().id().unwrap();
    let row = a.get(&format!("/active-requests/{id}")).await;
    assert_eq!((&row["request_id"], &row["replica"]), (&id.to_string().into(), &"b".into()));
    for replica in [&a, &b] {
        assert_eq!(replica.fleet.counts().mismatches, 0);
    }
}
