//! Real engines: each carries messages as the trait says, from before the server is there until after it has come back.

use crate::support::document;
use active_requests::{
    MonitorConfig, MonitorService, RequestTracker,
    config::{FleetConfig, FleetUrl},
    fleet::{Fleet, FleetBus, FleetError, Inbox, NatsBus, RedisBus, Topic},
    tracker::RequestInfo,
};
use bytes::Bytes;
use http::{Method, Request};
use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tower::ServiceExt;

/// A server of an engine, ended when dropped.
struct Server {
    engine: Engine,
    port: u16,
    process: Option<Child>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Engine {
    Nats,
    Redis,
}

impl Server {
    /// One that does not run yet.
    fn new(engine: Engine) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        Self { engine, port: free.local_addr().unwrap().port(), process: None }
    }

    fn start(&mut self) {
        self.start_with(&[]);
    }

    fn start_with(&mut self, more: &[&str]) {
        let port = self.port.to_string();
        let mut command = match self.engine {
            Engine::Nats => Command::new("nats-server"),
            Engine::Redis => Command::new("redis-server"),
        };
        match self.engine {
            Engine::Nats => command.args(["-a", "127.0.0.1", "-p", &port]),
            Engine::Redis => command.args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"]),
        };
        let started = command.args(more).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.process = Some(started.unwrap_or_else(|error| panic!("{:?} cannot be started: {error}", self.engine)));
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    fn url(&self) -> FleetUrl {
        self.url_with("")
    }

    fn url_with(&self, user: &str) -> FleetUrl {
        let scheme = if self.engine == Engine::Nats { "nats" } else { "redis" };
        format!("{scheme}://{user}127.0.0.1:{}", self.port).parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Tries again until `done`, or for too long.
async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

/// Topics come from a fleet only; this one is of a fleet whose messages nobody else sends.
struct Topics {
    seen: Vec<Topic>,
}

impl Topics {
    /// The topics that a fleet listens to, by asking it.
    fn of_a_fleet() -> Self {
        use std::sync::{Arc, Mutex};
        #[derive(Clone, Default)]
        struct Recorder(Arc<Mutex<Vec<Topic>>>);
        impl FleetBus for Recorder {
            async fn send(&self, topic: Topic, _: Bytes) -> Result<(), active_requests::fleet::Lost> {
                self.0.lock().unwrap().push(topic);
                Ok(())
            }
            fn listen(&self, topic: Topic, _: Inbox) -> active_requests::fleet::Listening {
                self.0.lock().unwrap().push(topic);
                active_requests::fleet::Listening::new(())
            }
            fn reset(&self) {}
            fn engine(&self) -> &'static str {
                "recorder"
            }
        }
        let recorder = Recorder::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let tracker = RequestTracker::default();
            let fleet = Fleet::start(recorder.clone(), tracker.clone(), FleetConfig::default()).unwrap();
            let monitor = MonitorService::new(tracker, MonitorConfig::default()).with_fleet(fleet);
            let request = Request::builder().uri("/fleet").body(()).unwrap();
            monitor.oneshot(request).await.unwrap();
        });
        let seen = recorder.0.lock().unwrap().clone();
        Self { seen }
    }

    fn one(&self, part: &str) -> Topic {
        self.seen.iter().find(|topic| topic.as_str().contains(part)).unwrap().clone()
    }
}

