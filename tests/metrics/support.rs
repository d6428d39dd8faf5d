//! A tracker with a monitor, and what both are asked.

use active_requests::{
    MonitorConfig, MonitorService, RequestTracker, TrackerConfig,
    tracker::{ActiveRequest, RequestInfo},
};
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

pub(crate) struct Watched {
    pub(crate) tracker: RequestTracker,
    monitor: MonitorService,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    #[cfg(feature = "prometheus")]
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Watched {
    pub(crate) fn new() -> Self {
        Self::with(TrackerConfig::default(), MonitorConfig::default())
    }

    pub(crate) fn with(tracker: TrackerConfig, monitor: MonitorConfig) -> Self {
        let tracker = RequestTracker::new(tracker);
        Self { monitor: MonitorService::new(tracker.clone(), monitor).mounted_at("/metrics"), tracker }
    }

    pub(crate) fn start(&self, info: &RequestInfo<'_>) -> ActiveRequest {
        self.tracker.start(&Method::POST, "/v1/chat/completions", info).unwrap()
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.monitor.clone().oneshot(request.body(()).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }
}
