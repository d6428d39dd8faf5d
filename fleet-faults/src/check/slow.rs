//! Subscribers that do not read, and a watcher that is paused: they do not take what they are sent.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
    time::{Instant, sleep},
};

use super::promise;
use crate::{
    Failure,
    engine::EngineKind,
    finding::Course,
    http::OPERATOR,
    stage::{Fleet, Stage},
    traffic::Traffic,
    viewer::Viewer,
};

/// Subscribers that do not read.
const SLOW: usize = 30;
/// The memory that they may cost all together, in KB: what the kernel does not take is not kept for each.
const MAX_GROWTH: u64 = 16 << 10;

pub(crate) async fn readers(stage: &Stage, kind: EngineKind, course: &mut Course) -> Result<(), Failure> {
    let mut fleet = stage.fleet(kind).await?;
    // Large enough a fleet that a subscriber's buffers are full soon.
    for replica in &mut fleet.replicas {
        replica.begin_resting(60).await?;
    }
    let traffic: Vec<Traffic> =
        fleet.replicas.iter().map(|replica| Traffic::start(&replica.client, Duration::from_millis(30))).collect();
    sleep(Duration::from_secs(2)).await;
    let before = median_delay(&mut fleet).await?;
    let memory = fleet.replicas[0].process.memory()?;

    let address = fleet.replicas[0].client.address();
    let mut slow = Vec::new();
    for number in 0..SLOW {
        slow.push(subscribe(address, if number % 2 == 0 { "delta" } else { "update" }).await?);
    }
    sleep(Duration::from_secs(8)).await;
    let with = median_delay(&mut fleet).await?;
    course.took("shown to who reads, with no slow subscriber", before, Some(promise::SHOWN));
    course.took(&format!("shown to who reads, with {SLOW} slow subscribers"), with, Some(promise::SHOWN));
    let growth = fleet.replicas[0].process.memory()?.saturating_sub(memory);
    course.note(format!("{SLOW} slow subscribers: {growth} KB more memory"));
    if growth > MAX_GROWTH {
        return Err(format!("{SLOW} subscribers that do not read take {growth} KB").into());
    }
    drop(slow);

    // A watcher that is paused: the engine holds or drops what is for it.
    fleet.viewers.push(Viewer::open(&fleet.replicas[2].client).await?);
    sleep(Duration::from_secs(2)).await;
    fleet.replicas[2].pause()?;
    sleep(Duration::from_secs(9)).await;
    let paused = median_delay(&mut fleet).await?;
    course.took("shown to who reads, with a paused watcher", paused, Some(promise::SHOWN));
    fleet.replicas[2].go_on()?;
    let start = Instant::now();
    for traffic in traffic {
        traffic.stop().await?;
    }
    let equal = fleet.equal().await?;
    course.took("the paused watcher: equal, after it goes on", equal - start, Some(3 * promise::AT_ONCE));
    fleet.never_wrong().await
}

/// The time from the start of a request at one replica until a viewer at another has it.
async fn median_delay(fleet: &mut Fleet) -> Result<Duration, Failure> {
    let mut took = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        let exchange = fleet.replicas[1].client.begin("demo-c1000-d5-s5").await?;
        let shown = fleet.viewers[0].until("a new request", |seen| seen.rows.has(&exchange.id)).await?;
        took.push(shown - start);
    }
    took.sort();
    Ok(took[took.len() / 2])
}

/// A subscriber that never reads.
async fn subscribe(address: SocketAddr, format: &str) -> Result<TcpStream, Failure> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4096)?;
    let mut stream = socket.connect(address).await?;
    let path = format!("/metrics/active-requests/stream?scope=fleet&format={format}");
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nx-api-key: {OPERATOR}\r\n\r\n").as_bytes())
        .await?;
    Ok(stream)
}
