//! Replicas to ask, and a viewer of all of them.

use active_requests::{
    config::{FleetConfig, MonitorConfig},
    fleet::{Fleet, FleetBus, MemoryBus, MemoryNetwork},
    monitor::{MonitorService, ResponseBody},
    tracker::{ActiveRequest, RequestInfo, RequestTracker},
};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, time::Duration};
use tower::ServiceExt;

pub(crate) struct Replica {
    pub(crate) tracker: RequestTracker,
    pub(crate) service: MonitorService,
    pub(crate) fleet: Fleet,
    pub(crate) bus: MemoryBus,
    pub(crate) requests: Vec<ActiveRequest>,
}

impl Replica {
    pub(crate) fn new(network: &MemoryNetwork, name: &str) -> Self {
        Self::with(network, name, MonitorConfig::default())
    }

    pub(crate) fn with(network: &MemoryNetwork, name: &str, monitor: MonitorConfig) -> Self {
        Self::configured(network, FleetConfig::default().replica(name), monitor)
    }

    pub(crate) fn configured(network: &MemoryNetwork, config: FleetConfig, monitor: MonitorConfig) -> Self {
        let bus = network.bus();
        Self::over(bus.clone(), bus, config, monitor)
    }

    /// A replica whose messages go over `over`, which stands on `bus`.
    pub(crate) fn over(over: impl FleetBus, bus: MemoryBus, config: FleetConfig, monitor: MonitorConfig) -> Self {
        let tracker = RequestTracker::default();
        let fleet = Fleet::start(over, tracker.clone(), config).unwrap();
        let service = MonitorService::new(tracker.clone(), monitor.heartbeat(Duration::MAX)).with_fleet(fleet.clone());
        Self { tracker, service, fleet, bus, requests: Vec::new() }
    }

    pub(crate) fn epoch(&self) -> String {
        format!("{:08x}", self.tracker.epoch())
    }

    /// Starts a request; returns its id.
    pub(crate) fn start(&mut self, model: &str) -> String {
        let request = self.tracker.start(&Method::POST, "/v1/chat/completions", &RequestInfo::new().model(model));
        self.requests.extend(request);
        self.requests.last().unwrap().handle().id().unwrap().to_string()
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response<ResponseBody> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.service.clone().oneshot(request.body(()).unwrap()).await.unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        document(self.ask("GET", path, &[]).await).await
    }

    pub(crate) async fn watch(&self, format: &str) -> Viewer {
        self.watch_with(format, &[]).await
    }

    pub(crate) async fn watch_with(&self, format: &str, headers: &[(&str, &str)]) -> Viewer {
        self.watch_scope("fleet", format, headers).await
    }

    pub(crate) async fn watch_scope(&self, scope: &str, format: &str, headers: &[(&str, &str)]) -> Viewer {
        let path = format!("/active-requests/stream?scope={scope}&format={format}");
        let response = self.ask("GET", &path, headers).await;
        assert_eq!(response.status(), 200);
        let (table, sums, list, last_id) = Default::default();
        Viewer { body: response.into_body(), table, sums, list, last_id }
    }

    /// The rows that a snapshot of the fleet shows.
    pub(crate) async fn snapshot(&self) -> Table {
        Table::default().put_all(&self.json("/active-requests?scope=fleet").await["active_requests"])
    }
}

pub(crate) async fn document(response: Response<ResponseBody>) -> Value {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{error}: {bytes:?}"))
}

/// A viewer of the fleet's stream, with its table kept by the contract's rules.
pub(crate) struct Viewer {
    body: ResponseBody,
    pub(crate) table: Table,
    /// The sums of each replica, by epoch.
    pub(crate) sums: BTreeMap<String, Value>,
    /// The list of replicas.
    pub(crate) list: Value,
    pub(crate) last_id: String,
}

