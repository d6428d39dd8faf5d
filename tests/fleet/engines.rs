//! Real engines: each carries messages as the trait says, from before the server is there until after it has come back.

use crate::{
    replicas::joins_replicas,
    servers::{Engine, Server, until},
};
use active_requests::{
    MonitorConfig, MonitorService, RequestTracker,
    config::FleetConfig,
    fleet::{Fleet, FleetBus, Inbox, NatsBus, RedisBus, Topic},
};
use bytes::Bytes;
use http::Request;
use std::time::Duration;
use tower::ServiceExt;

/// Topics come from a fleet only; this one is of a fleet whose messages nobody else sends.
pub(crate) struct Topics {
    seen: Vec<Topic>,
}

impl Topics {
    /// The topics that a fleet listens to, by asking it.
    pub(crate) fn of_a_fleet() -> Self {
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

    pub(crate) fn one(&self, part: &str) -> Topic {
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