async fn carries_messages<B: FleetBus + Clone>(bus: B, other: B) {
    let topics = std::thread::spawn(Topics::of_a_fleet).join().unwrap();
    let (all, to) = (topics.one(".rows.*"), topics.one(".to."));
    let (inbox, patterned) = (Inbox::new(), Inbox::new());
    let listening = bus.listen(to.clone(), inbox.clone());
    let _all = bus.listen(all.clone(), patterned.clone());
    until("a message comes", async || {
        let _ = other.send(to.clone(), Bytes::from_static(b"first")).await;
        inbox.try_take().is_some()
    })
    .await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    while inbox.try_take().is_some() {}

    // In order, large ones too, from others and from oneself.
    let large = Bytes::from(vec![b'x'; 512 << 10]);
    for sender in [&other, &bus] {
        for number in 0..50_u8 {
            let body = if number % 25 == 0 { large.clone() } else { Bytes::from(vec![number]) };
            sender.send(to.clone(), body).await.unwrap();
        }
        for number in 0..50_u8 {
            let came = tokio::time::timeout(Duration::from_secs(20), inbox.take()).await.unwrap();
            assert_eq!(came.len(), if number % 25 == 0 { large.len() } else { 1 });
            assert!(came.len() > 1 || came[0] == number);
        }
    }
    assert!(patterned.try_take().is_none());

    drop(listening);
    until("nobody listens any more", async || {
        while inbox.try_take().is_some() {}
        other.send(to.clone(), Bytes::from_static(b"late")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        inbox.try_take().is_none()
    })
    .await;
}

async fn outlives_its_server<B: FleetBus + Clone>(bus: B, server: &mut Server) {
    let topics = std::thread::spawn(Topics::of_a_fleet).join().unwrap();
    let to = topics.one(".to.");
    let inbox = Inbox::new();
    let _listening = bus.listen(to.clone(), inbox.clone());
    let nobody =
        tokio::time::timeout(Duration::from_secs(20), bus.send(to.clone(), Bytes::from_static(b"early"))).await;
    assert!(nobody.unwrap().is_err(), "there is no server yet");
    let comes = async || {
        let _ = bus.send(to.clone(), Bytes::from_static(b"x")).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        inbox.try_take().is_some()
    };
    server.start();
    until("it connects", comes).await;
    for _ in 0..2 {
        server.stop();
        until("it is lost", async || bus.send(to.clone(), Bytes::from_static(b"x")).await.is_err()).await;
        while inbox.try_take().is_some() {}
        server.start();
        until("it connects again", comes).await;
    }
    bus.reset();
    until("it connects anew", comes).await;
}

async fn is_refused<B: FleetBus>(bus: B) {
    let topics = std::thread::spawn(Topics::of_a_fleet).join().unwrap();
    let to = topics.one(".to.");
    for _ in 0..20 {
        assert!(bus.send(to.clone(), Bytes::from_static(b"x")).await.is_err());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Two replicas over a real engine: each shows the rows of both.
async fn joins_replicas(url: FleetUrl) {
    let mut replicas = Vec::new();
    for name in ["a", "b"] {
        let tracker = RequestTracker::default();
        let config = FleetConfig::default().url(url.clone()).replica(name);
        let fleet = Fleet::connect(tracker.clone(), config).await.unwrap();
        let request = tracker.start(&Method::POST, "/v1/messages", &RequestInfo::new().model("gpt-4o")).unwrap();
        replicas.push((
            MonitorService::new(tracker, MonitorConfig::default()).with_fleet(fleet.clone()),
            fleet,
            request,
        ));
    }
    for (monitor, ..) in &replicas {
        until("both rows are shown", async || {
            let request = Request::builder().uri("/active-requests?scope=fleet").body(()).unwrap();
            let shown = document(monitor.clone().oneshot(request).await.unwrap()).await;
            let mut names: Vec<_> =
                shown["active_requests"].as_array().unwrap().iter().map(|row| row["replica"].clone()).collect();
            names.sort_by_key(ToString::to_string);
            names == ["a", "b"]
        })
        .await;
    }
    let id = replicas[1].2.handle().id().unwrap();
    let request = Request::builder().uri(format!("/active-requests/{id}")).body(()).unwrap();
    let row = document(replicas[0].0.clone().oneshot(request).await.unwrap()).await;
    assert_eq!((&row["request_id"], &row["replica"]), (&id.to_string().into(), &"b".into()));
    for (.., fleet, _) in &replicas {
        assert_eq!(fleet.counts().mismatches, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_carries_messages() {
    let mut server = Server::new(Engine::Nats);
    server.start();
    let bus = async || NatsBus::new(&server.url(), None).await.unwrap();
    carries_messages(bus().await, bus().await).await;
    joins_replicas(server.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_carries_messages() {
    let mut server = Server::new(Engine::Redis);
    server.start();
    let bus = || RedisBus::new(&server.url()).unwrap();
    carries_messages(bus(), bus()).await;
    joins_replicas(server.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_outlives_its_server() {
    let mut server = Server::new(Engine::Nats);
    let bus = NatsBus::new(&server.url(), None).await.unwrap();
    outlives_its_server(bus, &mut server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_outlives_its_server() {
    let mut server = Server::new(Engine::Redis);
    let bus = RedisBus::new(&server.url()).unwrap();
    outlives_its_server(bus, &mut server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_the_server_does_not_know_it_refuses_and_whom_it_knows_it_takes() {
    let mut nats = Server::new(Engine::Nats);
    nats.start_with(&["--user", "u", "--pass", "right"]);
    let mut redis = Server::new(Engine::Redis);
    redis.start_with(&["--requirepass", "right"]);
    is_refused(NatsBus::new(&nats.url_with("u:wrong@"), None).await.unwrap()).await;
    is_refused(RedisBus::new(&redis.url_with(":wrong@")).unwrap()).await;
    joins_replicas(nats.url_with("u:right@")).await;
    joins_replicas(redis.url_with(":right@")).await;
}

#[tokio::test]
async fn an_address_or_credentials_that_cannot_be_used_stop_the_start_without_a_password_in_the_error() {
    let start = async |config: FleetConfig| Fleet::connect(RequestTracker::default(), config).await.unwrap_err();
    assert_eq!(start(FleetConfig::default()).await, FleetError::NoUrl);
    for url in ["nats://u:hidden@h:99999", "redis://u:hidden@h:99999"] {
        let error = start(FleetConfig::default().url(url.parse().unwrap())).await.to_string();
        assert!(
            error.starts_with("VDM_ACTIVE_REQUESTS_FLEET_URL cannot be used") && !error.contains("hidden"),
            "{error}"
        );
    }
    let mut config = FleetConfig::default().url("nats://127.0.0.1:1".parse().unwrap());
    config.credentials = Some("/nowhere".to_owned());
    assert!(
        start(config)
            .await
            .to_string()
            .starts_with("VDM_ACTIVE_REQUESTS_FLEET_CREDENTIALS=\"/nowhere\" cannot be read")
    );
}
