//! A service to ask and a viewer to watch with.

use active_requests::{
    config::{MonitorConfig, TrackerConfig},
    monitor::{MonitorService, ResponseBody},
    tracker::{ActiveRequest, RequestInfo, RequestTracker},
};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt;
use serde_json::Value;
use std::{collections::BTreeMap, fmt, time::Duration};
use tower::ServiceExt;

#[derive(Clone)]
pub(crate) struct Monitor {
    pub(crate) tracker: RequestTracker,
    pub(crate) service: MonitorService,
}

impl Monitor {
    pub(crate) fn new() -> Self {
        Self::with(MonitorConfig::default())
    }

    pub(crate) fn with(config: MonitorConfig) -> Self {
        Self::of(RequestTracker::default(), config)
    }

    /// One whose heart does not beat, and whose requests never stall.
    pub(crate) fn quiet() -> Self {
        let tracker = RequestTracker::new(TrackerConfig::default().stall_after(Duration::MAX));
        Self::of(tracker, MonitorConfig::default().heartbeat(Duration::MAX))
    }

    pub(crate) fn of(tracker: RequestTracker, config: MonitorConfig) -> Self {
        Self { service: MonitorService::new(tracker.clone(), config), tracker }
    }

    pub(crate) fn start(&self, model: &str) -> ActiveRequest {
        self.tracker.start(&Method::POST, "/v1/chat/completions", &RequestInfo::new().model(model)).unwrap()
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response<ResponseBody> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.service.clone().oneshot(request.body(()).unwrap()).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Response<ResponseBody> {
        self.ask("GET", path, &[]).await
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&bytes(self.get(path).await).await).unwrap()
    }

    /// A viewer of the stream, past its `retry` line.
    pub(crate) async fn watch(&self, format: &str) -> Viewer {
        self.watch_with(format, &[]).await
    }

    pub(crate) async fn watch_with(&self, format: &str, headers: &[(&str, &str)]) -> Viewer {
        let response = self.ask("GET", &format!("/active-requests/stream?format={format}"), headers).await;
        assert_eq!(response.status(), 200);
        let mut viewer = Viewer { body: response.into_body() };
        assert_eq!(viewer.next().await, "retry: 2000\n\n");
        viewer
    }
}

pub(crate) async fn bytes(response: Response<ResponseBody>) -> bytes::Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

pub(crate) struct Viewer {
    body: ResponseBody,
}

impl Viewer {
    /// The next event or comment, of as many pieces as it came in.
    pub(crate) async fn next(&mut self) -> String {
        let mut text = self.next_or_end().await.expect("the stream goes on");
        while !text.ends_with("\n\n") {
            text += &self.next_or_end().await.expect("the event goes on");
        }
        text
    }

    pub(crate) async fn next_or_end(&mut self) -> Option<String> {
        let frame = self.body.frame().await?.unwrap();
        Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
    }

    pub(crate) async fn event(&mut self) -> Event {
        Event::parse(&self.next().await)
    }

    /// The next piece, if one comes within `time`.
    pub(crate) async fn within(&mut self, time: Duration) -> Option<String> {
        tokio::time::timeout(time, self.next()).await.ok()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) data: Value,
    keys: Vec<String>,
}

impl Event {
    pub(crate) fn parse(text: &str) -> Self {
        let lines: Vec<&str> = text.strip_suffix("\n\n").expect("ends with a blank line").split('\n').collect();
        let [name, id, data] = lines.try_into().unwrap_or_else(|lines| panic!("not an event: {lines:?}"));
        let json = data.strip_prefix("data: ").unwrap();
        Self {
            name: name.strip_prefix("event: ").unwrap().to_owned(),
            id: id.strip_prefix("id: ").unwrap().to_owned(),
            data: serde_json::from_str(json).unwrap(),
            keys: serde_json::from_str::<Keys>(json).unwrap().0,
        }
    }

    /// The parts of the data, in order.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.keys.clone()
    }

    /// The ids of the snapshot's rows.
    pub(crate) fn ids(&self) -> Vec<String> {
        let rows = self.data["active_requests"].as_array().unwrap();
        rows.iter().map(|row| row["request_id"].as_str().unwrap().to_owned()).collect()
    }
}

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A viewer's table, kept by the contract's rules; without what follows from the time.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Table {
    rows: BTreeMap<String, Value>,
}

const COLUMNS: [&str; 11] = [
    "phase",
    "waiting_on",
    "usage_source",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "reasoning_tokens",
    "tool_calls",
    "response_bytes",
    "cost_usd",
];

impl Table {
    /// The expected table.
    pub(crate) fn of(tracker: &RequestTracker) -> Self {
        let mut table = Self::default();
        for row in tracker.snapshot() {
            table.put(serde_json::to_value(row).unwrap());
        }
        table
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    fn put(&mut self, mut row: Value) {
        for time in ["duration_ms", "idle_ms", "output_tokens_per_second"] {
            row.as_object_mut().unwrap().remove(time).unwrap();
        }
        self.rows.insert(row["request_id"].as_str().unwrap().to_owned(), row);
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        let list = |name: &str| event.data[name].as_array().cloned().unwrap_or_default();
        if event.name == "update" {
            self.rows.clear();
            list("active_requests").into_iter().for_each(|row| self.put(row));
            return;
        }
        list("started").into_iter().for_each(|row| self.put(row));
        for row in list("changed") {
            if self.rows.contains_key(row["request_id"].as_str().unwrap()) {
                self.put(row);
            }
        }
        for entry in list("progressed") {
            if let Some(row) = self.rows.get_mut(entry[0].as_str().unwrap()) {
                for (index, column) in COLUMNS.into_iter().enumerate() {
                    row[column] = entry[index + 1].clone();
                }
            }
        }
        for entry in list("ended") {
            self.rows.remove(entry[0].as_str().unwrap());
        }
    }
}

/// The keys of an object as they stand there, which a map would sort.
struct Keys(Vec<String>);

impl<'de> serde::Deserialize<'de> for Keys {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> serde::de::Visitor<'de> for InOrder {
            type Value = Keys;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, serde::de::IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
