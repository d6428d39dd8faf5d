//! Access to a real engine: whom it lets in, and what its rights allow.

use crate::{
    engines::Topics,
    replicas::{Replica, join_replicas, joins_replicas},
    servers::{Engine, Server, until},
    support::document,
};
use active_requests::{
    MonitorConfig, MonitorService, RequestTracker,
    config::{FleetConfig, FleetUrl},
    fleet::{Fleet, FleetBus, FleetError, NatsBus, RedisBus},
};
use bytes::Bytes;
use http::Request;
use std::{
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