impl Viewer {
    /// Reads and applies the next event that comes within `time`. Returns its data.
    pub(crate) async fn next(&mut self, time: Duration) -> Option<Value> {
        loop {
            let mut text = String::new();
            while !text.ends_with("\n\n") {
                let frame = tokio::time::timeout(time, self.body.frame()).await.ok()??.unwrap();
                text += std::str::from_utf8(&frame.into_data().unwrap()).unwrap();
            }
            if text.starts_with("retry: ") {
                continue;
            }
            let lines: Vec<&str> = text.strip_suffix("\n\n").expect("ends with a blank line").split('\n').collect();
            let [name, id, data] = lines.try_into().unwrap_or_else(|lines| panic!("not an event: {lines:?}"));
            self.last_id = id.strip_prefix("id: ").unwrap().to_owned();
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            if !data["fleet"].is_null() {
                self.list = data["fleet"].clone();
            }
            match name {
                "event: update" => {
                    self.table = Table::default().put_all(&data["active_requests"]);
                    self.sums.clear();
                }
                "event: delta" => {
                    self.table.apply(&data);
                    let gone = data["gone"].as_array().cloned().unwrap_or_default();
                    gone.iter().for_each(|epoch| _ = self.sums.remove(epoch.as_str().unwrap()));
                }
                other => panic!("{other}"),
            }
            for sums in data["sums"].as_array().into_iter().flatten() {
                self.sums.insert(sums["epoch"].as_str().unwrap().to_owned(), sums.clone());
            }
            return Some(data);
        }
    }

    /// Reads all that comes within `time`.
    pub(crate) async fn read_for(&mut self, time: Duration) {
        let end = tokio::time::Instant::now() + time;
        while self.next(end.saturating_duration_since(tokio::time::Instant::now())).await.is_some() {}
    }

    /// The states of the replicas, by name.
    pub(crate) fn states(&self) -> BTreeMap<String, String> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let replicas = self.list["replicas"].as_array().cloned().unwrap_or_default();
        replicas.iter().map(|replica| (text(&replica["replica"]), text(&replica["state"]))).collect()
    }
}

/// Rows by id, without what follows from the time.
#[derive(Default, Clone, PartialEq)]
pub(crate) struct Table {
    pub(crate) rows: BTreeMap<String, Map<String, Value>>,
}

/// The ids, and what is likely to differ.
impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let short = |row: &Map<String, Value>| {
            ["replica", "phase", "waiting_on", "response_bytes", "stage", "status"]
                .map(|name| row[name].to_string())
                .join(" ")
        };
        f.debug_map().entries(self.rows.iter().map(|(id, row)| (id, short(row)))).finish()
    }
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
    pub(crate) fn of<'a>(replicas: impl IntoIterator<Item = &'a Replica>) -> Self {
        let mut table = Self::default();
        for replica in replicas {
            for row in replica.tracker.snapshot() {
                let mut row = serde_json::to_value(row).unwrap();
                row["replica"] = replica.fleet.replica().into();
                table.put(&row);
            }
        }
        table
    }

    pub(crate) fn put_all(mut self, rows: &Value) -> Self {
        rows.as_array().unwrap().iter().for_each(|row| self.put(row));
        self
    }

    fn put(&mut self, row: &Value) {
        let mut row = row.as_object().unwrap().clone();
        for time in ["duration_ms", "idle_ms", "output_tokens_per_second"] {
            row.remove(time).unwrap();
        }
        self.rows.insert(row["request_id"].as_str().unwrap().to_owned(), row);
    }

    fn apply(&mut self, delta: &Value) {
        let list = |name: &str| delta[name].as_array().cloned().unwrap_or_default();
        for epoch in list("gone") {
            let start = format!("req_{}-", epoch.as_str().unwrap());
            self.rows.retain(|id, _| !id.starts_with(&start));
        }
        for row in list("started") {
            let id = row["request_id"].as_str().unwrap();
            assert!(!self.rows.contains_key(id), "{id} starts twice");
            self.put(&row);
        }
        for row in list("changed") {
            assert!(self.rows.contains_key(row["request_id"].as_str().unwrap()), "{row} is not known");
            self.put(&row);
        }
        for entry in list("progressed") {
            let row = self.rows.get_mut(entry[0].as_str().unwrap()).expect("a row that is known");
            for (index, column) in COLUMNS.into_iter().enumerate() {
                row[column] = entry[index + 1].clone();
            }
        }
        for entry in list("ended") {
            self.rows.remove(entry[0].as_str().unwrap());
        }
    }
}

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) async fn pass(time: u64) {
    tokio::time::sleep(ms(time)).await;
}
