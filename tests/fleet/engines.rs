//! Real engines: each carries messages as the trait says, from before the server is there until after it has come back.

use crate::support::document;
use active_requests::{
    MonitorConfig, MonitorService, RequestTracker,
    config::{FleetConfig, FleetUrl},
    fleet::{Fleet, FleetBus, FleetError, Inbox, NatsBus, RedisBus, Topic},
    tracker::{ActiveRequest, RequestInfo},
};
use bytes::Bytes;
use http::{Method, Request};
use serde_json::Value;
use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tower::ServiceExt;

/// A file, removed when dropped.
struct TempFile(std::path::PathBuf);

impl TempFile {
    fn with(text: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("active-requests-fleet-{}-{number}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

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
            fn is_connected(&self) -> bool {
                true
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

/// A bus that is refused, for a reason that names `setting`.
async fn is_refused<B: FleetBus>(bus: B, setting: &str) {
    let topics = std::thread::spawn(Topics::of_a_fleet).join().unwrap();
    let to = topics.one(".to.");
    for _ in 0..20 {
        assert!(bus.send(to.clone(), Bytes::from_static(b"x")).await.is_err());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    until("it says why", async || bus.trouble().is_some()).await;
    let trouble = bus.trouble().unwrap();
    assert!(trouble.contains(setting) && !trouble.contains("wrong@") && !bus.is_connected(), "{trouble}");
}

/// Two replicas over a real engine: each shows the rows of both.
async fn joins_replicas(url: FleetUrl) {
    join_replicas(FleetConfig::default().url(url)).await;
}

/// A replica with one request.
struct Replica {
    tracker: RequestTracker,
    monitor: MonitorService,
    fleet: Fleet,
    request: ActiveRequest,
}

impl Replica {
    async fn join(config: &FleetConfig, name: &str) -> Self {
        let tracker = RequestTracker::default();
        let fleet = Fleet::connect(tracker.clone(), config.clone().replica(name)).await.unwrap();
        let request = tracker.start(&Method::POST, "/v1/messages", &RequestInfo::new().model("gpt-4o")).unwrap();
        let monitor = MonitorService::new(tracker.clone(), MonitorConfig::default()).with_fleet(fleet.clone());
        Self { tracker, monitor, fleet, request }
    }

    fn another_request(&self) -> ActiveRequest {
        self.tracker.start(&Method::POST, "/v1/messages", &RequestInfo::new()).unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let request = Request::builder().uri(path).body(()).unwrap();
        document(self.monitor.clone().oneshot(request).await.unwrap()).await
    }

    /// The names of the replicas whose rows it shows.
    async fn shown(&self) -> Vec<String> {
        let shown = self.get("/active-requests?scope=fleet").await;
        let rows = shown["active_requests"].as_array().unwrap().iter();
        let mut names: Vec<_> = rows.map(|row| row["replica"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }
}

async fn join_replicas(config: FleetConfig) {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_carries_messages() {
    let mut server = Server::new(Engine::Nats);
    server.start();
    let bus = async || NatsBus::new(&server.url(), None, None).await.unwrap();
    carries_messages(bus().await, bus().await).await;
    joins_replicas(server.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_carries_messages() {
    let mut server = Server::new(Engine::Redis);
    server.start();
    let bus = || RedisBus::new(&server.url(), None).unwrap();
    carries_messages(bus(), bus()).await;
    joins_replicas(server.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_outlives_its_server() {
    let mut server = Server::new(Engine::Nats);
    let bus = NatsBus::new(&server.url(), None, None).await.unwrap();
    outlives_its_server(bus, &mut server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_outlives_its_server() {
    let mut server = Server::new(Engine::Redis);
    let bus = RedisBus::new(&server.url(), None).unwrap();
    outlives_its_server(bus, &mut server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_the_server_does_not_know_it_refuses_and_whom_it_knows_it_takes() {
    let mut nats = Server::new(Engine::Nats);
    nats.start_with(&["--user", "u", "--pass", "right"]);
    let mut redis = Server::new(Engine::Redis);
    redis.start_with(&["--requirepass", "right"]);
    let setting = "VDM_ACTIVE_REQUESTS_FLEET_CREDENTIALS";
    is_refused(NatsBus::new(&nats.url_with("u:wrong@"), None, None).await.unwrap(), setting).await;
    is_refused(RedisBus::new(&redis.url_with(":wrong@"), None).unwrap(), setting).await;
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
    let with = |url: &str, credentials: Option<&str>, ca_file: Option<&str>| {
        let mut config = FleetConfig::default().replica("a");
        config.url = (!url.is_empty()).then(|| url.parse().unwrap());
        (config.credentials, config.ca_file) = (credentials.map(str::to_owned), ca_file.map(str::to_owned));
        config
    };
    let empty = TempFile::with("");
    for (config, expected) in [
        (
            with("nats://127.0.0.1:1", Some("/nowhere"), None),
            "VDM_ACTIVE_REQUESTS_FLEET_CREDENTIALS=\"/nowhere\" cannot be read",
        ),
        (
            with("redis://127.0.0.1:1", Some("/nowhere"), None),
            "VDM_ACTIVE_REQUESTS_FLEET_CREDENTIALS is set, and is of no use without",
        ),
        (
            with("tls://127.0.0.1:1", None, Some("/nowhere")),
            "VDM_ACTIVE_REQUESTS_FLEET_CA_FILE=\"/nowhere\" cannot be used",
        ),
        (with("rediss://127.0.0.1:1", None, Some(empty.path())), "VDM_ACTIVE_REQUESTS_FLEET_CA_FILE="),
        (
            with("", None, None),
            "VDM_ACTIVE_REQUESTS_FLEET_REPLICA is set, and is of no use without VDM_ACTIVE_REQUESTS_FLEET_URL",
        ),
    ] {
        let error = start(config).await.to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

/// The files of an authority of our own, and of a server on this machine that it vouches for.
struct Certificates {
    authority: TempFile,
    certificate: TempFile,
    key: TempFile,
}

impl Certificates {
    fn new() -> Self {
        use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
        let (authority_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = TempFile::with(&params.self_signed(&authority_key).unwrap().pem());
        let issuer = Issuer::new(params, authority_key);
        let certificate = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        Self { authority, certificate: TempFile::with(&certificate.pem()), key: TempFile::with(&key.serialize_pem()) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_a_certificate_is_trusted_only_where_its_authority_is() {
    let of_server = Certificates::new();
    let (certificate, key) = (of_server.certificate.path(), of_server.key.path());
    let mut nats = Server::new(Engine::Nats);
    nats.start_with(&["--tls", "--tlscert", certificate, "--tlskey", key]);
    let mut redis = Server::new(Engine::Redis);
    let port = redis.port.to_string();
    let tls = ["--port", "0", "--tls-port", &port, "--tls-cert-file", certificate, "--tls-key-file", key];
    redis.start_with(&[&tls[..], &["--tls-auth-clients", "no"]].concat());
    let other = Certificates::new();
    let setting = "VDM_ACTIVE_REQUESTS_FLEET_CA_FILE";
    for (server, scheme) in [(&nats, "tls"), (&redis, "rediss")] {
        let url: FleetUrl = format!("{scheme}://127.0.0.1:{}", server.port).parse().unwrap();
        for ca_file in [None, Some(other.authority.path())] {
            match server.engine {
                Engine::Nats => is_refused(NatsBus::new(&url, None, ca_file).await.unwrap(), setting).await,
                Engine::Redis => is_refused(RedisBus::new(&url, ca_file).unwrap(), setting).await,
            }
        }
        let mut config = FleetConfig::default().url(url);
        config.ca_file = Some(of_server.authority.path().to_owned());
        join_replicas(config).await;
    }
}

/// A public example pair of keys of NATS's documentation.
const NKEY: [&str; 2] = [
    "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY",
    "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rights_that_the_readme_names_are_enough_and_those_of_another_fleet_are_not() {
    let [seed, public] = NKEY;
    let rules = TempFile::with(&format!(
        "authorization {{ users = [\
         {{ user: prod, password: p, permissions: {{ publish: \"ar1.prod.>\", subscribe: \"ar1.prod.>\" }} }}, \
         {{ nkey: {public}, permissions: {{ publish: \"ar1.prod.>\", subscribe: \"ar1.prod.>\" }} }} ] }}"
    ));
    let mut nats = Server::new(Engine::Nats);
    nats.start_with(&["-c", rules.path()]);
    let mut redis = Server::new(Engine::Redis);
    let rights = "resetchannels &ar1.prod.* &ar1.prod.rows.* &ar1.prod.sums.* +publish +subscribe +psubscribe +unsubscribe +punsubscribe +ping";
    let user: Vec<&str> = ["--user", "prod", "on", ">p"].into_iter().chain(rights.split(' ')).collect();
    redis.start_with(&[&user[..], &["--user", "default", "off"]].concat());

    let seed = TempFile::with(seed);
    for (url, credentials) in
        [(nats.url_with("prod:p@"), None), (redis.url_with("prod:p@"), None), (nats.url(), Some(seed.path()))]
    {
        let mut config = FleetConfig::default().url(url).name("prod".parse().unwrap());
        config.credentials = credentials.map(str::to_owned);
        join_replicas(config.clone()).await;

        let other = config.name("test".parse().unwrap());
        let tracker = RequestTracker::default();
        let fleet = Fleet::connect(tracker.clone(), other).await.unwrap();
        let monitor = MonitorService::new(tracker, MonitorConfig::default()).with_fleet(fleet);
        until("the list says that a right is missing", async || {
            let request = Request::builder().uri("/fleet").body(()).unwrap();
            let list = document(monitor.clone().oneshot(request).await.unwrap()).await;
            list["trouble"].as_str().is_some_and(|trouble| trouble.contains("lacks a right"))
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_may_not_send_rows_shows_those_of_others_and_says_what_it_lacks() {
    let rules = TempFile::with(
        "authorization { users = [\
         { user: all, password: p, permissions: { publish: \"ar1.prod.>\", subscribe: \"ar1.prod.>\" } }, \
         { user: looks, password: p, permissions: \
           { publish: [\"ar1.prod.fleet\", \"ar1.prod.to.*\"], subscribe: \"ar1.prod.>\" } } ] }",
    );
    let mut nats = Server::new(Engine::Nats);
    nats.start_with(&["-c", rules.path()]);
    let mut redis = Server::new(Engine::Redis);
    let all = "&ar1.prod.* &ar1.prod.rows.* &ar1.prod.sums.*";
    let listens = "+subscribe +psubscribe +unsubscribe +punsubscribe +ping";
    let users = [
        format!("all on >p resetchannels {all} +publish {listens}"),
        format!("looks on >p resetchannels &ar1.prod.fleet &ar1.prod.to.* +publish ({all} {listens})"),
    ];
    let rules = TempFile::with(&users.map(|user| format!("user {user}\n")).concat());
    redis.start_with(&["--aclfile", rules.path()]);
    for server in [&nats, &redis] {
        let config = |user: &str| {
            FleetConfig::default().url(server.url_with(&format!("{user}:p@"))).name("prod".parse().unwrap())
        };
        let (a, b) = (Replica::join(&config("all"), "a").await, Replica::join(&config("looks"), "b").await);
        until("the rows of both are shown", async || b.shown().await == ["a", "b"]).await;
        let _another = a.another_request();
        until("what begins is shown", async || b.shown().await == ["a", "a", "b"]).await;
        // One that watches, so that there are rows to be sent.
        a.shown().await;
        until("it says what it lacks", async || {
            b.get("/fleet").await["trouble"].as_str().is_some_and(|trouble| trouble.contains("lacks a right"))
        })
        .await;
        assert_eq!(b.get("/fleet").await["state"], "live");
    }
}
