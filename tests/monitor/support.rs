//! A service to ask and a viewer to watch with.

use active_requests::{
    config::MonitorConfig,
    monitor::{Body, MonitorService},
    tracker::{ActiveRequest, RequestInfo, RequestTracker},
};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt;
use serde_json::Value;
use std::time::Duration;
use tower::ServiceExt;

pub struct Monitor {
    pub tracker: RequestTracker,
    pub service: MonitorService,
}

impl Monitor {
    pub fn new() -> Self {
        Self::with(MonitorConfig::default())
    }

    pub fn with(config: MonitorConfig) -> Self {
        Self::of(RequestTracker::default(), config)
    }

    pub fn of(tracker: RequestTracker, config: MonitorConfig) -> Self {
        Self { service: MonitorService::new(tracker.clone(), config), tracker }
    }

    pub fn start(&self, model: &str) -> ActiveRequest {
        self.tracker.start(&Method::POST, "/v1/chat/completions", &RequestInfo::new().model(model)).unwrap()
    }

    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.service.clone().oneshot(request.body(()).unwrap()).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Response<Body> {
        self.ask("GET", path, &[]).await
    }

    pub async fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&bytes(self.get(path).await).await).unwrap()
    }

    /// A viewer of the stream, past its `retry` line.
    pub async fn watch(&self, format: &str) -> Viewer {
        self.watch_with(format, &[]).await
    }

    pub async fn watch_with(&self, format: &str, headers: &[(&str, &str)]) -> Viewer {
        let response = self.ask("GET", &format!("/active-requests/stream?format={format}"), headers).await;
        assert_eq!(response.status(), 200);
        let mut viewer = Viewer { body: response.into_body() };
        assert_eq!(viewer.next().await, "retry: 2000\n\n");
        viewer
    }
}

pub async fn bytes(response: Response<Body>) -> bytes::Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

pub fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

pub struct Viewer {
    body: Body,
}

impl Viewer {
    /// The next piece as it came.
    pub async fn next(&mut self) -> String {
        self.next_or_end().await.expect("the stream goes on")
    }

    pub async fn next_or_end(&mut self) -> Option<String> {
        let frame = self.body.frame().await?.unwrap();
        Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
    }

    pub async fn event(&mut self) -> Event {
        Event::parse(&self.next().await)
    }

    /// The next piece, if one comes within `time`.
    pub async fn within(&mut self, time: Duration) -> Option<String> {
        tokio::time::timeout(time, self.next()).await.ok()
    }
}

#[derive(Debug, Clone)]
pub struct Event {
    pub name: String,
    pub id: String,
    pub data: Value,
}

impl Event {
    pub fn parse(text: &str) -> Self {
        let lines: Vec<&str> = text.strip_suffix("\n\n").expect("ends with a blank line").split('\n').collect();
        let [name, id, data] = lines.try_into().unwrap_or_else(|lines| panic!("not an event: {lines:?}"));
        Self {
            name: name.strip_prefix("event: ").unwrap().to_owned(),
            id: id.strip_prefix("id: ").unwrap().to_owned(),
            data: serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap(),
        }
    }

    /// The ids of the snapshot's rows.
    pub fn ids(&self) -> Vec<String> {
        let rows = self.data["active_requests"].as_array().unwrap();
        rows.iter().map(|row| row["request_id"].as_str().unwrap().to_owned()).collect()
    }
}

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
